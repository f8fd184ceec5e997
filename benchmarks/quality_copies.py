"""Copies: does a generator hand out pieces of what it was trained on?

S&P 500 and NASDAQ daily log returns, windows of 60, the last fifth held out. A piece is ten steps long. It is a copy
when it equals a training piece to 1e-9 of a daily return of 1 %, at any offset; nearly a copy when it is nearer in
shape to the training data than 99 of 100 pieces of the hold-out are. Near copies are no more frequent than the
hold-out's own when their share is within two standard errors of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from benchmarks.quality_models import Array, Model, Part, deep
from benchmarks.quality_table import Bar, Record, Records, Shown, at_most, table
from synthfin_core.data.windows import Windows
from synthfin_core.evaluation import BASELINES, copied_pieces, draw_baseline
from synthfin_core.evaluation.copies import CHANCE, Pieces
from synthfin_core.rng import stream

DRAWN = 2500
LOOKED_UP = 4000  #: pieces whose nearest training piece is searched
COPIED, NEAR = "10-step pieces copied", "10-step pieces nearly copied"
ERRORS = 2.0  #: the pieces looked up are a sample, and so are the hold-out's
HOLDOUT = "real hold-out"


def shares(windows: Windows, x: Array, seed: int) -> dict[str, float]:
    """The shares of copies and of near copies among the pieces of windows `x (m, t, d)`."""
    known, held, ours = Pieces(windows.train.x), Pieces(windows.holdout.x), Pieces(x)
    which = stream(seed, "pieces looked up").choice(ours.count, min(LOOKED_UP, ours.count), replace=False)
    near = ours.to_nearest(known, np.sort(which)) < held.threshold(known, 0)
    return {COPIED: float(copied_pieces(windows.train.x, x).mean()), NEAR: float(near.mean())}


def numbers(windows: Windows, data: str, model: Model) -> dict[str, float]:
    """The shares of a model's windows."""
    return shares(windows, model.draw(DRAWN), model.seed)


def references(windows: Windows, data: str, seeds: int, kept: Records) -> Iterator[Record]:
    """The hold-out windows, and the baselines: bootstraps are made of copies."""
    if not kept.has("copies", data, HOLDOUT, 0, {}):
        yield Record("copies", data, HOLDOUT, 0, shares(windows, windows.holdout.x, 0))
    for name, baseline in BASELINES.items():
        for seed in range(seeds):
            if not kept.has("copies", data, baseline.title, seed, {}):
                drawn = draw_baseline(name, windows, DRAWN, seed)
                yield Record("copies", data, baseline.title, seed, shares(windows, drawn, seed))


def bar_of(model: str, name: str) -> Bar | None:
    """No copies, and no more near copies than the hold-out has."""
    if not deep(model):
        return None
    error = math.sqrt(CHANCE * (1 - CHANCE) * 2 / LOOKED_UP)
    return {COPIED: at_most(0.0), NEAR: at_most(round(CHANCE + ERRORS * error, 4))}.get(name)


def show(records: list[Record]) -> Shown:
    """The table."""
    return table("Copies: S&P 500 and NASDAQ, windows of 60", records, (COPIED, NEAR), bar_of)


PART = Part("copies", ("returns",), numbers, references, show)
