"""Windows of a few kinds, told apart by a few numbers known of each: their latents, or their levels and sizes.

Where tickers are pooled their windows are of different kinds: in log volumes those of a single share remember less from
week to week than those of an index. Kinds are parted by k-means. How many there may be is for the model to say that
learns something of each.

Source: MacQueen, "Some methods for classification and analysis of multivariate observations" (1967).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core import rng

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Kinds:
    """Kinds by their centres.

    Attributes
    ----------
    centres : ndarray (g, k)
        A window is of the kind whose centre is nearest to its numbers.
    """

    centres: Array

    @classmethod
    def fit(cls, z: Array, kinds: int, seed: int) -> Self:
        """Part windows into at most so many kinds by their numbers `z (n, k)`."""
        from sklearn.cluster import KMeans

        if kinds < 2:
            return cls(z.mean(axis=0, keepdims=True))
        found = KMeans(kinds, n_init=4, random_state=rng.integer_seed(seed, "kinds") % 2**32).fit(z)
        return cls(found.cluster_centers_.astype(np.float64))

    def of(self, z: Array) -> NDArray[np.int64]:
        """The kind `(n,)` of windows with numbers `z (n, k)`."""
        distance = ((z[:, None] - self.centres) ** 2).sum(axis=2)
        kind: NDArray[np.int64] = distance.argmin(axis=1).astype(np.int64)
        return kind

    def __len__(self) -> int:
        return len(self.centres)
