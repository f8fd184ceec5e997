r"""Windows as rows of numbers, for models of vectors: factors and mixtures.

A window `x (t, d)` becomes one row of `t * d` numbers. Those models leave noise that is independent from number to
number, and where series of returns move together that would be lost with it. So series that do not wander are first
made uncorrelated within each bar, by the symmetric root that changes them least,

.. math:: y = x\, D^{-1} C^{-1/2} D,

with `C` their correlations and `D` their standard deviations (Kessy, Lewin and Strimmer, *Optimal whitening and
decorrelation*, 2018), and a row drawn gets back by the inverse what its series have in common. Levels are left as they
are: theirs is for the factors to explain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core.errors import SettingError
from synthfin_core.generators.base import Array, State
from synthfin_core.generators.strips import wandering

LEAST = 1e-9  #: smallest variance of a direction, as a share of a series': series may copy each other
MOST_FACTORS = 40  #: where their number is chosen
ROWS_A_FACTOR = 3  #: numbers of a row for each factor, where their number is chosen


@dataclass(frozen=True, eq=False)
class Rows:
    """The map from windows to rows and back.

    Attributes
    ----------
    length : int
        `t`.
    apart, together : ndarray (d, d)
        What takes a bar's correlation out, and what brings it back.
    """

    length: int
    apart: Array
    together: Array

    @classmethod
    def of(cls, x: Array) -> Self:
        """The map fitted on training windows `x (n, t, d)`."""
        _, t, d = x.shape
        steady = np.flatnonzero(~wandering(x))
        apart, together = np.eye(d), np.eye(d)
        if len(steady) > 1:
            bars = x[:, :, steady].reshape(-1, len(steady))
            sd = bars.std(axis=0)
            values, vectors = np.linalg.eigh(np.corrcoef(bars, rowvar=False))
            roots = np.sqrt(np.maximum(values, LEAST))
            scale = sd / sd[:, None]  # D^-1 ... D
            apart[np.ix_(steady, steady)] = (vectors / roots) @ vectors.T * scale
            together[np.ix_(steady, steady)] = (vectors * roots) @ vectors.T * scale
        return cls(t, apart, together)

    def forward(self, x: Array) -> Array:
        """Rows `(n, t * d)` of windows `x (n, t, d)`."""
        windows = np.asarray(x, dtype=np.float64)
        rows: Array = (windows @ self.apart).reshape(len(windows), -1)
        return rows

    def inverse(self, rows: Array) -> Array:
        """Windows `(n, t, d)` of rows."""
        windows = rows.reshape(len(rows), self.length, len(self.together))
        return np.asarray(np.einsum("nti,ij->ntj", windows, self.together))  # a matrix product rounds by size

    def state(self) -> State:
        """The map as named arrays."""
        return {"length": np.array(self.length), "apart": self.apart, "together": self.together}

    @classmethod
    def load(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """The map that gave `state`."""
        return cls(int(state["length"]), np.array(state["apart"]), np.array(state["together"]))


def chosen_factors(asked: int, t: int, d: int) -> int:
    """As many factors as were asked for, or, for 0, as windows of `t` bars by `d` series need."""
    return asked or max(1, min(MOST_FACTORS, t * d // ROWS_A_FACTOR))


def check_factors(factors: int, t: int, d: int) -> None:
    """Refuse more factors than a window of `t` bars by `d` series has numbers, less one.

    Raises
    ------
    SettingError
        If there are.
    """
    if factors > t * d - 1:
        raise SettingError(
            f"{factors} factors are too many for windows of {t} bars by {d} series, expected at most {t * d - 1}: "
            "use fewer factors or longer windows."
        )


def under(prefix: str, state: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}
