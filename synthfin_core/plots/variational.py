"""Figures of what a variational autoencoder knows: its likelihood bounds, its latents, and its gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from synthfin_core.plots.style import REAL, RUNS, Array, colours, faint, figure, line, log_axis, plain


def bounds_by_draws(k: Sequence[int], bounds: Mapping[str, tuple[Array, Array]]) -> go.Figure:
    """Likelihood bounds against the draws that each weighs, a panel for each set of windows, with the gap shaded.

    The lowest edge of a shade is the evidence lower bound, its highest the importance-weighted bound.

    Parameters
    ----------
    k : sequence of int (m,)
        Draws, rising from 1.
    bounds : dict of str to (ndarray (m,), ndarray (m,))
        Bounds and the standard errors of how far they lie above the first of them, by the name of the windows.
    """
    names = [plain(name) for name in bounds]
    fig = figure("", "draws from the encoder", "nats a window", columns=len(names), subplot_titles=names)
    at = np.asarray(k)
    for column, (colour, (mean, error)) in enumerate(zip(colours(bounds).values(), bounds.values(), strict=True), 1):
        lowest = np.full(len(at), mean[0])
        first = column == 1
        fig.add_trace(
            line(at, lowest, "evidence lower bound", colour, style="dash", showlegend=first), row=1, col=column
        )
        fig.add_scatter(
            x=at,
            y=mean,
            error_y={"array": error, "thickness": 1, "width": 3},
            name="importance-weighted bound",
            mode="lines+markers",
            line={"color": colour, "width": 2},
            fill="tonexty",
            fillcolor=faint(colour, 0.18),
            hovertemplate="%{x} draws: %{y:.2f} nats<extra></extra>",
            showlegend=first,
            row=1,
            col=column,
        )
    fig.update_xaxes(type="log", tickvals=at, ticktext=[str(count) for count in at])
    return fig


def latent_information(divergence: Sequence[float] | Array, active: Sequence[bool]) -> go.Figure:
    """Bars of what each latent dimension tells of a window, the most telling first, active ones in colour.

    Parameters
    ----------
    divergence : sequence of float (k,)
        In nats a window.
    active : sequence of bool (k,)
        Whether the posterior mean of the dimension moves from window to window.
    """
    values, moves = np.asarray(divergence, dtype=np.float64), np.asarray(active, dtype=bool)
    order = np.argsort(-values, kind="stable")
    fig = figure("Information in each latent dimension", "latent dimension", "KL, nats a window", height=280)
    places = [str(i + 1) for i in order]
    for name, chosen, colour in (("active", moves[order], RUNS[0]), ("silent", ~moves[order], REAL)):
        fig.add_bar(
            x=[place for place, kept in zip(places, chosen, strict=True) if kept],
            y=values[order][chosen],
            name=name,
            marker_color=colour,
            hovertemplate="dimension %{x}: %{y:.2f} nats<extra></extra>",
        )
    fig.update_xaxes(type="category", categoryorder="array", categoryarray=places, nticks=0)
    return fig


def gradient_variances(variances: Mapping[str, Sequence[float] | Array], parameters: Sequence[str]) -> go.Figure:
    """Variance of one draw's gradient, on a logarithmic scale: a point for each parameter, a column an estimator.

    Parameters
    ----------
    variances : dict of str to sequence of float (p,)
        By the name of the estimator.
    parameters : sequence of str (p,)
        What each gradient is by, for the hover text.
    """
    fig = figure("Noise of the gradient, by estimator", "", "variance of one draw", height=280)
    for (name, values), colour in zip(variances.items(), colours(variances).values(), strict=True):
        known = np.asarray(values, dtype=np.float64)
        fig.add_box(
            y=np.where(known > 0, known, np.nan),
            name=plain(name),
            text=[plain(parameter) for parameter in parameters],
            boxpoints="all",
            pointpos=0,
            jitter=0.5,
            marker={"color": colour, "size": 4},
            line={"color": faint(colour, 0.6), "width": 1},
            fillcolor=faint(colour, 0.1),
            hovertemplate="%{text}: %{y:.3g}<extra></extra>",
            showlegend=False,
        )
    log_axis(fig)
    return fig
