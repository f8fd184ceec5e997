"""Bends to a bell curve that differ with the level: one for each range of levels.

Shares that lie far apart differ in more than size: a thin one knows days without trade that a liquid one never has.
One bend for both would give each the other's extremes, and would make the thin one's rarer and further out than they
are among its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core.generators.base import Array
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
        return cls.by(Gaussian().fit, edges, x, levels)

    @classmethod
    def by(cls, law: Law, edges: Array, x: Array, levels: Array) -> Self:
        """The bends that `law` gives windows `x (n, s, k)` with `levels (n, k)` in each range between `edges`.

        A range with few windows, or where nothing varies, has the bend of all.
        """
        knots = np.repeat(law(x).knots[None], len(edges) + 1, axis=0)
        for r, j, inside in _ranges(edges, levels):
            mine = x[inside][:, :, [j]]
            if len(mine) >= LEAST // 2 and np.ptp(mine) > 0:
                knots[r, :, j] = law(mine).knots[:, 0]
        return cls(edges, knots)

    def forward(self, x: Array, levels: Array) -> Array:
        """Series `(n, t, k)` as bell curves."""
        return self._bent(x, levels, Gaussian.forward)

    def inverse(self, z: Array, levels: Array) -> Array:
        """Series `(n, t, k)` in their own units."""
        return self._bent(z, levels, Gaussian.inverse)

    def _bent(self, x: Array, levels: Array, way: Callable[[Gaussian, Array], Array]) -> Array:
        bent = way(Gaussian.load({"knots": self.knots[0]}), x)
        for r, j, inside in _ranges(self.edges, levels):
            if r and inside.any():
                bent[inside, :, j] = way(Gaussian.load({"knots": self.knots[r][:, [j]]}), x[inside][:, :, [j]])[:, :, 0]
        return bent


def _ranges(edges: Array, levels: Array) -> Iterator[tuple[int, int, NDArray[np.bool_]]]:
    """Range, series with a level, and which windows `(n,)` lie there, one range of one series after another."""
    if len(edges) == 0:
        return
    for j in np.flatnonzero(np.isfinite(edges).all(axis=0)):
        of = np.searchsorted(edges[:, j], levels[:, j])
        for r in range(len(edges) + 1):
            yield r, int(j), of == r
