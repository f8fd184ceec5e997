"""How scores are called: what is shared, what is left out and why, progress and stop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from synthfin_core.errors import DataError, Stopped
from synthfin_core.evaluation.dataset import DataSet, Frame, Pair, bars_per_year, frame_of
from synthfin_core.evaluation.metric import METRICS, Context, Finding, Metric, Needs
from synthfin_core.evaluation.scoring import score_pairs
from synthfin_core.rng import stream


def made(function, name="made", **more):
    """A score that is not registered."""
    return Metric(name, name, "one series", "lower", "", "Made for a test.", function, **more)


def data(seed, n=20, d=2):
    return DataSet(stream(seed, "data").standard_normal((n, 12, d)))


FRAME = Frame(("A", "V"), ("return", "volume"), bars_per_year=250.0, seed=7)


def score(metric, pair, frame=FRAME):
    return score_pairs([metric], [pair], frame)[0]


def test_what_is_prepared_from_a_data_set_is_made_once_for_all_scores_and_pairs():
    made_from = []

    def count(x):
        made_from.append(x.shape)
        return x.mean()

    metrics = [made(lambda a, b: a - b, name=f"score {i}", prepare=count) for i in range(3)]
    real, first, second = data(0), data(1, 21), data(2, 22)
    score_pairs(metrics, [Pair(real, first), Pair(real, second)], FRAME)
    assert sorted(made_from) == [(20, 12, 2), (21, 12, 2), (22, 12, 2)]


def test_scores_of_returns_see_the_columns_of_returns_and_their_kinds_only():
    seen = []

    def look(real, synthetic, context):
        seen.append((real.shape, synthetic.shape, context.holdout.shape, context))
        return np.ones(real.shape[2])

    pair = Pair(data(0), data(1), holdout=data(2), control=data(3))
    found = score(made(look, context=True, needs=Needs(returns=True)), pair)
    ((real, synthetic, holdout, context),) = seen
    assert real == synthetic == holdout == (20, 12, 1)
    assert (context.kinds, context.bars_per_year, context.seed) == (("return",), 250.0, 7)
    assert context.control.shape == (20, 12, 1)
    assert found.found == {("made", "A"): 1.0}


def test_a_score_that_wants_all_windows_sees_those_that_others_do_not():
    shown = stream(0, "data").standard_normal((30, 12, 2))
    pair = Pair(DataSet(shown[:10], shown), data(1))
    sizes = made(lambda real, synthetic: float(len(real)))
    assert score(sizes, pair).found == {("made", "all"): 10}
    assert score(replace(sizes, all_windows=True), pair).found == {("made", "all"): 30}


@pytest.mark.parametrize(
    ("needs", "changes", "why"),
    [
        (Needs(windows=21), {}, "it needs at least 21 windows on each side, and there are 20"),
        (Needs(length=13), {}, "it needs windows of at least 13 steps, and these have 12"),
        (Needs(series=3), {}, "it needs at least 3 series, and there is 2"),
        (Needs(series=2, returns=True), {}, "it needs at least 2 series, and there is one"),
        (Needs(holdout=1), {"holdout": None}, "it needs at least 1 hold-out windows, and there are 0"),
        (Needs(holdout=30), {}, "it needs at least 30 hold-out windows, and there are 20"),
        (Needs(control=True), {"control": None}, "it needs data that can't have been memorised, and no process could"),
        (Needs(), {"real": DataSet(np.ones((20, 12, 2)))}, "the real series A is constant"),
        (Needs(synthetic_varies=True), {"synthetic": DataSet(np.ones((20, 12, 2)))}, "the synthetic series A is const"),
    ],
)
def test_unmet_needs_are_told(needs, changes, why):
    called = made(lambda *_: pytest.fail("it was called"), needs=needs)
    found = score(called, replace(Pair(data(0), data(1), data(2), data(3)), **changes))
    assert found.missing["made"].startswith(why)
    assert found.found == {}


@pytest.mark.parametrize(
    ("needs", "kinds", "why"),
    [
        (Needs(returns=True), ("level", "volume"), "it is about returns, and these series are levels and volumes"),
        (
            Needs(volume=True),
            ("price", "price"),
            "it needs a volume beside a price or a return, and these series are p",
        ),
        (
            Needs(volume=True),
            ("volume", "volume"),
            "it needs a volume beside a price or a return, and these series are",
        ),
    ],
)
def test_kinds_that_a_score_is_not_for_are_told(needs, kinds, why):
    found = score(made(lambda *_: 0.0, needs=needs), Pair(data(0), data(1)), Frame(("A", "B"), kinds))
    assert found.missing["made"].startswith(why)


def test_what_a_score_refuses_or_can_not_solve_is_left_out_with_its_words():
    def refuse(real, synthetic):
        raise DataError("it can't be done")

    def unsolvable(real, synthetic):
        return float(np.linalg.inv(np.zeros((2, 2))).sum())

    pair = Pair(data(0), data(1))
    assert score(made(refuse), pair).missing == {"made": "it can't be done"}
    assert score(made(unsolvable), pair).missing == {"made": "Singular matrix"}
    with pytest.raises(ZeroDivisionError):  # a mistake in a score is no reason
        score(made(lambda real, synthetic: 1 / 0), pair)


def test_numbers_that_are_not_finite_are_left_out_series_by_series():
    pair = Pair(data(0), data(1))
    found = score(made(lambda real, synthetic: np.array([2.0, np.nan])), pair)
    assert (found.found, found.missing) == ({("made", "A"): 2.0}, {"made": "it is not defined for V"})
    found = score(made(lambda real, synthetic: np.inf), pair)
    assert (found.found, found.missing) == ({}, {"made": "it is not defined"})


def test_exhibits_are_kept():
    found = score(made(lambda real, synthetic: Finding(1.0, {"line": np.arange(3)})), Pair(data(0), data(1)))
    assert found.found == {("made", "all"): 1.0}
    assert found.exhibits["made"]["line"].tolist() == [0, 1, 2]


def test_scores_that_judge_all_together_are_called_once_with_those_that_can_be_judged():
    calls = []

    def judge(pairs, context):
        calls.append(([len(synthetic) for _, synthetic in pairs], context.kinds))
        return [float(len(synthetic)) for _, synthetic in pairs]

    pairs = [Pair(data(0), data(1, n)) for n in (20, 5, 30)]
    found = score_pairs([made(judge, together=True)], pairs, FRAME)
    assert calls == [([20, 30], ("return", "volume"))]
    assert [each.found.get(("made", "all")) for each in found] == [20, None, 30]
    assert found[1].missing == {"made": "it needs at least 8 windows on each side, and there are 5"}


def test_a_judge_that_refuses_leaves_all_out():
    def judge(pairs, context):
        raise DataError("no judge today")

    found = score_pairs([made(judge, together=True)], [Pair(data(0), data(1))] * 2, FRAME)
    assert [each.missing for each in found] == [{"made": "no judge today"}] * 2


def test_results_stand_in_the_order_of_the_scores():
    later = made(lambda pairs, context: [1.0] * len(pairs), name="first", together=True)
    found = score_pairs([later, made(lambda a, b: 2.0, name="second")], [Pair(data(0), data(1))], FRAME)
    assert list(found[0].found) == [("first", "all"), ("second", "all")]


def test_progress_goes_from_little_to_all():
    told = []
    metrics = [made(lambda a, b: 2.0), made(lambda pairs, context: [1.0] * len(pairs), name="judge", together=True)]
    score_pairs(metrics, [Pair(data(0), data(1))] * 3, FRAME, lambda share, words: told.append((share, words)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert [words for _, words in told] == ["scores"] * 3 + ["judge"]


def test_it_stops_when_told():
    calls = []
    metric = made(lambda a, b: float(calls.append(1) or 0))
    with pytest.raises(Stopped, match="The evaluation was stopped"):
        score_pairs([metric] * 50, [Pair(data(0), data(1))] * 50, FRAME, should_stop=lambda: len(calls) > 3)
    assert len(calls) < 60


def test_the_result_does_not_depend_on_the_threads(monkeypatch):
    pairs = [Pair(data(0), data(i)) for i in range(1, 6)]
    metrics = [METRICS["wasserstein"], METRICS["acf_distance"], METRICS["mmd"]]
    several = score_pairs(metrics, pairs, FRAME)
    monkeypatch.setattr("synthfin_core.evaluation.scoring.THREADS", 1)
    assert score_pairs(metrics, pairs, FRAME) == several


def test_a_score_called_by_hand_prepares_and_gives_the_number_without_its_exhibit():
    metric = made(lambda a, b, context: Finding(a + b + context.holdout, {}), prepare=np.sum, context=True)
    x = np.ones((8, 2, 1))
    assert metric(x, 2 * x, Context(holdout=3 * x)) == 16 * 6
    together = made(lambda pairs, context: [Finding(float(len(pairs)), {})], together=True)
    assert together(x, x) == 1


def test_a_frame_has_the_bars_of_a_year_by_the_dates(windows):
    assert frame_of(windows).names == ("one", "two")
    assert bars_per_year(windows) == pytest.approx(261, abs=1)  # business days
