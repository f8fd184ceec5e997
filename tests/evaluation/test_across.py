import numpy as np
import pytest
from scipy import stats

from synthfin_core.data.sources import load_bundled
from synthfin_core.evaluation.across import (
    first_share,
    gaussian_tail_dependence,
    prepare_dependence,
    rank_correlation,
    tail_dependence,
    volume_against_volatility,
    volume_volatility,
)
from synthfin_core.evaluation.metric import METRICS, Context
from synthfin_core.rng import stream

DISTANCES = ("lower_tail_dependence", "upper_tail_dependence", "first_factor_distance")
MIXED = Context(kinds=("volume", "price", "level"))


def normal(rho=0.6, n=400, t=25, d=3, purpose="normal"):
    matrix = np.full((d, d), rho) + (1 - rho) * np.eye(d)
    return stream(0, purpose).standard_normal((n, t, d)) @ np.linalg.cholesky(matrix).T


def student(rho=0.6, nu=3, **more):
    """Student-t moves that share their volatility, so that they crash and soar together."""
    x = normal(rho, **more)
    return x / np.sqrt(stream(1, "chi").chisquare(nu, (*x.shape[:2], 1)) / nu)


def busy(link=0.5, n=80, t=40, purpose="busy"):
    """Log volume, return, level; volume wanders from window to window and rises with the size of the day's move."""
    random = stream(2, purpose)
    r = random.standard_normal((n, t))
    volume = 20 + 3 * random.standard_normal((n, 1)) + link * np.abs(r) + 0.3 * random.standard_normal((n, t))
    return np.stack([volume, 0.01 * r, random.standard_normal((n, t)).cumsum(axis=1)], axis=2)


def test_tail_dependence_agrees_with_a_plain_loop():
    x = student(n=40, t=10).reshape(-1, 3).T
    found, upper = tail_dependence(x), tail_dependence(-x)
    for i in range(3):
        for j in range(3):
            for matrix, sign in ((found, 1), (upper, -1)):
                a, b = (sorted(enumerate(sign * x[s]), key=lambda pair: pair[1])[:20] for s in (i, j))
                both = {place for place, _ in a} & {place for place, _ in b}
                assert matrix[i, j] == pytest.approx(len(both) / 20)


def test_tail_dependence_of_independent_and_of_equal_series():
    x = stream(3, "test").standard_normal((2, 100_000))
    assert tail_dependence(x)[0, 1] == pytest.approx(0.05, abs=0.006)
    np.testing.assert_allclose(tail_dependence(np.stack([x[0], np.exp(x[0])])), 1.0)
    assert tail_dependence(np.stack([x[0], -x[0]]))[0, 1] == 0


def test_gaussian_tail_dependence_agrees_with_the_bivariate_normal():
    for rho in (-0.9, -0.3, 0.0, 0.4, 0.8, 0.99):
        z = stats.norm.ppf(0.05)
        expected = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf([z, z]) / 0.05
        spearman = 6 / np.pi * np.arcsin(rho / 2)
        assert gaussian_tail_dependence(np.array([[spearman]]))[0, 0] == pytest.approx(expected, abs=2e-4)
    assert gaussian_tail_dependence(np.ones((1, 1)))[0, 0] == pytest.approx(1.0)


def test_gaussian_tail_dependence_agrees_with_simulation():
    made = prepare_dependence(normal(0.6, n=8000))
    np.testing.assert_allclose(made.lower, made.gaussian, atol=0.02)
    np.testing.assert_allclose(made.upper, made.gaussian, atol=0.02)


def test_rank_correlation_agrees_with_scipy():
    x = student().reshape(-1, 3)
    np.testing.assert_allclose(rank_correlation(x.T), stats.spearmanr(x).statistic)
    long = normal(n=4000).reshape(-1, 3)
    np.testing.assert_allclose(rank_correlation(long.T), stats.spearmanr(long).statistic, atol=0.02)


def test_first_share_of_equal_correlations():
    matrix = np.full((5, 5), 0.4) + 0.6 * np.eye(5)
    assert first_share(matrix) == pytest.approx((1 + 4 * 0.4) / 5)
    assert first_share(np.eye(5)) == pytest.approx(0.2)


def test_joint_losses_over_gaussian_tells_a_student_from_a_normal():
    metric = METRICS["joint_losses_over_gaussian"]
    real = student(n=2000)
    assert metric(real, normal(n=2000)) == pytest.approx(1.0, abs=0.05)
    assert metric(real, real) > 1.15
    assert METRICS["real_joint_losses_over_gaussian"](real, normal()) == metric(real, real)


def test_a_normal_of_the_same_correlation_fails_in_the_tails_alone():
    real, synthetic = student(n=2000), normal(n=2000)
    same = student(n=2000, purpose="other")
    for name in DISTANCES[:2]:
        assert METRICS[name](real, synthetic) > 3 * METRICS[name](real, same)
    assert METRICS["first_factor_distance"](real, synthetic) < 0.05


def test_one_sided_dependence_is_told_apart():
    """Losses that come together beside gains that do not."""
    real = student(n=1000)
    crash = real.copy()
    gains = crash[:, :, 0] > 0
    crash[:, :, 0][gains] = stream(4, "gains").permutation(crash[:, :, 0][gains])
    assert METRICS["lower_tail_dependence"](real, crash) == pytest.approx(0.0, abs=1e-6)
    assert METRICS["upper_tail_dependence"](real, crash) > 0.1


@pytest.mark.parametrize("name", DISTANCES)
def test_properties_of_distances(name):
    metric = METRICS[name]
    real, synthetic = student(), student(0.3, n=300, purpose="synthetic")
    assert metric(real, real) == 0
    order = stream(5, "order").permutation(300)
    assert metric(real, synthetic[order]) == pytest.approx(metric(real, synthetic), abs=1e-3)
    assert metric(real, synthetic[:, ::-1]) == pytest.approx(metric(real, synthetic), abs=1e-3)
    noise = stream(6, "noise").standard_normal(real.shape)
    found = [metric(real, real + size * noise) for size in (0.0, 0.5, 2.0)]
    assert found == sorted(found)
    assert found[2] > found[1] > 0


def test_exhibit_shows_the_three_matrices():
    made = [prepare_dependence(x) for x in (student(), normal())]
    exhibit = METRICS["lower_tail_dependence"].function(*made).exhibit
    assert {name: each.shape for name, each in exhibit.items()} == dict.fromkeys(
        ("real", "synthetic", "gaussian"), (3, 3)
    )


def test_volume_against_volatility_of_the_index():
    """S&P 500, 1999 to 2018: 0.21 against the trailing 60-day mean."""
    frame = load_bundled("sp500-ohlcv").frame
    r = np.diff(np.log(frame["Close"].to_numpy()))
    log_volume = np.log(frame["Volume"].to_numpy())[1:]
    assert volume_volatility(log_volume, r) == pytest.approx(0.21, abs=0.005)
    trend = np.array([log_volume[s - 59 : s + 1].mean() for s in range(59, len(r))])
    expected = np.corrcoef(log_volume[59:] - trend, np.abs(r[59:]))[0, 1]
    assert volume_volatility(log_volume, r) == pytest.approx(expected)


@pytest.mark.parametrize("t", [12, 70])
def test_volume_against_volatility_agrees_with_a_plain_loop(t):
    x = busy(n=20, t=t)
    excess, size = [], []
    for window in x:
        for s in range(4, t):
            excess.append(window[s, 0] - window[max(0, s - 59) : s + 1, 0].mean())
            size.append(abs(window[s, 1]))
    assert volume_against_volatility(x)[0, 1] == pytest.approx(np.corrcoef(excess, size)[0, 1])


def test_volume_score_sees_volumes_and_returns_only():
    metric = METRICS["volume_volatility_distance"]
    real, synthetic = busy(), busy(0.0, purpose="other")
    synthetic[:, :, 2] *= 100
    gap = abs(volume_against_volatility(synthetic)[0, 1] - volume_against_volatility(real)[0, 1])
    assert metric(real, synthetic, MIXED) == pytest.approx(gap)
    assert gap > 0.4
    order = stream(7, "order").permutation(80)
    assert metric(real, synthetic[order], MIXED) == pytest.approx(gap)
    assert metric(real, real, MIXED) == 0


def test_volume_score_grows_with_noise_and_knows_the_direction_of_time():
    metric = METRICS["volume_volatility_distance"]
    real = busy()
    real[:, :, 0] += 0.2 * np.arange(40)
    noise = stream(8, "noise").standard_normal(real.shape)
    found = [metric(real, real + size * noise * [1, 0, 0], MIXED) for size in (0.0, 0.5, 3.0)]
    assert found[0] < found[1] < found[2]
    late = busy(0.0)  # volume that rises on the day after a large move
    late[:, 1:, 0] += np.abs(late[:, :-1, 1]) * 100
    assert metric(late, late[:, ::-1], MIXED) > 0.01


def test_volume_that_never_changes_has_no_correlation():
    x = busy()
    x[:, :, 0] = 0.0
    assert np.isnan(volume_against_volatility(x)[0, 1])


def test_needs():
    assert METRICS["volume_volatility_distance"].needs.unmet_by_kind(["price", "level"]) == (
        "it needs a volume beside a price or a return, and these series are prices and levels"
    )
    x = student(d=1)
    assert "at least 2 series, and there is one" in METRICS["lower_tail_dependence"].needs.unmet(x, x, ["a"])


def test_input_is_left_as_found():
    x = busy()
    before = x.copy()
    volume_against_volatility(x)
    prepare_dependence(x)
    np.testing.assert_array_equal(x, before)
