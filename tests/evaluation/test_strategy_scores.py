import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from scipy import stats

import synthfin_core as sf
from synthfin_core.evaluation.metric import METRICS, Context
from synthfin_core.evaluation.strategies import strategy_sharpes
from synthfin_core.evaluation.strategy_scores import ranks, traded
from synthfin_core.rng import stream

RANKING, GATE = METRICS["strategy_ranking"], METRICS["sanity_gate"]
CHECKS = ("volatility", "largest_move", "sharpe")


@pytest.fixture(scope="module")
def real():
    """Overlapping windows of the S&P 500 and the NASDAQ, every third, to be quick."""
    return sf.make_windows(sf.load("us-indices"), length=60, stride=3).train.x


def failed(real, synthetic, **context):
    shown = GATE.function(traded(real), traded(synthetic), Context(**context)).exhibit
    return [check for check, fails in zip(CHECKS, shown["failed"], strict=True) if fails]


def test_ranks_agree_with_scipy():
    values = stream(0, "values").integers(0, 9, 25).astype(float)
    np.testing.assert_allclose(ranks(values), stats.rankdata(values))


def test_ranking_is_one_minus_spearman(real):
    synthetic = 0.01 * stream(1, "synthetic").standard_t(4, (300, 60, 2))
    a, b = (strategy_sharpes(x).mean(axis=1) for x in (real, synthetic))
    assert RANKING(real, synthetic) == pytest.approx(1 - stats.spearmanr(a, b).statistic)
    _, shown = RANKING.function(traded(real), traded(synthetic), Context(bars_per_year=100))
    np.testing.assert_allclose(shown["real"], 10 * a)
    np.testing.assert_allclose(shown["synthetic"], 10 * b)


def test_ranking_is_nought_for_the_same_data_whatever_the_order_and_scale(real):
    assert RANKING(real, real) == pytest.approx(0, abs=1e-12)
    assert RANKING(real, stream(2, "order").permutation(real)) == pytest.approx(0, abs=1e-12)
    assert RANKING(real, 3 * real) < 0.01
    assert RANKING(real, real[:, ::-1]) > 0.05  # which strategies see


def test_ranking_suffers_from_noise(real):
    noise = stream(3, "noise").standard_normal(real.shape) * real.std()
    losses = [RANKING(real, real + s * noise) for s in (0.5, 5.0)]
    assert 0 < losses[0] < losses[1]


def test_ranking_is_reversed_where_trends_turn_into_reversals():
    noise = 0.01 * stream(4, "trend").standard_normal((300, 60, 1))
    trends, reversals = (noise + sign * 0.5 * np.roll(noise, 1, axis=1) for sign in (1, -1))
    assert RANKING(trends, reversals) > 1.5


def test_real_data_pass_the_gate_against_themselves_and_their_hold_out():
    windows = sf.make_windows(sf.load("us-indices"), length=60)
    assert failed(windows.train.x, windows.train.x) == []
    assert failed(windows.train.x, windows.holdout.x) == []


def test_heavy_tailed_paths_pass_although_they_hold_far_more_history():
    """Overlapping windows of 450 days against 600 years of the same process: the largest move is beyond the limit."""
    path = 0.01 * stream(4, "path").standard_t(3, 450)
    real = sliding_window_view(path, 60)[:, :, None]
    synthetic = 0.01 * stream(5, "synthetic").standard_t(3, (2500, 60, 1))
    assert np.abs(synthetic).max() > 3 * np.abs(real).max()
    assert failed(real, synthetic) == []


@pytest.mark.parametrize("t", [10, 20, 60])
def test_few_windows_do_not_fail_by_chance(t):
    draws = 0.01 * stream(t, "few").standard_t(4, (100, 2, 8, t, 2))
    assert sum(GATE(a, b) for a, b in draws) <= 1  # of 300 checks


def test_standard_error_of_volatility_is_its_spread_over_many_histories():
    """Of normal returns, and so `1 / sqrt(2 b)`."""
    histories = [traded(x) for x in stream(10, "histories").standard_normal((300, 10, 20, 1))]
    found = np.mean([each.volatility_error[0] for each in histories])
    assert found == pytest.approx(np.std([each.volatility[0] for each in histories]), rel=0.1)
    assert found == pytest.approx(1 / np.sqrt(2 * 200), rel=0.03)


def test_each_fault_fails_its_check(real):
    assert failed(real, 2.5 * real) == ["volatility"]
    assert failed(real, 0.35 * real) == ["volatility"]
    wild = real.copy()
    wild[::5, 40] *= 30
    assert "largest_move" in failed(real, wild)
    assert failed(real, real + 0.4 * real.std()) == ["sharpe"]
    assert failed(real, np.zeros_like(real)) == ["volatility"]
    assert GATE(real, 10 * np.abs(real)) == 3


def test_gate_knows_the_bars_of_a_year(real):
    """A drift of 1/30 of a bar's deviation is a Sharpe of 0.5 by day and of above 10 by minute."""
    drift = 0.034 * real.std(axis=(0, 1)) - real.mean(axis=(0, 1))
    noise = stream(6, "noise").standard_normal((1500, 60, 2)) * real.std(axis=(0, 1))
    calm = stream(7, "calm").standard_normal((1500, 60, 2)) * real.std(axis=(0, 1))
    assert failed(calm, noise + drift + real.mean(axis=(0, 1))) == []
    assert failed(calm, noise + 2 * drift, bars_per_year=98_280) == ["sharpe"]


def test_gate_does_not_see_the_order_of_windows(real):
    mixed = stream(8, "order").permutation(real)
    assert GATE(real, mixed) == GATE(mixed, real) == 0


def test_the_largest_move_is_the_one_reached_once_in_so_many_bars():
    x = np.arange(1.0, 601.0).reshape(10, 60, 1) * np.where(np.arange(60) % 2, 1, -1)[:, None]
    found, twice = traded(x), traded(np.concatenate([x, x]))
    np.testing.assert_array_equal(found.distinct, [600])
    np.testing.assert_array_equal(twice.distinct, [600])
    for each in (found, twice):
        assert [each.largest_move(np.array([b]))[0] for b in (9000, 600, 200, 100, 60)] == [598, 598, 598, 595, 591]


def test_overlapping_windows_hold_the_bars_of_their_path():
    path = stream(9, "path").standard_normal(200)
    assert traded(sliding_window_view(path, 60)[:, :, None]).distinct[0] == 200


def test_short_windows_are_left_out_of_the_ranking_with_the_reason():
    x = stream(0, "short").standard_normal((9, 19, 1))
    assert "at least 20 steps" in RANKING.needs.unmet(x, x, ["one"])
    assert GATE.needs.unmet(x, x, ["one"]) is None
