"""What the whole suite shares: small data, a store of its own, and a word on browser tests that were left out."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: small networks want one thread

import numpy as np
import pandas as pd
import pytest
from browser import HOW_TO_GET_ONE, find_browser

from synthfin_core.data.panel import Panel
from synthfin_core.data.windows import Windows, make_windows
from synthfin_core.registry import GENERATORS
from synthfin_core.store import Store

collect_ignore = ["browser/components"]  # a Streamlit app for the tests beside it, not tests


def made_panel(kinds: dict[str, str], rows: int = 300, seed: int = 0) -> Panel:
    """Correlated random walks, one a column, in the form that its kind asks for."""
    draws = np.random.default_rng(seed)
    common = draws.standard_normal((rows, 1))
    r = 0.0003 + 0.01 * (0.7 * common + 0.7 * draws.standard_normal((rows, len(kinds))))
    paths = np.exp(np.cumsum(r, axis=0))
    forms = {"price": 100 * paths, "return": r, "volume": np.round(1e6 * paths), "level": 20 * paths}
    columns = {name: forms[kind][:, i] for i, (name, kind) in enumerate(kinds.items())}
    return Panel(pd.DataFrame(columns, index=pd.bdate_range("2015-01-01", periods=rows)), kinds, "walks")


@pytest.fixture(scope="session")
def panel() -> Panel:
    """Two correlated price series of 300 business days."""
    return made_panel({"one": "price", "two": "price"})


@pytest.fixture(scope="session")
def windows(panel: Panel) -> Windows:
    """Their windows of ten days."""
    return make_windows(panel, length=10)


@pytest.fixture
def store(tmp_path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")


@pytest.fixture
def stand_in(monkeypatch) -> str:
    """Name of a generator that learns in no time and needs no torch."""
    monkeypatch.setitem(GENERATORS, "stand-in", "stand_in:StandIn")
    return "stand-in"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the browser tests out where there is no browser; under `CI=true` refuse to."""
    wanting = [item for item in items if item.get_closest_marker("browser")]
    if not wanting or find_browser():
        return
    if os.environ.get("CI") == "true":
        raise pytest.UsageError(f"{len(wanting)} tests need a browser and none was found: {HOW_TO_GET_ONE}.")
    for item in wanting:
        item.add_marker(pytest.mark.skip(reason="no Chrome or Chromium found"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the browser tests that were left out, and how to have them run."""
    left_out = [report.nodeid for report in terminalreporter.getreports("skipped") if "browser" in report.keywords]
    if left_out and not find_browser():
        terminalreporter.section("left out: no Chrome or Chromium found")
        for name in left_out:
            terminalreporter.line(name)
        terminalreporter.line(f"To run them too, {HOW_TO_GET_ONE}.")
