"""What the networks of the GAN see of a window: series at mean zero and spread one, or where they start and move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core.generators.base import Array, State
from synthfin_core.generators.moves import Moves
from synthfin_core.representation.gaussian import Gaussian


class Scale(Protocol):
    """An invertible map between windows and what the networks of a GAN see of them."""

    @property
    def moves(self) -> Moves:
        """Which series wander, and which keep to their level."""

    @classmethod
    def of(cls, x: Array) -> Self:
        """The map fitted on windows `x (n, t, d)`."""

    def forward(self, x: Array) -> Array:
        """Windows as the networks see them, `(n, t, k)`."""

    def inverse(self, y: Array) -> Array:
        """Windows `(n, t, d)` from what the networks drew."""

    def matched(self, drawn: Array) -> Self:
        """The map that gives what the networks drew `(n, t, k)` the level and spread of the training windows."""

    def state(self) -> State:
        """The map as named arrays."""

    @classmethod
    def load(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """The map that gave `state`."""


@dataclass(frozen=True)
class PathScale:
    """An invertible map of windows `(n, t, d)` to `(n, t, d + w)`, fitted on training windows.

    Returns are shifted and scaled; of slow series, such as price levels, starts and moves are, each by themselves.
    Levels that series keep to, which may lie in heaps, are bent to a bell curve before.

    Attributes
    ----------
    moves : Moves
        Which series wander, and which `w` keep to a level.
    levels : Gaussian or None
        The bend of the levels, where there are any.
    mean, scale : ndarray (t, d + w)
        Of the values, or of the start (first row) and the moves (all others).
    """

    moves: Moves
    levels: Gaussian | None
    mean: Array
    scale: Array

    @classmethod
    def of(cls, x: Array) -> Self:
        """The map fitted on windows `x (n, t, d)`."""
        moves = Moves.of(x)
        y = moves.forward(x)
        levels = Gaussian().fit(y[:, :1, moves.held]) if moves.keeps.any() else None
        if levels is not None:
            y[:, :, moves.held] = levels.forward(y[:, :, moves.held])
        return cls(moves, levels, *_moments(y, moves.begins))

    def forward(self, x: Array) -> Array:
        """Windows `x (n, t, d)` as the networks see them."""
        y = self.moves.forward(x)
        if self.levels is not None:
            y[:, :, self.moves.held] = self.levels.forward(y[:, :, self.moves.held])
        return (y - self.mean) / np.where(self.scale > 0, self.scale, 1.0)

    def inverse(self, y: Array) -> Array:
        """Windows from what the networks drew."""
        y = y * self.scale + self.mean
        if self.levels is not None:
            y[:, :, self.moves.held] = self.levels.inverse(y[:, :, self.moves.held])
        return self.moves.inverse(y)

    def matched(self, drawn: Array) -> Self:
        """The map that gives what the networks drew the level and spread of the training windows.

        The game settles the shape of windows well before their exact level and spread, and two numbers for each series
        set these right. A spread that is off by more than a factor of two stays visible.
        """
        mean, spread = _moments(drawn, self.moves.begins)
        ratio = (1.0 / spread.clip(min=1e-12)).clip(0.5, 2.0)
        return replace(self, mean=self.mean - mean * ratio * self.scale, scale=ratio * self.scale)

    def state(self) -> State:
        """The map as named arrays."""
        bend: State = {} if self.levels is None else {"levels": self.levels.knots}
        return self.moves.state() | bend | {"mean": self.mean, "scale": self.scale}

    @classmethod
    def load(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """The map that gave `state`."""
        levels = Gaussian.load({"knots": state["levels"]}) if "levels" in state else None
        return cls(Moves.load(state), levels, np.array(state["mean"]), np.array(state["scale"]))


def _moments(values: Array, begins: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Mean and standard deviation over windows and time, `(t, d)` each; of a start over windows alone."""
    mean, scale = np.empty(values.shape[1:]), np.empty(values.shape[1:])
    mean[:], scale[:] = values.mean(axis=(0, 1)), values.std(axis=(0, 1))
    if begins.any():
        start, steps = values[:, 0, begins], values[:, 1:, begins]
        mean[0, begins], mean[1:, begins] = start.mean(axis=0), steps.mean(axis=(0, 1))
        scale[0, begins], scale[1:, begins] = start.std(axis=0), steps.std(axis=(0, 1))
    return mean, scale
