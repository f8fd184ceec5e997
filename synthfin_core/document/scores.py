"""The scorecard as tables: each number with its floor, its reference and its verdict."""

from __future__ import annotations

import math
from collections.abc import Container
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
            head = ["Score", "Series", *report.data, *(["Perfect samples"] if report.floors else []), "Real hold-out"]
            parts += [element("h3", words), table(head, _rows(report, keys, by_key, figures), "scores")]
    return parts


def ranks(report: Report) -> Markup:
    """The order of the models with their ranks in each group of scores."""
    order = report.ranking()
    groups = [name for name in GROUPS if name in order]
    head = ["Model", "Mean rank", "Best to worst seed", *(GROUPS[name] for name in groups)]
    rows = [
        [
            record["model"],
            number(record["rank"]),
            f"{number(record['low'])} to {number(record['high'])}" if record["seeds"] > 1 else "one seed",
            *(number(record[name]) for name in groups),
        ]
        for record in order.to_dict("records")
    ]
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
    """A row a number; the title of a score with several series spans its rows."""
    rows = []
    for score, series in keys:
        mine = [key for key in keys if key[0] == score]
        first = mine[0] == (score, series)
        cells: list[Any] = [_heading(METRICS[score], len(mine), figures)] if first else []
        found = by_key[score, series]
        floor = report.floors.oracle.get((score, series)) if report.floors else None
        cells += [series, *(_cell(found.get(data), floor) for data in report.data)]
        cells += [_floor(METRICS[score], floor)] if report.floors else []
        rows.append([*cells, number(next(iter(found.values())).reference)])
    return rows


def _heading(metric: Metric, rows: int, figures: Container[str]) -> Markup:
    name = figure_name(metric.name)
    title = element("a", metric.title, href=f"#figure-{name}") if name in figures else metric.title
    unit = f" In {metric.unit}." if metric.unit else ""
    return element("th", title, element("span", metric.help + unit, class_="help"), scope="row", rowspan=rows)


def _cell(row: Row | None, floor: Floor | None) -> Markup:
    if row is None:
        return element("td", "left out", class_="soft")
    word = "" if METRICS[row.score].better == "none" else judge(row.loss, floor)
    return element("td", join([number(row.value), badge(word)]))


def _floor(metric: Metric, floor: Floor | None) -> str:
    """Where nine in ten perfect samples lie."""
    if floor is None or metric.better == "none":
        return ""
    if metric.better == "one":
        return f"{number(math.exp(-floor.high))} to {number(math.exp(floor.high))}"
    return f"up to {number(floor.high)}"
