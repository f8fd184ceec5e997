"""Figures of the data themselves: history, returns, volume, tails, memory, correlation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from synthfin_core.errors import DataError
from synthfin_core.evaluation.dependence import autocorrelation
from synthfin_core.plots.style import DIVERGING, REAL, RUNS, Array, colours, faint, figure, line, log_axis, plain

if TYPE_CHECKING:
    from pandas import DataFrame

    from synthfin_core.data.panel import Panel

#: Correlation maps of more series have no room for numbers in their tiles.
MOST_NUMBERED = 8


def price_chart(panel: Panel, split_date: Any = None) -> go.Figure:
    """History of the prices and levels, with the hold-out part shaded from `split_date` on.

    Several series on one scale would hide each other, so each is then drawn as an index that begins at 100, on a
    logarithmic axis. A panel of returns alone shows their running sum; one of volumes, the volumes.

    Parameters
    ----------
    panel : Panel
    split_date : Timestamp or int, optional
        First row of the hold-out part, as it stands in the panel's index.
    """
    chosen = [name for name in panel.columns if panel.kinds[name] in ("price", "level")]
    if chosen:
        frame = panel.frame[chosen]
        first = frame.bfill().iloc[0]
        index = len(chosen) > 1 and bool((frame.min() > 0).all())
        frame = frame / first * 100 if index else frame
        title, y = ("Price history", "start = 100") if index else ("History", "in the data's own unit")
    elif "return" in panel.kinds.values():
        frame = panel.frame[[name for name in panel.columns if panel.kinds[name] == "return"]].cumsum()
        index, title, y = False, "Returns added up", "sum of returns"
    else:
        return volume_chart(panel)
    fig = _history(frame, title, y)
    if index:
        log_axis(fig)
    if split_date is not None:
        _shade_from(fig, split_date, frame.index[-1])
    return fig


def returns_chart(panel: Panel) -> go.Figure:
    """Returns per bar, one panel below the other: log returns of prices, and returns as they are.

    Raises
    ------
    DataError
        If no series is a price or a return.
    """
    chosen = [name for name in panel.columns if panel.kinds[name] in ("price", "return")]
    if not chosen:
        raise DataError("The data hold volumes and levels only, expected a price or a return to draw returns of.")
    return _stack(panel.units()[0][chosen], "Returns per bar", lambda name: _unit(panel, name))


def volume_chart(panel: Panel) -> go.Figure:
    """Volumes, one panel below the other, on logarithmic axes.

    Raises
    ------
    DataError
        If no series is a volume.
    """
    chosen = [name for name in panel.columns if panel.kinds[name] == "volume"]
    if not chosen:
        raise DataError("The data hold no volume, expected at least one series of that kind.")
    frame = panel.frame[chosen]
    fig = _stack(frame.where(frame > 0), "Volume per bar", lambda _: "volume")
    log_axis(fig)
    return fig


def qq_plot(x: Array, name: str, degrees: float | None = None) -> go.Figure:
    """Quantiles of one series against those of a normal and of a Student-t distribution.

    All three have mean 0 and standard deviation 1, so the straight line is a perfect fit. The t distribution's
    degrees of freedom follow from the excess kurtosis, `4 + 6 / kurtosis`, at least 4.1, unless given.

    Parameters
    ----------
    x : ndarray
        Values of the series in any shape; missing ones are left out.
    name : str
    degrees : float, optional
        Degrees of freedom, above 2.

    Raises
    ------
    DataError
        If fewer than 10 values are there, or all are equal.
    """
    from scipy.stats import norm, t

    z, kurtosis = _standardised(x, name)
    nu = degrees or (float(np.clip(4 + 6 / kurtosis, 4.1, 100)) if kurtosis > 0 else 100.0)
    p = _levels(z.size)
    real = np.quantile(z, p, method="hazen")  # at these levels: the sorted values themselves
    fig = figure(f"Tails of {plain(name)}", "theoretical quantile, in standard deviations", "quantile of the data")
    for label, theory, colour in (
        ("normal", norm.ppf(p), RUNS[1]),
        (f"Student-t, {nu:.1f} degrees of freedom", t.ppf(p, nu) / np.sqrt(nu / (nu - 2)), RUNS[0]),
    ):
        fig.add_scatter(x=theory, y=real, name=label, mode="markers", marker={"color": colour, "size": 5})
    ends = [float(real[0]), float(real[-1])]
    fig.add_scatter(x=ends, y=ends, name="perfect fit", mode="lines", line={"color": REAL, "width": 1})
    return fig


def acf_plot(x: Array, name: str, lags: int = 40) -> go.Figure:
    """Autocorrelation of one series and of its absolute values, with the 95 % band of white noise.

    Parameters
    ----------
    x : ndarray (s,)
        One series in order of time; missing values are left out.
    name : str
    lags : int
        Longest lag in bars; a quarter of the series where that is shorter.

    Raises
    ------
    DataError
        If fewer than 10 values are there, or all are equal.
    """
    z, _ = _standardised(x, name)
    values = np.asarray(x, dtype=np.float64).ravel()
    values = values[np.isfinite(values)]
    lags = max(1, min(lags, z.size // 4))
    k = np.arange(1, lags + 1)
    fig = figure(f"Memory of {plain(name)}", "lag, in bars", "autocorrelation")
    for of, label, colour in (("r", "r", RUNS[0]), ("abs", "|r|", RUNS[1])):
        found = autocorrelation(values[None, :, None], lags, of)[:, 0]  # type: ignore[arg-type]
        fig.add_scatter(x=k, y=found, name=label, mode="lines+markers", line={"color": colour}, marker={"size": 4})
    band = 1.96 / np.sqrt(z.size)
    fig.add_hrect(y0=-band, y1=band, fillcolor=faint(REAL, 0.25), line_width=0, layer="below")
    fig.add_scatter(
        x=[None],
        y=[None],
        name="95 % of white noise",
        mode="markers",
        marker={"symbol": "square", "size": 10, "color": faint(REAL, 0.45)},
    )
    return fig


def correlation_heatmap(table: DataFrame, title: str = "Correlation of the bars") -> go.Figure:
    """Correlation matrix as a map from -1 to 1, with the numbers where there is room for them."""
    names = [plain(name, 16) for name in table.columns]
    fig = figure(title, height=min(160 + 56 * len(names), 620))
    fig.add_trace(correlation_tiles(table.to_numpy(), names))
    tidy_tiles(fig, len(names))
    return fig


def correlation_tiles(matrix: Array, names: list[str]) -> go.Heatmap:
    """The tiles of a correlation map, with numbers while there are few; `names` are safe already."""
    return go.Heatmap(
        z=matrix,
        x=names,
        y=names,
        zmin=-1,
        zmax=1,
        coloraxis="coloraxis",
        texttemplate="%{z:.2f}" if len(names) <= MOST_NUMBERED else "",
        hovertemplate="%{y} and %{x}: %{z:.3f}<extra></extra>",
        xgap=1,
        ygap=1,
    )


def tidy_tiles(fig: go.Figure, series: int) -> None:
    """One colour scale for all maps of `fig`, drawn where tiles have no numbers; the first series on top."""
    scale = {"colorscale": DIVERGING, "reversescale": True, "cmin": -1, "cmax": 1}
    bar = {"thickness": 10, "tickvals": [-1, 0, 1]}
    fig.update_layout(coloraxis=scale | {"colorbar": bar, "showscale": series > MOST_NUMBERED})
    fig.update_yaxes(autorange="reversed", showgrid=False, nticks=0, type="category")
    fig.update_xaxes(showgrid=False, nticks=0, type="category")


def _history(frame: DataFrame, title: str, y: str) -> go.Figure:
    fig = figure(title, "" if _dated(frame) else "row", y, height=380)
    for name, colour in colours(frame.columns).items():
        fig.add_trace(line(frame.index, frame[name], name, colour))
    fig.update_layout(showlegend=len(frame.columns) > 1)
    if len(frame.columns) == 1:
        fig.update_layout(title_text=f"{title} of {plain(frame.columns[0])}")
    return fig


def _stack(frame: DataFrame, title: str, unit: Callable[[str], str]) -> go.Figure:
    count = len(frame.columns)
    fig = figure(
        title,
        "" if _dated(frame) else "row",
        height=120 + 160 * count,
        rows=count,
        shared_xaxes=True,
        vertical_spacing=0.24 / count,
        subplot_titles=[plain(name) for name in frame.columns],
    )
    for row, (name, colour) in enumerate(colours(frame.columns).items(), start=1):
        fig.add_trace(line(frame.index, frame[name], name, colour, width=1, showlegend=False), row=row, col=1)
        fig.update_yaxes(title_text=unit(name), row=row, col=1)
    return fig


def _unit(panel: Panel, name: str) -> str:
    return panel.units_of()[panel.columns.index(name)]


def _dated(frame: DataFrame) -> bool:
    return frame.index.dtype.kind == "M"


def _shade_from(fig: go.Figure, start: Any, end: Any) -> None:
    fig.add_vrect(x0=start, x1=end, fillcolor=faint(REAL, 0.18), line_width=0, layer="below")
    fig.add_vline(x=start, line={"color": REAL, "width": 1, "dash": "dot"})
    label = {"text": "hold-out", "xanchor": "left", "yanchor": "bottom", "showarrow": False, "font": {"size": 12}}
    fig.add_annotation(x=start, y=1, xref="x", yref="paper", **label)


def _standardised(x: Array, name: str) -> tuple[Array, float]:
    z = np.asarray(x, dtype=np.float64).ravel()
    z = z[np.isfinite(z)]
    if z.size < 10 or z.max() == z.min():
        what = f"{z.size} values" if z.size < 10 else "one value only"
        raise DataError(f"{name} has {what}, expected at least 10 that vary: choose a longer range.")
    z = (z - z.mean()) / z.std()
    return z, float((z**4).mean() - 3)


def _levels(n: int, most: int = 200) -> Array:
    """Probabilities for a Q-Q plot: all values of a short series; of a long one the tails whole."""
    p = (np.arange(1, n + 1) - 0.5) / n
    if n <= most:
        return p
    tail = most // 5
    middle = np.linspace(tail, n - 1 - tail, most - 2 * tail).round().astype(int)
    return p[np.r_[0:tail, middle, n - tail : n]]
