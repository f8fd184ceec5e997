"""Figures of what scores found beside their number: a judge's ROC curve, the nearest window, strategies, weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from synthfin_core.evaluation.metric import METRICS
from synthfin_core.evaluation.strategies import STRATEGIES
from synthfin_core.plots.comparison import correlation_maps
from synthfin_core.plots.looks import looks, series_names
from synthfin_core.plots.style import REAL, Array, figure, line, plain

if TYPE_CHECKING:
    from synthfin_core.evaluation.report import Report

#: The exhibits of one score by data set.
Exhibits = dict[str, dict[str, Array]]

#: Series of a nearest window that are drawn.
MOST_SERIES = 2

REAL_LABEL = "real training"


def exhibit_figure(report: Report, score: str) -> go.Figure | None:
    """The figure of what a score found; None where no figure is known for it, or it found nothing."""
    drawn = _FIGURES.get(METRICS[score].figure or score)
    if drawn is None:
        return None
    draw, needed = drawn
    found = {
        data: {key: np.asarray(exhibit[key], dtype=np.float64) for key in needed}
        for data, exhibit in report.exhibits.get(score, {}).items()
        if set(needed) <= set(exhibit) and data in report.data
    }
    return draw(report, score, found) if found else None


def roc_figure(report: Report, score: str, found: Exhibits) -> go.Figure:
    """How a judge trades false for true alarms; data that it can't tell from real ones follow the diagonal."""
    fig = figure(
        f"{plain(METRICS[score].title, 60)}: ROC curve",
        "share of real windows called synthetic",
        "share of synthetic windows called synthetic",
        height=400,
    )
    fig.add_trace(line([0, 1], [0, 1], "can't be told apart", REAL, width=1))
    for data, look in looks(report).items():
        if data in found:
            rates = found[data]
            x, y = rates["false_positive"], rates["true_positive"]
            fig.add_trace(line(x, y, data, look.colour, width=2, style=look.dash))
    fig.update_xaxes(range=[0, 1])
    fig.update_yaxes(range=[0, 1.01])
    return fig


def nearest_figure(report: Report, score: str, found: Exhibits) -> go.Figure:
    """The synthetic window nearest to the training data over the real window, a panel for each data set and series."""
    names = series_names(report, next(iter(found.values()))["real"].shape[1])[:MOST_SERIES]
    panels = [(data, each, column) for data, each in found.items() for column in range(len(names))]
    heads = [
        f"{plain(data, 24)}, {plain(names[column], 14)}, distance {float(each['distance'].ravel()[0]):.2g}"
        for data, each, column in panels
    ]
    rows = len(panels)
    fig = figure(
        "The synthetic window nearest to a real one", "step", height=110 + 130 * rows, rows=rows,
        subplot_titles=heads, shared_xaxes=True, vertical_spacing=min(0.28 / rows, 0.2),
    )  # fmt: skip
    every, named = looks(report), set()
    for row, (data, each, column) in enumerate(panels, start=1):
        for label, side, colour in ((REAL_LABEL, "real", REAL), (data, "synthetic", every[data].colour)):
            y = each[side][:, column]
            trace = line(np.arange(1, len(y) + 1), y, label, colour, legendgroup=plain(label))
            fig.add_trace(trace.update(showlegend=label not in named), row=row, col=1)
            named.add(label)
    fig.update_yaxes(nticks=4)
    return fig


def strategies_figure(report: Report, score: str, found: Exhibits) -> go.Figure:
    """Annual Sharpe ratios of simple strategies on synthetic against real data; on the diagonal they agree."""
    fig = figure("Simple strategies", "Sharpe ratio on real data", "Sharpe ratio on synthetic data", height=400)
    real = np.concatenate([each["real"] for each in found.values()])
    ends = [float(np.nanmin(real)), float(np.nanmax(real))]
    fig.add_trace(line(ends, ends, "the same on both", REAL, width=1))
    for data, look in looks(report).items():
        if data in found:
            x, y = found[data]["real"], found[data]["synthetic"]
            fig.add_scatter(
                x=x, y=y, name=plain(data), mode="markers", marker={"color": look.colour, "size": 7},
                text=STRATEGIES if len(STRATEGIES) == len(x) else None,
                hovertemplate="%{text}<br>real %{x:.2f}, synthetic %{y:.2f}",
            )  # fmt: skip
    return fig


def weights_figure(report: Report, score: str, found: Exhibits) -> go.Figure:
    """Portfolio weights by series from real and from synthetic data."""
    fig = figure(plain(METRICS[score].title, 60), "", "weight")
    first = next(iter(found.values()))["real"]
    series = [plain(name) for name in series_names(report, first.size)]
    fig.add_bar(x=series, y=first, name=REAL_LABEL, marker={"color": REAL})
    for data, look in looks(report).items():
        if data in found:
            fig.add_bar(x=series, y=found[data]["synthetic"], name=plain(data), marker={"color": look.colour})
    fig.update_layout(barmode="group")
    return fig


def losses_figure(report: Report, score: str, found: Exhibits) -> go.Figure:
    """Losses of the forecasts on the hold-out by what they were learned from; lower is better."""
    fig = figure(plain(METRICS[score].title, 60), "", "loss in the hold-out (QLIKE)")
    first, every = next(iter(found.values())), looks(report)
    shown = [
        ("learned from real", first["real"], REAL, "line-ew"),
        ("in random order", first["shuffled"], REAL, "x-thin"),
    ]
    shown += [(plain(data), each["synthetic"], every[data].colour, "circle") for data, each in found.items()]
    series = [plain(name) for name in series_names(report, first["real"].size)]
    for label, y, colour, symbol in shown:
        marker = {"color": colour, "size": 11, "symbol": symbol, "line": {"color": colour, "width": 2}}
        fig.add_scatter(x=series, y=y.ravel(), name=label, mode="markers", marker=marker)
    fig.update_xaxes(type="category", nticks=0)
    fig.update_layout(scattermode="group", scattergap=0.3)  # beside each other, as bars are
    return fig


def joint_tails_figure(report: Report, score: str, found: Exhibits) -> go.Figure:
    """Chances that two series are extreme on the same day, as maps: real, a Gaussian copula's, and each data set."""
    first = next(iter(found.values()))
    maps = {REAL_LABEL: first["real"], "Gaussian copula": first["gaussian"]}
    maps |= {data: each["synthetic"] for data, each in found.items()}
    fig = correlation_maps(maps, series_names(report, len(first["real"])))
    fig.update_layout(title_text=f"{plain(METRICS[score].title, 60)}: chance of both at once")
    return fig


def correlation_figure(report: Report, score: str, found: Exhibits) -> go.Figure:
    """Correlations of the series, as maps: real, and each data set."""
    first = next(iter(found.values()))
    maps = {REAL_LABEL: first["real"]} | {data: each["synthetic"] for data, each in found.items()}
    return correlation_maps(maps, series_names(report, len(first["real"])))


def membership_figure(report: Report, score: str, found: Exhibits) -> go.Figure:
    """How well an attacker tells members from others, with its 95 % interval; guessing is at one half."""
    fig = figure(
        plain(METRICS[score].title, 60),
        "area under the ROC curve, with its 95 % interval",
        height=130 + 34 * len(found),
    )
    auc, low, high = (
        np.array([float(each[key].ravel()[0]) for each in found.values()]) for key in ("auc", "low", "high")
    )
    every = looks(report)
    shades = [every[data].colour for data in found]
    fig.add_scatter(
        x=auc, y=[plain(data) for data in found], mode="markers", marker={"color": shades, "size": 10},
        error_x={"type": "data", "symmetric": False, "array": high - auc, "arrayminus": auc - low, "color": REAL},
        hovertemplate="%{y}: %{x:.3f}<extra></extra>", showlegend=False,
    )  # fmt: skip
    fig.add_vline(x=0.5, line={"color": REAL, "width": 1, "dash": "dot"})
    fig.update_yaxes(autorange="reversed", type="category", nticks=0)
    return fig


#: What is drawn for the exhibits of a score by its `figure`, or its own name where it names none, and what it takes.
_FIGURES: dict[str, tuple[Callable[[Report, str, Exhibits], go.Figure], tuple[str, ...]]] = {
    "roc": (roc_figure, ("false_positive", "true_positive")),
    "nearest": (nearest_figure, ("real", "synthetic", "distance")),
    "strategies": (strategies_figure, ("real", "synthetic")),
    "min_variance_weights": (weights_figure, ("real", "synthetic")),
    "volatility_forecast": (losses_figure, ("real", "synthetic", "shuffled")),
    "joint tails": (joint_tails_figure, ("real", "synthetic", "gaussian")),
    "correlation": (correlation_figure, ("real", "synthetic")),
    "membership": (membership_figure, ("auc", "low", "high")),
}
