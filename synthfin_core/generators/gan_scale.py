"""What the networks of the GAN see of a window: each series at mean zero and spread one, or a wandering one's steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core.generators.base import Array, State

WANDERS = 0.5  #: a series wanders when its steps spread less than this share of its values


class Scale(Protocol):
    """An invertible map between windows and what the networks of a GAN see of them."""

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
    """An invertible map of windows `(n, t, d)`, fitted on training windows.

    Returns are shifted and scaled. A series that wanders, as price levels do, would be smooth on a scale on which the
    networks draw noise; of such a series they see the first value and then the steps, each scaled by itself.

    Attributes
    ----------
    wanders : ndarray of bool (d,)
    mean, scale : ndarray (t, d)
        Of the values, or of the start (first row) and the steps (all others) where the series wanders.
    """

    wanders: NDArray[np.bool_]
    mean: Array
    scale: Array

    @classmethod
    def of(cls, x: Array) -> Self:
        """The map fitted on windows `x (n, t, d)`."""
        wanders = wandering(x)
        return cls(wanders, *_moments(steps(x, wanders), wanders))

    def forward(self, x: Array) -> Array:
        """Windows `x (n, t, d)` as the networks see them."""
        return (steps(x, self.wanders) - self.mean) / np.where(self.scale > 0, self.scale, 1.0)

    def inverse(self, y: Array) -> Array:
        """Windows from what the networks drew."""
        values = y * self.scale + self.mean
        return np.where(self.wanders, values.cumsum(axis=1), values)

    def matched(self, drawn: Array) -> Self:
        """The map that gives what the networks drew the level and spread of the training windows.

        The game settles the shape of windows well before their exact level and spread, and two numbers for each series
        set these right. A spread that is off by more than a factor of two stays visible.
        """
        mean, spread = _moments(drawn, self.wanders)
        ratio = (1.0 / spread.clip(min=1e-12)).clip(0.5, 2.0)
        return type(self)(self.wanders, self.mean - mean * ratio * self.scale, ratio * self.scale)

    def state(self) -> State:
        """The map as named arrays."""
        return {"wanders": self.wanders.astype(np.int64), "mean": self.mean, "scale": self.scale}

    @classmethod
    def load(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """The map that gave `state`."""
        return cls(state["wanders"].astype(bool), np.array(state["mean"]), np.array(state["scale"]))


def wandering(x: Array) -> NDArray[np.bool_]:
    """Which series of windows `x (n, t, d)` wander, `(d,)`."""
    if x.shape[1] == 1:
        return np.zeros(x.shape[2], dtype=bool)
    return np.asarray(np.diff(x, axis=1).std(axis=(0, 1)) < WANDERS * x.std(axis=(0, 1)))


def steps(x: Array, wanders: NDArray[np.bool_]) -> Array:
    """Windows `(n, t, d)` with series that wander as their first value and then their steps."""
    return np.where(wanders, np.diff(x, axis=1, prepend=0.0), x)


def _moments(values: Array, wanders: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Mean and standard deviation over windows and time, `(t, d)` each; of a wandering start over windows alone."""
    mean, scale = np.empty(values.shape[1:]), np.empty(values.shape[1:])
    mean[:], scale[:] = values.mean(axis=(0, 1)), values.std(axis=(0, 1))
    if wanders.any():
        start, steps = values[:, 0, wanders], values[:, 1:, wanders]
        mean[0, wanders], mean[1:, wanders] = start.mean(axis=0), steps.mean(axis=(0, 1))
        scale[0, wanders], scale[1:, wanders] = start.std(axis=0), steps.std(axis=(0, 1))
    return mean, scale
