"""Noising and its way back: closed forms."""

from __future__ import annotations

import pytest
import torch

from synthfin_core.diffusion.process import TARGETS, Process
from synthfin_core.diffusion.schedule import Schedule

B, K = 20_000, 3


def made(target: str = "velocity") -> Process:
    return Process(Schedule.of("cosine"), target)


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_noised_vectors_have_the_moments_of_the_formula():
    process, x = made(), torch.tensor([1.0, -2.0, 0.5]).expand(B, K)
    step = torch.full((B,), 600)
    noised = process.noised(x, step, normal(0, B, K))
    alpha, sigma = float(process.schedule.alpha[600]), float(process.schedule.sigma[600])
    torch.testing.assert_close(noised.mean(dim=0), alpha * x[0], atol=0.03, rtol=0)
    torch.testing.assert_close(noised.std(dim=0), torch.full((K,), sigma), atol=0.02, rtol=0)


def test_many_single_steps_are_one_leap():
    """Noising step by step with the betas gives the mean and variance that `noised` jumps to."""
    schedule, x = Schedule.of("cosine"), torch.full((B,), 2.0, dtype=torch.float64)
    left = 1.0
    for step in range(300):
        kept = float(schedule.alpha[step]) / left
        eps = torch.randn(B, generator=torch.Generator().manual_seed(step), dtype=torch.float64)
        x = kept * x + (1 - kept**2) ** 0.5 * eps
        left = float(schedule.alpha[step])
    assert float(x.mean()) == pytest.approx(2 * float(schedule.alpha[299]), abs=0.02)
    assert float(x.std()) == pytest.approx(float(schedule.sigma[299]), rel=0.02)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("step", [0, 400, 900])
def test_the_right_answer_gives_the_clean_vectors_back(target, step):
    process, x, noise = made(target), normal(1, 50, K), normal(2, 50, K)
    at = torch.full((50,), step)

    def oracle(noisy, clock, condition):
        return process.wanted(x, at, noise)

    clean = process.clean(oracle, process.noised(x, at, noise), normal(3, 50, 1), step)
    torch.testing.assert_close(clean, x, atol=1e-3, rtol=1e-3)


def test_for_white_data_the_best_velocity_is_none():
    """The regression of v on the noisy vectors vanishes, so an untrained network is the Gaussian model."""
    process, x, noise = made(), normal(4, B, 1), normal(5, B, 1)
    for step in (10, 500, 990):
        at = torch.full((B,), step)
        noisy, wanted = process.noised(x, at, noise), process.wanted(x, at, noise)
        slope = (noisy * wanted).sum() / (noisy**2).sum()
        assert abs(float(slope)) < 0.03


def test_huber_pulls_less_than_the_square():
    process, x, noise = made("noise"), torch.zeros(1, 2), torch.tensor([[0.5, 4.0]])
    step = torch.zeros(1, dtype=torch.long)

    def silent(noisy, clock, condition):
        return torch.zeros_like(noisy)

    huber = process.loss(silent, x, x, step, noise, "huber")
    squared = process.loss(silent, x, x, step, noise, "squared")
    assert float(huber) == pytest.approx((0.5**2 / 2 + (4 - 0.5)) / 2)
    assert float(squared) == pytest.approx((0.5**2 / 2 + 4**2 / 2) / 2)


def test_the_network_is_told_the_clock_and_the_condition():
    process, seen = made(), []

    def network(noisy, clock, condition):
        seen.append((clock, condition))
        return torch.zeros_like(noisy)

    process.loss(network, normal(0, 4, K), normal(1, 4, 2), torch.tensor([0, 1, 998, 999]), normal(2, 4, K))
    clock, condition = seen[0]
    torch.testing.assert_close(clock, process.schedule.half_log_snr[[0, 1, 998, 999]].float())
    torch.testing.assert_close(condition, normal(1, 4, 2))
