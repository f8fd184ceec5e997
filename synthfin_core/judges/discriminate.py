"""Judges that learn to tell real windows from synthetic ones: the literature's, and one that sees more.

Either learns from four fifths of the windows and is asked about the rest. Its score is how far its accuracy is from one
half: 0 where it can only guess, 0.5 where it is always right.

On honestly split windows an accuracy below one half is no evidence of a difference and counts as 0. It arises where
synthetic windows are copies of real ones that were held back: the judge learned to call them synthetic. The literature
counts it as ``|0.5 - accuracy|``, and so does its judge here.

References
----------
Yoon, Jarrett and van der Schaar (2019), Time-series Generative Adversarial Networks, NeurIPS, and its code,
``metrics/discriminative_metrics.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from synthfin_core.judges.cell import Numbers
from synthfin_core.judges.recurrent import Recurrent, at_once, draw, one_thread, sigmoid, with_ones
from synthfin_core.judges.splits import Array, How, check_pairs, split, to_unit_deviation, to_unit_range
from synthfin_core.rng import stream


@dataclass(frozen=True)
class Settings:
    """How a judge is built and trained.

    Attributes
    ----------
    hidden : int or None
        Units of the GRU; None for half the number of series, rounded down, and at least one.
    iterations : int
        Steps of Adam.
    batch : int
        Real windows a step, and as many synthetic ones.
    rate : float
        Adam's learning rate.
    scale : {"range", "deviation"}
        Real series scaled to [0, 1], or to mean 0 and deviation 1.
    split : {"random", "blocks"}
        See `synthfin_core.judges.splits.split`.
    repeats : int
        Judges trained, each with a split, weights and batches of its own; their scores are averaged.
    """

    hidden: int | None = None
    iterations: int = 2000
    batch: int = 128
    rate: float = 1e-3
    scale: Literal["range", "deviation"] = "range"
    split: How = "random"
    repeats: int = 1


#: The literature's judge; it repeats 5 or 10 times.
LITERATURE = Settings()
#: A judge that sees more, and judges 2,500 windows of 60 steps in some three seconds. On the S&P 500 and the NASDAQ it
#: tells a bootstrap of blocks of ten days and reversed time as well as one of 32 units and ten times the work.
STRONG = Settings(hidden=16, iterations=400, batch=64, rate=1e-2, scale="deviation", split="blocks")


class Judgement(NamedTuple):
    """What a judge found.

    Attributes
    ----------
    score : float
        The mean over repeats of ``|0.5 - accuracy|``, and of ``max(accuracy - 0.5, 0)`` after a split by blocks.
    accuracy : float
        Share of test windows judged rightly, real and synthetic ones counting alike; the mean over repeats.
    real, synthetic : ndarray (k,), (l,)
        The judges' outputs for the real and for the synthetic test windows: logits of being real.
    """

    score: float
    accuracy: float
    real: Numbers
    synthetic: Numbers


def discriminative_score(
    real: Array,
    synthetic: Array,
    *,
    hidden: int | None = None,
    iterations: int = 2000,
    repeats: int = 1,
    seed: int = 0,
) -> float:
    """Discriminative score of the literature, by its protocol to the letter.

    A GRU of `hidden` units (TensorFlow 1's cell) with a dense unit on its last state, 128 real and 128 synthetic
    windows a step, Adam at 0.001; series scaled to [0, 1] by the real ones; windows split at random. Two things to
    know: a judge of one to three units misses much, and where windows overlap the random split lets it see nearly
    all test windows. Keep it to compare with published numbers.

    Parameters
    ----------
    real, synthetic : ndarray (n, t, d), (m, t, d)
    hidden : int, optional
        Half the number of series when None, at least 1.
    iterations, repeats : int
        The literature takes 2,000, and the mean of 5 or 10 repeats.
    seed : int

    Returns
    -------
    float
        From 0, which two samples of one process reach up to chance, to 0.5.
    """
    settings = replace(LITERATURE, hidden=hidden, iterations=iterations, repeats=repeats)
    return discriminate([(real, synthetic)], settings, seed)[0].score


def strong_judge(
    real: Array,
    synthetic: Array,
    *,
    hidden: int = 64,
    iterations: int = 2000,
    batch: int = 128,
    rate: float = 1e-3,
    split: How = "blocks",
    repeats: int = 1,
    seed: int = 0,
) -> float:
    """The discriminative score of a judge that sees more: more units, standardised series, an honest split.

    The parameters are those of `Settings`. The windows that it is asked about share no steps with those that it
    learned from, as far as there are windows enough; see `synthfin_core.judges.splits.split`. With the split "random",
    which published strong judges use, windows that overlap make it look better than it is.

    Returns
    -------
    float
        From 0, which two samples of one process reach up to chance, to 0.5.
    """
    settings = Settings(hidden, iterations, batch, rate, "deviation", split, repeats)
    return discriminate([(real, synthetic)], settings, seed)[0].score


def discriminate(pairs: Sequence[tuple[Array, Array]], settings: Settings, seed: int = 0) -> list[Judgement]:
    """A judge for each pair, trained side by side; what it finds does not depend on the other pairs.

    Parameters
    ----------
    pairs : sequence of pairs of arrays (n, t, d), (m, t, d)
        Real and synthetic windows; all pairs have the same `t` and `d`.
    settings : Settings
    seed : int

    Returns
    -------
    list of Judgement
    """
    d = check_pairs(pairs)
    hidden = settings.hidden or max(d // 2, 1)
    jobs = [(pair, repeat) for pair in pairs for repeat in range(settings.repeats)]
    width = at_once(hidden)
    answers = []
    with one_thread():
        for start in range(0, len(jobs), width):
            answers += _judge(jobs[start : start + width], hidden, settings, seed)
    repeats = settings.repeats
    return [_judgement(answers[i : i + repeats], settings.split) for i in range(0, len(answers), repeats)]


def _judge(
    jobs: Sequence[tuple[tuple[Array, Array], int]], hidden: int, settings: Settings, seed: int
) -> list[tuple[Numbers, Numbers]]:
    """Train a judge for each pair and repeat; its outputs for the real and for the synthetic test windows."""
    scaled = to_unit_range if settings.scale == "range" else to_unit_deviation
    learn, asked = [], []
    for (real, synthetic), repeat in jobs:
        own = stream(seed, f"judge split {repeat}")
        sides = [with_ones(scaled(real, x)) for x in (real, synthetic)]
        splits = [split(x, settings.split, own) for x in (real, synthetic)]
        learn.append([x[at.train] for x, at in zip(sides, splits, strict=True)])
        asked.append([x[at.test] for x, at in zip(sides, splits, strict=True)])
    streams = [stream(seed, f"judge {repeat}") for _, repeat in jobs]
    judges = Recurrent(learn[0][0].shape[2] - 1, hidden, streams, rate=settings.rate)
    real_ones = np.repeat([1, 0], settings.batch).astype(np.float32)  # (2 batch,)
    for _ in range(settings.iterations):
        trace, z = judges.run(draw(learn, streams, settings.batch))
        judges.learn(trace, (sigmoid(z) - real_ones) / settings.batch)  # mean cross-entropy of real + of synthetic ones
    return [
        (judges.outputs(i, real)[:, 0], judges.outputs(i, synthetic)[:, 0]) for i, (real, synthetic) in enumerate(asked)
    ]


def _judgement(answers: Sequence[tuple[Numbers, Numbers]], how: How) -> Judgement:
    """Score and accuracy of the outputs for real and for synthetic windows, one pair a repeat."""
    accuracies = np.array([((real > 0).mean() + (synthetic <= 0).mean()) / 2 for real, synthetic in answers])
    above = accuracies - 0.5
    scores = np.abs(above) if how == "random" else np.maximum(above, 0)
    real, synthetic = (np.concatenate(side) for side in zip(*answers, strict=True))
    return Judgement(float(scores.mean()), float(accuracies.mean()), real, synthetic)
