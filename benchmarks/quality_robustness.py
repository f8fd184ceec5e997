"""Robustness: does every training at the recommended settings end well, whatever the seed and the data?

Ten seeds on each of the three data sets: the literature's Stocks as levels in windows of 24, returns in windows of 60,
volumes pooled in windows of 64. A run ends well when everything it draws is finite and neither the values of a series
nor the windows among themselves are nearly one and the same. A run that diverges has to stop and say so.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np

from benchmarks.quality_models import Array, Model, Part
from benchmarks.quality_table import Record, Records, Shown
from benchmarks.quality_volumes import POOLED
from synthfin_core.data.windows import Windows
from synthfin_core.errors import TrainingError

DRAWN = 256
LEAST_SPREAD = 0.05  #: of the real standard deviation; what is below is as good as constant

FINITE, SPREAD, BETWEEN = "share finite", "least spread / real", "least spread between windows / real"
WELL, NAN, CONSTANT, STOPPED, BROKEN = "ended well", "NaN", "constant", "stopped and said so", "unhandled error"


def numbers(windows: Windows, data: str, model: Model) -> dict[str, float]:
    """Whether what a model draws is finite and varies, over time and from window to window."""
    return spreads(windows.train.x, model.draw(DRAWN)) | model.clock


def spreads(real: Array, x: Array) -> dict[str, float]:
    """The share of finite values in `x (m, t, d)`, and its least spreads over those of `real (n, t, d)`."""
    finite = float(np.isfinite(x).mean())
    if finite < 1:
        return {FINITE: finite, SPREAD: math.nan, BETWEEN: math.nan}
    whole = x.std(axis=(0, 1)) / real.std(axis=(0, 1))
    between = x.std(axis=0).mean(axis=0) / real.std(axis=0).mean(axis=0)
    return {FINITE: finite, SPREAD: float(whole.min()), BETWEEN: float(between.min())}


def references(windows: Windows, data: str, seeds: int, kept: Records) -> Iterator[Record]:
    """None: a training ends well or it doesn't."""
    yield from ()


def ending(record: Record) -> str:
    """How a run ended."""
    if record.error:
        return STOPPED if record.error.startswith(f"{TrainingError.__name__}:") else BROKEN
    if record.numbers[FINITE] != 1:
        return NAN
    return WELL if min(record.numbers[SPREAD], record.numbers[BETWEEN]) >= LEAST_SPREAD else CONSTANT


def show(records: list[Record]) -> Shown:
    """How the runs of each model ended on each data set; the runs that ended badly are named."""
    runs: dict[tuple[str, str], Counter[str]] = {}
    bad = []
    for record in records:
        how = ending(record)
        runs.setdefault((record.model, record.data), Counter())[how] += 1
        if how not in (WELL, STOPPED):
            bad.append(f"{record.model} on {record.data}, seed {record.seed}: {record.error or how}")
    head = ("model", "data", "runs", WELL, NAN, CONSTANT, STOPPED, BROKEN)
    lines = ["### Robustness", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for (model, data), ways in runs.items():
        counts = (str(ways[way]) for way in head[3:])
        lines.append(f"| {model} | {data} | {ways.total()} | {' | '.join(counts)} |")
    return Shown("\n".join([*lines, *([""] if bad else []), *bad]), tuple(f"Robustness: {each}" for each in bad))


PART = Part("robustness", ("stocks", "returns", POOLED), numbers, references, show, seeds=10)
