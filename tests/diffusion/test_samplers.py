"""Samplers on Gaussian data, whose best denoiser is known: mean and covariance must come out right.

With x = alpha x0 + sigma eps and x0 ~ N(m, S), the clean vector's mean given x is
m + alpha S (alpha² S + sigma² I)^-1 (x - alpha m). Samplers are linear then, so what they do is worked out without
drawing: they are run on the columns of the identity.
"""

from __future__ import annotations

import pytest
import torch

from synthfin_core.diffusion.samplers import ancestral, few, few_step
from synthfin_core.diffusion.schedule import Schedule

MEAN = torch.tensor([0.5, -1.0, 0.2], dtype=torch.float64)
COVARIANCE = torch.tensor([[1.0, 0.6, 0.2], [0.6, 0.8, -0.1], [0.2, -0.1, 0.3]], dtype=torch.float64)


def best_denoiser(schedule: Schedule, mean=MEAN, covariance=COVARIANCE):
    eye = torch.eye(len(mean), dtype=torch.float64)

    def denoise(x, step):
        alpha, sigma = schedule.alpha[step], schedule.sigma[step]
        gain = alpha * covariance @ torch.linalg.inv(alpha**2 * covariance + sigma**2 * eye)
        return mean + (x - alpha * mean) @ gain.T

    return denoise


def moments_of_few_step(schedule, steps, temperature=1.0):
    """Exact mean and covariance of the few-step sampler from white noise: it is an affine map."""
    denoise = best_denoiser(schedule)
    offset = few_step(denoise, schedule, torch.zeros(1, 3, dtype=torch.float64), steps)[0]
    columns = few_step(denoise, schedule, temperature * torch.eye(3, dtype=torch.float64), steps) - offset
    return offset, columns.T @ columns


def moments_of_ancestral(schedule, temperature=1.0):
    """Exact mean and covariance of the ancestral sampler: the noise of one step at a time, which adds up."""
    denoise, steps = best_denoiser(schedule), len(schedule)
    zero = torch.zeros(1, 3, dtype=torch.float64)
    offset = ancestral(denoise, schedule, zero, lambda: zero)[0]
    first = (
        ancestral(denoise, schedule, temperature * torch.eye(3).double(), lambda: torch.zeros(3, 3).double()) - offset
    )
    covariance = first.T @ first
    for one in range(steps - 1):
        calls = iter(range(steps))

        def noise(one=one, calls=calls):
            return torch.eye(3).double() if next(calls) == one else torch.zeros(3, 3).double()

        columns = ancestral(denoise, schedule, torch.zeros(3, 3).double(), noise, temperature) - offset
        covariance += columns.T @ columns
    return offset, covariance


@pytest.mark.parametrize("kind", ["cosine", "linear"])
@pytest.mark.parametrize(("steps", "close"), [(20, 0.06), (30, 0.03), (50, 0.015)])
def test_few_steps_give_mean_and_covariance(kind, steps, close):
    mean, covariance = moments_of_few_step(Schedule.of(kind), steps)
    torch.testing.assert_close(mean, MEAN, atol=close, rtol=0)
    torch.testing.assert_close(covariance, COVARIANCE, atol=close, rtol=0)


def test_it_is_of_second_order():
    """Twice the steps, a quarter of the error."""
    gaps = [abs(moments_of_few_step(Schedule.of("cosine"), steps)[1] - COVARIANCE).max() for steps in (20, 40)]
    assert gaps[1] < 0.35 * gaps[0]


def test_all_steps_give_mean_and_covariance():
    mean, covariance = moments_of_ancestral(Schedule.of("cosine", 80))
    torch.testing.assert_close(mean, MEAN, atol=0.02, rtol=0)
    torch.testing.assert_close(covariance, COVARIANCE, atol=0.06, rtol=0)


def test_all_thousand_steps_by_drawing():
    schedule, draws = Schedule.of("cosine"), torch.Generator().manual_seed(0)

    def noise():
        return torch.randn(4000, 3, generator=draws, dtype=torch.float64)

    drawn = ancestral(best_denoiser(schedule), schedule, noise(), noise)
    torch.testing.assert_close(drawn.mean(dim=0), MEAN, atol=0.05, rtol=0)
    torch.testing.assert_close(torch.cov(drawn.T), COVARIANCE, atol=0.06, rtol=0)


@pytest.mark.parametrize("temperature", [0.5, 1.5])
def test_temperature_multiplies_the_spread_and_leaves_the_mean(temperature):
    schedule = Schedule.of("cosine", 40)
    for plain, tempered in (
        (moments_of_few_step(schedule, 30), moments_of_few_step(schedule, 30, temperature)),
        (moments_of_ancestral(schedule), moments_of_ancestral(schedule, temperature)),
    ):
        torch.testing.assert_close(tempered[0], plain[0])
        torch.testing.assert_close(tempered[1], temperature**2 * plain[1])


def test_the_steps_visited_are_even_in_the_logarithm_and_end_at_the_data():
    schedule = Schedule.of("cosine")
    visited = few(schedule, 30)
    assert visited == sorted(visited, reverse=True)
    assert visited[-1] == 0
    assert len(visited) <= 30
    lengths = schedule.half_log_snr[visited].diff()
    assert lengths[:20].max() < 1.5 * lengths[:20].min()


def test_who_looks_on_sees_every_step_and_the_answer():
    schedule, seen = Schedule.of("cosine", 40), []
    start = torch.ones(2, 3, dtype=torch.float64)
    denoise = best_denoiser(schedule)
    drawn = ancestral(denoise, schedule, start, lambda: start, on_the_way=lambda *at: seen.append(at))
    assert [done for done, *_ in seen] == list(range(1, 41))
    torch.testing.assert_close((seen[0][1], seen[-1][2]), (start, drawn))
    seen.clear()
    drawn = few_step(denoise, schedule, start, 10, on_the_way=lambda *at: seen.append(at))
    assert [done for done, *_ in seen] == list(range(1, len(few(schedule, 10)) + 1))
    torch.testing.assert_close((seen[0][1], seen[-1][2]), (start, drawn))
