r"""Levels set apart: stretches of history that lie far from each other, moved to one level for a model of bars.

Pooled windows hold a history of each ticker, and the volumes of an index may lie at a hundred times those of a share;
those of one ticker may lie at ten times what they were ten years before. To one law of all bars that distance is all
the spread there is: beside it the bars of a window look alike, so what they remember is lost, and a path wanders from
one level to another. So a law of bars sees

.. math:: u_k = x_k - (\ell_{s(k)} - \bar{\ell}),

with `l` the mean of the stretch of history that bar `k` lies in, and the mean of all bars in its place. Each new
window gets the level of one bar of history back, drawn with all bars alike, so that a ticker has the share of windows
that it has of the bars.

Stretches last for four windows at least. Within years a level moves further than any law of bars that reverts to one
level lets it, and that is no part of a window's course. But means of short stretches take out of the course what
belongs to it, and a model then takes bars to forget sooner than they do: the bias of an autoregression with a level of
its own in every stretch falls with their length (Nickell, *Biases in dynamic models with fixed effects*, 1981).

Levels are set apart, series by series, where they lie **further apart than bars stray about them**: where the variance
of the stretches' means exceeds the variance of bars about the mean of their stretch. Returns never do, and an
autoregression only with a memory longer than a stretch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthfin_core.generators.base import Array, State
from synthfin_core.rng import stream

STRETCH = 4  #: windows that a level lasts for at least
FLAT = 1e-12  #: variance about the means, as a share of theirs, of a series that only changes its level


@dataclass(frozen=True, eq=False)
class Levels:
    """The levels of stretches of history, one after another.

    Attributes
    ----------
    offsets : ndarray (k, d)
        Level of each stretch less that of all bars, 0 for series whose levels are alike; no rows where all are.
    bars : ndarray (k,)
        Bars of each stretch.
    """

    offsets: Array
    bars: NDArray[np.int64]

    @classmethod
    def of(cls, strips: Sequence[Array], t: int) -> Levels:
        """Levels of strips `(s, d)` that windows of `t` bars were cut from; `ALIKE` where none lie apart."""
        stretches = [part for strip in strips for part in _stretches(strip, STRETCH * t)]
        apart = _apart(stretches, STRETCH * t)
        if not apart.any():
            return ALIKE
        means = np.stack([part.mean(axis=0) for part in stretches])  # (k, d)
        bars = np.array([len(part) for part in stretches])
        return cls(np.where(apart, means - np.average(means, axis=0, weights=bars), 0.0), bars)

    def moved(self, strips: Sequence[Array]) -> list[Array]:
        """The strips that the levels are of, at one level."""
        if not len(self.offsets):
            return list(strips)
        rows = np.concatenate(strips) - np.repeat(self.offsets, self.bars, axis=0)
        return np.split(rows, np.cumsum([len(strip) for strip in strips])[:-1])

    def windows(self, bars: Array, seed: int) -> Array:
        """Windows `(n, t, d)` drawn at one level, each at that of a bar of history drawn for it."""
        if not len(self.offsets):
            return bars
        return self.windows_at(bars, stream(seed, "level").integers(self.bars.sum(), size=len(bars)))

    def windows_at(self, bars: Array, history: NDArray[np.int64]) -> Array:
        """Windows `(n, t, d)` drawn at one level, each at that of a bar of history, counted over all strips: `(n,)`."""
        if not len(self.offsets):
            return bars
        stretch = np.searchsorted(np.cumsum(self.bars), history, side="right")
        return np.asarray(bars + self.offsets[stretch][:, None])

    def state(self) -> State:
        """All attributes as named arrays, none where levels are alike."""
        return {"offsets": self.offsets, "bars": self.bars} if len(self.offsets) else {}

    @classmethod
    def load(cls, state: Mapping[str, NDArray[Any]]) -> Levels:
        """What gave `state`."""
        if not state:
            return ALIKE
        return cls(np.array(state["offsets"], dtype=np.float64), np.array(state["bars"], dtype=np.int64))


#: Nothing is set apart.
ALIKE = Levels(np.empty((0, 0)), np.empty(0, dtype=np.int64))


def _apart(stretches: Sequence[Array], least: int) -> NDArray[np.bool_]:
    """Series whose levels lie apart, `(d,)`, told by stretches `(s, d)` of at least so many bars."""
    long = [stretch for stretch in stretches if len(stretch) >= least]
    if len(long) < 2:
        return np.zeros(1, dtype=bool)
    bars = [len(stretch) for stretch in long]
    means = np.stack([stretch.mean(axis=0) for stretch in long])
    between = np.average((means - np.average(means, axis=0, weights=bars)) ** 2, axis=0, weights=bars)
    within = np.average([stretch.var(axis=0) for stretch in long], axis=0, weights=bars)
    return np.asarray((FLAT * between < within) & (within < between))


def _stretches(strip: Array, least: int) -> list[Array]:
    """A strip in pieces of equal length, at least so many bars, or all of it."""
    return np.array_split(strip, max(len(strip) // least, 1))
