"""Figures of factor models: how many factors suit, and what is common to the series and what is their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from synthfin_core.plots.style import DIVERGING, REAL, RUNS, Array, colours, faint, figure, line, plain

MOST_NUMBERED = 12  #: covariance maps of more series have no room for numbers
EQUAL, UNEQUAL = "PPCA, equal noise", "Factor analysis, unequal noise"


def likelihood_by_factors(
    factors: Sequence[int],
    equal: Array,
    unequal: Array,
    ledoit_wolf: Array | None = None,
    truth: int | None = None,
    title: str = "",
) -> go.Figure:
    """Log-likelihood of rows left out, by number of factors, with the best of each model marked.

    Parameters
    ----------
    factors : sequence of int (m,)
    equal, unequal : ndarray (m, folds)
        Of probabilistic PCA and of factor analysis, in nats per row.
    ledoit_wolf : ndarray (folds,), optional
        Of a full covariance, shrunk.
    truth : int, optional
        Number of factors that made the data.
    title : str
    """
    fig = figure(plain(title, 80), "number of factors", "log-likelihood of rows left out", height=400)
    for (name, scores), colour in zip(((EQUAL, equal), (UNEQUAL, unequal)), RUNS, strict=False):
        mean = np.asarray(scores).mean(axis=1)
        best = int(mean.argmax())
        fig.add_scatter(
            x=list(factors), y=mean, name=name, mode="lines+markers", line={"color": colour}, marker={"size": 5}
        )
        mark = {"symbol": "circle-open", "size": 16, "color": colour, "line": {"width": 2}}
        fig.add_scatter(x=[factors[best]], y=[mean[best]], name=f"best: {factors[best]}", mode="markers", marker=mark)
    if ledoit_wolf is not None:
        level = float(np.mean(ledoit_wolf))
        ends = [factors[0], factors[-1]]
        dotted = {"color": REAL, "dash": "dash"}
        fig.add_scatter(x=ends, y=[level, level], name="Ledoit-Wolf covariance", mode="lines", line=dotted)
    if factors[-1] <= MOST_NUMBERED:
        fig.update_xaxes(dtick=1)
    if truth is not None:
        fig.add_vline(x=truth, line={"color": REAL, "width": 1, "dash": "dot"})
    return fig


def covariance_parts(systematic: Array, idiosyncratic: Array, names: Sequence[str]) -> go.Figure:
    """A covariance `(D, D)` taken apart: what the factors share out, and what is each series' own."""
    labels = [plain(name, 16) for name in names]
    titles = ("Systematic", "Idiosyncratic")
    size = min(200 + 40 * len(labels), 460)
    fig = figure(height=size, columns=2, subplot_titles=titles, shared_yaxes=True, horizontal_spacing=0.04)
    most = float(np.abs(systematic + idiosyncratic).max())
    numbers = "%{z:.2f}" if len(labels) <= MOST_NUMBERED else ""
    for column, part in enumerate((systematic, idiosyncratic), start=1):
        fig.add_heatmap(
            z=part,
            x=labels,
            y=labels,
            coloraxis="coloraxis",
            texttemplate=numbers,
            hovertemplate="%{y} and %{x}: %{z:.3f}<extra></extra>",
            row=1,
            col=column,
        )
    scale = {"colorscale": DIVERGING, "reversescale": True, "cmin": -most, "cmax": most}
    bar = {"colorbar": {"thickness": 10, "nticks": 5}, "showscale": not numbers}
    fig.update_layout(coloraxis=scale | bar)
    fig.update_yaxes(autorange="reversed", showgrid=False, type="category")
    fig.update_xaxes(showgrid=False, type="category")
    if len(labels) > MOST_NUMBERED:
        fig.update_xaxes(visible=False)
        fig.update_yaxes(visible=False)
    return fig


def variance_shares(share: Array, names: Sequence[str]) -> go.Figure:
    """For each series, the share of its variance `(D,)` that the factors explain, and the rest."""
    labels = [plain(name, 20) for name in names]
    fig = figure("Share of the variance", "", "", height=min(120 + 28 * len(labels), 620))
    for name, values, colour in (("systematic", share, RUNS[0]), ("idiosyncratic", 1 - share, faint(REAL, 0.45))):
        fig.add_bar(x=values, y=labels, name=name, orientation="h", marker={"color": colour})
        fig.data[-1].hovertemplate = "%{y}: %{x:.1%}"
    fig.update_layout(barmode="stack", bargap=0.25, legend_traceorder="normal")
    fig.update_xaxes(range=[0, 1], tickformat=".0%")
    fig.update_yaxes(autorange="reversed", type="category", nticks=0, showgrid=False)
    return fig


def loadings_over_window(loadings: Array, names: Sequence[str], most: int = 4) -> go.Figure:
    """How a window moves with each factor: loadings `(t, d, k)` along the bars, one panel a factor."""
    shown = min(loadings.shape[2], most)
    fig = figure(
        "How a window moves with its factors",
        "bar",
        "",
        height=100 + 130 * shown,
        rows=shown,
        shared_xaxes=True,
        vertical_spacing=0.25 / shown,
        subplot_titles=[f"factor {k + 1}" for k in range(shown)],
    )
    for row in range(shown):
        for (name, colour), series in zip(colours(names).items(), loadings[:, :, row].T, strict=True):
            trace = line(np.arange(1, len(series) + 1), series, name, colour, showlegend=row == 0, legendgroup=name)
            fig.add_trace(trace, row=row + 1, col=1)
    return fig


def shares_over_window(share: Array, names: Sequence[str]) -> go.Figure:
    """The share of the variance that the factors explain, `(t, d)`, along the bars of a window."""
    fig = figure("Variance that the factors explain", "bar", "share", height=300)
    for (name, colour), series in zip(colours(names).items(), np.asarray(share).T, strict=True):
        fig.add_trace(line(np.arange(1, len(series) + 1), series, name, colour))
    fig.update_yaxes(range=[0, 1.02], tickformat=".0%")
    return fig
