import numpy as np
import pytest

from synthfin_core.errors import DataError
from synthfin_core.evaluation import METRICS, autocorrelation, correlation, usable_lags, volatility_clustering
from synthfin_core.evaluation.dependence import centred, lagged_correlation
from synthfin_core.rng import stream

TRANSFORM = {"r": lambda v: v, "abs": abs, "square": lambda v: v * v}


NAMES = {"acf_distance": "r", "acf_abs_distance": "abs", "acf_square_distance": "square"}


def loop_autocorrelation(x, k, of):
    """The definition, pair by pair, for one series given as a list of windows."""
    f = [[TRANSFORM[of](v) for v in window] for window in x]
    values = [v for window in f for v in window]
    mean = sum(values) / len(values)
    variance = sum((v - mean) ** 2 for v in values) / len(values)
    pairs = [(window[i] - mean) * (window[i + k] - mean) for window in f for i in range(len(window) - k)]
    return sum(pairs) / len(pairs) / variance


def ar1(phi, n, t, seed=0):
    noise = stream(seed, "ar").standard_normal((n, t + 200))
    x = np.zeros_like(noise)
    for i in range(1, x.shape[1]):
        x[:, i] = phi * x[:, i - 1] + noise[:, i]
    return x[:, 200:, None]  # (n, t, 1)


@pytest.mark.parametrize("of", ["r", "abs", "square"])
def test_autocorrelation_agrees_with_a_plain_loop(of):
    x = stream(2, "test").standard_t(5, (7, 9, 2)).cumsum(axis=1) + 0.3
    found = autocorrelation(x, 5, of)
    assert found.shape == (5, 2)
    for series in range(2):
        expected = [loop_autocorrelation(x[:, :, series].tolist(), k, of) for k in range(1, 6)]
        np.testing.assert_allclose(found[:, series], expected)


def test_long_windows_agree_with_a_plain_loop():
    """Windows longer than a block of steps, with more lags than a block has."""
    x = stream(4, "test").standard_t(5, (3, 101, 1)).cumsum(axis=1)
    found = autocorrelation(x, 70)[:, 0]
    expected = [loop_autocorrelation(x[:, :, 0].tolist(), k, "r") for k in range(1, 71)]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_lagged_correlation_has_a_direction():
    a, b = stream(5, "a").standard_normal((6, 40, 1)), stream(6, "b").standard_normal((6, 40, 1))
    b[:, 2:] += a[:, :-2]  # b follows a by two steps
    found = lagged_correlation(centred(a), centred(b), 3)[:, 0]
    for k in range(4):
        early, late = (a - a.mean())[:, : 40 - k], (b - b.mean())[:, k:]
        assert found[k] == pytest.approx((early * late).mean() / a.std() / b.std())
    assert found.argmax() == 2
    assert lagged_correlation(centred(b), centred(a), 3).max() < 0.3


def test_autocorrelation_of_an_autoregression_is_its_coefficients_powers():
    found = autocorrelation(ar1(0.7, 2000, 40), 6)[:, 0]
    np.testing.assert_allclose(found, 0.7 ** np.arange(1, 7), atol=0.02)


def test_autocorrelation_never_crosses_a_border():
    """Windows that are alternating within and jump at the border: lag 1 is exactly -1."""
    x = np.tile([1.0, -1.0, 1.0, -1.0], (5, 1))[:, :, None]
    assert autocorrelation(x, 1)[0, 0] == pytest.approx(-1.0)
    np.testing.assert_allclose(autocorrelation(x[::-1], 3), autocorrelation(x, 3))


def test_differences_between_windows_count():
    """Noise whose size differs from window to window clusters; a mean a window would hide it."""
    noise = stream(3, "noise").standard_normal((400, 20, 1))
    assert abs(volatility_clustering(noise)[0]) < 0.02
    assert volatility_clustering(noise * np.repeat([0.3, 3.0], 200)[:, None, None])[0] > 0.3


def test_constant_series_has_no_autocorrelation_or_correlation():
    x = stream(0, "test").standard_normal((8, 6, 2))
    x[:, :, 1] = 0.1
    found = autocorrelation(x, 2)
    assert np.isfinite(found[:, 0]).all()
    assert np.isnan(found[:, 1]).all()
    assert np.isnan(correlation(x)[0, 1])


def test_too_many_lags_are_refused():
    with pytest.raises(DataError, match="Correlation was asked up to lag 6, windows of 6 steps allow 1 to 5"):
        autocorrelation(np.zeros((3, 6, 1)), 6)


def test_usable_lags_are_half_the_window():
    assert [usable_lags(t) for t in (2, 3, 10, 40, 500)] == [1, 1, 5, 20, 50]


def test_correlation_agrees_with_numpy():
    x = stream(5, "test").standard_normal((30, 8, 4)) @ stream(6, "mix").standard_normal((4, 4))
    np.testing.assert_allclose(correlation(x), np.corrcoef(x.reshape(-1, 4).T))


def test_correlation_distance_is_the_mean_gap_off_the_diagonal():
    real = stream(7, "real").standard_normal((20, 10, 3))
    synthetic = stream(8, "synthetic").standard_normal((25, 10, 3)) @ stream(9, "mix").standard_normal((3, 3))
    a, b = np.corrcoef(real.reshape(-1, 3).T), np.corrcoef(synthetic.reshape(-1, 3).T)
    expected = (abs(a[0, 1] - b[0, 1]) + abs(a[0, 2] - b[0, 2]) + abs(a[1, 2] - b[1, 2])) / 3
    assert METRICS["correlation_distance"](real, synthetic) == pytest.approx(expected)


def test_acf_distances_are_root_mean_square_gaps():
    real, synthetic = ar1(0.6, 60, 10, seed=1), ar1(0.1, 50, 10, seed=2)
    for name, of in NAMES.items():
        gaps = [
            loop_autocorrelation(synthetic[:, :, 0].tolist(), k, of)
            - loop_autocorrelation(real[:, :, 0].tolist(), k, of)
            for k in range(1, 6)
        ]
        assert METRICS[name](real, synthetic)[0] == pytest.approx(np.sqrt(np.mean(np.square(gaps))))


@pytest.mark.parametrize("name", NAMES)
def test_acf_distances_see_shuffled_steps_but_no_reversal(name):
    noise = stream(1, "noise").standard_t(5, (400, 30, 1))
    real = ar1(0.5, 400, 30) * np.exp(0.5 * noise[:, :1])
    shuffled = stream(2, "steps").permuted(real, axis=1)
    assert METRICS[name](real, real[:, ::-1])[0] == pytest.approx(0, abs=1e-12)
    assert METRICS[name](real, shuffled)[0] > 0.02
    assert METRICS[name](real, real.copy())[0] == 0


def test_squares_weigh_the_wildest_days():
    """Two shocks in a row: squares see little else, sizes less."""
    real = stream(3, "real").standard_normal((200, 20, 1))
    synthetic = real.copy()
    synthetic[::20, 4:6] = 12
    square, size = (METRICS[f"acf_{of}_distance"](real, synthetic)[0] for of in ("square", "abs"))
    assert square > 1.3 * size
