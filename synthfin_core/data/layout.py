"""From a table of named columns to a frame of series over time: where the dates are, wide or long, total rows."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from synthfin_core.data.cells import MISSING, without_empty
from synthfin_core.data.dates import looks_like_time, named_like_date, parse_dates, share_of_dates
from synthfin_core.data.hints import NO_DATES, Findings, counted
from synthfin_core.data.numbers import Numbers, decide_decimal, looks_like_number, parse_numbers
from synthfin_core.errors import DataError

_TOTAL = re.compile(r"\b(grand total|total|totals|sum|subtotal|average|avg|mean|gesamt|summe|suma|somme)\b", re.I)
_SERIES_NAME = re.compile(
    r"\b(ticker|tickers|symbol|asset|series|isin|cusip|permno|ric|instrument|security|stock|name|id)\b"
)
_VALUE_NAMES = ("adj close", "adjusted close", "adj_close", "close", "price", "value", "last")
_SAMPLE = 200


def series_over_time(table: pd.DataFrame, separator: str, found: Findings) -> pd.DataFrame:
    """The table's numbers as float64 columns, its dates as the index, in the file's order.

    Parameters
    ----------
    table : DataFrame
        Named columns of text, numbers or dates.
    separator : str
        What separated the cells in a text file; semicolons hint at a decimal comma and days first.
    found : Findings
        Takes notes and questions.

    Raises
    ------
    DataError
        If no column holds numbers, or an answer names a column that is not there.
    """
    table, hollow = _filled(table, found)
    column = _date_column(table, found)
    dates = None
    if column is not None:
        dates = parse_dates(table[column], column, separator in (";", "\t"), found)
        table = table.drop(columns=column)
        table, dates = _with_times(table, dates, found)
    table, dates = _without_totals(table, dates, found) if dates is not None else (table, None)
    numbers, text = _numbers(table, separator, found)
    if dates is not None:
        wide = _from_long(numbers, text, dates, found)
        if wide is not None:
            return wide
    if not numbers and not text and hollow:
        raise DataError(f"Every value of {', '.join(hollow)} is missing, expected numbers: check the file.")
    if not numbers:
        shown = ", ".join(f"{name} with {_example(column)!r}" for name, column in list(text.items())[:3])
        raise DataError(
            f"No column holds numbers ({shown or 'only dates were found'}), expected at least one: check the file."
        )
    if text:
        found.note(f"Left out {counted(len(text), 'column')} without numbers: {', '.join(text)}.")
    frame = pd.DataFrame(numbers)
    if dates is None:
        found.note("There are no dates; rows are taken in the file's order, oldest first.")
        return _without_sum(frame, text, found)
    frame.index = pd.DatetimeIndex(dates)
    return frame


def _filled(table: pd.DataFrame, found: Findings) -> tuple[pd.DataFrame, list[str]]:
    """The table without columns and rows that hold nothing, and the names of such columns."""
    filled, hollow, rows = without_empty(table)
    named = [name for name in hollow if not re.fullmatch(r"Column \d+", name)]
    if not len(filled.columns):
        raise DataError("Every cell of the table is missing, expected at least one column of numbers: check the file.")
    if named:
        found.note(f"Left out {counted(len(named), 'column')} without a single value: {', '.join(named)}.")
    if rows:
        found.note(f"Left out {counted(rows, 'empty row')}.")
    return filled, named


def _date_column(table: pd.DataFrame, found: Findings) -> str | None:
    shares = {name: share_of_dates(table[name], name) for name in table.columns}
    able = [name for name, share in shares.items() if share >= (0.5 if named_like_date(name) else 0.8)]
    wanted = found.hints.date_column
    if wanted not in (None, NO_DATES) and wanted not in table.columns:
        raise DataError(f"There is no column {wanted!r} to take dates from; the file has {', '.join(table.columns)}.")
    if len(able) > 1:
        named = [name for name in able if named_like_date(name)]
        if len(named) != 1:
            text = "More than one column holds dates. Which are the dates of the rows?"
            answer = found.ask("date_column", text, (*able, NO_DATES), (named or able)[0])
            return None if answer == NO_DATES else answer
        able = named
    if wanted is not None:
        return None if wanted == NO_DATES else wanted
    return able[0] if able else None


def _with_times(table: pd.DataFrame, dates: pd.Series[Any], found: Findings) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """Dates with the time of day, where that is in a column of its own."""
    if bool((dates.dropna() != dates.dropna().dt.normalize()).any()):
        return table, dates
    for name in table.columns:
        sample = [str(cell) for cell in table[name].iloc[:_SAMPLE]]
        if np.mean([looks_like_time(cell) for cell in sample]) > 0.8:
            clock = table[name].astype(str).str.strip().str.replace(r"^(\d{1,2}:\d{2})$", r"\1:00", regex=True)
            found.note(f"Took the time of day from {name}.")
            return table.drop(columns=name), dates + pd.to_timedelta(clock, errors="coerce")
    return table, dates


def _without_totals(table: pd.DataFrame, dates: pd.Series[Any], found: Findings) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """Rows that have a date; the others are totals, footnotes or damaged."""
    undated = dates.isna().to_numpy()
    if not undated.any():
        return table, dates
    if undated.all():
        raise DataError("No row has a date that can be read, expected dates such as 2018-12-31: check that column.")
    first = len(undated) - int(undated[::-1].argmin())  # undated rows at the end begin here
    at_end = len(undated) - first
    if at_end:
        what = "that looks like a total" if at_end == 1 else "that look like totals or footnotes"
        found.note(f"Dropped {counted(at_end, 'row')} at the end {what}.")
    inner = int(undated.sum()) - at_end
    if inner:
        found.note(f"Dropped {counted(inner, 'row')} whose date is missing or can't be read.")
    return table.loc[~undated].reset_index(drop=True), dates[~undated].reset_index(drop=True)


def _without_sum(frame: pd.DataFrame, text: dict[str, pd.Series[Any]], found: Findings) -> pd.DataFrame:
    """Rows without dates, less a last one that is called a total or is the sum of all others."""
    if len(frame) < 4:
        return frame
    last = frame.iloc[-1].to_numpy()
    sums = np.nansum(frame.iloc[:-1].to_numpy(), axis=0)
    called = any(_TOTAL.search(str(column.iloc[-1])) for column in text.values())
    summed = np.allclose(last, sums, rtol=1e-6, atol=0.0) and bool(np.all(sums != 0))
    if not (called or summed):
        return frame
    found.note("Dropped 1 row at the end that looks like a total.")
    return frame.iloc[:-1]


def _numbers(table: pd.DataFrame, separator: str, found: Findings) -> tuple[dict[str, Any], dict[str, pd.Series[Any]]]:
    """The columns that hold numbers, and those that hold text."""
    written = [name for name in table.columns if not pd.api.types.is_numeric_dtype(table[name].dtype)]
    step = max(len(table) // _SAMPLE, 1)
    sample = (str(cell) for name in written for cell in table[name].iloc[::step])
    decimal = decide_decimal(sample, separator, found)
    numbers: dict[str, Any] = {}
    text: dict[str, pd.Series[Any]] = {}
    for name in table.columns:
        column = table[name]
        if pd.api.types.is_bool_dtype(column.dtype):
            text[name] = column
        elif name not in written:
            values = column.to_numpy(dtype=np.float64, na_value=np.nan)
            infinite = int(np.isinf(values).sum())
            if infinite:
                verb = "counts" if infinite == 1 else "count"
                found.note(f"{counted(infinite, 'infinite value')} of {name} {verb} as missing.")
            numbers[name] = np.where(np.isinf(values), np.nan, values)
        else:
            read = parse_numbers(column, decimal) if _mostly_numbers(column) else None
            if read is None or read.share_read < 0.5:
                text[name] = column
            else:
                numbers[name] = read.values
                _note_numbers(name, column, read, found)
    if decimal == "," and numbers:
        found.note("Read numbers with a decimal comma.")
    return numbers, text


def _mostly_numbers(column: pd.Series[Any]) -> bool:
    """Whether a few of the filled cells are numbers; spares reading a long column of names as numbers."""
    filled = [str(cell) for cell in column.iloc[:: max(len(column) // _SAMPLE, 1)]]
    filled = [cell for cell in filled if cell.strip().lower() not in MISSING]
    return not filled or bool(np.mean([looks_like_number(cell) for cell in filled]) >= 0.4)


def _note_numbers(name: str, column: pd.Series[Any], read: Numbers, found: Findings) -> None:
    if read.percent:
        found.note(f"Read {counted(read.percent, 'percentage')} of {name} as shares: 1 % is 0.01.")
    if read.currency:
        found.note(f"Left out the currency in {counted(read.currency, 'cell')} of {name}.")
    unread = int(read.unread.sum())
    if unread:
        shown = str(column[read.unread].iloc[0])[:40]
        verb = "counts" if unread == 1 else "count"
        found.note(
            f"{counted(unread, 'cell')} of {name} can't be read as a number (first: {shown!r}) and {verb} as missing."
        )


def _from_long(
    numbers: dict[str, Any], text: dict[str, pd.Series[Any]], dates: pd.Series[Any], found: Findings
) -> pd.DataFrame | None:
    """One column a series, from a table with one row for each date and series; None when it is no such table."""
    names = _series_names(numbers, text)
    repeated = bool(dates.duplicated().any())
    if names is None or found.hints.layout == "wide" or not (repeated or found.hints.layout == "long"):
        return None
    key, labels = names
    if labels.nunique() < 2:
        return None
    pairs = pd.DataFrame({"date": dates, "series": labels})
    twice = pairs.duplicated(keep="last").to_numpy()
    if twice.mean() > 0.02:
        text_ = f"Dates repeat, and {key} has several names. Is there one row for each date and {key}?"
        if found.ask("layout", text_, ("long", "wide"), "long" if twice.mean() < 0.5 else "wide") == "wide":
            return None
    values = [name for name in numbers if name != key]
    if not values:
        return None
    value = values[0]
    if len(values) > 1:
        guess = next((v for want in _VALUE_NAMES for v in values if v.lower() == want), values[0])
        value = found.ask(
            "value_column", f"Each {key} has several columns of numbers. Which one?", tuple(values), guess
        )
    if twice.any():
        found.note(f"Dropped {counted(int(twice.sum()), 'row')} with the same date and {key} as a later one.")
    wide = pairs.assign(value=numbers[value])[~twice].pivot(index="date", columns="series", values="value")
    found.held = value
    found.note(
        f"Turned {counted(len(dates), 'row')} of {value} by date and {key} into {counted(wide.shape[1], 'column')}."
    )
    return wide.set_axis([str(name) for name in wide.columns], axis=1)


def _series_names(numbers: dict[str, Any], text: dict[str, pd.Series[Any]]) -> tuple[str, pd.Series[Any]] | None:
    """The column that says which series a row belongs to: one with a fitting name, else the first of text."""
    values = {name: np.asarray(column, dtype=np.float64) for name, column in numbers.items()}
    numbered = [name for name, x in values.items() if np.array_equal(x, np.round(x), equal_nan=True)]  # ids, no prices
    for name in [*text, *numbered]:
        if _SERIES_NAME.search(re.sub(r"[^a-z]+", " ", name.lower())):
            column = text[name] if name in text else pd.Series(numbers[name]).astype("Int64")
            return name, column.astype(str).str.strip()
    for name, column in text.items():
        return name, column.astype(str).str.strip()
    return None


def _example(column: pd.Series[Any]) -> str:
    return str(column.iloc[0])[:40] if len(column) else ""
