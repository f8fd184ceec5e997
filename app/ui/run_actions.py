"""What can be done with one run: rename, delete, open elsewhere, download weights and spec."""

from __future__ import annotations

import json

import streamlit as st

from app.ui import cached, pick, state
from app.ui.messages import escape, flash, plainly
from synthfin_core.errors import SynthFinError
from synthfin_core.registry import generator_class
from synthfin_core.store import Run


def show(run: Run) -> None:
    """Draw the chosen run with its actions."""
    st.subheader(escape(run.title))
    status = run.status()
    if status.message:
        st.markdown(escape(status.message))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Title",
            value=run.title,
            key=f"title-{run.id}",
            on_change=_rename,
            args=(run.id,),
            help="A name that you will know it by.",
            width=360,
            max_chars=120,
        )
        if st.button(
            "Delete", icon=":material/delete:", key="run-delete", help="Removes the run and its weights for good."
        ):
            _confirm_delete(run)
    _links(run)
    _downloads(run)
    with st.expander("Spec"):
        st.json(run.spec.to_dict(), expanded=2)
    st.caption(escape(run.id))


def _links(run: Run) -> None:
    generator = generator_class(run.spec.generator)
    with st.container(horizontal=True):
        if st.button(
            "Work on its data",
            icon=":material/table_chart:",
            help="Makes this run's data and windows the ones being worked on.",
        ):
            state.studio().setup_id = cached.store().save_setup(run.spec.setup)
            flash("Now working on this run's data.")
            st.rerun()
        st.page_link(f"views/{generator.family}.py", label="Losses", icon=":material/show_chart:")
        if pick.is_done(run):
            st.page_link("views/compare.py", label="Compare", icon=":material/leaderboard:")
            if generator.latent:
                st.page_link("views/latent.py", label="Latent explorer", icon=":material/tune:")
            st.page_link("views/generate.py", label="Generate", icon=":material/download:")


def _downloads(run: Run) -> None:
    with st.container(horizontal=True), plainly():
        weights = run.path / "weights.safetensors"
        if weights.exists():
            st.download_button(
                "Weights",
                data=weights.read_bytes,
                file_name=f"{run.id}.safetensors",
                mime="application/octet-stream",
                icon=":material/download:",
                on_click="ignore",
                key="run-weights",
                help="The trained arrays, as safetensors.",
            )
        st.download_button(
            "Spec",
            data=json.dumps(run.spec.to_dict(), indent=2),
            file_name=f"{run.id}.json",
            mime="application/json",
            icon=":material/download:",
            on_click="ignore",
            key="run-spec",
            help="Everything needed to train it again.",
        )


def _rename(run_id: str) -> None:
    try:
        cached.store().run(run_id).rename(st.session_state[f"title-{run_id}"])
    except SynthFinError as error:
        flash(str(error), icon=":material/error:")


@st.dialog("Delete this run?")
def _confirm_delete(run: Run) -> None:
    st.markdown(f"**{escape(run.title)}** with its weights and samples will be gone. The data set stays.")
    with st.container(horizontal=True):
        if st.button("Delete for good", type="primary", key="run-delete-sure"):
            with plainly():
                cached.executor().stop(run.id)
                cached.store().delete(run.id)
                state.studio().run_id = ""
                flash(f"Deleted {run.title}.")
                st.rerun()
        if st.button("Keep it", key="run-keep"):
            st.rerun()
