"""The tables of the compare page: moments, and scores beside the real hold-out's."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from app.ui.compare_choice import Chosen
from app.ui.messages import escape
from synthfin_core.evaluation import KS_CAVEAT, METRICS, Report, evaluate

GROUPS = {
    "one series": "Each series by itself",
    "time": "Dependence in time",
    "across series": "Dependence across series",
    "novelty": "Novelty",
}


def show(chosen: Chosen) -> None:
    """Draw the tables."""
    with st.spinner("Scoring"):
        report = _report(chosen.key, chosen)
    for sentence in report.sentences:
        st.markdown(f"- {escape(sentence)}")
    st.subheader("Moments")
    moments = report.moments
    st.dataframe(
        moments,
        hide_index=True,
        height="content",
        column_config=_numbers(moments),
        alt="Moments of each data set and series",
    )
    st.caption("Mean and standard deviation are in the unit of the windows, for prices log return per bar.")
    for group, title in GROUPS.items():
        _group(report, group, title)
    _remarks(report)
    st.download_button(
        "Scores as CSV",
        data=lambda: report.table().to_csv(index=False).encode(),
        file_name="scores.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="compare-csv",
    )


@st.cache_resource(show_spinner=False, max_entries=8)
def _report(key: tuple[str, ...], _chosen: Chosen) -> Report:
    return evaluate(_chosen.windows, _chosen.synthetic)


def _group(report: Report, group: str, title: str) -> None:
    table = report.side_by_side()
    rows = table[[METRICS[name].group == group for name in table["score"]]]
    if rows.empty:
        return
    st.subheader(title)
    shown = rows.drop(columns="score").rename(
        columns={"title": "Score", "series": "Series", "reference": "real hold-out"}
    )
    st.dataframe(shown, hide_index=True, height="content", column_config=_numbers(shown), alt=title)
    if "ks_p_value" in set(rows["score"]):
        st.caption(KS_CAVEAT)
    with st.expander(f"What these scores mean ({title.lower()})"):
        for name in dict.fromkeys(rows["score"]):
            metric = METRICS[name]
            unit = f" In {metric.unit}." if metric.unit else ""
            st.markdown(f"**{metric.title}**: {escape(metric.help)}{unit} {_direction(metric.better)}")


def _direction(better: str) -> str:
    return {"lower": "Zero is perfect.", "one": "One is perfect.", "none": "Shown, not judged."}[better]


def _numbers(table: pd.DataFrame) -> dict[str, Any]:
    numeric = [column for column in table.columns if pd.api.types.is_float_dtype(table[column])]
    return {column: st.column_config.NumberColumn(column, format="%.4g") for column in numeric}


def _remarks(report: Report) -> None:
    remarks = [*report.notes, *(f"{METRICS[name].title} was left out: {why}." for name, why in report.left_out.items())]
    for remark in remarks:
        st.caption(escape(remark))
