"""Dependence in time within a series, and between series at the same time.

Windows are separate pieces of history: a pair of steps is counted only when both lie in the same window.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from synthfin_core.errors import DataError
from synthfin_core.evaluation.metric import Array, Finding, Needs, by_series, constant, metric

Of = Literal["r", "abs", "square"]

#: The longest lag scored, in steps: calm and wild days cluster over months.
MOST_LAGS = 50

#: Steps whose products with later steps are taken at once; their table then stays in the processor's cache.
BLOCK = 32


def usable_lags(length: int, at_most: int = MOST_LAGS) -> int:
    """How many lags windows of `length` steps allow: half the window, so that each lag keeps half of its pairs.

    Examples
    --------
    >>> usable_lags(250), usable_lags(60), usable_lags(3)
    (50, 30, 1)
    """
    return min(at_most, length // 2)


class Centred(NamedTuple):
    """Series less their means: `deviation (d, n, t)`, and standard deviations `scale (d,)`, NaN where constant."""

    deviation: Array
    scale: Array


def centred(x: Array) -> Centred:
    """Each series of `x (n, t, d)` less its mean over all windows, with its standard deviation.

    The pooled mean keeps what differs between windows (calm and wild ones), which a mean a window would take out.
    """
    values = x.transpose(2, 0, 1).copy()  # (d, n, t)
    varies = values.max(axis=(1, 2)) > values.min(axis=(1, 2))
    values -= values.mean(axis=(1, 2), keepdims=True)
    square = np.einsum("dnt,dnt->d", values, values) / values[0].size
    return Centred(values, np.where(varies, np.sqrt(square), np.nan))


def lagged_correlation(a: Centred, b: Centred, lags: int) -> Array:
    r"""Correlation of `a` with what `b` is `k` steps later in the same window.

    With `m` and `s` the mean and standard deviation of each over all its `n t` values:

    .. math:: C(k) = \frac{1}{s_a s_b\, n (t - k)} \sum_{w=1}^{n} \sum_{i=1}^{t-k} (a_{w,i} - m_a)(b_{w,i+k} - m_b).

    The products of a block of steps with all steps up to `lags` later are one matrix product over the windows,
    and each lag is one of its diagonals; that is several times quicker than one lag after the other.

    Parameters
    ----------
    a, b : Centred
        Of windows of the same shape `(n, t, d)`.
    lags : int
        Lags 0 to `lags`, below `t`.

    Returns
    -------
    ndarray (lags + 1, d)
        A constant series gives NaN.

    Raises
    ------
    DataError
        If the windows are too short for that many lags.
    """
    d, n, t = a.deviation.shape
    if not 1 <= lags < t:
        raise DataError(f"Correlation was asked up to lag {lags}, windows of {t} steps allow 1 to {t - 1}.")
    found = np.zeros((lags + 1, d))
    for i in range(d):
        for begin in range(0, t, BLOCK):
            early = a.deviation[i, :, begin : begin + BLOCK]  # (n, s)
            late = b.deviation[i, :, begin : begin + BLOCK + lags]  # (n, up to s + lags)
            found[:, i] += _diagonals(np.dot(early.T, late), lags)  # a single window is as quick as many
    pairs = n * (t - np.arange(lags + 1))
    correlation: Array = found / pairs[:, None] / (a.scale * b.scale)
    return correlation


def _diagonals(products: Array, lags: int) -> Array:
    """Sums `(lags + 1,)` of the main diagonal of `products (s, w)` and of those above it."""
    rows, width = len(products), len(products) + lags
    flat = np.zeros(rows * (width + 1))
    flat[: rows * width].reshape(rows, width)[:, : products.shape[1]] = products
    # Read in rows that are one longer, each row moves on by one: diagonals become columns.
    sums: Array = flat.reshape(rows, width + 1)[:, : lags + 1].sum(axis=0)
    return sums


def autocorrelation(x: Array, lags: int, of: Of = "r") -> Array:
    r"""Autocorrelation within windows, `C(k) = \mathrm{corr}(f(r_i), f(r_{i+k}))` as in `lagged_correlation`.

    Parameters
    ----------
    x : ndarray (n, t, d)
    lags : int
        Lags 1 to `lags`, below `t`.
    of : {"r", "abs", "square"}
        What `f` is: the values, their size or their square.

    Returns
    -------
    ndarray (lags, d)
        A constant series gives NaN.

    Raises
    ------
    DataError
        If the windows are too short for that many lags.
    """
    f = centred(x if of == "r" else np.abs(x) if of == "abs" else x * x)
    return lagged_correlation(f, f, lags)[1:]


class Autocorrelations(NamedTuple):
    """Autocorrelations of the values, their sizes and their squares, each `(lags, d)`."""

    r: Array
    size: Array
    square: Array


def autocorrelations(x: Array) -> Autocorrelations:
    """All three autocorrelations of `x (n, t, d)`, over the lags that its windows allow."""
    lags = usable_lags(x.shape[1])
    return Autocorrelations(*(autocorrelation(x, lags, of) for of in ("r", "abs", "square")))


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


def root_mean_square(gap: Array) -> Array:
    """Root of the mean square over lags, `(d,)` of `(lags, d)`."""
    distance: Array = np.sqrt((gap * gap).mean(axis=0))
    return distance


@metric(
    name="acf_distance",
    title="ACF distance",
    group="time",
    better="lower",
    needs=Needs(synthetic_varies=True),
    prepare=autocorrelations,
    figure="acf",
    help="How differently a move today goes with moves in the days that follow.",
)
def acf_distance(real: Autocorrelations, synthetic: Autocorrelations) -> Array:
    """Root mean square gap between the autocorrelations of `r`, over lags 1 to 50 or half the window, `(d,)`.

    Reversing time does not change it, since a pair of steps has no direction.
    """
    return root_mean_square(synthetic.r - real.r)


@metric(
    name="acf_abs_distance",
    title="ACF distance of |r|",
    group="time",
    better="lower",
    needs=Needs(synthetic_varies=True),
    prepare=autocorrelations,
    figure="acf_abs",
    help="How differently calm and wild days cluster.",
)
def acf_abs_distance(real: Autocorrelations, synthetic: Autocorrelations) -> Array:
    """Root mean square gap between the autocorrelations of `|r|`, over lags 1 to 50 or half the window, `(d,)`."""
    return root_mean_square(synthetic.size - real.size)


@metric(
    name="acf_square_distance",
    title="ACF distance of r²",
    group="time",
    better="lower",
    needs=Needs(synthetic_varies=True),
    prepare=autocorrelations,
    figure="acf_square",
    help="How differently the largest moves cluster: squares give the wildest days the most weight.",
)
def acf_square_distance(real: Autocorrelations, synthetic: Autocorrelations) -> Array:
    """Root mean square gap between the autocorrelations of `r²`, over lags 1 to 50 or half the window, `(d,)`."""
    return root_mean_square(synthetic.square - real.square)


@metric(
    name="correlation_distance",
    title="Correlation distance",
    group="across series",
    better="lower",
    needs=Needs(series=2, synthetic_varies=True),
    prepare=correlation,
    figure="correlation",
    help="How far the correlations between the series are from the real ones, on average.",
)
def correlation_distance(real: Array, synthetic: Array) -> Finding:
    """Mean absolute gap between the off-diagonal elements of the two correlation matrices `(d, d)`."""
    gap = np.abs(synthetic - real)
    value = float(gap[np.triu_indices(len(gap), k=1)].mean())
    return Finding(value, {"real": real, "synthetic": synthetic})
