from itertools import combinations

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from synthfin_core.errors import DataError
from synthfin_core.evaluation.coverage import MOST_REAL, coverage, neighbourhood_counts, placing, thinned
from synthfin_core.evaluation.features import feature_names, path_features
from synthfin_core.evaluation.metric import METRICS
from synthfin_core.rng import stream


def windows(rows, t=20):
    return sliding_window_view(rows, t, axis=0).transpose(0, 2, 1)


def loop_counts(real, synthetic, k):
    counts = []
    for i, x in enumerate(real):
        others = sorted(np.linalg.norm(x - y) for j, y in enumerate(real) if j != i)
        counts.append(sum(np.linalg.norm(x - y) <= others[k - 1] for y in synthetic))
    return counts


@pytest.mark.parametrize("k", [1, 5])
def test_counts_agree_with_a_plain_loop(k):
    rng = stream(0, "points")
    real, synthetic = rng.standard_normal((30, 4)), rng.standard_normal((50, 4))
    counts = neighbourhood_counts(real, synthetic, k)
    assert counts.tolist() == loop_counts(real, synthetic, k)
    assert counts.min() < counts.max()


def test_coverage_is_the_mean_over_all_choices_of_as_many_points():
    rng = stream(1, "points")
    real, synthetic = rng.standard_normal((6, 2)), rng.standard_normal((9, 2))
    shares = [
        np.mean(neighbourhood_counts(real, synthetic[list(chosen)], 1) > 0) for chosen in combinations(range(9), 6)
    ]
    assert coverage(neighbourhood_counts(real, synthetic, 1), 9) == pytest.approx(np.mean(shares))
    few = neighbourhood_counts(real, synthetic[:4], 1)
    assert coverage(few, 4) == pytest.approx((few > 0).mean())


def test_expected_coverage_and_density_of_one_distribution():
    """The paper's closed form: 1 - (m - 1) ... (m - k) / ((n + m - 1) ... (n + m - k)) with n = m, and density 1."""
    n, k = 40, 5
    expected = 1 - np.prod((n - np.arange(1, k + 1)) / (2 * n - np.arange(1, k + 1)))
    covered, dense = [], []
    for seed in range(300):
        real, synthetic = stream(seed, "normal").standard_normal((2, n, 3))
        counts = neighbourhood_counts(real, synthetic, k)
        covered.append(coverage(counts, n))
        dense.append(counts.sum() / (k * n))
    assert np.mean(covered) == pytest.approx(expected, abs=0.005)
    assert np.mean(dense) == pytest.approx(1, abs=0.03)


def test_scores_agree_with_a_plain_loop_where_no_windows_overlap():
    real, synthetic = (stream(seed, "windows").standard_normal((25, 20, 2)) for seed in (2, 3))
    a, b = path_features(real), path_features(synthetic)
    kept = [
        feature_names(2).index(f"{name} of series {i}")
        for i in (1, 2)
        for name in ("mean", "standard deviation", "smallest", "largest", "deepest fall", "highest rise")
    ] + [feature_names(2).index("correlation of series 1 and 2")]
    scale = a[:, kept].std(axis=0)
    counts = loop_counts(a[:, kept] / scale, b[:, kept] / scale, 5)
    assert METRICS["coverage"](real, synthetic) == pytest.approx(np.mean(np.array(counts) == 0))
    assert METRICS["density"](real, synthetic) == pytest.approx(sum(counts) / (5 * 25))


def test_thinned_windows_share_no_step():
    for starts in (np.arange(100), np.arange(0, 150, 3), np.concatenate([np.arange(40), np.arange(60, 90)])):
        choices = thinned(starts, 20)
        assert len(choices) > 3
        for chosen in choices:
            assert np.diff(starts[chosen]).min() >= 20
        assert len({len(chosen) for chosen in choices}) <= 2
    assert [chosen.tolist() for chosen in thinned(np.arange(0, 100, 20), 20)] == [[0, 1, 2, 3, 4]]
    assert [len(chosen) for chosen in thinned(np.arange(0, 20_000, 20), 20)] == [MOST_REAL]


@pytest.fixture(scope="module")
def real():
    rows = stream(4, "rows").standard_normal((1500, 2)) * np.exp(0.5 * np.sin(np.arange(1500) / 90))[:, None]
    return windows(rows)


def test_fresh_data_cover_and_faults_do_not(real):
    fresh = stream(5, "fresh").standard_normal((800, 20, 2))
    fresh *= np.exp(0.5 * np.sin(stream(6, "phase").uniform(0, 2 * np.pi, (800, 1, 1))))
    loss, density = METRICS["coverage"], METRICS["density"]
    assert loss(real, fresh) < 0.1
    assert density(real, fresh) == pytest.approx(1, abs=0.15)
    assert loss(real, fresh * 0.3) > 0.5
    one_regime = fresh[fresh.std(axis=(1, 2)) < 0.8]
    assert loss(real, one_regime) > 0.4
    assert loss(real, fresh[:1].repeat(100, axis=0)) > 0.8  # collapsed
    middle = fresh[np.abs(path_features(fresh) - path_features(real).mean(axis=0)).mean(axis=1).argsort()[:100]]
    assert density(real, middle) > 1.3  # keeps to the common


@pytest.mark.parametrize("d", [1, 2, 6, 9])
def test_windows_are_placed_by_their_named_features(d):
    names = feature_names(d)
    chosen = [names[i] for i in placing(len(names))]
    pairs = d * (d - 1) // 2 if d <= 6 else d
    assert len(chosen) == 6 * d + pairs
    assert chosen[0] == "mean of series 1"


def test_identical_windows_are_covered(real):
    assert METRICS["coverage"](real[::20], real[::20].copy()) == 0
    assert METRICS["density"](real[::20], real[::20].copy()) == pytest.approx(1.2)  # five neighbours and itself


def test_noise_makes_it_worse(real):
    noise = stream(7, "noise").standard_normal(real.shape)
    scores = np.array(
        [[METRICS[name](real, real + size * noise) for name in ("coverage", "density")] for size in (0, 0.3, 1.0)]
    )
    assert (np.diff(scores[:, 0]) > 0).all()
    assert (np.diff(scores[:, 1]) < 0).all()


def test_order_of_windows_does_not_matter(real):
    rng = stream(8, "order")
    apart, synthetic = real[::20], rng.standard_normal((100, 20, 2))
    for name in ("coverage", "density"):
        score = METRICS[name]
        assert score(rng.permutation(apart), rng.permutation(synthetic)) == pytest.approx(score(apart, synthetic))


def test_too_few_windows_that_share_no_step_are_refused(real):
    with pytest.raises(DataError, match="6 real windows that share no step"):
        METRICS["coverage"](real[:80], real)
