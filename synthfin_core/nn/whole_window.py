"""The observation model that takes a window as one draw from a normal law over all bars and series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from synthfin_core import rng
from synthfin_core.losses.likelihood import low_rank_log_density
from synthfin_core.nn.observation import Array, Observation, WindowLaw

# Letters of the shapes: b windows, t steps, d series, k latent dimensions, r columns of the loadings.


@dataclass(frozen=True)
class AllAtOnce(WindowLaw):
    """One Gaussian for the whole window; see `WholeWindow`."""

    m: Tensor  # (b, t, d)
    log_s: Tensor
    loadings: Tensor  # (t d, r)
    log_noise: Tensor  # (t d,)

    def log_density(self, y: Tensor) -> Tensor:
        """Log density `(b,)` of whole windows."""
        return low_rank_log_density(self.residuals(y).flatten(1), self.log_s.flatten(1), self.loadings, self.log_noise)

    def residuals(self, y: Tensor) -> Tensor:
        """Deviations from the mean over their scales; they depend on each other."""
        return (y - self.m) * torch.exp(-self.log_s)

    def windows(self, u: Tensor) -> Tensor:
        """Means plus scaled residuals."""
        return self.m + torch.exp(self.log_s) * u

    def mean(self) -> Tensor:
        """Mean windows, as the decoder says them."""
        return self.m


class WholeWindow(Observation):
    r"""One Gaussian for all bars and series of a window, with a full covariance, low rank plus diagonal.

    .. math:: x | z \sim N(m(z), S(z) (W W^\top + D) S(z))

    Mean and scales are the latents' choice; the correlations are the same for all windows.

    Parameters
    ----------
    t, d : int
    rank : int
        Columns of `W`. With 0 the bars are independent.
    """

    def __init__(self, t: int, d: int, rank: int) -> None:
        super().__init__()
        self.numbers, self.shape = 2 * d, (t, d)
        self.loadings = nn.Parameter(0.1 * torch.randn(t * d, rank))
        self.log_noise = nn.Parameter(torch.zeros(t * d))

    def forward(self, bars: Tensor, z: Tensor) -> AllAtOnce:
        """See `Observation.forward`."""
        m, log_s = bars.chunk(2, dim=-1)
        return AllAtOnce(m, log_s, self.loadings, self.log_noise)

    def noise(self, n: int, t: int, seed: int) -> Array:
        """Residuals with the covariance `W W' + D`."""
        w, log_noise = (part.detach().cpu().double().numpy() for part in (self.loadings, self.log_noise))
        common = rng.stream(seed, "common").standard_normal((n, w.shape[1]))  # (n, r)
        own = rng.stream(seed, "noise").standard_normal((n, len(w)))  # (n, t d)
        u: Array = (common @ w.T + np.exp(log_noise / 2) * own).reshape(n, *self.shape)
        return u

    @torch.no_grad()
    def start_from(self, y: Tensor) -> Tensor:
        """Independent bars with the spread of the data; what moves together is left to latents and loadings."""
        return torch.zeros(self.numbers, device=y.device)
