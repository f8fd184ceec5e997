"""The adversarial losses against closed forms, finite differences and a critic that is trained."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from synthfin_core.losses.adversarial import (
    discriminator_bce,
    flat_slope_penalty,
    generator_bce,
    generator_loss,
    generator_wasserstein,
    judge_loss,
    slope,
    unit_slope_penalty,
    wasserstein,
)
from synthfin_core.nn.judges import ConvolutionalJudge, RecurrentJudge


@pytest.fixture
def noise():
    return torch.Generator().manual_seed(0)


def draws(noise, *shape):
    return torch.randn(shape, generator=noise)


def test_bce_is_that_of_probabilities(noise):
    real, fake = draws(noise, 50, 1), draws(noise, 50, 1)
    ones, zeros = torch.ones_like(real), torch.zeros_like(real)
    plain = functional.binary_cross_entropy
    expected = plain(real.sigmoid(), ones) + plain(fake.sigmoid(), zeros)
    torch.testing.assert_close(discriminator_bce(real, fake), expected)
    torch.testing.assert_close(generator_bce(fake), plain(fake.sigmoid(), ones))


def test_bce_where_nothing_can_be_told_apart():
    even = torch.zeros(10, 1)
    assert float(discriminator_bce(even, even)) == pytest.approx(2 * math.log(2))


def test_bce_stays_finite_for_sure_judges():
    sure = torch.full((4, 1), 500.0)
    assert float(discriminator_bce(-sure, sure)) == pytest.approx(1000.0)
    assert float(discriminator_bce(sure, -sure)) == 0.0


def test_wasserstein_losses_are_means():
    real, fake = torch.tensor([[3.0], [5.0]]), torch.tensor([[1.0], [2.0]])
    assert float(wasserstein(real, fake)) == 2.5
    assert float(generator_wasserstein(fake)) == -1.5


def test_the_relativistic_game_counts_differences_alone(noise):
    def judge(x):
        return (x**2).sum(dim=(1, 2))[:, None]  # slope 2 |x|

    real, fake = draws(noise, 8, 5, 2), draws(noise, 8, 5, 2)
    gap = (judge(real) - judge(fake)).double()
    loss, parts = judge_loss("relativistic", judge, real, fake, 0.0, noise)
    torch.testing.assert_close(loss.double(), -gap.sigmoid().log().mean())
    torch.testing.assert_close(
        generator_loss("relativistic", judge, real, fake).double(), -(-gap).sigmoid().log().mean()
    )
    shifted = judge_loss("relativistic", lambda x: judge(x) + 7, real, fake, 0.0, noise)[0]
    torch.testing.assert_close(shifted, loss)
    assert set(parts) == {"discriminator"}
    penalty = judge_loss("relativistic", judge, real, fake, 3.0, noise)[1]["gradient_penalty"].detach()
    lengths = [float((4 * side[::2] ** 2).sum(dim=(1, 2)).mean()) for side in (real, fake)]  # R1 and R2
    assert float(penalty) == pytest.approx(3 * 0.5 * sum(lengths) / 2, rel=1e-5)


def test_the_generator_learns_from_its_own_windows_alone(noise):
    real, fake = (draws(noise, 4, 3, 1).requires_grad_() for _ in range(2))
    generator_loss("relativistic", lambda x: x.sum(dim=1), real, fake).backward()
    assert real.grad is None
    assert (fake.grad != 0).all()


@pytest.mark.parametrize("kind", ["bce", "wasserstein"])
def test_the_judge_minimises_the_sum_of_its_parts(kind, noise):
    def judge(x):
        return 3.0 * x[:, 0]  # slope 3 everywhere

    real, fake = draws(noise, 8, 1, 1), draws(noise, 8, 1, 1)
    main = "discriminator" if kind == "bce" else "critic"
    alone, parts = judge_loss(kind, judge, real, fake, 0.0, noise)
    assert set(parts) == {main}
    assert float(alone) == pytest.approx(float(parts[main]) * (1 if kind == "bce" else -1))
    loss, parts = judge_loss(kind, judge, real, fake, 2.0, noise)
    expected = 2 * 0.5 * 9 / 2 if kind == "bce" else 2 * 10 * (3 - 1) ** 2
    assert float(parts["gradient_penalty"].detach()) == pytest.approx(expected, rel=1e-5)
    assert float((loss - alone).detach()) == pytest.approx(expected, rel=1e-4)
    assert float(generator_loss(kind, judge, real, fake)) == float(
        (generator_bce if kind == "bce" else generator_wasserstein)(judge(fake))
    )


def test_slope_of_a_linear_judge_is_the_length_of_its_weights(noise):
    w = draws(noise, 6, 3)

    def judge(x):
        return (x * w).sum(dim=(1, 2))[:, None]

    x, y, share = draws(noise, 8, 6, 3), draws(noise, 8, 6, 3), torch.rand((8, 1, 1), generator=noise)
    length = float(w.norm())
    torch.testing.assert_close(slope(judge, x), torch.full((8,), length))
    assert float(unit_slope_penalty(judge, x, y, share)) == pytest.approx((length - 1) ** 2, rel=1e-5)
    assert float(flat_slope_penalty(judge, x).detach()) == pytest.approx(length**2 / 2, rel=1e-5)


def test_unit_slope_is_measured_between_real_and_generated():
    def judge(x):
        return (x**2).sum(dim=(1, 2))[:, None] / 2  # slope |x|

    real, fake = torch.full((1, 1, 1), 3.0), torch.full((1, 1, 1), 1.0)
    share = torch.full((1, 1, 1), 0.25)
    assert float(unit_slope_penalty(judge, real, fake, share).detach()) == pytest.approx(0.25)  # at 1.5


@pytest.mark.parametrize(
    "build",
    [
        lambda: ConvolutionalJudge(torch.eye(2), 5),
        lambda: RecurrentJudge(torch.eye(2), 5, "lstm"),
        lambda: RecurrentJudge(torch.eye(2), 5, "gru"),
    ],
    ids=["convolutional", "lstm", "gru"],
)
def test_second_derivatives_match_finite_differences(build, noise):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        judge = build().double()
    x = draws(noise, 4, 9, 2).double()
    flat_slope_penalty(judge, x).backward()
    checked = 0
    for weight in judge.parameters():
        if weight.grad is None:  # a bias at the very end moves no slope
            continue
        index = int(weight.grad.abs().argmax())
        values, step = weight.data.view(-1), 1e-6
        middle = float(values[index])
        values[index] = middle + step
        above = float(flat_slope_penalty(judge, x).detach())
        values[index] = middle - step
        below = float(flat_slope_penalty(judge, x).detach())
        values[index] = middle
        assert float(weight.grad.view(-1)[index]) == pytest.approx((above - below) / (2 * step), rel=1e-4, abs=1e-9)
        checked += 1
    assert checked >= 4


def test_a_trained_critic_finds_the_shift_between_two_gaussians(noise):
    shift = 1.5
    with torch.random.fork_rng():
        torch.manual_seed(2)
        critic = nn.Sequential(nn.Flatten(), nn.Linear(1, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(critic.parameters(), lr=0.01, betas=(0.5, 0.9))
    estimates = []
    for _ in range(300):
        real, fake = draws(noise, 128, 1, 1) + shift, draws(noise, 128, 1, 1)
        share = torch.rand((128, 1, 1), generator=noise)
        distance = wasserstein(critic(real), critic(fake))
        optimizer.zero_grad()
        (10 * unit_slope_penalty(critic, real, fake, share) - distance).backward()
        optimizer.step()
        estimates.append(float(distance.detach()))
    late = sum(estimates[-100:]) / 100
    assert late == pytest.approx(shift, rel=0.1)
