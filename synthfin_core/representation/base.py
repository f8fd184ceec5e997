"""What every representation is: an invertible map, fitted on training windows, with a state of plain arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthfin_core.errors import DataError

Array = NDArray[np.float64]


class Representation(ABC):
    """An invertible map of windows `(n, t, d)`, series by series.

    `inverse(forward(x))` is `x` to nine digits for any finite `x`, also far outside the training windows. Nothing is
    clipped, so that samples may go beyond what was ever seen.
    """

    title: ClassVar[str]  #: for example "Z-score"
    help: ClassVar[str]  #: one plain sentence for a form
    levels: ClassVar[bool] = False  #: made for price levels instead of log returns

    @abstractmethod
    def fit(self, x: Array) -> Self:
        """Learn the map from training windows `x (n, t, d)`.

        Raises
        ------
        DataError
            If a value is missing or infinite, or a series never changes.
        """

    @abstractmethod
    def forward(self, x: ArrayLike) -> Array:
        """Windows `(n, t, d)` as the network sees them, same shape."""

    @abstractmethod
    def inverse(self, y: ArrayLike) -> Array:
        """Windows in their own units again, same shape."""

    @abstractmethod
    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that the map needs, as named arrays."""

    @classmethod
    @abstractmethod
    def load(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """The representation that gave `state`."""


def training_values(x: ArrayLike) -> Array:
    """Training windows `(n, t, d)` as one table `(n * t, d)`.

    Raises
    ------
    DataError
        If the shape is another, a value is missing or infinite, or a series never changes.
    """
    values = np.asarray(x, dtype=np.float64)
    if values.ndim != 3 or values.size == 0:
        raise DataError(f"Windows have shape {values.shape}, expected (windows, time, series) with none of them zero.")
    table = values.reshape(-1, values.shape[2])
    bad = int((~np.isfinite(table)).sum())
    if bad:
        raise DataError(f"Windows hold {bad} values that are missing or infinite, expected none: clean the data first.")
    flat = np.flatnonzero(np.ptp(table, axis=0) == 0)
    if flat.size:
        raise DataError(f"Series {flat[0]} never changes, expected one that varies: leave it out.")
    return table


def windows_of(x: ArrayLike, d: int) -> Array:
    """`x` as float64 with `d` series on its last axis.

    Raises
    ------
    DataError
        If it has another number of series.
    """
    values = np.asarray(x, dtype=np.float64)
    if values.ndim < 1 or values.shape[-1] != d:
        raise DataError(f"Windows have shape {values.shape}, but the representation was fitted to {d} series.")
    return values
