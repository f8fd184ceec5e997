"""Does the scorecard tell good from bad? Seven ways to make up the S&P 500, and the verdict on each.

    python benchmarks/verdicts.py [--data sp500] [--length 60] [--stride 1] [--scores quick]

Each draws 1,000 windows. The EGARCH is the process that the noise floors come from, so it is as good as a model of
this history can be known to be; the copier hands out training windows with noise of 1e-6.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run from anywhere, installed or not

import synthfin_core as sf
from synthfin_core.data.windows import Windows
from synthfin_core.evaluation import GROUPS, draw_baseline, evaluate, measure_floors
from synthfin_core.evaluation.baselines import ORACLE
from synthfin_core.evaluation.fitted import training_rows
from synthfin_core.rng import stream

DRAWN = 1000

GAUSSIAN, BOOTSTRAP, SHUFFLED = "i.i.d. Gaussian", "i.i.d. bootstrap", "shuffled path"
REVERSED, COPIER, MEAN, EGARCH = "time reversed", "copier", "mean-printer", "EGARCH"


def made_up(windows: Windows) -> dict[str, NDArray[np.float64]]:
    """Seven data sets `(1000, t, d)`; pooled windows are not meant."""
    random = stream(0, "seven generators")
    x = windows.train.x
    chosen = x[random.integers(len(x), size=DRAWN)]
    path = random.permutation(np.concatenate(training_rows(windows.train, 0)))
    length = x.shape[1]
    starts = random.integers(len(path) - length + 1, size=DRAWN)
    return {
        GAUSSIAN: draw_baseline("gaussian", windows, DRAWN, seed=1),
        BOOTSTRAP: draw_baseline("iid-bootstrap", windows, DRAWN, seed=1),
        SHUFFLED: path[starts[:, None] + np.arange(length)],
        REVERSED: chosen[:, ::-1],
        COPIER: chosen + 1e-6 * random.standard_normal(chosen.shape),
        MEAN: np.broadcast_to(x.mean(axis=(0, 1)), chosen.shape),
        EGARCH: draw_baseline(ORACLE, windows, DRAWN, seed=1),
    }


def main() -> None:
    """Print one row for each data set."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default="sp500", help="a bundled name or a file")
    parser.add_argument("--length", type=int, default=60, help="bars in a window")
    parser.add_argument("--stride", type=int, default=1, help="bars between windows")
    parser.add_argument(
        "--scores", choices=("quick", "all"), default="quick", help="with the learned judges, or without"
    )
    asked = parser.parse_args()
    windows = sf.make_windows(sf.load(asked.data), length=asked.length, stride=asked.stride)
    begin = time.perf_counter()
    floors = measure_floors(windows, asked.scores, DRAWN)
    measured = time.perf_counter()
    report = evaluate(windows, made_up(windows), asked.scores, floors=floors)
    print(f"floors {measured - begin:.0f} s, scores {time.perf_counter() - measured:.0f} s\n")
    groups = [group for group in GROUPS if any(group in verdict.groups for verdict in report.verdicts.values())]
    print("| data | verdict | alarm | within | near | far | missing |", " | ".join(groups), "|")
    print("|---" * (7 + len(groups)) + "|")
    for data, verdict in report.verdicts.items():
        counts = (verdict.within, verdict.near, verdict.far, verdict.missing)
        words = [verdict.groups.get(group, "") for group in groups]
        print("|", " | ".join([data, verdict.word, ", ".join(verdict.flags), *map(str, counts), *words]), "|")
    print()
    print(report.ranking()[["model", "rank"]].to_string(index=False))


if __name__ == "__main__":
    main()
