"""A data set on its way through the scores: what is computed from it alone is computed once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synthfin_core.evaluation.metric import Array

if TYPE_CHECKING:
    from synthfin_core.data.windows import Windows

DAYS_A_YEAR = 365.25
DAILY = 252.0


class DataSet:
    """Windows, with what scores have prepared from them.

    Parameters
    ----------
    x : ndarray (n, t, d)
        The windows that scores see.
    whole : ndarray (N, t, d), optional
        All windows there are, for the scores that want them; `x` when None.
    """

    def __init__(self, x: Array, whole: Array | None = None) -> None:
        self.x = x
        self.whole = x if whole is None else whole
        self._made: dict[tuple[Any, tuple[int, ...], bool], Any] = {}
        self._lock = threading.RLock()

    def view(self, columns: tuple[int, ...], whole: bool = False) -> Array:
        """The windows with these series only."""
        x = self.whole if whole else self.x
        if len(columns) == x.shape[2]:
            return x
        found: Array = self._once((None, columns, whole), lambda: np.ascontiguousarray(x[:, :, list(columns)]))
        return found

    def prepared(self, make: Callable[[Array], Any], columns: tuple[int, ...], whole: bool = False) -> Any:
        """What `make` finds in the windows with these series; kept, and shared by all who ask for the same."""
        return self._once((make, columns, whole), lambda: make(self.view(columns, whole)))

    def _once(self, key: tuple[Any, tuple[int, ...], bool], work: Callable[[], Any]) -> Any:
        with self._lock:  # threads that score against the same real data wait for each other instead of both working
            if key not in self._made:
                self._made[key] = work()
            return self._made[key]


@dataclass(frozen=True)
class Frame:
    """What all data sets of one evaluation have in common.

    Attributes
    ----------
    names, kinds : tuple of str
        Of the series; windows of levels have the kind "level", whatever the panel holds.
    bars_per_year : float
    seed : int
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    bars_per_year: float = DAILY
    seed: int = 0


@dataclass(frozen=True)
class Pair:
    """What one data set is scored against, and with."""

    real: DataSet
    synthetic: DataSet
    holdout: DataSet | None = None
    control: DataSet | None = None


def frame_of(windows: Windows, seed: int = 0) -> Frame:
    """The frame of an evaluation against these windows."""
    kinds = tuple("level" if unit == "level" else kind for unit, kind in zip(windows.units, windows.kinds, strict=True))
    return Frame(tuple(windows.names), kinds, bars_per_year(windows), seed)


def bars_per_year(windows: Windows) -> float:
    """Bars in a year by the panel's own dates; 252 where there are none."""
    index = windows.panel.frame.index
    if not windows.panel.dated or len(index) < 2:
        return DAILY
    years = (index[-1] - index[0]).total_seconds() / (DAYS_A_YEAR * 86400)
    return float((len(index) - 1) / years) if years > 0 else DAILY
