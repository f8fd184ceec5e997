"""Mean, standard deviation, skewness and kurtosis of each series, pooled over windows and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from synthfin_core.evaluation.metric import Array, Needs, metric

if TYPE_CHECKING:
    from pandas import DataFrame

#: Below this the real excess kurtosis is too near zero for a ratio to it to mean anything.
LEAST_KURTOSIS = 0.05


class Moments(NamedTuple):
    """The first four moments, each `(d,)`; a constant series has no skewness and no kurtosis (NaN)."""

    mean: Array
    standard_deviation: Array
    skewness: Array
    excess_kurtosis: Array


def moments(x: Array) -> Moments:
    r"""Moments of each series of `x (n, t, d)`, over all its `n t` values.

    With `m_k` the mean of `(x - mean)^k`: standard deviation `sqrt(m_2)`, skewness `m_3 / m_2^{3/2}`,
    excess kurtosis `m_4 / m_2^2 - 3` (zero for a normal distribution). Mean and standard deviation have the
    unit of `x`, for example log return, per bar.

    Examples
    --------
    >>> moments(np.array([[[-1.0], [1.0]]])).excess_kurtosis
    array([-2.])
    """
    values = x.reshape(-1, x.shape[2]).T.copy()  # (d, n t)
    varies = values.max(axis=1) > values.min(axis=1)
    mean = values.mean(axis=1)
    values -= mean[:, None]
    square = values * values
    m2 = square.mean(axis=1)
    m3 = np.einsum("di,di->d", square, values) / values.shape[1]
    m4 = np.einsum("di,di->d", square, square) / values.shape[1]
    scale = np.where(varies, m2, np.nan)
    return Moments(mean, np.sqrt(m2), m3 / scale**1.5, m4 / scale**2 - 3)


def moments_table(named: Mapping[str, Array], names: Sequence[str]) -> DataFrame:
    """The moments of several data sets side by side.

    Parameters
    ----------
    named : dict of str to ndarray
        Windows `(n, t, d)` by the name of the data set, for example "real training".
    names : sequence of str
        Names of the `d` series.

    Returns
    -------
    DataFrame
        One row for each series and data set; columns series, data, mean, standard deviation, skewness,
        excess kurtosis.
    """
    from pandas import DataFrame

    found = {data: moments(x) for data, x in named.items()}
    rows = [
        {
            "series": series,
            "data": data,
            "mean": each.mean[i],
            "standard deviation": each.standard_deviation[i],
            "skewness": each.skewness[i],
            "excess kurtosis": each.excess_kurtosis[i],
        }
        for i, series in enumerate(names)
        for data, each in found.items()
    ]
    return DataFrame(rows)


@metric(
    name="mean_difference",
    title="Mean difference",
    group="one series",
    better="lower",
    unit="real standard deviations",
    prepare=moments,
    help="How far the average is from the real one; a daily hundredth adds up to a visible drift over a year.",
)
def mean_difference(real: Moments, synthetic: Moments) -> Array:
    """Distance between the means over the real standard deviation, `|mean_s - mean_r| / sd_r`, `(d,)`."""
    gap: Array = np.abs(synthetic.mean - real.mean) / real.standard_deviation
    return gap


@metric(
    name="spread_ratio",
    title="Spread ratio",
    group="one series",
    better="one",
    unit="times real",
    prepare=moments,
    help="Synthetic over real standard deviation: one is right, less is too calm, more is too wild.",
)
def spread_ratio(real: Moments, synthetic: Moments) -> Array:
    """Ratio of the standard deviations, `sd_s / sd_r`, `(d,)`."""
    ratio: Array = synthetic.standard_deviation / real.standard_deviation
    return ratio


@metric(
    name="skewness_difference",
    title="Skewness difference",
    group="one series",
    better="lower",
    needs=Needs(synthetic_varies=True),
    prepare=moments,
    help="How differently the two sides lean; real share returns usually lean to large losses.",
)
def skewness_difference(real: Moments, synthetic: Moments) -> Array:
    """Distance between the skewnesses, `|skewness_s - skewness_r|`, `(d,)`."""
    gap: Array = np.abs(synthetic.skewness - real.skewness)
    return gap


@metric(
    name="kurtosis_ratio",
    title="Kurtosis ratio",
    group="one series",
    better="none",
    unit="times real",
    needs=Needs(synthetic_varies=True),
    prepare=moments,
    help="Synthetic over real excess kurtosis, the weight of extreme moves; it swings so much even between two "
    "real periods that it is shown and not scored.",
)
def kurtosis_ratio(real: Moments, synthetic: Moments) -> Array:
    """Ratio of the excess kurtoses, `(d,)`; NaN where the real one is below 0.05, since its scale is then noise."""
    kurtosis = real.excess_kurtosis
    return synthetic.excess_kurtosis / np.where(kurtosis < LEAST_KURTOSIS, np.nan, kurtosis)
