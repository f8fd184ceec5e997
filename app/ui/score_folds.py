"""A fold for each score: what it means, its numbers beside their floors, and its figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.ui import figures, leaderboard, scoring
from app.ui.compare_choice import Chosen
from app.ui.messages import escape
from synthfin_core.evaluation import GROUPS, KS_CAVEAT, METRICS, Report
from synthfin_core.plots.exhibits import exhibit_figure
from synthfin_core.plots.scorecard import curve_figure, figure_name

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def show(chosen: Chosen, report: Report) -> None:
    """Draw the folds, group by group; a fold's figure is made when it is opened."""
    shown = scoring.first_draws(report, chosen)
    small = report.keeping(shown)
    for group, title in GROUPS.items():
        scores = [name for name in METRICS if METRICS[name].group == group]
        if not any(row.score in scores for row in small.rows):
            continue
        st.subheader(title)
        for score in scores:
            if any(row.score == score for row in small.rows):
                _fold(small, score)
            elif score in report.left_out:
                st.caption(f"{METRICS[score].title} was left out: {escape(report.left_out[score])}.")
    for note in report.notes:
        st.caption(escape(note))


def _fold(report: Report, score: str) -> None:
    metric = METRICS[score]
    words = _words(report, score)
    fold = st.expander(f"{metric.title}{words}", on_change="rerun", key=f"fold-{score}")
    if not fold.open:
        return
    with fold:
        st.markdown(leaderboard.explained(metric))
        if score == "ks_p_value":
            st.caption(KS_CAVEAT)
        table = report.table()
        mine = table[table["score"] == score]
        columns = ["data", "series", "value", "verdict", "floor", "floor_high", "reference", "halves"]
        kept = mine[[column for column in columns if column in mine]].rename(columns=_NAMES)
        st.dataframe(
            kept.style.map(leaderboard.verdict_colour).format(precision=4, na_rep="–"),
            hide_index=True,
            height="content",
            key=f"numbers-{score}",
            alt=f"{metric.title} of each data set",
        )
        figure = _figure(report, score)
        if figure is not None:
            figures.show(figure, alt=f"{metric.title}, drawn", key=f"figure-{score}")
        elif score in report.left_out:
            st.caption(escape(report.left_out[score]))


_NAMES = {
    "data": "Data", "series": "Series", "value": "Value", "verdict": "Verdict", "floor": "Floor, median",
    "floor_high": "Floor, 90 %", "reference": "Real hold-out", "halves": "Later against earlier half",
}  # fmt: skip


def _figure(report: Report, score: str) -> Figure | None:
    name = figure_name(score)
    if name in report.curves:
        return curve_figure(report, name)
    return exhibit_figure(report, score) if score in report.exhibits else None


def _words(report: Report, score: str) -> str:
    """How many numbers have which verdict, for the fold's head."""
    if report.floors is None or METRICS[score].better == "none":
        return ""
    table = report.table()
    found: Sequence[str] = [word for word in table[table["score"] == score]["verdict"] if word]
    counts = {word: found.count(word) for word in ("far", "near") if word in found}
    return f" — {', '.join(f'{count} {word}' for word, count in counts.items())}" if counts else ""
