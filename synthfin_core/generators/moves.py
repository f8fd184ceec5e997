"""Where windows start and how they move from there: slow series as GANs see them.

A series that lies far from its mean for whole windows would be smooth on a scale on which networks draw noise. Of one
that wanders, as prices do, they see the start and the steps. One that lies far from others in some windows and wanders
in none, as volumes of several shares do, keeps to its level; of that they see the start and the distances from it, for
steps that are added up would carry it away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core.generators.base import Array, State

SLOW = 0.5  #: steps of a slow series spread less than this share of its values
DRIFTS = 0.5  #: a wanderer's way over a window has at least this share of what independent steps give


@dataclass(frozen=True, eq=False)
class Moves:
    """An invertible map of windows `(n, t, d)`: slow series as their first value and what comes after.

    Attributes
    ----------
    wanders, keeps : ndarray of bool (d,)
        Series seen by their start and their steps, and by their start and the distances from it.
    """

    wanders: NDArray[np.bool_]
    keeps: NDArray[np.bool_]

    @classmethod
    def of(cls, x: Array) -> Self:
        """How each series of windows `x (n, t, d)` is seen."""
        begins = slow(x)
        if not begins.any():
            return cls(begins, begins)
        steps = np.diff(x, axis=1)
        independent = steps.shape[1] * (steps**2).mean(axis=(0, 1))
        wanders = begins & (((x[:, -1] - x[:, 0]) ** 2).mean(axis=0) > DRIFTS * independent)
        return cls(wanders, begins & ~wanders)

    @property
    def begins(self) -> NDArray[np.bool_]:
        """Series that have a start `(d,)`."""
        return np.asarray(self.wanders | self.keeps)

    def forward(self, x: Array) -> Array:
        """Starts and moves of windows `x (n, t, d)`."""
        distances = np.concatenate([x[:, :1], x[:, 1:] - x[:, :1]], axis=1)
        return np.where(self.keeps, distances, np.where(self.wanders, np.diff(x, axis=1, prepend=0.0), x))

    def inverse(self, y: Array) -> Array:
        """The windows with starts and moves `y (n, t, d)`."""
        far = np.concatenate([y[:, :1], y[:, 1:] + y[:, :1]], axis=1)
        return np.where(self.keeps, far, np.where(self.wanders, y.cumsum(axis=1), y))

    def state(self) -> State:
        """All attributes as named arrays."""
        return {"wanders": self.wanders.astype(np.int64), "keeps": self.keeps.astype(np.int64)}

    @classmethod
    def load(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """What gave `state`; before code version 4 no series was known to keep to its level."""
        wanders = state["wanders"].astype(bool)
        return cls(wanders, state["keeps"].astype(bool) if "keeps" in state else np.zeros_like(wanders))


def slow(x: Array) -> NDArray[np.bool_]:
    """Which series of windows `x (n, t, d)` make steps that are small beside their values, `(d,)`."""
    if x.shape[1] == 1:
        return np.zeros(x.shape[2], dtype=bool)
    return np.asarray(np.diff(x, axis=1).std(axis=(0, 1)) < SLOW * x.std(axis=(0, 1)))
