"""Distances between the distributions of latents."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def kl_to_standard_normal(mu: Tensor, logvar: Tensor) -> Tensor:
    r"""Kullback-Leibler divergence from `N(mu, exp(logvar))` to `N(0, 1)`, for each number on its own.

    .. math:: D_{KL} = \tfrac12 (\mu^2 + \sigma^2 - 1 - \log \sigma^2)

    Independent dimensions add up, so the divergence of a latent vector is the sum over its dimensions.

    Parameters
    ----------
    mu, logvar : Tensor (..., k)

    Returns
    -------
    Tensor (..., k)
        In nats, never negative.
    """
    return 0.5 * (mu.square() + logvar.exp() - 1 - logvar)


def normal_log_density(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    r"""Log density of latents under a normal distribution with independent dimensions.

    .. math:: -\tfrac12 \sum_k \left(\frac{(z_k - \mu_k)^2}{\sigma_k^2} + \log \sigma_k^2 + \log 2\pi\right)

    Parameters
    ----------
    z, mu, logvar : Tensor (..., k)

    Returns
    -------
    Tensor (...)
        In nats.
    """
    return -0.5 * ((z - mu).square() * torch.exp(-logvar) + logvar + math.log(2 * math.pi)).sum(-1)
