"""The map of encoded windows; a click puts the sliders at that window."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.ui.latent_position import Space, first_day, put_at_window
from synthfin_core import plots
from synthfin_core.plots import embed
from synthfin_core.store import Run

COLOURS = ("Volatility", "Trend", "Date")


def show(run: Run, space: Space) -> None:
    """Draw the map with its choices."""
    with st.container(horizontal=True):
        method = st.segmented_control(
            "Map by",
            ("PCA", "t-SNE"),
            default="PCA",
            required=True,
            key="map-method",
            help="PCA keeps distances as far as two axes can; t-SNE keeps neighbours together.",
        )
        colour = st.segmented_control(
            "Colour by",
            COLOURS,
            default=COLOURS[0],
            required=True,
            key="map-colour",
            help="What the colour of a point says about its window.",
        )
    with st.spinner("Drawing the map"):
        points, chosen = _coordinates(run.id, method or "PCA", space.mu)
    values = _values(space, chosen, colour or COLOURS[0])
    labels = [first_day(space, int(i)) for i in chosen]
    event = st.plotly_chart(
        plots.latent_map(points, values, colour or COLOURS[0], labels),
        key="map-figure",
        on_select="rerun",
        selection_mode="points",
        config=plots.CONFIG,
        alt="Map of the encoded training windows",
    )
    picked = event.selection.point_indices
    if picked and st.session_state.get("map-picked") != (run.id, picked[0]):
        st.session_state["map-picked"] = (run.id, picked[0])
        put_at_window(run.id, space, int(chosen[picked[0]]))
        st.rerun()
    st.caption("Each point is a training window. Click one and the sliders go there.")


@st.cache_data(show_spinner=False, max_entries=8)
def _coordinates(run_id: str, method: str, _mu: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    return embed(_mu, method=method)


def _values(space: Space, chosen: NDArray[np.intp], colour: str) -> NDArray[np.float64]:
    train = space.windows.train
    rows = space.rows[chosen]
    x = train.x[rows]  # (m, t, d)
    if colour == "Volatility":
        values = x.std(axis=1).mean(axis=1)
    elif colour == "Trend":
        values = x.sum(axis=1).mean(axis=1)
    else:
        first = train.dates[rows, 0]
        dated = np.issubdtype(first.dtype, np.datetime64)
        values = 1970.0 + first.astype("datetime64[D]").astype(float) / 365.25 if dated else first
    return np.asarray(values, dtype=np.float64)
