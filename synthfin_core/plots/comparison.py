"""Figures that set synthetic beside real data; each takes any number of data sets by name, real ones first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from synthfin_core.errors import DataError
from synthfin_core.evaluation.density import kernel_density
from synthfin_core.plots.market import correlation_tiles, tidy_tiles
from synthfin_core.plots.style import Array, colours, dash, faint, figure, line, plain
from synthfin_core.rng import stream

BARS = 60


def distributions(named: Mapping[str, Array], name: str, unit: str = "", log: bool = False) -> go.Figure:
    """Histograms and density curves of one series, laid over each other.

    The axis covers the middle 99.8 % of the first data set and a quarter more on each side. A data set with more
    than half a per cent of its values outside says so in the legend. Data that do not vary have bars only.

    Parameters
    ----------
    named : dict of str to ndarray
        Values of the series in any shape.
    name, unit : str
        Of the series.
    log : bool
        Logarithmic density, which shows the tails.

    Raises
    ------
    DataError
        If there is nothing to draw.
    """
    values = {data: np.asarray(x, dtype=np.float64).ravel() for data, x in named.items()}
    if not values or not all(x.size for x in values.values()):
        raise DataError("A data set without values came, expected at least one value of each to draw distributions.")
    edges = _edges(next(iter(values.values())))
    middle, width = (edges[:-1] + edges[1:]) / 2, edges[1] - edges[0]
    fig = figure(f"Distribution of {plain(name)}", plain(unit), "density, log scale" if log else "density")
    for data, colour in colours(values).items():
        x = values[data]
        counts, _ = np.histogram(x, bins=edges)
        outside = 1 - counts.sum() / x.size
        label = plain(data) + (f" ({outside:.1%} outside)" if outside > 0.005 else "")
        fig.add_bar(
            x=middle,
            y=counts / (x.size * width),
            width=width,
            name=label,
            marker={"color": faint(colour, 0.22), "line": {"width": 0}},
            legendgroup=label,
            showlegend=False,
            hoverinfo="skip",
        )
        grid = np.linspace(edges[0], edges[-1], 400)
        curve = kernel_density(x, grid) if x.max() > x.min() else np.full(grid.shape, np.nan)
        style = {"color": colour, "width": 2, "dash": dash(data)}
        fig.add_scatter(x=grid, y=curve, name=label, mode="lines", line=style, legendgroup=label)
    fig.update_layout(barmode="overlay", bargap=0)
    if log:
        top = max(float(np.nanmax(trace.y)) for trace in fig.data if trace.type == "bar")
        fig.update_yaxes(type="log", range=[np.log10(top) - 4, np.log10(top) + 0.2], dtick=1)
    return fig


def series_side_by_side(
    named: Mapping[str, Array], name: str, series: int = 0, number: int = 4, seed: int = 0, unit: str = ""
) -> go.Figure:
    """Windows of each data set, drawn at random, one beside the other; a row for each data set, one scale for all.

    Parameters
    ----------
    named : dict of str to ndarray (n, t, d)
    name : str
        Of the series, for the title.
    series : int
        Which series to draw.
    number : int
        Windows of each data set; fewer where it has fewer.
    seed : int
        Another seed draws other windows.
    unit : str
        Of the values.

    Raises
    ------
    DataError
        If there is nothing to draw.
    """
    if not named or not all(len(x) for x in named.values()):
        raise DataError("A data set without windows came, expected at least one window of each to draw.")
    count, t = len(named), next(iter(named.values())).shape[1]
    gap = max(2, t // 10)  # empty steps between two windows
    fig = figure(
        f"Windows of {plain(name)}",
        height=110 + 110 * count,
        rows=count,
        shared_xaxes=True,
        shared_yaxes="all",
        vertical_spacing=min(0.2 / count, 0.12),
        subplot_titles=[plain(data) for data in named],
    )
    for row, (data, colour) in enumerate(colours(named).items(), start=1):
        x = named[data]
        chosen = stream(seed, f"windows of {data}").permutation(len(x))[:number]
        pieces = [np.append(x[i, :, series], np.full(gap, np.nan)) for i in chosen]
        y = np.concatenate(pieces)[:-gap]
        fig.add_scatter(
            x=np.arange(len(y)),
            y=y,
            name=plain(data),
            mode="lines",
            line={"color": colour, "width": 1.2},
            showlegend=False,
            row=row,
            col=1,
        )
    most = min(number, max(len(x) for x in named.values()))
    centres = [i * (t + gap) + t / 2 for i in range(most)]
    fig.update_xaxes(tickvals=centres, ticktext=[f"window {i + 1}" for i in range(most)], showgrid=False)
    fig.update_yaxes(title_text=plain(unit), row=(count + 1) // 2, col=1)
    return fig


def acf_comparison(curves: Mapping[str, Sequence[float] | Array], title: str = "Autocorrelation") -> go.Figure:
    """Autocorrelation curves of one series by lag, from lag 1 on.

    Parameters
    ----------
    curves : dict of str to ndarray (lags,)
    title : str
        What they are the autocorrelation of.
    """
    fig = figure(plain(title, 80), "lag, in steps", "autocorrelation")
    for data, colour in colours(curves).items():
        y = np.asarray(curves[data], dtype=np.float64)
        fig.add_trace(line(np.arange(1, len(y) + 1), y, data, colour, width=2, style=dash(data)))
    fig.add_hline(y=0, line={"color": faint("#7d8896", 0.5), "width": 1})
    return fig


def correlation_maps(maps: Mapping[str, Array], names: Sequence[str]) -> go.Figure:
    """Correlation matrices `(d, d)` by the name of the data set, on one colour scale from -1 to 1."""
    columns = 2 if len(maps) > 1 and len(names) <= 5 else 1
    rows = -(-len(maps) // columns)
    tile = 90 + 34 * len(names)
    fig = figure(
        "Correlation",
        height=60 + tile * rows,
        rows=rows,
        columns=columns,
        shared_xaxes="columns",
        shared_yaxes="all",
        horizontal_spacing=0.05,
        vertical_spacing=min(0.24 / rows, 0.14),
        subplot_titles=[plain(data, 28) for data in maps],
    )
    labels = [plain(name, 12) for name in names]
    for i, matrix in enumerate(maps.values()):
        fig.add_trace(correlation_tiles(matrix, labels), row=i // columns + 1, col=i % columns + 1)
    tidy_tiles(fig, len(names))
    for column in range(1, columns + 1):  # the lowest map of each column has the names
        fig.update_xaxes(showticklabels=True, row=(len(maps) - column) // columns + 1, col=column)
    return fig


def window_map(points: Array, titles: Sequence[str], method: str = "PCA") -> go.Figure:
    """Windows as points on a map, coloured by data set.

    Parameters
    ----------
    points : ndarray (m, 2)
        As `plots.embedding.embed_windows` gives them.
    titles : sequence of str (m)
        The data set of each point.
    method : str
        How they were placed, for the title.
    """
    kind = np.asarray(titles)
    fig = figure(f"Map of windows by {plain(method)}", "first coordinate", "second coordinate", height=460)
    for data, colour in colours(dict.fromkeys(titles)).items():
        x, y = points[kind == data].T
        marker = {"color": colour, "size": 4, "opacity": 0.55}
        fig.add_scattergl(x=x, y=y, name=plain(data), mode="markers", marker=marker, hoverinfo="name")
    fig.update_layout(legend_itemsizing="constant")
    return fig


def _edges(x: Array) -> Array:
    low, high = np.quantile(x, [0.001, 0.999])
    if low == high:
        low, high = low - 0.5, high + 0.5
    more = (high - low) / 4
    return np.linspace(low - more, high + more, BARS + 1)
