"""Figures of a report: curves over their floor bands, verdicts, the order of models, and what scores found.

All figures of one report give a data set the same colour and line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from synthfin_core.errors import SettingError
from synthfin_core.evaluation.curve import CURVES, Curve, Points
from synthfin_core.evaluation.floors import Band
from synthfin_core.evaluation.metric import METRICS
from synthfin_core.evaluation.score import TRAINING
from synthfin_core.evaluation.verdict import WORDS
from synthfin_core.plots.exhibits import exhibit_figure
from synthfin_core.plots.looks import looks, series_names
from synthfin_core.plots.style import (
    REAL,
    RUNS,
    VERDICT_INK,
    VERDICTS,
    Array,
    faint,
    figure,
    line,
    log_axis,
    name_cells,
    plain,
)

if TYPE_CHECKING:
    from pandas import DataFrame

    from synthfin_core.evaluation.report import Report

#: Words for the band of a figure.
BAND = "where perfect samples lie (10–90 %)"

#: Series that a figure shows unless others are named.
MOST_SERIES = 6

#: The curve that is drawn against the real one instead of against its positions.
QUANTILES = "quantiles"

#: What a cell of the verdict map holds: the place of its word in `WORDS`.
_PLACE = {word: place for place, word in enumerate(WORDS)}


def report_figures(report: Report) -> dict[str, go.Figure]:
    """All figures that a report has something for, in the order of its table.

    Returns
    -------
    dict of str to Figure
        "verdicts" where there are floors, "ranking" where there are two models or more, then curves by their name in
        `CURVES`, and what scores found by the score's name; `figure_name` tells which one belongs to a score.
    """
    drawn = {}
    if report.floors is not None and report.rows:
        drawn["verdicts"] = verdict_figure(report)
    order = report.ranking()
    if len(order) > 1:
        drawn["ranking"] = ranking_figure(order)
    for score in dict.fromkeys(row.score for row in report.rows):
        name = figure_name(score)
        if name in drawn:
            continue
        if name in report.curves:
            drawn[name] = curve_figure(report, name)
        elif score in report.exhibits and (found := exhibit_figure(report, score)) is not None:
            drawn[name] = found
    return drawn


def figure_name(score: str) -> str:
    """The key in `report_figures` of the figure that belongs to a score, where the report has one."""
    return METRICS[score].figure if METRICS[score].figure in CURVES else score


def curve_figure(report: Report, name: str, series: Sequence[str] | None = None) -> go.Figure:
    """A curve of all data sets, a panel for each series, over the band of perfect samples where there are floors.

    Quantiles are drawn against those of the real training data, as a Q-Q plot; all others against their positions.

    Parameters
    ----------
    report : Report
    name : str
        Key in `report.curves`.
    series : sequence of str, optional
        Which to show; the first six when None.

    Raises
    ------
    SettingError
        If the report has no such curve, or the curve no such series.
    """
    if name not in report.curves:
        raise SettingError(f"The report has no curve {name!r}; it has {', '.join(report.curves) or 'none'}.")
    sets, curve = report.curves[name], CURVES[name]
    chosen = _chosen_series(series_names(report, next(iter(sets.values())).y.shape[1]), series)
    against_real = name == QUANTILES and TRAINING in sets
    x_title, y_title = ("real training quantile", "quantile") if against_real else (curve.x_title, curve.y_title)
    count = len(chosen)
    titles = {"subplot_titles": [plain(each) for each in chosen], "vertical_spacing": 0.3 / count}
    more: dict[str, Any] = titles if count > 1 else {}
    if count > 1:
        y_title = y_title.replace(" (", "<br>(")  # panels are low
    fig = figure(curve.title, x_title, y_title, height=140 + 220 * count, rows=count, **more)
    real = sets.get(TRAINING)
    band = report.floors.bands.get(name) if report.floors else None
    for place, column in enumerate(chosen.values()):
        at = None if not against_real or real is None else real.y[:, column]
        traces = [*_band(band, column, at, curve), *_lines(report, sets, name, column, at)]
        for trace in traces:
            trace.update(legendgroup=trace.name, showlegend=place == 0)
            fig.add_trace(trace, **({"row": place + 1, "col": 1} if count > 1 else {}))
    if curve.x_log:
        fig.update_xaxes(type="log")
    if curve.y_log:
        log_axis(fig)
    return fig


def verdict_figure(report: Report) -> go.Figure:
    """The verdicts as a map: scores by data sets, each cell with its colour and its word, empty without a verdict.

    A score that has one number a series shows the worst of its verdicts; the single ones stand in the hover text.
    """
    table = report.table()
    table = table[table["verdict"] != ""]
    scores, sets = list(dict.fromkeys(table["score"])), list(report.data)
    cells = dict(list(table.groupby(["score", "data"], sort=False)))
    z = np.full((len(scores), len(sets)), np.nan)
    words = np.full(z.shape, "", dtype=object)
    hover = np.full(z.shape, "no verdict", dtype=object)
    for i, score in enumerate(scores):
        for j, data in enumerate(sets):
            if (score, data) in cells:
                z[i, j] = cells[score, data]["verdict"].map(_PLACE).max()
                words[i, j] = WORDS[int(z[i, j])].split()[0]
                hover[i, j] = _told(cells[score, data])
    fig = figure("Verdicts", height=110 + 23 * len(scores))
    steps = [(edge, VERDICTS[word]) for i, word in enumerate(WORDS) for edge in (i / 3, (i + 1) / 3)]
    labels = {score: f"{plain(METRICS[score].title, 60)}" for score in scores}
    fig.add_heatmap(
        z=z, x=[plain(data, 28) for data in sets], y=[labels[score] for score in scores], text=words,
        customdata=hover, texttemplate="%{text}", textfont={"color": VERDICT_INK, "size": 12},
        hovertemplate="%{x}<br>%{y}<br>%{customdata}<extra></extra>", colorscale=steps, zmin=-0.5, zmax=2.5,
        showscale=False, xgap=2, ygap=2,
    )  # fmt: skip
    groups = [METRICS[score].group for score in scores]
    for i in range(1, len(groups)):
        if groups[i] != groups[i - 1]:
            fig.add_hline(y=i - 0.5, line={"color": REAL, "width": 1})
    name_cells(fig, "top")
    fig.update_layout(margin_t=80)
    return fig


def ranking_figure(order: DataFrame) -> go.Figure:
    """The mean rank of each model, best on top, with the interval between its best and its worst seed.

    Parameters
    ----------
    order : DataFrame
        As `Report.ranking` gives it.
    """
    several = bool((order["seeds"] > 1).any())
    words = "mean rank over the groups of scores, 1 is best" + (" (line: best to worst seed)" if several else "")
    fig = figure("Order of the models", words, height=120 + 34 * len(order))
    rank = order["rank"].to_numpy()
    spread = {"array": order["high"].to_numpy() - rank, "arrayminus": rank - order["low"].to_numpy()}
    fig.add_scatter(
        x=rank,
        y=[plain(model) for model in order["model"]],
        error_x={"type": "data", "symmetric": False, **spread, "color": RUNS[0]},
        mode="markers",
        marker={"color": RUNS[0], "size": 10},
        hovertemplate="%{y}: %{x:.2f}<extra></extra>",
        showlegend=False,
    )
    fig.update_yaxes(autorange="reversed", type="category", nticks=0)
    return fig


def _told(cell: DataFrame) -> str:
    """Each number of a cell with its floor and its verdict."""
    return "<br>".join(
        f"{plain(row.series)}: {row.value:.3g} (perfect samples up to {row.floor_high:.3g} from perfect), {row.verdict}"
        for row in cell.itertuples()
    )


def _chosen_series(names: Sequence[str], asked: Sequence[str] | None) -> dict[str, int]:
    """Columns by name."""
    columns = {name: i for i, name in enumerate(names)}
    chosen = list(columns)[:MOST_SERIES] if asked is None else list(asked)
    missing = [name for name in chosen if name not in columns]
    if missing or not chosen:
        came = repr(missing[0]) if missing else "none"
        raise SettingError(f"The series asked for is {came}, but the curve has {', '.join(names)}: choose of these.")
    return {name: columns[name] for name in chosen}


def _lines(report: Report, sets: dict[str, Points], name: str, column: int, at: Array | None) -> list[go.Scatter]:
    """A line for each data set; with `at` the positions are the real quantiles, and the diagonal is a perfect fit."""
    lines = []
    if at is not None:
        ends = np.array([np.nanmin(at), np.nanmax(at)])
        lines.append(line(ends, ends, "perfect fit", REAL, width=1))
    for data, look in looks(report).items():
        if data not in sets or (at is not None and data == TRAINING):
            continue
        points = sets[data]
        positions = points.at if at is None else at
        lines.append(line(positions, points.y[:, column], data, look.colour, width=2, style=look.dash))
    return lines


def _band(band: Band | None, column: int, at: Array | None, curve: Curve) -> list[go.Scatter]:
    """The floor band as a filled area."""
    if band is None or column >= band.low.shape[1] or (at is not None and len(at) != len(band.at)):
        return []
    x, low, high = (band.at if at is None else at), band.low[:, column], band.high[:, column]
    known = np.isfinite(x) & np.isfinite(low) & np.isfinite(high)
    if curve.y_log:
        known &= low > 0
    outline: NDArray[np.float64] = np.concatenate([x[known], x[known][::-1]])
    return [
        go.Scatter(
            x=outline,
            y=np.concatenate([low[known], high[known][::-1]]),
            name=BAND,
            mode="lines",
            line={"width": 0},
            fill="toself",
            fillcolor=faint(REAL, 0.25),
            hoverinfo="skip",
        )
    ]
