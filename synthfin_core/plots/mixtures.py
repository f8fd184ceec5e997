"""Figures of mixtures: the windows that each component stands for, how series go together in it, and when it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from synthfin_core.plots.regimes import areas
from synthfin_core.plots.style import DIVERGING, REAL, RUNS, Array, figure, line, name_cells, plain, words

MOST_SHOWN = len(RUNS)  #: components drawn one by one; more colours can't be told apart
MOST_POINTS = 400  #: of a history; each is a mean over as many windows or bars as it takes


def component_names(shares: Array) -> list[str]:
    """What components are called, the largest first.

    Examples
    --------
    >>> component_names(np.array([0.7, 0.3]))
    ['1: 70%', '2: 30%']
    """
    return [f"{k + 1}: {share:.0%}" if share >= 0.01 else f"{k + 1}: {share:.1%}" for k, share in enumerate(shares)]


def component_windows(
    mean: Array, spread: Array, shares: Array, name: str, mean_unit: str = "", spread_unit: str = ""
) -> go.Figure:
    """Mean and standard deviation of one series in each component along the bars of a window.

    Parameters
    ----------
    mean, spread : ndarray (K, t)
        The component with the largest share first; the first six are drawn.
    shares : ndarray (K,)
    name, mean_unit, spread_unit : str
    """
    fig = figure(
        x="bar",
        height=520,
        rows=2,
        shared_xaxes=True,
        vertical_spacing=0.12,
        subplot_titles=[f"Mean window of {plain(name)}", "Standard deviation around it"],
    )
    for k, (component, colour) in enumerate(zip(component_names(shares), RUNS, strict=False)):
        for row, values in ((1, mean[k]), (2, spread[k])):
            trace = line(
                np.arange(1, len(values) + 1), values, component, colour, showlegend=row == 1, legendgroup=component
            )
            fig.add_trace(trace, row=row, col=1)
    fig.update_xaxes(title_text="", row=1)
    fig.update_yaxes(title_text=words(mean_unit), row=1, col=1)
    fig.update_yaxes(title_text=words(spread_unit), rangemode="tozero", row=2, col=1)
    return fig


def component_correlations(correlation: Array, shares: Array, names: Sequence[str]) -> go.Figure:
    """How two series go together in each component: `correlation (K, d, d)`, each pair of series a row."""
    shown = min(len(shares), MOST_SHOWN)
    first, second = np.triu_indices(len(names), 1)
    short = [plain(name, 14) for name in names]
    pairs = [f"{short[i]}, {short[j]}" for i, j in zip(first.tolist(), second.tolist(), strict=True)]
    fig = figure("Correlation in each component", height=min(130 + 34 * len(pairs), 620))
    fig.add_heatmap(
        z=correlation[:shown, first, second].T,
        x=component_names(shares)[:shown],
        y=pairs,
        zmin=-1,
        zmax=1,
        colorscale=DIVERGING,
        reversescale=True,
        texttemplate="%{z:.2f}",
        hovertemplate="%{y}, component %{x}: %{z:.3f}<extra></extra>",
        xgap=1,
        ygap=1,
        showscale=False,
    )
    name_cells(fig)
    return fig


def component_history(dates: Any, posterior: Array, shares: Array, of: str = "windows") -> go.Figure:
    """The shares of the components over history, on top of each other; those beyond the sixth as one.

    Parameters
    ----------
    dates : array_like (m,)
        In order.
    posterior : ndarray (m, K)
        Probability of each component, the one with the largest share first.
    shares : ndarray (K,)
    of : str
        What there are `m` of.
    """
    x, shown = np.asarray(dates), min(len(shares), MOST_SHOWN)
    together = -(-len(x) // MOST_POINTS)
    edges = np.arange(0, len(x), together)
    sizes = np.diff([*edges, len(x)])
    means = np.add.reduceat(posterior, edges, axis=0) / sizes[:, None]
    drawn, names, colours = means[:, :shown], component_names(shares)[:shown], list(RUNS[:shown])
    if shown < len(shares):
        drawn = np.column_stack([drawn, means[:, shown:].sum(axis=1)])
        names, colours = [*names, f"{len(shares) - shown} others"], [*colours, REAL]
    average = f" (means over {together} {plain(of)})" if together > 1 else ""
    fig = figure("When each component was", "", f"share{average}", height=320)
    for area in areas(x[edges + sizes // 2], drawn, names, colours):
        fig.add_trace(area)
    fig.update_yaxes(range=[0, 1], tickformat=".0%")
    fig.update_layout(legend={"traceorder": "normal"}, hovermode="x unified")
    return fig
