"""Figures of windows by time scale: wavelet images, the energy of each scale, and windows on their way out of noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from synthfin_core.plots.style import DIVERGING, REAL, RUNS, Array, faint, figure, line, log_axis, plain

Scales = Sequence[int] | NDArray[np.int64]  #: bars that a coefficient of each row stands for

#: Colours run this far to either side, in standard deviations of a row; what is beyond takes the last colour.
MOST_DEVIATIONS = 3.0
#: A row with less than this share of the largest one's is empty but for rounding.
NOTHING = 1e-9


def scale_labels(scales: Scales) -> list[str]:
    """What the rows of an image stand for, in bars: whatever is slower first, then swings from coarse to fine.

    Examples
    --------
    >>> scale_labels([8, 8, 4, 2])
    ['slower', '8 bars', '4 bars', '2 bars']
    """
    return ["slower", *(f"{scale} bars" for scale in scales[1:])]


def wavelet_images(real: Array, synthetic: Array, deviations: Array, scales: Scales, name: str = "") -> go.Figure:
    """Wavelet images of a few real and a few synthetic windows of one series, side by side on one colour scale.

    Parameters
    ----------
    real, synthetic : ndarray (k, rows, t)
        Coefficients, the coarse approximation first.
    deviations : ndarray (rows,)
        Standard deviation of each row over the real windows. Rows are drawn as multiples of it, or the coarse ones
        would use up the colours; a row that real windows leave empty is left out.
    scales : sequence of int (rows,)
        Bars that a coefficient of each row stands for.
    name : str
        Of the series.
    """
    k = len(real)
    fig = figure(
        f"Windows of {plain(name)} by time scale" if name else "Windows by time scale",
        "bar",
        height=186 + 150 * k,
        rows=k,
        columns=2,
        subplot_titles=["real", "synthetic", *[""] * (2 * k - 2)],
        shared_xaxes=True,
        shared_yaxes=True,
        horizontal_spacing=0.03,
        vertical_spacing=0.06 / k,
    )
    for column, images in enumerate((real, synthetic), start=1):
        for row, image in enumerate(images, start=1):
            fig.add_trace(_image(image, deviations, scales), row=row, col=column)
    fig.update_yaxes(dtick=1, tickfont_size=11)
    _colour_scale(fig)
    return fig


def level_energies(real: Array, synthetic: Array, scales: Scales, name: str = "") -> go.Figure:
    """How much of the variance lies at each time scale, real beside synthetic, on a logarithmic axis.

    Parameters
    ----------
    real, synthetic : ndarray (rows,)
        As `Wavelets.energy` gives them.
    scales : sequence of int (rows,)
        Bars that a coefficient of each row stands for.
    name : str
        Of the series.
    """
    title = f"Energy of {plain(name)} by time scale" if name else "Energy by time scale"
    fig = figure(title, "time scale", "mean square")
    kept = _holds_something(real)
    for label, values, colour, symbol, size in (
        ("real", real, REAL, "circle", 13),
        ("synthetic", synthetic, RUNS[0], "diamond", 9),
    ):
        fig.add_scatter(
            x=np.array(scale_labels(scales))[kept],
            y=values[kept],
            name=label,
            mode="lines+markers",
            line={"color": faint(colour, 0.4), "width": 1},
            marker={"color": colour, "symbol": symbol, "size": size},
            hovertemplate=f"{label}, %{{x}}: %{{y:.4~g}}<extra></extra>",
        )
    log_axis(fig)
    return fig


def denoising_strip(
    noisy: Array,
    guesses: Array,
    images: Array,
    labels: Sequence[str],
    deviations: Array,
    scales: Scales,
    name: str = "",
) -> go.Figure:
    """One window on its way from noise to data, from left to right: its path above, its wavelet image below.

    Parameters
    ----------
    noisy, guesses : ndarray (k, t)
        What a network is given, drawn in grey, and what it takes the window for.
    images : ndarray (k, rows, t)
        Of the guesses.
    labels : sequence of str (k,)
        What stands above each panel, for example how much noise is left.
    deviations : ndarray (rows,)
        Standard deviation of each row over real windows, as in `wavelet_images`.
    scales : sequence of int (rows,)
        Bars that a coefficient of each row stands for.
    name : str
        Of the series.
    """
    k = len(guesses)
    fig = figure(
        f"A window of {plain(name)} comes out of noise" if name else "A window comes out of noise",
        height=420,
        rows=2,
        columns=k,
        subplot_titles=[plain(label) for label in labels] + [""] * k,
        shared_yaxes="rows",
        horizontal_spacing=0.012,
        vertical_spacing=0.04,
        row_heights=[0.45, 0.55],
    )
    for column in range(1, k + 1):
        for path, colour in ((noisy[column - 1], REAL), (guesses[column - 1], RUNS[0])):
            drawn = line(np.arange(len(path)), path, labels[column - 1], colour, width=1.2, showlegend=False)
            fig.add_trace(drawn, row=1, col=column)
        fig.add_trace(_image(images[column - 1], deviations, scales), row=2, col=column)
    fig.update_yaxes(dtick=1, tickfont_size=11, row=2)
    fig.update_xaxes(showticklabels=False, ticks="", showgrid=False)
    _colour_scale(fig)
    return fig


def _image(image: Array, deviations: Array, scales: Scales) -> go.Heatmap:
    kept = _holds_something(deviations)[::-1]  # the slowest on top
    return go.Heatmap(
        z=image[kept] / deviations[kept, None],
        y=np.array(scale_labels(scales))[kept],
        coloraxis="coloraxis",
        hovertemplate="bar %{x}, %{y}: %{z:.2f}<extra></extra>",
    )


def _holds_something(of_rows: Array) -> NDArray[np.intp]:
    """The rows that are more than rounding."""
    return np.flatnonzero(of_rows > NOTHING * of_rows.max())


def _colour_scale(fig: go.Figure) -> None:
    """One colour scale for all images, below them; no ticks, which would lie on the images to the left."""
    fig.update_yaxes(ticks="")
    bar = {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "thickness": 10, "nticks": 7}
    scale = {"colorscale": DIVERGING, "reversescale": True, "cmin": -MOST_DEVIATIONS, "cmax": MOST_DEVIATIONS}
    fig.update_layout(
        coloraxis=scale | {"colorbar": bar},
        title_subtitle={"text": "colour: standard deviations of the row", "font": {"size": 12}},
        margin={"t": 100, "b": 64},
    )
