"""Choose data, look at them, and cut them into windows."""

import streamlit as st

from app.ui import cached, data_pictures, data_settings, data_source, state
from app.ui.messages import escape, plainly
from synthfin_core.spec import Setup

st.title("Data")
with plainly(stop=True):
    setup = cached.current_setup(state.studio().setup_id)
    panel = cached.panel(setup.panel_id)

st.markdown(
    f"Working on **{escape(cached.panel_title(panel))}**: {len(panel.columns)} series, {len(panel.frame):,} rows."
)
with st.expander("Use other data", icon=":material/swap_horiz:", expanded=False, key="other-data"):
    data_source.choose_source()

left, right = st.columns([1, 2], gap="large")
with left:
    selection = data_settings.choose_selection(panel, setup)
    spec = data_settings.choose_windows(setup)
chosen = Setup(panel_id=setup.panel_id, selection=selection, windows=spec)
if chosen.id != setup.id:
    with plainly():
        state.studio().setup_id = cached.store().save_setup(chosen)
        state.keep_in_url()

with right, plainly():
    selected = cached.selected(chosen)
    windows = data_pictures.window_summary(chosen)
    data_pictures.notes(windows.panel if windows is not None else selected)
    data_pictures.tabs(selected, windows)
