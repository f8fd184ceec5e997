"""Residuals of training windows, drawn again for new windows of the same kind.

Where tickers are pooled their windows are of different kinds, and so are the residuals: in log volumes those of a
single share remember more from bar to bar than those of an index. Latents of windows are parted by k-means, and a new
window gets the residuals of a training window whose latents are of its kind. Kinds are few and large, since the fewer
windows residuals come from, the nearer new windows lie to those that they come from.

Source of the parting: MacQueen, "Some methods for classification and analysis of multivariate observations" (1967).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core import rng

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
    centres : ndarray (g, k)
        A window is of the kind whose centre is nearest to its latents.
    """

    u: Array
    counts: NDArray[np.int64]
    centres: Array

    @classmethod
    def fit(cls, u: Array, z: Array, windows: int, seed: int) -> Self:
        """Of residuals `u (m, t, d)` at latents `z (m, k)`, kept of so many training windows."""
        from sklearn.cluster import KMeans

        kinds = min(MOST_KINDS, max(1, windows // WINDOWS_PER_KIND))
        start = rng.integer_seed(seed, "kinds") % 2**32
        found = KMeans(kinds, n_init=4, random_state=start).fit(z)
        order = np.argsort(found.labels_, kind="stable")
        return cls(u[order], np.bincount(found.labels_, minlength=kinds), found.cluster_centers_.astype(np.float64))

    def draw(self, z: Array, seed: int) -> Array:
        """Residuals `(n, t, d)` for latents `z (n, k)`; row `i` depends on `(seed, i)` and its own latents alone."""
        kind = ((z[:, None] - self.centres) ** 2).sum(axis=2).argmin(axis=1)
        place = rng.stream(seed, "residuals").random(len(z)) * self.counts[kind]
        first = np.cumsum(self.counts) - self.counts
        drawn: Array = self.u[first[kind] + place.astype(np.int64)]
        return drawn

    def state(self) -> dict[str, NDArray[Any]]:
        """The residuals as named arrays, rounded to single precision."""
        return {"u": self.u.astype(np.float32), "counts": self.counts, "centres": self.centres}

    @classmethod
    def load(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """The residuals that gave `state`."""
        return cls(state["u"].astype(np.float64), np.array(state["counts"], dtype=np.int64), np.array(state["centres"]))
