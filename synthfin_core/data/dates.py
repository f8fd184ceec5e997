"""Dates as people write them, and whether the day or the month comes first."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthfin_core.data.cells import arrow_text
from synthfin_core.data.hints import Findings

_SAMPLE = 400
_YEARS = (1800, 2200)
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_NAMES = re.compile(r"\b(date|dates|datetime|day|time|timestamp|datum|fecha|data|month|year|period|week)\b")

# Each shape of a date and the formats that may be behind it; times are tried behind each.
_SHAPES: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"\d{4}-\d{1,2}-\d{1,2}\b.*"), ("%Y-%m-%d",)),
    (re.compile(r"\d{4}/\d{1,2}/\d{1,2}\b.*"), ("%Y/%m/%d",)),
    (re.compile(r"\d{4}\.\d{1,2}\.\d{1,2}\b.*"), ("%Y.%m.%d",)),
    (re.compile(r"\d{4}-\d{1,2}"), ("%Y-%m",)),
    (re.compile(r"\d{4}/\d{1,2}"), ("%Y/%m",)),
    (re.compile(r"\d{1,2}/\d{4}"), ("%m/%Y",)),
    (re.compile(r"\d{8}\b.*"), ("%Y%m%d",)),
    (re.compile(rf"\d{{1,2}}[- ](?:{_MONTHS})[a-z]*\.?[- ,]+\d{{2,4}}\b.*", re.I),
     ("%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%d-%B-%Y", "%d %b %y", "%d %b, %Y", "%d %B, %Y")),
    (re.compile(rf"(?:{_MONTHS})[a-z]*\.? \d{{1,2}},? \d{{4}}\b.*", re.I),
     ("%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y")),
    (re.compile(rf"(?:{_MONTHS})[a-z]*[- ]\d{{2,4}}", re.I), ("%b-%y", "%b-%Y", "%b %Y", "%B %Y", "%b %y", "%B-%Y")),
)  # fmt: skip
_NUMERIC = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|\d{2})\b(.*)")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %H%M%S")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?")
_ZONE = r"(?: ?(?:[+-]\d{2}:?\d{2}|Z|UTC|GMT|[A-Z]{3,4}T))$"


def named_like_date(name: str) -> bool:
    """Whether a column is called what columns of dates are called."""
    words = re.sub(r"[^a-z]+", " ", name.lower()).strip()
    return _NAMES.search(words) is not None


def looks_like_date(cell: str) -> bool:
    """Whether a cell is a date in some notation; eight digits alone count as a number.

    Examples
    --------
    >>> [looks_like_date(cell) for cell in ("31.12.2018", "Jan 2, 2020", "20200102", "Asset 1")]
    [True, True, False, False]
    """
    cell = cell.strip().replace("T", " ")
    if cell.isdigit():
        return False
    return _NUMERIC.fullmatch(cell) is not None or any(shape.fullmatch(cell) for shape, _ in _SHAPES)


def looks_like_time(cell: str) -> bool:
    """Whether a cell is a time of day, for example ``"15:30"``."""
    return _CLOCK.fullmatch(cell.strip()) is not None


def share_of_dates(column: pd.Series[Any], name: str) -> float:
    """Share of a column's filled cells that can be read as dates, on a sample of them."""
    if isinstance(column.dtype, pd.DatetimeTZDtype) or pd.api.types.is_datetime64_dtype(column.dtype):
        return 1.0
    if pd.api.types.is_float_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        return 0.0
    cells = _sampled(_cleaned(column.iloc[np.unique(np.linspace(0, len(column) - 1, 2 * _SAMPLE).astype(int))]))
    if not any(looks_like_date(cell) or cell.isdigit() for cell in cells[:50]):
        return 0.0
    dates = _read(pd.Series(cells), cells, name, day_first=True)
    other = _read(pd.Series(cells), cells, name, day_first=False)
    return float(max(dates.notna().mean(), other.notna().mean()))


def parse_dates(column: pd.Series[Any], name: str, day_first_likely: bool, found: Findings) -> pd.Series[Any]:
    """Read a column as dates, `NaT` where a cell holds none; wall time is kept and time zones are dropped.

    Parameters
    ----------
    column : Series
        Text, or dates already.
    name : str
        The column's name; plain numbers are dates only under a name that says so.
    day_first_likely : bool
        What to assume where 03/04/2020 stays open.
    found : Findings
        Takes the question whether the day or the month comes first.
    """
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        naive: pd.Series[Any] = column.dt.tz_localize(None)
        return naive
    if pd.api.types.is_datetime64_dtype(column.dtype):
        return column
    text = _cleaned(column)
    sample = _sampled(text)
    first = any(_NUMERIC.fullmatch(cell) for cell in sample) and _day_first(text, sample, day_first_likely, found)
    return _read(text, sample, name, day_first=first)


def _day_first(text: pd.Series[Any], sample: Sequence[str], likely: bool, found: Findings) -> bool:
    """Whether 03/04/2020 is in April: by a number above twelve, else by what gives an ordered table, else asked."""
    one, two = _leading_numbers(text)  # both (rows,)
    above = int((one > 12).sum()), int((two > 12).sum())
    if any(above):
        decided = above[0] > above[1]  # both at once can't be right; the majority is
        return found.hints.date_order == "day first" if found.hints.date_order else decided
    ordered = {order: _ordered(_read(text, sample, "date", day_first=order)) for order in (True, False)}
    if found.hints.date_order is None and ordered[True] != ordered[False]:
        return ordered[True]
    guess = "day first" if likely or "." in sample[0] else "month first"
    telling = np.flatnonzero((one != two) & ~np.isnan(one))
    shown = text.iloc[telling[0]] if telling.size else sample[0]
    question = f"Dates such as {shown} can be read in two ways. Does the day or the month come first?"
    return found.ask("date_order", question, ("day first", "month first"), guess) == "day first"


def _leading_numbers(text: pd.Series[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The first and the second number of dates such as 03/04/2020, NaN elsewhere."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = pc.extract_regex(arrow_text(text), r"^(?P<one>\d{1,2})[-/. ](?P<two>\d{1,2})[-/. ]\d{2}")
    one, two = (pc.cast(pc.struct_field(parts, name), pa.float64()).to_numpy() for name in ("one", "two"))
    return one, two


def _ordered(dates: pd.Series[Any]) -> bool:
    held = dates.dropna()
    return bool(held.is_monotonic_increasing or held.is_monotonic_decreasing)


def _read(text: pd.Series[Any], sample: Sequence[str], name: str, day_first: bool) -> pd.Series[Any]:
    if not sample:
        return pd.Series(pd.NaT, index=text.index, dtype="datetime64[ns]")
    if sum(cell.isdigit() for cell in sample) > len(sample) / 2:
        return _from_digits(text, sample, name)
    best, hits = None, 0
    cells = pd.Series(sample)
    for form in _formats(sample, day_first):
        read = int(_strict(cells, form).notna().sum())
        if read > hits:
            best, hits = form, read
        if read == len(sample):
            break
    if best is None:
        return pd.Series(pd.NaT, index=text.index, dtype="datetime64[ns]")
    dates = _strict(text, best)
    if best.startswith("%Y-%m-%d"):  # days with and without a time in one column
        rest = dates.isna() & text.ne("")
        if rest.any():
            dates = dates.where(~rest, _strict(text.where(rest, ""), "ISO8601"))
    return dates


def _formats(sample: Sequence[str], day_first: bool) -> list[str]:
    bases: dict[str, None] = {}
    for cell in sample:
        numeric = _NUMERIC.fullmatch(cell)
        if numeric is not None:
            separator, year = numeric.group(2), "%Y" if len(numeric.group(4)) == 4 else "%y"
            order = ("%d", "%m") if day_first else ("%m", "%d")
            bases[separator.join((*order, year))] = None
        else:
            shapes = (formats for shape, formats in _SHAPES if shape.fullmatch(cell))
            bases.update(dict.fromkeys(form for formats in shapes for form in formats))
    times = _TIMES if any(":" in cell or " " in cell for cell in sample) else ("",)
    return [base + time for base in bases for time in times]


def _from_digits(text: pd.Series[Any], sample: Sequence[str], name: str) -> pd.Series[Any]:
    """Dates written as plain digits: 20200102 anywhere; seconds, spreadsheet days and years under a fitting name."""
    none = pd.Series(pd.NaT, index=text.index, dtype="datetime64[ns]")
    digits = {len(cell) for cell in sample if cell.isdigit()}
    if digits == {8}:
        dates = _strict(text, "%Y%m%d")
        plausible = dates.dropna().dt.year.between(*_YEARS)
        return dates if bool(plausible.all()) and dates.notna().mean() > 0.5 else none
    if not named_like_date(name):
        return none
    numbers = pd.to_numeric(text, errors="coerce")
    if digits == {4} and bool(numbers.dropna().between(*_YEARS).all()):
        return _strict(text, "%Y")
    if digits == {5} and bool(numbers.dropna().between(15_000, 80_000).all()):  # days as spreadsheets count them
        return pd.to_datetime(numbers, unit="D", origin="1899-12-30", errors="coerce")
    if digits <= {9, 10}:
        return pd.to_datetime(numbers, unit="s", errors="coerce")
    if digits <= {12, 13}:
        return pd.to_datetime(numbers, unit="ms", errors="coerce")
    return none


def _strict(text: pd.Series[Any], form: str) -> pd.Series[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pd.to_datetime(text, format=form, errors="coerce")


def _cleaned(column: pd.Series[Any]) -> pd.Series[Any]:
    """Text without spaces around it, time zones and the letter between day and time."""
    import pyarrow.compute as pc

    text = arrow_text(column)
    if pc.any(pc.match_substring(text, ":")).as_py():
        text = pc.replace_substring_regex(text, r"^(\S+)T(\d)", r"\1 \2")
        text = pc.replace_substring_regex(text, _ZONE, "")
    return pd.Series(text.to_pandas().array, index=column.index, dtype="str")


def _sampled(text: pd.Series[Any]) -> list[str]:
    """Some of the filled cells, spread over the column."""
    filled = text[text.ne("")]
    if filled.empty:
        return []
    at = np.unique(np.linspace(0, len(filled) - 1, min(len(filled), _SAMPLE)).astype(int))
    return [str(cell) for cell in filled.iloc[at]]
