"""Residuals of training windows, drawn again for new windows of the same kind.

What a decoder misses of a window remembers more in some kinds of windows than in others. Within a kind every training
window is as likely to be drawn as another: the fewer windows residuals come from, the nearer new windows lie to those
that they come from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core import rng
from synthfin_core.generators.kinds import Kinds

Array = NDArray[np.float64]

WINDOWS_PER_KIND = 3000
MOST_KINDS = 4


@dataclass(frozen=True)
class Residuals:
    """Residuals of training windows by kind.

    Attributes
    ----------
    u : ndarray (m, t, d)
        Residuals, sorted by kind.
    counts : ndarray of int (g,)
        How many there are of each kind.
    kinds : Kinds
        Told by latents.
    """

    u: Array
    counts: NDArray[np.int64]
    kinds: Kinds

    @classmethod
    def fit(cls, u: Array, z: Array, windows: int, seed: int) -> Self:
        """Of residuals `u (m, t, d)` at latents `z (m, k)`, kept of so many training windows."""
        kinds = Kinds.fit(z, min(MOST_KINDS, windows // WINDOWS_PER_KIND), seed)
        kind = kinds.of(z)
        return cls(u[np.argsort(kind, kind="stable")], np.bincount(kind, minlength=len(kinds)), kinds)

    def draw(self, z: Array, seed: int) -> Array:
        """Residuals `(n, t, d)` for latents `z (n, k)`; row `i` depends on `(seed, i)` and its own latents alone."""
        kind = self.kinds.of(z)
        place = rng.stream(seed, "residuals").random(len(z)) * self.counts[kind]
        first = np.cumsum(self.counts) - self.counts
        drawn: Array = self.u[first[kind] + place.astype(np.int64)]
        return drawn

    def state(self) -> dict[str, NDArray[Any]]:
        """The residuals as named arrays, rounded to single precision."""
        return {"u": self.u.astype(np.float32), "counts": self.counts, "centres": self.kinds.centres}

    @classmethod
    def load(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """The residuals that gave `state`."""
        counts = np.array(state["counts"], dtype=np.int64)
        return cls(state["u"].astype(np.float64), counts, Kinds(np.array(state["centres"], dtype=np.float64)))
