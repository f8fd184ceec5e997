"""A judge that sees features: boosted trees that are asked which windows are synthetic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synthfin_core.evaluation.features import Described, described
from synthfin_core.evaluation.metric import Array, Finding, Needs, metric

#: Blocks of the cross-fitting.
FOLDS = 4

#: The judge is left out where fewer windows than this would be left to learn from.
FEWEST_LEARNED = 8

#: Points of the ROC curve that is shown.
ROC_POINTS = 100

#: Features named as the most telling ones.
MOST_TELLING = 10


@metric(
    name="feature_judge",
    title="Feature judge",
    group="judges",
    better="lower",
    needs=Needs(windows=16),
    prepare=described,
    learned=True,
    figure="roc",
    help="How well boosted trees tell synthetic windows from real ones by their features: 0 not at all, 1 always.",
)
def feature_judge(real: Described, synthetic: Described) -> Finding:
    r"""How far the judge's area under the ROC curve is above chance, :math:`\max(2 \mathrm{AUC} - 1, 0)`.

    Every window is judged by trees that saw no step of it: both sides are cut into blocks in the order of time,
    and the trees that judge a block learn from the windows outside that share no step with it.

    An area below one half is no evidence of a difference. It arises where a window has a twin on the other side:
    trees that saw the twin alone take the window for the other side's. So a copy scores zero.

    Returns
    -------
    Finding
        Its exhibit holds the ROC curve, with synthetic as positive: `false_positive` and `true_positive (100,)`,
        the shares of real and of synthetic windows that are called synthetic; and `feature` and `separation`, the
        columns of `path_features` that tell most, each alone, and how much: :math:`|2 \mathrm{AUC} - 1|`.
    """
    sides = (real, synthetic)
    suspicion = [np.empty(len(side.features)) for side in sides]
    for fold in range(FOLDS):
        judged, learned = zip(*(_divided(side, fold) for side in sides), strict=True)
        if min(map(len, learned)) < FEWEST_LEARNED:
            return Finding(float("nan"), {})
        windows = [side.features[rows] for side, rows in zip(sides, judged, strict=True)]
        odds = _suspicion(real.features[learned[0]], synthetic.features[learned[1]], windows)
        for of_all, rows, of_block in zip(suspicion, judged, odds, strict=True):
            of_all[rows] = of_block
    false_positive, true_positive = roc(*suspicion)
    grid = np.linspace(0, 1, ROC_POINTS)
    separation = np.abs(2 * areas(real.features, synthetic.features) - 1)
    telling = np.argsort(-separation, kind="stable")[:MOST_TELLING]
    return Finding(
        max(2 * float(np.trapezoid(true_positive, false_positive)) - 1, 0.0),
        {
            "false_positive": grid,
            "true_positive": np.interp(grid, false_positive, true_positive),
            "feature": telling.astype(np.float64),
            "separation": separation[telling],
        },
    )


def roc(negative: Array, positive: Array) -> tuple[Array, Array]:
    """The ROC curve of scores that should be higher for the positive: rates of false and of true positives.

    Both begin at 0 and end at 1, with one point for each different score.
    """
    scores = np.concatenate([negative, positive])
    order = np.argsort(-scores, kind="stable")
    last = np.append(scores[order][1:] != scores[order][:-1], True)  # equal scores are called together
    called = np.cumsum(order >= len(negative))
    true_positive = called[last] / len(positive)
    false_positive = (np.arange(1, len(scores) + 1) - called)[last] / len(negative)
    return np.concatenate([[0.0], false_positive]), np.concatenate([[0.0], true_positive])


def areas(negative: Array, positive: Array) -> Array:
    """Area under the ROC curve of each column of `negative (n, f)` and `positive (m, f)` alone, `(f,)`.

    The share of pairs in which the positive is larger, with equal ones counted half.
    """
    found = []
    for low, high in zip(np.sort(negative, axis=0).T, positive.T, strict=True):
        below = np.searchsorted(low, high, "left") + np.searchsorted(low, high, "right")
        found.append(below.mean() / (2 * len(low)))
    return np.array(found)


def _divided(side: Described, fold: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Windows of one block, and those outside it that share no step with any of them."""
    judged = np.array_split(np.arange(len(side.starts)), FOLDS)[fold]
    first, last = side.starts[judged[0]], side.starts[judged[-1]]
    outside = (side.starts <= first - side.length) | (side.starts >= last + side.length)
    return judged, np.flatnonzero(outside)


def _suspicion(real: Array, synthetic: Array, judged: Sequence[Array]) -> list[Array]:
    """Log odds of being synthetic for each of the windows `judged (k, f)`, learned from `real` and `synthetic`.

    The odds before looking are taken out, so that blocks judged by different trees can be compared. Weights on
    the two sides would do the same and make scikit-learn's binning ten times slower.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    trees = HistGradientBoostingClassifier(
        max_iter=60,
        learning_rate=0.1,
        max_leaf_nodes=8,
        max_bins=63,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=0,
    )
    with threadpool_limits(1, "openmp"):  # on small samples threads wait for each other more than they work
        trees.fit(np.concatenate([real, synthetic]), np.repeat([0, 1], [len(real), len(synthetic)]))
        before = np.log(len(synthetic) / len(real))
        return [trees.decision_function(features) - before for features in judged]
