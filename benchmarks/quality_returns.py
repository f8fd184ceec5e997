"""Returns beside their noise floors: is what a generator draws as close as another path of the market would be?

S&P 500 and NASDAQ daily log returns 1999-2018, windows of 60, the last fifth held out. The rows are scores of the
scorecard against the training windows, each over the 90th percentile of its floor: what perfect samples of a process
fitted to these series score against each other. One is as good as perfect samples are nine times in ten.

Beside the models stand windows with the mean and the covariance of a real one each and normal otherwise. They know how
calm or wild and how close to each other both series were at any time, and nothing of the days themselves. They are off
by more than a floor in lower-tail dependence, while the i.i.d. Gaussian, which knows neither, happens to be within it.
So in a group of scores where windows with the real covariances do worse than it, a model is not asked to do better.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from benchmarks.quality_models import Array, Model, Part, deep
from benchmarks.quality_table import (
    Bar,
    Record,
    Records,
    Shown,
    across,
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
from synthfin_core.evaluation import (
    BASELINES,
    METRICS,
    Floors,
    autocorrelation,
    draw_baseline,
    evaluate,
    measure_floors,
)
from synthfin_core.evaluation.floors import Floor
from synthfin_core.evaluation.ranking import ranking
from synthfin_core.evaluation.report import Row
from synthfin_core.rng import stream

DRAWN = 2500
LAGS = 50  #: of the autocorrelation of |r|; the scorecard stops at half the window

SCORES = (
    *("wasserstein", "wasserstein_5", "wasserstein_20"),
    *("acf_abs_distance", "leverage_distance"),
    *("tail_index_left", "tail_index_right"),
    *("value_at_risk_1", "value_at_risk_5", "expected_shortfall_1", "expected_shortfall_5"),
    *("correlation_distance", "lower_tail_dependence"),
)

FLOOR = "floor, 90th percentile"
COVARIANCES = "real covariances"
GAUSSIAN, EGARCH = (BASELINES[name].title for name in ("gaussian", "egarch"))
RECOMMENDED = ("vae", "tcn-gan", "wavelet-diffusion")
SHARE, WORST, RANK, SECONDS = "rows within the floor", "worst row", "mean rank", "training, processor s"


@contextmanager
def long_lags() -> Iterator[None]:
    """The autocorrelation of |r| is scored over lags 1 to 50 within windows."""
    usual = METRICS["acf_abs_distance"]

    def prepare(x: Array) -> Array:
        return autocorrelation(x, LAGS, "abs")

    def distance(real: Array, synthetic: Array) -> Array:
        found: Array = np.sqrt(((synthetic - real) ** 2).mean(axis=0))
        return found

    METRICS["acf_abs_distance"] = replace(usual, prepare=prepare, function=distance)
    try:
        yield
    finally:
        METRICS["acf_abs_distance"] = usual


def scored(windows: Windows, x: Array) -> dict[str, float]:
    """The rows of windows `x`, named by score and series."""
    with long_lags():
        report = evaluate(windows, x, SCORES)
    return {f"{row.score}, {row.series}": row.value for row in report.rows}


def numbers(windows: Windows, data: str, model: Model) -> dict[str, float]:
    """The rows of a model."""
    return scored(windows, model.draw(DRAWN)) | model.clock


def references(windows: Windows, data: str, seeds: int, kept: Records) -> Iterator[Record]:
    """The floors, the baselines of the scorecard, and windows with the covariances of real ones."""
    if not kept.has("returns", data, FLOOR, 0, {}):
        with long_lags():
            floors = measure_floors(windows, SCORES, DRAWN)
        high = {f"{score}, {series}": floor.high for (score, series), floor in floors.oracle.items()}
        yield Record("returns", data, FLOOR, 0, high)
    for name, baseline in BASELINES.items():
        for seed in range(seeds):
            if not kept.has("returns", data, baseline.title, seed, {}):
                found = scored(windows, draw_baseline(name, windows, DRAWN, seed))
                yield Record("returns", data, baseline.title, seed, found)
    for seed in range(seeds):
        if not kept.has("returns", data, COVARIANCES, seed, {}):
            found = scored(windows, with_covariances(windows.train.x, DRAWN, seed))
            yield Record("returns", data, COVARIANCES, seed, found)


def with_covariances(x: Array, n: int, seed: int) -> Array:
    """Normal windows `(n, t, d)`, each with the mean and covariance over time of one of `x (m, t, d)`."""
    random = stream(seed, COVARIANCES)
    chosen = x[random.integers(len(x), size=n)]
    mean = chosen.mean(axis=1, keepdims=True)
    covariance = np.einsum("nti,ntj->nij", chosen - mean, chosen - mean) / x.shape[1]
    drawn: Array = mean + random.standard_normal(chosen.shape) @ np.linalg.cholesky(covariance).swapaxes(1, 2)
    return drawn


def over_floor(record: Record, high: Mapping[str, float]) -> dict[str, float]:
    """How far each row is from perfect, over its floor's 90th percentile; infinite where there is no number."""
    found = {}
    for name, floor in high.items():
        loss = METRICS[name.partition(", ")[0]].loss(record.numbers.get(name, np.inf))
        found[name] = loss / floor
    return found


def ranks(records: list[Record], high: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Each model's mean place among all models, and its place in each group of scores.

    As on the leaderboard: numbers within their floor tie, places are averaged within a group and then over groups.
    """
    keys = {name: (name.partition(", ")[0], name.partition(", ")[2]) for name in high}
    floors = Floors({keys[name]: Floor(0.0, 0.0, value) for name, value in high.items()})
    rows, models = [], {}
    for record in records:
        data = f"{record.model} {record.seed}"
        models[data] = record.model
        rows += [Row(data, *keys[name], record.numbers[name]) for name in high if name in record.numbers]
    columns = ["model", "low", "high", "seeds"]
    placed = ranking(rows, floors, models).set_index("model").drop(columns=columns[1:])
    return {str(model): {str(k): float(v) for k, v in places.items()} for model, places in placed.iterrows()}


def show(records: list[Record]) -> Shown:
    """The summary of each model, what must hold, and every row over its floor."""
    high = next((record.numbers for record in records if record.model == FLOOR), {})
    measured = [record for record in records if record.model != FLOOR and record.numbers]
    if not high or not measured:
        return Shown("### Returns\n\nThere are no floors or no models yet.")
    places = ranks(measured, high)
    groups = [group for group in next(iter(places.values())) if group != "rank"]
    summaries, details = [], []
    for record in measured:
        found = over_floor(record, high)
        within = sum(value <= 1 for value in found.values()) / len(found)
        place = {RANK: places[record.model]["rank"]} | {
            f"rank, {group}": places[record.model][group] for group in groups
        }
        clock = {SECONDS: record.numbers[SECONDS]} if SECONDS in record.numbers else {}
        summaries.append(replace(record, numbers={SHARE: within, WORST: max(found.values())} | place | clock))
        details.append(replace(record, numbers=found))
    summaries += [record for record in records if record.error]
    names = (SHARE, WORST, RANK, *(f"rank, {group}" for group in groups), SECONDS)
    title = "Returns: S&P 500 and NASDAQ, windows of 60"
    return together([
        table(title, summaries, names, bar_of),
        statements("Returns: what must hold", stated(summaries, groups)),
        across("Returns: each row over its floor's 90th percentile", details, list(high), lambda model, name: None),
    ])  # fmt: skip


def bar_of(model: str, name: str) -> Bar | None:
    """What the issue asks of a model."""
    bars = {SHARE: at_least(2 / 3), WORST: at_most(3.0)}
    return bars.get(name) if model in RECOMMENDED else None


def stated(summaries: list[Record], groups: list[str]) -> dict[str, tuple[bool, str]]:
    """What must hold: whether it does, and what speaks against it or for it."""
    models = by_model(summaries)

    def value(model: str, name: str) -> float:
        return middle(values_of(models[model], name))

    there = [model for model in RECOMMENDED if model in models]
    absent = [model for model in RECOMMENDED if model not in models]
    few = [f"{model} {value(model, SHARE):.0%}" for model in there if not value(model, SHARE) >= 2 / 3]
    wide = [f"{model} {value(model, WORST):.2f}" for model in there if not value(model, WORST) <= 3]
    networks = [model for model in models if deep(model)]
    worse = [model for model in networks if not value(model, RANK) <= value(GAUSSIAN, RANK)]
    places = [f"rank, {group}" for group in groups]
    luck = [name for name in places if COVARIANCES in models and value(COVARIANCES, name) > value(GAUSSIAN, name)]
    worse_within = [
        f"{model} in {name.removeprefix('rank, ')}"
        for model in networks
        for name in places
        if name not in luck and not value(model, name) <= value(GAUSSIAN, name)
    ]
    left_out = [f"{name.removeprefix('rank, ')} left out" for name in luck]
    better = [model for model in networks if value(model, RANK) < value(EGARCH, RANK)]
    lacking = [f"not measured: {', '.join(absent)}"] if absent else []
    return {
        "The recommended VAE, TCN GAN and wavelet diffusion are each within the floor on two thirds of the rows": (
            not few and not absent, "; ".join(few + lacking)
        ),
        "none of their rows is beyond three times the floor": (not wide and not absent, "; ".join(wide + lacking)),
        "no deep model's mean rank is worse than the i.i.d. Gaussian's": (
            bool(networks) and not worse, "; ".join(worse)
        ),
        "nor is it in a group of scores, where that of windows with real covariances isn't": (
            bool(networks) and not worse_within, "; ".join(worse_within + left_out)
        ),
        "at least one deep model's mean rank beats EGARCH's": (bool(better), ", ".join(better)),
    }  # fmt: skip


PART = Part("returns", ("returns",), numbers, references, show)
