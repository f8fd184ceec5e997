"""What a TimeVAE shows of itself: a sample taken apart into its blocks, and windows with blocks scaled or left out."""

from __future__ import annotations

from functools import partial
from typing import cast

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.ui import figures, inside_vae, models
from app.ui.messages import escape
from synthfin_core.export import to_csv_bytes
from synthfin_core.generators.timevae import NOISE, TimeVAE, in_window_units
from synthfin_core.pipeline import Samples
from synthfin_core.plots.blocks import paths_beside, stacked_parts
from synthfin_core.store import Run

WINDOWS = 50  # of which one can be chosen to be taken apart
SEED = 0
COLUMNS = 3
HELP = {
    "level": "The height of the whole window.",
    "trend": "The polynomial that bends the window.",
    "residual": "What the base decoder adds, in any shape.",
    NOISE: "What is drawn at random around the blocks; without it all windows are smooth.",
}


def show(run: Run) -> None:
    """Draw the parts of one sample, the sliders that scale them, and the windows so made."""
    samples = models.sample(run.id, figures.PATHS, SEED)
    names = list(samples.names)
    st.subheader("A sample taken apart")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        series = st.selectbox("Series", names, key="blocks-series", help="Which series to draw.", width=220)
        window = st.number_input(
            "Sample",
            min_value=1,
            max_value=WINDOWS,
            value=1,
            key="blocks-window",
            help="Which of the drawn windows to take apart.",
            width=140,
        )
    index = names.index(series)
    parts = {name: part[int(window) - 1, :, index] for name, part in _parts(run.id).items()}
    figures.show(
        stacked_parts(parts, series, samples.units[index]),
        alt=f"Sample {int(window)} of {series}, part by part",
        key="blocks-parts",
    )
    st.caption(
        "Each chart is what its part adds to those above it, on a scale of its own; the last is their sum, the sample "
        "itself."
    )
    _scaled(run, samples, index)
    inside_vae.show(run)


def _scaled(run: Run, samples: Samples, index: int) -> None:
    st.subheader("Its parts scaled or left out")
    scales = _sliders(run)
    scaled = _drawn(run.id, figures.PATHS, SEED, scales)
    figures.show(
        paths_beside(
            scaled.values()[:, :, index],
            samples.values()[:, :, index],
            ("with these scales", "as learned"),
            samples.names[index],
        ),
        alt="Windows with scaled parts beside windows as learned",
        key="blocks-paths",
    )
    _download(run, scales)


def _sliders(run: Run) -> dict[str, float]:
    """A scale for each part of the run's model."""
    names = _model(run.id).block_names
    keys = {name: f"blocks-scale-{run.id}-{name}" for name in names}
    scales = {}
    for first in range(0, len(names), COLUMNS):
        for name, column in zip(names[first : first + COLUMNS], st.columns(COLUMNS), strict=False):
            scales[name] = column.slider(
                name.capitalize(),
                0.0,
                3.0,
                1.0,
                step=0.05,
                key=keys[name],
                help=HELP.get(name, "The pattern that repeats.") + " 0 leaves it out, 1 keeps it as learned.",
            )
    st.button(
        "All as learned",
        icon=":material/restart_alt:",
        on_click=_reset,
        args=(list(keys.values()),),
        help="Puts every slider back to 1.",
        key="blocks-reset",
    )
    return scales


def _reset(keys: list[str]) -> None:
    for key in keys:
        st.session_state[key] = 1.0


def _download(run: Run, scales: dict[str, float]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        n = st.number_input(
            "Windows",
            min_value=1,
            max_value=100_000,
            value=1000,
            step=100,
            key="blocks-n",
            help="How many windows to draw with these scales.",
            width=160,
        )
        seed = st.number_input(
            "Seed",
            min_value=0,
            max_value=2**31 - 1,
            value=1,
            key="blocks-seed",
            help="The same seed draws the same windows.",
            width=140,
        )
        st.download_button(
            f"Download {int(n):,} windows",
            data=partial(_as_csv, run.id, int(n), int(seed), scales),
            file_name=f"{run.id}-scaled-n{int(n)}-seed{int(seed)}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="blocks-download",
            help="As CSV, in the units of your data; made when you click.",
        )
    st.caption(f"From {escape(run.title)}.")


@st.cache_resource(show_spinner=False, max_entries=4)
def _parts(run_id: str) -> dict[str, NDArray[np.float64]]:
    """The parts `(n, t, d)` of the first windows, in window units."""
    inverse = models.pipeline(run_id).representation.inverse
    return in_window_units(_model(run_id).take_apart(WINDOWS, seed=SEED), inverse)


def _drawn(run_id: str, n: int, seed: int, scales: dict[str, float]) -> Samples:
    pipeline = models.pipeline(run_id)
    x = _model(run_id).sample(n, seed=seed, scales=scales)
    return pipeline.wrap(pipeline.representation.inverse(x))


def _as_csv(run_id: str, n: int, seed: int, scales: dict[str, float]) -> bytes:
    return to_csv_bytes(_drawn(run_id, n, seed, scales))


def _model(run_id: str) -> TimeVAE:
    return cast(TimeVAE, models.pipeline(run_id).generator)
