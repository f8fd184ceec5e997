"""Figures of windows that are sums of parts: one window part by part, and paths beside those with other parts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from synthfin_core.plots.style import REAL, RUNS, Array, figure, line, plain, words

SUM = "sum"
ROW_HEIGHT = 96  # pixels


def stacked_parts(parts: Mapping[str, Array], name: str = "", unit: str = "") -> go.Figure:
    """One window of one series part by part, small charts below each other, and their sum as the last.

    Parameters
    ----------
    parts : mapping of str to ndarray (t,)
        In the order in which they are added.
    name, unit : str
        Of the series.
    """
    shown = {**parts, SUM: np.sum(list(parts.values()), axis=0)}
    titles = [plain(part) for part in shown]
    fig = figure(
        words(name, unit),
        "bar",
        height=60 + ROW_HEIGHT * len(shown),
        rows=len(shown),
        shared_xaxes=True,
        subplot_titles=titles,
        vertical_spacing=0.34 / len(shown),
    )
    fig.update_xaxes(title_text="")
    fig.update_xaxes(title_text="bar", row=len(shown))
    fig.update_yaxes(nticks=3)
    for row, (part, values) in enumerate(shown.items(), start=1):
        bars = np.arange(1, len(values) + 1)
        fig.add_trace(line(bars, np.zeros(len(bars)), part, REAL, width=0.7, hoverinfo="skip"), row=row, col=1)
        fig.add_trace(line(bars, values, part, RUNS[row == len(shown)], width=1.6), row=row, col=1)
    fig.update_layout(showlegend=False)
    return fig


def paths_beside(left: Array, right: Array, titles: tuple[str, str], name: str = "", unit: str = "") -> go.Figure:
    """Two sets of paths of one series beside each other, on one scale.

    Parameters
    ----------
    left, right : ndarray (k, t)
        Path `i` has the same colour in both.
    titles : tuple of str
    name, unit : str
        Of the series.
    """
    fig = figure("", "step", words(name, unit), columns=2, shared_yaxes=True, subplot_titles=[plain(t) for t in titles])
    for column, paths in enumerate((left, right), start=1):
        for i, path in enumerate(paths):
            colour = RUNS[i % len(RUNS)]
            fig.add_trace(line(np.arange(len(path)), path, f"window {i + 1}", colour, opacity=0.8), row=1, col=column)
    fig.update_layout(showlegend=False)
    return fig
