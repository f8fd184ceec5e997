"""The sidebar under the navigation: which data are being worked on, and what is running."""

from __future__ import annotations

import streamlit as st

from app.ui import cached, messages, state

RUNNING = ("queued", "starting", "running")


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
    st.markdown(f"**{messages.escape(panel.name)}**")
    spec = setup.windows
    st.markdown(
        f"{len(panel.columns)} series, {len(panel.frame):,} rows, windows of {spec.length}",
    )


def _active_runs() -> None:
    active = [run for run in cached.store().runs() if run.status().state in RUNNING]
    if not active:
        return
    st.caption("TRAINING NOW")
    for run in active[:5]:
        status = run.status()
        place = f", place {status.queue_place} in the queue" if status.state == "queued" else ""
        st.markdown(f"{messages.escape(run.title)}: {status.state}{place}")
