"""Expectation maximisation of a factor model, with or without missing values; the letters are those of `factor`.

Passes are those of parameter-expanded expectation maximisation (Liu, Rubin and Wu, *Parameter expansion to accelerate
EM: the PX-EM algorithm*, 1998): factors may have any mean and covariance within a pass, which are then moved into the
mean and the loadings. The law stays the same, the likelihood still never falls, and far fewer passes are needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthfin_core.classical.em import Array


class Factors(NamedTuple):
    """The parameters `mean (D,)`, `loadings (D, k)`, `noise (D,)`."""

    mean: Array
    loadings: Array
    noise: Array


class Scores(NamedTuple):
    """What is known of the factors behind rows: `mean (n, k)`, `covariance (n, k, k)`, `likelihood (n,)` in logs."""

    mean: Array
    covariance: Array
    likelihood: Array


def scores(x: Array, known: NDArray[np.bool_], at: Factors) -> Scores:
    r"""Posterior of `z` given what is known of each row `x (n, D)`, and the log-likelihood of that.

    With `o` the values known, :math:`P = I + \Lambda_o^T \Psi_o^{-1} \Lambda_o` is the precision of `z`, and by
    Woodbury's identity the density needs no other inverse.
    """
    k = at.loadings.shape[1]
    residual = np.where(known, x - at.mean, 0.0)  # (n, D)
    weighted = at.loadings / at.noise[:, None]  # (D, k)
    if known.all():
        precision = (np.eye(k) + at.loadings.T @ weighted)[None]  # (1, k, k)
    else:
        squares = np.einsum("dk,dl->dkl", weighted, at.loadings).reshape(len(at.mean), k * k)
        precision = np.eye(k) + (known.astype(np.float64) @ squares).reshape(len(x), k, k)
    covariance = np.linalg.inv(precision)
    shadow = residual @ weighted  # (n, k)
    mean = np.einsum("nkl,nl->nk", np.broadcast_to(covariance, (len(x), k, k)), shadow)
    distance = (residual**2) @ (1 / at.noise) - (shadow * mean).sum(axis=1)
    determinant = known @ np.log(2 * np.pi * at.noise) + np.linalg.slogdet(precision)[1]
    return Scores(mean, np.broadcast_to(covariance, (len(x), k, k)), -0.5 * (determinant + distance))


def passes_complete(
    at: Factors, covariance: Array, n: int, equal: bool, least: Array
) -> Iterator[tuple[Factors, float]]:
    """Passes where nothing is missing: they need the covariance `(D, D)` of the `n` rows alone."""
    series, k = at.loadings.shape
    variances = np.diag(covariance)
    while True:
        weighted = at.loadings / at.noise[:, None]  # (D, k)
        precision = np.eye(k) + at.loadings.T @ weighted  # (k, k)
        beta = np.linalg.solve(precision, weighted.T)  # E[z | x] = beta (x - mean) (k, D)
        moved = beta @ covariance  # mean of E[z | x] (x - mean)^T (k, D)
        second = np.linalg.inv(precision) + moved @ beta.T  # mean of E[z z^T | x] (k, k)
        distance = (variances / at.noise).sum() - (moved * weighted.T).sum()
        determinant = np.log(2 * np.pi * at.noise).sum() + np.linalg.slogdet(precision)[1]
        loadings = np.linalg.solve(second, moved).T
        own = variances - (loadings * moved.T).sum(axis=1)
        if equal:
            own = np.full(series, own.mean())
        at = Factors(at.mean, loadings @ np.linalg.cholesky(second), np.maximum(own, least))
        yield at, float(-0.5 * n * (determinant + distance))


def passes_missing(
    at: Factors, x: Array, known: NDArray[np.bool_], equal: bool, least: Array
) -> Iterator[tuple[Factors, float]]:
    """Passes where values are missing: a regression of each series on the factors, over the rows where it is known."""
    n, series = x.shape
    k = at.loadings.shape[1]
    values, there = np.where(known, x, 0.0), known.astype(np.float64)  # (n, D)
    counts = there.sum(axis=0)  # (D,)
    while True:
        found = scores(x, known, at)
        z = np.column_stack([found.mean, np.ones(n)])  # the last loading is the mean (n, k + 1)
        second = np.einsum("nk,nl->nkl", z, z)  # E[z z^T | x] (n, k + 1, k + 1)
        second[:, :k, :k] += found.covariance
        pooled = (there.T @ second.reshape(n, (k + 1) ** 2)).reshape(series, k + 1, k + 1)
        moved = values.T @ z  # (D, k + 1)
        solved = np.linalg.solve(pooled, moved[:, :, None])[:, :, 0]  # (D, k + 1)
        own = (values**2).sum(axis=0) - (solved * moved).sum(axis=1)  # sums over known values (D,)
        own = np.full(series, own.sum() / counts.sum()) if equal else own / counts
        away = found.mean.mean(axis=0)  # mean of E[z | x] (k,)
        spread = np.linalg.cholesky(second[:, :k, :k].mean(axis=0) - np.outer(away, away))
        at = Factors(solved[:, k] + solved[:, :k] @ away, solved[:, :k] @ spread, np.maximum(own, least))
        yield at, float(found.likelihood.sum())
