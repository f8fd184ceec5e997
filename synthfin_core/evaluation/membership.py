"""Can someone who holds the synthetic data tell which stretches of history the model was trained on?

The unit of the attack is a stretch of history with a gap before the next, never a single window: neighbouring windows
share nearly all of their steps, and counting them as separate would make any interval far too narrow.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthfin_core.errors import DataError
from synthfin_core.evaluation.metric import Array, Context, Finding, Needs, metric
from synthfin_core.evaluation.records import SHORTEST, Records, asked_count

#: Fewer stretches than this on a side say nothing.
FEWEST_STRETCHES = 4

#: Two-sided 95 % of a normal distribution.
Z = 1.96


def stretches(starts: NDArray[np.intp], length: int) -> NDArray[np.intp]:
    """Number of the stretch of history that each window lies in, so that no two stretches share a step.

    A stretch holds the windows that start within half a window's length of its first one; the windows after it, that
    reach into its last, are left out.

    Parameters
    ----------
    starts : ndarray of int (n,)
        Ascending; see `window_starts`.
    length : int
        Steps in a window.

    Returns
    -------
    ndarray of int (n,)
        Counted from 0; -1 for windows left out.

    Examples
    --------
    >>> stretches(np.arange(10), 4).tolist()
    [0, 0, 0, -1, -1, -1, 1, 1, 1, -1]
    """
    found = np.full(len(starts), -1)
    at = number = 0
    while at < len(starts):
        end = int(np.searchsorted(starts, starts[at] + length // 2, side="right"))
        found[at:end] = number
        number += 1
        at = int(np.searchsorted(starts, starts[end - 1] + length))
    return found


def auc(members: Array, others: Array) -> float:
    """Probability that a member's value is above another's, ties counted half: the area under the ROC curve."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, members, "left") + np.searchsorted(ordered, members, "right")
    return float(below.mean() / (2 * len(others)))


def auc_interval(area: float, members: int, others: int) -> tuple[float, float]:
    r"""95 % confidence interval of an area under the ROC curve, whatever the distributions.

    The variance of the estimate is at most :math:`\theta (1 - \theta) / \min(m, n)`. With that bound the
    values :math:`\theta` within 1.96 standard deviations of the area form an interval of Wilson's kind. It is
    wide for few stretches, and keeps its width where an area of 1 would shrink the customary ones to a point.

    Parameters
    ----------
    area : float
    members, others : int
        How many there are of each, `m` and `n`.

    Returns
    -------
    low, high : float
        Source of the bound: van Dantzig (1951), Birnbaum and Klose (1957).
    """
    n = min(members, others)
    spread = Z * np.sqrt(area * (1 - area) / n + Z * Z / (4 * n * n))
    centre, whole = area + Z * Z / (2 * n), 1 + Z * Z / n
    return float((centre - spread) / whole), float((centre + spread) / whole)


@metric(
    name="membership",
    alarm=True,
    title="Membership inference",
    group="novelty",
    better="lower",
    unit="AUC above one half",
    needs=Needs(length=SHORTEST, holdout=FEWEST_STRETCHES, control=True),
    prepare=Records,
    context=True,
    all_windows=True,
    help="How well an attacker with the synthetic data can tell stretches of the training data from stretches of the "
    "hold-out, above guessing: 0 is guessing, 0.5 is always right; an alarm, not a proof.",
)
def membership(real: Records, synthetic: Records, context: Context) -> Finding:
    r"""Area under the ROC curve, above one half, of an attack on stretches of history.

    A real window lies at distances :math:`d_S` and :math:`d_C` in shape (see `shapes`) from the closest of up to 1,000
    windows of the synthetic data and of the control. A stretch scores the mean over its windows of

    .. math:: -\log d_S \quad \text{and of} \quad \log d_C - \log d_S,

    the nearest-neighbour estimates, but for constants, of the logarithms of the synthetic density and of its ratio to
    the control's. Members are stretches of the training data, the others are stretches of the hold-out. The first
    alone would blame a model for years that are near to all data, the second alone for years that are far from the
    control; so the smaller of the two areas counts. See `stretches` and `auc_interval`.

    Returns
    -------
    Finding
        `max(0, AUC - 0.5)`. The exhibit holds "auc", its 95 % interval "low" and "high", and the numbers of stretches,
        "members" and "others".

    Raises
    ------
    DataError
        If there are fewer than four stretches on a side.
    """
    seed, count = context.seed, asked_count(real)
    plain, calibrated = [], []
    for known in (real, context.holdout):
        number = stretches(known.starts, known.x.shape[1])
        near, apart = (np.log(each.nearest(known, seed, count).back) for each in (synthetic, context.control))
        plain.append(_means(number, -near))
        calibrated.append(_means(number, apart - near))
    members, others = map(len, plain)
    if min(members, others) < FEWEST_STRETCHES:
        raise DataError(
            f"it needs at least {FEWEST_STRETCHES} stretches of history that share no step, in the training data and "
            f"in the hold-out, and there are {members} and {others}"
        )
    area = min(auc(*plain), auc(*calibrated))
    low, high = auc_interval(area, members, others)
    exhibit = {"auc": area, "low": low, "high": high, "members": members, "others": others}
    return Finding(max(0.0, area - 0.5), {name: np.array([float(value)]) for name, value in exhibit.items()})


def _means(number: NDArray[np.intp], score: Array) -> Array:
    """Mean of the windows' scores in each stretch."""
    inside = number >= 0
    mean: Array = np.bincount(number[inside], score[inside]) / np.bincount(number[inside])
    return mean
