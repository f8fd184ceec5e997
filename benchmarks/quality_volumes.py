"""Volumes: do synthetic log volumes remember as real ones do, and have they their distribution?

S&P 500, NASDAQ and Google, daily, pooled: windows of 64 that never cross from one to another, without dates, because
Google's have none. Levels of different tickers lie so far apart (a billion shares and ten million) that whole windows
are alike at every lag whatever happens within them, so each question is asked twice: of the whole window, and of what
is left once its own mean is taken out, the detrended part.

Few windows weigh much in an autocorrelation: one in two hundred holds the four days of 2014, between two kinds of
share, on which next to no Google shares were traded. What real windows score without the wildest half percent stands
beside the models.

Asked again with NASDAQ left out of training. No model can know the level and the spread of a ticker that it has not
seen, so the detrended parts are compared, each over its own standard deviation, with those of NASDAQ. Beside the
models stand the real windows of the tickers that they were trained on: what a model that is right about those scores.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

import synthfin_core as sf
from benchmarks.quality_models import DATA, Array, Model, Part, deep, stocks_file
from benchmarks.quality_table import (
    Bar,
    Record,
    Records,
    Shown,
    at_least,
    at_most,
    by_model,
    middle,
    statements,
    table,
    together,
    values_of,
)
from synthfin_core.data.windows import Windows
from synthfin_core.evaluation import METRICS, autocorrelation, copied_pieces
from synthfin_core.rng import stream

LENGTH, LAGS, DRAWN = 64, 60, 4000
LEFT_OUT = "NASDAQ"
POOLED, WITHOUT = "volumes", "volumes without NASDAQ"
RESAMPLED, CALMER, OTHERS = "real, drawn anew", "real, less the wildest", "real windows of the others"
WILDEST = 0.005  #: share of the windows, those of largest spread, that the calmer ones lack

WHOLE_GAP, GAP, ALIKE = "ACF, largest gap", "ACF detrended, largest gap", "ACF detrended, correlation"
WHOLE_FAR, FAR = "marginal distance / sigma", "detrended distance / sigma"
COPIED, SECONDS = "10-step pieces copied", "training, processor s"
BARS = {
    WHOLE_GAP: at_most(0.05),
    GAP: at_most(0.05),
    ALIKE: at_least(0.99),
    WHOLE_FAR: at_most(0.05),
    FAR: at_most(0.05),
}
RECOMMENDED = ("vae", "tcn-gan", "wavelet-diffusion")
SLACK = 1.1  #: a model may be this much further from an unseen ticker than the real windows of the others


def tickers(stocks: Path) -> pd.DataFrame:
    """Shares traded, a column for each ticker, days in order and numbered."""
    indices = sf.load("us-volumes").frame
    google = pd.read_csv(stocks_file(stocks))["Volume"]
    return pd.DataFrame({name: indices[name].reset_index(drop=True) for name in indices} | {"Google": google})


def _pooled(columns: pd.DataFrame) -> Windows:
    return sf.make_windows(sf.load(columns, kind="volume"), LENGTH, holdout=0, pool=True)


def without(stocks: Path) -> Windows:
    """Windows of the other tickers to train on, and those of the ticker left out as their hold-out."""
    columns = tickers(stocks)
    return replace(_pooled(columns.drop(columns=LEFT_OUT)), holdout=_pooled(columns[[LEFT_OUT]]).train)


DATA |= {POOLED: lambda stocks: _pooled(tickers(stocks)), WITHOUT: without}


def detrended(x: Array) -> Array:
    """Windows `x (n, t, 1)` less the mean of each."""
    left: Array = x - x.mean(axis=1, keepdims=True)
    return left


def own_scale(x: Array) -> Array:
    """Detrended windows over the standard deviation of all of them."""
    left = detrended(x)
    scaled: Array = left / left.std()
    return scaled


def beside(real: Array, x: Array) -> dict[str, float]:
    """How windows `x (m, t, 1)` differ from `real (n, t, 1)`, whole and detrended."""
    whole = np.abs(autocorrelation(real, LAGS) - autocorrelation(x, LAGS)).max()
    shape = unlike(detrended(real), detrended(x))
    return {WHOLE_GAP: float(whole), WHOLE_FAR: distance(real, x)} | shape


def unlike(real: Array, x: Array) -> dict[str, float]:
    """How two sets of detrended windows differ in their autocorrelation within windows and their distribution."""
    a, b = (autocorrelation(each, LAGS)[:, 0] for each in (real, x))
    gap, alike = float(np.abs(a - b).max()), float(np.corrcoef(a, b)[0, 1])
    return {GAP: gap, ALIKE: alike, FAR: distance(real, x)}


def distance(real: Array, x: Array) -> float:
    """Wasserstein-1 distance over the real standard deviation."""
    return float(np.asarray(METRICS["wasserstein"](real, x))[0])


def compared(windows: Windows, data: str, x: Array) -> dict[str, float]:
    """Windows `x` beside the training windows, or beside those of the ticker left out."""
    if data == WITHOUT:
        return unlike(own_scale(windows.holdout.x), own_scale(x))
    return beside(windows.train.x, x)


def numbers(windows: Windows, data: str, model: Model) -> dict[str, float]:
    """What a model's windows are like, and whether they are copied."""
    drawn = model.draw(DRAWN)
    copied = float(copied_pieces(windows.train.x, drawn).mean())
    return compared(windows, data, drawn) | {COPIED: copied} | model.clock


def references(windows: Windows, data: str, seeds: int, kept: Records) -> Iterator[Record]:
    """Real windows: as many of the training windows drawn anew, of all or the calmer; or all of the other tickers."""
    if data == WITHOUT:
        if not kept.has("volumes", data, OTHERS, 0, {}):
            yield Record("volumes", data, OTHERS, 0, compared(windows, data, windows.train.x))
        return
    real = windows.train.x
    spread = real.std(axis=(1, 2))
    calmer = real[spread <= np.quantile(spread, 1 - WILDEST)]
    for seed in range(seeds):
        for name, these in ((RESAMPLED, real), (CALMER, calmer)):
            if not kept.has("volumes", data, name, seed, {}):
                drawn = these[stream(seed, "drawn anew").integers(len(these), size=DRAWN)]
                yield Record("volumes", data, name, seed, compared(windows, data, drawn))


def bar_of(model: str, name: str) -> Bar | None:
    """What the issue asks of a model."""
    if name == COPIED and deep(model):
        return at_most(0.0)
    return BARS.get(name) if model in RECOMMENDED else None


def show(records: list[Record]) -> Shown:
    """A table for the tickers that were learned from, and one for the ticker that was not."""
    learned = [record for record in records if record.data == POOLED]
    unseen = [record for record in records if record.data == WITHOUT]
    names = (WHOLE_GAP, GAP, ALIKE, WHOLE_FAR, FAR, COPIED, SECONDS)
    return together([
        table("Volumes: S&P 500, NASDAQ and Google pooled, windows of 64", learned, names, bar_of),
        table(f"Volumes: {LEFT_OUT}, left out of training", unseen, (GAP, ALIKE, FAR, COPIED), bar_of),
        statements(f"Volumes: {LEFT_OUT} beside the real windows of the others", stated(unseen)),
    ])  # fmt: skip


def stated(unseen: list[Record]) -> dict[str, tuple[bool, str]]:
    """Whether a model is as close to a ticker that it has not seen as the real windows that it learned from are."""
    models = by_model(unseen)
    if OTHERS not in models:
        return {}
    found = {}
    for model in (name for name in models if deep(name)):
        far = []
        for name in (GAP, FAR):
            ours, theirs = (middle(values_of(models[each], name)) for each in (model, OTHERS))
            if not ours <= SLACK * theirs:
                far.append(f"{name} {ours:.3f} against {theirs:.3f}")
        found[f"{model} is no more than a tenth further from it than they are"] = (not far, "; ".join(far))
    return found


PART = Part("volumes", (POOLED, WITHOUT), numbers, references, show)
