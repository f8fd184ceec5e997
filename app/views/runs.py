"""Everything that was trained: find, rename, delete, open elsewhere, download."""

import streamlit as st

from app.ui import cached, pick, run_actions, runs_table
from app.ui.messages import escape

st.title("Runs")
everything = cached.store().runs()
listed = [run for run in everything if run.damage is None]
damaged = [run for run in everything if run.damage is not None]
if not listed and not damaged:
    pick.nothing_trained()
    st.stop()

run = runs_table.choose(listed) if listed else None
if run is not None:
    run_actions.show(run)

if damaged:
    with st.expander(f"{len(damaged)} damaged", icon=":material/warning:"):
        for broken in damaged:
            st.markdown(f"**{escape(broken.id)}**: {escape(broken.damage or '')}")
