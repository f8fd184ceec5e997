r"""Bars that know nothing of each other: rows drawn from one multivariate normal.

.. math:: x_t = \mu + \Sigma^{1/2} z_t, \qquad z_t \sim N(0, I).

It has the means, variances and correlations of the data and none of their other habits, so a score that it passes
asks for nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core.processes.base import Array, State, checked
from synthfin_core.rng import stream


@dataclass(frozen=True, eq=False)
class Gaussian:
    """Independent normal rows.

    Attributes
    ----------
    mean : ndarray (d,)
    covariance : ndarray (d, d)
        Of the rows, divided by the number of bars.
    """

    mean: Array
    covariance: Array

    @classmethod
    def fit(cls, strips: Sequence[Array]) -> Self:
        """Mean and covariance of all rows of strips `(s, d)`.

        Raises
        ------
        DataError
            If the strips can't be used, see `synthfin_core.processes.base.checked`.
        """
        rows = np.concatenate(checked(strips))
        centred = rows - rows.mean(axis=0)
        return cls(mean=rows.mean(axis=0), covariance=centred.T @ centred / len(rows))

    def simulate(self, bars: int, paths: int, seed: int) -> Array:
        """Paths `(paths, bars, d)`; path `i` depends on `(seed, i)` alone."""
        variances, directions = np.linalg.eigh(self.covariance)
        root = directions * np.sqrt(np.maximum(variances, 0.0))  # (d, d); series may copy each other
        z = stream(seed, "gaussian").standard_normal((paths, bars, len(self.mean)))
        linked: Array = np.einsum("ptj,ij->pti", z, root)  # not a product of matrices: those round by size
        return self.mean + linked

    def state(self) -> State:
        """`mean`, `covariance`."""
        return {"mean": self.mean.copy(), "covariance": self.covariance.copy()}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """From `mean`, `covariance`."""
        return cls(mean=np.array(state["mean"]), covariance=np.array(state["covariance"]))
