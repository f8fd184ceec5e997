r"""Factor analysis and probabilistic PCA: a few common factors, and noise of each series alone.

.. math:: x = \mu + \Lambda z + \epsilon, \qquad z \sim N(0, I_k), \quad \epsilon \sim N(0, \Psi),

with `Psi` diagonal, so that the covariance is :math:`\Lambda \Lambda^T + \Psi`: what the factors share out and what is
each series' own. Factor analysis gives each series a noise of its own; probabilistic PCA gives all the same.

Source: Rubin and Thayer, *EM algorithms for ML factor analysis* (1982); Tipping and Bishop, *Probabilistic principal
component analysis* (1999). Values that are missing at random are integrated out: each row counts with what is known.

The likelihood of factor analysis grows without bound where a series is explained wholly (a Heywood case: its noise
goes to zero), so noise has a floor, a share of the series' variance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthfin_core.classical.em import Array, checked_rows, climb
from synthfin_core.classical.factor_em import Factors, passes_complete, passes_missing, scores
from synthfin_core.errors import DataError, SettingError
from synthfin_core.rng import stream

Noise = Literal["equal", "unequal"]

FLOOR = 1e-6  #: smallest noise, as a share of the variance
TOLERANCE = 1e-6  #: gain in log-likelihood per row at which a fit ends
MOST_PASSES = 1000


class Decomposition(NamedTuple):
    """A covariance taken apart.

    Attributes
    ----------
    systematic, idiosyncratic : ndarray (D, D)
        What the factors explain, and what they do not; their sum is the model's covariance.
    share : ndarray (D,)
        Share of each series' variance that is systematic.
    """

    systematic: Array
    idiosyncratic: Array
    share: Array


@dataclass(frozen=True, eq=False)
class FactorModel:
    """A Gaussian with few factors.

    Attributes
    ----------
    mean : ndarray (D,)
    loadings : ndarray (D, k)
        `Lambda`.
    noise : ndarray (D,)
        The diagonal of `Psi`: variances.
    """

    mean: Array
    loadings: Array
    noise: Array

    @classmethod
    def fit(
        cls,
        rows: ArrayLike,
        factors: int,
        noise: Noise = "unequal",
        *,
        tolerance: float = TOLERANCE,
        most_passes: int = MOST_PASSES,
        floor: float = FLOOR,
    ) -> Self:
        """Fit by expectation maximisation, from principal components.

        Parameters
        ----------
        rows : array_like (n, D)
            NaN where a value is not known.
        factors : int
            `k`, from 0 to `D - 1`.
        noise : {"unequal", "equal"}
            Factor analysis, or probabilistic PCA.
        tolerance : float
            Gain in log-likelihood per row at which the fit ends.
        most_passes : int
        floor : float
            Smallest noise, as a share of the variance.

        Returns
        -------
        FactorModel
            In the rotation of `canonical`.

        Raises
        ------
        DataError
            If the rows can't be used.
        SettingError
            If there are more factors than `D - 1`.
        """
        x = checked_rows(rows, missing=True)
        passes = cls.passes(x, factors, noise, floor)
        return climb(passes, tolerance * len(x), most_passes)[0].canonical()

    @classmethod
    def passes(
        cls, rows: ArrayLike, factors: int, noise: Noise = "unequal", floor: float = FLOOR
    ) -> Iterator[tuple[Self, float]]:
        """The model after each pass, and the log-likelihood that the pass set out from."""
        x = checked_rows(rows, missing=True)
        n, series = x.shape
        if not 0 <= factors < series:
            raise SettingError(f"{factors} factors were asked for, expected 0 to {series - 1} for {series} series.")
        known, equal = ~np.isnan(x), noise == "equal"
        least = floor * np.nanvar(x, axis=0)  # (D,)
        if equal:
            least = np.full(series, least.mean())
        filled = np.where(known, x, np.nanmean(x, axis=0))
        covariance = np.cov(filled, rowvar=False, bias=True).reshape(series, series)
        start = _start(filled.mean(axis=0), covariance, factors, equal, least)
        climbing = (
            passes_complete(start, covariance, n, equal, least)
            if known.all()
            else passes_missing(start, x, known, equal, least)
        )
        for found, likelihood in climbing:
            yield cls(*found), likelihood

    def covariance(self) -> Array:
        """`Lambda Lambda^T + Psi`, `(D, D)`."""
        covariance: Array = self.loadings @ self.loadings.T + np.diag(self.noise)
        return covariance

    def decompose(self) -> Decomposition:
        """The covariance taken apart into what the factors explain and what is each series' own."""
        systematic = self.loadings @ self.loadings.T
        explained = np.diag(systematic)
        return Decomposition(systematic, np.diag(self.noise), explained / (explained + self.noise))

    def log_likelihood(self, rows: ArrayLike) -> Array:
        """Of each row `(n,)`, in nats; values that are NaN are integrated out."""
        x = self._rows(rows)
        return scores(x, ~np.isnan(x), Factors(self.mean, self.loadings, self.noise)).likelihood

    def posterior(self, rows: ArrayLike) -> tuple[Array, Array]:
        """Mean `(n, k)` and covariance `(n, k, k)` of the factors behind rows `(n, D)`, NaN where not known."""
        x = self._rows(rows)
        found = scores(x, ~np.isnan(x), Factors(self.mean, self.loadings, self.noise))
        return found.mean, found.covariance

    def canonical(self) -> Self:
        r"""The same law in the rotation in which factors are told apart row by row without mixing.

        Loadings are known up to a rotation. In this one :math:`\Lambda^T \Psi^{-1} \Lambda` is diagonal and falling, so
        that the posterior covariance of the factors is diagonal too and the first factor is the best known; each
        factor points to where the sum of its loadings is positive.
        """
        root = np.sqrt(self.noise)[:, None]
        turned = np.linalg.svd(self.loadings / root, full_matrices=False)[2].T  # (k, k)
        loadings = self.loadings @ turned
        return type(self)(self.mean, loadings * np.where(loadings.sum(axis=0) < 0, -1.0, 1.0), self.noise)

    def decode(self, z: Array) -> Array:
        """Mean of rows `(n, D)` given factors `z (n, k)`."""
        mean: Array = self.mean + np.einsum("nk,dk->nd", z, self.loadings)  # a product of matrices rounds by size
        return mean

    def draw(self, n: int, seed: int) -> Array:
        """Rows `(n, D)`; row `i` depends on `(seed, i)` alone."""
        return self.draw_given(stream(seed, "latent").standard_normal((n, self.loadings.shape[1])), seed)

    def draw_given(self, z: Array, seed: int) -> Array:
        """Rows `(n, D)` drawn given factors `z (n, k)`; with one seed the noise stays the same while `z` moves."""
        eps = stream(seed, "noise").standard_normal((len(z), len(self.mean)))
        drawn: Array = self.decode(z) + np.sqrt(self.noise) * eps
        return drawn

    def state(self) -> dict[str, NDArray[Any]]:
        """The parameters as named arrays."""
        return {"mean": self.mean, "loadings": self.loadings, "noise": self.noise}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """The model that gave `state`."""
        return cls(*(np.array(state[name], dtype=np.float64) for name in ("mean", "loadings", "noise")))

    def _rows(self, rows: ArrayLike) -> Array:
        x = np.asarray(rows, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != len(self.mean):
            raise DataError(f"Rows have shape {x.shape}, expected (rows, {len(self.mean)}): give the series fitted to.")
        return x


def _start(mean: Array, covariance: Array, factors: int, equal: bool, least: Array) -> Factors:
    """Principal components: for equal noise the maximum of the likelihood itself, where nothing is missing."""
    variances, directions = np.linalg.eigh(covariance)  # ascending
    rest = len(variances) - factors
    level = max(float(variances[:rest].mean()), float(least.min()))
    lengths = np.sqrt(np.maximum(variances[rest:] - level, 0.0))
    loadings = (directions[:, rest:] * lengths)[:, ::-1]  # (D, k)
    own = np.full(len(mean), level) if equal else np.diag(covariance) - (loadings**2).sum(axis=1)
    return Factors(mean, loadings, np.maximum(own, least))
