"""The list of runs, with a filter; clicking a row chooses a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.ui import state
from synthfin_core.store import Run

STATES = ("queued", "starting", "running", "done", "stopped", "failed", "died")


def choose(runs: Sequence[Run]) -> Run | None:
    """Draw the filtered list and return the run whose row is chosen."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Find",
            key="runs-find",
            placeholder="title, model or data",
            help="Keeps the runs whose title or id has these words.",
            width=320,
        )
        states = st.multiselect(
            "State", STATES, key="runs-states", placeholder="any", help="Keeps the runs in these states.", width=320
        )
    kept = [run for run in runs if _matches(run, text, states)]
    if not kept:
        st.info("No run matches; clear the filter to see all.", icon=":material/filter_alt_off:")
        return None
    event = st.dataframe(
        _table(kept),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key="runs-table",
        column_config=_columns(),
        alt="All runs, newest first",
    )
    rows = event.selection.rows
    if rows and rows[0] < len(kept):
        state.studio().run_id = kept[rows[0]].id
    return next((run for run in kept if run.id == state.studio().run_id), kept[0])


def _matches(run: Run, text: str, states: Sequence[str]) -> bool:
    haystack = f"{run.title} {run.id}".lower()
    return all(word in haystack for word in text.lower().split()) and (not states or run.status().state in states)


def _table(runs: Sequence[Run]) -> pd.DataFrame:
    rows = []
    for run in runs:
        status = run.status()
        rows.append(
            {
                "Title": run.title,
                "State": status.state,
                "Progress": status.step / status.steps if status.steps else 0.0,
                "Trained for": _duration(status.seconds),
                "Started": pd.Timestamp(run.created, unit="s"),
                "Seed": run.spec.seed,
            }
        )
    return pd.DataFrame(rows)


def _columns() -> dict[str, Any]:
    return {
        "Progress": st.column_config.ProgressColumn("Progress", format="percent", min_value=0.0, max_value=1.0),
        "Started": st.column_config.DatetimeColumn("Started", format="distance"),
    }


def _duration(seconds: float | None) -> str:
    if not seconds:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
