"""Dependence in time within a series, and between series at the same time.

Windows are separate pieces of history: a pair of steps is counted only when both lie in the same window.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from synthfin_core.errors import DataError
from synthfin_core.evaluation.metric import Array, Needs, by_series, constant, metric

Of = Literal["r", "abs", "square"]

#: The longest lag scored, in steps.
MOST_LAGS = 20


def usable_lags(length: int, at_most: int = MOST_LAGS) -> int:
    """How many lags windows of `length` steps allow: half the window, so that each lag keeps half of its pairs.

    Examples
    --------
    >>> usable_lags(60), usable_lags(10), usable_lags(3)
    (20, 5, 1)
    """
    return min(at_most, length // 2)


def autocorrelation(x: Array, lags: int, of: Of = "r") -> Array:
    r"""Autocorrelation within windows, with one mean and variance a series for all windows.

    With `f` the values, their size or their square, `m` and `v` its mean and variance over all `n t` values of
    the series:

    .. math:: C(k) = \frac{1}{v\, n (t - k)} \sum_{w=1}^{n} \sum_{i=1}^{t-k} (f_{w,i} - m)(f_{w,i+k} - m).

    The pooled mean keeps what differs between windows (calm and wild ones), which a mean a window would take
    out; no pair reaches across a border between windows.

    Parameters
    ----------
    x : ndarray (n, t, d)
    lags : int
        Lags 1 to `lags`, below `t`.
    of : {"r", "abs", "square"}

    Returns
    -------
    ndarray (lags, d)
        A constant series gives NaN.

    Raises
    ------
    DataError
        If the windows are too short for that many lags.
    """
    n, t, d = x.shape
    if not 1 <= lags < t:
        raise DataError(f"Autocorrelation was asked up to lag {lags}, windows of {t} steps allow 1 to {t - 1}.")
    f = np.ascontiguousarray(x.transpose(2, 1, 0))  # (d, t, n): products at a lag are then whole blocks
    if of != "r":
        f = np.abs(f) if of == "abs" else f * f
    deviation = f - f.mean(axis=(1, 2), keepdims=True)
    variance = np.einsum("dtn,dtn->d", deviation, deviation) / (n * t)
    variance = np.where(f.max(axis=(1, 2)) > f.min(axis=(1, 2)), variance, np.nan)
    found = np.empty((lags, d))
    for k in range(1, lags + 1):
        pairs = np.einsum("dtn,dtn->d", deviation[:, :-k], deviation[:, k:])
        found[k - 1] = pairs / (n * (t - k)) / variance
    return found


def volatility_clustering(x: Array, lags: int = 10) -> Array:
    """Mean autocorrelation of the sizes of moves over lags 1 to `lags`, `(d,)`: zero when calm and wild days mix."""
    mean: Array = autocorrelation(x, lags, "abs").mean(axis=0)
    return mean


def correlation(x: Array) -> Array:
    """Correlation matrix `(d, d)` of the series of `x (n, t, d)` at the same time; NaN beside a constant series."""
    values = by_series(x)  # (d, n t)
    deviation = values - values.mean(axis=1, keepdims=True)
    scale = np.where(constant(x), np.nan, np.sqrt(np.einsum("di,di->d", deviation, deviation)))
    found: Array = deviation @ deviation.T / np.outer(scale, scale)
    return np.clip(found, -1, 1)


def _acf_distance(real: Array, synthetic: Array, of: Of) -> Array:
    lags = usable_lags(real.shape[1])
    gap = autocorrelation(synthetic, lags, of) - autocorrelation(real, lags, of)  # (lags, d)
    distance: Array = np.sqrt((gap * gap).mean(axis=0))
    return distance


@metric(
    name="acf_distance",
    title="ACF distance",
    group="time",
    better="lower",
    needs=Needs(synthetic_varies=True),
    help="How differently a move today goes with moves in the days that follow.",
)
def acf_distance(real: Array, synthetic: Array) -> Array:
    """Root mean square gap between the autocorrelations of `r`, over lags 1 to 20 or half the window, `(d,)`."""
    return _acf_distance(real, synthetic, "r")


@metric(
    name="acf_abs_distance",
    title="ACF distance of |r|",
    group="time",
    better="lower",
    needs=Needs(synthetic_varies=True),
    help="How differently calm and wild days cluster.",
)
def acf_abs_distance(real: Array, synthetic: Array) -> Array:
    """Root mean square gap between the autocorrelations of `|r|`, over lags 1 to 20 or half the window, `(d,)`."""
    return _acf_distance(real, synthetic, "abs")


@metric(
    name="correlation_distance",
    title="Correlation distance",
    group="across series",
    better="lower",
    needs=Needs(series=2, synthetic_varies=True),
    help="How far the correlations between the series are from the real ones, on average.",
)
def correlation_distance(real: Array, synthetic: Array) -> float:
    """Mean absolute gap between the off-diagonal elements of the two correlation matrices."""
    gap = np.abs(correlation(synthetic) - correlation(real))
    return float(gap[np.triu_indices(len(gap), k=1)].mean())
