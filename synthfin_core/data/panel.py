"""The panel: a dated table, one column a series, each column with its kind.

A panel is never changed. `select` gives a new one, `complete` one without missing values, `units` the bars that
windows are cut from. Every step writes what it did into `notes`, in words with counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from synthfin_core.data.kinds import KINDS, UNITS, check_kind
from synthfin_core.data.selection import Selection, resample
from synthfin_core.errors import DataError

__all__ = ["KINDS", "Panel", "Selection", "date_label"]

# Closed exchanges make short holes in any calendar; only a longer one breaks a series in two.
GAP_SPACINGS = 5
GAP_DAYS = 10


@dataclass(frozen=True, eq=False)
class Panel:
    """A dated table of series with their kinds.

    Attributes
    ----------
    frame : DataFrame
        float64 columns; an ascending `DatetimeIndex` without duplicates, or row numbers where the source had
        no dates. Values may be missing (NaN), never infinite. Never mutated.
    kinds : dict of str to str
        For each column one of ``"price"``, ``"return"``, ``"volume"``, ``"level"``.
    name : str
        What the panel is called, for example ``"us-indices"``.
    notes : tuple of str
        What was done to the data, one sentence each.

    Raises
    ------
    DataError
        If the table breaks one of these rules.
    """

    frame: pd.DataFrame
    kinds: dict[str, str]
    name: str
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        frame = _checked(self.frame)
        missing = [column for column in frame.columns if column not in self.kinds]
        if missing:
            raise DataError(f"Column {missing[0]!r} has no kind, expected one of {', '.join(KINDS)} for every column.")
        kinds = {column: check_kind(self.kinds[column], column) for column in frame.columns}
        object.__setattr__(self, "frame", frame)
        object.__setattr__(self, "kinds", kinds)
        object.__setattr__(self, "notes", tuple(self.notes))

    def __repr__(self) -> str:
        return f"<Panel {self.name!r}: {len(self.frame)} rows of {', '.join(self.columns)}>"

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the series."""
        return tuple(self.frame.columns)

    @property
    def kind(self) -> str:
        """The one kind of all columns, or ``"mixed"``."""
        kinds = set(self.kinds.values())
        return kinds.pop() if len(kinds) == 1 else "mixed"

    @property
    def dated(self) -> bool:
        """Whether rows carry dates."""
        return isinstance(self.frame.index, pd.DatetimeIndex)

    @cached_property
    def fingerprint(self) -> str:
        """Hex SHA-256 of the values, dates, column names and kinds; the name and the notes don't count."""
        digest = hashlib.sha256()
        for column in self.columns:
            digest.update(f"{len(column)}:{column}:{self.kinds[column]}\n".encode())
        index = self.frame.index
        digest.update(b"dates" if self.dated else b"rows")
        digest.update((index.asi8 if isinstance(index, pd.DatetimeIndex) else index.to_numpy(np.int64)).tobytes())
        digest.update(self.frame.to_numpy().tobytes())
        return digest.hexdigest()

    def select(self, selection: Selection) -> Panel:
        """The part of the panel that `selection` names.

        Raises
        ------
        DataError
            If a column is unknown, no row is in the date range, or dates are needed where there are none.
        """
        frame, kinds, notes = self.frame, dict(self.kinds), list(self.notes)
        if selection.kinds:
            self._require(selection.kinds)
            changed = {column: kind for column, kind in selection.kinds.items() if kinds[column] != kind}
            notes += [f"{column} is treated as {kind} instead of {kinds[column]}." for column, kind in changed.items()]
            kinds.update(changed)
        if selection.columns is not None and selection.columns != self.columns:
            self._require(dict.fromkeys(selection.columns))
            frame = frame[list(selection.columns)]
            notes.append(f"Kept {len(selection.columns)} of {len(self.columns)} columns.")
        frame = self._between(frame, selection, notes)
        if selection.every is not None:
            frame, note = resample(frame, kinds, selection.every)
            notes.append(note)
        return Panel(frame, {column: kinds[column] for column in frame.columns}, self.name, tuple(notes))

    def complete(self) -> Panel:
        """The panel without rows in which a series is missing.

        A series that begins late or ends early shortens the common range; rows missing in between are left out,
        so that a return spans them. Both are noted.

        Raises
        ------
        DataError
            If no row holds every series.
        """
        whole = ~np.isnan(self.frame.to_numpy())  # (rows, d)
        every = np.asarray(whole.all(axis=1))
        if every.all():
            return self
        if not every.any():
            raise DataError(
                f"No row holds a value for all of {', '.join(self.columns)}, expected dates that they share: "
                "leave a series out, or pool the series."
            )
        first, last = int(every.argmax()), len(every) - int(every[::-1].argmax())  # common range [first, last)
        notes = []
        if first:
            late = self._named(~whole[first - 1])
            notes.append(f"Starts at {self._label(first)}, where {late} begins ({_rows(first)} before it left out).")
        if last < len(every):
            early = self._named(~whole[last])
            left = _rows(len(every) - last)
            notes.append(f"Ends at {self._label(last - 1)}, where {early} ends ({left} after it left out).")
        inner = ~every[first:last]
        if inner.any():
            holes = (~whole[first:last]).sum(axis=0)
            counts = ", ".join(f"{c} {int(k)}" for c, k in zip(self.columns, holes, strict=True) if k)
            notes.append(f"Left out {_rows(int(inner.sum()))} in which a value is missing ({counts}).")
        return replace(self, frame=self.frame.loc[every], notes=self.notes + tuple(notes))

    def segments(self) -> list[tuple[int, int]]:
        """Row ranges ``[first, last)`` without a gap, oldest first.

        A gap is a step between neighbouring rows of more than 5 times the median step *and*, where there are
        dates, more than 10 days; where there are none, more than 10 rows.
        """
        index = self.frame.index
        if len(index) < 2:
            return [(0, len(index))]
        if isinstance(index, pd.DatetimeIndex):
            steps, least = np.diff(index.asi8), GAP_DAYS * 86_400 * 10**9
        else:
            steps, least = np.diff(index.to_numpy(np.int64)), GAP_DAYS
        edges = np.flatnonzero((steps > GAP_SPACINGS * np.median(steps)) & (steps > least)) + 1
        bounds = [0, *edges.tolist(), len(index)]
        return list(pairwise(bounds))

    def units(self, levels: bool = False) -> tuple[pd.DataFrame, tuple[str, ...]]:
        r"""The bars that windows are cut from, and the unit of each column.

        Prices become log returns per bar, :math:`r_s = \ln p_s - \ln p_{s-1}`; returns and levels stay;
        volumes become :math:`\ln(1 + v)`. Where a column holds prices, the first row of the panel and the first
        row after each gap have no return and are left out; the index keeps the dates of the others.

        Parameters
        ----------
        levels : bool
            Leave prices as they are, with unit ``"level"``.

        Raises
        ------
        DataError
            If a price is zero or negative (unless `levels`), or a volume is negative.
        """
        panel = self.complete()
        bars = {}
        for column, kind in panel.kinds.items():
            x = panel.frame[column].to_numpy()
            if kind == "price" and not levels:
                panel._refuse(column, x <= 0, "zero or negative prices", "prices above zero to take log returns of")
                bars[column] = np.diff(np.log(x), prepend=np.nan)
            elif kind == "volume":
                panel._refuse(column, x < 0, "negative volumes", "volumes of zero or more")
                bars[column] = np.log1p(x)
            else:
                bars[column] = x
        frame = pd.DataFrame(bars, index=panel.frame.index)
        names = panel.units_of(levels)
        if "log return" in names:
            frame = frame.drop(index=frame.index[[first for first, _ in panel.segments()]])
        return frame, names

    def units_of(self, levels: bool = False) -> tuple[str, ...]:
        """The unit of each column in `units`."""
        return tuple("level" if levels and kind == "price" else UNITS[kind] for kind in self.kinds.values())

    def describe(self) -> pd.DataFrame:
        """One row a series: its kind, first and last date, counts, moments and quantiles, in the data's own units."""
        table = self.frame.describe().T
        table.insert(0, "kind", pd.Series(self.kinds))
        table.insert(1, "first", [self.frame[column].first_valid_index() for column in self.columns])
        table.insert(2, "last", [self.frame[column].last_valid_index() for column in self.columns])
        table["count"] = table["count"].astype(int)
        table.insert(4, "missing", self.frame.isna().sum())
        return table

    def _require(self, columns: Mapping[str, object]) -> None:
        unknown = [column for column in columns if column not in self.kinds]
        if unknown:
            raise DataError(f"There is no column {unknown[0]!r}; the data have {', '.join(self.columns)}.")
        if not columns:
            raise DataError(f"No column was chosen, expected at least one of {', '.join(self.columns)}.")

    def _between(self, frame: pd.DataFrame, selection: Selection, notes: list[str]) -> pd.DataFrame:
        if selection.start is None and selection.end is None:
            return frame
        if not self.dated:
            raise DataError("A date range was asked for, but the data have no dates: leave the range out.")
        kept = frame.loc[selection.start : selection.end]
        if kept.empty:
            raise DataError(
                f"No row lies between {selection.start or 'the beginning'} and {selection.end or 'the end'}; "
                f"the data run from {self._label(0)} to {self._label(-1)}: choose dates within."
            )
        if len(kept) < len(frame):
            notes.append(
                f"Kept {len(kept)} of {_rows(len(frame))}, {date_label(kept.index[0])} to {date_label(kept.index[-1])}."
            )
        return kept

    def _refuse(self, column: str, bad: np.ndarray[Any, Any], came: str, expected: str) -> None:
        if bad.any():
            raise DataError(
                f"{column} holds {int(bad.sum())} {came} (first at {self._label(int(bad.argmax()))}), expected "
                f"{expected}: change its kind to level or return, or leave those rows out."
            )

    def _named(self, which: np.ndarray[Any, Any]) -> str:
        return ", ".join(column for column, hit in zip(self.columns, which, strict=True) if hit)

    def _label(self, row: int) -> str:
        return date_label(self.frame.index[row])


def date_label(label: Any) -> str:
    """A row's date as people write it, ``"2018-12-31"``; with the time where it has one; ``"row 7"`` without dates.

    Rows are counted from one, as people count them.
    """
    if isinstance(label, pd.Timestamp):
        return str(label.date()) if label == label.normalize() else label.isoformat(" ", "minutes")
    return f"row {int(label) + 1}"


def _rows(count: int) -> str:
    return f"{count} row" if count == 1 else f"{count} rows"


def _checked(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with float64 columns and a nanosecond index, or a sentence on what is wrong with it."""
    if frame.empty:
        raise DataError("The table is empty, expected at least one row and one column of numbers.")
    names = [str(column) for column in frame.columns]
    if len(set(names)) < len(names):
        raise DataError("Two columns have the same name, expected each name once: rename one.")
    index = frame.index
    if isinstance(index, pd.DatetimeIndex):
        index = index.tz_localize(None).as_unit("ns").rename("date")
    elif not pd.api.types.is_integer_dtype(index.dtype):
        raise DataError(f"The rows are labelled with {index.dtype}, expected dates or row numbers.")
    else:
        index = index.rename("row")
    if not index.is_monotonic_increasing or not index.is_unique:
        raise DataError("The rows are not in order or a date comes twice, expected ascending dates: sort them first.")
    try:
        values = frame.to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError("A column holds text, expected numbers only: leave it out.") from error
    if np.isinf(values).any():
        raise DataError(f"The table holds {int(np.isinf(values).sum())} infinite values, expected none: remove them.")
    return pd.DataFrame(values, index=index, columns=names)
