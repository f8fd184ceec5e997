"""A classical process fitted to the user's own series, simulated and cut into windows exactly as they are.

An AR-EGARCH fitted so is the oracle: its every path is a perfect sample by construction, and what one path scores
against the others is noise and nothing else. That says how good *good* can be on data of this length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from synthfin_core.errors import DataError
from synthfin_core.evaluation.dataset import Frame
from synthfin_core.evaluation.metric import Array
from synthfin_core.processes.base import Process
from synthfin_core.rng import integer_seed, stream

if TYPE_CHECKING:
    from synthfin_core.data.windows import Windows, WindowSet

#: A process needs this many bars.
LEAST_BARS = 60

#: Pooled series share this many processes at most.
MOST_PROCESSES = 6


@dataclass(frozen=True)
class Path:
    """One history of the process, cut exactly as the real one: `train (n, t, d)` and `holdout (h, t, d)` windows."""

    train: Array
    holdout: Array


@dataclass(frozen=True)
class FittedProcess:
    """Processes fitted to the training rows of some windows.

    Attributes
    ----------
    windows : Windows
    processes : list of Process
        One for joint series; for pooled ones up to six, which the series share in turn.
    levels : ndarray of bool (d,)
        Series of levels, whose steps are what the process makes.
    """

    windows: Windows
    processes: list[Process]
    levels: Array

    @classmethod
    def fit(cls, windows: Windows, frame: Frame, fit: Callable[[Sequence[Array]], Process]) -> FittedProcess:
        """Fit a process to the training rows; `fit` takes stretches `(s, d)` of consecutive bars.

        Raises
        ------
        DataError
            If there are fewer than 60 training bars.
        """
        levels = np.array([kind == "level" for kind in frame.kinds])
        series = np.unique(windows.train.series)
        chosen = series[:: -(-len(series) // MOST_PROCESSES)]
        processes = []
        for each in chosen:
            strips = [_steps(strip, levels) for strip in training_rows(windows.train, each)]
            bars = sum(map(len, strips))
            if bars < LEAST_BARS:
                raise DataError(
                    f"The training data have {bars} bars, expected at least {LEAST_BARS} to fit a process to: "
                    "load a longer history."
                )
            processes.append(fit(strips))
        return cls(windows, processes, levels)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader has to know of the processes: which series had to be simplified."""
        said = (getattr(process, "fallback", "") for process in self.processes)
        remarks = [f"The process behind the noise floors: {each}" for each in said if each]
        if self.levels.any():
            remarks.append(
                "Levels wander, so perfect samples of them differ widely and floors are wide: prefer returns."
            )
        return tuple(dict.fromkeys(remarks))

    def paths(self, count: int, seed: int = 0) -> list[Path]:
        """Histories as long as the real one, cut into windows as the real one is."""
        train = self.windows.train
        pieces = [self._histories(each, place, count, seed) for place, each in enumerate(np.unique(train.series))]
        return [Path(*(np.concatenate([piece[p][side] for piece in pieces]) for side in (0, 1))) for p in range(count)]

    def draw(self, n: int, seed: int = 0) -> Array:
        """`n` windows `(n, t, d)`, each from a history of its own."""
        t, d = self.windows.train.x.shape[1:]
        share = -(-n // len(self.processes))
        drawn = [
            self._levelled(process.simulate(t, share, integer_seed(seed, f"windows {i}")), seed)
            for i, process in enumerate(self.processes)
        ]
        return np.concatenate(drawn)[:n].reshape(n, t, d)

    def _histories(self, series: int, place: int, count: int, seed: int) -> list[tuple[Array, Array]]:
        """For each path, training and hold-out windows of one series (or of all joint ones)."""
        train, holdout = self.windows.train, self.windows.holdout
        t = train.x.shape[1]
        rows = [each.rows[each.series == series] if len(each) else np.array([], dtype=int) for each in (train, holdout)]
        first, last = min(r.min() for r in rows if r.size), max(r.max() for r in rows if r.size) + t
        process = self.processes[place % len(self.processes)]
        bars = self._levelled(process.simulate(last - first, count, integer_seed(seed, f"history {series}")), seed)
        steps = np.arange(t)
        return [(path[rows[0][:, None] - first + steps], path[rows[1][:, None] - first + steps]) for path in bars]

    def _levelled(self, bars: Array, seed: int) -> Array:
        """Series of levels are the steps added up, from a level that was seen."""
        if not self.levels.any():
            return bars
        seen = self.windows.train.x[:, 0]
        start = seen[stream(seed, "levels").integers(len(seen), size=len(bars))]  # (paths, d)
        return np.where(self.levels, start[:, None] + np.cumsum(bars, axis=1), bars)


def training_rows(train: WindowSet, series: int) -> list[Array]:
    """The bars that the windows of one series (or of all joint ones) were cut from, `(s, d)` a stretch."""
    mine = train.series == series
    x, rows, dates = train.x[mine], train.rows[mine], train.dates[mine]
    days, place = np.unique(dates, return_inverse=True)
    place = place.reshape(dates.shape)  # (n, t); rows would not do, where a pooled series lacks a few
    bars = np.empty((len(days), x.shape[2]))
    bars[place] = x
    follows = np.zeros(len(days), dtype=bool)
    follows[place[:, 1:]] = True
    apart = np.diff(rows)
    if len(rows) > 1 and apart.min() == x.shape[1]:  # windows side by side; where they overlap, they tell of gaps
        follows[place[1:, 0]] |= apart == x.shape[1]
    return np.split(bars, np.flatnonzero(~follows)[1:])


def _steps(strip: Array, levels: Array) -> Array:
    """A stretch with its series of levels turned into steps."""
    if not levels.any():
        return strip
    return np.where(levels, np.diff(strip, axis=0), strip[1:])
