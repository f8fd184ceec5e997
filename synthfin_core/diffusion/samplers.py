r"""From noise to data: the full way back in all steps, and one in a few.

A sampler is given a denoiser, which guesses the clean vectors :math:`\hat x_0` from noisy ones and the number of the
step, and the noise to set out from. It knows no network, so that on Gaussian data, whose best denoiser is known in
closed form, it can be proved right.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from synthfin_core.diffusion.schedule import Schedule

Denoiser = Callable[[Tensor, int], Tensor]  #: noisy vectors (b, k) and the step they are at → clean ones (b, k)
#: Told of each step, counted from one: the noisy vectors that the denoiser was given, and its guess of the clean ones.
OnTheWay = Callable[[int, Tensor, Tensor], None]


@torch.no_grad()
def ancestral(
    denoise: Denoiser,
    schedule: Schedule,
    x: Tensor,
    noise: Callable[[], Tensor],
    temperature: float = 1.0,
    on_the_way: OnTheWay | None = None,
) -> Tensor:
    r"""Every step back, drawn from :math:`q(x_{s-1} | x_s, \hat x_0)` (DDPM).

    .. math:: x_{s-1} \sim N\Big(\frac{\alpha_{s-1} \beta_s}{\sigma_s^2} \hat x_0 +
        \frac{\sqrt{1 - \beta_s}\, \sigma_{s-1}^2}{\sigma_s^2} x_s,\;
        \tau^2 \frac{\sigma_{s-1}^2 \beta_s}{\sigma_s^2}\Big)

    Parameters
    ----------
    denoise : callable
    schedule : Schedule
    x : Tensor (b, k)
        Vectors at the last step.
    noise : callable
        Standard normal `(b, k)`, new at each call.
    temperature : float
        What the noise of every step is multiplied by, :math:`\tau`; the caller multiplies the first noise.
    on_the_way : callable, optional

    References
    ----------
    Ho, Jain and Abbeel (2020), https://arxiv.org/abs/2006.11239, equations 6 and 7.
    """
    alpha, sigma = schedule.alpha.tolist(), schedule.sigma.tolist()
    for done, step in enumerate(range(len(schedule) - 1, 0, -1), start=1):
        clean = denoise(x, step)
        if on_the_way is not None:
            on_the_way(done, x, clean)
        kept = alpha[step] / alpha[step - 1]  # sqrt(1 - beta)
        beta, variance = 1 - kept**2, sigma[step] ** 2
        mean = alpha[step - 1] * beta / variance * clean + kept * sigma[step - 1] ** 2 / variance * x
        x = mean + temperature * math.sqrt(beta / variance) * sigma[step - 1] * noise()
    clean = denoise(x, 0)
    if on_the_way is not None:
        on_the_way(len(schedule), x, clean)
    return clean


@torch.no_grad()
def few_step(
    denoise: Denoiser, schedule: Schedule, x: Tensor, steps: int, on_the_way: OnTheWay | None = None
) -> Tensor:
    r"""The way back as a differential equation without noise, in `steps` steps of second order: DPM-Solver++(2M).

    With :math:`\ell = \log(\alpha / \sigma)`, the step from :math:`s` to :math:`r`, :math:`h = \ell_r - \ell_s`, is

    .. math:: x_r = \frac{\sigma_r}{\sigma_s} x_s + \alpha_r (1 - e^{-h}) D, \qquad
        D = \hat x_0(s) + \frac{h}{2 h'} (\hat x_0(s) - \hat x_0(s'))

    where :math:`s'` is the step before and :math:`h'` its length. At the last step its guess is the answer.

    Parameters
    ----------
    denoise : callable
    schedule : Schedule
    x : Tensor (b, k)
        Vectors at step ``few(schedule, steps)[0]``.
    steps : int
        Times that the denoiser is asked, at least 2.
    on_the_way : callable, optional

    References
    ----------
    Lu, Zhou, Bao, Chen, Li and Zhu, *DPM-Solver++* (2022), https://arxiv.org/abs/2211.01095, algorithm 2.
    """
    visited = few(schedule, steps)
    alpha, sigma, clock = (of.tolist() for of in (schedule.alpha, schedule.sigma, schedule.half_log_snr))
    before, length_before = None, 0.0
    for done, (step, following) in enumerate(pairwise(visited), start=1):
        clean = denoise(x, step)
        if on_the_way is not None:
            on_the_way(done, x, clean)
        length = clock[following] - clock[step]
        guess = clean if before is None else clean + length / (2 * length_before) * (clean - before)
        x = sigma[following] / sigma[step] * x - alpha[following] * math.expm1(-length) * guess
        before, length_before = clean, length
    clean = denoise(x, visited[-1])
    if on_the_way is not None:
        on_the_way(len(visited), x, clean)
    return clean


def few(schedule: Schedule, steps: int) -> list[int]:
    r"""The steps that `few_step` visits, from noise to data: evenly spaced in :math:`\log(\alpha / \sigma)`.

    The very last steps of the cosine leave nothing of the data and are passed over. Where two fall on the same step
    of the schedule it is visited once.
    """
    clock = schedule.half_log_snr
    first = int((schedule.alpha >= LEAST_SIGNAL).nonzero().max())
    wanted = torch.linspace(float(clock[first]), float(clock[0]), steps, dtype=torch.float64)
    nearest = (clock[None, :] - wanted[:, None]).abs().argmin(dim=1)
    return list(dict.fromkeys(nearest.tolist()))


LEAST_SIGNAL = 0.01  #: share of the data that is left where the few-step sampler sets out
