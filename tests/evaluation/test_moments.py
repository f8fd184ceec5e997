import numpy as np
import pytest
from scipy import stats

from synthfin_core.evaluation import METRICS, moments, moments_table
from synthfin_core.rng import stream


@pytest.fixture
def x():
    return stream(1, "test").standard_t(5, (40, 12, 3)) * [0.01, 1.0, 50.0] + [0.001, 0.0, 7.0]  # (n, t, d)


def test_moments_agree_with_scipy(x):
    rows = x.reshape(-1, 3)
    found = moments(x)
    np.testing.assert_allclose(found.mean, rows.mean(axis=0))
    np.testing.assert_allclose(found.standard_deviation, rows.std(axis=0))
    np.testing.assert_allclose(found.skewness, stats.skew(rows))
    np.testing.assert_allclose(found.excess_kurtosis, stats.kurtosis(rows))


def test_one_series_is_left_as_found(x):
    """A single series could be changed in place by its own deviations."""
    alone = x[:, :, :1].copy()
    alone.setflags(write=False)
    np.testing.assert_allclose(moments(alone).mean, moments(x).mean[:1])


def test_a_constant_series_has_no_shape():
    found = moments(np.full((3, 4, 1), 0.1))
    assert found.mean[0] == pytest.approx(0.1)
    assert found.standard_deviation[0] == pytest.approx(0, abs=1e-15)
    assert np.isnan(found.skewness[0])
    assert np.isnan(found.excess_kurtosis[0])


def test_table_sets_data_beside_each_other(x):
    table = moments_table({"real": x, "run": 2 * x}, ["a", "b", "c"])
    assert list(table.columns) == ["series", "data", "mean", "standard deviation", "skewness", "excess kurtosis"]
    assert list(table["series"]) == ["a", "a", "b", "b", "c", "c"]
    assert list(table["data"]) == ["real", "run"] * 3
    real, run = table[table["data"] == "real"], table[table["data"] == "run"]
    np.testing.assert_allclose(run["standard deviation"], 2 * real["standard deviation"].to_numpy())
    np.testing.assert_allclose(run["skewness"], real["skewness"].to_numpy())


def test_scores_of_a_shifted_and_stretched_copy_are_known(x):
    sd = x.std(axis=(0, 1))
    stretched = (x - x.mean(axis=(0, 1))) * 3 + x.mean(axis=(0, 1)) + 0.5 * sd
    np.testing.assert_allclose(METRICS["mean_difference"](x, stretched), 0.5)
    np.testing.assert_allclose(METRICS["spread_ratio"](x, stretched), 3.0)
    np.testing.assert_allclose(METRICS["kurtosis_ratio"](x, stretched), 1.0)
    np.testing.assert_allclose(METRICS["skewness_difference"](x, stretched), 0.0, atol=1e-9)
    skewness = np.abs(stats.skew(x.reshape(-1, 3)))
    np.testing.assert_allclose(METRICS["skewness_difference"](x, -x), 2 * skewness)


def test_kurtosis_has_no_ratio_to_thin_real_tails():
    uniform = stream(0, "uniform").uniform(-1, 1, (50, 20, 1))
    assert np.isnan(METRICS["kurtosis_ratio"](uniform, uniform)).all()
