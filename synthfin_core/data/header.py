"""From a grid of cells to named columns: header rows, field and ticker levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from synthfin_core.data.cells import MISSING
from synthfin_core.data.dates import looks_like_date
from synthfin_core.data.hints import Findings, counted
from synthfin_core.data.numbers import looks_like_number
from synthfin_core.errors import DataError

MOST_HEADER_ROWS = 3
_BODY_ROWS = 60

#: Names of the fields that price tables have for each ticker.
FIELDS = {"open", "high", "low", "close", "adj close", "adjusted close", "volume", "dividends", "stock splits"}


def name_columns(grid: pd.DataFrame, found: Findings) -> pd.DataFrame:
    """The table below the header rows, with their cells as its column names."""
    if len(grid) < 2:
        raise DataError("The file has only one row, expected a header and at least two rows of numbers.")
    rows = header_rows(grid)
    if rows == 0:
        found.note("The file has no header; its columns are counted.")
        return grid.set_axis([f"Column {i + 1}" for i in range(grid.shape[1])], axis=1)
    cells = [[str(cell).strip().strip("<>") for cell in grid.iloc[row]] for row in range(rows)]
    body = grid.iloc[rows:].reset_index(drop=True)
    if rows == 1 and cells[0][-1] == "" and bool(body.iloc[:, -1].ne("").any()):
        cells[0] = ["", *cells[0][:-1]]  # the header has no cell for the index
    for row in cells[:-1]:  # a merged cell names all columns up to the next
        for i in range(1, len(row)):
            row[i] = row[i] or row[i - 1]
    if rows == 1:
        return body.set_axis(unique_names(cells[0], found), axis=1)
    columns = [tuple(row[i] for row in cells) for i in range(grid.shape[1])]
    return choose_field(body, columns, found)


def header_rows(grid: pd.DataFrame) -> int:
    """How many rows at the top hold names: text where the rows below hold numbers or dates."""
    body = grid.iloc[min(MOST_HEADER_ROWS, max(len(grid) - 1, 1)) : _BODY_ROWS]
    counting = [_kind_of_column(body[column]) for column in grid.columns]
    solid = [i for i, kind in enumerate(counting) if kind in ("number", "date")]
    if not solid:
        return 1
    rows = 0
    for row in range(min(MOST_HEADER_ROWS, len(grid) - 1)):
        kinds = [_kind_of_cell(str(grid.iat[row, i])) for i in solid]
        if "text" not in kinds or kinds[0] in ("number", "date"):  # tickers may be numbers, the first name is none
            break
        rows += 1
    return rows


def choose_field(body: pd.DataFrame, columns: Sequence[tuple[str, ...]], found: Findings) -> pd.DataFrame:
    """Flatten several header rows; of tables with several fields for each ticker, keep one field.

    Parameters
    ----------
    body : DataFrame
        One column for each of `columns`.
    columns : sequence of tuple of str
        The header cells of each column, top row first, for example ``("Close", "AAPL", "")``.
    """
    depth = len(columns[0])
    plain = [any(not cell for cell in names[:-1]) or names[0] in ("Price", "Ticker", "Attributes") for names in columns]
    levels = [[n[d] for n, p in zip(columns, plain, strict=True) if not p] for d in range(depth)]
    fields = next((d for d in range(depth) if levels[d] and {c.lower() for c in levels[d]} <= FIELDS), None)
    tickers = next((d for d in range(depth) if d != fields and any(levels[d])), None)
    kept, names = [], []
    wanted = _wanted_field(levels, fields, tickers, found)
    for i, (parts, is_plain) in enumerate(zip(columns, plain, strict=True)):
        if is_plain:
            name = next((part for part in reversed(parts) if part), "")
        elif fields is None or tickers is None:
            name = " ".join(part for part in parts if part)
        elif wanted is None:
            name = parts[fields]
        elif parts[fields] == wanted:
            name = parts[tickers]
        else:
            continue
        kept.append(i)
        names.append(name)
    found.note(f"Read {counted(depth, 'header row')}.")
    return body.iloc[:, kept].set_axis(unique_names(names, found), axis=1)


def _wanted_field(levels: list[list[str]], fields: int | None, tickers: int | None, found: Findings) -> str | None:
    """The field to keep where there are several tickers; None keeps all fields of the one ticker."""
    if fields is None or tickers is None:
        return None
    here, whose = list(dict.fromkeys(levels[fields])), list(dict.fromkeys(levels[tickers]))
    if len(whose) == 1:
        found.note(f"All columns belong to {whose[0]}.")
        return None
    if len(here) == 1:
        found.held = here[0]
        return here[0]
    guess = next((f for want in ("adj close", "adjusted close", "close") for f in here if f.lower() == want), here[0])
    wanted = found.ask(
        "value_column", f"Each of {len(whose)} tickers has several fields. Which one?", tuple(here), guess
    )
    found.held = wanted
    found.note(f"Kept {wanted} of {counted(len(here), 'field')} for {counted(len(whose), 'ticker')}.")
    return wanted


def _kind_of_column(column: pd.Series[Any]) -> str:
    kinds = [kind for kind in (_kind_of_cell(str(cell)) for cell in column) if kind != "missing"]
    return max(set(kinds), key=kinds.count) if kinds else "missing"


def _kind_of_cell(cell: str) -> str:
    cell = cell.strip()
    if cell.lower() in MISSING:
        return "missing"
    if looks_like_date(cell):
        return "date"
    return "number" if looks_like_number(cell) else "text"


def unique_names(names: Sequence[str], found: Findings) -> list[str]:
    """Names for all columns, each once; a column without a name gets its number."""
    taken: dict[str, int] = {}
    result = []
    for i, given in enumerate(names):
        name = given or f"Column {i + 1}"
        taken[name] = taken.get(name, 0) + 1
        repeated = taken[name] > 1
        result.append(f"{name} ({taken[name]})" if repeated else name)
        if repeated:
            found.note(f"The name {name!r} comes more than once; the columns are numbered.")
    return result
