"""The scorecard as tables: each number with its floor, its reference and its verdict."""

from __future__ import annotations

import math
from collections.abc import Container
from itertools import groupby
from typing import TYPE_CHECKING, Any

from synthfin_core.document.markup import Markup, badge, element, join, number, table
from synthfin_core.evaluation.metric import GROUPS, METRICS, Metric
from synthfin_core.evaluation.report import Row
from synthfin_core.evaluation.verdict import CLOSE, COPIES, FAR, NEAR, WITHIN, judge
from synthfin_core.plots.scorecard import figure_name

if TYPE_CHECKING:
    from synthfin_core.evaluation.floors import Floor
    from synthfin_core.evaluation.report import Report

MEANINGS = {
    WITHIN: "no further from perfect than nine in ten perfect samples are.",
    NEAR: "up to twice as far.",
    FAR: "further than that.",
    CLOSE: "more numbers are better than nine in ten perfect samples than chance allows; look for copies.",
    COPIES: "the windows are too much like those that the model was trained on to be new.",
}


def how_to_read(report: Report) -> Markup:
    """What the columns and the verdicts mean."""
    columns = "Zero is perfect, or one where the score is a ratio."
    if any(math.isfinite(row.reference) for row in report.rows):
        columns += (
            " The real hold-out is scored like a synthetic data set: it is real, but of other years, and so shows how "
            "much the market itself changes."
        )
    if report.floors is None:
        return element("p", columns)
    floors = (
        " Perfect samples come from a volatility model fitted to the training data: one of its histories, as long as "
        "the real one, stands for the real data and others are scored against it, so that what is left is chance. "
        "The verdict on a number:"
    )
    words = [element("p", badge(word), " ", meaning) for word, meaning in MEANINGS.items()]
    return element("div", element("p", columns + floors), *words)


def scorecard(report: Report, figures: Container[str]) -> list[Markup]:
    """A heading and a table for each group of scores; titles lead to their figures."""
    parts = []
    by_key: dict[tuple[str, str], dict[str, Row]] = {}
    for row in report.rows:
        by_key.setdefault((row.score, row.series), {})[row.data] = row
    for group, words in GROUPS.items():
        keys = [key for key in by_key if METRICS[key[0]].group == group]
        if keys:
            head = ["", *report.data, *(["Perfect samples"] if report.floors else []), "Real hold-out"]
            parts += [element("h3", words), table(head, _rows(report, keys, by_key, figures), "scores")]
    return parts


def ranks(report: Report) -> Markup:
    """The order of the models with their ranks in each group of scores."""
    order = report.ranking()
    several = bool((order["seeds"] > 1).any())
    groups = [name for name in GROUPS if name in order]
    head = ["Model", "Mean rank", *(["Best to worst seed"] if several else []), *(GROUPS[name] for name in groups)]
    rows = []
    for record in order.to_dict("records"):
        spread = f"{number(record['low'])} to {number(record['high'])}" if record["seeds"] > 1 else "one seed"
        ranked = [record["model"], number(record["rank"]), *([spread] if several else [])]
        rows.append(ranked + [number(record[name]) for name in groups])
    words = (
        "On each score the data sets are ranked, 1 is best. Ranks are averaged within each group of scores and then "
        "over the groups, so that no single number and no crowd of similar numbers can decide."
    )
    return element("div", element("p", words), table(head, rows))


def moments(report: Report) -> Markup:
    """Moments of all data sets, real ones first."""
    shown = report.moments
    rows = [[each if isinstance(each, str) else number(each) for each in row] for row in shown.itertuples(index=False)]
    return table([str(name).replace("_", " ") for name in shown.columns], rows)


def _rows(
    report: Report, keys: list[tuple[str, str]], by_key: dict[tuple[str, str], dict[str, Row]], figures: Container[str]
) -> list[list[Any]]:
    """For each score a row with its name and meaning, and one for each of its numbers."""
    rows: list[list[Any]] = []
    width = len(report.data) + (3 if report.floors else 2)
    for score, mine in groupby(keys, key=lambda key: key[0]):
        rows.append([_heading(METRICS[score], width, figures)])
        for _, series in mine:
            found = by_key[score, series]
            floor = report.floors.oracle.get((score, series)) if report.floors else None
            cells: list[Any] = [element("th", series, scope="row")]
            cells += [_cell(found.get(data), floor) for data in report.data]
            cells += [_floor(METRICS[score], floor)] if report.floors else []
            rows.append([*cells, number(next(iter(found.values())).reference)])
    return rows


def _heading(metric: Metric, width: int, figures: Container[str]) -> Markup:
    name = figure_name(metric.name)
    title = element("a", metric.title, href=f"#figure-{name}") if name in figures else metric.title
    unit = f" Unit: {metric.unit}." if metric.unit else ""
    words = element("div", title, element("span", metric.help + unit, class_="help"))
    return element("th", words, scope="rowgroup", colspan=width, class_="score")


def _cell(row: Row | None, floor: Floor | None) -> Markup:
    if row is None:
        return element("td", "left out", class_="soft")
    word = "" if METRICS[row.score].better == "none" else judge(row.loss, floor)
    return element("td", join([number(row.value), badge(word)], " "))


def _floor(metric: Metric, floor: Floor | None) -> str:
    """Where nine in ten perfect samples lie."""
    if floor is None or metric.better == "none":
        return ""
    if metric.better == "one":
        return f"{number(math.exp(-floor.high))} to {number(math.exp(floor.high))}"
    return f"up to {number(floor.high)}"
