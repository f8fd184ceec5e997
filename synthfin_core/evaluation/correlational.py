"""The literature's correlational score."""

from __future__ import annotations

import numpy as np

from synthfin_core.evaluation.dependence import correlation
from synthfin_core.evaluation.metric import Array, Needs, metric


def mean_products(x: Array) -> Array:
    """Mean product of each pair of standardised series of `x (n, t, d)` at the same step, `(d, d)`.

    Each series is standardised over all its values with the unbiased variance, so that this is the correlation
    times `(n t - 1) / (n t)`.
    """
    values = x.shape[0] * x.shape[1]
    products: Array = correlation(x) * ((values - 1) / values)
    return products


@metric(
    name="correlational_score",
    title="Correlational score",
    group="judges",
    better="lower",
    needs=Needs(series=2, synthetic_varies=True),
    prepare=mean_products,
    help="The literature's sum of gaps between real and synthetic correlations; it grows with the number of series.",
)
def correlational_score(real: Array, synthetic: Array) -> float:
    """Sum over pairs of series `i >= j`, a series with itself among them, of `|rho_r - rho_s|`, over ten.

    The protocol's five repeats on random fifths of the windows estimate the same number with more noise, so that
    all windows are taken once instead. Source: Liao et al. (2020), in the form of Yuan and Qiao (2024).
    """
    return float(np.abs(synthetic - real)[np.tril_indices(len(real))].sum() / 10)
