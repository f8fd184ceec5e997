"""How close generators come to real markets at their recommended settings.

    python benchmarks/quality.py [vae gan ...] [--seeds 3] [--json]

Data: S&P 500 and NASDAQ daily log returns 1999-2018, windows of 60, the last fifth held out. Each row is one mark that
a generator must reach against its training windows. Beside it stands the same number for the hold-out windows, so that
one sees how far apart two stretches of real history are.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run from anywhere, installed or not

import synthfin_core as sf
from synthfin_core.data.windows import Windows
from synthfin_core.evaluation import copied_pieces
from synthfin_core.registry import generator_class

Array = NDArray[np.float64]

LAGS = 10
CLUSTERING = {"gan": 0.5}  # share of the real clustering that must be there; 0.7 where nothing else is said
SECONDS = 180.0
DRAWN = 4000


@dataclass(frozen=True)
class Row:
    """One mark for one seed; `low` and `high` bound what passes."""

    name: str
    value: float
    low: float
    high: float

    @property
    def passed(self) -> bool:
        """Whether the value lies within its bounds."""
        return self.low <= self.value <= self.high


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


def rows(real: Array, x: Array, names: tuple[str, ...], clustering: float) -> list[Row]:
    """The marks of windows `x` against `real`."""
    found = []
    sizes = autocorrelation(abs(x)).mean(axis=0) / autocorrelation(abs(real)).mean(axis=0)
    for i, name in enumerate(names):
        found += [
            Row(f"standard deviation / real, {name}", float(x[:, :, i].std() / real[:, :, i].std()), 0.9, 1.1),
            Row(f"excess kurtosis / real, {name}", float(excess_kurtosis(x)[i] / excess_kurtosis(real)[i]), 0.5, 3.0),
            Row(f"mean ACF of |r|, lags 1-10 / real, {name}", float(sizes[i]), clustering, np.inf),
        ]
    gap = float(np.abs(autocorrelation(x) - autocorrelation(real)).max())
    return [
        *found,
        Row("largest gap in ACF of r, lags 1-10", gap, 0.0, 0.1),
        Row("gap in correlation", correlation(x) - correlation(real), -0.05, 0.05),
        Row("share copied", float(copied_pieces(real, x).mean()), 0.0, 0.0),
    ]


def judge(generator: str, seed: int, windows: Windows) -> list[Row]:
    """Train, draw and compare one seed."""
    before = time.process_time()
    model = sf.fit(windows, generator, seed=seed)
    seconds = time.process_time() - before
    drawn = model.sample(DRAWN, seed=seed + 1000)
    found = rows(windows.train.x, drawn.x, windows.names, CLUSTERING.get(generator, 0.7))
    if model.generator.latent:
        active = np.asarray(model.generator.diagnostics().values["active_units"])
        found.append(Row("active latent units", float(active), 3.0, np.inf))
    return [*found, Row("seconds of processor time to train", seconds, 0.0, SECONDS)]


def table(title: str, seeds: list[list[Row]], reference: dict[str, float]) -> str:
    """One line a mark, one column a seed."""
    lines = [title, f"{'':46}{'bounds':>14}{'hold-out':>10}" + "".join(f"{f'seed {i}':>16}" for i in range(len(seeds)))]
    for same in zip(*seeds, strict=True):
        row = same[0]
        bounds = f"{row.low:g} to {row.high:g}" if np.isfinite(row.high) else f"from {row.low:g}"
        other = f"{reference[row.name]:.3f}" if row.name in reference else ""
        cells = "".join(f"{f'{r.value:.3f}':>11} {'pass' if r.passed else 'FAIL'}" for r in same)
        lines.append(f"{row.name:46}{bounds:>14}{other:>10}{cells}")
    return "\n".join(lines)


def main() -> int:
    """Print the tables; 1 when a mark was missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("generators", nargs="*", default=["vae", "gan"], help="names of generators")
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds, from 0")
    parser.add_argument("--json", action="store_true", help="for machines")
    asked = parser.parse_args()
    windows = sf.make_windows(sf.load("us-indices"), length=60)
    real, later = windows.train.x, windows.holdout.x
    reference = {row.name: row.value for row in rows(real, later, windows.names, 0.0)}
    report = {}
    for name in asked.generators:
        report[name] = [judge(name, seed, windows) for seed in range(asked.seeds)]
        if not asked.json:
            print(table(generator_class(name).title, report[name], reference), flush=True)
            print()
    if asked.json:
        plain = {
            name: [[asdict(row) | {"passed": row.passed} for row in seed] for seed in seeds]
            for name, seeds in report.items()
        }
        print(json.dumps(plain, indent=1, default=float))
    return 0 if all(row.passed for seeds in report.values() for seed in seeds for row in seed) else 1


if __name__ == "__main__":
    raise SystemExit(main())
