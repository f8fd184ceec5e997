"""`evaluate`: what stands in a report, beside what, and what is refused or left out."""

from __future__ import annotations

import math
import time

import numpy as np
import pandas as pd
import pytest

from synthfin_core.data.panel import Panel
from synthfin_core.data.windows import make_windows
from synthfin_core.errors import DataError, SettingError, Stopped
from synthfin_core.evaluation import (
    BASELINES,
    CURVES,
    METRICS,
    Context,
    Finding,
    evaluate,
    floors,
    measure_floors,
    metric,
)
from synthfin_core.evaluation.baselines import ORACLE, fitted_baseline
from synthfin_core.evaluation.score import HOLDOUT, MOST_WINDOWS, TRAINING
from synthfin_core.rng import integer_seed, stream

QUICK = [name for name, each in METRICS.items() if not each.learned]
PLAIN = [name for name in QUICK if not METRICS[name].context and not METRICS[name].all_windows]


def returns(seed, *shape):
    """Skewed, heavy-tailed, correlated and with calm and wild windows."""
    rng = stream(seed, "returns")
    x = rng.standard_t(5, shape) + 0.3 * rng.exponential(1, shape)
    x[..., 1:] += 0.8 * x[..., :1]
    return x * 0.01 * np.exp(0.5 * rng.standard_normal((shape[0],) + (1,) * (len(shape) - 1)))


def panel(rows=700, seed=0, columns=("A", "B")):
    rng = stream(seed, "panel")
    bars = rng.standard_t(5, (rows, len(columns))) * 0.01 * np.exp(np.sin(np.arange(rows) / 40))[:, None]
    frame = pd.DataFrame(bars, index=pd.bdate_range("2015-01-01", periods=rows), columns=list(columns))
    return Panel(frame, dict.fromkeys(columns, "return"), "test")


@pytest.fixture(scope="module")
def windows():
    return make_windows(panel(), length=20, holdout=0.3)


@pytest.fixture(scope="module")
def report(windows):
    """All quick scores of one data set, without floors."""
    return evaluate(windows, returns(1, 80, 20, 2))


# The numbers.


def test_value_and_reference_are_the_scores_against_training(windows, report):
    table = report.table()
    assert list(table.columns) == ["data", "score", "title", "group", "series", "value", "reference", "better", "unit"]
    assert set(table["score"]) == set(QUICK) - set(report.left_out)
    synthetic = returns(1, 80, 20, 2)
    for name in (name for name in PLAIN if name not in report.left_out):
        rows = table[table["score"] == name]
        value = np.atleast_1d(METRICS[name](windows.train.x, synthetic))
        reference = np.atleast_1d(METRICS[name](windows.train.x, windows.holdout.x))
        np.testing.assert_allclose(rows["value"], value)
        np.testing.assert_allclose(rows["reference"], reference)
    assert set(table["series"]) == {"A", "B", "all"}


def test_scores_get_the_hold_out_a_control_and_what_the_windows_are(windows):
    seen = []

    @metric(name="seen", title="Seen", group="novelty", better="none", help="A test.", context=True)
    def look(real, synthetic, context):
        seen.append(context)
        return Finding(1.0, {"line": [1, 2]})

    try:
        report = evaluate(windows, {"a": returns(1, 30, 20, 2)}, ["seen", "neighbour_ratio"], seed=3)
    finally:
        METRICS.pop("seen")
    context = seen[0]
    assert (context.kinds, context.seed) == (("return", "return"), 3)
    assert context.bars_per_year == pytest.approx(261, abs=1)
    np.testing.assert_array_equal(context.holdout, windows.holdout.x)
    control = fitted_baseline(ORACLE, windows).draw(MOST_WINDOWS, integer_seed(3, "control"))
    np.testing.assert_array_equal(context.control, control)
    assert report.exhibits["seen"]["a"]["line"].tolist() == [1, 2]


def test_chosen_scores_only_and_in_that_order(windows):
    table = evaluate(windows, returns(1, 30, 20, 2), scores=["wasserstein", "spread_ratio"]).table()
    assert list(dict.fromkeys(table["score"])) == ["wasserstein", "spread_ratio"]


def test_scores_that_train_networks_are_for_those_who_ask(windows, monkeypatch, report):
    learned = [name for name, each in METRICS.items() if each.learned]
    assert learned
    assert not set(learned) & {row.score for row in report.rows}
    monkeypatch.setattr("synthfin_core.evaluation.score.METRICS", {name: METRICS[name] for name in ("mmd", learned[0])})
    whole = evaluate(windows, returns(1, 10, 20, 2), "all")
    assert learned[0] in whole.left_out
    assert {row.score for row in whole.rows} == {"mmd"}


def test_curves_are_those_of_the_scores_and_of_every_data_set(windows, report):
    assert set(report.curves) == {METRICS[name].figure for name in QUICK} & set(CURVES)
    for name, each in report.curves.items():
        assert list(each) == [TRAINING, HOLDOUT, "synthetic"]
        by_hand = CURVES[name].function(windows.train.x)
        np.testing.assert_array_equal(each[TRAINING].at, by_hand.at)
        np.testing.assert_array_equal(each[TRAINING].y, by_hand.y)
    assert evaluate(windows, returns(1, 30, 20, 2), ["mean_difference"]).curves == {}


def test_several_data_sets_stand_side_by_side(windows):
    runs = {"calm": returns(1, 30, 20, 2) * 0.1, "wild": returns(2, 30, 20, 2) * 10}
    report = evaluate(windows, runs, scores=["spread_ratio", "correlation_distance"], models={"calm": "m"})
    beside = report.side_by_side()
    assert list(beside.columns) == ["score", "title", "series", "calm", "wild", "reference"]
    spread = beside[beside["score"] == "spread_ratio"]
    assert (spread["calm"] < 1).all()
    assert (spread["wild"] > 1).all()
    assert list(dict.fromkeys(report.moments["data"])) == ["real training", "real hold-out", "calm", "wild"]
    assert (report.models, report.series) == ({"calm": "m"}, ("A", "B"))


def test_within_compares_with_the_reference_by_direction(windows):
    report = evaluate(windows, windows.train.x[::-1], scores=["spread_ratio", "ks_statistic", "kurtosis_ratio"])
    assert [row.within for row in report.rows] == [True, True, True, True, None, None]
    far = evaluate(windows, 5 + windows.train.x, scores=["spread_ratio", "ks_statistic"])
    assert [row.within for row in far.rows] == [True, True, False, False]
    small = evaluate(windows, windows.train.x / 10, scores=["spread_ratio"])
    assert [row.within for row in small.rows] == [False, False]


def test_inputs_are_left_as_found(windows):
    synthetic = returns(1, 30, 20, 2)
    synthetic.setflags(write=False)
    for part in (windows.train, windows.holdout):
        part.x.setflags(write=False)
    evaluate(windows, synthetic)


# Many windows.


def test_many_windows_are_sampled_and_the_report_says_so():
    windows = make_windows(panel(4000), length=10, holdout=0.2)
    synthetic = returns(1, 3000, 10, 2)
    scores = ["wasserstein", "acf_abs_distance"]
    first, again = evaluate(windows, synthetic, scores), evaluate(windows, synthetic, scores)
    other = evaluate(windows, synthetic, scores, seed=1)
    pd.testing.assert_frame_equal(first.table(), again.table())
    assert not first.table().equals(other.table())
    assert any(f"Of synthetic, {MOST_WINDOWS:,} of 3,000 windows were scored" in note for note in first.notes)
    assert any(f"Of real training, {MOST_WINDOWS:,} of" in note for note in first.notes)


def test_copies_are_sought_in_all_training_windows():
    windows = make_windows(panel(4000), length=10, holdout=0.2)
    report = evaluate(windows, windows.train.x[:2000], scores=["copied_share"])
    assert report.rows[0].value == 1.0
    assert report.rows[0].reference == 0.0


def test_five_runs_are_scored_within_seconds():
    windows = make_windows(panel(3500), length=60)
    runs = {f"run {i}": returns(i, 2500, 60, 2) for i in range(5)}
    begin = time.process_time()
    evaluate(windows, runs)
    assert time.process_time() - begin < 20  # about 5 on an idle core


# Floors and baselines.


@pytest.fixture
def few_paths(monkeypatch):
    monkeypatch.setattr(floors, "PATHS", 6)
    monkeypatch.setattr(floors, "REFITS", 1)


@pytest.mark.usefixtures("few_paths")
def test_floors_and_verdicts_stand_beside_the_numbers(windows):
    synthetic, scores = {"a": returns(1, 60, 20, 2), "b": returns(2, 40, 20, 2)}, ["wasserstein", "acf_distance"]
    report = evaluate(windows, synthetic, scores, floors=True)
    assert report.floors.to_dict() == measure_floors(windows, scores, count=60).to_dict()
    table = report.table()
    assert {"floor", "floor_high", "halves", "verdict"} < set(table.columns)
    assert np.isfinite(table[["floor", "floor_high", "halves"]].to_numpy()).all()
    assert set(table["verdict"]) <= {"within the floor", "near", "far"}
    again = evaluate(windows, synthetic, scores, floors=report.floors)
    pd.testing.assert_frame_equal(again.table(), table)
    assert again.verdicts == report.verdicts


@pytest.mark.usefixtures("few_paths")
def test_progress_goes_from_floors_to_scores_and_it_stops_when_told(windows):
    told = []
    x = returns(1, 30, 20, 2)
    evaluate(windows, x, ["wasserstein"], floors=True, on_progress=lambda share, words: told.append((share, words)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert {words for share, words in told if share <= 0.5} == {"noise floor: scores"}
    assert {words for share, words in told if share > 0.5} == {"scores"}
    with pytest.raises(Stopped):
        evaluate(windows, x, ["wasserstein"], should_stop=lambda: True)


@pytest.mark.usefixtures("few_paths")
def test_a_history_too_short_for_a_process_has_halves_only_and_says_so():
    windows = make_windows(panel(70, columns=("A",)), length=5)
    report = evaluate(windows, returns(1, 30, 5, 1), ["wasserstein", "closest_record"], floors=True)
    assert math.isnan(report.table()["floor"][0])
    assert math.isfinite(report.table()["halves"][0])
    assert "it needs data that can't have been memorised" in report.left_out["closest_record"]
    assert any("expected at least 60 to fit a process to" in note for note in report.notes)
    assert "there is no noise floor to judge it by" in report.summary


def test_baselines_are_scored_beside(windows):
    report = evaluate(windows, returns(1, 30, 20, 2), ["wasserstein"], baselines=True)
    assert report.data == ("synthetic", *(each.title for each in BASELINES.values()))
    some = evaluate(windows, returns(1, 30, 20, 2), ["wasserstein"], baselines=["gaussian"])
    assert some.data == ("synthetic", "i.i.d. Gaussian")


# What is left out.


def test_what_cannot_be_computed_is_left_out_by_name(windows):
    flat = returns(1, 80, 20, 2)
    flat[:, :, 1] = 0.1
    report = evaluate(windows, flat)
    asked = {name for name in QUICK if METRICS[name].needs.synthetic_varies}
    assert asked <= set(report.left_out)
    reasons = {name: report.left_out[name] for name in asked if not METRICS[name].needs.volume}
    assert set(reasons.values()) == {"the synthetic series B is constant"}
    for name in set(report.left_out) - asked:
        assert report.left_out[name].startswith(("it is not defined", "it needs windows of at least 100 steps"))
    assert all(math.isfinite(row.value) for row in report.rows)
    assert "Correlation distance was left out: the synthetic series B is constant" in report._repr_html_()


def test_only_the_collapsed_run_is_left_out(windows):
    report = evaluate(windows, {"good": returns(1, 30, 20, 2), "flat": np.full((30, 20, 2), 0.01)}, ["acf_distance"])
    assert report.left_out == {"acf_distance": "flat: the synthetic series A is constant"}
    assert [row.data for row in report.rows] == ["good", "good"]
    assert report.side_by_side()["good"].notna().all()


def test_one_series_has_no_dependence_on_others():
    windows = make_windows(panel(columns=("A",)), length=20)
    report = evaluate(windows, returns(1, 30, 20, 1))
    alone = {name for name in QUICK if METRICS[name].needs.series > 1}
    assert {name for name, why in report.left_out.items() if "at least 2 series" in why} == alone - {
        "volume_volatility_distance"
    }
    assert report.left_out["volume_volatility_distance"].startswith("it needs a volume beside a price or a return")
    assert {row.series for row in report.rows} == {"A", "all"}


@pytest.mark.parametrize("n", [1, 3])
def test_few_windows_leave_all_out_but_copies(windows, n):
    report = evaluate(windows, returns(1, n, 20, 2))
    assert {row.score for row in report.rows} == {"copied_share"}
    assert set(report.left_out) == set(QUICK) - {"copied_share"}
    others = {name: why for name, why in report.left_out.items() if not METRICS[name].needs.volume}
    assert all(f"windows on each side, and there are {n}" in why for why in others.values())


def test_levels_and_volumes_have_no_scores_of_returns():
    rng = stream(0, "levels")
    values = {"rate": 3 + np.cumsum(rng.standard_normal(300)) / 50, "volume": np.exp(10 + rng.standard_normal(300))}
    frame = pd.DataFrame(values, index=pd.bdate_range("2015-01-01", periods=300))
    windows = make_windows(Panel(frame, {"rate": "level", "volume": "volume"}, "other kinds"), length=20)
    report = evaluate(windows, windows.train.x[::2])
    for name in QUICK:
        if METRICS[name].needs.returns:
            assert report.left_out[name] == "it is about returns, and these series are levels and volumes"
    assert {"wasserstein", "acf_distance", "correlation_distance", "mmd"} <= {row.score for row in report.rows}


def test_no_holdout_means_no_reference_and_no_scores_of_it(windows):
    whole = make_windows(panel(), length=20, holdout=0.0)
    report = evaluate(whole, returns(1, 30, 20, 2))
    assert all(math.isnan(row.reference) and row.within is None for row in report.rows)
    assert any("no hold-out windows" in note for note in report.notes)
    assert "no real hold-out to read the scores against" in report.summary
    needing = {name for name in QUICK if METRICS[name].needs.holdout}
    assert all("hold-out windows, and there are 0" in report.left_out[name] for name in needing)


def test_undefined_numbers_are_named():
    thin = stream(0, "thin").uniform(-1, 1, (200, 1))
    heavy = stream(1, "heavy").standard_t(4, (200, 1))
    both = pd.DataFrame(np.hstack([thin, heavy]), pd.bdate_range("2015-01-01", periods=200), ["thin", "heavy"])
    windows = make_windows(Panel(both, {"thin": "return", "heavy": "return"}, "two"), length=10)
    report = evaluate(windows, windows.train.x, ["kurtosis_ratio"])
    assert report.left_out == {"kurtosis_ratio": "it is not defined for thin"}
    assert [(row.series, row.value) for row in report.rows] == [("heavy", pytest.approx(1.0))]


# Wrong input.


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros((30, 20, 3)), "synthetic has 3 series, the real data have 2"),
        (np.zeros((30, 19, 2)), "synthetic has 19 steps a window, the real data have 20"),
        (np.zeros((30, 40)), r"synthetic has shape \(30, 40\), expected \(windows, time, series\)"),
        (np.zeros((0, 20, 2)), "at least one of each"),
        (np.full((30, 20, 2), np.nan), "synthetic holds 1200 values that are missing or infinite"),
        (np.full((30, 20, 2), np.inf), "synthetic holds 1200 values that are missing or infinite"),
        ([["a", "b"]], "synthetic came as list, expected numbers"),
        ({}, "No synthetic data came"),
        ({"good": np.ones((30, 20, 2)), "my run": np.zeros((30, 20, 3))}, "my run has 3 series"),
    ],
)
def test_data_that_do_not_fit_are_refused(windows, samples, words):
    with pytest.raises(DataError, match=words):
        evaluate(windows, samples)


def test_other_series_and_units_are_refused(windows):
    class Named:
        x = returns(1, 30, 20, 2)
        names = ("A", "C")
        units = ("return", "return")

    with pytest.raises(DataError, match="synthetic has the names A, C, the real data have A, B"):
        evaluate(windows, Named())
    Named.names, Named.units = ("A", "B"), ("level", "level")
    with pytest.raises(DataError, match="the units level, level, the real data have return, return"):
        evaluate(windows, Named())
    Named.units = windows.units
    assert evaluate(windows, Named(), ["ks_statistic"]).rows


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"scores": ["beauty"]}, "No score is called 'beauty'; there are mean_difference, "),
        ({"scores": "slow"}, 'Scores came as \'slow\', expected "quick", "all" or a list of names'),
        ({"baselines": ["beauty"]}, "No baseline is called 'beauty'; there are gaussian, iid-bootstrap, "),
    ],
)
def test_unknown_scores_and_baselines_are_refused(windows, asked, words):
    with pytest.raises(SettingError, match=words):
        evaluate(windows, returns(1, 30, 20, 2), **asked)


def test_a_new_score_is_one_decorated_function(windows):
    @metric(name="largest", title="Largest move", group="one series", better="none", help="The largest move.")
    def largest(real, synthetic):
        return np.abs(synthetic).max(axis=(0, 1))

    try:
        rows = evaluate(windows, np.ones((30, 20, 2)), scores=["largest"]).rows
    finally:
        by_hand = METRICS.pop("largest")(np.ones((9, 2, 1)), -3 * np.ones((9, 2, 1)), Context())
    assert [(row.series, row.value) for row in rows] == [("A", 1.0), ("B", 1.0)]
    assert by_hand == [3.0]
