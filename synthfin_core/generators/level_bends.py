"""Bends to a bell curve that differ with the level: one for each range of levels.

Shares that lie far apart differ in more than size: a thin one knows days without trade that a liquid one never has.
One bend for both would give each the other's extremes, and would make the thin one's rarer and further out than they
are among its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core.generators.base import Array, State
from synthfin_core.representation.gaussian import Gaussian

Law = Callable[[Array], Gaussian]  #: gives windows `(n, s, k)` their bend

RANGES = 4  #: of levels, each with as many training windows ...
LEAST = 100  #: ... where that is at least so many


@dataclass(frozen=True, eq=False)
class LevelBends:
    """An invertible map of each of `k` series to a bell curve, another one in each of `r` ranges of its level.

    Attributes
    ----------
    edges : ndarray (r - 1, k)
        Between the ranges; NaN for a series without a level, which has but one.
    knots : ndarray (r, q, k)
        Values at the `q` numbers `KNOTS` of `synthfin_core.representation.gaussian`.
    """

    edges: Array
    knots: Array

    @classmethod
    def of(cls, x: Array, levels: Array) -> Self:
        """The bends of windows `x (n, s, k)` with `levels (n, k)`, NaN for series without one."""
        ranges = int(np.clip(len(x) // LEAST, 1, RANGES)) if np.isfinite(levels).any() else 1
        edges = np.quantile(levels, np.arange(1, ranges) / ranges, axis=0)
        return cls(edges, Gaussian().fit(x).knots[None]).fitted(x, levels, Gaussian().fit)

    def fitted(self, x: Array, levels: Array, law: Law) -> Self:
        """The same ranges with bends by another `law` of windows `x (n, s, k)` with `levels (n, k)`.

        A range with few windows, or where nothing varies, has the bend of all.
        """
        knots = np.repeat(law(x).knots[None], len(self.edges) + 1, axis=0)
        for r, j, inside in self._ranges(levels):
            mine = x[inside][:, :, [j]]
            if len(mine) >= LEAST // 2 and np.ptp(mine) > 0:
                knots[r, :, j] = law(mine).knots[:, 0]
        return replace(self, knots=knots)

    def _ranges(self, levels: Array) -> Iterator[tuple[int, int, NDArray[np.bool_]]]:
        """Range, series with a level, and which windows `(n,)` lie there, one range of one series after another."""
        for j in np.flatnonzero(np.isfinite(self.edges).all(axis=0) & (len(self.edges) > 0)):
            of = np.searchsorted(self.edges[:, j], levels[:, j])
            for r in range(len(self.edges) + 1):
                yield r, int(j), of == r

    def forward(self, x: Array, levels: Array) -> Array:
        """Series `(n, t, k)` as bell curves."""
        return self._bent(x, levels, Gaussian.forward)

    def inverse(self, z: Array, levels: Array) -> Array:
        """Series `(n, t, k)` in their own units."""
        return self._bent(z, levels, Gaussian.inverse)

    def _bent(self, x: Array, levels: Array, way: Callable[[Gaussian, Array], Array]) -> Array:
        bent = way(Gaussian.load({"knots": self.knots[0]}), x)
        for r, j, inside in self._ranges(levels):
            if r and inside.any():
                bent[inside, :, j] = way(Gaussian.load({"knots": self.knots[r][:, [j]]}), x[inside][:, :, [j]])[:, :, 0]
        return bent

    def state(self, name: str) -> State:
        """Both arrays, named after `name`."""
        return {name: self.knots, f"{name}_edges": self.edges}

    @classmethod
    def load(cls, state: Mapping[str, NDArray[Any]], name: str) -> Self:
        """The bends that gave `state`; before code version 6 levels made no difference."""
        knots = np.array(state[name])
        if knots.ndim == 2:
            return cls(np.zeros((0, knots.shape[1])), knots[None])
        return cls(np.array(state[f"{name}_edges"]), knots)
