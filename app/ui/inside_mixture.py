"""What a trained mixture shows: its components, the windows or bars that each stands for, and when in history."""

from __future__ import annotations

from typing import cast

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app.ui import cached, figures, inside_hmm, models, regimes
from synthfin_core.data.windows import Windows
from synthfin_core.generators.mixture_parts import Posteriors, order, posteriors, windows_of
from synthfin_core.generators.mixtures import GaussianMixture, PPCAMixture
from synthfin_core.pipeline import Pipeline
from synthfin_core.plots.mixtures import (
    MOST_SHOWN,
    component_correlations,
    component_history,
    component_windows,
)
from synthfin_core.store import Run

Array = NDArray[np.float64]


def show(run: Run) -> None:
    """Draw what each component stands for, and the shares of all over the training history."""
    pipeline = models.pipeline(run.id)
    windows = cached.windows(run.spec.setup)
    generator = _generator(pipeline)
    shares = generator.model.shares[order(generator)]
    over_bars = isinstance(generator, GaussianMixture) and generator.principal is None
    st.subheader("Its components")
    names = list(pipeline.names)
    name = names[0]
    if len(names) > 1:
        name = st.selectbox("Series", names, key="mixture-series", help="Which to look at.", width=220) or name
    if over_bars:
        _bars(pipeline, cast(GaussianMixture, generator), names.index(name))
    else:
        _windows(run.id, windows, pipeline, shares, names.index(name))
    found = _history(run.id, pipeline, windows)
    which = np.ones(len(found.series), dtype=bool)
    if windows.spec.pool:
        columns = windows.panel.columns
        column = st.selectbox("History of", columns, key="mixture-column", help="One of the pooled series.", width=220)
        which = found.series == columns.index(column or columns[0])
    figures.show(
        component_history(found.dates[which], found.posterior[which], shares, "bars" if over_bars else "windows"),
        alt="Shares of the components over the training history",
        key="mixture-history",
    )
    st.caption(
        "How likely each component is behind the training "
        + ("bars." if over_bars else "windows, each at the date of its last bar.")
    )


def _windows(run_id: str, windows: Windows, pipeline: Pipeline, shares: Array, series: int) -> None:
    mean, spread = (part[:, :, series] for part in _window_parts(run_id, pipeline, windows))
    unit = windows.units[series]
    returns = unit in ("log return", "return")
    if returns:
        mean, spread = 100 * mean.cumsum(axis=1), 100 * spread
    name = windows.names[series]
    figures.show(
        component_windows(
            mean, spread, shares, name, "% from the start" if returns else unit, "% a bar" if returns else unit
        ),
        alt=f"Mean windows of {name} by component",
        key="mixture-windows",
    )
    which = f"The {MOST_SHOWN} largest of {len(shares)} components" if len(shares) > MOST_SHOWN else "All components"
    st.caption(f"{which}, by their share. A training window counts for each as far as it belongs to it.")


def _bars(pipeline: Pipeline, generator: GaussianMixture, series: int) -> None:
    model, which = generator.model, order(generator)
    scale, shift, unit = inside_hmm.in_units(pipeline, series)
    shares, spread = model.shares[which], model.volatility[which]
    table = pd.DataFrame(
        {
            "component": np.arange(1, len(which) + 1),
            "share": shares,
            "sd": scale * spread[:, series],
            "mean": shift + scale * model.means[which, series],
        }
    )
    regimes.table(table, unit, "components")
    if len(pipeline.names) > 1:
        correlation = model.covariances[which] / (spread[:, :, None] * spread[:, None])
        figures.show(
            component_correlations(correlation, shares, pipeline.names),
            alt="Correlations by component",
            key="mixture-correlations",
        )


def _generator(pipeline: Pipeline) -> PPCAMixture | GaussianMixture:
    return cast(PPCAMixture | GaussianMixture, pipeline.generator)


@st.cache_resource(show_spinner="Looking at the training history", max_entries=8)
def _history(run_id: str, _pipeline: Pipeline, _windows: Windows) -> Posteriors:
    y = _pipeline.representation.forward(_windows.train.x)
    return posteriors(_generator(_pipeline), y, _windows.train)


@st.cache_resource(show_spinner=False, max_entries=8)
def _window_parts(run_id: str, _pipeline: Pipeline, _windows: Windows) -> tuple[Array, Array]:
    return windows_of(_history(run_id, _pipeline, _windows).posterior, _windows.train.x)
