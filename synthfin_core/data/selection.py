"""Which part of a panel is used: columns, kinds, dates, and how often."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import pandas as pd

from synthfin_core.data.kinds import check_kind
from synthfin_core.errors import DataError, SettingError

#: How often, and pandas' name of the calendar period that is merged into one row.
PERIODS = {"day": "D", "week": "W", "month": "M"}


@dataclass(frozen=True)
class Selection:
    """Which part of a panel is used; everything when nothing is said.

    Attributes
    ----------
    columns : tuple of str or None
        The series, in this order.
    kinds : dict of str to str or None
        Kinds to use instead of the panel's own, for some columns.
    start, end : str or None
        First and last day, both included, for example ``"2009-01-02"``.
    every : str or None
        ``"day"``, ``"week"`` or ``"month"``: merge the rows of each into one.

    Raises
    ------
    SettingError
        If a date can't be read, or `every` or a kind is unknown.

    Examples
    --------
    >>> Selection(columns=["NASDAQ"], start="2009-01-02").to_dict()
    {'columns': ['NASDAQ'], 'kinds': None, 'start': '2009-01-02', 'end': None, 'every': None}
    """

    columns: tuple[str, ...] | None = None
    kinds: dict[str, str] | None = None
    start: str | None = None
    end: str | None = None
    every: str | None = None

    def __post_init__(self) -> None:
        if self.columns is not None:
            object.__setattr__(self, "columns", tuple(dict.fromkeys(str(column) for column in self.columns)))
        if self.kinds is not None:
            kinds = {str(column): check_kind(kind, str(column)) for column, kind in self.kinds.items()}
            object.__setattr__(self, "kinds", kinds or None)
        for name in ("start", "end"):
            object.__setattr__(self, name, _day(name, getattr(self, name)))
        if self.start and self.end and self.start > self.end:
            raise SettingError(f"The first day {self.start} is after the last day {self.end}: swap them.")
        if self.every is not None and self.every not in PERIODS:
            raise SettingError(f"every is {self.every!r}, expected one of {', '.join(PERIODS)}, or nothing.")

    def to_dict(self) -> dict[str, Any]:
        """The selection as plain values, ready for JSON."""
        values = dataclasses.asdict(self)
        values["columns"] = None if self.columns is None else list(self.columns)
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The selection that gave `values`.

        Raises
        ------
        SettingError
            If a name is unknown or a value is wrong.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise SettingError(f"Unknown part of a selection {unknown[0]!r}; there are {', '.join(known)}.")
        return cls(**values)


def resample(frame: pd.DataFrame, kinds: Mapping[str, str], every: str) -> tuple[pd.DataFrame, str]:
    """Merge the rows of each day, week (Monday to Sunday) or month into one, and say so.

    Prices and levels take the last value, volumes and returns are summed. In a table with open, high, low and
    close, the open is the first, the high the largest and the low the smallest. A merged row carries the date of its
    last row.

    Raises
    ------
    DataError
        If the rows have no dates.
    """
    if not isinstance(frame.index, pd.DatetimeIndex):
        raise DataError(f"Rows can't be merged by {every}, because the data have no dates: leave the rows as they are.")
    periods = frame.index.to_period(PERIODS[every])
    groups = frame.groupby(periods)
    ways = {column: _way(column, frame.columns, kinds[column]) for column in frame.columns}
    merged = pd.DataFrame(
        {c: groups[c].sum(min_count=1) if way == "sum" else groups[c].agg(way) for c, way in ways.items()}
    )
    merged.index = pd.DatetimeIndex(frame.index.to_series().groupby(periods).last())
    if len(merged) == len(frame):
        return frame, f"Merging rows by {every} changed nothing: no {every} has more than one row."
    return merged, f"Merged {len(frame)} rows by {every} into {len(merged)}."


def _way(column: str, columns: pd.Index, kind: str) -> str:
    bars = {"open": "first", "high": "max", "low": "min", "close": "last"}
    names = {str(name).lower() for name in columns}
    if kind == "price" and set(bars) <= names:
        return bars.get(column.lower(), "last")
    return "sum" if kind in ("volume", "return") else "last"


def _day(name: str, value: object) -> str | None:
    if value is None:
        return None
    try:
        return str(pd.Timestamp(value).date())  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise SettingError(f"{name} is {value!r}, expected a day such as 2009-01-02.") from error
