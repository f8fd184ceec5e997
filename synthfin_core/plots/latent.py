"""Figures of a latent space: the map of encoded windows, and a sweep along one dimension."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from synthfin_core.plots.style import SEQUENTIAL, Array, figure, line, plain, words


def latent_map(
    points: Array, values: Sequence[float] | Array, label: str, labels: Sequence[object] = (), title: str = ""
) -> go.Figure:
    """Encoded windows as points, coloured by a value; a click gives the point's place as `customdata`.

    Parameters
    ----------
    points : ndarray (m, 2)
        As `plots.embedding.embed` gives them.
    values : sequence of float (m)
        The colour runs from their 2nd to their 98th percentile, so that single extremes do not use it up.
    label : str
        What the values are, for example "Volatility".
    labels : sequence (m), optional
        Shown at each point, for example its first day.
    title : str
    """
    values = np.asarray(values, dtype=np.float64)
    low, high = np.nanpercentile(values, [2, 98])
    fig = figure(plain(title, 80), "first coordinate", "second coordinate", height=460)
    first = "%{text}<br>" if len(labels) else ""
    fig.add_scattergl(
        x=points[:, 0],
        y=points[:, 1],
        mode="markers",
        customdata=np.arange(len(points)),
        text=[plain(each) for each in labels] or None,
        hovertemplate=first + plain(label) + ": %{marker.color:.4~g}<extra></extra>",
        marker={
            "color": values,
            "colorscale": SEQUENTIAL,
            "cmin": low,
            "cmax": high,
            "size": 6,
            "opacity": 0.8,
            "colorbar": {"title": {"text": plain(label, 24)}, "thickness": 10, "nticks": 5, "tickformat": ".4~g"},
        },
        showlegend=False,
    )
    return fig


def latent_sweep(
    values: Sequence[float] | Array, paths: Array, dimension: int, name: str = "", unit: str = ""
) -> go.Figure:
    """Paths of one series while one latent dimension moves and the others stay.

    Parameters
    ----------
    values : sequence of float (s)
        Where the dimension stands.
    paths : ndarray (s, t)
    dimension : int
        Counted from 0; shown counted from 1.
    name, unit : str
        Of the series.
    """
    values = np.asarray(values, dtype=np.float64)
    moved = f"dimension {dimension + 1}"
    fig = figure(f"Paths while {moved} moves", "step", words(name, unit), height=400)
    low, high = float(values.min()), float(values.max())
    places = (values - low) / (high - low) if high > low else np.full(values.shape, 0.5)
    for value, path, colour in zip(values, paths, sample_colorscale(SEQUENTIAL, places.tolist()), strict=True):
        fig.add_trace(line(np.arange(len(path)), path, f"{moved} at {value:.2f}", colour, showlegend=False))
    scale = {"color": [low, high], "colorscale": SEQUENTIAL, "cmin": low, "cmax": high, "showscale": True}
    bar = {"title": {"text": moved}, "thickness": 10, "nticks": 5}
    fig.add_scatter(x=[None], y=[None], mode="markers", marker=scale | {"colorbar": bar}, showlegend=False)
    return fig
