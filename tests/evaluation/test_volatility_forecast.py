import numpy as np
import pytest

import synthfin_core as sf
from synthfin_core.evaluation.metric import METRICS, Context
from synthfin_core.evaluation.volatility_forecast import (
    LEAST_FORECAST,
    Volatility,
    fit_har,
    har_design,
    horizons,
    qlike,
)
from synthfin_core.rng import stream

SCORE = METRICS["volatility_forecast"]


def garch(n, t, seed=0, alpha=0.1, beta=0.85, d=1):
    """Windows of a GARCH(1,1) path with a yearly volatility of about 16 %."""
    noise = stream(seed, "garch").standard_normal((n, t + 100, d))
    r, variance = np.zeros_like(noise), np.full((n, d), 1e-4)
    for i in range(noise.shape[1]):
        r[:, i] = np.sqrt(variance) * noise[:, i]
        variance = 1e-4 * (1 - alpha - beta) + alpha * r[:, i] ** 2 + beta * variance
    return r[:, 100:]


def by_bar(x):
    return x.transpose(2, 1, 0) ** 2  # (d, t, n)


def loop_design(path, spans):
    """Pairs of one series, given as windows `(n, t)` of squared returns, one after the other."""
    rows, target = [], []
    for i in range(spans[-1], path.shape[1]):
        for window in path:
            rows.append([1.0, *(np.mean(window[i - span : i]) for span in spans)])
            target.append(window[i])
    return np.array(rows), np.array(target)


def test_fit_agrees_with_weighted_least_squares_on_a_plain_loops_design():
    x = garch(20, 25, d=2)
    found = fit_har(by_bar(x))
    for i in range(2):
        rows, target = loop_design(x[:, :, i] ** 2, (1, 3, 12))
        past, asked = har_design(by_bar(x))
        np.testing.assert_allclose(past[i].T, rows)
        np.testing.assert_allclose(asked[i], target)
        plain = np.linalg.lstsq(rows / rows.mean(0), target, rcond=None)[0] / rows.mean(0)
        least = LEAST_FORECAST * np.mean(x[:, :, i] ** 2)
        assert found.least[i] == pytest.approx(least)
        weight = 1 / np.maximum(rows @ plain, least)
        scaled = rows * weight[:, None] / rows.mean(0)
        expected = np.linalg.lstsq(scaled, target * weight, rcond=None)[0] / rows.mean(0)
        np.testing.assert_allclose(found.coefficients[i], expected, rtol=1e-6)


def test_loss_agrees_with_a_plain_loop():
    train, holdout = garch(30, 20, seed=1), garch(9, 20, seed=2)
    model = fit_har(by_bar(train))
    rows, target = loop_design(holdout[:, :, 0] ** 2, horizons(20))
    loss = []
    for row, square in zip(rows, target, strict=True):
        variance = max(float(np.dot(model.coefficients[0], row)), model.least[0])
        loss.append(np.log(variance) + square / variance)
    assert Volatility(holdout).loss_of(model)[0] == pytest.approx(np.mean(loss))


def test_a_known_process_is_learned():
    """Squared returns whose mean is 0.2 + 0.5 of the last and 0.3 of the mean of the last 5."""
    steps = stream(3, "known").exponential(size=(4000, 60))
    square = np.ones_like(steps)
    for i in range(5, 60):
        square[:, i] = (0.2 + 0.5 * square[:, i - 1] + 0.3 * square[:, i - 5 : i].mean(1)) * steps[:, i]
    model = fit_har(square.T[None])
    np.testing.assert_allclose(model.coefficients[0], [0.2, 0.5, 0.3, 0.0], atol=0.03)


def test_qlike_is_least_at_the_variance():
    square = 4 * stream(4, "square").chisquare(1, (1, 200_000))
    losses = [qlike(np.full_like(square, f), square)[0] for f in (3.6, 4.0, 4.4)]
    assert losses[1] == min(losses)
    assert losses[1] == pytest.approx(np.log(4) + 1, abs=0.02)


def test_reference_order_on_the_sp500():
    """Years to 2009 against those after: learning beats a constant, and shuffled returns do no better than one.

    A fit on a shuffled path of 2,745 days falls to either side of the constant by chance, so twenty are averaged.
    """
    panel = sf.load("sp500")
    r = np.log(panel.frame.iloc[:, 0]).diff().dropna()
    train, test = (part.to_numpy()[None, :, None] for part in (r[:"2009"], r["2010":]))
    holdout = Volatility(test)
    learned = holdout.loss_of(Volatility(train).learned)[0]
    target = holdout.asked[1]
    constant = qlike(np.full_like(target, train.var()), target)[0]
    shuffled = [holdout.loss_of(fit_har(by_bar(stream(i, "shuffle").permutation(train, axis=1))))[0] for i in range(20)]
    assert learned < constant - 0.3
    assert np.mean(shuffled) == pytest.approx(constant, abs=0.03)
    assert holdout.loss_of(holdout.learned)[0] < learned  # fitted on the test itself
    assert learned == pytest.approx(-8.577, abs=0.005)


def test_score_is_the_share_of_the_gain_that_is_lost():
    real, holdout = garch(400, 60, seed=5), garch(100, 60, seed=6)
    context = Context(holdout=holdout)
    assert SCORE(real, real, context)[0] == 0
    assert abs(SCORE(real, garch(400, 60, seed=7), context)[0]) < 0.1
    values = real.ravel()
    bootstrap = values[stream(8, "bootstrap").integers(values.size, size=real.shape)]
    assert SCORE(real, bootstrap, context)[0] == pytest.approx(1, abs=0.1)
    weak, strong = (real + s * real.std() * stream(9, "noise").standard_normal(real.shape) for s in (0.5, 1.5))
    assert 0.05 < SCORE(real, weak, context)[0] < SCORE(real, strong, context)[0]


def test_exhibit_holds_the_three_losses():
    real, synthetic, holdout = (Volatility(garch(60, 30, seed=i)) for i in (1, 2, 3))
    value, shown = SCORE.function(real, synthetic, Context(holdout=holdout))
    assert set(shown) == {"real", "synthetic", "shuffled"}
    gain = shown["shuffled"] - shown["real"]
    np.testing.assert_allclose(value, (shown["synthetic"] - shown["real"]) / gain)


def test_order_of_windows_and_signs_does_not_count_but_direction_of_time_does():
    real, synthetic, holdout = garch(200, 40, seed=1, d=2), garch(150, 40, seed=2, d=2), garch(50, 40, seed=3, d=2)
    context = Context(holdout=holdout)
    value = SCORE(real, synthetic, context)
    mixed = Context(holdout=stream(0, "holdout").permutation(holdout))
    found = SCORE(stream(0, "real").permutation(real), stream(0, "mix").permutation(-synthetic), mixed)
    np.testing.assert_allclose(found, value, rtol=1e-6)
    assert np.abs(SCORE(real, synthetic[:, ::-1], context) - value).max() > 1e-4


def test_returns_without_structure_teach_nothing_and_get_no_number():
    """Where every window repeats one pattern of sizes the reference itself fails, and with it the ratio."""
    flat = np.where(stream(1, "side").random((50, 20, 1)) < 0.5, -0.01, 0.01)
    assert np.isnan(SCORE(flat, garch(50, 20), Context(holdout=flat[:10]))).all()


def test_paths_that_print_the_mean_are_far_and_finite():
    real = garch(100, 30)
    printed = np.tile(real.mean(axis=0), (100, 1, 1))
    still = np.repeat(1e-3 * stream(0, "still").standard_normal((100, 1, 1)), 30, axis=1)
    for x in (printed, still):
        value = SCORE(real, x, Context(holdout=garch(20, 30, seed=4)))[0]
        assert np.isfinite(value)
        assert value > 3


def test_horizons_shrink_with_the_window():
    assert [horizons(t) for t in (8, 20, 44, 250)] == [(1, 2, 4), (1, 3, 10), (1, 5, 22), (1, 5, 22)]


def test_short_windows_are_left_out_with_the_reason():
    x = stream(0, "short").standard_normal((9, 7, 1))
    assert "at least 8 steps" in SCORE.needs.unmet(x, x, ["one"])
    assert SCORE.needs.holdout == 8
    assert SCORE.needs.returns
