r"""Mixture of probabilistic principal component analysers: Gaussians with few factors each, side by side.

.. math:: p(x) = \sum_{c=1}^{K} \pi_c\, N(x;\; \mu_c,\; W_c W_c^T + \sigma_c^2 I), \qquad W_c \in R^{D \times q}.

Each component is a local principal component analysis with a density, so that together they follow a curved cloud of
points with far fewer numbers than full covariances have.

Source: Tipping and Bishop, *Mixtures of probabilistic principal component analysers* (1999), appendix C: in each pass
first the shares and means, with the component as the hidden variable, then loadings and noise, with the factors hidden
too. No `(D, D)` matrix is formed: by Woodbury's identity densities need :math:`M = \sigma^2 I + W^T W` alone, and
covariances enter as their product with `W`. As in `factor_em`, factors may have any covariance within a pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthfin_core.classical.em import Array, checked_rows, climb
from synthfin_core.errors import SettingError
from synthfin_core.rng import integer_seed, stream

FLOOR = 1e-6  #: smallest noise, as a share of the mean variance
TOLERANCE = 1e-4  #: gain in log-likelihood per row at which a fit ends
MOST_PASSES = 200
NEGLIGIBLE = 1e-12  #: responsibility below which a row says nothing of a component


@dataclass(frozen=True, eq=False)
class PPCAMixture:
    """A mixture of probabilistic principal component analysers.

    Attributes
    ----------
    shares : ndarray (K,)
        Probabilities of the components; they sum to one.
    means : ndarray (K, D)
    loadings : ndarray (K, D, q)
    noise : ndarray (K,)
        Variances `sigma^2`.
    """

    shares: Array
    means: Array
    loadings: Array
    noise: Array

    @classmethod
    def fit(
        cls,
        rows: ArrayLike,
        components: int,
        factors: int,
        *,
        seed: int = 0,
        tolerance: float = TOLERANCE,
        most_passes: int = MOST_PASSES,
    ) -> Self:
        """Fit rows `(n, D)` by expectation maximisation, from k-means and principal components within its groups.

        Raises
        ------
        DataError
            If the rows can't be used.
        SettingError
            If there are more factors than `D - 1`, or more components than rows.
        """
        x = checked_rows(rows)
        start = cls.start(x, components, factors, seed)
        return climb(start.passes(x), tolerance * len(x), most_passes)[0]

    @classmethod
    def start(cls, rows: ArrayLike, components: int, factors: int, seed: int) -> Self:
        """Groups found by k-means, and the principal components of each."""
        from sklearn.cluster import KMeans

        x = checked_rows(rows)
        n, series = x.shape
        if not 1 <= factors < series:
            raise SettingError(f"{factors} factors were asked for, expected 1 to {series - 1} for rows of {series}.")
        if not 1 <= components <= n:
            raise SettingError(f"{components} components were asked for, expected 1 to {n} for {n} rows.")
        group = KMeans(components, n_init=1, random_state=integer_seed(seed, "groups") % 2**32).fit_predict(x)
        least = _least(x)
        parts = [_principal(x[group == c], factors, least) for c in range(components)]
        means, loadings, noise = (np.array(part) for part in zip(*parts, strict=True))
        return cls(np.bincount(group, minlength=components) / n, means, loadings, noise)

    def passes(self, rows: ArrayLike) -> Iterator[tuple[Self, float]]:
        """From here on: the model after each pass, and the log-likelihood that the pass set out from."""
        x = checked_rows(rows)
        model, least = self, _least(x)
        while True:
            joint = model.log_densities(x)  # (n, K)
            likelihood = np.logaddexp.reduce(joint, axis=1)  # (n,)
            model = model._after_one(x, np.exp(joint - likelihood[:, None]), least)
            yield model, float(likelihood.sum())

    def _after_one(self, x: Array, responsibilities: Array, least: float) -> Self:
        """The model after a pass, given responsibilities `(n, K)`."""
        q = self.loadings.shape[2]
        means, loadings, noise = self.means.copy(), self.loadings.copy(), self.noise.copy()
        weights = responsibilities.sum(axis=0)  # (K,)
        for c in np.flatnonzero(weights > 1e-8):  # one that has lost all rows stays as it is, with no share
            near = responsibilities[:, c] > NEGLIGIBLE
            r = responsibilities[near, c] / weights[c]
            means[c] = r @ x[near]
            centred = x[near] - means[c]  # (m, D)
            w = loadings[c]
            inner = np.linalg.inv(noise[c] * np.eye(q) + w.T @ w)  # M^-1 (q, q)
            moved = centred.T @ (r[:, None] * (centred @ w))  # S W (D, q)
            second = noise[c] * inner + inner @ (w.T @ moved) @ inner  # mean of E[z z^T | x] (q, q)
            found = np.linalg.solve(second, (moved @ inner).T).T  # (D, q)
            spread = r @ (centred**2).sum(axis=1)  # tr S
            noise[c] = max((spread - (moved * (found @ inner)).sum()) / x.shape[1], least)
            loadings[c] = found @ np.linalg.cholesky(second)
        return type(self)(weights / len(x), means, loadings, noise)

    def log_densities(self, rows: ArrayLike) -> Array:
        r"""Of rows and components together, :math:`\log \pi_c N(x; \mu_c, C_c)`, `(n, K)`."""
        x = np.asarray(rows, dtype=np.float64)
        series, q = self.loadings.shape[1:]
        joint = np.empty((len(x), len(self.shares)))
        with np.errstate(divide="ignore"):
            shares = np.log(self.shares)
        for c, (mean, w, noise) in enumerate(zip(self.means, self.loadings, self.noise, strict=True)):
            centred = x - mean  # (n, D)
            root = np.linalg.cholesky(noise * np.eye(q) + w.T @ w)  # (q, q)
            explained = np.linalg.solve(root, (centred @ w).T)  # (q, n)
            distance = ((centred**2).sum(axis=1) - (explained**2).sum(axis=0)) / noise
            determinant = (series - q) * np.log(noise) + 2 * np.log(np.diag(root)).sum()
            joint[:, c] = shares[c] - 0.5 * (series * np.log(2 * np.pi) + determinant + distance)
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

    def parameters(self) -> int:
        """Numbers that are free, rotations of the loadings left out."""
        components, series, q = self.loadings.shape
        return int(components * (series + series * q - q * (q - 1) // 2 + 1) + components - 1)

    def bic(self, rows: ArrayLike) -> float:
        """Bayesian information criterion: lower is better (Schwarz, 1978)."""
        x = np.asarray(rows, dtype=np.float64)
        return float(self.parameters() * np.log(len(x)) - 2 * self.log_likelihood(x).sum())

    def draw(self, n: int, seed: int) -> Array:
        """Rows `(n, D)`; row `i` depends on `(seed, i)` alone."""
        _, series, q = self.loadings.shape
        edges = np.cumsum(self.shares)[:-1]
        which = np.searchsorted(edges, stream(seed, "component").random(n), side="right")  # (n,)
        z = stream(seed, "latent").standard_normal((n, q))
        drawn: Array = stream(seed, "noise").standard_normal((n, series)) * np.sqrt(self.noise[which])[:, None]
        drawn += self.means[which]
        for c in np.unique(which):
            drawn[which == c] += np.einsum("nq,dq->nd", z[which == c], self.loadings[c])
        return drawn

    def state(self) -> dict[str, NDArray[Any]]:
        """The parameters as named arrays."""
        return {"shares": self.shares, "means": self.means, "loadings": self.loadings, "noise": self.noise}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """The mixture that gave `state`."""
        names = ("shares", "means", "loadings", "noise")
        return cls(*(np.array(state[name], dtype=np.float64) for name in names))


def _least(x: Array) -> float:
    return FLOOR * float(x.var(axis=0).mean())


def _principal(x: Array, factors: int, least: float) -> tuple[Array, Array, float]:
    """Mean, loadings `(D, q)` and noise of probabilistic PCA on the rows of one group."""
    n, series = x.shape
    mean = x.mean(axis=0)
    lengths, directions = np.linalg.svd((x - mean) / np.sqrt(n), full_matrices=False)[1:]
    variances = np.zeros(series)
    variances[: len(lengths)] = lengths**2
    noise = max(float(variances[factors:].mean()), least)
    loadings = np.zeros((series, factors))
    found = min(factors, len(lengths))
    loadings[:, :found] = directions[:found].T * np.sqrt(np.maximum(variances[:found] - noise, 0.0))
    return mean, loadings, noise
