"""Figures of a model while it trains, and of what it draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from synthfin_core.errors import SettingError
from synthfin_core.plots.style import REAL, RUNS, Array, colours, figure, line, log_axis, words


def loss_curves(
    history: Mapping[str, Sequence[float] | Array],
    steps: Sequence[float] | Array | None = None,
    smoothing: float = 0.0,
    log: bool = False,
    x: str = "step",
) -> go.Figure:
    """Curves of the named parts of a loss.

    Parameters
    ----------
    history : dict of str to sequence
        Values by the name of the part; `by_name` makes it from a run's progress.
    steps : sequence, optional
        Where the values stand; 1, 2, ... when None.
    smoothing : float
        From 0 (none) to below 1; the raw curves then stand faintly behind.
    log : bool
        Logarithmic axis; values of zero or less are gaps on it.
    x : str
        Title of the lower axis.
    """
    fig = figure("Loss", x, "loss, logarithmic scale" if log else "loss")
    for name, colour in colours(history).items():
        values = np.asarray(history[name], dtype=np.float64)
        at = np.arange(1, len(values) + 1) if steps is None else np.asarray(steps)
        smooth = smoothed(values, smoothing)
        if log:
            values, smooth = (np.where(each > 0, each, np.nan) for each in (values, smooth))
        if smoothing:
            fig.add_trace(line(at, values, name, colour, width=1, opacity=0.25, showlegend=False, hoverinfo="skip"))
        fig.add_trace(line(at, smooth, name, colour, width=2))
    if log:
        log_axis(fig)
    return fig


def by_name(records: Iterable[Mapping[str, Any]]) -> tuple[Array, dict[str, Array]]:
    """Steps, and the values of each part of the loss, from the progress records of a run.

    A part that a record lacks is NaN there.

    Examples
    --------
    >>> steps, history = by_name([{"step": 1, "losses": {"loss": 3.0}}, {"step": 2, "losses": {"loss": 2.0}}])
    >>> steps, history["loss"]
    (array([1., 2.]), array([3., 2.]))
    """
    kept = list(records)
    names = dict.fromkeys(name for record in kept for name in record["losses"])
    steps = np.array([record["step"] for record in kept], dtype=np.float64)
    return steps, {name: np.array([record["losses"].get(name, np.nan) for record in kept]) for name in names}


def smoothed(values: Array, smoothing: float) -> Array:
    r"""Exponential moving average without the pull of its start, `s_i = \sum_j a^{i-j} v_j / \sum_j a^{i-j}`.

    A missing value is passed over, and its place takes the average so far.

    Raises
    ------
    SettingError
        If `smoothing` is not from 0 to below 1.
    """
    if not 0 <= smoothing < 1:
        raise SettingError(f"smoothing is {smoothing}, expected a number from 0 to below 1.")
    found = np.full(len(values), np.nan)
    total = weight = 0.0
    for i, value in enumerate(values):
        if np.isfinite(value):
            total, weight = smoothing * total + value, smoothing * weight + 1
        if weight:
            found[i] = total / weight
    return found


def sample_paths(
    paths: Array, real: Array | None = None, name: str = "", unit: str = "", title: str = "Sample paths"
) -> go.Figure:
    """Synthetic paths of one series, and real ones in grey behind them.

    Parameters
    ----------
    paths : ndarray (k, t)
    real : ndarray (j, t), optional
    name, unit : str
        Of the series, for the upright axis.
    title : str
    """
    fig = figure(title, "step", words(name, unit))
    for label, each, colour, width in (("real", real, REAL, 1.0), ("synthetic", paths, RUNS[0], 1.4)):
        for i, path in enumerate(() if each is None else np.atleast_2d(each)):
            steps = np.arange(len(path))
            fig.add_trace(
                line(steps, path, label, colour, width=width, opacity=0.75, legendgroup=label, showlegend=i == 0)
            )
    fig.update_layout(showlegend=real is not None)
    return fig
