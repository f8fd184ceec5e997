"""Schedules of noise: the identities that samplers rest on, and values worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from synthfin_core.diffusion.schedule import KINDS, LARGEST_BETA, Schedule, cosine_betas, linear_betas


@pytest.fixture(params=KINDS)
def schedule(request) -> Schedule:
    return Schedule.of(request.param)


def test_signal_and_noise_share_one_variance(schedule):
    assert len(schedule) == 1000
    torch.testing.assert_close(schedule.alpha**2 + schedule.sigma**2, torch.ones(1000, dtype=torch.float64))


def test_from_nearly_all_of_the_data_to_nearly_none(schedule):
    assert schedule.alpha[0] > 0.9999
    assert schedule.alpha[-1] < 0.01
    assert (schedule.alpha.diff() < 0).all()
    assert (schedule.half_log_snr.diff() < 0).all()


def test_linear_betas_are_those_of_the_paper():
    betas = linear_betas(1000)
    assert float(betas[0]) == pytest.approx(1e-4)
    assert float(betas[-1]) == pytest.approx(0.02)
    left = 1.0  # by a plain loop
    for beta in betas.tolist():
        left *= 1 - beta
    assert float(Schedule.of("linear").alpha[-1]) == pytest.approx(math.sqrt(left))


def test_fewer_linear_steps_add_as_much_noise():
    assert float(linear_betas(200).sum()) == pytest.approx(float(linear_betas(1000).sum()))


def test_the_cosine_is_a_squared_cosine_until_its_betas_are_capped():
    alpha = Schedule.of("cosine").alpha

    def left(share: float) -> float:
        return math.cos((share + 0.008) / 1.008 * math.pi / 2) ** 2

    for step in (0, 250, 500, 900):
        expected = left((step + 1) / 1000) / left(0)
        assert float(alpha[step]) ** 2 == pytest.approx(expected, rel=1e-9)
    assert float(cosine_betas(1000).max()) == LARGEST_BETA


@pytest.mark.parametrize("steps", [10, 100])
def test_any_number_of_steps(steps):
    for kind in KINDS:
        assert len(Schedule.of(kind, steps)) == steps
