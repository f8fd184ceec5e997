import numpy as np
import pytest
from scipy import stats

from synthfin_core.evaluation.features import MOST_PAIRED, described, feature_names, path_features, window_starts
from synthfin_core.rng import stream


def moves(n, t, d, seed=0):
    return 0.01 * stream(seed, "moves").standard_t(5, (n, t, d))


def by_name(x):
    return dict(zip(feature_names(x.shape[2]), path_features(x).T, strict=True))


def loop_product(a, b, lag):
    return sum(a[i] * b[i + lag] for i in range(len(a) - lag)) / len(a)


def loop_autocorrelation(f, lag):
    f = [v - sum(f) / len(f) for v in f]
    return loop_product(f, f, lag) / loop_product(f, f, 0)


def test_every_feature_agrees_with_a_loop_over_one_window():
    x = moves(3, 23, 2)
    found = by_name(x)
    for w in range(3):
        for s in range(2):
            v = x[w, :, s]
            z = (v - v.mean()) / v.std()
            sizes = np.abs(z)
            signs = np.sign(z)
            runs = np.split(signs, np.flatnonzero(np.diff(signs)) + 1)
            path = [0.0, *np.cumsum(z)]
            falls = [path[i] - path[j] for i in range(24) for j in range(i, 24)]
            rises = [path[j] - path[i] for i in range(24) for j in range(i, 24)]
            early, late = sizes[:11].mean(), sizes[-11:].mean()
            expected = {
                "mean": v.mean(),
                "standard deviation": v.std(),
                "smallest": v.min(),
                "largest": v.max(),
                "first": v[0],
                "last": v[-1],
                "skewness": stats.skew(v),
                "excess kurtosis": stats.kurtosis(v),
                "mean size": sizes.mean(),
                "turns": (np.diff(signs) != 0).mean(),
                "longest run": max(map(len, runs)) / 23,
                "deepest fall": max(falls) / np.sqrt(23),
                "highest rise": max(rises) / np.sqrt(23),
                "late against early size": (late - early) / (late + early),
            }
            for lag in (1, 2, 5, 10):
                expected[f"autocorrelation of moves at lag {lag}"] = loop_autocorrelation(z, lag)
                expected[f"autocorrelation of sizes at lag {lag}"] = loop_autocorrelation(sizes, lag)
                expected[f"autocorrelation of squares at lag {lag}"] = loop_autocorrelation(z * z, lag)
                expected[f"leverage at lag {lag}"] = loop_product(z, z * z, lag)
            for name, value in expected.items():
                assert found[f"{name} of series {s + 1}"][w] == pytest.approx(value, abs=1e-9), name
    assert len(found) == 2 * len(expected) + 4


def test_features_of_pairs_are_correlations_at_once_and_one_step_apart():
    x = moves(4, 30, 3)
    found = by_name(x)
    a, b = ((x[2, :, s] - x[2, :, s].mean()) / x[2, :, s].std() for s in (0, 2))
    pair = "of series 1 and 3"
    assert found[f"correlation {pair}"][2] == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert found[f"correlation of sizes {pair}"][2] == pytest.approx(np.corrcoef(abs(a), abs(b))[0, 1])
    assert found[f"one step ahead {pair}"][2] == pytest.approx(loop_product(a, b, 1))
    assert found[f"one step behind {pair}"][2] == pytest.approx(loop_product(b, a, 1))


@pytest.mark.parametrize("d", [1, 2, MOST_PAIRED, MOST_PAIRED + 1, 20])
@pytest.mark.parametrize("t", [2, 4, 12])
def test_there_is_a_finite_column_for_every_name(t, d):
    x = moves(9, t, d)
    x[3] = 0.1  # constant windows
    x[4, :, 0] = 0.0
    found = path_features(x)
    assert found.shape == (9, len(feature_names(d)))
    assert np.isfinite(found).all()
    assert len(set(feature_names(d))) == len(feature_names(d))


def test_a_constant_window_has_level_and_no_path():
    found = by_name(np.full((2, 8, 1), 0.1))
    assert found["mean of series 1"][0] == pytest.approx(0.1)
    moving = [name for name in found if not name.startswith(("mean of", "smallest", "largest", "first", "last"))]
    left = {name for name in moving if abs(found[name][0]) > 1e-12}
    assert left == {"longest run of series 1"}


def test_features_are_each_window_s_own_and_leave_it_as_it_is():
    x = moves(12, 10, 2)
    before = x.copy()
    order = stream(1, "order").permutation(12)
    np.testing.assert_array_equal(path_features(x)[order], path_features(x[order]))
    np.testing.assert_allclose(path_features(x)[3:4], path_features(x[3:4]), atol=1e-14)
    np.testing.assert_array_equal(x, before)


def test_reversed_time_changes_what_has_a_direction_and_nothing_else():
    x = moves(5, 20, 2)
    here, back = by_name(x), by_name(x[:, ::-1])
    changed = {name.split(" of series")[0] for name in here if not np.allclose(here[name], back[name])}
    directed = {"first", "last", "late against early size"}  # a fall is a sum of neighbours, in either direction
    directed |= {"one step ahead", "one step behind"} | {f"leverage at lag {k}" for k in (1, 2, 5, 10)}
    assert changed == directed


@pytest.mark.parametrize("stride", [1, 3, 7, 8])
def test_starts_of_sliding_windows_are_their_rows(stride):
    series = moves(1, 100, 2)[0]
    rows = np.arange(0, 92, stride)
    x = np.stack([series[row : row + 8] for row in rows])
    np.testing.assert_array_equal(window_starts(x), rows)
    np.testing.assert_array_equal(described(x).starts, rows)


def test_starts_see_gaps_and_windows_left_out():
    series = moves(1, 100, 1)[0]
    rows = np.array([0, 1, 4, 5, 40, 42, 90])
    x = np.stack([series[row : row + 8] for row in rows])
    np.testing.assert_array_equal(window_starts(x), [0, 1, 4, 5, 13, 15, 23])


def test_independent_windows_and_repeated_ones_start_after_each_other():
    x = moves(5, 8, 2)
    np.testing.assert_array_equal(window_starts(x), 8 * np.arange(5))
    np.testing.assert_array_equal(window_starts(x[[0, 0, 1]]), [0, 8, 16])
    np.testing.assert_array_equal(window_starts(x[:1]), [0])
