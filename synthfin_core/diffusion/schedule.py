r"""How much of the data is left after each step of noising.

After step :math:`s` of `S` a vector is :math:`x_s = \alpha_s x_0 + \sigma_s \epsilon` with
:math:`\alpha_s^2 + \sigma_s^2 = 1`. One step goes :math:`x_s = \sqrt{1 - \beta_s} x_{s-1} + \sqrt{\beta_s} \epsilon`,
so that :math:`\alpha_s^2 = \prod_{r \le s} (1 - \beta_r)`, which papers write as :math:`\bar\alpha_s`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

STEPS = 1000
KINDS = ("cosine", "linear")
OFFSET = 0.008  # keeps the first steps of the cosine from being too small to see
LARGEST_BETA = 0.999


@dataclass(frozen=True, eq=False)
class Schedule:
    r"""Signal and noise after each step, counted from zero: entry 0 is what one step leaves.

    Attributes
    ----------
    alpha, sigma : Tensor (S,), float64
        What the data and the noise are multiplied by.

    References
    ----------
    Linear: Ho, Jain and Abbeel, *Denoising Diffusion Probabilistic Models* (2020), https://arxiv.org/abs/2006.11239.
    Cosine: Nichol and Dhariwal, *Improved Denoising Diffusion Probabilistic Models* (2021),
    https://arxiv.org/abs/2102.09672.

    Examples
    --------
    >>> schedule = Schedule.of("cosine")
    >>> len(schedule), bool(torch.allclose(schedule.alpha**2 + schedule.sigma**2, torch.ones(1000).double()))
    (1000, True)
    """

    alpha: Tensor
    sigma: Tensor

    @classmethod
    def of(cls, kind: str, steps: int = STEPS) -> Self:
        """The schedule `kind`, one of `KINDS`, in `steps` steps."""
        beta = (cosine_betas if kind == "cosine" else linear_betas)(steps)
        left = torch.cumprod(1 - beta, dim=0)
        return cls(left.sqrt(), (1 - left).sqrt())

    def __len__(self) -> int:
        return len(self.alpha)

    @property
    def half_log_snr(self) -> Tensor:
        r"""Logarithm of :math:`\alpha / \sigma`, `(S,)`, falling: the clock of the few-step solver."""
        return torch.log(self.alpha / self.sigma)


def cosine_betas(steps: int) -> Tensor:
    r""":math:`\beta_s` of :math:`\alpha_s^2 \propto \cos^2 \frac{\pi}{2} \frac{s / S + o}{1 + o}`, `(S,)`."""
    at = torch.arange(steps + 1, dtype=torch.float64) / steps
    left = torch.cos((at + OFFSET) / (1 + OFFSET) * math.pi / 2) ** 2
    return (1 - left[1:] / left[:-1]).clamp(max=LARGEST_BETA)


def linear_betas(steps: int) -> Tensor:
    r""":math:`\beta_s` rising in a line, from 0.0001 to 0.02 in 1000 steps; in fewer as much more each; `(S,)`."""
    stretch = STEPS / steps
    return torch.linspace(1e-4 * stretch, 0.02 * stretch, steps, dtype=torch.float64).clamp(max=LARGEST_BETA)
