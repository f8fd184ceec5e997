"""Figures of regimes: a history with its states, how many states suit it, and how they follow each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from synthfin_core.plots.style import REAL, RUNS, SEQUENTIAL, Array, figure, line, log_axis, name_cells, plain, words

#: Calm states are dark, wild ones bright; the ends of the scale would vanish on one of the two themes.
SCALE, CALMEST, WILDEST = "Plasma", 0.35, 0.85
OPACITY = 0.35  #: of the background behind the points


def state_colours(states: int) -> list[str]:
    """A colour for each state, from calm to wild."""
    places = np.linspace(CALMEST, WILDEST, states) if states > 1 else np.array([CALMEST])
    return list(sample_colorscale(SCALE, places.tolist()))


def state_names(states: int) -> list[str]:
    """What states are called, the calmest first."""
    if states == 1:
        return ["one state"]
    marks = {0: " (calmest)", states - 1: " (wildest)"}
    return [f"state {k + 1}{marks.get(k, '')}" for k in range(states)]


def regimes(
    index: Any, level: Array | None, bars: Array, posterior: Array, name: str = "", unit: str = "", bars_unit: str = ""
) -> go.Figure:
    """A history, its bars as points over the likeliest state, and the probabilities of the states below.

    Parameters
    ----------
    index : array_like (n,)
        Dates or row numbers of the bars.
    level : ndarray (n,) or None
        Price or level at each bar; None draws bars and probabilities alone.
    bars : ndarray (n,)
    posterior : ndarray (n, K)
        Probability of each state at each bar, the calmest state first.
    name, unit, bars_unit : str
        Of the series, its level and its bars.
    """
    x = np.asarray(index)
    rows = 2 if level is None else 3
    fig = figure(
        height=240 + 160 * rows,
        rows=rows,
        shared_xaxes=True,
        vertical_spacing=0.04,
        row_heights=[0.4, 0.35, 0.25][-rows:],
    )
    if level is not None:
        fig.add_trace(line(x, level, name, REAL, showlegend=False), row=1, col=1)
        fig.update_yaxes(title_text=words(name, unit), row=1, col=1)
        if (np.asarray(level) > 0).all():
            fig.update_yaxes(type="log", row=1, col=1)
    _points(fig, x, bars, posterior.argmax(axis=1), posterior.shape[1], rows - 1)
    fig.update_yaxes(title_text=plain(bars_unit), row=rows - 1, col=1)
    states = posterior.shape[1]
    for area in areas(x, posterior, state_names(states), state_colours(states)):
        fig.add_trace(area, row=rows, col=1)
    fig.update_yaxes(title_text="probability", range=[0, 1], tickformat=".0%", row=rows, col=1)
    fig.update_layout(legend={"traceorder": "normal"})
    return fig


def areas(x: Any, posterior: Array, names: Sequence[str], colours: Sequence[str]) -> list[go.Scatter]:
    """Probabilities `(n, K)` as areas on top of each other."""
    return [
        go.Scatter(
            x=x,
            y=posterior[:, k].round(3),
            name=name,
            mode="lines",
            line={"width": 0, "color": colour},
            fillcolor=colour,
            stackgroup="posterior",
            hovertemplate="%{y:.0%}",
        )
        for k, (name, colour) in enumerate(zip(names, colours, strict=True))
    ]


def criterion(counts: Sequence[int], bic: Array, chosen: int, parts: str = "states") -> go.Figure:
    """The Bayesian information criterion above its lowest value, by the number of states or components."""
    above = np.asarray(bic) - np.min(bic)
    fig = figure("How many suit the data", f"number of {plain(parts)}", "BIC above the lowest", height=300)
    fig.add_scatter(x=list(counts), y=above, mode="lines+markers", line={"color": RUNS[0]}, showlegend=False)
    at = list(counts).index(chosen)
    mark = {"symbol": "circle-open", "size": 14, "color": RUNS[1], "line": {"width": 2}}
    fig.add_scatter(x=[chosen], y=[above[at]], name="shown", mode="markers", marker=mark)
    fig.update_xaxes(dtick=1)
    fig.update_yaxes(range=[-0.08 * above.max() or -1.0, 1.08 * above.max() or 1.0])
    return fig


def transitions(matrix: Array) -> go.Figure:
    """Probabilities of the next state `(K, K)`, given the one before, as a map with numbers."""
    names = [str(k + 1) for k in range(len(matrix))]
    fig = figure("From one bar to the next", "to state", "from state", height=min(180 + 56 * len(names), 620))
    fig.add_heatmap(
        z=matrix,
        x=names,
        y=names,
        zmin=0,
        zmax=1,
        colorscale=SEQUENTIAL,
        texttemplate="%{z:.1%}" if len(names) <= 8 else "",
        hovertemplate="from %{y} to %{x}: %{z:.2%}<extra></extra>",
        xgap=1,
        ygap=1,
        showscale=False,
    )
    name_cells(fig)
    return fig


def state_laws(densities: Mapping[str, tuple[Array, Array]], name: str, unit: str) -> go.Figure:
    """The density of one series in each state, `(value, density)` by the state's name, the calmest first."""
    fig = figure(f"The law of {plain(name)} in each state", words(name, unit), "density", height=360)
    for (state, (x, density)), colour in zip(densities.items(), state_colours(len(densities)), strict=True):
        fig.add_trace(line(x, density, state, colour, width=2))
    log_axis(fig)
    return fig


def _points(fig: go.Figure, x: Any, bars: Array, state: Any, states: int, row: int) -> None:
    """Bars as points, over the likeliest state as a strip of colours: one image, however often it changes."""
    low, high = float(np.nanmin(bars)), float(np.nanmax(bars))
    room = 0.05 * (high - low) or 1.0
    shades = state_colours(states)
    steps = [(edge / states, shades[k]) for k in range(states) for edge in (k, k + 1)]
    fig.add_heatmap(
        x=x,
        y=[low - room, high + room],
        z=np.asarray(state, dtype=float)[None],
        zmin=-0.5,
        zmax=states - 0.5,
        colorscale=steps,
        opacity=OPACITY,
        showscale=False,
        hoverinfo="skip",
        row=row,
        col=1,
    )
    fig.add_scattergl(
        x=x,
        y=bars,
        mode="markers",
        marker={"size": 3, "color": REAL},
        showlegend=False,
        hovertemplate="%{y:.3~g}<extra></extra>",
        row=row,
        col=1,
    )
    fig.update_yaxes(range=[low - room, high + room], row=row, col=1)
