"""How fast each generator trains and draws, and what the diffusion's few-step sampler saves: part of `speed.py`.

Every generator learns from the S&P 500 and NASDAQ, windows of 60 log returns, at its recommended settings, on one
thread. Those that train in steps are stopped after a few dozen of them; the others fit in one go. Then windows are
drawn in the same way as for a user.

The samplers are compared on one model, trained to its end: the same windows drawn in few steps and in 1,000, the time
of each, and what both judges of `quality_literature.py` say of each.
"""

from __future__ import annotations

import math
import time

import synthfin_core as sf
from benchmarks.quality_literature import ORIGINAL, STRONG, STRONG_UNITS
from benchmarks.quality_models import Model, settings_of, train
from synthfin_core.data.windows import Windows
from synthfin_core.evaluation.scoring import one_thread_each
from synthfin_core.generators.base import Progress
from synthfin_core.judges.discriminate import discriminative_score
from synthfin_core.pipeline import Pipeline
from synthfin_core.registry import GENERATORS

STEPS, WARM_UP = 40, 5  #: training steps timed, and those before them
DRAWN = 500
DIFFUSION, FULL = "wavelet-diffusion", "ddpm"
JUDGED = 1000  #: windows drawn by each sampler
LEAST_RATIO = 20.0


def measure() -> dict[str, dict[str, float]]:
    """Training steps, windows drawn a second, and seconds of a fit in one go, by generator."""
    windows = sf.make_windows(sf.load("us-indices"), length=60)
    each = {name: speed_of(name, windows) for name in GENERATORS}
    titles = ("training steps a second", "windows drawn a second", "fit in one go, seconds")
    return {title: {name: found[title] for name, found in each.items() if title in found} for title in titles}


def speed_of(name: str, windows: Windows) -> dict[str, float]:
    """What one generator does in a second."""
    marks: list[float] = []

    def mark(progress: Progress) -> None:
        marks.append(time.perf_counter())

    with one_thread_each():
        begin = time.perf_counter()
        model = Pipeline(name).fit(windows, on_step=mark, should_stop=lambda: len(marks) >= STEPS + WARM_UP)
        fitted = time.perf_counter() - begin
        model.sample(8)  # whatever is imported or compiled on first use
        begin = time.perf_counter()
        model.sample(DRAWN, seed=1)
        drawn = DRAWN / (time.perf_counter() - begin)
    return {"windows drawn a second": drawn} | training_speed(marks, fitted)


def training_speed(marks: list[float], fitted: float) -> dict[str, float]:
    """Steps a second after the warm-up, from the moments at which steps ended; without steps the seconds of the fit."""
    if len(marks) <= WARM_UP + 1:
        return {"fit in one go, seconds": fitted}
    timed = marks[WARM_UP:]
    span = timed[-1] - timed[0]
    return {"training steps a second": (len(timed) - 1) / span if span > 0 else math.inf}


def samplers() -> dict[str, float]:
    """The few-step sampler beside the one of 1,000 steps: seconds, their ratio, and what the judges say of each."""
    windows = sf.make_windows(sf.load("us-indices"), length=60)
    few = train(windows, DIFFUSION, 0, settings_of(DIFFUSION))
    meta, arrays = few.pipeline.state()
    meta["config"] = meta["config"] | {"sampler": FULL}
    full = Model(DIFFUSION, 0, Pipeline.load(meta, arrays), few.wall, few.processor)
    real = windows.train.x
    found: dict[str, float] = {}
    seconds = {}
    for words, model in (("few steps", few), ("1,000 steps", full)):
        begin = time.perf_counter()
        x = model.draw(JUDGED)
        seconds[words] = time.perf_counter() - begin
        found |= {
            f"{words}, seconds for {JUDGED:,} windows": seconds[words],
            f"{words}, {ORIGINAL}": discriminative_score(real, x),
            f"{words}, {STRONG}": discriminative_score(real, x, hidden=STRONG_UNITS),
        }
    return found | {f"ratio (bar: at least {LEAST_RATIO:.0f})": seconds["1,000 steps"] / seconds["few steps"]}
