r"""Skewed Student-t innovations of several series, linked by a Student-t copula.

One bar's innovations are made in two steps. A joint draw

.. math:: x = \sqrt{\nu / g}\; R^{1/2} z, \qquad z \sim N(0, I), \quad g \sim \chi^2_\nu,

has Student-t marginals of `nu` degrees of freedom and the tail dependence that comes with them (Demarta and McNeil,
*The t copula*, 2005). Then each series' own quantile function turns its rank in that distribution into an innovation
of mean 0 and variance 1 (Hansen, *Autoregressive conditional density estimation*, 1994).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthfin_core.processes.base import Array
from synthfin_core.rng import stream

DEGREES = (2.5, 3.0, 4.0, 5.0, 6.5, 8.0, 10.0, 14.0, 20.0, 40.0, 100.0)
MOST_RANKS = 20_000  # values that the degrees of freedom are chosen from

# The map from a draw to an innovation is tabulated, as quantile functions are slow. It ends at ranks that come up once
# in 1e15 draws; between knots it is a straight line, exact to 4e-5 of the value.
RAREST, KNOTS = 1e-15, 8001


@dataclass(frozen=True, eq=False)
class Copula:
    """Student-t copula.

    Attributes
    ----------
    correlation : ndarray (d, d)
        `R`.
    degrees : float
        `nu`; 100 is practically a Gaussian copula.
    """

    correlation: Array
    degrees: float

    def draw(self, bars: int, paths: int, seed: int) -> Array:
        """Joint draws `x (paths, bars, d)`; path `i` depends on `(seed, i)` alone."""
        d = len(self.correlation)
        z = stream(seed, "copula normals").standard_normal((paths, bars, d))
        g = 2 * stream(seed, "copula scales").standard_gamma(self.degrees / 2, (paths, bars, 1))
        # Not a product of matrices, whose rounding depends on how many paths there are.
        linked: Array = np.einsum("ptj,ij->pti", z, np.linalg.cholesky(self.correlation))
        return linked * np.sqrt(self.degrees / g)


def fit_copula(residuals: Array) -> Copula:
    """Copula of residuals `(s, d)`: correlation from their ranks, degrees of freedom by likelihood."""
    s, d = residuals.shape
    if d == 1:
        return Copula(np.eye(1), DEGREES[-1])
    ranks = residuals.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    correlation = _from_spearman(ranks)
    step = max(s * d // MOST_RANKS, 1)
    u = (ranks[::step] + 0.5) / s
    likelihoods = [copula_log_likelihood(u, correlation, degrees) for degrees in DEGREES]
    return Copula(correlation, DEGREES[int(np.argmax(likelihoods))])


def copula_log_likelihood(u: Array, correlation: Array, degrees: float) -> float:
    """Of ranks `u (s, d)` in (0, 1) under a Student-t copula."""
    from scipy.special import gammaln, stdtrit

    s, d = u.shape
    x = stdtrit(degrees, u)
    root = np.linalg.cholesky(correlation)
    squares = (np.linalg.solve(root, x.T) ** 2).sum(axis=0)  # (s,)
    joint = gammaln((degrees + d) / 2) - gammaln(degrees / 2) - np.log(np.diag(root)).sum()
    single = gammaln((degrees + 1) / 2) - gammaln(degrees / 2)
    joint_kernel = (degrees + d) / 2 * np.log1p(squares / degrees).sum()
    single_kernel = (degrees + 1) / 2 * np.log1p(x**2 / degrees).sum()
    return float(s * (joint - d * single) - joint_kernel + single_kernel)


def innovations(draws: Array, degrees: float, shapes: Array) -> Array:
    """Turn joint draws `(paths, bars, d)` into innovations of the same shape, mean 0 and variance 1.

    `shapes (d, 2)` holds each series' degrees of freedom and skewness.
    """
    from scipy.special import stdtrit

    reach = np.arcsinh(-stdtrit(degrees, RAREST))
    knots = np.sinh(np.linspace(-reach, reach, KNOTS))
    out = np.empty_like(draws)
    for i, (eta, skew) in enumerate(shapes):
        out[..., i] = np.interp(draws[..., i], knots, skewed_t_from(knots, degrees, eta, skew))
    return out


def skewed_t_from(x: Array, degrees: float, eta: float, skew: float) -> Array:
    """Hansen's skewed t quantile (`eta > 2`, `-1 < skew < 1`) at the rank that `x` has in a t with `degrees`."""
    from scipy.special import gammaln, stdtr, stdtrit

    lower, upper = stdtr(degrees, x), stdtr(degrees, -x)  # both, as 1 - p has no digits left in the tail
    left = (1 - skew) * stdtrit(eta, np.minimum(lower / (1 - skew), 0.5))
    right = -(1 + skew) * stdtrit(eta, np.minimum(upper / (1 + skew), 0.5))
    c = np.exp(gammaln((eta + 1) / 2) - gammaln(eta / 2)) / np.sqrt(np.pi * (eta - 2))
    a = 4 * skew * c * (eta - 2) / (eta - 1)
    b = np.sqrt(1 + 3 * skew**2 - a**2)
    kernel = np.where(lower < (1 - skew) / 2, left, right)
    return np.asarray((kernel * np.sqrt(1 - 2 / eta) - a) / b, dtype=np.float64)


def _from_spearman(ranks: np.ndarray) -> Array:
    """Correlation matrix of an elliptical law with the rank correlations of `ranks (s, d)`, made positive definite."""
    spearman = np.corrcoef(ranks, rowvar=False)
    values, vectors = np.linalg.eigh(2 * np.sin(np.pi / 6 * spearman))
    repaired = (vectors * np.maximum(values, 1e-6)) @ vectors.T
    sd = np.sqrt(np.diag(repaired))
    return np.asarray(repaired / np.outer(sd, sd), dtype=np.float64)
