"""Marks of returns: moments, clustering, correlation and copies beside the training windows.

S&P 500 and NASDAQ daily log returns 1999-2018, windows of 60, the last fifth held out. A ratio of one is perfect.
Beside the models stands the real hold-out, so that one sees how far apart two stretches of real history are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from benchmarks.quality_models import Array, Model, Part, deep
from benchmarks.quality_table import Bar, Record, Records, Shown, across, at_least, at_most
from synthfin_core.data.windows import Windows
from synthfin_core.evaluation import copied_pieces

LAGS = 10
DRAWN = 4000

SPREAD, KURTOSIS = "standard deviation / real", "excess kurtosis / real"
CLUSTERING = "mean ACF of |r|, lags 1-10 / real"
GAP, CORRELATION = "largest gap in ACF of r, lags 1-10", "gap in correlation"
COPIED, ACTIVE, SECONDS = "share copied", "active latent units", "training, processor s"

BARS = {
    SPREAD: Bar(0.9, 1.1),
    KURTOSIS: Bar(0.5, 3.0),
    CLUSTERING: at_least(0.7),
    GAP: at_most(0.1),
    CORRELATION: Bar(-0.05, 0.05),
    COPIED: at_most(0.0),
    SECONDS: at_most(180.0),
}
OF_MODELS = {("gan", CLUSTERING): at_least(0.5), ("vae", ACTIVE): at_least(3.0)}
JUDGED = ("vae", "gan")  #: the marks were set for these


def excess_kurtosis(x: Array) -> Array:
    """Of each series, over all windows: `(d,)`."""
    x = x - x.mean(axis=(0, 1))
    result: Array = (x**4).mean(axis=(0, 1)) / (x**2).mean(axis=(0, 1)) ** 2 - 3
    return result


def autocorrelation(x: Array) -> Array:
    """Within windows, with the mean and variance of all windows: `(lags, d)`."""
    x = x - x.mean(axis=(0, 1))
    variance = (x**2).mean(axis=(0, 1))
    return np.stack([(x[:, lag:] * x[:, :-lag]).mean(axis=(0, 1)) / variance for lag in range(1, LAGS + 1)])


def correlation(x: Array) -> float:
    """Between the first two series."""
    return float(np.corrcoef(x[:, :, 0].ravel(), x[:, :, 1].ravel())[0, 1])


def marks(real: Array, x: Array, names: tuple[str, ...]) -> dict[str, float]:
    """The marks of windows `x` against `real`."""
    found: dict[str, float] = {}
    sizes = autocorrelation(abs(x)).mean(axis=0) / autocorrelation(abs(real)).mean(axis=0)
    for i, name in enumerate(names):
        found |= {
            f"{SPREAD}, {name}": float(x[:, :, i].std() / real[:, :, i].std()),
            f"{KURTOSIS}, {name}": float(excess_kurtosis(x)[i] / excess_kurtosis(real)[i]),
            f"{CLUSTERING}, {name}": float(sizes[i]),
        }
    return found | {
        GAP: float(np.abs(autocorrelation(x) - autocorrelation(real)).max()),
        CORRELATION: correlation(x) - correlation(real),
        COPIED: float(copied_pieces(real, x).mean()),
    }


def numbers(windows: Windows, data: str, model: Model) -> dict[str, float]:
    """The marks of a model, and how many of its latent units are active."""
    found = marks(windows.train.x, model.draw(DRAWN), windows.names)
    generator = model.pipeline.generator
    active = generator.diagnostics().values.get("active_units", math.nan) if generator.latent else math.nan
    return found | {ACTIVE: float(np.asarray(active))} | model.clock


def references(windows: Windows, data: str, seeds: int, kept: Records) -> Iterator[Record]:
    """The real hold-out against the training windows."""
    if not kept.has("marks", data, "real hold-out", 0, {}):
        found = marks(windows.train.x, windows.holdout.x, windows.names)
        yield Record("marks", data, "real hold-out", 0, found)


def bar_of(model: str, name: str) -> Bar | None:
    """The bar of a mark, whichever series it is of."""
    if not deep(model) or model not in JUDGED:
        return None
    mark = next((each for each in (*BARS, ACTIVE) if name == each or name.startswith(f"{each}, ")), name)
    return OF_MODELS.get((model, mark), BARS.get(mark))


def show(records: list[Record]) -> Shown:
    """The table."""
    names = list(dict.fromkeys(name for record in records for name in record.numbers))
    return across("Marks of returns: S&P 500 and NASDAQ, windows of 60", records, names, bar_of)


PART = Part("marks", ("returns",), numbers, references, show)
