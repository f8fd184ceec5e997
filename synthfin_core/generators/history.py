"""History as a law of bars sees it, and windows back from bars that the law draws.

Windows are put together to the stretches that they were cut from, series that wander are seen as steps
(`synthfin_core.generators.strips`), and stretches far from each other at one level (`synthfin_core.generators.levels`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core.generators.base import Array, State, under
from synthfin_core.generators.levels import Levels
from synthfin_core.generators.strips import Wanderers, joined


@dataclass(frozen=True, eq=False)
class History:
    """What bars lack to be windows again.

    Attributes
    ----------
    wanderers : Wanderers
        The series that are seen as steps.
    levels : Levels
        Those of stretches that lie far from each other, which are seen at one level.
    """

    wanderers: Wanderers
    levels: Levels

    @classmethod
    def of(cls, x: Array, seed: int, latest: int = 0) -> tuple[Self, list[Array]]:
        """The history of training windows `x (n, t, d)`.

        Parameters
        ----------
        x : ndarray (n, t, d)
        seed : int
        latest : int
            Only so many of the latest bars are seen, all where it is 0.

        Returns
        -------
        history : History
        strips : list of ndarray (s, d)
            What a law of bars is fitted to.
        """
        wanderers = Wanderers.of(x, seed)
        strips = _latest(wanderers.steps(joined(x)), latest)
        levels = Levels.of(strips, x.shape[1])
        return cls(wanderers, levels), levels.moved(strips)

    def strips(self, x: Array) -> list[Array]:
        """The strips `(s, d)` that training windows `x (n, t, d)` gave, when all of their bars were seen."""
        return self.levels.moved(self.wanderers.steps(joined(x)))

    def windows(self, bars: Array, seed: int) -> Array:
        """Windows `(n, t, d)` from bars `(n, t, d)`, each at the level of a bar of history drawn for it."""
        return self.wanderers.windows(self.levels.windows(bars, seed), seed)

    def windows_at(self, bars: Array, positions: NDArray[np.int64], seed: int) -> Array:
        """Windows `(n, t, d)` from bars, each at the level of a bar of history, counted over all strips: `(n,)`."""
        return self.wanderers.windows(self.levels.windows_at(bars, positions), seed)

    def state(self) -> State:
        """All attributes as named arrays."""
        parts = {"wanderers": self.wanderers.state(), "levels": self.levels.state()}
        return {f"{part}.{name}": array for part, arrays in parts.items() for name, array in arrays.items()}

    @classmethod
    def load(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """What gave `state`, which may hold other arrays beside."""
        return cls(Wanderers.load(under(state, "wanderers.")), Levels.load(under(state, "levels.")))


def _latest(strips: Sequence[Array], most: int) -> list[Array]:
    """The last `most` bars of all strips, or all bars if `most` is 0."""
    if not most:
        return list(strips)
    kept: list[Array] = []
    for strip in reversed(strips):
        if most > 0:
            kept.insert(0, strip[-most:])
            most -= len(kept[0])
    return kept
