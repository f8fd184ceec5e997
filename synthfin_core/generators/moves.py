"""What GANs see of slow series in place of their values: where windows start, and how they move from there.

A series that lies far from its mean for whole windows would be smooth on a scale on which networks draw noise. Of one
that wanders, as prices do, they see the start and the steps. One that lies far from others in some windows and wanders
in none, as volumes of several shares do, keeps to its level; of that they see the level and the deviations from it, for
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
    """An invertible map of windows `(n, t, d)` to `(n, t, d + w)`: a move for each series, then the `w` levels.

    The moves of a series that wanders are its first value and its steps. Those of one that keeps to its level are the
    deviations from its mean over the window; that mean is the level, the same in every row. Other series stay as they
    are.

    Attributes
    ----------
    wanders, keeps : ndarray of bool (d,)
        Series that wander, and the `w` series that keep to their level.
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
    def held(self) -> NDArray[np.bool_]:
        """What stays as it starts, `(d + w,)`: the levels."""
        return np.arange(len(self.keeps) + self.keeps.sum()) >= len(self.keeps)

    @property
    def begins(self) -> NDArray[np.bool_]:
        """What has a start, `(d + w,)`: series that wander, and the levels."""
        return self.held | np.pad(self.wanders, (0, self.keeps.sum()))

    def levels(self, starts: Array) -> Array:
        """The level that each series keeps to, `(n, d + w)`, of `starts (n, 1, d + w)`; NaN where it keeps to none."""
        levels = np.full((len(starts), len(self.held)), np.nan)
        levels[:, np.flatnonzero(self.keeps)] = starts[:, 0, self.held]
        return levels

    def forward(self, x: Array) -> Array:
        """Moves and levels of windows `x (n, t, d)`."""
        levels = np.broadcast_to(x.mean(axis=1, keepdims=True), x.shape)
        moves = np.where(self.keeps, x - levels, np.where(self.wanders, np.diff(x, axis=1, prepend=0.0), x))
        return np.concatenate([moves, levels[:, :, self.keeps]], axis=2)

    def inverse(self, y: Array) -> Array:
        """The windows with moves and levels `y (n, t, d + w)`; how far deviations are from mean zero is lost."""
        moves, levels = np.split(y, [len(self.keeps)], axis=2)
        x: Array = np.where(self.wanders, moves.cumsum(axis=1), moves)
        x[:, :, self.keeps] += levels[:, :1] - x[:, :, self.keeps].mean(axis=1, keepdims=True)
        return x

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
