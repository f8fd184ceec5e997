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


def _sorted_gap(a: Array, b: Array) -> tuple[Array, Array]:
    """All values of two samples in order, and the gap `F_a - F_b` between them up to and with each.

    Among equal values only the last has the gap of the distribution functions.
    """
    both = np.concatenate([np.sort(a), np.sort(b)])
    order = np.argsort(both, kind="stable")  # two runs already in order: one merge
    below = np.cumsum(order < a.size)
    return both[order], below / a.size - (np.arange(1, both.size + 1) - below) / b.size


def _each_series(real: Array, synthetic: Array) -> list[tuple[Array, Array]]:
    return [_sorted_gap(a, b) for a, b in zip(by_series(real), by_series(synthetic), strict=True)]


@metric(
    name="ks_statistic",
    title="K-S statistic",
    group="one series",
    better="lower",
    needs=Needs(real_varies=False),
    help="The largest gap between the two distribution functions, from 0 (the same) to 1 (nothing in common).",
)
def ks_statistic(real: Array, synthetic: Array) -> Array:
    """Kolmogorov-Smirnov distance `max_x |F_r(x) - F_s(x)|` between all values of each series, `(d,)`."""
    found = []
    for values, gap in _each_series(real, synthetic):
        last = np.append(values[1:] > values[:-1], True)
        found.append(np.abs(gap[last]).max())
    return np.array(found)


@metric(
    name="ks_p_value",
    title="K-S p-value",
    group="one series",
    better="none",
    needs=Needs(real_varies=False),
    help="Shown because it is asked for. " + KS_CAVEAT,
)
def ks_p_value(real: Array, synthetic: Array) -> Array:
    """Asymptotic two-sided p-value of the two-sample K-S test, `(d,)`; see `KS_CAVEAT` before reading it.

    The statistic's distribution is taken at the effective size `n m / (n + m)`, as scipy's `ks_2samp` does.
    """
    from scipy.stats import kstwo

    n, m = real[:, :, 0].size, synthetic[:, :, 0].size
    p: Array = np.clip(kstwo.sf(ks_statistic(real, synthetic), np.round(n * m / (n + m))), 0, 1)
    return p


@metric(
    name="wasserstein",
    title="Wasserstein distance",
    group="one series",
    better="lower",
    unit="real standard deviations",
    help="How far values would have to be moved, on average, to turn one distribution into the other.",
)
def wasserstein(real: Array, synthetic: Array) -> Array:
    """Wasserstein-1 distance over the real standard deviation, `int |F_r(x) - F_s(x)| dx / sd_r`, `(d,)`."""
    area = [np.abs(gap[:-1]) @ np.diff(values) for values, gap in _each_series(real, synthetic)]
    distance: Array = np.array(area) / by_series(real).std(axis=1)
    return distance
