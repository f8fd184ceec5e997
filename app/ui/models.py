"""Drawing from trained models, for the pages: previews, start prices, files."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import loaded
from app.ui import cached
from app.ui.messages import escape
from synthfin_core.export import to_bytes
from synthfin_core.pipeline import Pipeline, Samples

PREVIEW = 200
FORMATS = {
    "csv": ("CSV", "text/csv"),
    "parquet": ("Parquet", "application/vnd.apache.parquet"),
    "npz": ("npz", "application/octet-stream"),
}


def pipeline(run_id: str) -> Pipeline:
    """The trained model of a run."""
    return loaded.pipeline(cached.store().run(run_id))


@st.cache_resource(show_spinner=False, max_entries=8)
def sample(run_id: str, n: int, seed: int) -> Samples:
    """`n` windows of a run, drawn once for each seed."""
    return pipeline(run_id).sample(n, seed=seed)


def choose_start(samples: Samples) -> np.ndarray | None:
    """Start levels of the price series, or None when there are none to choose."""
    prices = [index for index, unit in enumerate(samples.units) if unit == "log return"]
    if not prices:
        return None
    start = np.array(samples.start, dtype=float)
    with st.expander("Start prices"):
        st.markdown("Where each path begins. The default is the last real price.")
        for index in prices:
            start[index] = st.number_input(
                escape(str(samples.names[index])),
                min_value=1e-6,
                value=float(start[index]),
                format="%.2f",
                key=f"start-{index}",
                help="Paths are multiples of their start, so this changes the scale and nothing else.",
            )
    return start


def as_file(run_id: str, n: int, seed: int, start: np.ndarray | None, form: str) -> bytes:
    """The drawn windows as the bytes of a file."""
    return to_bytes(pipeline(run_id).sample(n, seed=seed), form, start)
