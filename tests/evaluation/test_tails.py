import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from scipy import stats

from synthfin_core.data.sources import load_bundled
from synthfin_core.evaluation.curve import CURVES
from synthfin_core.evaluation.metric import METRICS
from synthfin_core.evaluation.tails import drawdowns, expected_shortfall, hill_index, prepare_tails, value_at_risk
from synthfin_core.rng import stream

RATIOS = (
    "tail_index_left",
    "tail_index_right",
    "value_at_risk_1",
    "value_at_risk_5",
    "expected_shortfall_1",
    "expected_shortfall_5",
)
ALL = (*RATIOS, "drawdown_distance")


def heavy(purpose="real", n=200, t=30, d=2):
    return 0.01 * stream(0, purpose).standard_t(3, (n, t, d))


def trending(purpose="real", n=200, t=30):
    """Moves that go on for some days, so that their order matters for drawdowns."""
    noise = stream(1, purpose).standard_normal((n, t + 1, 1))
    return 0.01 * (noise[:, 1:] + 0.9 * noise[:, :-1])


def midpoints(n):
    return (np.arange(n) + 0.5) / n


@pytest.mark.parametrize("side", ["left", "right"])
def test_hill_of_an_exact_pareto_sample_is_its_exponent(side):
    sizes = midpoints(100_000) ** (-1 / 3.2)
    other = stream(0, "test").uniform(0, 1, 50_000)  # the other side's moves don't count
    values = np.concatenate([-sizes, other] if side == "left" else [sizes, -other])
    assert hill_index(np.sort(values)[None], side)[0] == pytest.approx(3.2, rel=0.002)


def test_hill_agrees_with_a_plain_loop():
    x = heavy()[:, :, 0].ravel()
    losses = sorted((-v for v in x if v < 0), reverse=True)
    k = int(0.05 * len(losses))
    expected = k / sum(np.log(losses[i] / losses[k]) for i in range(k))
    assert hill_index(np.sort(x)[None], "left")[0] == pytest.approx(expected)
    assert hill_index(np.sort(-x)[None], "right")[0] == pytest.approx(expected)


def test_hill_of_normal_values_is_far_thinner_than_of_student_values():
    found = [hill_index(dist.ppf(midpoints(50_000))[None], "left")[0] for dist in (stats.t(3), stats.norm)]
    assert found[0] == pytest.approx(2.8, abs=0.3)
    assert found[1] > 5


def test_published_values_of_the_index():
    """S&P 500, May 2009 to 2018: tail index of |r|, value at risk and shortfall, drawdowns over 250 days."""
    close = load_bundled("sp500").frame["S&P 500"].loc["2009-05":"2018"]
    r = np.diff(np.log(close.to_numpy()))
    size, ordered = np.sort(np.abs(r))[None], np.sort(r)[None]
    found = [hill_index(size, "right", share)[0] for share in (0.05, 0.025, 0.01)]
    np.testing.assert_allclose(found, [3.70, 3.91, 4.76], atol=0.006)
    found = [100 * value_at_risk(ordered, share)[0] for share in (0.05, 0.01)]
    np.testing.assert_allclose(found, [1.62, 2.88], atol=0.006)
    found = [100 * expected_shortfall(ordered, share)[0] for share in (0.05, 0.01, 0.025)]
    np.testing.assert_allclose(found, [2.40, 3.66, 2.95], atol=0.006)
    windows = sliding_window_view(r, 250)[:, :, None]
    found = np.quantile(drawdowns(windows), (0.05, 0.25, 0.5, 0.75, 0.95))
    np.testing.assert_allclose(found, [0.05, 0.07, 0.10, 0.14, 0.19], atol=0.006)


@pytest.mark.parametrize("share", [0.01, 0.025, 0.05])
def test_risk_of_student_quantiles_is_the_closed_form(share):
    nu = 4
    values = stats.t.ppf(midpoints(400_000), nu)[None]
    q = stats.t.ppf(share, nu)
    assert value_at_risk(values, share)[0] == pytest.approx(-q, rel=1e-4)
    shortfall = stats.t.pdf(q, nu) / share * (nu + q * q) / (nu - 1)
    assert expected_shortfall(values, share)[0] == pytest.approx(shortfall, rel=2e-3)


def test_value_at_risk_is_numpys_quantile():
    ordered = prepare_tails(heavy(n=9, t=7)).ordered
    for share in (0.01, 0.05, 0.5):
        np.testing.assert_allclose(value_at_risk(ordered, share), -np.quantile(ordered, share, axis=1))
        worst = [one[one <= np.quantile(one, share)] for one in ordered]
        np.testing.assert_allclose(expected_shortfall(ordered, share), [-each.mean() for each in worst])


def test_drawdowns_agree_with_a_plain_loop():
    x = 10 * heavy(n=20, t=12)
    for window, found in zip(x, drawdowns(x), strict=True):
        for series in range(2):
            price = peak = 1.0
            deepest = 0.0
            for r in window[:, series]:
                price *= np.exp(r)
                peak = max(peak, price)
                deepest = max(deepest, 1 - price / peak)
            assert found[series] == pytest.approx(deepest)


def test_drawdown_of_known_paths():
    x = np.log([[2.0, 0.25, 2.0], [0.9, 1.0, 0.5], [1.1, 1.1, 1.1]])[:, :, None]
    np.testing.assert_allclose(drawdowns(x)[:, 0], [0.75, 0.55, 0.0])


def test_drawdown_distance_agrees_with_scipy():
    real, synthetic = heavy(), 1.3 * heavy("synthetic", n=150)
    found = METRICS["drawdown_distance"](real, synthetic)
    for i in range(2):
        a, b = drawdowns(real)[:, i], drawdowns(synthetic)[:, i]
        assert found[i] == pytest.approx(stats.wasserstein_distance(a, b) / a.std())


@pytest.mark.parametrize("name", ALL)
def test_identical_windows_are_perfect_in_any_order(name):
    real, synthetic = heavy(), 1.2 * heavy("synthetic", n=120)
    metric = METRICS[name]
    np.testing.assert_allclose(metric(real, real), 1.0 if name in RATIOS else 0.0, atol=1e-12)
    order = stream(2, "order").permutation(120)
    np.testing.assert_allclose(metric(real, synthetic[order]), metric(real, synthetic))


@pytest.mark.parametrize("name", ALL[2:])
def test_noise_makes_risk_worse(name):
    real = heavy()
    metric = METRICS[name]
    losses = []
    for size in (0.0, 0.01, 0.03):
        noisy = real + size * stream(3, "noise").standard_normal(real.shape)
        losses.append([metric.loss(value) for value in metric(real, noisy)])
    assert (np.diff(losses, axis=0) > 0).all()


@pytest.mark.parametrize("name", ["tail_index_left", "tail_index_right"])
def test_thin_tails_are_seen(name):
    """Noise leaves a power law's exponent where it is; values that are normal do not."""
    real = heavy(n=1000)
    normal = real.std() * stream(4, "normal").standard_normal(real.shape)
    assert (METRICS[name](real, normal) > 1.5).all()
    assert (METRICS["expected_shortfall_1"](real, normal) < 0.8).all()


@pytest.mark.parametrize("name", ALL)
def test_reversed_time_changes_nothing(name):
    """Not even drawdowns: a fall is the sum of a run of moves, whichever way it is read."""
    real, synthetic = trending(), 1.2 * trending("synthetic")
    np.testing.assert_allclose(METRICS[name](real, synthetic[:, ::-1]), METRICS[name](real, synthetic))


def test_only_drawdowns_depend_on_the_order_of_moves():
    real = trending()
    shuffled = stream(5, "order").permuted(real, axis=1)
    for name in RATIOS:
        assert METRICS[name](real, shuffled)[0] == pytest.approx(1.0)
    assert METRICS["drawdown_distance"](real, shuffled)[0] > 0.3


def test_what_is_not_defined_is_nan():
    real = heavy()
    rising = np.abs(real) + 0.001
    for name in ("tail_index_left", "value_at_risk_1", "expected_shortfall_5", "drawdown_distance"):
        assert np.isnan(METRICS[name](rising, real)).all()
    assert np.isfinite(METRICS["tail_index_right"](rising, real)).all()
    assert np.isnan(hill_index(np.full((1, 100), -0.01), "left")[0])


def test_series_that_are_no_returns_are_left_out():
    needs = METRICS["tail_index_left"].needs
    assert needs.unmet_by_kind(["volume", "level"]) == "it is about returns, and these series are volumes and levels"
    assert needs.columns(["volume", "price", "return"]) == [1, 2]


def test_a_power_law_is_a_line_in_the_tail_curves():
    sizes = midpoints(50_000) ** (-1 / 3)
    x = np.concatenate([-sizes, sizes]).reshape(-1, 20, 1)
    for name in ("tail_left", "tail_right"):
        at, y = CURVES[name].function(x)
        assert y.shape == (at.size, 1)
        np.testing.assert_allclose(y[:, 0], (2 * at) ** (-1 / 3), rtol=5e-3)  # half of the moves lie on each side


def test_curves_are_numpys_quantiles():
    x = heavy()
    at, y = CURVES["drawdown"].function(x)
    np.testing.assert_allclose(y, np.quantile(drawdowns(x), at, axis=0))
    at, y = CURVES["tail_right"].function(x)
    np.testing.assert_allclose(y, np.quantile(x.reshape(-1, 2), 1 - at, axis=0))


@pytest.mark.parametrize("name", ALL)
def test_input_is_left_as_found(name):
    real, synthetic = heavy(), heavy("synthetic")
    before = real.copy(), synthetic.copy()
    METRICS[name](real, synthetic)
    np.testing.assert_array_equal(real, before[0])
    np.testing.assert_array_equal(synthetic, before[1])
