"""Shift and scale: z-scores of returns or levels, and the notebook's min-max of levels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthfin_core.representation.base import Array, Representation, training_values, windows_of


class Affine(Representation):
    r"""The map :math:`y = (x - a) / b`, with one `a` and one `b` a series."""

    shift: Array  # (d,)
    scale: Array  # (d,)

    @staticmethod
    @abstractmethod
    def _measure(table: Array) -> tuple[Array, Array]:
        """`a` and `b`, both `(d,)`, of training values `(n * t, d)`."""

    def fit(self, x: ArrayLike) -> Self:
        """Learn `a` and `b` from training windows `(n, t, d)`."""
        self.shift, self.scale = self._measure(training_values(x))
        return self

    def forward(self, x: ArrayLike) -> Array:
        """Shifted and scaled windows."""
        return (windows_of(x, len(self.shift)) - self.shift) / self.scale

    def inverse(self, y: ArrayLike) -> Array:
        """Windows in their own units."""
        return windows_of(y, len(self.shift)) * self.scale + self.shift

    def state(self) -> dict[str, NDArray[Any]]:
        """`shift` and `scale`."""
        return {"shift": self.shift.copy(), "scale": self.scale.copy()}

    @classmethod
    def load(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """From `shift` and `scale`."""
        made = cls()
        made.shift = np.array(state["shift"], dtype=np.float64)
        made.scale = np.array(state["scale"], dtype=np.float64)
        return made


class Standard(Affine):
    """Z-score of each series over all training windows and steps: mean 0, standard deviation 1."""

    title = "Z-score"
    help = "Each series is shifted and scaled to mean 0 and standard deviation 1."

    @staticmethod
    def _measure(table: Array) -> tuple[Array, Array]:
        return table.mean(axis=0), table.std(axis=0)


class Levels(Standard):
    """Z-score of levels: prices are not turned into returns."""

    title = "Z-score of levels"
    help = "Prices stay prices, and each is shifted and scaled to mean 0 and standard deviation 1."
    levels = True


class MinMax(Affine):
    """The notebook's scaling of levels: the training windows fill [0, 1], later values may leave it."""

    title = "Min-max of levels"
    help = "Prices stay prices, and each is scaled so that the training data run from 0 to 1, as in the notebook."
    levels = True

    @staticmethod
    def _measure(table: Array) -> tuple[Array, Array]:
        return table.min(axis=0), np.ptp(table, axis=0)
