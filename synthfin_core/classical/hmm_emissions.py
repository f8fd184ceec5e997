r"""What a hidden state emits: Gaussian or Student-t bars of several series, with full covariance.

A Student-t with `nu` degrees of freedom is a Gaussian whose covariance is divided by a random :math:`u`,

.. math:: x | u \sim N(\mu, S / u), \qquad u \sim \Gamma(\nu / 2, \nu / 2), \qquad
          E[u | x] = \frac{\nu + d}{\nu + (x - \mu)^T S^{-1} (x - \mu)},

so that a pass weighs each bar by `E[u | x]` and outliers count little. Location and scatter come first, then the
degrees of freedom, where the likelihood itself grows (Liu and Rubin, *ML estimation of the t distribution using EM and
its extensions, ECM and ECME*, 1995). Infinitely many degrees of freedom are the Gaussian.

Letters: `r` sets of parameters, `k` states, `n` bars, `d` series.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from synthfin_core.classical.em import Array

DEGREES = (2.5, 200.0)  #: bounds of the degrees of freedom, so that variances exist
STEPS = np.array([-0.5, -0.1, -0.02, 0.0, 0.02, 0.1, 0.5])  #: of the logarithm of the degrees of freedom in a pass
FLOOR = 1e-4  #: smallest variance in any direction, as a share of the variance of the data
DEAD = 1e-6  #: bars below which a state keeps its parameters


class Emissions(NamedTuple):
    """The parameters `means (r, k, d)`, `scatters (r, k, d, d)`, `degrees (r, k)`."""

    means: Array
    scatters: Array
    degrees: Array


def log_density(x: Array, at: Emissions) -> tuple[Array, Array]:
    """Log-density of bars `x (n, d)` under each state, and their squared distance from it: `(r, k, n)` each."""
    distance, determinant = _distances(x, at.means, at.scatters)
    return _kernel(distance, at.degrees, x.shape[1]) - 0.5 * determinant[..., None], distance


def maximise(x: Array, weights: Array, distance: Array, at: Emissions, variance: Array) -> Emissions:
    """The parameters that suit bars `x (n, d)` better, given the weight of each bar in each state.

    Parameters
    ----------
    x : ndarray (n, d)
    weights : ndarray (r, k, n)
        Posterior probabilities of the states.
    distance : ndarray (r, k, n)
        As `log_density` gave it.
    at : Emissions
    variance : ndarray (d,)
        Of the data, which the floor is a share of.
    """
    d = x.shape[1]
    total = weights.sum(axis=2)  # (r, k)
    alive = total > DEAD
    safe = np.where(alive, total, 1.0)
    student = np.isfinite(at.degrees).all()
    weighted = weights * _expected_scale(distance, at.degrees, d) if student else weights
    pull = np.where(alive, weighted.sum(axis=2), 1.0)
    means = (weighted @ x) / pull[..., None]  # (r, k, d)
    centred = x[None, None] - means[:, :, None, :]  # (r, k, n, d)
    scatters = centred.transpose(0, 1, 3, 2) @ (weighted[..., None] * centred) / safe[..., None, None]
    means = np.where(alive[..., None], means, at.means)
    scatters = np.where(alive[..., None, None], _floored(scatters, variance), at.scatters)
    if not student:
        return Emissions(means, scatters, at.degrees)
    moved = _distances(x, means, scatters)[0]
    return Emissions(means, scatters, _degrees(weights, moved, at.degrees, d))


def _expected_scale(distance: Array, degrees: Array, d: int) -> Array:
    """`E[u | x]`, `(r, k, n)`."""
    expected: Array = (degrees[..., None] + d) / (degrees[..., None] + distance)
    return expected


def _degrees(weights: Array, distance: Array, degrees: Array, d: int) -> Array:
    """The degrees of freedom `(r, k)`, near the present ones, under which the bars are likeliest."""
    near = np.clip(degrees * np.exp(STEPS)[:, None, None], *DEGREES)  # (7, r, k)
    likelihood = [(weights * _kernel(distance, candidate, d)).sum(axis=2) for candidate in near]
    chosen: Array = np.take_along_axis(near, np.argmax(likelihood, axis=0)[None], axis=0)[0]
    return chosen


def _kernel(distance: Array, degrees: Array, d: int) -> Array:
    """The log-density without the determinant of the scatter, `(r, k, n)`."""
    from scipy.special import gammaln

    if np.isinf(degrees).all():
        return np.asarray(-0.5 * (d * np.log(2 * np.pi) + distance))
    nu = degrees[..., None]  # (r, k, 1)
    constant = gammaln((nu + d) / 2) - gammaln(nu / 2) - 0.5 * d * np.log(np.pi * nu)
    kernel: Array = constant - 0.5 * (nu + d) * np.log1p(distance / nu)
    return kernel


def _distances(x: Array, means: Array, scatters: Array) -> tuple[Array, Array]:
    """Squared distances `(r, k, n)` in the metric of the scatters, and the logarithms of their determinants."""
    root = np.linalg.cholesky(scatters)  # (r, k, d, d)
    white = np.linalg.inv(root) @ (x.T[None, None] - means[..., None])  # (r, k, d, n)
    return (white**2).sum(axis=2), 2 * np.log(np.diagonal(root, axis1=2, axis2=3)).sum(axis=2)


def _floored(scatters: Array, variance: Array) -> Array:
    """Scatters with at least the floor's variance in every direction, in units of the data's standard deviations.

    Cutting eigenvalues off from below is the maximum under that constraint, so no pass loses by it.
    """
    sd = np.sqrt(variance)
    values, vectors = np.linalg.eigh(scatters / np.outer(sd, sd))
    kept = (vectors * np.maximum(values, FLOOR)[..., None, :]) @ vectors.swapaxes(-1, -2)
    floored: Array = kept * np.outer(sd, sd)
    return floored
