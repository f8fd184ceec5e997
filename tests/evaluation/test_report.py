"""Reports: parts of them, several in one, and through JSON and back."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from synthfin_core.evaluation import METRICS, Floors, Report, evaluate, floors
from synthfin_core.evaluation.report import Row, one_reason, plain
from synthfin_core.evaluation.verdict import FAR, WORDS
from synthfin_core.rng import stream

SCORES = ["mean_difference", "spread_ratio", "ks_p_value", "wasserstein", "wasserstein_100", "acf_distance",
          "drawdown_distance", "sanity_gate"]  # fmt: skip


def samples(seed, scale=1.0):
    return 0.01 * scale * stream(seed, "samples").standard_normal((40, 10, 2))


@pytest.fixture(scope="module")
def measured(windows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(floors, "PATHS", 6)
        patch.setattr(floors, "REFITS", 1)
        yield evaluate(windows, samples(9), SCORES, floors=True).floors


@pytest.fixture(scope="module")
def report(windows, measured):
    """Two seeds of one model and a model that is wild."""
    data = {"calm 1": samples(1), "calm 2": samples(2), "<wild>": samples(3, 5.0)}
    return evaluate(windows, data, SCORES, floors=measured, models={"calm 1": "calm", "calm 2": "calm"})


@pytest.fixture(scope="module")
def without(windows):
    return evaluate(windows, samples(1), SCORES)


def same(a: Report, b: Report) -> bool:
    return json.dumps(a.to_dict()) == json.dumps(b.to_dict())


# What it says.


def test_the_table_has_a_row_a_number_with_its_floor_and_verdict(report, measured):
    table = report.table()
    assert list(table.columns) == [
        *("data", "score", "title", "group", "series", "value", "reference"),
        *("floor", "floor_high", "halves", "verdict", "better", "unit"),
    ]
    assert len(table) == len(report.rows)
    for row in table.itertuples():
        floor = measured.oracle.get((row.score, row.series))
        if row.better == "none":
            assert (row.verdict, floor) == ("", None)
            assert math.isnan(row.floor)
        else:
            assert (row.floor, row.floor_high) == (floor.median, floor.high)
            loss = METRICS[row.score].loss(row.value)
            assert row.verdict == WORDS[int(np.searchsorted([floor.high, 2 * floor.high], loss))]
        assert (row.title, row.group) == (METRICS[row.score].title, METRICS[row.score].group)


def test_scores_stand_side_by_side(report, without):
    beside = report.side_by_side()
    assert list(beside.columns) == [
        "score", "title", "series", "calm 1", "calm 2", "<wild>", "reference", "floor_high",
    ]  # fmt: skip
    assert len(beside) == len(report.rows) / 3
    assert "floor_high" not in without.side_by_side()


def test_each_data_set_has_a_verdict_and_a_sentence(report):
    assert report.data == tuple(report.verdicts) == ("calm 1", "calm 2", "<wild>")
    assert report.verdict() == report.verdicts["calm 1"]
    assert report.verdict("<wild>").word == FAR
    judged = {(row.score, row.series) for row in report.rows if METRICS[row.score].better != "none"}
    assert report.verdict("<wild>").judged == len(judged)
    assert report.sentences[2].startswith("<wild>: far: ")
    assert report.summary == " ".join(report.sentences)


def test_without_floors_it_says_how_many_are_as_close_as_the_hold_out(without):
    judged = [row for row in without.rows if METRICS[row.score].better != "none"]
    within = sum(row.loss <= METRICS[row.score].loss(row.reference) for row in judged)
    assert without.summary == (
        f"synthetic: {within} of {len(judged)} scores are as close to the real training data as the real hold-out."
    )
    assert without.verdict().sentence == "there is no noise floor to judge it by"


def test_seeds_of_a_model_stand_together_in_the_ranking(report):
    order = report.ranking()
    assert list(order["model"]) == ["calm", "<wild>"]
    assert list(order["seeds"]) == [2, 1]


def test_there_are_figures(report):
    figures = report.figures()
    assert {"quantiles", "acf"} <= set(figures)
    assert all(figure.data for figure in figures.values())


def test_it_reads_well_and_names_stay_text(report):
    assert "3 scores" not in repr(report)
    assert "Wasserstein distance" in repr(report)
    assert "1 left out" in repr(report)
    html = report._repr_html_()
    assert "<wild>" not in html
    assert "&lt;wild&gt;: far" in html
    why = "it needs windows of at least 100 steps, and these have 10"
    assert f"<li>{METRICS['wasserstein_100'].title} was left out: {why}</li>" in html


def test_an_empty_report_says_so():
    empty = Report((), pd.DataFrame({"data": []}))
    assert empty.summary == "No score could be computed."
    assert empty.verdict().word == ""
    assert (empty.data, empty.table().empty, empty.ranking().empty) == ((), True, True)


# Parts and wholes.


def test_json_brings_it_back(report, without):
    for each in (report, without):
        text = json.dumps(each.to_dict(), allow_nan=False)
        again = Report.from_dict(json.loads(text))
        assert json.dumps(again.to_dict(), allow_nan=False) == text
        pd.testing.assert_frame_equal(again.table(), each.table())
        assert (again.verdicts, again.left_out, again.notes) == (each.verdicts, each.left_out, each.notes)
        assert (again.models, again.series) == (each.models, each.series)
        for name, curves in each.curves.items():
            for data, points in curves.items():
                np.testing.assert_allclose(again.curves[name][data].y, points.y)
    assert json.loads(text)["verdicts"] == {}


def test_numbers_that_do_not_exist_are_none_in_json_and_nan_again(windows):
    values = Report((Row("a", "wasserstein", "one", 1.0),), pd.DataFrame({"data": ["a"]})).to_dict()
    assert values["rows"][0]["reference"] is None
    assert math.isnan(Report.from_dict(values).rows[0].reference)


def test_scores_that_are_gone_are_left_out(report):
    values = json.loads(json.dumps(report.to_dict()))
    values["rows"].append({**values["rows"][0], "score": "gone"})
    assert len(Report.from_dict(values).rows) == len(report.rows)


def test_only_one_data_set_and_the_real_ones_are_kept(report):
    wild = report.only("<wild>")
    assert wild.data == ("<wild>",)
    assert set(wild.moments["data"]) == {"real training", "real hold-out", "<wild>"}
    assert set(wild.curves["acf"]) == {"real training", "real hold-out", "<wild>"}
    assert all(set(each) <= {"<wild>"} for each in wild.exhibits.values())
    assert wild.exhibits
    assert wild.models == {}
    assert wild.verdict() == report.verdict("<wild>")
    pair = report.keeping(["calm 1", "calm 2"])
    assert pair.data == ("calm 1", "calm 2")
    assert pair.models == {"calm 1": "calm", "calm 2": "calm"}
    assert report.data == ("calm 1", "calm 2", "<wild>")  # left as it was


def test_a_data_set_can_be_renamed(report):
    old, new = report.only("calm 1"), report.only("calm 1").renamed("other")
    assert new.data == ("other",)
    assert "other" in set(new.moments["data"])
    assert "calm 1" not in json.dumps(new.to_dict())
    assert new.models == {"other": "calm"}
    np.testing.assert_array_equal(new.curves["acf"]["other"].y, old.curves["acf"]["calm 1"].y)
    assert same(new.renamed("calm 1"), old)


def test_reports_of_data_sets_make_one(report, measured):
    merged = Report.merged([report.only(data) for data in report.data], measured)
    assert same(merged, report)


def test_reports_of_scores_make_one_in_the_order_of_the_table(windows, report, measured):
    data = {"calm 1": samples(1), "calm 2": samples(2), "<wild>": samples(3, 5.0)}
    parts = [evaluate(windows, data, some, models=report.models) for some in (SCORES[4:], SCORES[:4])]
    merged = Report.merged(parts, measured)
    order = list(METRICS)
    rows = sorted(report.rows, key=lambda row: (report.data.index(row.data), order.index(row.score)))
    assert merged.rows == tuple(rows)
    assert merged.verdicts == report.verdicts
    assert set(merged.curves) == set(report.curves)
    pd.testing.assert_frame_equal(merged.moments, report.moments)


def test_reasons_of_the_parts_are_told_by_data_set(windows):
    flat = np.full((40, 10, 2), 0.01)
    parts = [evaluate(windows, {name: x}, ["acf_distance"]) for name, x in (("good", samples(1)), ("flat", flat))]
    # A report without any number cannot say whose it is; with one it can.
    parts[1] = evaluate(windows, {"flat": flat}, ["acf_distance", "mean_difference"])
    merged = Report.merged(parts)
    assert merged.left_out == {"acf_distance": "flat: the synthetic series one is constant"}
    both = Report.merged([parts[1], evaluate(windows, {"flat 2": flat}, ["acf_distance", "mean_difference"])])
    assert both.left_out == {"acf_distance": "the synthetic series one is constant"}


def test_reasons():
    assert one_reason({"a": "x", "b": "x"}, 2) == "x"
    assert one_reason({"a": "x", "b": "y"}, 2) == "a: x; b: y"
    assert one_reason({"a": "x"}, 2) == "a: x"
    assert one_reason({"": "x"}, 3) == "x"


def test_plain_values():
    found = plain({"a": np.array([1.0, np.nan]), 2: (np.int64(3), [np.inf, "text"]), "b": {"c": np.True_}, "d": None})
    assert found == {"a": [1.0, None], "2": [3, [None, "text"]], "b": {"c": True}, "d": None}
    json.dumps(found, allow_nan=False)


def test_a_row_knows_its_loss():
    assert Row("a", "spread_ratio", "A", 0.5).loss == pytest.approx(math.log(2))
    assert Row("a", "spread_ratio", "A", 0.5, 3.0).within is True
    assert Row("a", "wasserstein", "A", 0.5, 0.4).within is False
    assert Row("a", "wasserstein", "A", 0.5).within is None
    assert Row("a", "ks_p_value", "A", 0.5, 0.4).within is None
    assert Floors().oracle == {}
