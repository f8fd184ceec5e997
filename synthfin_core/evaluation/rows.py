"""The history beneath overlapping windows: each bar once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthfin_core.evaluation.metric import Array


class Rows(NamedTuple):
    """Bars of a history: their `values (h, d)`, and which `follow (h,)` the bar before them without a break."""

    values: Array
    follow: NDArray[np.bool_]


def distinct_rows(x: Array) -> Rows:
    """Each bar once, of windows that may overlap.

    A test that counts days must count each day once. Windows that were cut at every step share all but one row, so
    where the end of a window is the beginning of the next, only the rows after it are new. Windows that share no row
    with the one before begin a new stretch, with all of their rows.

    Parameters
    ----------
    x : ndarray (n, t, d)
        Windows in the order in which they were cut, with any stride, or some of them in that order.

    Returns
    -------
    Rows
        All `n t` rows for windows that share none, as those of a generator.
    """
    n, t, d = x.shape
    later = np.full(n, t)  # by how many rows each window begins after the one before
    before, steps = np.nonzero(x[:-1, :, 0] == x[1:, 0, :1])  # where a window's first value is met in the one before
    for step in np.unique(steps[steps > 0]):
        here = before[steps == step]
        here = here[later[here + 1] == t]
        shared = (x[here + 1, : t - step] == x[here, step:]).all(axis=(1, 2))
        later[here[shared] + 1] = step
    follow = np.ones((n, t), dtype=bool)
    follow[later == t, 0] = False
    if (later == t).all():
        return Rows(x.reshape(-1, d), follow.ravel())
    new = np.arange(t) >= t - later[:, None]  # (n, t)
    return Rows(x[new], follow[new])
