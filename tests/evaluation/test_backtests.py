import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from scipy import stats

from synthfin_core.evaluation.backtests import (
    acerbi_szekely,
    acerbi_szekely_p_value,
    christoffersen,
    exceptions,
    kupiec,
)
from synthfin_core.evaluation.metric import METRICS, Context
from synthfin_core.evaluation.rows import Rows, distinct_rows
from synthfin_core.evaluation.tails import expected_shortfall, value_at_risk
from synthfin_core.rng import stream

SCORED = ("kupiec_1", "kupiec_5", "acerbi_szekely_1", "acerbi_szekely_2_5")
SHOWN = (
    "exceptions_1",
    "exceptions_5",
    "kupiec_p_value_1",
    "kupiec_p_value_5",
    "christoffersen_p_value_5",
    "acerbi_szekely_p_value_2_5",
)


def path(rows=1000, d=2, purpose="path"):
    return 0.01 * stream(0, purpose).standard_t(4, (rows, d))


def cut(rows, t=20, stride=1):
    return sliding_window_view(rows, t, axis=0).transpose(0, 2, 1)[::stride]


def as_rows(values):
    return Rows(values, np.arange(len(values)) > 0)


@pytest.mark.parametrize("stride", [1, 3, 7, 19])
def test_every_row_of_overlapping_windows_comes_once(stride):
    history = path(20 + 19 * stride)
    values, follow = distinct_rows(cut(history, stride=stride))
    np.testing.assert_array_equal(values, history)
    np.testing.assert_array_equal(follow, np.arange(len(history)) > 0)


def test_a_gap_and_windows_without_overlap_begin_anew():
    first, second = path(30), path(25, purpose="second")
    values, follow = distinct_rows(np.concatenate([cut(first), cut(second)]))
    np.testing.assert_array_equal(values, np.concatenate([first, second]))
    assert np.flatnonzero(~follow).tolist() == [0, 30]
    values, follow = distinct_rows(cut(path(60), stride=20))
    np.testing.assert_array_equal(values, path(60))
    assert np.flatnonzero(~follow).tolist() == [0, 20, 40]


def test_rows_of_some_of_the_windows():
    history = path(300)
    drawn = np.sort(stream(1, "drawn").choice(281, 120, replace=False))
    values, _ = distinct_rows(cut(history)[drawn])
    seen = np.unique(drawn[:, None] + np.arange(20))
    np.testing.assert_array_equal(values, history[seen])


@pytest.mark.parametrize("stride", [1, 7])
def test_bars_without_a_move_are_not_taken_for_one_another(stride):
    history = path(20 + 26 * 7)
    history[stream(2, "still").random(len(history)) < 0.3] = 0.0
    values, _ = distinct_rows(cut(history, stride=stride))
    np.testing.assert_array_equal(values, history)


def test_one_window_is_all_there_is():
    values, follow = distinct_rows(path(20)[None])
    np.testing.assert_array_equal(values, path(20))
    assert follow.sum() == 19


def test_kupiec_gives_the_published_p_values():
    """Exceptions of 3,270 bars in 2010 to 2022: 158 at 5 %, and 59 and 43 at 1 %."""
    p = stats.chi2.sf([kupiec(158, 3270, 0.05), kupiec(59, 3270, 0.01), kupiec(43, 3270, 0.01)], 1)
    assert p[0] == pytest.approx(0.66, abs=0.005)
    assert p[1] < 0.001
    assert p[2] == pytest.approx(0.08, abs=0.01)


def test_kupiec_is_the_binomial_likelihood_ratio():
    for x, n, share in ((3, 250, 0.01), (20, 250, 0.05), (250, 250, 0.05)):
        expected = 2 * (stats.binom.logpmf(x, n, x / n) - stats.binom.logpmf(x, n, share))
        assert kupiec(np.array([x]), n, share)[0] == pytest.approx(expected)
    assert kupiec(np.array([0]), 250, 0.01)[0] == pytest.approx(-2 * 250 * np.log(0.99))
    assert kupiec(np.array([5]), 100, 0.05)[0] == pytest.approx(0.0, abs=1e-9)


def test_christoffersen_agrees_with_the_likelihood_of_a_plain_loop():
    hit = stream(3, "hits").random(400) < 0.08
    hit[1:] |= hit[:-1] & (stream(4, "again").random(399) < 0.4)
    follow = np.ones(400, dtype=bool)
    follow[[0, 150]] = False
    n = {(i, j): 0 for i in (0, 1) for j in (0, 1)}
    for s in range(1, 400):
        if follow[s]:
            n[int(hit[s - 1]), int(hit[s])] += 1
    p0, p1 = n[0, 1] / (n[0, 0] + n[0, 1]), n[1, 1] / (n[1, 0] + n[1, 1])
    p = (n[0, 1] + n[1, 1]) / 398
    free = n[0, 0] * np.log(1 - p0) + n[0, 1] * np.log(p0) + n[1, 0] * np.log(1 - p1) + n[1, 1] * np.log(p1)
    bound = (n[0, 0] + n[1, 0]) * np.log(1 - p) + (n[0, 1] + n[1, 1]) * np.log(p)
    assert christoffersen(hit[:, None], follow)[0] == pytest.approx(2 * (free - bound))


def test_christoffersen_of_hand_made_sequences():
    spread, runs, none = (np.zeros(200, dtype=bool) for _ in range(3))
    spread[::20] = True
    runs[50:60] = True
    ratio = christoffersen(np.stack([spread, runs, none], axis=1), np.arange(200) > 0)
    free = 180 * np.log(180 / 189) + 9 * np.log(9 / 189)  # the first of ten exceptions has no day before it
    bound = 190 * np.log(190 / 199) + 9 * np.log(9 / 199)
    assert ratio[0] == pytest.approx(2 * (free - bound))
    assert stats.chi2.sf(ratio[0], 1) > 0.2
    assert stats.chi2.sf(ratio[1], 1) < 1e-6
    assert np.isnan(ratio[2])


def test_christoffersen_rejects_where_volatility_clusters():
    """A value at risk that never changes fails, even the hold-out's own: so it is shown, never scored."""
    volatility = np.repeat([0.003, 0.03, 0.003, 0.02], [400, 100, 400, 100])[:, None]
    noise = stream(5, "noise").standard_normal((1000, 1))
    p = []
    for values in (noise, volatility * noise):
        hit = exceptions(as_rows(values), np.sort(values.T, axis=1), 0.05)
        p.append(stats.chi2.sf(christoffersen(hit, np.arange(1000) > 0)[0], 1))
    assert p[0] > 0.05
    assert p[1] < 0.01
    assert METRICS["christoffersen_p_value_5"].better == "none"


def test_acerbi_szekely_agrees_with_a_plain_loop():
    values, ordered = path(500), np.sort(path(3000, purpose="synthetic").T, axis=1)
    found = acerbi_szekely(as_rows(values), ordered, 0.025)
    for i in range(2):
        risk, shortfall = value_at_risk(ordered, 0.025)[i], expected_shortfall(ordered, 0.025)[i]
        lost = sum(r for r in values[:, i] if r < -risk)
        assert found[i] == pytest.approx(1 + lost / (500 * 0.025 * shortfall))


def test_acerbi_szekely_knows_too_little_from_too_much_risk():
    values = path(20_000, d=1)
    z = [acerbi_szekely(as_rows(values), np.sort(scale * values.T, axis=1), 0.025)[0] for scale in (1.0, 0.5, 100.0)]
    assert z[0] == pytest.approx(0.0, abs=0.01)
    assert z[1] < -1
    assert z[2] == 1
    assert np.isnan(acerbi_szekely(as_rows(values), np.abs(values.T), 0.025)[0])


def test_simulated_p_value_agrees_with_drawing_whole_holdouts():
    ordered = np.sort(path(5000, d=1, purpose="synthetic").T, axis=1)
    values = 1.15 * path(400, d=1)
    random = stream(6, "brute")
    found = acerbi_szekely(as_rows(values), ordered, 0.025)[0]
    drawn = [acerbi_szekely(as_rows(random.choice(ordered[0], 400)[:, None]), ordered, 0.025)[0] for _ in range(2000)]
    expected = np.mean(np.array(drawn) <= found)
    assert 0.02 < expected < 0.98
    assert acerbi_szekely_p_value(as_rows(values), ordered, 0.025, seed=0)[0] == pytest.approx(expected, abs=0.05)
    again = acerbi_szekely_p_value(as_rows(values), ordered, 0.025, seed=0)
    assert again == acerbi_szekely_p_value(as_rows(values), ordered, 0.025, seed=0)


def test_simulated_p_value_is_even_under_the_null():
    ordered = np.sort(path(5000, d=1, purpose="synthetic").T, axis=1)
    random = stream(7, "null")
    p = [
        acerbi_szekely_p_value(as_rows(random.choice(ordered[0], 2000)[:, None]), ordered, 0.025, seed=i)[0]
        for i in range(200)
    ]
    assert stats.kstest(p, "uniform").pvalue > 0.01


@pytest.mark.parametrize("name", SCORED + SHOWN)
def test_windows_are_scored_as_the_history_beneath_them(name):
    """However the hold-out is cut into windows, each bar counts once; the order of synthetic windows is nothing."""
    history, synthetic = path(590), cut(path(3000, purpose="synthetic"), stride=20)
    dense, sparse = (Context(holdout=cut(history, stride=stride)) for stride in (1, 19))
    found = METRICS[name](synthetic, synthetic, dense)
    assert found.shape == (2,)
    np.testing.assert_allclose(METRICS[name](synthetic, synthetic, sparse), found)
    np.testing.assert_allclose(METRICS[name](synthetic, synthetic[::-1], dense), found)
    np.testing.assert_allclose(METRICS[name](synthetic, synthetic[:, ::-1], dense), found)  # nor is the order of days


@pytest.mark.parametrize("name", SCORED)
def test_wrong_risk_scores_worse_in_both_directions(name):
    history, synthetic = path(2000), cut(path(60_000, purpose="synthetic"), stride=20)
    right, low, high = (
        METRICS[name](synthetic, scale * synthetic, Context(holdout=cut(history))) for scale in (1.0, 0.5, 2.0)
    )
    assert (low > right).all()
    assert (high > right).all()
    assert METRICS[name].better == "lower"


def test_exceptions_tell_the_direction():
    history, synthetic = path(2000), cut(path(60_000, purpose="synthetic"), stride=20)
    context = Context(holdout=cut(history))
    for name in ("exceptions_1", "exceptions_5"):
        np.testing.assert_allclose(METRICS[name](synthetic, synthetic, context), 1.0, atol=0.35)
        assert (METRICS[name](synthetic, 0.5 * synthetic, context) > 2).all()
        assert (METRICS[name](synthetic, 2 * synthetic, context) < 0.6).all()
    p = METRICS["acerbi_szekely_p_value_2_5"]
    assert (p(synthetic, 0.5 * synthetic, context) < 0.01).all()
    assert (p(synthetic, 2 * synthetic, context) > 0.99).all()


@pytest.mark.parametrize("name", SCORED + SHOWN)
def test_needs_a_holdout_of_returns(name):
    assert METRICS[name].needs.holdout == 1
    assert METRICS[name].needs.unmet_by_kind(["level"]) == "it is about returns, and these series are levels"
