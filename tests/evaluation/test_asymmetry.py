import numpy as np
import pytest
from scipy import stats

import synthfin_core.evaluation.asymmetry  # noqa: F401
from synthfin_core.errors import DataError
from synthfin_core.evaluation import METRICS, autocorrelation
from synthfin_core.evaluation.asymmetry import coarse_fine, gain_loss, leverage, passage_steps
from synthfin_core.evaluation.horizons import starts
from synthfin_core.rng import stream

NAMES = ["leverage_distance", "coarse_fine_distance", "gain_loss_distance"]


def market(seed, n=4000, t=40, gamma=0.4, trend=0.5):
    """Returns whose variance rises after losses (gamma) and after coarse moves over five steps (trend)."""
    noise = stream(seed, "market").standard_normal((n, t + 100))
    r = np.zeros_like(noise)
    variance = np.ones(n)
    for i in range(5, t + 100):
        coarse = r[:, i - 5 : i].sum(axis=1)
        loss = np.minimum(r[:, i - 1], 0)
        variance = 0.2 + 0.3 * variance + gamma * loss**2 + trend * np.minimum(coarse**2 / 5, 9)
        r[:, i] = np.sqrt(variance) * noise[:, i]
    return 0.01 * r[:, 100:, None]


@pytest.fixture(scope="module")
def real():
    return market(0)


def loop_coarse_fine(x, k):
    """The definition for one series, pair by pair."""
    coarse = np.array([[abs(w[i : i + 5].sum()) for i in range(len(w) - 4)] for w in x])
    fine = np.array([[abs(w[i : i + 5]).sum() / 5 for i in range(len(w) - 4)] for w in x])
    coarse, fine = (coarse - coarse.mean()) / coarse.std(), (fine - fine.mean()) / fine.std()
    last = coarse.shape[1] - 5 * k
    later = [fine[w, i] * coarse[w, i + 5 * k] for w in range(len(x)) for i in range(last)]
    earlier = [coarse[w, i] * fine[w, i + 5 * k] for w in range(len(x)) for i in range(last)]
    return np.mean(later) - np.mean(earlier)


def loop_gain_loss(x):
    """First passage times of every start of one series, one step after the other."""
    steps = passage_steps(x.shape[1])
    threshold = x.std() * np.sqrt(steps)
    fallen, risen = np.zeros(steps), np.zeros(steps)
    count = 0
    for window in x:
        for start in starts(len(window), steps):
            moves = np.cumsum(window[start : start + steps])
            count += 1
            for share, reached in ((fallen, moves <= -threshold), (risen, moves >= threshold)):
                if reached.any():
                    share[reached.argmax() :] += 1
    return (fallen - risen) / count


def test_leverage_agrees_with_a_plain_loop():
    x = stream(1, "test").standard_t(5, (7, 12, 2)) + 0.2
    found = leverage(x, 4)
    for i in range(2):
        r, square = x[:, :, i] - x[:, :, i].mean(), x[:, :, i] ** 2 - (x[:, :, i] ** 2).mean()
        for k in range(1, 5):
            pairs = [r[w, j] * square[w, j + k] for w in range(7) for j in range(12 - k)]
            assert found[k - 1, i] == pytest.approx(np.mean(pairs) / r.std() / square.std())


def test_coarse_fine_agrees_with_a_plain_loop():
    x = stream(2, "test").standard_t(5, (6, 23, 2))
    found = coarse_fine(x, 2)
    assert found.shape == (2, 2)
    for i in range(2):
        np.testing.assert_allclose(found[:, i], [loop_coarse_fine(x[:, :, i], k) for k in (1, 2)])


def test_gain_loss_agrees_with_a_plain_loop():
    x = stream(3, "test").standard_t(5, (9, 31, 2)) - 0.2
    found = gain_loss(x)
    assert found.shape == (15, 2)
    for i in range(2):
        np.testing.assert_allclose(found[:, i], loop_gain_loss(x[:, :, i]), atol=1e-12)


def test_signs_are_those_of_markets(real):
    """Wild days follow losses; coarse volatility foretells fine one."""
    assert (leverage(real, 3) < -0.05).all()
    assert coarse_fine(real, 1)[0, 0] < -0.05


def test_gain_loss_of_a_drifting_walk_has_a_closed_form():
    """First passage of Brownian motion, with the threshold moved by 0.5826 for steps that are not infinitely small."""
    drift, level = 0.05, np.sqrt(60) + 0.5826
    walk = stream(4, "walk").standard_normal((6000, 120, 1)) + drift

    def reached(mu, k):
        above = stats.norm.cdf((mu * k - level) / np.sqrt(k))
        return above + np.exp(2 * mu * level) * stats.norm.cdf((-level - mu * k) / np.sqrt(k))

    k = np.arange(1, 61)
    np.testing.assert_allclose(gain_loss(walk)[:, 0], reached(-drift, k) - reached(drift, k), atol=0.015)
    assert reached(0, 60) == pytest.approx(0.28, abs=0.01)  # about a third rise by the threshold


def test_gain_loss_of_certain_falls_is_one():
    falling = -np.abs(stream(4, "walk").standard_normal((500, 120, 1)))
    assert gain_loss(falling)[-1, 0] == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(gain_loss(falling), -gain_loss(-falling))


def test_symmetric_noise_has_none_of_the_three():
    noise = stream(5, "noise").standard_normal((4000, 40, 1))
    for found in (leverage(noise, 5), coarse_fine(noise, 3), gain_loss(noise)):
        np.testing.assert_allclose(found, 0, atol=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_reversed_time_is_seen(name, real):
    """Much further from the market than other samples of it are."""
    floor = max(METRICS[name](real, market(seed))[0] for seed in (1, 2, 3))
    assert METRICS[name](real, real[:, ::-1])[0] > 2 * floor
    if name != "gain_loss_distance":  # a market without the two falls and rises much as this one does
        assert METRICS[name](real, market(4, gamma=0.0, trend=0.0))[0] > 2 * floor


def test_gains_in_place_of_losses_are_seen(real):
    floor = max(METRICS["gain_loss_distance"](real, market(seed))[0] for seed in (1, 2, 3))
    assert METRICS["gain_loss_distance"](real, -real)[0] > 3 * floor


def test_reversing_turns_the_coarse_fine_asymmetry_round(real):
    np.testing.assert_allclose(coarse_fine(real[:, ::-1], 3), -coarse_fine(real, 3), atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_what_every_score_must_do(name, real):
    score = METRICS[name]
    synthetic = market(6, gamma=0.1, n=700)
    assert score(real, real.copy())[0] == 0
    mixed = score(stream(0, "a").permutation(real), stream(0, "b").permutation(synthetic))
    np.testing.assert_allclose(score(real, synthetic), mixed, rtol=1e-9)
    noise = stream(7, "noise").standard_normal(real.shape) * real.std()
    assert (np.diff([score(real, real + size * noise)[0] for size in (0.1, 0.5, 2)]) > 0).all()
    flat = np.full((20, 40, 1), 0.1)
    assert score.needs.unmet(real, flat, ["A"]) == "the synthetic series A is constant"
    assert np.isnan(score(real, flat)).all()


def test_gain_loss_does_not_depend_on_the_scale(real):
    np.testing.assert_allclose(METRICS["gain_loss_distance"](real, 3 * real), 0, atol=1e-3)


@pytest.mark.parametrize("name", NAMES[1:])
def test_short_windows_are_left_out(name, real):
    why = METRICS[name].needs.unmet(real[:, :9], real[:, :9], ["A"])
    assert why == "it needs windows of at least 10 steps, and these have 9"
    assert np.isfinite(METRICS[name](real[:, :10], market(1)[:, :10])).all()
    assert "it is about returns" in METRICS[name].needs.unmet_by_kind(["level"])


def test_too_many_lags_are_refused(real):
    with pytest.raises(DataError, match="up to lag 8, windows of 40 steps allow 7: take windows of at least 45 steps"):
        coarse_fine(real, 8)
    with pytest.raises(DataError, match="windows of 40 steps allow 1 to 39"):
        leverage(real, 40)


@pytest.fixture(scope="module")
def index():
    from arch.data import sp500

    closes = sp500.load()["Adj Close"].loc["2009-05":"2018-12"].to_numpy()
    return np.diff(np.log(closes))


def test_stylized_facts_of_the_index(index):
    """S&P 500, May 2009 to December 2018, one window: the reference's own numbers."""
    x = index[None, :, None]
    assert x.shape[1] == 2433
    assert leverage(x, 10).mean() == pytest.approx(-0.089, abs=0.001)
    found = autocorrelation(x, 100, "abs")[[0, 4, 9, 19, 49, 99], 0]
    np.testing.assert_allclose(found, [0.19, 0.21, 0.21, 0.11, 0.05, 0.03], atol=0.01)


def test_garch_row_of_the_quant_gans_table(index):
    """Wiese et al., Quant GANs (2020): GARCH(1,1) with normal noise on the same history, 300 paths of 4,000 steps.

    Of the table's four numbers three agree within 5 %. ACF(sq) settles 4.6 % above the printed number with thousands of
    paths, and a few hundred of them scatter around that by one per cent.
    """
    from arch import arch_model

    fit = arch_model(100 * index, mean="Constant", vol="GARCH", p=1, q=1, dist="normal").fit(disp="off")
    mu, omega, alpha, beta = fit.params
    noise = stream(0, "garch").standard_normal((4500, 300))
    paths = np.empty_like(noise)
    variance = np.full(300, omega / (1 - alpha - beta))
    for i, z in enumerate(noise):
        paths[i] = np.sqrt(variance) * z
        variance = omega + alpha * paths[i] ** 2 + beta * variance
    x = mu + paths[None, 500:]  # (1, t, paths): each path a series of its own
    measures = [lambda x, of=of: autocorrelation(x, 250, of) for of in ("r", "abs", "square")]
    gaps = [f(x).mean(axis=1) - f(index[None, :, None])[:, 0] for f in [*measures, lambda x: leverage(x, 250)]]
    acf, size, square, lever = (np.sqrt((gap**2).mean()) for gap in gaps)
    assert acf == pytest.approx(0.0223, rel=0.05)
    assert size == pytest.approx(0.0291, rel=0.05)
    assert square == pytest.approx(0.0253, rel=0.08)
    assert lever * np.sqrt(250) == pytest.approx(0.4636, rel=0.05)
