"""Filling a scorecard: the same call for the worker, the command line and the tests.

    windows of the setup → noise floors → baselines → runs, quick scores first, then those that train networks

Every part is written as soon as it is there, so a page shows it while the rest is computed; what is there already is
not computed again.
"""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from synthfin_core.data.windows import Windows
from synthfin_core.errors import DataError, RunNotFound, Stopped, StoreError, SynthFinError
from synthfin_core.evaluation import BASELINES, METRICS, Report, draw_baseline, evaluate
from synthfin_core.evaluation.scoring import OnProgress
from synthfin_core.store import LEVELS, Level, Scorecard, Status, Store

#: Windows drawn from each baseline, as many as a run keeps.
DRAWN = 1000

#: Each baseline is drawn with these seeds, so that its rank has an interval; learned scores are for the first one.
SEEDS = (0, 1, 2)

#: Work of the floors of a level, counted in data sets.
FLOORS_WEIGHT = 20

BEAT_EVERY = 0.5


@dataclass(frozen=True)
class Part:
    """A data set to be scored: its name in the scorecard, its samples' stamp, and how to get its windows."""

    name: str
    stamp: int
    windows: Callable[[], Any]


def baseline_part(name: str, seed: int) -> str:
    """What a baseline's draw is called in a scorecard."""
    return f"baseline-{name}-{seed}"


def fill(card: Scorecard, store: Store, should_stop: Callable[[], bool] | None = None) -> Status:
    """Compute what a scorecard lacks, in this process, and return how that ended; nothing is raised.

    Raises
    ------
    StoreError
        If another process is at it, or its folder can't be written to.
    """
    with card.claim():
        card.clear_stop()
        return fill_claimed(card, store, should_stop)


def fill_claimed(card: Scorecard, store: Store, should_stop: Callable[[], bool] | None = None) -> Status:
    """`fill` for a caller that holds the claim already."""

    def stopping() -> bool:
        return card.stop_requested() or (should_stop is not None and should_stop())

    with _Beat(card) as beat:
        try:
            windows = store.windows(card.setup)
            levels: tuple[Level, ...] = ("quick", "learned") if card.wanted.learned else ("quick",)
            for place, level in enumerate(levels):
                _fill_level(card, store, windows, level, beat.part(place / len(levels), 1 / len(levels)), stopping)
            end = Status("done", message="")
        except Stopped:
            end = Status("stopped", message="Stopped; what was scored is kept.")
        except SynthFinError as error:
            end = _failed(card, str(error))
        except Exception as error:
            what = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            end = _failed(card, f"Scoring broke off unexpectedly ({what}); details are in log.txt of the scorecard.")
    end = replace(end, seconds=beat.seconds)
    card.write_status(end)
    card.clear_stop()
    return end


def _fill_level(
    card: Scorecard,
    store: Store,
    windows: Windows,
    level: Level,
    on_progress: OnProgress,
    should_stop: Callable[[], bool],
) -> None:
    names = [each.name for each in METRICS.values() if each.learned == (level == "learned")]
    parts = [part for part in _parts(card, store, windows, level) if not card.has_part(part.name, level, part.stamp)]
    floors = card.floors(level)
    total = len(parts) + (FLOORS_WEIGHT if floors is None else 0)
    done = 0.0

    def told(weight: float) -> OnProgress:
        begin = done

        def tell(share: float, words: str) -> None:
            on_progress((begin + share * weight) / max(total, 1), words)

        return tell

    if floors is None:
        from synthfin_core.evaluation.score import measure_floors

        card.save_floors(level, measure_floors(windows, names, DRAWN, 0, told(FLOORS_WEIGHT), should_stop))
        done += FLOORS_WEIGHT
    # Data sets that are scored together share the work on the real ones; runs come first, since they are waited for.
    runs, baselines = ([part for part in parts if bool(part.stamp) == own] for own in (True, False))
    for group in [parts] if level == "learned" else [runs, baselines]:
        sets = _drawn(group)
        if sets:
            report = evaluate(windows, sets, names, on_progress=told(len(group)), should_stop=should_stop)
        for part in group:
            if part.name in sets:
                card.save_part(part.name, level, report.only(part.name), part.stamp)
        done += len(group)


def _parts(card: Scorecard, store: Store, windows: Windows, level: Level) -> list[Part]:
    """The data sets of a scorecard: the runs asked for first, then the baselines."""
    parts = []
    for run_id in card.wanted.runs:
        try:
            run = store.run(run_id)
        except RunNotFound:
            continue
        if run.samples_stamp:
            parts.append(Part(run_id, run.samples_stamp, run.samples))
    seeds = SEEDS if level == "quick" else SEEDS[:1]
    parts += [Part(baseline_part(name, seed), 0, _drawing(name, windows, seed)) for seed in seeds for name in BASELINES]
    return parts


def _drawn(parts: Sequence[Part]) -> dict[str, Any]:
    """The windows of data sets; baselines that can't be fitted to so few bars are left out."""
    drawn = {}
    for part in parts:
        with contextlib.suppress(DataError):
            drawn[part.name] = part.windows()
    return drawn


def _drawing(name: str, windows: Windows, seed: int) -> Callable[[], np.ndarray[Any, Any]]:
    return lambda: draw_baseline(name, windows, DRAWN, seed)


def collect(card: Scorecard, store: Store, titles: Mapping[str, str], models: Mapping[str, str]) -> Report | None:
    """What a scorecard holds of the data sets in `titles`, as one report; None while there is nothing.

    Parameters
    ----------
    card : Scorecard
    store : Store
    titles : dict of str to str
        Names for people, by run id or `baseline_part`, in the order of the table.
    models : dict of str to str
        The model of each data set, for the ranking's intervals.
    """
    parts = []
    floors = None
    for level in LEVELS:
        found = card.floors(level)
        floors = found if floors is None else floors if found is None else floors.merged(found)
    for name, title in titles.items():
        stamp = 0 if name.startswith("baseline-") else store.run(name).samples_stamp
        for level in LEVELS:
            part = card.part(name, level, stamp)
            if part is not None:
                parts.append(replace(part.renamed(title), models={title: models.get(name, title)}))
    return Report.merged(parts, floors) if parts else None


def _failed(card: Scorecard, message: str) -> Status:
    card.log(traceback.format_exc())
    return Status("failed", message=message)


class _Beat:
    """Writes how far the scoring is, and a sign of life twice a second from a thread of its own."""

    def __init__(self, card: Scorecard) -> None:
        self._card = card
        self._began = time.monotonic()
        self._share, self._words = 0.0, "data"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="scoring heartbeat", daemon=True)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def part(self, begin: float, share: float) -> OnProgress:
        """What tells the progress of a part of the work."""

        def tell(done: float, words: str) -> None:
            self._share, self._words = begin + share * done, words

        return tell

    def __enter__(self) -> _Beat:
        self._write()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _write(self) -> None:
        left = self.seconds * (1 - self._share) / self._share if self._share > 0.02 else None
        self._card.write_status(
            Status("running", step=int(1000 * self._share), steps=1000, message=self._words, seconds=self.seconds,
                   seconds_left=left)
        )  # fmt: skip

    def _beat(self) -> None:
        while not self._over.wait(BEAT_EVERY):
            try:
                self._write()
            except StoreError as error:
                self._card.log(str(error))
