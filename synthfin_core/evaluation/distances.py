"""Distances between the distributions of single values, one series at a time."""

from __future__ import annotations

import numpy as np

from synthfin_core.evaluation.metric import Array, Needs, by_series, metric

#: Stands beside every K-S p-value that is shown.
KS_CAVEAT = (
    "The p-value assumes independent values. Windows that overlap, and returns whose volatility clusters, are not "
    "independent: on such data the test rejects even two samples of one and the same process. Read the distance "
    "beside its reference, and do not read the p-value as a verdict."
)

#: Every so many values the two distribution functions are compared first, to see where the largest gap may lie.
STRIDE = 64


def sorted_values(x: Array) -> Array:
    """All values of each series of `x (n, t, d)` in ascending order, `(d, n t)`."""
    return np.sort(by_series(x), axis=1)


def largest_lead(a: Array, b: Array) -> float:
    """How far the distribution function of `a` rises above that of `b` at most, `max_x F_a(x) - F_b(x)`.

    It is looked at where `a` steps up, first at every 64th value. Between two of these, `F_a` is at most what it is
    at the upper and `F_b` at least what it is at the lower, so few stretches can hold more than the best found and
    only those are looked at in full: the answer is exact.

    Parameters
    ----------
    a, b : ndarray (n,), (m,)
        In ascending order; values may repeat.
    """

    def lead(at: Array) -> Array:
        gap: Array = (at + 1) / a.size - np.searchsorted(b, a[at], side="right") / b.size
        return gap

    at = np.append(np.arange(0, a.size, STRIDE), a.size - 1)
    coarse = lead(at)
    within = np.flatnonzero(coarse[:-1] + np.diff(at) / a.size > coarse.max())
    between = np.minimum(at[within][:, None] + np.arange(1, STRIDE), a.size - 1).ravel()
    return float(lead(between).max(initial=coarse.max()))


def wasserstein_distance(a: Array, b: Array) -> Array:
    r"""Wasserstein-1 distance `\int_0^1 |Q_a(u) - Q_b(u)| du` between the values of each series, `(d,)`.

    `Q` is the quantile function, which steps at multiples of `1 / n` and `1 / m`.

    Parameters
    ----------
    a, b : ndarray (d, n), (d, m)
        In ascending order along the second axis.
    """
    n, m = a.shape[1], b.shape[1]
    if n == m:
        same: Array = np.abs(a - b).mean(axis=1)
        return same
    steps = np.concatenate([np.arange(n + 1) * m, np.arange(1, m) * n])  # of both, in units of 1 / (n m)
    steps.sort(kind="stable")
    width = np.diff(steps) / (n * m)
    distance: Array = np.abs(a[:, steps[:-1] // m] - b[:, steps[:-1] // n]) @ width
    return distance


@metric(
    name="ks_statistic",
    title="K-S statistic",
    group="one series",
    better="lower",
    needs=Needs(real_varies=False),
    prepare=sorted_values,
    figure="quantiles",
    help="The largest gap between the two distribution functions, from 0 (the same) to 1 (nothing in common).",
)
def ks_statistic(real: Array, synthetic: Array) -> Array:
    """Kolmogorov-Smirnov distance `max_x |F_r(x) - F_s(x)|` between all values of each series, `(d,)`."""
    both = zip(real, synthetic, strict=True)
    return np.array([max(largest_lead(a, b), largest_lead(b, a)) for a, b in both])


@metric(
    name="ks_p_value",
    title="K-S p-value",
    group="one series",
    better="none",
    needs=Needs(real_varies=False),
    prepare=sorted_values,
    figure="quantiles",
    help="Shown because it is asked for. " + KS_CAVEAT,
)
def ks_p_value(real: Array, synthetic: Array) -> Array:
    """Asymptotic two-sided p-value of the two-sample K-S test, `(d,)`; see `KS_CAVEAT` before reading it.

    The statistic's distribution is taken at the effective size `n m / (n + m)`, as scipy's `ks_2samp` does. Above
    3,000 it is Kolmogorov's limit at `D sqrt(n) + 1 / (6 sqrt(n))` (Vrbik, Pioneer Journal of Theoretical and Applied
    Statistics 15, 2018), which differs by less than 0.5 % where p is above 1e-5 and is a hundred times quicker.
    """
    from scipy.special import kolmogorov
    from scipy.stats import kstwo

    n, m = real.shape[1], synthetic.shape[1]
    size = round(n * m / (n + m))
    gap = ks_statistic(real, synthetic)
    p: Array = kolmogorov(gap * size**0.5 + size**-0.5 / 6) if size > 3000 else np.clip(kstwo.sf(gap, size), 0, 1)
    return p


@metric(
    name="wasserstein",
    title="Wasserstein distance",
    group="one series",
    better="lower",
    unit="real standard deviations",
    prepare=sorted_values,
    figure="quantiles",
    help="How far values would have to be moved, on average, to turn one distribution into the other.",
)
def wasserstein(real: Array, synthetic: Array) -> Array:
    """Wasserstein-1 distance over the real standard deviation, `int |F_r(x) - F_s(x)| dx / sd_r`, `(d,)`."""
    distance: Array = wasserstein_distance(real, synthetic) / real.std(axis=1)
    return distance
