"""Places worked out by hand."""

from __future__ import annotations

import math

import pytest

from synthfin_core.evaluation import METRICS
from synthfin_core.evaluation.floors import Floor, Floors
from synthfin_core.evaluation.ranking import ranking
from synthfin_core.evaluation.report import Row


def rows(values, series="A"):
    """Rows of numbers by data set and score."""
    return [Row(data, score, series, value) for data, each in values.items() for score, value in each.items()]


def ranks(found):
    return dict(zip(found["model"], found["rank"], strict=True))


def test_places_are_averaged_within_groups_and_then_over_them():
    found = ranking(
        rows({
            "a": {"ks_statistic": 1.0, "wasserstein": 1.0, "mean_difference": 1.0, "acf_distance": 3.0},
            "b": {"ks_statistic": 2.0, "wasserstein": 2.0, "mean_difference": 3.0, "acf_distance": 2.0},
            "c": {"ks_statistic": 3.0, "wasserstein": 3.0, "mean_difference": 2.0, "acf_distance": 1.0},
        }),
        None,
        {},
    )  # fmt: skip
    assert list(found.columns) == ["model", "rank", "low", "high", "seeds", "one series", "time"]
    assert list(found["model"]) == ["c", "a", "b"]
    values = {row["model"]: (row["one series"], row["time"], row["rank"]) for row in found.to_dict("records")}
    assert values["a"] == (1, 3, 2)
    assert values["b"] == pytest.approx(((2 + 2 + 3) / 3, 2, (7 / 3 + 2) / 2))
    assert values["c"] == pytest.approx(((3 + 3 + 2) / 3, 1, (8 / 3 + 1) / 2))


def test_ties_share_their_places():
    found = ranking(rows({name: {"ks_statistic": value} for name, value in zip("abcd", (1, 1, 2, 2), strict=True)}),
                    None, {})  # fmt: skip
    assert ranks(found) == {"a": 1.5, "b": 1.5, "c": 3.5, "d": 3.5}


def test_a_number_that_does_not_exist_comes_last():
    found = ranking(rows({"a": {"ks_statistic": 9.0, "acf_distance": 9.0}, "b": {"ks_statistic": 1.0}}), None, {})
    assert ranks(found) == {"a": 1.5, "b": 1.5}
    assert found.set_index("model").loc["b", ["one series", "time"]].tolist() == [1, 2]


def test_ratios_are_ranked_by_their_distance_from_one():
    values = {"half": 0.5, "nearly": 1.1, "thrice": 3.0, "none": -1.0}
    found = ranking(rows({name: {"spread_ratio": value} for name, value in values.items()}), None, {})
    assert list(found["model"]) == ["nearly", "half", "thrice", "none"]
    assert METRICS["spread_ratio"].loss(-1.0) == math.inf


def test_seeds_of_a_model_are_its_interval_and_never_compete_with_each_other():
    """The median of b is 2: a's seeds are before, level with and after it; b's 1, 2 and 3 stand beside a's 2."""
    values = {"a1": 1.0, "a2": 2.0, "a3": 3.0, "b1": 1.0, "b2": 2.0, "b3": 9.0}
    found = ranking(
        rows({name: {"ks_statistic": value} for name, value in values.items()}),
        None,
        {name: name[0] for name in values},
    )
    assert found.to_dict("records") == [
        {"model": "a", "rank": 1.5, "low": 1.0, "high": 2.0, "seeds": 3, "one series": 1.5},
        {"model": "b", "rank": 1.5, "low": 1.0, "high": 2.0, "seeds": 3, "one series": 1.5},
    ]


def test_twenty_seeds_of_a_rival_push_nobody_down():
    good = {f"good {i}": {"ks_statistic": 1.0} for i in range(20)}
    found = ranking(rows(good | {"other": {"ks_statistic": 2.0}}), None, dict.fromkeys(good, "good"))
    assert ranks(found) == {"good": 1, "other": 2}


def test_floors_bring_series_on_one_scale():
    """b is ten floors off on A and a one on B, where numbers are a hundred times larger."""
    values = rows({"a": {"ks_statistic": 1.0}, "b": {"ks_statistic": 10.0}})
    values += rows({"a": {"ks_statistic": 200.0}, "b": {"ks_statistic": 100.0}}, "B")
    floors = Floors(oracle={("ks_statistic", "A"): Floor(0, 0, 1.0), ("ks_statistic", "B"): Floor(0, 0, 100.0)})
    assert ranks(ranking(values, floors, {})) == {"a": 1, "b": 2}
    assert ranks(ranking(values, None, {})) == {"a": 2, "b": 1}


def test_shown_scores_have_no_rank_and_nothing_gives_an_empty_table():
    shown = rows({"a": {"ks_p_value": 1.0}, "b": {"ks_p_value": 0.0}})
    for found in (ranking(shown, None, {}), ranking([], None, {})):
        assert found.empty
        assert list(found.columns) == ["model", "rank", "low", "high", "seeds"]


def test_one_model_alone_is_first():
    assert ranks(ranking(rows({"a": {"ks_statistic": 5.0}}), None, {"a": "model"})) == {"model": 1}
