"""The leaderboard: models as rows, scores as columns, each number with its verdict in colour and word."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.ui import figures, scoring
from app.ui.compare_choice import Chosen
from app.ui.messages import escape
from synthfin_core.evaluation import GROUPS, METRICS, Metric, Report
from synthfin_core.evaluation.score import HOLDOUT
from synthfin_core.evaluation.verdict import CLOSE, COPIES, FAR, judge
from synthfin_core.plots.scorecard import ranking_figure
from synthfin_core.plots.style import VERDICTS, faint

WORST = "the worst series"
ALL = "all scores"

#: Which value is perfect, in words.
DIRECTION = {"lower": "Zero is perfect.", "one": "One is perfect.", "none": "Shown, not judged."}

#: Of a verdict's colour in a table, so that the theme's own ink stays readable on it in light and dark.
OPACITY = 0.4


def show(chosen: Chosen, report: Report) -> None:
    """Draw verdicts, the order of models, and the table of scores."""
    shown = scoring.first_draws(report, chosen)
    _verdicts(report, shown)
    order = report.ranking()
    if len(order) > 1:
        figures.show(ranking_figure(order), alt="Mean rank of each model", key="ranking")
        st.caption(
            "The place among the models on each score, averaged within each group of scores and then over the groups, "
            "so that no single number decides; 1 is best. Bars span the best and the worst seed."
        )
    st.subheader("Scores")
    _scores(report, shown)


def _verdicts(report: Report, shown: Sequence[str]) -> None:
    rows = []
    for data in shown:
        verdict = report.verdict(data)
        counts = f"{verdict.within} of {verdict.judged}" if verdict.judged else ""
        alarms = ", ".join(flag for flag in verdict.flags if flag != verdict.word)
        row = {"Model": data, "Verdict": verdict.word, "Within the floor": counts, "Alarm": alarms}
        row |= {title: verdict.groups.get(group, "") for group, title in GROUPS.items() if _has(report, group)}
        rows.append(row)
    table = pd.DataFrame(rows)
    if not table["Alarm"].any():
        table = table.drop(columns="Alarm")
    st.dataframe(
        table.style.map(verdict_colour),
        hide_index=True,
        height="content",
        column_config={
            "Model": st.column_config.TextColumn(pinned=True),
            "Verdict": st.column_config.TextColumn(width="medium"),
            "Alarm": st.column_config.TextColumn(width="medium"),
        },
        alt="Verdict on each model, over all scores and by group",
    )
    for data in shown:
        flags = report.verdict(data).flags
        if COPIES in flags and data not in _known_copiers():
            st.warning(f"{escape(data)} hands out pieces of its training data.", icon=":material/content_copy:")
    st.caption(
        "*Within the floor*: no further from the real data than perfect samples of a process fitted to them. *Near*: "
        f"up to twice that. *{CLOSE.capitalize()}*: better than perfect samples on more scores than chance explains, "
        "as a model that learned the data by heart is. The overall verdict is the worst of the groups."
    )


def _known_copiers() -> set[str]:
    return {"block bootstrap"}


def _has(report: Report, group: str) -> bool:
    return any(METRICS[row.score].group == group for row in report.rows)


def _scores(report: Report, shown: Sequence[str]) -> None:
    groups = [group for group in GROUPS if _has(report, group)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        group = st.selectbox("Group", [ALL, *groups], index=1, format_func=lambda g: ALL if g == ALL else GROUPS[g],
                             key="board-group", help="Which scores are columns.", width=260)  # fmt: skip
        series = st.selectbox("Series", [WORST, *report.series], key="board-series", width=260,
                              help="The series furthest beyond its floor, or a chosen one.")  # fmt: skip
        only_far = st.toggle("Only where somebody is far", key="board-far", help="Leaves out scores that all do well.")
        judged_only = st.toggle("Judged scores only", value=True, key="board-judged",
                                help="Leaves out numbers that are shown because they are asked for.")  # fmt: skip
    scores = [name for name in dict.fromkeys(row.score for row in report.rows)
              if (group == ALL or METRICS[name].group == group)
              and not (judged_only and METRICS[name].better == "none")]  # fmt: skip
    cells = {(data, score): _cell(report, data, score, series) for data in [*shown, HOLDOUT] for score in scores}
    if only_far:
        scores = [score for score in scores if any(cells[data, score][1] == FAR for data in shown)]
    if not scores:
        st.info("No score is left; widen the filter.", icon=":material/filter_alt_off:")
        return
    _matrix(report, [*shown, HOLDOUT], scores, cells, series)


def _cell(report: Report, data: str, score: str, series: str) -> tuple[float, str]:
    """Value and verdict of one data set on one score; NaN where there is none."""
    found = []
    for row in report.rows:
        if row.score != score or row.data != (report.data[0] if data == HOLDOUT else data):
            continue
        if series not in (WORST, row.series) and row.series in report.series:
            continue
        value = row.reference if data == HOLDOUT else row.value
        floor = report.floors.oracle.get((score, row.series)) if report.floors else None
        loss = METRICS[score].loss(value)
        word = "" if METRICS[score].better == "none" or math.isnan(value) else judge(loss, floor)
        scale = floor.high if floor and floor.high > 0 else 1.0
        found.append((loss / scale, value, word))
    _, value, word = max(found, default=(math.nan, math.nan, ""), key=lambda each: each[0])
    return value, word


def _matrix(
    report: Report,
    rows: Sequence[str],
    scores: Sequence[str],
    cells: dict[tuple[str, str], tuple[float, str]],
    series: str,
) -> None:
    titles = {score: METRICS[score].title for score in scores}
    table = pd.DataFrame(
        {titles[score]: [cells[data, score][0] for data in rows] for score in scores},
        index=pd.Index(rows, name="Model"),
    )
    words = {titles[score]: {cells[data, score][0]: cells[data, score][1] for data in rows} for score in scores}

    def colours(column: pd.Series[float]) -> list[str]:
        return [verdict_colour(words[str(column.name)].get(value, "")) for value in column]

    style = table.style.apply(colours).format({title: _worded(words[str(title)]) for title in table}, na_rep="–")
    config: dict[str, Any] = {
        titles[score]: st.column_config.NumberColumn(titles[score], help=_column_help(report, score, series))
        for score in scores
    }
    st.dataframe(style, height="content", column_config=config, key="board-table",
                 alt="Scores of each model, with their verdicts; a click on a column's head sorts by it")  # fmt: skip
    st.caption(
        "Click a column's head to sort; its help tells what it means and where its floor is. *real hold-out* is what "
        "the real later years score against the training years, which differ from them more than noise."
    )


def _worded(words: dict[float, str]) -> Any:
    return lambda value: f"{value:.3g}  {words.get(value, '').removesuffix(' the floor')}".rstrip()


def explained(metric: Metric) -> str:
    """What a score means, in which unit, and which value is perfect."""
    unit = f" In {metric.unit}." if metric.unit else ""
    return f"{escape(metric.help)}{unit} {DIRECTION[metric.better]}"


def _column_help(report: Report, score: str, series: str) -> str:
    metric = METRICS[score]
    floors = report.floors.oracle if report.floors else {}
    found = [(name, floor) for (key, name), floor in floors.items() if key == score and series in (WORST, name, "all")]
    told = "; ".join(f"{escape(name)} {floor.median:.3g}, at most {floor.high:.3g}" for name, floor in found)
    return explained(metric) + (f" Noise floor (median, 90th percentile): {told}." if told else "")


def verdict_colour(value: object) -> str:
    """Style of a table's cell that holds a verdict; none for anything else."""
    colour = VERDICTS.get(str(value))
    return f"background-color: {faint(colour, OPACITY)}" if colour else ""
