"""Prices by ticker symbol, from Yahoo Finance through yfinance; needs a network connection."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from synthfin_core.data.hints import counted
from synthfin_core.data.panel import Panel
from synthfin_core.errors import SettingError, SourceError

#: Columns that can be asked for, and the kind of what is in them.
FIELDS = {"Close": "price", "Open": "price", "High": "price", "Low": "price", "Volume": "volume"}
MOST_TICKERS = 50

_SYMBOL = re.compile(r"[A-Z0-9^][A-Z0-9.^=&-]{0,19}")
_OTHERS = "the bundled data sets, made-up prices and file uploads work without a network"


def load_tickers(
    tickers: Sequence[str] | str, start: str | None = None, end: str | None = None, field: str = "Close"
) -> Panel:
    """Daily history of some tickers, one column each.

    Parameters
    ----------
    tickers : sequence of str, or str
        Symbols as Yahoo Finance writes them, for example ``["AAPL", "^GSPC"]``; in one string, with spaces or commas
        between.
    start, end : str, optional
        First and last day, both included, for example ``"2010-01-04"``; all there is when left out.
    field : str
        ``"Close"`` (adjusted for splits and dividends), ``"Open"``, ``"High"``, ``"Low"`` or ``"Volume"``.

    Raises
    ------
    SettingError
        If a symbol, a day or the field can't be right.
    SourceError
        If nothing came back: no network, or no such ticker.
    """
    symbols = check_tickers(tickers)
    if field not in FIELDS:
        raise SettingError(f"field is {field!r}, expected one of {', '.join(FIELDS)}.")
    first, last = _day("start", start), _day("end", end)
    table = _download(symbols, first, last + pd.Timedelta(days=1) if last is not None else None)
    frame = _one_field(table, field, symbols)
    absent = [symbol for symbol in symbols if symbol not in frame.columns or frame[symbol].isna().all()]
    if len(absent) == len(symbols):
        raise SourceError(
            f"Yahoo Finance has nothing for {', '.join(symbols)} in that time: check the symbols and days; {_OTHERS}."
        )
    kept = [symbol for symbol in symbols if symbol not in absent]
    frame = frame[kept].dropna(how="all").sort_index()
    adjusted = "" if field == "Volume" else ", adjusted for splits and dividends"
    notes = [f"{field} of {', '.join(kept)} from Yahoo Finance{adjusted}."]
    if absent:
        notes.append(f"Nothing came for {counted(len(absent), 'ticker')}: {', '.join(absent)}.")
    return Panel(frame, dict.fromkeys(kept, FIELDS[field]), _name(kept), tuple(notes))


def check_tickers(tickers: Sequence[str] | str) -> list[str]:
    """The symbols in capitals, each once.

    Raises
    ------
    SettingError
        If there is none, one has characters that no symbol has, or there are too many.

    Examples
    --------
    >>> check_tickers("aapl, ^gspc aapl")
    ['AAPL', '^GSPC']
    """
    given = re.split(r"[\s,;]+", tickers) if isinstance(tickers, str) else list(tickers)
    symbols = list(dict.fromkeys(str(symbol).strip().upper() for symbol in given if str(symbol).strip()))
    if not symbols:
        raise SettingError("No ticker was given, expected symbols such as AAPL or ^GSPC.")
    wrong = [symbol for symbol in symbols if not _SYMBOL.fullmatch(symbol)]
    if wrong:
        raise SettingError(f"{wrong[0][:40]!r} is no ticker, expected letters, digits and . - ^ = &, such as BRK-B.")
    if len(symbols) > MOST_TICKERS:
        raise SettingError(f"{len(symbols)} tickers were given, expected at most {MOST_TICKERS}: leave some out.")
    return symbols


def _download(symbols: list[str], start: pd.Timestamp | None, end: pd.Timestamp | None) -> pd.DataFrame:
    """What yfinance gives: rows by date, columns by field and ticker."""
    try:
        import yfinance
    except ImportError as error:
        raise SourceError(f"Tickers need the package yfinance: install it; {_OTHERS}.") from error
    days = {"start": start, "end": end}
    span = {name: str(day.date()) for name, day in days.items() if day is not None} or {"period": "max"}
    try:
        table = yfinance.download(symbols, **span, auto_adjust=True, progress=False, multi_level_index=True)
    except Exception as error:  # yfinance passes on whatever the network layer raises
        raise SourceError(
            f"Yahoo Finance could not be reached ({type(error).__name__}): check the network; {_OTHERS}."
        ) from error
    if table is None or table.empty:
        raise SourceError(
            f"Nothing came from Yahoo Finance for {', '.join(symbols)}: check the symbols and the network; {_OTHERS}."
        )
    found: pd.DataFrame = table
    return found


def _one_field(table: pd.DataFrame, field: str, symbols: list[str]) -> pd.DataFrame:
    columns: Any = table.columns
    if not isinstance(columns, pd.MultiIndex):
        columns = pd.MultiIndex.from_product([table.columns, symbols[:1]])
    level = next((level for level in range(columns.nlevels) if field in columns.get_level_values(level)), None)
    if level is None:
        raise SourceError(f"Yahoo Finance sent no {field} for {', '.join(symbols)}: try again later; {_OTHERS}.")
    chosen = columns.get_level_values(level) == field
    frame: pd.DataFrame = table.loc[:, chosen].set_axis(columns.get_level_values(1 - level)[chosen], axis=1)
    index = pd.DatetimeIndex(frame.index).tz_localize(None)
    frame.index = index
    return frame.astype(float)


def _day(name: str, value: str | None) -> pd.Timestamp | None:
    if value is None:
        return None
    try:
        return pd.Timestamp(value).normalize()
    except (TypeError, ValueError) as error:
        raise SettingError(f"{name} is {value!r}, expected a day such as 2010-01-04.") from error


def _name(symbols: list[str]) -> str:
    shown = " ".join(symbols[:3])
    return shown if len(symbols) <= 3 else f"{shown} and {len(symbols) - 3} more"
