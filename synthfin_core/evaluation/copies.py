"""Does the model hand out pieces of its training data?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthfin_core.evaluation.metric import Array, Needs, by_series, metric
from synthfin_core.rng import stream

#: Steps in a piece: two trading weeks agree by chance in no market.
PIECE = 10

#: Pieces are equal when no value differs by more than this many real standard deviations: 1e-9 for daily
#: returns of 1 %. Rounding to float32 stays below it, added noise does not.
TOLERANCE = 1e-7


def copied_pieces(
    real: Array, synthetic: Array, length: int = PIECE, tolerance: float = TOLERANCE
) -> NDArray[np.bool_]:
    """Which pieces of `length` steps of each synthetic window equal a piece of a real one, at any offset.

    Every piece is projected on one random line. Pieces within the tolerance of each other are close on the line,
    so a search in the sorted real projections finds every candidate, and each candidate is then compared
    value by value.

    Parameters
    ----------
    real, synthetic : ndarray (n, t, d), (m, t, d)
    length : int
        Steps in a piece; the whole window where that is shorter.
    tolerance : float
        In real standard deviations of each series.

    Returns
    -------
    ndarray of bool (m, t - length + 1)
    """
    length = min(length, real.shape[1])
    scale = by_series(real).std(axis=1)
    scale = np.where(scale > 0, scale, 1.0)
    real, synthetic = real / scale, synthetic / scale
    weights = stream(0, "copies").standard_normal((length, real.shape[2]))
    weights /= np.abs(weights).sum()  # then no two pieces are further apart on the line than in any value
    keys, first = np.unique(_project(real, weights), return_index=True)
    wanted = _project(synthetic, weights).ravel()
    at = np.searchsorted(keys, wanted - tolerance)
    keys = np.append(keys, np.inf)
    copied = np.zeros(wanted.size, dtype=bool)
    left = np.arange(wanted.size)  # pieces with candidates left to compare
    while (left := left[keys[at[left]] <= wanted[left] + tolerance]).size:
        candidates = _pieces(real, first[at[left]], length)
        gap = np.abs(candidates - _pieces(synthetic, left, length)).max(axis=(1, 2))
        copied[left] = gap <= tolerance
        at[left] += 1
        left = left[~copied[left]]
    return copied.reshape(len(synthetic), -1)


def _project(x: Array, weights: Array) -> Array:
    """The position `(n, t - length + 1)` of every piece on the line given by `weights (length, d)`."""
    count = x.shape[1] - len(weights) + 1
    position = np.zeros((len(x), count))
    for i in range(x.shape[2]):
        series = np.ascontiguousarray(x[:, :, i])  # (n, t)
        for step, weight in enumerate(weights[:, i]):
            position += weight * series[:, step : step + count]
    return position


def _pieces(x: Array, flat: NDArray[np.intp], length: int) -> Array:
    """The pieces `(len(flat), length, d)` at flat positions in `(window, offset)`."""
    window, offset = np.divmod(flat, x.shape[1] - length + 1)
    found: Array = x[window[:, None], offset[:, None] + np.arange(length)]
    return found


@metric(
    name="copied_share",
    title="Exact copies",
    group="novelty",
    better="lower",
    unit="share of 10-step pieces",
    needs=Needs(windows=1, real_varies=False),
    all_windows=True,
    help="The share of ten-step pieces of the synthetic data that stand word for word in the training data.",
)
def copied_share(real: Array, synthetic: Array) -> float:
    """Share of the 10-step pieces of `synthetic` that equal a piece of `real` at any offset, from 0 to 1."""
    return float(copied_pieces(real, synthetic).mean())
