"""Is the synthetic data nearer to the training data than data can be that were made without them?

An alarm, not a proof: data sets that pass tests of this kind have been open to membership inference all the same
("The DCR Delusion", ESORICS 2025). And half is not what an innocent model scores against a hold-out: calm and wild
years differ, and there are more training windows than held out ones. So nothing is compared with a half, but with
the control: windows of a process fitted to the training data, which has too few parameters to memorise them.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from synthfin_core.evaluation.features import window_starts
from synthfin_core.evaluation.metric import Array, Context, Finding, Needs, metric
from synthfin_core.evaluation.shapes import BLOCK, Nearest, Remembered, Single, nearest, shapes
from synthfin_core.rng import stream

#: Share of the control's windows that count as conspicuous: what chance gives an innocent model.
CHANCE = 0.05

#: Shorter windows have too few shapes: two steps can only rise or fall.
SHORTEST = 5

#: Windows of a synthetic data set that are looked up among the training windows, drawn with the seed; fewer, but
#: never below the second number, where the product with the training windows would pass the third.
MOST_ASKED, LEAST_ASKED, MOST_PAIRS = 1000, 200, 5_000_000


class Records:
    """Windows `x (n, t, d)` in which nearest ones are looked up, or which are looked up themselves."""

    def __init__(self, x: Array) -> None:
        self.x = x
        self._remembered = Remembered()

    @cached_property
    def starts(self) -> NDArray[np.intp]:
        """The step at which each window starts; see `window_starts`."""
        return window_starts(self.x)

    @cached_property
    def shapes(self) -> Single:
        """The windows without level and scale; see `shapes`."""
        return shapes(self.x)

    def asked(self, seed: int, count: int) -> NDArray[np.intp]:
        """Which of the windows are looked up: `count` at most, drawn without replacement."""
        return stream(seed, "records").permutation(len(self.x))[:count]

    def nearest(self, known: Records, seed: int, count: int) -> Nearest:
        """Distances in shape between the windows asked for and all of the `known` ones."""

        def found() -> Nearest:
            blocks = (known.shapes[at : at + BLOCK] for at in range(0, len(known.x), BLOCK))
            return nearest(self.shapes[self.asked(seed, count)], blocks)

        distances: Nearest = self._remembered.once(known, (seed, count), found)
        return distances


def asked_count(real: Records) -> int:
    """How many windows of each data set are looked up among the training windows."""
    return int(np.clip(MOST_PAIRS // len(real.x), LEAST_ASKED, MOST_ASKED))


def excess(values: Array, control: Array, chance: float = CHANCE) -> float:
    """Share of `values` below the control's quantile at `chance`, beyond that chance.

    Parameters
    ----------
    values, control : ndarray (m,), (c,)
        Small ones are conspicuous.
    chance : float
        The share that an innocent model gives.

    Returns
    -------
    float
        `(share - chance) / (1 - chance)`, from 0 (no more than the control) to 1 (all); never below 0. The form is
        that of the residual risk of an attack over its control in Giomi et al. (2023), "A unified framework for
        quantifying privacy risk in synthetic data".
    """
    share = float((values < np.quantile(control, chance)).mean())
    return max(0.0, (share - chance) / (1 - chance))


@metric(
    name="closest_record",
    alarm=True,
    title="Distance to closest record",
    group="novelty",
    better="lower",
    unit="share of windows beyond the control's",
    needs=Needs(length=SHORTEST, holdout=8, control=True),
    prepare=Records,
    context=True,
    all_windows=True,
    figure="nearest",
    help="The share of synthetic windows that lie closer to the training data than to the hold-out in a way that a "
    "model without memory hardly ever does: an alarm, not a proof.",
)
def closest_record(real: Records, synthetic: Records, context: Context) -> Finding:
    r"""Share of windows whose distance to the training data is conspicuously below that to the hold-out.

    With :math:`d_T` and :math:`d_H` the distances in shape (see `shapes`) from a synthetic window to the closest
    training and the closest hold-out window, and :math:`q` the 5 % quantile of :math:`d_T / d_H` over the control:

    .. math:: \max\left(0, \frac{P(d_T / d_H < q) - 0.05}{0.95}\right).

    The quantile of the control takes the place of the customary 1, and so takes out what the customary share owes to
    the sizes of the two sets and to the difference of their years.

    Returns
    -------
    Finding
        The exhibit holds the window closest to the training data, "synthetic" and "real" `(t, d)`, their "distance",
        and the customary share of windows nearer to the training data, ties counted half, as "share" and
        "control_share".
    """
    seed, count = context.seed, asked_count(real)
    near = synthetic.nearest(real, seed, count)
    ratio, control = (
        each.nearest(real, seed, count).first / each.nearest(context.holdout, seed, count).first
        for each in (synthetic, context.control)
    )
    closest = int(near.first.argmin())
    exhibit = {
        "synthetic": synthetic.x[synthetic.asked(seed, count)[closest]].copy(),
        "real": real.x[near.which[closest]].copy(),
        "distance": near.first[closest : closest + 1],
        "share": np.array([_nearer(ratio)]),
        "control_share": np.array([_nearer(control)]),
    }
    return Finding(excess(ratio, control), exhibit)


def _nearer(ratio: Array) -> float:
    """Share of ratios below one, ties counted half."""
    return float((ratio < 1).mean() + (ratio == 1).mean() / 2)


@metric(
    name="neighbour_ratio",
    alarm=True,
    title="Nearest-neighbour distance ratio",
    group="novelty",
    better="lower",
    unit="share of windows beyond the control's",
    needs=Needs(length=SHORTEST, control=True),
    prepare=Records,
    context=True,
    all_windows=True,
    help="The share of synthetic windows that single out one training window, far closer than the next, in a way "
    "that a model without memory hardly ever does: an alarm, not a proof.",
)
def neighbour_ratio(real: Records, synthetic: Records, context: Context) -> float:
    r"""Share of windows whose closest training window is conspicuously closer than the second closest.

    With :math:`d_1 \le d_2` the distances in shape to the two closest training windows, and :math:`q` the 5 % quantile
    of :math:`d_1 / d_2` over the control: :math:`\max(0, (P(d_1 / d_2 < q) - 0.05) / 0.95)`.

    Levels wander slowly, so that a window of them and the next one, a step later, are alike: there the ratio says less.
    """
    seed, count = context.seed, asked_count(real)
    near, control = (each.nearest(real, seed, count) for each in (synthetic, context.control))
    return excess(near.first / near.second, control.first / control.second)
