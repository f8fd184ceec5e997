"""What every process is: fitted to stretches of bars, simulated as paths, kept as plain arrays.

A process sees strips: arrays `(s, d)` of consecutive bars without a gap, all of the same `d` series, in whatever unit
they are held (log return per bar, log volume). Several strips come from gaps in a panel, or from pooled columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core.errors import DataError

Array = NDArray[np.float64]
State = dict[str, NDArray[Any]]

LEAST_BARS = 30


class Process(Protocol):
    """A law that bars could follow."""

    @classmethod
    def fit(cls, strips: Sequence[Array]) -> Self:
        """The process that suits strips `(s, d)` best."""

    def simulate(self, bars: int, paths: int, seed: int) -> Array:
        """Stationary paths `(paths, bars, d)` in the unit of the data; path `i` depends on `(seed, i)` alone."""

    def state(self) -> State:
        """Everything that `simulate` needs, as named arrays."""

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """The process that gave `state`; it draws the same bytes."""


def checked(strips: Sequence[Array]) -> list[Array]:
    """The strips as float64 arrays, empty ones left out.

    Raises
    ------
    DataError
        If a strip is not `(s, d)`, the strips differ in `d`, a value is not finite or bars are too few.
    """
    arrays = [np.asarray(strip, dtype=np.float64) for strip in strips]
    shapes = [array.shape for array in arrays]
    if not arrays or any(len(shape) != 2 or shape[1] != shapes[0][-1] or shape[1] == 0 for shape in shapes):
        raise DataError(f"Strips have the shapes {shapes}, expected one or more (bars, series) with the same series.")
    if not all(np.isfinite(array).all() for array in arrays):
        raise DataError("A strip holds values that are no numbers, expected finite ones: leave those bars out.")
    bars = sum(len(array) for array in arrays)
    if bars < LEAST_BARS:
        raise DataError(f"Only {bars} bars to fit a process to, expected at least {LEAST_BARS}: use a longer history.")
    return [array for array in arrays if len(array)]


def latest(strips: Sequence[Array], most: int) -> Array:
    """The strips one after another, each cut to its latest part where all together exceed `most` bars: `(s, d)`."""
    bars = sum(len(strip) for strip in strips)
    share = min(1.0, most / bars)
    return np.concatenate([strip[len(strip) - max(int(share * len(strip)), 1) :] for strip in strips])
