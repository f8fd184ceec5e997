"""The networks of the VAE: feedback step by step against all steps at once, and the start against the data."""

import numpy as np
import pytest
import torch

from synthfin_core.losses.likelihood import solve_below, whiten
from synthfin_core.nn.vae import VAENetwork, signals


@pytest.fixture
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = VAENetwork(3, 2, "lstm", 6, 4).double()
        torch.nn.init.normal_(made.feedback.weight, std=0.2)
        torch.nn.init.uniform_(made.feedback.phi, -0.5, 0.5)
    return made


def draws(*shape):
    return torch.as_tensor(np.random.default_rng(1).standard_normal(shape))


def test_windows_drawn_step_by_step_have_the_residuals_they_were_drawn_from(network):
    u = draws(5, 20, 3)
    with torch.no_grad():
        steps = network.decoder(draws(5, 2), 20)
    y = network.feedback.unroll(steps, u)
    shift, log_factor = network.feedback(y)
    torch.testing.assert_close(whiten(y, steps.m + shift, steps.log_s + log_factor, steps.below), u)


def test_feedback_equals_a_plain_loop(network):
    y = draws(4, 15, 3)
    shift, log_factor = network.feedback(y)
    memory = torch.zeros(4, 3, 6, dtype=torch.float64)
    for j in range(15):
        torch.testing.assert_close(log_factor[:, j], memory.flatten(1) @ network.feedback.weight)
        torch.testing.assert_close(shift[:, j], network.feedback.phi * (y[:, j - 1] if j else 0 * y[:, 0]))
        for i, decay in enumerate(network.feedback.decays):
            memory[:, i] = decay * memory[:, i] + (1 - decay) * torch.cat(signals(y[:, j], torch.log), dim=-1)


def test_mean_is_the_average_of_what_is_drawn(network):
    with torch.no_grad():
        steps = network.decoder(draws(1, 2).expand(20_000, -1), 5)
    u = draws(20_000, 5, 3)
    drawn = network.feedback.unroll(steps, u)
    error = drawn.std(0) / len(drawn) ** 0.5
    assert ((drawn.mean(0) - network.feedback.mean(steps.m[:1])[0]).abs() < 5 * error).all()


def test_starts_as_a_gaussian_with_the_covariance_of_the_data(network):
    mixed = draws(4000, 10, 3) @ torch.tensor([[1.0, 0.8, 0.1], [0.0, 2.0, 0.5], [0.0, 0.0, 0.3]], dtype=torch.float64)
    network.start_from(mixed + 7.0)
    network.decoder.head.weight.data.zero_()
    steps = network.decoder(draws(4000, 2), 10)
    y = network.restore(steps.m + torch.exp(steps.log_s) * solve_below(draws(4000, 10, 3), steps.below))
    np.testing.assert_allclose(y.flatten(0, 1).mean(0).detach(), 7.0, atol=0.05)
    np.testing.assert_allclose(np.cov(y.detach().flatten(0, 1).T), np.cov(mixed.flatten(0, 1).T), atol=0.1)
