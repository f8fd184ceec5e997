"""A sweep: one latent dimension moved over a range in steps, everything else held."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.ui import figures, models
from app.ui.latent_position import Space, position
from synthfin_core import plots
from synthfin_core.store import Run


def show(run: Run, space: Space) -> None:
    """Draw the controls of the sweep and its paths."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        dimension = st.selectbox(
            "Dimension",
            [int(i) for i in space.order],
            format_func=lambda i: f"Dimension {i + 1} (KL {space.kl[i]:.2f})",
            key="sweep-dimension",
            help="The most active ones first.",
            width=240,
        )
        low, high = st.slider(
            "Range",
            -6.0,
            6.0,
            (-3.0, 3.0),
            step=0.5,
            key="sweep-range",
            help="Where the dimension begins and ends.",
            width=280,
        )
        steps = st.number_input(
            "Steps", min_value=2, max_value=50, value=10, key="sweep-steps", help="How many paths to draw.", width=140
        )
        series = st.selectbox(
            "Series", list(space.windows.names), key="sweep-series", help="Which series to draw.", width=220
        )
        noise = st.toggle(
            "With noise", value=True, key="sweep-noise", help="On: the same noise for each step. Off: the mean alone."
        )
    values = np.linspace(low, high, int(steps))
    z = np.tile(np.asarray(position(run.id, space)), (len(values), 1))  # (steps, k)
    z[:, dimension] = values
    paths = _decoded(run.id, z, noise)
    index = list(space.windows.names).index(series)
    figures.show(
        plots.latent_sweep(values, paths[:, :, index], dimension, series),
        alt=f"Paths while dimension {dimension + 1} moves",
        key="sweep-figure",
    )


def _decoded(run_id: str, z: np.ndarray, noise: bool) -> np.ndarray:
    """Paths in the data's own units, `(steps, t or t + 1, d)`; one seed, so the noise is the same in each."""
    pipeline = models.pipeline(run_id)
    # One point at a time: the noise of the first path of a seed is always the same.
    drawn = np.concatenate([pipeline.sample_given(point[None], seed=0) for point in z]) if noise else pipeline.decode(z)
    return pipeline.wrap(drawn).values()
