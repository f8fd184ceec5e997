"""The sidebar under the navigation: which data are being worked on, and what is running."""

from __future__ import annotations

import streamlit as st

from app.ui import cached, messages, state
from synthfin_core.store import Run

SHOWN = 5


def show() -> None:
    """Draw the data being worked on and the runs under way."""
    messages.show_flashes()
    with st.sidebar:
        with messages.plainly():
            _data()
        _active_runs()


def _data() -> None:
    current = state.studio()
    setup = cached.current_setup(current.setup_id)
    if current.setup_id and setup.id != current.setup_id:
        st.warning("The link names data that are not here any more; the bundled indices are shown instead.")
        current.setup_id = ""
    panel = cached.selected(setup)
    st.caption("WORKING ON")
    st.markdown(f"**{messages.escape(cached.panel_title(panel))}**")
    spec = setup.windows
    st.markdown(
        f"{len(panel.columns)} series, {len(panel.frame):,} rows, windows of {spec.length}",
    )


def _active_runs() -> None:
    if _active():
        cached.executor().ensure_workers()
        st.caption("TRAINING NOW")
        st.fragment(_list_active, run_every=2.0)()


def _active() -> list[Run]:
    return [run for run in cached.store().runs() if run.status().active]


def _list_active() -> None:
    active = _active()
    if not active:
        st.rerun()
    for run in active[:SHOWN]:
        status = run.status()
        if status.state == "queued":
            words = f"place {status.queue_place} in the queue"
        else:
            words = f"{status.step / status.steps:.0%}" if status.steps else "starting"
        st.markdown(f"{messages.escape(run.title)}: {words}")
    if len(active) > SHOWN:
        st.markdown(f"and {len(active) - SHOWN} more")
