"""Divergence and density of latents against torch's own."""

import torch

from synthfin_core.losses.divergence import kl_to_standard_normal, normal_log_density


def test_equals_torch_distributions():
    noise = torch.Generator().manual_seed(0)
    mu = torch.randn(50, 4, generator=noise, dtype=torch.float64)
    logvar = torch.randn(50, 4, generator=noise, dtype=torch.float64)
    posterior = torch.distributions.Normal(mu, torch.exp(logvar / 2))
    prior = torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu))
    torch.testing.assert_close(kl_to_standard_normal(mu, logvar), torch.distributions.kl_divergence(posterior, prior))


def test_is_zero_at_the_prior_and_positive_elsewhere():
    zero = torch.zeros(3)
    assert kl_to_standard_normal(zero, zero).eq(0).all()
    assert kl_to_standard_normal(zero + 0.1, zero).gt(0).all()
    assert kl_to_standard_normal(zero, zero - 0.1).gt(0).all()


def test_log_density_equals_torch_distributions():
    noise = torch.Generator().manual_seed(0)
    z, mu, logvar = torch.randn(3, 50, 4, generator=noise, dtype=torch.float64)
    law = torch.distributions.Normal(mu, torch.exp(logvar / 2))
    torch.testing.assert_close(normal_log_density(z, mu, logvar), law.log_prob(z).sum(-1))
