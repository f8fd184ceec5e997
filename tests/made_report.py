"""A report made by hand, with floors, curves and exhibits of every form, so that figures can be held against it."""

from __future__ import annotations

import numpy as np

from synthfin_core.evaluation import METRICS, Floors, Points, Report, moments_table
from synthfin_core.evaluation.curves import PROBABILITIES
from synthfin_core.evaluation.floors import Band, Floor
from synthfin_core.evaluation.report import Row
from synthfin_core.rng import stream

SERIES = ("one", "two")
REAL = ("real training", "real hold-out")

#: Losses of two data sets by score, the floor's 90th percentile being 1 for all: within and near, far and near.
VALUES = {
    "spread_ratio": (1.5, 9.0),
    "kurtosis_ratio": (0.7, 0.1),
    "wasserstein": (0.5, 2.5),
    "acf_distance": (1.5, 1.2),
    "leverage_distance": (0.9, 4.0),
    "tail_index_left": (1.1, 30.0),
}
OVERALL = {
    "lower_tail_dependence": (0.2, 0.3),
    "feature_judge": (0.2, 3.0),
    "volatility_forecast": (-0.1, 1.5),
    "min_variance_cosine": (0.1, 0.2),
    "strategy_ranking": (0.5, 1.9),
    "closest_record": (0.0, 0.4),
    "membership": (0.0, 0.1),
}


def made_report(data=("vae", "gan"), series=SERIES, floors=True):
    """Two data sets, the second far on many scores."""
    draws = stream(0, "made report")
    rows = [
        Row(name, score, each, values[place] * (1 + i / 10), 0.8)
        for place, name in enumerate(data)
        for score, values in VALUES.items()
        for i, each in enumerate(series)
    ]
    rows += [
        Row(name, score, "all", values[place]) for place, name in enumerate(data) for score, values in OVERALL.items()
    ]
    shown = (*REAL, *data)
    at = {
        "quantiles": PROBABILITIES,
        "acf": np.arange(1.0, 6),
        "leverage": np.arange(1.0, 5),
        "tail_left": np.geomspace(0.0005, 0.2, 9),
    }
    curves = {
        curve: {
            name: Points(x, np.sort(np.abs(draws.standard_normal((len(x), len(series)))), axis=0)) for name in shown
        }
        for curve, x in at.items()
    }
    moments = moments_table({name: draws.standard_normal((9, 8, len(series))) for name in shown}, series)
    made = _floors(rows, curves) if floors else None
    return Report(
        tuple(rows), moments, {"wasserstein_100": "windows are too short"}, ("A note.",), made,
        curves, {score: {name: _exhibit(score, len(series), draws) for name in data} for score in OVERALL},
        series, {},
    )  # fmt: skip


def _floors(rows, curves):
    scored = {(row.score, row.series) for row in rows if METRICS[row.score].better != "none"}
    bands = {
        name: Band(each[REAL[0]].at, each[REAL[0]].y * 0.9, each[REAL[0]].y * 1.1 + 0.01)
        for name, each in curves.items()
    }
    losses = {key: np.array([0.1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.0]) for key in scored}
    return Floors({key: Floor(0.1, 0.5, 1.0) for key in scored}, {}, losses, bands)


def _exhibit(score, d, draws):
    if score == "feature_judge":
        grid = np.linspace(0, 1, 20)
        return {"false_positive": grid, "true_positive": grid ** draws.uniform(0.3, 1)}
    if score == "closest_record":
        return {"real": draws.standard_normal((8, d)), "synthetic": draws.standard_normal((8, d)),
                "distance": np.array([0.25])}  # fmt: skip
    if score == "lower_tail_dependence":
        return {name: draws.uniform(size=(d, d)) for name in ("real", "synthetic", "gaussian")}
    if score == "membership":
        return {"auc": np.array([0.6]), "low": np.array([0.5]), "high": np.array([0.8])}
    size = 25 if score == "strategy_ranking" else d
    return {name: draws.standard_normal(size) for name in ("real", "synthetic", "shuffled")}
