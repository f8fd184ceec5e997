import numpy as np
import pytest

from synthfin_core.evaluation.strategies import RULES, STRATEGIES, Past, first_bar, running_sums, strategy_sharpes
from synthfin_core.rng import stream


def returns(n=12, t=60, d=2, seed=0):
    return 0.01 * stream(seed, "returns").standard_t(4, (n, t, d)) + 0.0005


def loop_position(name, r, bars):
    """A strategy's position from the earlier returns `r` of the window alone, written out; `bars` scales lookbacks."""
    words = name.split()
    price = np.append(0.0, np.cumsum(r))
    k = bars(int(words[-1])) if words[-1].isdigit() else 0
    longest = bars(30)

    def volatility(lookback):
        return np.sqrt(np.mean(r[-max(bars(lookback), 5) :] ** 2))

    def steady(lookback):
        return 1 / max(volatility(lookback), 0.1 * volatility(30))

    if name == "Hold":
        return 1.0
    if name == "Hold in calm":
        return float(volatility(5) < volatility(30))
    if name.startswith("Momentum"):
        return np.sign(r[-k:].sum())
    if name.startswith("Average"):
        return np.sign(price[-bars(int(words[1])) :].mean() - price[-k:].mean())
    if name.startswith("Hold above"):
        return float(price[-1] > price[-k:].mean())
    if name.startswith("Hold after"):
        return float(r[-k:].sum() < 0)
    if name.startswith("Reversal"):
        move = r[-k:].sum()
        return -np.sign(move) if abs(move) > np.sqrt(np.mean(r[-longest:] ** 2) * k) else 0.0
    if name.startswith("Steady risk"):
        return steady(int(words[-1]))
    return np.sign(r[-k:].sum()) * steady(int(words[-1]))


@pytest.mark.parametrize("t", [60, 33, 140])
def test_positions_and_sharpes_agree_with_a_plain_loop(t):
    x = returns(n=4, t=t)
    first = t // 2

    def bars(lookback):
        return min(max(1, round(lookback * t / 60)), first)

    past = Past(x)
    sharpes = strategy_sharpes(x)
    for row, (name, rule) in zip(sharpes, RULES.items(), strict=True):
        found = rule(past)  # (d, t - first, n)
        expected = [
            [[loop_position(name, x[w, :i, s], bars) for w in range(4)] for i in range(first, t)] for s in range(2)
        ]
        np.testing.assert_allclose(found, expected, rtol=1e-3, err_msg=name)
        gain = np.array(expected) * x[:, first:].transpose(2, 1, 0)
        np.testing.assert_allclose(row, gain.mean((1, 2)) / gain.std((1, 2)), rtol=1e-3, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("name", STRATEGIES)
def test_no_strategy_looks_ahead(name):
    """Another future from bar 45 on leaves every position up to and with bar 45 as it was."""
    x, first = returns(), first_bar(60)
    other = x.copy()
    other[:, 45:] = returns(seed=9)[:, 45:] * 20
    before, after = RULES[name](Past(x)), RULES[name](Past(other))
    until = 45 - first + 1
    np.testing.assert_array_equal(before[:, :until], after[:, :until])
    if name != "Hold":
        assert (before[:, until:] != after[:, until:]).any()  # and the past does count


def test_there_are_25_different_strategies():
    assert len(STRATEGIES) == len(set(STRATEGIES)) == 25
    sharpes = strategy_sharpes(returns(n=200))
    assert len(np.unique(sharpes.round(9), axis=0)) == 25


def test_windows_do_not_reach_into_each_other():
    x = returns()
    order = stream(1, "order").permutation(len(x))
    for rule in RULES.values():
        np.testing.assert_array_equal(rule(Past(x[order])), rule(Past(x))[:, :, order])


def test_trend_pays_momentum_and_costs_reversal():
    noise = stream(2, "trend").standard_normal((300, 60, 1))
    sharpe = dict(zip(STRATEGIES, strategy_sharpes(0.01 * (noise + np.roll(noise, 1, axis=1)))[:, 0], strict=True))
    assert sharpe["Momentum 1"] > 0.2
    assert sharpe["Reversal 2"] < -0.1
    assert abs(sharpe["Hold"]) < 0.05


def test_scale_does_not_count():
    """Not even one whose squares a single-precision number cannot hold."""
    x = returns()
    for scale in (1e-30, 1e30):
        np.testing.assert_allclose(strategy_sharpes(scale * x), strategy_sharpes(x), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("t", [2, 3, 8])
def test_short_windows_and_still_series_have_sharpes_too(t):
    x = returns(t=t)
    x[:, :, 1] = 0.0
    sharpes = strategy_sharpes(x)
    assert np.isfinite(sharpes).all()
    assert (sharpes[:, 1] == 0).all()


def test_running_sums_start_at_nothing():
    x = returns().T
    np.testing.assert_allclose(running_sums(x)[:, 1:], np.cumsum(x, axis=1))
    assert (running_sums(x)[:, 0] == 0).all()
