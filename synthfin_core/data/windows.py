"""Windows: runs of consecutive bars, cut from a panel and split by time before anything is fitted.

The split is chronological with an embargo: a window that would straddle the split belongs to neither side, so that
no training window shares a bar with a hold-out window. No window crosses a gap or goes from one series to another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from synthfin_core.data.panel import Panel, date_label
from synthfin_core.data.selection import Selection
from synthfin_core.errors import DataError
from synthfin_core.params import Config, param
from synthfin_core.representation import REPRESENTATIONS, representation_class

Array = NDArray[np.float64]

LEAST_TRAINING = 8
LARGEST_BYTES = 4 * 2**30
POOLED_START = 100.0  # pooled series have levels of their own, so a synthetic one starts at a round number


@dataclass(frozen=True)
class WindowSpec(Config):
    """How windows are cut from a panel."""

    length: int = param(60, "Bars in one window; 60 trading days are about a quarter.", ge=2, le=5000, unit="bars")
    stride: int = param(1, "Bars from the start of one window to the start of the next.", ge=1, le=5000, unit="bars")
    representation: str = param(
        "",
        "How numbers are scaled for the network; empty for the generator's own choice.",
        choices=("", *REPRESENTATIONS),
    )
    holdout: float = param(
        0.2, "The last share of the history, kept from training to judge by.", label="Hold-out share", ge=0.0, le=0.9
    )
    pool: bool = param(
        False, "Each column is a series of its own, and one model learns from all.", label="Pool the series"
    )

    def __post_init__(self) -> None:
        if not self.representation:  # None means the same
            object.__setattr__(self, "representation", "")
        super().__post_init__()


@dataclass(frozen=True, eq=False)
class WindowSet:
    """Windows on one side of the split.

    Attributes
    ----------
    x : ndarray (n, t, d)
        Bars in window units, for example log return, per bar.
    start : ndarray (n, d)
        Level just before a window's first bar for series held as log returns, NaN elsewhere.
    dates : ndarray (n, t)
        Date of each bar, or its row number where there are no dates.
    series : ndarray (n,)
        Which column a pooled window came from; zeros when the columns are joint.
    rows : ndarray (n,)
        Row of the window's first bar in the panel.
    """

    x: Array
    start: Array
    dates: NDArray[Any]
    series: NDArray[np.int64]
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True, eq=False)
class Windows:
    """Training and hold-out windows, and all that is needed to read them.

    Attributes
    ----------
    train, holdout : WindowSet
    names, kinds, units : tuple of str
        Of each series on the last axis; pooled windows have the one name ``"series"``.
    representation : str or None
        Name in `REPRESENTATIONS`; None for the generator's own choice.
    panel : Panel
        What the windows were cut from, missing rows left out; pooled windows leave them out series by series.
    spec : WindowSpec
    split : int
        First hold-out row of the panel.
    default_start : ndarray (d,)
        Last real level of series held as log returns, 100 when pooled, NaN elsewhere.
    """

    train: WindowSet
    holdout: WindowSet
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    units: tuple[str, ...]
    representation: str | None
    panel: Panel
    spec: WindowSpec
    split: int
    default_start: Array

    def __repr__(self) -> str:
        n, t, d = self.train.x.shape
        return f"<Windows: {n} to train on, {len(self.holdout)} held out, of {t} bars by {d} series>"

    @property
    def independent(self) -> int:
        """How many training windows do not overlap."""
        t = self.spec.length
        total = 0
        for series in np.unique(self.train.series):
            rows = self.train.rows[self.train.series == series]  # ascending
            at = 0
            while at < len(rows):
                total += 1
                at = int(np.searchsorted(rows, rows[at] + t))
        return total

    @property
    def split_date(self) -> pd.Timestamp | None:
        """Date of the first hold-out bar; None without dates or without a hold-out."""
        index = self.panel.frame.index
        return index[self.split] if self.panel.dated and self.split < len(index) else None


@dataclass(frozen=True)
class _Strip:
    """Consecutive bars without a gap."""

    series: int
    bars: Array  # (s, d)
    before: Array  # (s, d) level before each bar
    rows: NDArray[np.int64]  # (s,) row of each bar in the panel
    dates: NDArray[Any]  # (s,)

    def cut(self, starts: range, t: int) -> WindowSet:
        """Windows of `t` bars, one at each of `starts`."""
        which = slice(starts.start, starts.stop, starts.step)
        return WindowSet(
            x=sliding_window_view(self.bars, t, axis=0)[which].transpose(0, 2, 1),  # (n, t, d)
            start=self.before[which],
            dates=sliding_window_view(self.dates, t)[which],
            series=np.full(len(starts), self.series),
            rows=self.rows[which],
        )


def make_windows(
    panel: Panel,
    length: int,
    stride: int = 1,
    representation: str | None = None,
    holdout: float = 0.2,
    pool: bool = False,
) -> Windows:
    """Cut a panel into training and hold-out windows.

    Parameters
    ----------
    panel : Panel
    length : int
        Bars in a window.
    stride : int
        Bars from one window's start to the next.
    representation : str, optional
        Name in `REPRESENTATIONS`. One that is made for levels (``"min-max"``, ``"levels"``) leaves prices as they are.
    holdout : float
        Share of the rows, the last ones, from which hold-out windows are cut; 0 for none.
    pool : bool
        Each column is a series of its own (d = 1), split at the same row as the others.

    Returns
    -------
    Windows

    Raises
    ------
    SettingError
        If a setting is out of bounds.
    DataError
        If the data can't be put into window units, a series never changes, or windows are too few.

    Examples
    --------
    >>> from synthfin_core.data.sources import load_bundled
    >>> make_windows(load_bundled("mock"), length=10)
    <Windows: 192 to train on, 41 held out, of 10 bars by 5 series>
    """
    spec = WindowSpec(length, stride, representation or "", holdout, pool)
    levels = bool(spec.representation) and representation_class(spec.representation).levels
    if not spec.pool:
        panel = panel.complete()
    strips = list(_pooled(panel, levels) if spec.pool else _joint(panel, levels, 0))
    split = len(panel.frame) - round(spec.holdout * len(panel.frame))
    _check_fits(strips, spec)
    train, held = [], []
    for strip in strips:
        middle = int(np.searchsorted(strip.rows, split))
        train.append(strip.cut(range(0, max(middle - length + 1, 0), stride), length))
        held.append(strip.cut(range(middle, max(len(strip.rows) - length + 1, middle), stride), length))
    names = ("series",) if spec.pool else panel.columns
    kinds = tuple(panel.kinds[column] for column in panel.columns)[: len(names)]
    units = panel.units_of(levels)[: len(names)]
    windows = Windows(
        train=_merged(train), holdout=_merged(held), names=names, kinds=kinds, units=units,
        representation=spec.representation or None, panel=panel, spec=spec, split=split,
        default_start=_default_start(panel, units, spec.pool),
    )  # fmt: skip
    _check_enough(windows)
    return windows


def _joint(panel: Panel, levels: bool, series: int) -> Iterator[_Strip]:
    """One strip a segment, of all columns together."""
    bars, units = panel.units(levels)
    returns = np.array([unit == "log return" for unit in units])
    at = panel.frame.index.get_indexer(bars.index)
    prices = np.where(returns, panel.frame.to_numpy(), np.nan)
    before = np.vstack([np.full((1, len(units)), np.nan), prices[:-1]])
    x, dates = bars.to_numpy(), panel.frame.index.to_numpy()
    for first, last in panel.segments():
        a, b = np.searchsorted(at, [first, last])
        rows = at[a:b]
        yield _Strip(series, x[a:b], before[rows], rows, dates[rows])


def _pooled(panel: Panel, levels: bool) -> Iterator[_Strip]:
    """One strip a segment of each column, rows counted in the whole panel."""
    if panel.kind == "mixed":
        held = ", ".join(dict.fromkeys(panel.kinds.values()))
        raise DataError(f"Pooled series must be of one kind, but these are {held}: choose columns of one kind.")
    for series, column in enumerate(panel.columns):
        alone = panel.select(Selection(columns=(column,))).complete()
        rows = panel.frame.index.get_indexer(alone.frame.index)
        for strip in _joint(alone, levels, series):
            yield _Strip(series, strip.bars, strip.before, rows[strip.rows], strip.dates)


def _merged(sets: list[WindowSet]) -> WindowSet:
    """All windows in one set, as arrays of their own."""
    needed = sum(part.x.size + part.dates.size for part in sets) * 8
    if needed > LARGEST_BYTES:
        raise DataError(
            f"The windows would take {needed / 2**30:.1f} GB of memory, expected at most {LARGEST_BYTES / 2**30:.0f}: "
            "use a larger stride, a shorter window or fewer series."
        )
    fields = ("x", "start", "dates", "series", "rows")
    joined = {name: np.concatenate([getattr(part, name) for part in sets]) for name in fields}
    return WindowSet(**{name: np.ascontiguousarray(array) for name, array in joined.items()})


def _default_start(panel: Panel, units: tuple[str, ...], pool: bool) -> Array:
    returns = np.array([unit == "log return" for unit in units])
    last = np.array([POOLED_START]) if pool else panel.frame.to_numpy()[-1]
    return np.where(returns, last, np.nan)


def _check_fits(strips: list[_Strip], spec: WindowSpec) -> None:
    longest = max(len(strip.rows) for strip in strips)
    if longest < spec.length:
        where = "the data have" if len(strips) == 1 else "the longest stretch without a gap has"
        raise DataError(
            f"A window takes {spec.length} bars, but {where} only {longest}: choose a shorter window or more data."
        )


def _check_enough(windows: Windows) -> None:
    spec, n, rows = windows.spec, len(windows.train), len(windows.panel.frame)
    if n < LEAST_TRAINING:
        raise DataError(
            f"Only {n} training windows of {spec.length} bars fit into the first {windows.split} of {rows} rows, "
            f"expected at least {LEAST_TRAINING}: choose a shorter window, or a smaller stride or hold-out."
        )
    if spec.holdout and not len(windows.holdout):
        begins = date_label(windows.panel.frame.index[windows.split]) if windows.split < rows else "the end"
        raise DataError(
            f"A hold-out share of {spec.holdout:g} leaves {rows - windows.split} rows from {begins} on, but a window "
            f"takes {spec.length} bars: raise the share, choose a shorter window, or set the share to 0."
        )
    x = windows.train.x
    for series in np.unique(windows.train.series):
        mine = x[windows.train.series == series] if spec.pool else x
        for i in np.flatnonzero(np.ptp(mine, axis=(0, 1)) == 0):
            name = windows.panel.columns[series if spec.pool else i]
            raise DataError(f"{name} never changes in the training rows, expected a series that varies: leave it out.")
