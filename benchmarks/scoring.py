"""How long the scorecard takes, and how much memory: part of `benchmarks/speed.py`.

Five runs of 2,500 windows of 60 bars by 2 series are scored against the S&P 500 and NASDAQ, first by all scores but the
learned judges, then by those; then the noise floors of the quick scores; and last, in a process of its own, 100,000
windows, for the most memory that it ever held.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run from anywhere, installed or not

import synthfin_core as sf
from synthfin_core.evaluation import BASELINES, METRICS, draw_baseline, measure_floors
from synthfin_core.evaluation.baselines import fitted_baseline

RUNS, WINDOWS, MANY = 5, 2500, 100_000
KIBIBYTES_A_GIGABYTE = 1e9 / 1024


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds of one call."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def measure() -> dict[str, float]:
    """The scorecard's times in seconds and its memory in gigabytes."""
    windows = sf.make_windows(sf.load("us-indices"), length=60)
    names = list(BASELINES)
    runs = {f"run {i}": draw_baseline(names[i % len(names)], windows, WINDOWS, seed=i) for i in range(RUNS)}
    fitted_baseline("egarch", windows)
    learned = [name for name, each in METRICS.items() if each.learned]
    found = {
        "quick scores of 5 runs": seconds(lambda: sf.evaluate(windows, runs)),
        "learned judges of 5 runs": seconds(lambda: sf.evaluate(windows, runs, learned)),
        "noise floors, quick": seconds(lambda: measure_floors(windows)),
        "noise floors, learned": seconds(lambda: measure_floors(windows, learned)),
    }
    numbers = {f"{name}, {clock} s": both[i] for name, both in found.items() for i, clock in enumerate(("wall", "cpu"))}
    return numbers | many_windows()


def many_windows() -> dict[str, float]:
    """Time and memory of scoring 100,000 windows, in a process that does nothing else."""
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _score_many() -> None:
    windows = sf.make_windows(sf.load("us-indices"), length=60)
    x = draw_baseline("gaussian", windows, MANY)
    wall, _ = seconds(lambda: sf.evaluate(windows, x))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIBIBYTES_A_GIGABYTE
    print(json.dumps({"100,000 windows, wall s": wall, "100,000 windows, most memory, GB": most}))


if __name__ == "__main__":
    _score_many()
