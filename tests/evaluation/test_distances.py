import numpy as np
import pytest
from scipy import integrate, stats

from synthfin_core.errors import DataError
from synthfin_core.evaluation import KS_CAVEAT, METRICS
from synthfin_core.evaluation.density import bandwidth, kernel_density
from synthfin_core.evaluation.distances import largest_lead, wasserstein_distance
from synthfin_core.rng import stream


@pytest.fixture(params=["continuous", "rounded"])
def pair(request):
    """Two samples of different sizes; rounded ones hold many equal values."""
    rng = stream(0, "pair")
    real, synthetic = rng.standard_t(4, (50, 20, 2)), rng.standard_normal((37, 20, 2)) * 1.4 + 0.2
    return (real, synthetic) if request.param == "continuous" else (real.round(), synthetic.round())


def test_ks_agrees_with_scipy(pair):
    real, synthetic = pair
    for i in range(2):
        expected = stats.ks_2samp(real[:, :, i].ravel(), synthetic[:, :, i].ravel(), method="asymp")
        assert METRICS["ks_statistic"](real, synthetic)[i] == pytest.approx(expected.statistic)
        assert METRICS["ks_p_value"](real, synthetic)[i] == pytest.approx(expected.pvalue)


def test_wasserstein_agrees_with_scipy(pair):
    real, synthetic = pair
    for i in range(2):
        a, b = real[:, :, i].ravel(), synthetic[:, :, i].ravel()
        expected = stats.wasserstein_distance(a, b) / a.std()
        assert METRICS["wasserstein"](real, synthetic)[i] == pytest.approx(expected)


def test_wasserstein_of_a_shift_is_the_shift():
    x = stream(1, "test").standard_normal((30, 10, 1))
    assert METRICS["wasserstein"](x, x - 0.7)[0] == pytest.approx(0.7 / x.std())


def test_distances_agree_with_scipy_on_many_values():
    """Thousands of values, where the largest gap is first sought on a coarse grid."""
    rng = stream(5, "many")
    for real, synthetic in (
        (rng.standard_t(4, 30_000), rng.standard_t(4, 20_011)),
        (rng.standard_t(4, 20_000), rng.standard_t(3, 20_000)),
        (rng.standard_normal(5_000).round(1), rng.standard_normal(7_000).round(1)),
        (rng.standard_normal(5_000), rng.standard_normal(900) + 30),
    ):
        a, b = np.sort(real), np.sort(synthetic)
        expected = stats.ks_2samp(real, synthetic, method="asymp").statistic
        assert max(largest_lead(a, b), largest_lead(b, a)) == pytest.approx(expected, rel=1e-12)
        assert wasserstein_distance(a[None], b[None])[0] == pytest.approx(stats.wasserstein_distance(real, synthetic))


@pytest.mark.parametrize("shift", [0.0, 0.02, 0.04])
def test_p_value_of_many_values_agrees_with_scipy(shift):
    rng = stream(6, "many")
    real, synthetic = rng.standard_normal((400, 20, 1)), rng.standard_normal((500, 20, 1)) + shift
    expected = stats.ks_2samp(real.ravel(), synthetic.ravel(), method="asymp").pvalue
    assert METRICS["ks_p_value"](real, synthetic)[0] == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("name", ["ks_statistic", "wasserstein"])
def test_reversing_time_changes_no_distance_of_single_values(name, pair):
    real, synthetic = pair
    np.testing.assert_array_equal(METRICS[name](real, real[:, ::-1]), 0)
    np.testing.assert_array_equal(METRICS[name](real, synthetic), METRICS[name](real, synthetic[:, ::-1]))


def test_p_value_rejects_two_samples_of_one_process_when_windows_overlap():
    """What the caveat says, shown: i.i.d. values, cut into windows at every step."""
    paths = stream(2, "paths").standard_normal((20, 2, 400))
    p = [
        METRICS["ks_p_value"](*(np.lib.stride_tricks.sliding_window_view(path, 60)[:, :, None] for path in pair))[0]
        for pair in paths
    ]
    assert np.mean(np.array(p) < 0.05) > 0.8
    assert "rejects even two samples of one and the same process" in KS_CAVEAT


def test_density_agrees_with_scipy():
    x = stream(3, "test").standard_t(4, 3000)
    grid = np.linspace(-6, 6, 101)
    expected = stats.gaussian_kde(x, bw_method=bandwidth(x) / x.std(ddof=1))(grid)
    np.testing.assert_allclose(kernel_density(x, grid), expected, atol=1e-3 * expected.max())


def test_density_is_one_in_all():
    x = stream(4, "test").standard_normal(5000)
    grid = np.linspace(-8, 8, 2001)
    assert integrate.trapezoid(kernel_density(x, grid), grid) == pytest.approx(1, abs=1e-3)


def test_density_of_equal_values_is_refused():
    with pytest.raises(DataError, match="values that do not vary"):
        kernel_density(np.ones(9), np.linspace(0, 2, 5))
