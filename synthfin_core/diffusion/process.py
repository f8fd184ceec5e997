r"""What a network learns in diffusion, and what it says about clean vectors.

A vector :math:`x_0` of mean 0 and variance 1 is drowned as :math:`x_s = \alpha_s x_0 + \sigma_s \epsilon`. The network
is asked either for the noise :math:`\epsilon` or for the velocity :math:`v = \alpha_s \epsilon - \sigma_s x_0`, and
from either the clean vector follows:

.. math:: \hat x_0 = \frac{x_s - \sigma_s \hat\epsilon}{\alpha_s} \qquad \hat x_0 = \alpha_s x_s - \sigma_s \hat v

If the vectors are white noise, :math:`\hat v = 0` is the best guess at every step. So where the data were whitened, an
untrained network that answers 0 is a Gaussian model of them already, and training adds what is not Gaussian.

Source: Ho, Jain and Abbeel (2020), https://arxiv.org/abs/2006.11239; the velocity from Salimans and Ho, *Progressive
Distillation for Fast Sampling of Diffusion Models* (2022), https://arxiv.org/abs/2202.00512.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from synthfin_core.diffusion.schedule import Schedule

TARGETS = ("velocity", "noise")
LOSSES = ("huber", "squared")

#: Noisy vectors (b, k), the logarithm of alpha / sigma (b,), conditions (b, s) → what was asked for (b, k).
Network = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Process:
    """Noising, the loss, and the guess of clean vectors.

    Parameters
    ----------
    schedule : Schedule
    target : str
        What the network is asked for, one of `TARGETS`.
    """

    schedule: Schedule
    target: str = "velocity"

    @cached_property
    def _table(self) -> tuple[Tensor, Tensor, Tensor]:
        schedule = self.schedule
        return schedule.alpha.float(), schedule.sigma.float(), schedule.half_log_snr.float()

    def noised(self, x: Tensor, step: Tensor, noise: Tensor) -> Tensor:
        """A draw from `q(x_s | x_0)` of clean `x (b, k)` at steps `(b,)`, from standard normal `noise (b, k)`."""
        alpha, sigma = self._at(step)
        return alpha * x + sigma * noise

    def wanted(self, x: Tensor, step: Tensor, noise: Tensor) -> Tensor:
        """What the network should answer, `(b, k)`."""
        if self.target == "noise":
            return noise
        alpha, sigma = self._at(step)
        return alpha * noise - sigma * x

    def loss(
        self, network: Network, x: Tensor, condition: Tensor, step: Tensor, noise: Tensor, kind: str = "huber"
    ) -> Tensor:
        """Mean over windows and coordinates of the Huber loss, or of half the square, of the network's answer."""
        answer = network(self.noised(x, step, noise), self.clock(step), condition)
        wanted = self.wanted(x, step, noise)
        if kind == "huber":
            return torch.nn.functional.huber_loss(answer, wanted)
        return torch.nn.functional.mse_loss(answer, wanted) / 2

    def clean(self, network: Network, x: Tensor, condition: Tensor, step: int) -> Tensor:
        """The guess of the clean vectors `(b, k)` given noisy ones `x (b, k)`, all at one step."""
        at = torch.full((len(x),), step, device=x.device)
        answer = network(x, self.clock(at), condition)
        alpha, sigma = self._at(at)
        if self.target == "noise":
            return (x - sigma * answer) / alpha
        return alpha * x - sigma * answer

    def clock(self, step: Tensor) -> Tensor:
        """Logarithm of alpha / sigma at steps `(b,)`."""
        return self._table[2].to(step.device)[step]

    def _at(self, step: Tensor) -> tuple[Tensor, Tensor]:
        alpha, sigma, _ = self._table
        return alpha.to(step.device)[step, None], sigma.to(step.device)[step, None]
