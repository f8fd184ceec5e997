import numpy as np
import pytest
from scipy import stats

import synthfin_core.evaluation.horizons  # noqa: F401
from synthfin_core.evaluation import METRICS
from synthfin_core.evaluation.horizons import horizon_sums, kurtosis_by_horizon, starts, sums
from synthfin_core.rng import stream

HORIZONS = [5, 20, 100]


def returns(seed, n, t, d=2):
    return stream(seed, "returns").standard_t(5, (n, t, d)) * 0.01 + 0.0003


@pytest.mark.parametrize(("length", "horizon"), [(60, 1), (60, 5), (60, 20), (59, 20), (41, 20), (20, 20), (250, 100)])
def test_starts_leave_no_step_out_and_read_the_same_backwards(length, horizon):
    found = starts(length, horizon)
    steps = found[:, None] + np.arange(horizon)
    assert np.array_equal(np.unique(steps), np.arange(length))
    assert np.array_equal(np.sort(length - horizon - found), found)
    assert len(found) <= length / max(1, horizon // 2) + 1


@pytest.mark.parametrize("horizon", [1, 5, 20])
def test_sums_are_those_of_a_plain_loop_and_never_cross_windows(horizon):
    x = returns(0, 6, 31)
    expected = [x[w, s : s + horizon].sum(axis=0) for s in starts(31, horizon) for w in range(6)]
    np.testing.assert_allclose(sums(x, horizon).reshape(-1, 2), expected, atol=1e-15)


def test_only_horizons_that_fit_are_prepared():
    assert list(horizon_sums(returns(0, 8, 60))) == [5, 20]
    assert list(horizon_sums(returns(0, 8, 100))) == HORIZONS


@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize("windows", [40, 27])
def test_distance_agrees_with_scipy(horizon, windows):
    real, synthetic = returns(0, 40, 120), 1.3 * returns(1, windows, 120)
    found = METRICS[f"wasserstein_{horizon}"](real, synthetic)
    for i in range(2):
        a, b = (np.array([w[s : s + horizon].sum() for w in x[:, :, i] for s in starts(120, horizon)])
                for x in (real, synthetic))  # fmt: skip
        assert found[i] == pytest.approx(stats.wasserstein_distance(a, b) / a.std())


def test_distance_of_a_drift_grows_with_the_root_of_the_horizon():
    """A drift is added to every step: a sum's shift grows by h, its spread by the root of h."""
    real = stream(1, "walk").standard_normal((4000, 100, 1))
    found = np.array([METRICS[f"wasserstein_{h}"](real, real + 0.1)[0] for h in HORIZONS])
    np.testing.assert_allclose(found, 0.1 * np.sqrt(HORIZONS), rtol=0.05)


def test_trends_within_windows_are_seen_at_long_horizons_only():
    """Steps in random order keep the distribution of one step, and lose that of twenty."""
    noise = stream(2, "trend").standard_normal((2000, 40, 1))
    trending = noise + 0.5 * stream(3, "trend").standard_normal((2000, 1, 1))
    mixed = stream(4, "mix").permutation(trending.ravel()).reshape(trending.shape)
    assert METRICS["wasserstein"](trending, mixed)[0] == pytest.approx(0, abs=1e-12)
    assert METRICS["wasserstein_20"](trending, mixed)[0] > 0.3


@pytest.mark.parametrize("name", ["wasserstein_5", "wasserstein_20", "wasserstein_100", "aggregation_distance"])
def test_what_every_score_must_do(name):
    score = METRICS[name]
    real, synthetic = returns(0, 60, 100), returns(1, 50, 100) ** 3
    np.testing.assert_array_equal(score(real, real.copy()), 0)
    np.testing.assert_allclose(score(real, real[:, ::-1]), 0, atol=1e-10)
    mixed = score(stream(0, "a").permutation(real), stream(0, "b").permutation(synthetic))
    np.testing.assert_allclose(score(real, synthetic), mixed, rtol=1e-9)
    assert score(real[:, :, :1], synthetic[:, :, :1]).shape == (1,)
    if score.better != "none":
        noise = stream(2, "noise").standard_normal(real.shape) * real.std()
        assert (np.diff([score(real, real + size * noise) for size in (0.3, 1, 3)], axis=0) > 0).all()


def test_short_windows_and_volumes_are_left_out_with_a_reason():
    x = returns(0, 10, 60)
    assert METRICS["wasserstein_20"].needs.unmet(x, x, ["A", "B"]) is None
    why = METRICS["wasserstein_100"].needs.unmet(x, x, ["A", "B"])
    assert why == "it needs windows of at least 100 steps, and these have 60"
    assert "it is about returns" in METRICS["wasserstein_5"].needs.unmet_by_kind(["volume"])


def test_kurtosis_fades_as_the_central_limit_theorem_says():
    """Of independent values the excess kurtosis of a sum is that of one value over the horizon."""
    x = stream(5, "laplace").laplace(size=(20_000, 20, 1))
    found = kurtosis_by_horizon(x)[:, 0]  # at 1, 2, 5, 10, 20
    np.testing.assert_allclose(found, 3 / np.array([1, 2, 5, 10, 20]), rtol=0.15, atol=0.05)
    np.testing.assert_allclose(found[0], stats.kurtosis(x.ravel()))


def test_aggregation_distance_is_the_log_ratio_of_kurtoses():
    real, synthetic = returns(0, 50, 12), returns(1, 50, 12) ** 3
    gap = [
        np.log(stats.kurtosis(sums(synthetic, h)[:, :, 0].ravel(), fisher=False))
        - np.log(stats.kurtosis(sums(real, h)[:, :, 0].ravel(), fisher=False))
        for h in (1, 2, 5, 10)
    ]
    found = METRICS["aggregation_distance"](real, synthetic)[0]
    assert found == pytest.approx(np.sqrt(np.mean(np.square(gap))))
    assert METRICS["aggregation_distance"].better == "none"
