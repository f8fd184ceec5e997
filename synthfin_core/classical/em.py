r"""What all fits by expectation maximisation share.

A pass takes parameters :math:`\theta` to :math:`\theta'` with :math:`\log p(x | \theta') \ge \log p(x | \theta)`
(Dempster, Laird and Rubin, *Maximum likelihood from incomplete data via the EM algorithm*, 1977). A model's `passes`
gives, one after another and without end, the model after each pass and the log-likelihood that the pass set out from.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthfin_core.errors import DataError

Array = NDArray[np.float64]
Model = TypeVar("Model")


def climb(passes: Iterator[tuple[Model, float]], tolerance: float, most: int) -> tuple[Model, list[float]]:
    """Go on until a pass gains less than `tolerance`, or for `most` passes.

    Returns
    -------
    model
        After the last pass.
    list of float
        The log-likelihood that each pass set out from.
    """
    gone: list[float] = []
    while True:
        model, likelihood = next(passes)
        gone.append(likelihood)
        if len(gone) == most or (len(gone) > 1 and gone[-1] - gone[-2] < tolerance):
            return model, gone


def falls(likelihoods: list[float]) -> float:
    """The largest fall from one pass to the next; zero or below where the likelihood never falls."""
    return max((before - after for before, after in pairwise(likelihoods)), default=0.0)


def checked_rows(rows: ArrayLike, *, missing: bool = False) -> Array:
    """Rows `(n, D)` as float64.

    Parameters
    ----------
    rows : array_like (n, D)
    missing : bool
        NaN is allowed, and means that a value is not known.

    Raises
    ------
    DataError
        If the shape is another, a value is infinite or not known where it must be, or a series never changes.
    """
    x = np.asarray(rows, dtype=np.float64)
    if x.ndim != 2 or min(x.shape) == 0 or len(x) < 2:
        raise DataError(f"Rows have shape {x.shape}, expected (rows, series) with at least two rows.")
    known = ~np.isnan(x) if missing else np.ones(x.shape, dtype=bool)
    if not np.isfinite(x[known]).all():
        raise DataError("Rows hold values that are missing or infinite, expected none: clean the data first.")
    spread = np.where(known, x, -np.inf).max(axis=0) - np.where(known, x, np.inf).min(axis=0)  # (D,)
    flat = np.flatnonzero(~(spread > 0))
    if flat.size:
        raise DataError(f"Series {flat[0]} never changes, expected one that varies: leave it out.")
    return x
