"""Scores by recurrent networks: can they tell synthetic windows from real ones, do they learn as much from them?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from synthfin_core.evaluation.feature_judge import ROC_POINTS, roc
from synthfin_core.evaluation.metric import Array, Context, Finding, Needs, metric
from synthfin_core.rng import integer_seed

if TYPE_CHECKING:
    from synthfin_core.judges.discriminate import Judgement

#: With fewer windows, a fifth of them says nothing about a judge.
NEEDS = Needs(windows=100, length=3)

Pairs = Sequence[tuple[Array, Array]]


@metric(
    name="discriminative_score",
    title="Discriminative score",
    group="judges",
    better="lower",
    unit="accuracy above one half",
    needs=NEEDS,
    context=True,
    learned=True,
    together=True,
    figure="roc",
    help="How much better than a coin the literature's tiny network tells synthetic windows from real ones, from 0 to "
    "0.5; kept to compare with published numbers, because a network this small misses much.",
)
def discriminative_score(pairs: Pairs, context: Context) -> list[Finding]:
    """The literature's ``|0.5 - accuracy|`` of each pair, one repeat; see `judges.discriminate`."""
    from synthfin_core.judges.discriminate import LITERATURE, discriminate

    judged = discriminate(pairs, LITERATURE, integer_seed(context.seed, "discriminative score"))
    return [_finding(each) for each in judged]


@metric(
    name="strong_judge",
    title="Strong judge",
    group="judges",
    better="lower",
    unit="accuracy above one half",
    needs=NEEDS,
    context=True,
    learned=True,
    together=True,
    figure="roc",
    help="How much better than a coin a network of real size tells synthetic windows from real ones of weeks that it "
    "has not seen, from 0 to 0.5.",
)
def strong_judge(pairs: Pairs, context: Context) -> list[Finding]:
    """``max(accuracy - 0.5, 0)`` of a GRU of 16 units on blocks of time held back; see `judges.discriminate`."""
    from synthfin_core.judges.discriminate import STRONG, discriminate

    judged = discriminate(pairs, STRONG, integer_seed(context.seed, "strong judge"))
    return [_finding(each) for each in judged]


@metric(
    name="predictive_score",
    title="Predictive score",
    group="judges",
    better="lower",
    unit="shares of the real range",
    needs=NEEDS,
    context=True,
    learned=True,
    together=True,
    help="How much more, or less, the literature's tiny network errs on real windows when it learned to predict from "
    "synthetic ones instead; on prices this only tests persistence, and on returns next to nothing can be predicted.",
)
def predictive_score(pairs: Pairs, context: Context) -> list[Finding]:
    """``|MAE_s - MAE_r|`` of one step predictions on real windows, one repeat; see `judges.predict`."""
    from synthfin_core.judges.predict import predict

    found = predict(pairs, seed=integer_seed(context.seed, "predictive score"))
    return [Finding(each.score, {"mean_absolute_error": np.array([each.synthetic, each.real])}) for each in found]


def _finding(judged: Judgement) -> Finding:
    """The score with its ROC curve: the shares of real and of synthetic test windows that are called synthetic."""
    real, synthetic = (-side.astype(np.float64) for side in (judged.real, judged.synthetic))
    false_positive, true_positive = roc(real, synthetic)
    grid = np.linspace(0, 1, ROC_POINTS)
    return Finding(
        judged.score, {"false_positive": grid, "true_positive": np.interp(grid, false_positive, true_positive)}
    )
