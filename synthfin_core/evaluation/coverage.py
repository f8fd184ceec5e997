"""Density and coverage: are the synthetic windows where real ones are, and are they wherever real ones are?"""

from __future__ import annotations

from functools import lru_cache
from itertools import count

import numpy as np
from numpy.typing import NDArray

from synthfin_core.errors import DataError
from synthfin_core.evaluation.features import Described, described, feature_names
from synthfin_core.evaluation.metric import Array, Needs, metric

#: Path features that place a window: its trend, its size, its extremes, its path, and how its series go together. With
#: all features the many that are mostly noise would drown a missing regime.
PLACE = ("mean", "standard deviation", "smallest", "largest", "deepest fall", "highest rise", "correlation")

#: A real window's neighbourhood reaches to its fifth nearest real neighbour, as in the paper.
NEIGHBOURS = 5

#: Ways to thin overlapping windows to ones that share no step, each a part of a window later; averaged over.
PHASES = 8

#: At most this many real windows a thinning, spread evenly: the matrix of distances grows with the square.
MOST_REAL = 300


@lru_cache
def placing(width: int) -> NDArray[np.intp]:
    """Columns that place a window, among the `width` path features of windows of any number of series."""
    names = next(names for names in map(feature_names, count(1)) if len(names) >= width)
    return np.array(
        [i for i, name in enumerate(names) if name.startswith(tuple(f"{each} of series" for each in PLACE))]
    )


def thinned(starts: NDArray[np.intp], length: int) -> list[NDArray[np.intp]]:
    """Choices of windows that share no step within a choice; one only where no windows overlap at all.

    Parameters
    ----------
    starts : ndarray of int (n,)
        See `window_starts`.
    length : int
        Steps in a window.
    """
    overlap = len(starts) > 1 and np.diff(starts).min() < length
    choices = {}
    for phase in range(PHASES if overlap else 1):
        chosen = []
        at = int(np.searchsorted(starts, starts[0] + phase * length // PHASES))
        while at < len(starts):
            chosen.append(at)
            at = int(np.searchsorted(starts, starts[at] + length))
        choices[tuple(chosen)] = _spread(np.array(chosen, dtype=np.intp))
    return list(choices.values())


def _spread(chosen: NDArray[np.intp]) -> NDArray[np.intp]:
    """At most `MOST_REAL` of those chosen, evenly."""
    if len(chosen) <= MOST_REAL:
        return chosen
    return chosen[np.linspace(0, len(chosen) - 1, MOST_REAL).astype(np.intp)]


def neighbourhood_counts(real: Array, synthetic: Array, k: int = NEIGHBOURS) -> NDArray[np.intp]:
    """How many synthetic points lie in the neighbourhood of each real one, `(n,)`.

    The neighbourhood of a real point of `real (n, f)` is the ball up to its `k`-th nearest other real point;
    `synthetic` is `(m, f)`.
    """
    radius = np.partition(_squared_distances(real, real), k, axis=1)[:, k]  # the point itself is the nearest
    radius *= 1 + 1e-9  # a copy of the neighbour itself is on the edge but for rounding
    count: NDArray[np.intp] = np.count_nonzero(_squared_distances(real, synthetic) <= radius[:, None], axis=1)
    return count


def _squared_distances(a: Array, b: Array) -> Array:
    """Squared distances `(n, m)` between the rows of `a (n, f)` and `b (m, f)`."""
    squares: Array = a @ (-2 * b.T)
    squares += np.einsum("nf,nf->n", a, a)[:, None]
    squares += np.einsum("mf,mf->m", b, b)
    return squares


def coverage(counts: NDArray[np.intp], m: int) -> float:
    r"""Share of real neighbourhoods that hold a synthetic point, of as many synthetic points as there are real ones.

    .. math:: C = \frac{1}{n} \sum_{i=1}^{n} \left(1 - \binom{m - c_i}{n} \Big/ \binom{m}{n}\right)

    with :math:`c_i` of the `m` synthetic points in neighbourhood `i`: the mean of the coverage of Naeem et al. over
    all choices of `n` of the `m` points, so that more synthetic windows make it surer, but no larger. With
    `m <= n` all are taken, and it is the plain share.

    Parameters
    ----------
    counts : ndarray of int (n,)
        See `neighbourhood_counts`.
    m : int

    Returns
    -------
    float
        From 0 to 1; two samples of one distribution have about `1 - 2^-k`, 0.97 for `k` = 5.
        Source: Naeem et al. (2020), "Reliable fidelity and diversity metrics for generative models".
    """
    n = min(len(counts), m)
    outside = m - counts[:, None] - np.arange(n)  # left outside after each draw
    missed = np.prod(np.maximum(outside, 0) / (m - np.arange(n)), axis=1)
    return float(1 - missed.mean())


def _counted(real: Described, synthetic: Described) -> list[NDArray[np.intp]]:
    """Counts of each thinning of the real windows, in units of each feature's real standard deviation."""
    columns = placing(real.features.shape[1])
    a, b = real.features[:, columns], synthetic.features[:, columns]
    centre, scale = a.mean(axis=0), a.std(axis=0)
    varies = scale > 1e-12 * np.abs(a).max(axis=0)
    a, b = ((x - centre)[:, varies] / scale[varies] for x in (a, b))
    choices = [chosen for chosen in thinned(real.starts, real.length) if len(chosen) > NEIGHBOURS]
    if not choices:
        raise DataError(f"it needs {NEIGHBOURS + 1} real windows that share no step")
    return [neighbourhood_counts(a[chosen], b) for chosen in choices]


@metric(
    name="coverage",
    title="Coverage",
    group="novelty",
    better="lower",
    unit="share of real windows not covered",
    needs=Needs(windows=NEIGHBOURS + 1),
    prepare=described,
    help="The share of real windows with no synthetic window in their neighbourhood: what the model leaves out.",
)
def uncovered(real: Described, synthetic: Described) -> float:
    """One less the coverage of real windows that share no step by as many synthetic ones.

    Windows are points of the path features named in `PLACE`, in units of their real standard deviations. It is the
    mean of `coverage` over up to eight ways of thinning the real windows.
    """
    m = len(synthetic.features)
    return 1 - float(np.mean([coverage(counts, m) for counts in _counted(real, synthetic)]))


@metric(
    name="density",
    title="Density",
    group="novelty",
    better="one",
    needs=Needs(windows=NEIGHBOURS + 1),
    prepare=described,
    help="How crowded synthetic windows are where real ones are: below one many lie away from the real ones, above one "
    "they keep to what is most common.",
)
def density(real: Described, synthetic: Described) -> float:
    r"""Mean number of real neighbourhoods that a synthetic window lies in, over `k` = 5.

    .. math:: D = \frac{1}{k m} \sum_{i=1}^{n} c_i

    with the counts of `neighbourhood_counts`; one on average for two samples of one distribution. Source: Naeem et al.
    (2020), "Reliable fidelity and diversity metrics for generative models".
    """
    m = len(synthetic.features)
    return float(np.mean([counts.sum() / (NEIGHBOURS * m) for counts in _counted(real, synthetic)]))
