"""What can be taken away from a comparison: moments, the scores as a table, and the report for stakeholders."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from app.ui import cached, scoring
from app.ui.compare_choice import Chosen
from synthfin_core.evaluation import Report
from synthfin_core.store import Run


def show(chosen: Chosen, report: Report) -> None:
    """Draw the downloads and the table of moments."""
    small = report.keeping(scoring.first_draws(report, chosen))
    with st.container(horizontal=True):
        st.download_button(
            "Report for stakeholders (HTML)",
            data=lambda: _document(chosen, small),
            file_name="synthfin-report.html",
            mime="text/html",
            icon=":material/description:",
            type="primary",
            on_click="ignore",
            key="compare-html",
            help="One file that opens anywhere, without a network: data, models, settings, scores, figures, versions.",
        )
        st.download_button(
            "Scores as CSV",
            data=lambda: small.table().to_csv(index=False).encode(),
            file_name="scores.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="compare-csv",
            help="Every number with its reference, floors and verdict.",
        )
    st.subheader("Moments")
    moments = small.moments
    st.dataframe(
        moments,
        hide_index=True,
        height="content",
        column_config=_numbers(moments),
        alt="Moments of each data set and series",
    )
    st.caption("Mean and standard deviation are in the unit of the windows, for prices log return per bar.")


def _document(chosen: Chosen, report: Report) -> bytes:
    from synthfin_core.document import html_report

    setup = chosen.runs[0].spec.setup
    title = f"Synthetic {cached.panel_title(cached.selected(setup))}"
    about = {name: _about(run) for name, run in zip(chosen.titles, chosen.runs, strict=True)}
    return html_report(report, title=title, windows=chosen.windows, about=about).encode()


def _about(run: Run) -> dict[str, Any]:
    return {"run": run.id, "setup": run.spec.setup.id} | run.spec.to_dict()


def _numbers(table: pd.DataFrame) -> dict[str, Any]:
    numeric = [column for column in table.columns if pd.api.types.is_float_dtype(table[column])]
    return {column: st.column_config.NumberColumn(column, format="%.4g") for column in numeric}
