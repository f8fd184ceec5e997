r"""Would a portfolio built from synthetic data have served in the real market?

The portfolio is the fully invested one of least variance, short positions allowed:

.. math:: w = \frac{\Sigma^{-1} 1}{1' \Sigma^{-1} 1}.

Returns are log returns per bar, whose weighted sum is close to the portfolio's for moves of a few percent.
"""

from __future__ import annotations

import numpy as np

from synthfin_core.evaluation.metric import Array, Context, Finding, Needs, by_series, metric

#: Correlations are shrunk by this share, about what Ledoit and Wolf's estimator takes off at some years of daily
#: returns. It is the same for every data set, whereas theirs goes by the number of rows, which overlapping windows
#: inflate; and series that move together no longer ask for boundless long and short positions.
SHRINKAGE = 0.02


def covariance(x: Array) -> Array:
    """Covariance matrix `(d, d)` of the series over all bars of `x (n, t, d)`, in squared log returns, per bar."""
    values = by_series(x)  # (d, n t)
    deviation = values - values.mean(axis=1, keepdims=True)
    found: Array = deviation @ deviation.T / values.shape[1]
    return found


def min_variance_weights(covariance: Array) -> Array:
    """Weights `(d,)` of the fully invested portfolio of least variance, after shrinking the correlations.

    Parameters
    ----------
    covariance : ndarray (d, d)
        With variances above zero.
    """
    scale = np.sqrt(np.diag(covariance))
    correlation = (1 - SHRINKAGE) * covariance / np.outer(scale, scale)
    np.fill_diagonal(correlation, 1.0)
    direction = np.linalg.solve(correlation, 1 / scale) / scale
    weights: Array = direction / direction.sum()
    return weights


def _volatility(weights: Array, covariance: Array) -> float:
    return float(np.sqrt(weights @ covariance @ weights))


@metric(
    name="min_variance_cosine",
    title="Minimum-variance weights",
    group="utility",
    better="lower",
    needs=Needs(series=2, returns=True, synthetic_varies=True),
    prepare=covariance,
    figure="min_variance_weights",
    help="How differently a portfolio of least risk is weighted when it is built from the synthetic data.",
)
def min_variance_cosine(real: Array, synthetic: Array) -> Finding:
    """One minus the cosine between the two weight vectors: 0 for the same portfolio, 1 at right angles."""
    a, b = min_variance_weights(real), min_variance_weights(synthetic)
    cosine = float(a @ b / np.sqrt((a @ a) * (b @ b)))
    return Finding(1 - min(cosine, 1.0), {"real": a, "synthetic": b})


@metric(
    name="min_variance_excess",
    title="Minimum-variance risk",
    group="utility",
    better="lower",
    unit="share of the volatility with real weights",
    needs=Needs(series=2, returns=True, synthetic_varies=True, holdout=8),
    prepare=covariance,
    context=True,
    help=(
        "How much more the portfolio of least risk moves in the hold-out when it is built from synthetic instead of "
        "real data: 0.06 is 6 % more."
    ),
)
def min_variance_excess(real: Array, synthetic: Array, context: Context) -> float:
    """Hold-out volatility with synthetic weights over that with real weights, less one.

    It keeps its sign: below zero the synthetic weights did better in the hold-out than the real ones.
    """
    held: Array = context.holdout
    ratio = _volatility(min_variance_weights(synthetic), held) / _volatility(min_variance_weights(real), held)
    return ratio - 1
