"""Choosing a run: the same picker on every page, remembered in the session and in the address."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from app.ui import cached, state
from synthfin_core.registry import generator_class
from synthfin_core.store import Run

ACTIVE = ("queued", "starting", "running")


def runs_where(wanted: Callable[[Run], bool]) -> list[Run]:
    """Healthy runs that satisfy `wanted`, newest first."""
    return [run for run in cached.store().runs() if run.damage is None and wanted(run)]


def is_done(run: Run) -> bool:
    """The run ended well and has samples."""
    return run.status().state == "done"


def is_latent(run: Run) -> bool:
    """The run's generator has a latent space."""
    return generator_class(run.spec.generator).latent


def run_picker(runs: Sequence[Run], key: str, label: str = "Trained model") -> Run | None:
    """Choose one of `runs`; starts at the run looked at last, if it is among them."""
    if not runs:
        return None
    by_id = {run.id: run for run in runs}
    current = state.studio()
    if current.run_id in by_id and st.session_state.get(key) != current.run_id:
        st.session_state[key] = current.run_id
    elif st.session_state.get(key) not in by_id:
        st.session_state[key] = runs[0].id
    chosen = st.selectbox(
        label,
        list(by_id),
        format_func=lambda run_id: by_id[run_id].title,
        key=key,
        help="Newest first. The address keeps your choice, so a link opens the same model.",
        on_change=_remember,
        args=(key,),
    )
    return by_id[chosen] if chosen else None


def _remember(key: str) -> None:
    state.studio().run_id = st.session_state[key]


def nothing_trained(kind: str = "model") -> None:
    """What to show where a trained model is needed and there is none."""
    st.info(
        f"No trained {kind} yet. Train one first; the recommended settings take a minute or two.",
        icon=":material/info:",
    )
    with st.container(horizontal=True):
        st.page_link("views/vae.py", label="Train a VAE", icon=":material/blur_on:")
        st.page_link("views/gan.py", label="Train a GAN", icon=":material/compare_arrows:")
