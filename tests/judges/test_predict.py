"""The predictive score: errors in shares of the real range, against what learning from real windows gives."""

import numpy as np
import pytest

from synthfin_core.judges.predict import _inputs_and_target, predict, predictive_score


def walks(seed, n=300, t=10, d=2):
    """Random walks that return to zero; the last series follows the first one by a step."""
    rng = np.random.default_rng(seed)
    x = np.zeros((n, t + 1, 1))
    for i in range(1, t + 1):
        x[:, i] = 0.9 * x[:, i - 1] + 0.4 * rng.standard_normal((n, 1))
    return x[:, 1:] if d == 1 else np.concatenate([x[:, 1:], x[:, :-1]], axis=2)


def test_the_last_series_a_step_later_is_the_target():
    x = np.arange(24.0).reshape(2, 4, 3)
    found = _inputs_and_target(x)
    assert found.shape == (2, 3, 4)
    np.testing.assert_array_equal(found[0, :, :2], x[0, :3, :2])
    assert (found[:, :, 2] == 1).all()
    np.testing.assert_array_equal(found[0, :, 3], x[0, 1:, 2])


def test_a_single_series_is_predicted_from_its_own_past():
    x = np.arange(8.0).reshape(2, 4, 1)
    np.testing.assert_array_equal(_inputs_and_target(x)[0], [[0, 1, 1], [1, 1, 2], [2, 1, 3]])


@pytest.mark.parametrize("d", [1, 2])
def test_it_learns_and_the_same_process_teaches_as_well(d):
    real = walks(0, d=d)
    found = predictive_score(real, walks(1, d=d), iterations=1200)
    spread = (real.max(axis=(0, 1)) - real.min(axis=(0, 1)))[-1]
    constant = np.abs(real[:, 1:, -1] - np.median(real[:, 1:, -1])).mean() / spread
    assert found.real < 0.85 * constant
    assert found.score < 0.01


def test_a_process_that_misleads_scores_worse():
    real, away = walks(0), walks(1)
    away[:, :, 1] *= -1
    same, misled = predict([(real, walks(2)), (real, away)], iterations=600)
    assert misled.score > 4 * same.score + 0.02
    assert same.real == misled.real  # one predictor learns from the real windows for both


def test_real_windows_teach_as_real_windows_do():
    real = walks(0, 120)
    assert predictive_score(real, real.copy(), iterations=50).score == pytest.approx(0, abs=1e-7)
    assert predictive_score(real, real, iterations=5).score == 0


def test_a_pair_does_not_depend_on_the_others():
    real = walks(0, 120)
    pairs = [(real, walks(1, 150)), (walks(5, 130), walks(2, 140)), (real, walks(3, 130))]
    together = predict(pairs, iterations=60, repeats=2, seed=4)
    for pair, expected in zip(pairs, together, strict=True):
        assert predict([pair], iterations=60, repeats=2, seed=4)[0] == pytest.approx(expected, rel=1e-4)


def test_seeds_matter_and_repeat():
    real, other = walks(0, 120), walks(1, 120)
    first, again, third = (predictive_score(real, other, iterations=5, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != third
