"""Noise floors: recomputed by hand, kept, merged, stopped."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
from conftest import made_panel

from synthfin_core.data.panel import Panel
from synthfin_core.data.windows import make_windows
from synthfin_core.errors import DataWarning, SettingError, Stopped
from synthfin_core.evaluation import CURVES, METRICS, Context, floors, measure_floors
from synthfin_core.evaluation.baselines import BASELINES, ORACLE, fitted_baseline
from synthfin_core.evaluation.dataset import frame_of
from synthfin_core.evaluation.fitted import FittedProcess
from synthfin_core.evaluation.floors import Band, Floor, Floors, make_floors, sampled
from synthfin_core.evaluation.metric import Metric
from synthfin_core.rng import integer_seed, stream

SCORES = ["wasserstein", "spread_ratio", "acf_distance", "kupiec_5", "ks_p_value", "near_copied_share", "mmd"]
COUNT = 40


@pytest.fixture(autouse=True)
def few_paths(monkeypatch):
    monkeypatch.setattr(floors, "PATHS", 6)
    monkeypatch.setattr(floors, "REFITS", 1)


@pytest.fixture(scope="module")
def found(windows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(floors, "PATHS", 6)
        patch.setattr(floors, "REFITS", 1)
        return measure_floors(windows, SCORES, COUNT)


def pools_by_hand(paths):
    """The synthetic windows that stand against the even and the odd paths."""
    pools = []
    for half in (0, 1):
        random = stream(0, f"evaluation pool {half}")
        drawn = [path.train[random.integers(len(path.train), size=-(-COUNT // 3))] for path in paths[half::2]]
        pools.append(random.permutation(np.concatenate(drawn))[:COUNT])
    return pools[::-1]


@pytest.mark.parametrize("name", ["wasserstein", "spread_ratio", "acf_distance"])
def test_losses_are_those_of_each_path_against_windows_of_the_others(windows, found, name):
    paths = fitted_baseline(ORACLE, windows).paths(6, seed=0)
    pools = pools_by_hand(paths)
    by_hand = np.array([METRICS[name](path.train, pools[i % 2]) for i, path in enumerate(paths)])
    by_hand = np.abs(np.log(by_hand)) if name == "spread_ratio" else by_hand
    for series, column in zip(windows.names, by_hand.T, strict=True):
        np.testing.assert_allclose(found.losses[name, series], column, rtol=1e-9)
        np.testing.assert_allclose(found.oracle[name, series], np.percentile(column, (10, 50, 90)), rtol=1e-9)


def test_a_path_never_stands_against_windows_of_its_own(windows, found):
    """Near copies of other paths are as rare as between any two histories."""
    assert max(found.losses["near_copied_share", "all"]) < 0.1


def test_scores_of_the_hold_out_look_at_each_paths_own(windows, found):
    paths = fitted_baseline(ORACLE, windows).paths(6, seed=0)
    pools, frame = pools_by_hand(paths), frame_of(windows)
    context = [Context(frame.kinds, frame.bars_per_year, 0, path.holdout) for path in paths]
    by_hand = [METRICS["kupiec_5"](path.train, pools[i % 2], context[i]) for i, path in enumerate(paths)]
    np.testing.assert_allclose(found.losses["kupiec_5", "one"], np.array(by_hand)[:, 0])


def test_shown_scores_have_no_floor(found):
    assert {score for score, _ in found.oracle} == set(SCORES) - {"ks_p_value"}
    assert set(found.losses) == set(found.oracle)
    assert all("volatility is held constant" in note for note in found.notes)


def test_the_halves_share_no_bar_and_stand_later_against_earlier(windows, found):
    last_day = windows.train.dates[:, -1]
    middle = np.unique(windows.train.dates)[len(np.unique(windows.train.dates)) // 2]
    earlier, later = last_day < middle, windows.train.dates[:, 0] >= middle
    assert not set(windows.train.dates[earlier].ravel()) & set(windows.train.dates[later].ravel())
    assert abs(earlier.sum() - later.sum()) <= 1
    by_hand = METRICS["wasserstein"](windows.train.x[earlier], windows.train.x[later])
    np.testing.assert_allclose([found.halves["wasserstein", name] for name in windows.names], by_hand)


def test_other_years_lift_the_floors_of_scores_that_look_at_them(windows, found):
    """What draws of training windows lose is no model's fault; novelty has no such excuse."""
    assert {score for score, _ in found.years} == {"kupiec_5"}
    for key, year in found.years.items():
        low, median, high = np.percentile(found.losses[key], (10, 50, 90))
        assert found.oracle[key] == pytest.approx((low, max(median, year), max(high, year)))


def test_a_wild_hold_out_lifts_the_floor_to_what_the_training_years_lose():
    panel = made_panel({"one": "return"})
    wild = panel.frame * np.where(np.arange(300) < 240, 1, 5)[:, None]
    windows = make_windows(Panel(wild, {"one": "return"}, "wild"), length=10)
    found = measure_floors(windows, ["kupiec_5"], COUNT)
    (year,) = found.years.values()
    assert found.oracle["kupiec_5", "one"][1:] == (year, year)
    assert year > np.max(found.losses["kupiec_5", "one"])
    random = stream(0, "evaluation other years")
    draws = [windows.train.x[random.integers(len(windows.train), size=COUNT)] for _ in range(floors.DRAWS)]
    context = Context(("return",), holdout=windows.holdout.x)
    by_hand = [METRICS["kupiec_5"](windows.train.x, draw, context)[0] for draw in draws]
    assert year == pytest.approx(max(by_hand))


def test_an_honest_model_is_scored_against_the_path_that_it_was_fitted_to(windows, found):
    """The oracle fitted anew to the first path, and as many windows of it as there are synthetic ones."""
    path = fitted_baseline(ORACLE, windows).paths(6, seed=0)[0]
    history = replace(windows, train=replace(windows.train, x=path.train))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        model = FittedProcess.fit(history, frame_of(windows), BASELINES[ORACLE].fit)
    drawn = model.draw(COUNT, integer_seed(0, "refitted 0"))
    (fitted,) = found.fitted
    by_hand = METRICS["wasserstein"](path.train, drawn)
    np.testing.assert_allclose([fitted["wasserstein", name] for name in windows.names], by_hand)
    assert set(fitted) == set(found.losses)


def test_bands_hold_the_middle_of_the_paths_curves(windows, found):
    assert set(found.bands) == {"quantiles", "acf"}
    curves = [CURVES["acf"].function(path.train).y for path in fitted_baseline(ORACLE, windows).paths(6, seed=0)]
    low, high = np.percentile(curves, (10, 90), axis=0)
    np.testing.assert_allclose(found.bands["acf"].low, low, atol=1e-12)
    np.testing.assert_allclose(found.bands["acf"].high, high, atol=1e-12)


def test_they_depend_on_nothing_but_their_arguments(windows, found):
    again, other = measure_floors(windows, SCORES, COUNT), measure_floors(windows, SCORES, COUNT, seed=1)
    assert again.to_dict() == found.to_dict()
    assert other.oracle != found.oracle


def test_a_score_has_the_floor_that_it_has_among_others(windows, found):
    alone = measure_floors(windows, ["wasserstein"], COUNT)
    assert alone.oracle["wasserstein", "one"] == found.oracle["wasserstein", "one"]


def test_json_brings_them_back_exactly(found):
    again = Floors.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
    assert again.to_dict() == found.to_dict()
    assert (again.oracle, again.halves, again.years, again.notes) == (
        found.oracle, found.halves, found.years, found.notes,
    )  # fmt: skip
    assert all(isinstance(number, float) for floor in again.oracle.values() for number in floor)
    np.testing.assert_array_equal(again.bands["acf"].high, found.bands["acf"].high)


def test_scores_and_curves_that_are_gone_are_left_out(found):
    values = found.to_dict()
    for part in ("oracle", "halves", "years"):
        values[part].append({**values[part][0], "score": "gone"})
    values["bands"]["gone"] = values["bands"]["acf"]
    assert Floors.from_dict(values).to_dict() == found.to_dict()


def test_floors_of_different_scores_are_merged(windows, found):
    parts = [measure_floors(windows, SCORES[:3], COUNT), measure_floors(windows, SCORES[3:], COUNT)]
    merged = parts[0].merged(parts[1])
    assert merged.oracle == found.oracle
    assert (merged.halves, merged.years) == (found.halves, found.years)
    assert set(merged.bands) == set(found.bands)
    notes = Floors(notes=("a", "b")).merged(Floors(notes=("b", "c"))).notes
    assert notes == ("a", "b", "c")


def test_it_stops_when_told(windows):
    calls = []

    def stop():
        calls.append(1)
        return len(calls) > 2

    with pytest.raises(Stopped, match="The evaluation was stopped"):
        measure_floors(windows, SCORES, COUNT, should_stop=stop)
    assert len(calls) < 20


def test_progress_is_told_in_order(windows):
    told = []
    measure_floors(windows, SCORES[:2], COUNT, on_progress=lambda share, words: told.append((share, words)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert (0 < shares[0] < 0.5, shares[-1]) == (True, 1.0)
    assert told[0][1] == "noise floor: scores"


def test_scores_that_train_networks_are_given_fewer_paths(windows):
    """Quick ones see six paths and the halves, learned ones four and the halves."""
    seen = []

    def judge(pairs, context):
        seen.append(len(pairs))
        return [float(synthetic.mean()) for _, synthetic in pairs]

    score = METRICS["wasserstein"]
    learned = Metric("mmd", "Judge", "judges", "lower", "", "A judge.", judge, learned=True, together=True)
    found = make_floors(windows, [score, learned], fitted_baseline(ORACLE, windows), frame_of(windows), 2500, COUNT)
    assert seen == [floors.LEARNED_PATHS + 1]
    assert len(found.losses["mmd", "all"]) == floors.LEARNED_PATHS
    assert len(found.losses["wasserstein", "one"]) == 6


def test_a_score_that_half_of_the_paths_lack_has_no_floor():
    from synthfin_core.evaluation.floors import _losses
    from synthfin_core.evaluation.scoring import Scores

    whole, half = ("wasserstein", "A"), ("wasserstein", "B")
    scored = [Scores({whole: 1.0, half: 2.0}), Scores({whole: 1.0, half: 2.0}), Scores({whole: 3.0}), Scores()]
    assert {key: each.tolist() for key, each in _losses(scored).items()} == {whole: [1.0, 1.0, 3.0]}


def test_too_few_bars_for_a_process_leave_the_halves_and_say_so():
    windows = make_windows(made_panel({"one": "price"}, rows=70), length=5)
    found = measure_floors(windows, ["wasserstein"], 20)
    assert (found.oracle, found.bands) == ({}, {})
    assert list(found.halves) == [("wasserstein", "one")]
    assert "The training data have 55 bars, expected at least 60 to fit a process to" in found.notes[0]


def test_windows_too_long_to_halve_leave_the_oracle_and_say_so():
    windows = make_windows(made_panel({"one": "price"}, rows=120), length=80, holdout=0.0)
    found = measure_floors(windows, ["wasserstein"], 20)
    assert found.halves == {}
    assert ("wasserstein", "one") in found.oracle
    assert found.notes[-1] == "The training data are too short to halve, so they were not scored against themselves."


@pytest.mark.parametrize("kinds", [{"one": "price", "two": "price"}, {"one": "level", "two": "volume"}])
@pytest.mark.parametrize("how", [{"pool": True}, {"stride": 4}, {"representation": "min-max"}, {"holdout": 0.0}])
def test_every_way_to_cut_windows_has_floors(kinds, how):
    if "pool" in how and "level" in kinds.values():
        kinds = {"one": "level", "two": "level"}
    windows = make_windows(made_panel(kinds, rows=200), length=10, **how)
    found = measure_floors(windows, ["wasserstein", "acf_distance", "closest_record"], 30)
    assert {series for score, series in found.oracle if score == "wasserstein"} == set(windows.names)
    assert all(np.isfinite(floor).all() and floor.low <= floor.median <= floor.high for floor in found.oracle.values())
    assert (("closest_record", "all") in found.oracle) == (how != {"holdout": 0.0})


def test_samples_of_windows_are_in_order_and_depend_on_the_seed():
    x = np.arange(50.0).reshape(50, 1, 1)
    assert sampled(x, 50, 0, "all") is x
    few = sampled(x, 10, 0, "few")[:, 0, 0]
    assert (np.diff(few) > 0).all()
    assert not np.array_equal(few, sampled(x, 10, 1, "few")[:, 0, 0])
    assert not np.array_equal(few, sampled(x, 10, 0, "other")[:, 0, 0])


def test_unknown_scores_are_refused(windows):
    with pytest.raises(SettingError, match="No score is called 'beauty'"):
        measure_floors(windows, ["beauty"], COUNT)


def test_nothing_is_an_empty_floor():
    assert Floors().to_dict() == {"oracle": [], "halves": [], "years": [], "fitted": [], "bands": {}, "notes": []}
    assert Floor(1, 2, 3).high == 3
    assert Band._fields == ("at", "low", "high")
