"""What pages share and must not compute twice: the store, the executor, panels, windows, samples.

Everything is keyed by an id, never by an array: hashing big arrays samples them, and a stale hit would show wrong
numbers. The objects are shared between sessions and are read only.
"""

from __future__ import annotations

import streamlit as st

from synthfin_core.data.load import load
from synthfin_core.data.panel import Panel, Selection
from synthfin_core.data.sources import SOURCES
from synthfin_core.data.windows import Windows, WindowSpec
from synthfin_core.errors import StoreError, SynthFinError
from synthfin_core.jobs.local import LocalExecutor
from synthfin_core.pipeline import Samples
from synthfin_core.spec import Setup
from synthfin_core.store import Store

DEFAULT_SOURCE = "us-indices"


@st.cache_resource(show_spinner=False)
def store() -> Store:
    """The store of this installation."""
    return Store()


@st.cache_resource(show_spinner=False)
def executor() -> LocalExecutor:
    """The queue of this installation, its workers warm."""
    local = LocalExecutor(store())
    local.ensure_workers()
    return local


@st.cache_resource(show_spinner=False, max_entries=16)
def bundled(name: str) -> str:
    """The panel id of a bundled source, put into the store the first time."""
    return store().save_panel(load(name))


def default_setup() -> Setup:
    """The bundled indices in the recommended windows."""
    return Setup(panel_id=bundled(DEFAULT_SOURCE), selection=Selection(), windows=WindowSpec())


def current_setup(setup_id: str) -> Setup:
    """The setup of that id, or the default one where there is none.

    A link may name a setup that was deleted; the sidebar then says which data are shown instead.
    """
    if setup_id:
        try:
            return store().setup(setup_id)
        except StoreError:
            pass
    return default_setup()


@st.cache_resource(show_spinner=False, max_entries=16)
def panel(panel_id: str) -> Panel:
    """The panel of that id."""
    return store().panel(panel_id)


def panel_title(panel: Panel) -> str:
    """What a panel is called on the pages."""
    return SOURCES[panel.name].title if panel.name in SOURCES else panel.name


@st.cache_resource(show_spinner=False, max_entries=8)
def _selected(setup_id: str, _setup: Setup) -> Panel:
    return panel(_setup.panel_id).select(_setup.selection)


def selected(setup: Setup) -> Panel:
    """The panel of a setup with its columns, kinds, dates and resampling applied."""
    return _selected(setup.id, setup)


def windows(setup: Setup) -> Windows:
    """The windows of a setup.

    Raises
    ------
    DataError
        If the settings leave no windows.
    """
    return store().windows(setup)


@st.cache_resource(show_spinner=False, max_entries=12)
def _samples(run_id: str, stamp: float) -> Samples | None:
    return store().run(run_id).samples()


def samples(run_id: str) -> Samples | None:
    """The windows that a run drew when it ended, or None while there are none."""
    try:
        run = store().run(run_id)
        file = run.path / "samples.npz"
        return _samples(run_id, file.stat().st_mtime) if file.exists() else None
    except SynthFinError:
        return None
