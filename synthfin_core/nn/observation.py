r"""Observation models: the law :math:`p(x | z)` of a window given its latents.

A decoder gives each bar a few numbers; an observation model says how many it wants and what they mean. What it makes of
them is a `WindowLaw`: a density, a mean, and an invertible map between windows and residuals of mean zero, so that
windows are drawn by drawing residuals. Residuals do not depend on the latents: with one seed the noise stays while the
latents move.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from synthfin_core import rng
from synthfin_core.losses.likelihood import (
    gaussian_log_density,
    solve_below,
    student_t_log_density,
    whiten,
)
from synthfin_core.nn.feedback import Feedback

Array = NDArray[np.float64]

# Letters of the shapes: b windows, t steps, d series, k latent dimensions.


class WindowLaw(ABC):
    """The distribution of windows `y (b, t, d)`, one for each of `b` latent points, in standardised units.

    Attributes
    ----------
    log_s : Tensor (b, t, d)
        Logarithms of the scales.
    """

    log_s: Tensor

    @abstractmethod
    def log_density(self, y: Tensor) -> Tensor:
        """Log density `(b,)` of windows `y (b, t, d)`, in nats."""

    @abstractmethod
    def residuals(self, y: Tensor) -> Tensor:
        """The residuals `u (b, t, d)` of windows `y (b, t, d)`."""

    @abstractmethod
    def windows(self, u: Tensor) -> Tensor:
        """The windows `y (b, t, d)` whose residuals are `u (b, t, d)`."""

    @abstractmethod
    def mean(self) -> Tensor:
        """Mean windows `(b, t, d)`."""


class Observation(nn.Module, ABC):
    """Makes the law of windows from what a decoder says, and draws its residuals.

    Attributes
    ----------
    numbers : int
        Numbers that it wants of the decoder for every bar.
    """

    numbers: int

    @abstractmethod
    def forward(self, bars: Tensor, z: Tensor) -> WindowLaw:
        """The law of windows, given the decoder's `bars (b, t, numbers)` at latents `z (b, k)`."""

    @abstractmethod
    def noise(self, n: int, t: int, seed: int) -> Array:
        """Residuals `(n, t, d)` of `n` new windows; window `i` depends on `(seed, i)` alone."""

    @abstractmethod
    def start_from(self, y: Tensor) -> Tensor:
        """Start near the best model of standardised windows `y (n, t, d)` without latents.

        Returns
        -------
        Tensor (numbers,)
            What the decoder should say of every bar at the beginning.
        """

    def values(self) -> dict[str, float]:
        """Numbers of its own that are worth showing."""
        return {}


@dataclass(frozen=True)
class BarByBar(WindowLaw):
    """Each bar has a law of its own given those before it; see `Stepwise`."""

    m: Tensor  # (b, t, d)
    log_s: Tensor
    below: Tensor  # (b, t, d (d - 1) / 2), dependence between series as in `synthfin_core.losses.likelihood`
    before: Tensor  # (b, d), the value that the first bar sets out from
    feedback: Feedback
    dof: Tensor | None  # degrees of freedom of a Student-t, None for a Gaussian

    def log_density(self, y: Tensor) -> Tensor:
        """Log density `(b,)`, summed over the bars."""
        u, log_s = self._whitened(y)
        if self.dof is None:
            return gaussian_log_density(u, log_s).sum(dim=1)
        return student_t_log_density(u, log_s, self.dof).sum(dim=1)

    def residuals(self, y: Tensor) -> Tensor:
        """Residuals that are independent of each other, with the scale of the law's own standard form."""
        return self._whitened(y)[0]

    def windows(self, u: Tensor) -> Tensor:
        """Windows drawn bar after bar."""
        return self.feedback.unroll(self.m, self.log_s, solve_below(u, self.below), self.before)

    def mean(self) -> Tensor:
        """Mean windows, carried on from bar to bar."""
        return self.feedback.mean(self.m, self.before)

    def _whitened(self, y: Tensor) -> tuple[Tensor, Tensor]:
        shift, log_factor = self.feedback(y, self.before)
        log_s = self.log_s + log_factor
        return whiten(y, self.m + shift, log_s, self.below), log_s


class Stepwise(Observation):
    """Bar after bar, Gaussian or Student-t, with correlated series and the `Feedback` of the bars before.

    Parameters
    ----------
    d, latent_dim : int
    heavy : bool
        Student-t, with degrees of freedom that are learned, rather than Gaussian.
    """

    def __init__(self, d: int, latent_dim: int, heavy: bool) -> None:
        super().__init__()
        self.sizes = [d, d, d * (d - 1) // 2]
        self.numbers = sum(self.sizes)
        self.before = nn.Linear(latent_dim, d)
        self.feedback = Feedback(d)
        self.log_dof = nn.Parameter(torch.tensor(1.5)) if heavy else None

    @property
    def dof(self) -> Tensor | None:
        """Degrees of freedom of the Student-t, above 4 so that the kurtosis is finite."""
        return None if self.log_dof is None else 4 + torch.exp(self.log_dof)

    def forward(self, bars: Tensor, z: Tensor) -> BarByBar:
        """See `Observation.forward`."""
        m, log_s, below = bars.split(self.sizes, dim=-1)
        return BarByBar(m, log_s, below, self.before(z), self.feedback, self.dof)

    def noise(self, n: int, t: int, seed: int) -> Array:
        """Standard normal or Student-t residuals; see `Observation.noise`."""
        u = rng.stream(seed, "noise").standard_normal((n, t, self.sizes[0]))
        if self.dof is not None:
            dof = float(self.dof.detach())
            u /= np.sqrt(rng.stream(seed, "tails").chisquare(dof, (n, t, 1)) / dof)
        return u

    @torch.no_grad()
    def start_from(self, y: Tensor) -> Tensor:
        """Each bar a share of the one before, and one Gaussian for the rest."""
        past, now = y[:, :-1].flatten(0, 1), y[:, 1:].flatten(0, 1)
        phi = (past * now).sum(0) / past.square().sum(0)
        rest = now - phi * past  # (n (t - 1), d)
        size = rest.square().mean(0).sqrt().clamp(min=1e-3)
        identity = torch.eye(len(size), device=y.device)
        correlation = (rest / size).T @ (rest / size) / len(rest)
        factor = torch.linalg.cholesky(correlation + 1e-3 * identity)
        inverse = torch.linalg.solve_triangular(factor, identity, upper=False)
        scale = factor.diagonal()
        rows, columns = torch.tril_indices(len(size), len(size), -1, device=y.device)
        below = inverse[rows, columns] * scale[columns]
        self.feedback.phi.copy_(phi)
        self.feedback.first.copy_(-torch.log(size))
        return torch.cat([torch.zeros_like(phi), torch.log(scale * size), below])

    def values(self) -> dict[str, float]:
        """Degrees of freedom, where they are learned."""
        return {} if self.dof is None else {"degrees_of_freedom": float(self.dof.detach())}
