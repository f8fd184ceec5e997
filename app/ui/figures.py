"""Figures as pages show them: one call for a figure's frame, and the few that pages put together themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from synthfin_core import plots
from synthfin_core.data.windows import Windows
from synthfin_core.plots import style
from synthfin_core.rng import stream

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from synthfin_core.pipeline import Samples

PATHS = 12


def show(figure: go.Figure, alt: str, key: str) -> None:
    """Draw a figure in the page's width."""
    st.plotly_chart(_in_theme(figure), config=plots.CONFIG, alt=alt, key=key)


def _in_theme(figure: go.Figure) -> go.Figure:
    """The figure with its maps in the colours of the page's theme; those of the house style glare on a dark page.

    Streamlit's template holds names of colours, which the browser puts those of the light or the dark theme in place
    of wherever they stand.
    """
    import plotly.io as pio
    from plotly.graph_objects import layout

    theme = pio.templates["streamlit"].layout.colorscale
    house = {style.DIVERGING: theme.diverging, style.SEQUENTIAL: theme.sequential}
    scales = {layout.Coloraxis(colorscale=name).colorscale: themed for name, themed in house.items()}
    for painted in (*figure.select_traces({"type": "heatmap"}), figure.layout.coloraxis):
        painted.colorscale = scales.get(painted.colorscale, painted.colorscale)
    return figure


def rows(frame: pd.DataFrame, alt: str) -> None:
    """Draw rows of a panel; the day alone where no row has a time of day."""
    index = frame.index
    days = isinstance(index, pd.DatetimeIndex) and bool((index == index.normalize()).all())
    st.dataframe(frame, column_config={"date": st.column_config.DateColumn("date")} if days else None, alt=alt)


def some_windows(windows: Windows, series: int = 0) -> go.Figure:
    """A few real training windows of one series, as paths that start at zero."""
    paths = _as_paths(_few(windows.train.x[:, :, series], "real"), windows.units[series])
    return plots.sample_paths(
        paths, name=windows.names[series], unit=_unit(windows.units[series]), title="Real windows"
    )


def samples_beside_real(windows: Windows, samples: Samples, series: int = 0) -> go.Figure:
    """A few synthetic windows of one series before as many real ones."""
    unit = windows.units[series]
    real = _as_paths(_few(windows.train.x[:, :, series], "real"), unit)
    synthetic = _as_paths(_few(samples.x[:, :, series], "synthetic"), unit)
    return plots.sample_paths(
        synthetic, real, name=windows.names[series], unit=_unit(unit), title="Synthetic paths and real ones"
    )


def preview(samples: Samples, start: np.ndarray | None, series: int = 0) -> go.Figure:
    """A few synthetic windows of one series in the data's own units."""
    paths = samples.values(start)[:PATHS, :, series]
    return plots.sample_paths(paths, name=samples.names[series], title=f"The first {len(paths)} windows")


def _few(x: np.ndarray, purpose: str) -> np.ndarray:
    chosen = stream(0, f"few {purpose}").permutation(len(x))[:PATHS]
    return np.asarray(x[np.sort(chosen)])


def _as_paths(x: np.ndarray, unit: str) -> np.ndarray:
    """Log returns added up from zero, in percent; anything else as it is."""
    if unit != "log return":
        return x
    path = np.pad(np.cumsum(x, axis=1), ((0, 0), (1, 0)))
    return np.asarray(100 * np.expm1(path))


def _unit(unit: str) -> str:
    return "% from the start" if unit == "log return" else unit
