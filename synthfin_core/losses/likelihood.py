r"""Log densities: of one step of several series, Gaussian and Student-t, and of a whole window, Gaussian.

A step `x (..., d)` has a location `m`, scales `s` and dependence between series. The dependence is written through
the precision: with :math:`e = (x - m) / s` and a lower triangular matrix `A` with zeros on its diagonal,

.. math:: u = (I + A) e

has independent standard entries. Any covariance can be written so, the density needs no matrix inverse, and the
determinant is the product of the scales. `A` is handed over as the `d (d - 1) / 2` numbers `below` its diagonal, row by
row.

The Student-t has one heavy-tail factor for all series of a step, so bad days are bad for all of them.

Source: Pourahmadi, "Joint mean-covariance models with applications to longitudinal data" (1999).
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor


def whiten(x: Tensor, m: Tensor, log_s: Tensor, below: Tensor) -> Tensor:
    """The independent standard residuals `u (..., d)` of `x (..., d)`.

    Parameters
    ----------
    x, m, log_s : Tensor (..., d)
        Values, locations and logarithms of the scales.
    below : Tensor (..., d (d - 1) / 2)
        `A` below its diagonal, row by row.
    """
    e = (x - m) * torch.exp(-log_s)
    d = x.shape[-1]
    if d == 1:
        return e
    rows, columns = below_diagonal(d, x.device, x.dtype)
    return e + (below * (e @ columns.T)) @ rows


@lru_cache(maxsize=16)
def below_diagonal(d: int, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Row and column of each number below the diagonal, as ones in two matrices `(d (d - 1) / 2, d)`."""
    with torch.inference_mode(False):  # what is kept must also serve in training
        one = torch.eye(d, device=device, dtype=dtype)
        rows, columns = torch.tril_indices(d, d, -1, device=device)
        return one[rows], one[columns]


def solve_below(u: Tensor, below: Tensor) -> Tensor:
    """The `e (..., d)` with `(I + A) e = u`."""
    columns: list[Tensor] = []
    first = 0
    for i in range(u.shape[-1]):
        e = u[..., i]
        for j in range(i):
            e = e - below[..., first + j] * columns[j]
        columns.append(e)
        first += i
    return torch.stack(columns, dim=-1)


def gaussian_log_density(u: Tensor, log_s: Tensor) -> Tensor:
    r"""Log density of a step with Gaussian residuals `u (..., d)`.

    .. math:: -\tfrac12 |u|^2 - \tfrac{d}{2} \log 2\pi - \sum_i \log s_i

    Returns
    -------
    Tensor (...)
    """
    return -0.5 * u.square().sum(-1) - log_s.sum(-1) - 0.5 * u.shape[-1] * math.log(2 * math.pi)


def student_t_log_density(u: Tensor, log_s: Tensor, dof: Tensor) -> Tensor:
    r"""Log density of a step with Student-t residuals `u (..., d)` of `dof` degrees of freedom.

    .. math:: \log\Gamma(\tfrac{\nu + d}{2}) - \log\Gamma(\tfrac{\nu}{2}) - \tfrac{d}{2} \log \nu\pi
              - \sum_i \log s_i - \tfrac{\nu + d}{2} \log(1 + |u|^2 / \nu)

    The standard deviation is the scale times :math:`\sqrt{\nu / (\nu - 2)}`.

    Returns
    -------
    Tensor (...)
    """
    d = u.shape[-1]
    constant = torch.lgamma((dof + d) / 2) - torch.lgamma(dof / 2) - d / 2 * torch.log(dof * math.pi)
    return constant - log_s.sum(-1) - (dof + d) / 2 * torch.log1p(u.square().sum(-1) / dof)


def low_rank_log_density(e: Tensor, log_s: Tensor, loadings: Tensor, log_noise: Tensor) -> Tensor:
    r"""Log density of `p` numbers at once, with a covariance that is low rank plus diagonal.

    .. math:: x \sim N(m, S (W W^\top + D) S), \quad e = S^{-1} (x - m), \quad M = I + W^\top D^{-1} W

    .. math:: \log p = -\tfrac12 (e^\top D^{-1} e - a^\top M^{-1} a) - \tfrac12 \log|M| - \tfrac12 \log|D|
              - \sum_i \log s_i - \tfrac{p}{2} \log 2\pi, \quad a = W^\top D^{-1} e,

    by the identities of Woodbury and Sylvester, so that no matrix larger than the rank is inverted.

    Parameters
    ----------
    e, log_s : Tensor (..., p)
        Scaled deviations from the mean, and logarithms of the scales.
    loadings : Tensor (p, r)
        `W`; without columns the numbers are independent.
    log_noise : Tensor (p,)
        Logarithm of the diagonal of `D`.

    Returns
    -------
    Tensor (...)
        In nats.
    """
    weighted = loadings * torch.exp(-log_noise).unsqueeze(1)  # (p, r)
    identity = torch.eye(loadings.shape[1], device=e.device, dtype=e.dtype)
    factor = torch.linalg.cholesky(identity + loadings.T @ weighted)  # (r, r)
    half = torch.linalg.solve_triangular(factor, (e @ weighted).unsqueeze(-1), upper=False)  # (..., r, 1)
    distance = (e.square() * torch.exp(-log_noise)).sum(-1) - half.square().sum((-2, -1))
    volume = 2 * torch.log(factor.diagonal()).sum() + log_noise.sum()
    density: Tensor = -0.5 * (distance + volume + e.shape[-1] * math.log(2 * math.pi)) - log_s.sum(-1)
    return density
