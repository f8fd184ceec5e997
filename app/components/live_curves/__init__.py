"""Loss curves that draw themselves while a run trains, with fresh sample paths below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from app.api import base_path
from app.api.plotly_script import plotly_version
from app.components.assets import script, style

_mount = st.components.v2.component(
    "synthfin.live_curves", js=script("live_curves"), css=style("live_curves"), isolate_styles=False
)


def _noted() -> None:
    """The page has rerun because the run has ended; there is nothing else to do."""


def live_curves(
    run_id: str | None,
    *,
    curves: Sequence[str],
    labels: Mapping[str, str] | None = None,
    key: str = "live-curves",
    state: str = "",
) -> str | None:
    """Follow a run: its curves, speed, warnings and fresh samples, fetched by the browser itself.

    Another `run_id` under the same `key` is followed in the same place. The page reruns once when the run ends.

    Parameters
    ----------
    run_id : str or None
        The run to follow; None shows an empty chart.
    curves : sequence of str
        Names of losses, the main one first.
    labels : mapping, optional
        Words for the legend by name.
    key : str
        Streamlit key of the element.
    state : str
        State of the run as the page sees it. The browser is told only of what changes, so a page that resumes a run
        passes it to have the curves look again.

    Returns
    -------
    str or None
        In the rerun that the end caused: "done", "stopped", "failed" or "died".
    """
    base = base_path()
    data = {
        "run_id": run_id,
        "curves": list(curves),
        "labels": {name: name.replace("_", " ").capitalize() for name in curves} | dict(labels or {}),
        "base": base,
        "plotly": f"{base}/plotly.min.js?v={plotly_version()}",
        "state": state,
    }
    result = _mount(key=key, data=data, on_ended_change=_noted)
    ended: str | None = result.ended
    return ended
