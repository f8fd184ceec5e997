"""Figures of how unlike each other windows are: nearest neighbours, spread of each series, and both over a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from synthfin_core.plots.style import REAL, RUNS, Array, colours, dash, figure, line, plain

DRAWN = 61  #: points of a distribution curve


def nearest_neighbours(distances: Mapping[str, Sequence[float] | Array]) -> go.Figure:
    """Share of windows whose nearest neighbour lies within a distance, one rising curve for each data set.

    A curve far to the left of the real one means windows that are too much alike, or that lie on real ones.

    Parameters
    ----------
    distances : dict of str to sequence (n,)
        Distance of each window to the one nearest to it, by the name of the data set.
    """
    fig = figure("Distance to the nearest other window", "distance", "share of windows")
    shares = np.linspace(0.0, 1.0, DRAWN)
    for name, colour in colours(distances).items():
        places = np.quantile(np.asarray(distances[name], dtype=np.float64), shares)
        fig.add_trace(line(places, shares, name, colour, width=2, style=dash(name)))
    fig.update_yaxes(tickformat=".0%", range=[0, 1.02])
    fig.update_xaxes(rangemode="tozero")
    return fig


def spread_by_series(names: Sequence[str], ratios: Sequence[float] | Array) -> go.Figure:
    """Standard deviation of each series among generated windows over that among real ones, with a line at one.

    Parameters
    ----------
    names : sequence of str (d)
    ratios : sequence of float (d)
    """
    fig = figure("Spread of each series", "", "generated / real")
    fig.add_bar(
        x=[plain(name) for name in names],
        y=np.asarray(ratios, dtype=np.float64),
        marker_color=RUNS[0],
        hovertemplate="%{x}: %{y:.3f}<extra></extra>",
        showlegend=False,
    )
    fig.add_hline(1.0, line={"color": REAL, "width": 1.5, "dash": "dash"})
    fig.update_yaxes(rangemode="tozero")
    return fig


def diversity_over_time(steps: Sequence[float] | Array, diversity: Sequence[float] | Array, least: float) -> go.Figure:
    """The diversity over a training, with lines at one, where real windows are, and where a collapse is warned of.

    Parameters
    ----------
    steps, diversity : sequence of float (m)
        Missing values are gaps.
    least : float
        Below this a generator is said to have collapsed.
    """
    fig = figure("Diversity over the training", "step", "diversity")
    fig.add_trace(line(steps, diversity, "generated windows", RUNS[0], width=2, showlegend=False))
    fig.add_hline(1.0, line={"color": REAL, "width": 1.5, "dash": "dash"}, annotation_text="real windows")
    fig.add_hline(least, line={"color": RUNS[1], "width": 1.5, "dash": "dot"}, annotation_text="collapse")
    fig.update_yaxes(rangemode="tozero")
    return fig
