"""Curves of single values, of sums over horizons and of dependence in time."""

from __future__ import annotations

import numpy as np

from synthfin_core.evaluation.asymmetry import COARSE, gain_loss, scored_coarse_fine, scored_leverage
from synthfin_core.evaluation.curve import Points, curve
from synthfin_core.evaluation.dependence import Of, autocorrelation, usable_lags
from synthfin_core.evaluation.distances import sorted_values
from synthfin_core.evaluation.horizons import horizons_within, kurtosis_by_horizon
from synthfin_core.evaluation.metric import Array, Needs

#: Probabilities at which quantiles are shown, dense in the tails: from one value in ten thousand on.
_TAIL = np.geomspace(1e-4, 0.04, 14)
PROBABILITIES = np.concatenate([_TAIL, np.linspace(0.05, 0.95, 37), 1 - _TAIL[::-1]])


def _steps(y: Array, size: int = 1) -> Points:
    """Points at 1, 2, ... times `size`."""
    return Points(size * np.arange(1.0, len(y) + 1), y)


def _autocorrelation(x: Array, of: Of) -> Points:
    return _steps(autocorrelation(x, usable_lags(x.shape[1]), of))


@curve(
    name="quantiles",
    title="Quantiles",
    x_title="probability",
    y_title="value",
)
def quantiles(x: Array) -> Points:
    """Quantiles of each series of `x (n, t, d)`, in its own unit; against those of other data they make a Q-Q plot.

    Between two values in order the quantile is interpolated, as `numpy.quantile` does.
    """
    values = sorted_values(x)  # (d, n t)
    place = PROBABILITIES * (values.shape[1] - 1)
    below = place.astype(int)
    above = np.minimum(below + 1, values.shape[1] - 1)
    y = values[:, below] + (place - below) * (values[:, above] - values[:, below])
    return Points(PROBABILITIES, y.T)


@curve(
    name="acf",
    title="Autocorrelation of r",
    x_title="lag, in steps",
    y_title="autocorrelation",
)
def acf(x: Array) -> Points:
    """Autocorrelation of the values of `x (n, t, d)` within windows, over lags 1 to 50 or half the window."""
    return _autocorrelation(x, "r")


@curve(
    name="acf_abs",
    title="Autocorrelation of |r|",
    x_title="lag, in steps",
    y_title="autocorrelation",
)
def acf_abs(x: Array) -> Points:
    """Autocorrelation of the sizes of the values of `x (n, t, d)`, over lags 1 to 50 or half the window."""
    return _autocorrelation(x, "abs")


@curve(
    name="acf_square",
    title="Autocorrelation of r²",
    x_title="lag, in steps",
    y_title="autocorrelation",
)
def acf_square(x: Array) -> Points:
    """Autocorrelation of the squares of the values of `x (n, t, d)`, over lags 1 to 50 or half the window."""
    return _autocorrelation(x, "square")


@curve(
    name="leverage",
    title="Leverage: returns and later squared returns",
    x_title="lag, in steps",
    y_title="correlation",
    needs=Needs(returns=True),
)
def leverage_curve(x: Array) -> Points:
    """`leverage` of returns `x (n, t, d)`, over lags 1 to 20 or half the window."""
    return _steps(scored_leverage(x))


@curve(
    name="coarse_fine",
    title="Coarse-fine asymmetry",
    x_title="lag, in steps",
    y_title="difference of correlations",
    needs=Needs(returns=True, length=2 * COARSE),
)
def coarse_fine_curve(x: Array) -> Points:
    """`coarse_fine` of returns `x (n, t, d)`, at lags of 5 to 20 steps or half the window."""
    return _steps(scored_coarse_fine(x), COARSE)


@curve(
    name="gain_loss",
    title="Falls before rises",
    x_title="steps",
    y_title="share fallen less share risen",
    needs=Needs(returns=True, length=2 * COARSE),
)
def gain_loss_curve(x: Array) -> Points:
    """`gain_loss` of returns `x (n, t, d)`: paths fallen, less paths risen, by the threshold after so many steps."""
    return _steps(gain_loss(x))


@curve(
    name="aggregation",
    title="Extreme moves by horizon",
    x_title="horizon, in steps",
    y_title="excess kurtosis of the sum",
    x_log=True,
    needs=Needs(returns=True),
)
def aggregation(x: Array) -> Points:
    """Excess kurtosis of sums of returns `x (n, t, d)` by horizon; zero for a normal distribution."""
    return Points(np.array(horizons_within(x.shape[1]), dtype=float), kurtosis_by_horizon(x))
