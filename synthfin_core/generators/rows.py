r"""Windows as rows of numbers, for models of vectors that are Gaussian: factors and mixtures.

A window `x (t, d)` becomes one row of `t * d` numbers. Two things of single bars would be lost on such models, and are
taken out before and put back into what is drawn. Series that keep to a level for a while without wandering off, as
volume does, are bent by rank until their values are normal, so that their skew comes back and they stay positive. And
the steps of all that do not wander are made uncorrelated and alike, by the symmetric root that changes them least,

.. math:: y = \phi(x)\, D^{-1} C^{-1/2},

with `phi` the bend, `C` the correlations and `D` the standard deviations of steps (Kessy, Lewin and Strimmer, *Optimal
whitening and decorrelation*, 2018): the noise that those models leave is independent from number to number, and what
series have in common would drown in it. Price levels, which wander, are left as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core.classical.limits import check_factors
from synthfin_core.generators.base import Array, State, under
from synthfin_core.generators.strips import wandering
from synthfin_core.representation.gaussian import Gaussian

KEEPS = 0.3  #: lag-1 autocorrelation of ranks from which a series keeps to levels
LEAST = 1e-9  #: smallest variance of a direction of normal values: series may copy each other


@dataclass(frozen=True, eq=False)
class Rows:
    """The map from windows to rows and back.

    Attributes
    ----------
    shape : tuple of int
        `t` and `d`.
    steady : ndarray (k,)
        The series that do not wander.
    bent : ndarray (b,)
        Those of them that are bent.
    bend : Gaussian or None
        What makes their values normal; None where there are none.
    apart, together : ndarray (k, k)
        What makes the steps of the steady series uncorrelated and alike, and what brings them back.
    """

    shape: tuple[int, int]
    steady: NDArray[np.int64]
    bent: NDArray[np.int64]
    bend: Gaussian | None
    apart: Array
    together: Array

    @classmethod
    def of(cls, x: Array) -> Self:
        """The map fitted on training windows `x (n, t, d)`."""
        _, t, d = x.shape
        wanders = wandering(x)
        steady, bent = np.flatnonzero(~wanders), np.flatnonzero(~wanders & _keeps_to_levels(x))
        bend = Gaussian().fit(x[:, :, bent]) if len(bent) else None
        unmixed = cls((t, d), steady, bent, bend, np.eye(len(steady)), np.eye(len(steady)))
        if not len(steady):
            return unmixed
        y = unmixed.forward(x).reshape(x.shape)[:, :, steady]
        steps = np.diff(y, axis=1).reshape(-1, len(steady))
        values, vectors = np.linalg.eigh(np.corrcoef(steps, rowvar=False).reshape(len(steady), len(steady)))
        roots, sd = np.sqrt(np.maximum(values, LEAST)), steps.std(axis=0)
        apart = (vectors / roots) @ vectors.T / sd[:, None]
        # Beside series that wander, those that do not keep their size as a whole.
        size = np.sqrt(x[:, :, steady].var(axis=(0, 1)).sum() / (y @ apart).var(axis=(0, 1)).sum())
        return cls((t, d), steady, bent, bend, apart * size, (vectors * roots) @ vectors.T * sd / size)

    def forward(self, x: Array) -> Array:
        """Rows `(n, t * d)` of windows `x (n, t, d)`."""
        y = np.array(x, dtype=np.float64)
        if self.bend is not None:
            y[:, :, self.bent] = self.bend.forward(y[:, :, self.bent])
        y[:, :, self.steady] = y[:, :, self.steady] @ self.apart
        return y.reshape(len(y), -1)

    def inverse(self, rows: Array) -> Array:
        """Windows `(n, t, d)` of rows."""
        x = rows.reshape(len(rows), *self.shape).copy()
        # Not a product of matrices, whose rounding depends on how many rows there are.
        x[:, :, self.steady] = np.einsum("nti,ij->ntj", x[:, :, self.steady], self.together)
        if self.bend is not None:
            x[:, :, self.bent] = self.bend.inverse(x[:, :, self.bent])
        return x

    def state(self) -> State:
        """The map as named arrays."""
        bend = {} if self.bend is None else {f"bend.{name}": array for name, array in self.bend.state().items()}
        which = {"shape": np.array(self.shape), "steady": self.steady, "bent": self.bent}
        return {**which, "apart": self.apart, "together": self.together, **bend}

    @classmethod
    def load(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """The map that gave `state`."""
        t, d = (int(size) for size in state["shape"])
        bend = under(state, "bend.")
        made = Gaussian.load(bend) if bend else None
        steady, bent, apart, together = (np.array(state[name]) for name in ("steady", "bent", "apart", "together"))
        return cls((t, d), steady, bent, made, apart, together)


def check_window_factors(factors: int, n: int, t: int, d: int) -> None:
    """Refuse more factors than `n` windows of `t` bars by `d` series bear.

    Raises
    ------
    SettingError
        If there are.
    """
    check_factors(factors, n, t * d, f"windows of {t} bars by {d} series", "longer windows")


def _keeps_to_levels(x: Array) -> NDArray[np.bool_]:
    """Which series of windows `(n, t, d)` stay near where they are from bar to bar: `(d,)`."""
    ranks = x.reshape(-1, x.shape[2]).argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    z = ranks.reshape(x.shape) - ranks.mean(axis=0)  # ranks, as single spikes would hide how alike the others are
    return np.asarray((z[:, 1:] * z[:, :-1]).mean(axis=(0, 1)) > KEEPS * z.var(axis=(0, 1)))
