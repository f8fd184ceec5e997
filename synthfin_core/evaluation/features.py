"""What one window looks like in numbers: features of its path, for judges that tell windows apart."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthfin_core.evaluation.metric import Array

#: Lags of the autocorrelations and of the leverage, in steps; one that a window is too short for gives zero.
LAGS = (1, 2, 5, 10)

#: Up to this many series every pair has features of its own; beyond, each series beside the average of all.
MOST_PAIRED = 6

#: Features of each series, in this order.
SERIES_FEATURES = (
    ("mean", "standard deviation", "smallest", "largest", "first", "last")
    + ("skewness", "excess kurtosis", "mean size", "turns", "longest run", "deepest fall", "highest rise")
    + ("late against early size",)
    + tuple(f"autocorrelation of {of} at lag {k}" for of in ("moves", "sizes", "squares") for k in LAGS)
    + tuple(f"leverage at lag {k}" for k in LAGS)
)

#: Features of each pair of series, in this order.
PAIR_FEATURES = ("correlation", "correlation of sizes", "one step ahead", "one step behind")


class Described(NamedTuple):
    """Windows in numbers: features `(n, f)`, where each starts `(n,)`, see `window_starts`, and steps of each."""

    features: Array
    starts: NDArray[np.intp]
    length: int


def described(x: Array) -> Described:
    """Features and starts of the windows `x (n, t, d)`; scores that prepare with it share the work."""
    return Described(path_features(x), window_starts(x), x.shape[1])


def feature_names(d: int) -> list[str]:
    """Names of the columns of `path_features` for windows of `d` series, counted from one.

    Examples
    --------
    >>> feature_names(1)[:2], len(feature_names(1)), feature_names(2)[-1]
    (['mean of series 1', 'standard deviation of series 1'], 30, 'one step behind of series 1 and 2')
    """
    of_series = [f"{name} of series {i + 1}" for i in range(d) for name in SERIES_FEATURES]
    paired = [f"series {i + 1} and {j + 1}" for i, j in combinations(range(d), 2)]
    if d > MOST_PAIRED:
        paired = [f"series {i + 1} and the average" for i in range(d)]
    return of_series + [f"{name} of {pair}" for pair in paired for name in PAIR_FEATURES]


def path_features(x: Array) -> Array:
    r"""Features of the path of each window, computed window by window.

    Size, level and extremes are in the series' own unit. All others are pure numbers of
    :math:`z = (x - m) / s`, with the window's own mean and standard deviation: moments, how often it changes sign
    and the longest stretch without, the deepest fall and the highest rise of its running sum over the root of
    `t`, late against early mean size :math:`(b - a) / (b + a)`, autocorrelations of `z`, `|z|` and `z²`, leverage
    :math:`\sum_i z_i z_{i+k}^2 / t`, and correlations between series, at once and one step apart.

    Parameters
    ----------
    x : ndarray (n, t, d)

    Returns
    -------
    ndarray (n, f)
        Columns are named by `feature_names(d)`. A constant window has zeros where a feature is not defined, so
        every value is finite.
    """
    n, _, d = x.shape
    x = np.ascontiguousarray(x.transpose(2, 1, 0))  # (d, t, n): sums over time are then sums of whole rows
    mean = x.mean(axis=1)  # (d, n)
    z = x - mean[:, None]
    scale = np.sqrt(_mean_product(z, z))
    size = np.maximum(np.abs(x.min(axis=1)), np.abs(x.max(axis=1)))
    varies = scale > 1e-12 * size  # rounding of the mean alone makes no path
    z *= _inverse(np.where(varies, scale, 0.0))[:, None]
    columns = [mean, scale, x.min(axis=1), x.max(axis=1), x[:, 0], x[:, -1]]
    columns += _shape(z) + _memory(z)
    of_series = np.stack(columns, axis=-1).transpose(1, 0, 2).reshape(n, -1)  # (n, d * features)
    if d == 1:
        return of_series
    between = np.stack(_between(z), axis=-1)  # (pairs, n, features)
    return np.concatenate([of_series, between.transpose(1, 0, 2).reshape(n, -1)], axis=1)


def _shape(z: Array) -> list[Array]:
    """Form of the standardised paths `z (d, t, n)`, each `(d, n)`."""
    _, t, _ = z.shape
    square = z * z
    size = np.abs(z)
    moving = square.any(axis=1)
    up = z > 0
    turned = up[:, 1:] != up[:, :-1]
    longest = run = np.ones(up[:, 0].shape)
    level = lowest = highest = fall = rise = np.zeros(up[:, 0].shape)
    for i in range(t):
        level = level + z[:, i]
        lowest, highest = np.minimum(lowest, level), np.maximum(highest, level)
        fall, rise = np.maximum(fall, highest - level), np.maximum(rise, level - lowest)
        if i:
            run = np.where(turned[:, i - 1], 1.0, run + 1)
            longest = np.maximum(longest, run)
    half = max(t // 2, 1)
    early, late = size[:, :half].mean(axis=1), size[:, -half:].mean(axis=1)
    return [
        _mean_product(square, z),
        np.where(moving, _mean_product(square, square) - 3, 0.0),
        size.mean(axis=1),
        turned.mean(axis=1),
        longest / t,
        fall / np.sqrt(t),
        rise / np.sqrt(t),
        (late - early) * _inverse(late + early),
    ]


def _memory(z: Array) -> list[Array]:
    """Autocorrelations of `z (d, t, n)`, its size and its square, then the leverage, at each lag; each `(d, n)`."""
    found = []
    for f in (z, np.abs(z), z * z):
        deviation = f - f.mean(axis=1, keepdims=True)
        precision = _inverse(_mean_product(deviation, deviation))
        found += [_mean_product(deviation, deviation, k) * precision for k in LAGS]
    square = z * z
    return found + [_mean_product(z, square, k) for k in LAGS]


def _between(z: Array) -> list[Array]:
    """Products of pairs of the standardised series `z (d, t, n)`, each `(pairs, n)`."""
    if len(z) > MOST_PAIRED:
        one, other = z, np.broadcast_to(z.mean(axis=0), z.shape)
    else:
        first, second = np.array(list(combinations(range(len(z)), 2))).T
        one, other = z[first], z[second]
    size, other_size = (np.abs(s) - np.abs(s).mean(axis=1, keepdims=True) for s in (one, other))
    scale = np.sqrt(_mean_product(size, size) * _mean_product(other_size, other_size))
    return [
        _mean_product(one, other),
        _mean_product(size, other_size) * _inverse(scale),
        _mean_product(one, other, 1),
        _mean_product(other, one, 1),
    ]


def _mean_product(a: Array, b: Array, lag: int = 0) -> Array:
    """Sum over time of `a_i b_(i + lag)` over `t`, for `a` and `b (d, t, n)`: `(d, n)`, zero for too long a lag."""
    t = a.shape[1]
    lag = min(lag, t)
    found: Array = np.einsum("dtn,dtn->dn", a[:, : t - lag], b[:, lag:]) / t
    return found


def _inverse(scale: Array) -> Array:
    """One over each value, and zero for what is zero but for rounding."""
    return np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 1e-300)


def window_starts(x: Array) -> NDArray[np.intp]:
    """The step of one line of history at which each window starts, as far as the windows themselves tell.

    A window that begins inside the one before it, with the same values, starts as many steps later; any other
    starts after its end. So windows `i` and `j` share no step when their starts are `t` or more apart.

    Parameters
    ----------
    x : ndarray (n, t, d)
        In the order of time, as `make_windows` gives them; gaps and any stride are seen.

    Returns
    -------
    ndarray of int (n,)

    Examples
    --------
    >>> series = np.arange(7.0)
    >>> window_starts(np.stack([series[0:4], series[1:5], series[3:7], -series[0:4]])[:, :, None]).tolist()
    [0, 1, 3, 7]
    """
    n, t, d = x.shape
    begins = np.ones((n - 1, t), dtype=bool)  # where in a window the next one's first step may lie
    ends = np.ones((n - 1, t), dtype=bool)  # where in the next window this one's last step may lie
    for series in (x[:, :, i] for i in range(d)):
        begins &= series[:-1] == series[1:, :1]
        ends &= series[1:] == series[:-1, -1:]
    shared = begins & ends[:, ::-1]  # both agree on the shift
    shared[:, 0] = False  # the same window again is another window
    shift = np.where(shared.any(axis=1), shared.argmax(axis=1), t)
    return np.concatenate([[0], np.cumsum(shift)]).astype(np.intp)
