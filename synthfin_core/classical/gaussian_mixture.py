r"""Mixture of Gaussians with full covariances, over bars or over the leading principal components of windows.

.. math:: p(x) = \sum_{c=1}^{K} \pi_c\, N(x; \mu_c, \Sigma_c)

Over the bars of returns, the components are regimes of volatility. It is fitted by scikit-learn; densities,
responsibilities and draws are computed here, from plain arrays.

Source: McLachlan and Peel, *Finite mixture models* (2000).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthfin_core.classical.em import Array, checked_rows
from synthfin_core.errors import SettingError
from synthfin_core.rng import integer_seed, stream

FLOOR = 1e-6  #: added to the variances of the standardised rows


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """A mixture of Gaussians, components sorted by volatility.

    Attributes
    ----------
    shares : ndarray (K,)
        Probabilities of the components; they sum to one.
    means : ndarray (K, D)
    factors : ndarray (K, D, D)
        Lower triangular factors of the covariances.
    """

    shares: Array
    means: Array
    factors: Array

    @classmethod
    def fit(cls, rows: ArrayLike, components: int, *, seed: int = 0, restarts: int = 1) -> Self:
        """Fit rows `(n, D)`; the likeliest of `restarts` fits from k-means.

        Raises
        ------
        DataError
            If the rows can't be used.
        SettingError
            If there are more components than rows.
        """
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture as Fitter

        x = checked_rows(rows)
        if not 1 <= components <= len(x):
            raise SettingError(f"{components} components were asked for, expected 1 to {len(x)} for {len(x)} rows.")
        mean, sd = x.mean(axis=0), x.std(axis=0)
        fitter = Fitter(
            components,
            covariance_type="full",
            reg_covar=FLOOR,
            n_init=restarts,
            max_iter=200,
            random_state=integer_seed(seed, "groups") % 2**32,
        )
        with warnings.catch_warnings():
            # The last digits of the likelihood change neither regimes nor draws.
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitter.fit((x - mean) / sd)
        variances = np.diagonal(fitter.covariances_, axis1=1, axis2=2)  # (K, D)
        order = np.argsort(np.log(variances).mean(axis=1), kind="stable")
        factors = sd[:, None] * np.linalg.cholesky(fitter.covariances_)
        return cls(fitter.weights_[order], mean + sd * fitter.means_[order], factors[order])

    def log_densities(self, rows: ArrayLike) -> Array:
        r"""Of rows and components together, :math:`\log \pi_c N(x; \mu_c, \Sigma_c)`, `(n, K)`."""
        x = np.asarray(rows, dtype=np.float64)
        joint = np.empty((len(x), len(self.shares)))
        for c, (share, mean, factor) in enumerate(zip(self.shares, self.means, self.factors, strict=True)):
            white = np.linalg.solve(factor, (x - mean).T)  # (D, n)
            constant = np.log(share) - np.log(np.diag(factor)).sum() - 0.5 * len(mean) * np.log(2 * np.pi)
            joint[:, c] = constant - 0.5 * (white**2).sum(axis=0)
        return joint

    def log_likelihood(self, rows: ArrayLike) -> Array:
        """Of each row `(n,)`, in nats."""
        likelihood: Array = np.logaddexp.reduce(self.log_densities(rows), axis=1)
        return likelihood

    def responsibilities(self, rows: ArrayLike) -> Array:
        """Probability that a row came from a component, `(n, K)`."""
        joint = self.log_densities(rows)
        shares: Array = np.exp(joint - np.logaddexp.reduce(joint, axis=1, keepdims=True))
        return shares

    @property
    def covariances(self) -> Array:
        """`Sigma`, `(K, D, D)`."""
        covariances: Array = self.factors @ self.factors.transpose(0, 2, 1)
        return covariances

    @property
    def volatility(self) -> Array:
        """Standard deviation of each series in each component, `(K, D)`."""
        volatility: Array = np.sqrt((self.factors**2).sum(axis=2))
        return volatility

    def parameters(self) -> int:
        """Numbers that are free."""
        components, series = self.means.shape
        return int(components * (series + series * (series + 1) // 2) + components - 1)

    def bic(self, rows: ArrayLike) -> float:
        """Bayesian information criterion: lower is better (Schwarz, 1978)."""
        x = np.asarray(rows, dtype=np.float64)
        return float(self.parameters() * np.log(len(x)) - 2 * self.log_likelihood(x).sum())

    def draw(self, n: int, seed: int) -> Array:
        """Rows `(n, D)`; row `i` depends on `(seed, i)` alone."""
        edges = np.cumsum(self.shares)[:-1]
        which = np.searchsorted(edges, stream(seed, "component").random(n), side="right")  # (n,)
        eps = stream(seed, "latent").standard_normal((n, self.means.shape[1]))
        drawn = self.means[which]
        for c in np.unique(which):
            drawn[which == c] += np.einsum("nj,ij->ni", eps[which == c], self.factors[c])
        return drawn

    def state(self) -> dict[str, NDArray[Any]]:
        """The parameters as named arrays."""
        return {"shares": self.shares, "means": self.means, "factors": self.factors}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """The mixture that gave `state`."""
        return cls(*(np.array(state[name], dtype=np.float64) for name in ("shares", "means", "factors")))


@dataclass(frozen=True, eq=False)
class Principal:
    """Rows seen along their principal components: the leading ones, and the rest as independent Gaussian noise.

    Attributes
    ----------
    mean : ndarray (D,)
    leading : ndarray (D, q)
        Unit directions of largest variance.
    rest : ndarray (D, r)
        The other directions, each as long as the rows spread along it.
    """

    mean: Array
    leading: Array
    rest: Array

    @classmethod
    def of(cls, rows: ArrayLike, most: int) -> Self:
        """The map of rows `(n, D)` with up to `most` leading components, and no more than the rows span."""
        x = checked_rows(rows)
        mean = x.mean(axis=0)
        lengths, directions = np.linalg.svd((x - mean) / np.sqrt(len(x)), full_matrices=False)[1:]
        q = min(most, int((lengths > 1e-9 * lengths[0]).sum()))
        return cls(mean, directions[:q].T, (directions[q:] * lengths[q:, None]).T)

    def forward(self, rows: ArrayLike) -> Array:
        """Leading components `(n, q)` of rows `(n, D)`."""
        leading: Array = (np.asarray(rows, dtype=np.float64) - self.mean) @ self.leading
        return leading

    def inverse(self, leading: Array, seed: int) -> Array:
        """Rows `(n, D)` with these leading components `(n, q)` and noise along the rest."""
        eps = stream(seed, "rest").standard_normal((len(leading), self.rest.shape[1]))
        rows: Array = self.mean + np.einsum("nq,dq->nd", leading, self.leading)
        rows += np.einsum("nr,dr->nd", eps, self.rest)
        return rows

    def state(self) -> dict[str, NDArray[Any]]:
        """The map as named arrays."""
        return {"mean": self.mean, "leading": self.leading, "rest": self.rest}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """The map that gave `state`."""
        return cls(*(np.array(state[name], dtype=np.float64) for name in ("mean", "leading", "rest")))
