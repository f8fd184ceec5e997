"""The literature's test: can a network tell the windows of a generator from those that it was trained on?

Google's daily share, all windows of 24 days by 6 series, min-max scaled levels; as many synthetic windows as real ones.
The original judge is TimeGAN's: a GRU cell of TensorFlow 1 with int(d / 2) = 3 hidden units and 2,000 steps. The strong
one is the same with 64 units. Both split windows at random, as published judges do; since windows overlap, a third one,
which also sees its series standardised, is asked of test windows that share no day with those that it learned from. A
score is |accuracy - 1/2|: 0 where the judge can only guess, 0.5 where it is always right.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.quality_models import Array, Model, Part, deep
from benchmarks.quality_table import Bar, Record, Records, Shown, at_most, table
from synthfin_core.data.windows import Windows
from synthfin_core.evaluation import copied_pieces
from synthfin_core.judges.discriminate import discriminative_score, strong_judge
from synthfin_core.rng import stream

ORIGINAL, STRONG, APART = "original judge", "strong judge", "standardised judge, split by blocks"
STRONG_UNITS = 64
COPIED, SECONDS = "10-step pieces copied", "training, processor s"

BARS: dict[str, dict[str, float]] = {
    "vae": {ORIGINAL: 0.02, STRONG: 0.06},
    "timevae": {ORIGINAL: 0.02, STRONG: 0.15},
    "wavelet-diffusion": {ORIGINAL: 0.02, STRONG: 0.06},
    "ppca-mixture": {ORIGINAL: 0.02, STRONG: 0.06},
    "tcn-gan": {ORIGINAL: 0.05, STRONG: 0.15},
}
MOST_SECONDS = 300.0  #: of training on one core


def numbers(windows: Windows, data: str, model: Model) -> dict[str, float]:
    """What both judges say of as many windows as there are real ones."""
    real = windows.train.x
    drawn = model.draw(len(real))
    return judged(real, drawn, model.seed) | {COPIED: float(copied_pieces(real, drawn).mean())} | model.clock


def judged(real: Array, other: Array, seed: int) -> dict[str, float]:
    """The scores of `other` against `real` windows."""
    return {
        ORIGINAL: discriminative_score(real, other, seed=seed),
        STRONG: discriminative_score(real, other, hidden=STRONG_UNITS, seed=seed),
        APART: strong_judge(real, other, hidden=STRONG_UNITS, split="blocks", seed=seed),
    }


def references(windows: Windows, data: str, seeds: int, kept: Records) -> Iterator[Record]:
    """Real windows against real ones: two halves drawn at random, which is the protocol's own noise."""
    real = windows.train.x
    for seed in range(seeds):
        if not kept.has("literature", data, "real against real", seed, {}):
            order = stream(seed, "halves").permutation(len(real))
            first, second = (real[sorted(half)] for half in (order[::2], order[1::2]))
            found = judged(first, second, seed)
            del found[APART]  # neighbours of every window are in the other half: a split by blocks has no meaning
            yield Record("literature", data, "real against real", seed, found)


def bar_of(model: str, name: str) -> Bar | None:
    """What the issue asks of a model."""
    if name == SECONDS and deep(model):
        return at_most(MOST_SECONDS)
    if name == COPIED and deep(model):
        return at_most(0.0)
    high = BARS.get(model, {}).get(name)
    return None if high is None else at_most(high)


def show(records: list[Record]) -> Shown:
    """The table."""
    names = (ORIGINAL, STRONG, APART, COPIED, SECONDS)
    return table("The literature's test: Stocks, windows of 24", records, names, bar_of)


PART = Part("literature", ("stocks",), numbers, references, show)
