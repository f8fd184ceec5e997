"""Everything that was trained: find, rename, delete, open elsewhere, download."""

import streamlit as st

from app.ui import cached, pick, run_actions, runs_table
from app.ui.messages import escape

st.title("Runs")
listed = cached.store().runs()
damaged = cached.store().damaged()
if not listed and not damaged:
    pick.nothing_trained()
    st.stop()

run = runs_table.choose(listed)
if run is not None:
    run_actions.show(run)

if damaged:
    with st.expander(f"{len(damaged)} damaged", icon=":material/warning:"):
        for name, reason in damaged.items():
            st.markdown(f"**{escape(name)}**: {escape(reason)}")
