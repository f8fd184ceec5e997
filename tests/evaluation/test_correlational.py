import numpy as np
import pytest
from test_features import moves

from synthfin_core.evaluation.metric import METRICS
from synthfin_core.rng import stream

score = METRICS["correlational_score"]


def protocol(real, synthetic):
    """The literature's steps one by one."""

    def products(x):
        z = (x - x.mean(axis=(0, 1))) / x.std(axis=(0, 1), ddof=1)
        d = x.shape[2]
        return [np.mean([np.mean(w[:, i] * w[:, j]) for w in z]) for i in range(d) for j in range(i + 1)]

    return sum(abs(a - b) for a, b in zip(products(real), products(synthetic), strict=True)) / 10


def test_it_is_the_literature_s_protocol():
    real = moves(20, 9, 4)
    synthetic = moves(15, 9, 4, seed=1) @ stream(2, "mix").standard_normal((4, 4))
    assert score(real, synthetic) == pytest.approx(protocol(real, synthetic))


def test_two_series_of_opposite_correlation_are_a_fifth_apart():
    x = moves(50, 10, 1)
    assert score(np.concatenate([x, x], axis=2), np.concatenate([x, -x], axis=2)) == pytest.approx(0.2, rel=1e-2)


def test_identical_reordered_and_reversed_windows_are_at_zero():
    x = moves(30, 10, 3)
    for same in (x, x[::-1], x[:, ::-1], 3 * x + 1):
        assert score(x, same) == pytest.approx(0, abs=1e-12)


def test_independent_noise_makes_it_worse():
    x = np.repeat(moves(100, 10, 1), 3, axis=2)
    found = [score(x, x + size * moves(100, 10, 3, seed=1)) for size in (0.0, 0.5, 2.0)]
    assert found[0] < found[1] < found[2]


def test_one_series_is_left_out_with_the_reason():
    x = moves(20, 10, 1)
    assert score.needs.unmet(x, x, ["one"]) == "it needs at least 2 series, and there is one"
