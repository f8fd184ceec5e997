"""How alike two stretches of a market are once level and scale are taken out: the ground of the search for copies.

A calm stretch is near every other calm stretch, and so would be a model that prints nearly nothing. So each stretch is
compared by its shape alone, and a copy is found whether or not it was scaled or shifted in level.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from synthfin_core.evaluation.metric import Array

Single = NDArray[np.float32]

#: Correlations in single precision are good to 1e-7, so no distance below this is told from zero.
CLOSEST = 5e-4

#: Known stretches compared at a time: bounds the memory.
BLOCK = 512

#: A stretch that varies by less than this share of its level is constant but for rounding.
ROUNDING = 1e-12


def shapes(x: Array) -> Single:
    r"""Stretches as vectors whose scalar product is the mean correlation of their series.

    .. math:: u_{i,s} = \frac{x_{i,s} - m_s}{\sqrt{d \sum_j (x_{j,s} - m_s)^2}}

    with the stretch's own mean :math:`m_s` of series `s`. So :math:`|u - v| = \sqrt{2 (1 - \rho)}` with the mean
    correlation :math:`\rho` of the two stretches: the z-normalised distance of time series search.

    Parameters
    ----------
    x : ndarray (n, t, d)

    Returns
    -------
    ndarray of float32 (n, d t)
        Zeros for a series that is constant in its stretch: such a series is like no other.
    """
    n, t, d = x.shape
    found = np.empty((n, d, t), dtype=np.float32)
    for i in range(d):
        series = np.ascontiguousarray(x[:, :, i])
        deviation = series - series.mean(axis=1, keepdims=True)
        scale = np.sqrt(d * np.einsum("nt,nt->n", deviation, deviation))
        varies = scale > ROUNDING * np.sqrt(d * t) * np.abs(series).max(axis=1)
        weight = np.divide(1, scale, out=np.zeros(n), where=varies)
        np.multiply(deviation, weight[:, None], out=found[:, i], casting="same_kind")
    return found.reshape(n, d * t)


class Nearest(NamedTuple):
    """Distances in shape between `m` stretches and `n` known ones.

    Attributes
    ----------
    first, second : ndarray (m,)
        From each stretch to the nearest and the second nearest known one; infinite where there is none.
    which : ndarray of int (m,)
        The nearest known one.
    back : ndarray (n,)
        From each known one to the nearest of the `m`.
    """

    first: Array
    second: Array
    which: NDArray[np.intp]
    back: Array


def nearest(asked: Single, known: Iterable[Single]) -> Nearest:
    """Nearest known stretches of each one asked about, and the other way round.

    Parameters
    ----------
    asked : ndarray of float32 (m, f)
        See `shapes`.
    known : iterable of ndarray of float32 (n_i, f)
        A block after the other, so that never more than `m n_i` correlations are held.
    """
    rows = np.arange(len(asked))
    first = np.full(len(asked), -np.inf, dtype=np.float32)  # correlations: the largest is the nearest
    second = first.copy()
    which = np.zeros(len(asked), dtype=np.intp)
    back = []
    seen = 0
    for block in known:
        alike = asked @ block.T  # (m, n_i)
        back.append(alike.max(axis=0))
        top = alike.argmax(axis=1)
        best = alike[rows, top]
        alike[rows, top] = -np.inf
        second = np.maximum(np.maximum(second, alike.max(axis=1)), np.minimum(first, best))
        which = np.where(best > first, seen + top, which)
        first = np.maximum(first, best)
        seen += len(block)
    return Nearest(_distance(first), _distance(second), which, _distance(np.concatenate(back)))


def _distance(correlation: Single) -> Array:
    """Distance of two shapes of this correlation, no smaller than what single precision can tell."""
    distance: Array = np.sqrt(2 * np.maximum(1 - correlation.astype(np.float64), 0))
    return np.maximum(distance, CLOSEST)


class Remembered:
    """What was found about a data set together with another one, kept while both are in use.

    Distances of the control from the real data are the same for every synthetic data set, and each is used by
    several scores.
    """

    def __init__(self) -> None:
        self._found: WeakKeyDictionary[Any, dict[Any, Any]] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def once(self, other: Any, key: Any, work: Callable[[], Any]) -> Any:
        """What `work` gave for `other` and `key` the first time."""
        with self._lock:
            kept = self._found.setdefault(other, {})
            if key not in kept:
                kept[key] = work()
            return kept[key]
