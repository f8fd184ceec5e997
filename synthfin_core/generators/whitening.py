"""Linear maps to uncorrelated numbers of one size, and back: of all windows together, and of each kind by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core.generators.base import Array, State

DEGENERATE = 1e-9  #: of the largest variance: directions below it hold nothing but rounding
LEAST_VARIANCE = 1e-6  #: of a direction of one kind, in units of the variance of all kinds together


@dataclass(frozen=True)
class Whitening:
    """A linear map to uncorrelated numbers of mean 0 and variance 1, without the directions that hold nothing.

    Attributes
    ----------
    mean : ndarray (m,)
    basis : ndarray (m, k)
        Orthonormal columns.
    spread : ndarray (k,)
        Standard deviation along each.
    """

    mean: Array
    basis: Array
    spread: Array

    @classmethod
    def fit(cls, y: Array) -> Self:
        """Of vectors `y (n, m)`."""
        mean = y.mean(axis=0)
        variances, basis = np.linalg.eigh((y - mean).T @ (y - mean) / len(y))
        kept = np.flatnonzero(variances > DEGENERATE * variances.max())[::-1]
        return cls(mean, basis[:, kept], np.sqrt(variances[kept]))

    @classmethod
    def none(cls, m: int) -> Self:
        """The map that leaves vectors `(n, m)` as they are."""
        return cls(np.zeros(m), np.eye(m), np.ones(m))

    def forward(self, y: Array) -> Array:
        """Numbers `(n, k)` of vectors `y (n, m)`."""
        whitened: Array = (y - self.mean) @ self.basis / self.spread
        return whitened

    def inverse(self, z: Array) -> Array:
        """Vectors `(n, m)` of numbers `z (n, k)`."""
        vectors: Array = self.mean + (z * self.spread) @ self.basis.T
        return vectors

    def state(self) -> State:
        """The map as named arrays."""
        return {"mean": self.mean, "basis": self.basis, "spread": self.spread}

    @classmethod
    def load(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """The map that gave `state`."""
        return cls(*(np.array(state[name], dtype=np.float64) for name in ("mean", "basis", "spread")))


@dataclass(frozen=True)
class KindWhitening:
    r"""Whitening of each kind of windows by itself.

    .. math:: u = C_g^{-1/2} (z - m_g)

    with the mean and the covariance of kind `g`; the symmetric root turns directions as little as can be. One kind is
    left as it is: it is white already.

    Attributes
    ----------
    means : ndarray (g, k)
    roots : ndarray (g, k, k)
        Symmetric square roots of the covariances.
    """

    means: Array
    roots: Array

    @classmethod
    def fit(cls, z: Array, kind: NDArray[np.int64]) -> Self:
        """Of vectors `z (n, k)` of kinds `(n,)`, each of which there are some of."""
        kinds = int(kind.max()) + 1
        if kinds == 1:
            return cls.none(z.shape[1])
        means, roots = [], []
        for each in range(kinds):
            own = z[kind == each]
            mean = own.mean(axis=0)
            variances, basis = np.linalg.eigh((own - mean).T @ (own - mean) / len(own))
            means.append(mean)
            roots.append((basis * np.sqrt(np.maximum(variances, LEAST_VARIANCE))) @ basis.T)
        return cls(np.stack(means), np.stack(roots))

    @classmethod
    def none(cls, k: int) -> Self:
        """The map that leaves vectors `(n, k)` as they are."""
        return cls(np.zeros((1, k)), np.eye(k)[None])

    @cached_property
    def inverses(self) -> Array:
        """Inverses of the roots, `(g, k, k)`."""
        return np.asarray(np.linalg.inv(self.roots), dtype=np.float64)

    def forward(self, z: Array, kind: NDArray[np.int64]) -> Array:
        """White numbers `(n, k)` of vectors `z (n, k)`."""
        if len(self.means) == 1:
            return z
        return _each(z - self.means[kind], kind, self.inverses)

    def inverse(self, u: Array, kind: NDArray[np.int64]) -> Array:
        """Vectors `(n, k)` of white numbers `u (n, k)`."""
        if len(self.means) == 1:
            return u
        vectors: Array = self.means[kind] + _each(u, kind, self.roots)
        return vectors

    def state(self) -> State:
        """The maps as named arrays; none where there is one kind."""
        return {} if len(self.means) == 1 else {"kind_means": self.means, "kind_roots": self.roots}

    @classmethod
    def load(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """The maps that gave `state`, which may hold other arrays too."""
        if "kind_means" not in state:
            return cls.none(len(state["spread"]))
        return cls(*(np.array(state[name], dtype=np.float64) for name in ("kind_means", "kind_roots")))


def _each(z: Array, kind: NDArray[np.int64], maps: Array) -> Array:
    """Vectors `z (n, k)`, each mapped by the matrix of its kind, `maps (g, k, k)`."""
    mapped = np.empty_like(z)
    for each, matrix in enumerate(maps):
        mapped[kind == each] = z[kind == each] @ matrix
    return mapped
