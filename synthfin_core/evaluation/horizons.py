"""Returns added up over longer horizons: is a week, a month, five months of synthetic data as it is in real data?

Sums never reach across a window's border. Within a window they overlap by half: sums that do not overlap would leave
out steps at the window's end and a third of what the data can tell, and sums from every step would cost several times
as much and tell hardly more. Distances, unlike tests, are not misled by values that depend on each other.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from synthfin_core.evaluation.distances import sorted_values, wasserstein_distance
from synthfin_core.evaluation.metric import Array, Needs, metric
from synthfin_core.evaluation.moments import moments

#: Horizons whose distributions are scored, in steps: a week, a month and five months of daily data.
HORIZONS = (5, 20, 100)

#: Horizons at which kurtosis is shown.
FADING = (1, 2, 5, 10, 20, 50, 100, 250)


def starts(length: int, horizon: int) -> NDArray[np.intp]:
    """First steps of the stretches of `horizon` steps that are looked at in a window of `length` steps.

    They lie half a horizon apart, counted from both ends of the window, so that no step is left out and a window read
    backwards has the same stretches.

    Examples
    --------
    >>> starts(60, 20), starts(12, 5), starts(7, 7)
    (array([ 0, 10, 20, 30, 40]), array([0, 2, 5, 7]), array([0]))
    """
    last = length - horizon
    early = np.arange(0, last // 2 + 1, max(1, horizon // 2))
    return np.union1d(early, last - early)


def sums(x: Array, horizon: int) -> Array:
    """Sums over `horizon` steps within the windows of `x (n, t, d)`, from each of the `s` starts, `(s, n, d)`."""
    path = np.zeros((x.shape[1] + 1, x.shape[0], x.shape[2]))  # (t + 1, n, d): a step of all windows is one block
    np.cumsum(x.transpose(1, 0, 2), axis=0, out=path[1:])
    first = starts(x.shape[1], horizon)
    found: Array = path[first + horizon]
    found -= path[first]
    return found


def horizon_sums(x: Array) -> dict[int, Array]:
    """Sums of `x (n, t, d)` in ascending order `(d, n s)`, by horizon, for those `HORIZONS` that fit its windows."""
    return {h: sorted_values(sums(x, h)) for h in HORIZONS if h <= x.shape[1]}


def horizons_within(length: int) -> list[int]:
    """Those of `FADING` that fit windows of `length` steps."""
    return [h for h in FADING if h <= length]


def kurtosis_by_horizon(x: Array) -> Array:
    """Excess kurtosis of the sums of `x (n, t, d)` at each of `horizons_within` its windows, `(k, d)`."""
    return np.array([moments(sums(x, h)).excess_kurtosis for h in horizons_within(x.shape[1])])


def _register(horizon: int, words: str) -> Callable[..., Array]:
    """One score for each horizon."""

    @metric(
        name=f"wasserstein_{horizon}",
        title=f"Wasserstein distance, {horizon} steps",
        group="one series",
        better="lower",
        unit="real standard deviations of the sum",
        needs=Needs(returns=True, length=horizon),
        prepare=horizon_sums,
        help=f"How far the returns over {horizon} steps ({words}) would have to be moved, on average, to turn one "
        "distribution into the other.",
    )
    def distance(real: dict[int, Array], synthetic: dict[int, Array]) -> Array:
        """Wasserstein-1 distance between sums over `horizon` steps, over the real sums' standard deviation, `(d,)`.

        Reversing time within windows does not change it: the sums are the same ones.
        """
        scale = real[horizon].std(axis=1)
        found: Array = wasserstein_distance(real[horizon], synthetic[horizon]) / np.where(scale > 0, scale, np.nan)
        return found

    return distance


wasserstein_5 = _register(5, "a week of daily data")
wasserstein_20 = _register(20, "a month of daily data")
wasserstein_100 = _register(100, "five months of daily data")


@metric(
    name="aggregation_distance",
    title="Aggregational Gaussianity",
    group="time",
    better="none",
    unit="logarithm of a ratio",
    needs=Needs(returns=True, length=5, synthetic_varies=True),
    prepare=kurtosis_by_horizon,
    figure="aggregation",
    help="How differently extreme moves fade when returns are added up over weeks and months; kurtosis swings so much "
    "even between two real periods that it is shown and not scored.",
)
def aggregation_distance(real: Array, synthetic: Array) -> Array:
    r"""Root mean square of `\ln(K_s(h) / K_r(h))` over horizons `h` from 1 to 250 or the window, `(d,)`.

    `K` is the kurtosis of the sums: three for a normal distribution, towards which real returns move as the horizon
    grows (Cont, Quantitative Finance 1, 2001). The logarithm keeps one extreme sum from ruling the number.
    """
    ratio = np.log((synthetic + 3) / (real + 3))
    distance: Array = np.sqrt((ratio * ratio).mean(axis=0))
    return distance
