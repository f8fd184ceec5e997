import math

import numpy as np
import pytest
from test_features import moves

from synthfin_core.evaluation.discrepancy import disjoint, gaussian_kernel, mmd_of_divisions, permutation_test
from synthfin_core.evaluation.metric import METRICS, Context
from synthfin_core.rng import stream

mmd, p_value = METRICS["mmd"], METRICS["mmd_p_value"]


def clustered(n, t, seed, d=1):
    """Windows of a GARCH(1,1) process with normal noise."""
    noise = stream(seed, "garch").standard_normal((n, t + 100, d))
    variance = np.ones((n, d))
    steps = []
    for i in range(t + 100):
        steps.append(np.sqrt(variance) * noise[:, i])
        variance = 0.05 + 0.15 * steps[-1] ** 2 + 0.8 * variance
    return np.stack(steps[100:], axis=1)


def shuffled_values(x, seed):
    """Windows of the values of `x` drawn one by one: the same distribution and no memory."""
    values = x.reshape(-1, x.shape[2])
    return values[stream(seed, "values").integers(0, len(values), x.shape[:2])]


def loop_mmd(x, y, bandwidth):
    def k(a, b):
        return math.exp(-sum((p - q) ** 2 for p, q in zip(a, b, strict=True)) / (2 * bandwidth**2))

    n, m = len(x), len(y)
    within_x = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within_y = sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return within_x + within_y - 2 * sum(k(a, b) for a in x for b in y) / (n * m)


def test_mmd_of_every_division_agrees_with_a_plain_loop():
    features = stream(0, "features").standard_normal((12, 3))
    divisions = np.stack([stream(i, "division").permutation(np.arange(12) < 5) for i in range(4)], axis=1)
    found = mmd_of_divisions(gaussian_kernel(features, 1.3), divisions.astype(float))
    for value, first in zip(found, divisions.T, strict=True):
        assert value == pytest.approx(loop_mmd(features[first].tolist(), features[~first].tolist(), 1.3))


def test_the_bandwidth_is_the_median_distance():
    features = stream(1, "features").standard_normal((15, 4))
    distances = [np.linalg.norm(features[i] - features[j]) for i in range(15) for j in range(i)]
    np.testing.assert_allclose(gaussian_kernel(features), gaussian_kernel(features, float(np.median(distances))))
    np.testing.assert_array_equal(gaussian_kernel(np.zeros((4, 2))), np.ones((4, 4)))


def test_mmd_of_normals_agrees_with_the_closed_form():
    """For N(0, 1) and N(a, 1): 2 s / sqrt(s^2 + 2) (1 - exp(-a^2 / (2 (s^2 + 2)))) at bandwidth s."""
    draws = stream(2, "normals").standard_normal((3000, 1))
    draws[1500:] += 1.0
    first = (np.arange(3000) < 1500).astype(float)[:, None]
    found = mmd_of_divisions(gaussian_kernel(draws, 0.8), first)[0]
    spread = 0.8**2 + 2
    assert found == pytest.approx(2 * 0.8 / math.sqrt(spread) * (1 - math.exp(-1 / (2 * spread))), abs=0.02)


def test_p_values_of_samples_from_one_distribution_are_uniform():
    found = []
    for i in range(200):
        kernel = gaussian_kernel(stream(i, "one").standard_normal((40, 2)))
        found.append(permutation_test(kernel, 15, 99, stream(i, "divisions")))
    assert np.mean(np.array(found) <= 0.05) == pytest.approx(0.05, abs=0.045)
    assert np.mean(found) == pytest.approx(0.5, abs=0.07)


def test_disjoint_windows_share_no_step_and_are_as_many_as_possible():
    assert disjoint(np.arange(100), 10).tolist() == list(range(0, 100, 10))
    assert disjoint(np.array([0, 4, 9, 10, 13, 25]), 10).tolist() == [0, 3, 5]


def test_memory_is_missed_where_single_values_are_alike():
    """An i.i.d. bootstrap has every value of a GARCH process, and none of its calm and wild stretches."""
    real = clustered(300, 60, 8)
    assert p_value(real, shuffled_values(real, 1)) == pytest.approx(0.005)
    assert p_value(real, clustered(300, 60, 2)) > 0.05
    assert mmd(real, shuffled_values(real, 1)) > 5 * mmd(real, clustered(300, 60, 2))


def test_overlapping_real_windows_do_not_reject_another_path_of_the_same_process():
    """500 windows of 20 steps from one path hold 26 that share no step: only these are exchanged."""
    path = clustered(1, 519, 3)[0]
    real = np.stack([path[i : i + 20] for i in range(500)])
    assert p_value(real, clustered(200, 20, 4)) > 0.05


def test_identical_windows_are_at_zero_in_any_order():
    x = moves(40, 12, 2)
    assert mmd(x, x) == 0
    assert p_value(x, x) == 1
    assert mmd(x, stream(5, "order").permutation(x)) == pytest.approx(mmd(x, x), abs=1e-12)


def test_noise_makes_it_worse():
    x, y = moves(200, 20, 2, seed=1), moves(200, 20, 2, seed=2)
    found = [mmd(x, y + size * moves(200, 20, 2, seed=3)) for size in (0.0, 0.5, 2.0)]
    assert found[0] < found[1] < found[2]


def test_a_mean_printer_is_far():
    x = moves(100, 20, 2)
    assert mmd(x, np.tile(x.mean(axis=0), (100, 1, 1))) > 0.3


def test_the_seed_chooses_windows_and_nothing_else_is_random():
    x, y = moves(700, 10, 1, seed=1), moves(700, 10, 1, seed=2)
    assert p_value(x, y, Context(seed=3)) == p_value(x, y, Context(seed=3))
    assert mmd(x, 1.5 * y, Context(seed=3)) == pytest.approx(mmd(x, 1.5 * y, Context(seed=4)), rel=0.5)


def test_too_few_windows_without_overlap_give_no_p_value():
    series = moves(1, 60, 1)[0]
    real = np.stack([series[i : i + 20] for i in range(40)])
    assert math.isnan(p_value(real, moves(50, 20, 1)))


def test_constant_synthetic_windows_are_judged():
    assert mmd(moves(20, 10, 1), np.zeros((20, 10, 1))) > 0.3
