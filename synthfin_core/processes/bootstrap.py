r"""History replayed: whole rows drawn again, in blocks of random length.

Block lengths are geometric with mean `b` (Politis and Romano, *The stationary bootstrap*, JASA 1994): each bar follows
the one before it with probability `1 - 1/b` and jumps to a bar at random otherwise. At the end of a strip a block goes
on at the strip's beginning, which makes each bar equally likely everywhere.

`b` is chosen by Politis and White (2004, corrected 2009) on *squared* deviations. On returns themselves the rule gives
a few days, because returns are hardly autocorrelated, and such blocks cut volatility clustering to pieces.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core.errors import SettingError
from synthfin_core.processes.base import Array, State, checked
from synthfin_core.rng import stream

MOST_OF_STRIP = 1 / 3  # a longer block would make most paths the same history
LEAST_TO_CHOOSE = 10  # the rule looks at more than five lags


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Stationary block bootstrap of rows; with `block = 1` each row is drawn by itself.

    Attributes
    ----------
    rows : ndarray (s, d)
        All strips one after another.
    lengths : ndarray (strips,)
        Bars of each strip.
    block : float
        Mean block length, in bars.
    """

    rows: Array
    lengths: NDArray[np.int64]
    block: float

    @classmethod
    def fit(cls, strips: Sequence[Array], block: float | None = None) -> Self:
        """Keep strips `(s, d)`, and choose a mean block length where `block` names none.

        Raises
        ------
        DataError
            If the strips can't be used, see `synthfin_core.processes.base.checked`.
        SettingError
            If `block` is shorter than one bar.
        """
        arrays = checked(strips)
        if block is not None and not 1 <= block < np.inf:
            raise SettingError(f"block is {block!r}, expected a mean length of at least 1 bar.")
        chosen = suitable_block(max(arrays, key=len)) if block is None else float(block)
        return cls(np.concatenate(arrays), np.array([len(array) for array in arrays]), chosen)

    def simulate(self, bars: int, paths: int, seed: int) -> Array:
        """Paths `(paths, bars, d)` made of real rows; path `i` depends on `(seed, i)` alone."""
        return self.rows[self.positions(bars, paths, seed)]

    def positions(self, bars: int, paths: int, seed: int) -> NDArray[np.int64]:
        """Which row stands where: `(paths, bars)`."""
        jumps = stream(seed, "bootstrap jumps").random((paths, bars)) < 1 / self.block
        jumps[:, :1] = True
        targets = stream(seed, "bootstrap targets").integers(len(self.rows), size=(paths, bars))
        time = np.arange(bars)
        began = np.maximum.accumulate(np.where(jumps, time, 0), axis=1)  # (paths, bars) start of the block
        start = np.take_along_axis(targets, began, axis=1)
        first = np.repeat(np.cumsum(self.lengths) - self.lengths, self.lengths)[start]  # of the strip
        length = np.repeat(self.lengths, self.lengths)[start]
        position: NDArray[np.int64] = first + (start - first + time - began) % length
        return position

    def state(self) -> State:
        """`rows`, `lengths`, `block`."""
        return {"rows": self.rows.copy(), "lengths": self.lengths.copy(), "block": np.array(self.block)}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """From `rows`, `lengths`, `block`."""
        return cls(np.array(state["rows"]), np.array(state["lengths"]), float(state["block"]))


def suitable_block(strip: Array) -> float:
    """Mean block length, in bars, for a strip `(s, d)`: that of its squared deviations, averaged over the series."""
    from arch.bootstrap import optimal_block_length

    deviations = strip - strip.mean(axis=0)
    variances = deviations.var(axis=0)
    moving = deviations[:, variances > 0] ** 2 / variances[variances > 0]
    if len(strip) < LEAST_TO_CHOOSE or moving.shape[1] == 0:
        return 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = float(optimal_block_length(moving.mean(axis=1))["stationary"].iloc[0])
    if not np.isfinite(found):
        return 1.0
    return float(np.clip(found, 1.0, max(MOST_OF_STRIP * len(strip), 1.0)))
