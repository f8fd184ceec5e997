"""Files as people have them, read into panels; what was done is noted, what stays open is asked.

`read_table` takes bytes, finds out what they are (text, Parquet or Excel), and hands a table of named columns to
`synthfin_core.data.layout`. The rows are then put in order and checked, and each column's kind is guessed.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthfin_core.data.delimited import decode, guess_separator, read_grid
from synthfin_core.data.header import choose_field, name_columns, unique_names
from synthfin_core.data.hints import Findings, Question, ReadingHints, counted
from synthfin_core.data.kinds import guess_kind
from synthfin_core.data.layout import series_over_time
from synthfin_core.data.panel import Panel, date_label
from synthfin_core.errors import DataError, SourceError

__all__ = ["FORMATS", "Question", "Reading", "ReadingHints", "read_frame", "read_path", "read_table"]

#: Endings of the files that can be read.
FORMATS = ("csv", "tsv", "txt", "parquet", "xlsx")
LARGEST_MB = 200


@dataclass(frozen=True)
class Reading:
    """A file as it was read.

    Attributes
    ----------
    panel : Panel
    notes : tuple of str
        What was done, one sentence each, with counts; the panel carries them too.
    questions : tuple of Question
        Where the file allows two readings, and which one was assumed; answer with `ReadingHints`.
    """

    panel: Panel
    notes: tuple[str, ...]
    questions: tuple[Question, ...]


def read_table(name: str, content: bytes, hints: ReadingHints | None = None) -> Reading:
    """Read a file's bytes as a panel.

    Parameters
    ----------
    name : str
        The file's name; its ending is only used to explain what is wrong.
    content : bytes
    hints : ReadingHints, optional
        Answers to the questions of an earlier reading of the same file.

    Raises
    ------
    DataError
        If the file is empty, too large, of another format, or holds no numbers over time.
    """
    if len(content) > LARGEST_MB * 1_000_000:
        raise _too_large(name, len(content))
    if not content.strip():
        raise DataError(f"{name} is empty, expected a table with a header and rows of numbers: choose another file.")
    found = Findings(hints or ReadingHints())
    separator = ","
    if content.startswith(b"PAR1"):
        table = _named(_parquet(name, content), found)
    elif content.startswith(b"PK"):
        table = name_columns(_excel(name, content, found), found)
    elif content.startswith((b"\xd0\xcf\x11\xe0", b"\x1f\x8b")) or name.lower().endswith((".parquet", ".xlsx", ".xls")):
        raise DataError(f"{name} can't be read in this form: save it as CSV, Parquet or Excel (.xlsx).")
    else:
        text = decode(content, found)
        separator = guess_separator(text[:200_000].splitlines()[:200])
        table = name_columns(read_grid(text, found), found)
    return _reading(table, Path(name).stem or "upload", separator, found)


def read_path(path: str | Path, hints: ReadingHints | None = None) -> Reading:
    """Read a file; see `read_table`.

    Raises
    ------
    SourceError
        If the file can't be opened.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > LARGEST_MB * 1_000_000:
            raise _too_large(path.name, size)
        return read_table(path.name, path.read_bytes(), hints)
    except OSError as error:
        raise SourceError(
            f"{path.name} can't be opened ({error.strerror}): check the path and its permissions."
        ) from error


def read_frame(frame: pd.DataFrame, name: str = "table", hints: ReadingHints | None = None) -> Reading:
    """Read a DataFrame as a panel: dates in the index or a column, numbers as numbers or text; see `read_table`."""
    found = Findings(hints or ReadingHints())
    return _reading(_named(frame, found), name, ",", found)


def _named(frame: pd.DataFrame, found: Findings) -> pd.DataFrame:
    """A frame with plain column names and, where its index means something, the index as first columns."""
    if frame.empty:
        raise DataError(f"The table has {len(frame)} rows and {frame.shape[1]} columns, expected at least one of each.")
    index = frame.index
    if isinstance(frame.columns, pd.MultiIndex):
        columns = [tuple(str(part) for part in names) for names in frame.columns]
        frame = choose_field(frame, columns, found)
    else:
        frame = frame.set_axis(unique_names([str(column) for column in frame.columns], found), axis=1)
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if isinstance(index, pd.MultiIndex) or not pd.api.types.is_numeric_dtype(index.dtype):
        labels = [str(label or ("Date" if at == 0 else f"Level {at}")) for at, label in enumerate(index.names)]
        frame = frame.drop(columns=[label for label in labels if label in frame.columns])
        return frame.set_axis(index, axis=0).reset_index(names=labels)
    return frame.reset_index(drop=True)


def _parquet(name: str, content: bytes) -> pd.DataFrame:
    import pyarrow as pa

    try:
        return pd.read_parquet(io.BytesIO(content))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{name} is damaged, expected a whole Parquet file: save it again.") from error


def _excel(name: str, content: bytes, found: Findings) -> pd.DataFrame:
    """Cells of the first sheet that holds something, as text."""
    import warnings

    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > 5 * LARGEST_MB * 1_000_000:
            raise _too_large(name, unpacked)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions, which hold no numbers
            book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            sheets = {sheet.title: _cells(sheet) for sheet in book.worksheets}
            book.close()
    except DataError:
        raise
    except Exception as error:  # openpyxl raises whatever its parsers do
        raise DataError(f"{name} is damaged or no Excel file, expected .xlsx: save it again.") from error
    filled = {title: cells for title, cells in sheets.items() if cells}
    if not filled:
        raise DataError(f"{name} is empty, expected a sheet with a header and rows of numbers: choose another file.")
    title, cells = next(iter(filled.items()))
    if len(filled) > 1:
        found.note(f"Read the sheet {title}; left out {counted(len(filled) - 1, 'other sheet')}.")
    return pd.DataFrame(cells).fillna("").astype(str)


def _cells(sheet: Any) -> list[list[str]]:
    rows = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    return [row for row in rows if any(row)]


def _reading(table: pd.DataFrame, name: str, separator: str, found: Findings) -> Reading:
    frame = _ordered(series_over_time(table, separator, found), found)
    kinds = {c: guess_kind(f"{found.held} {c}" if found.held else c, frame[c]) for c in frame.columns}
    panel = Panel(frame, kinds, name)
    _note_state(panel, found)
    notes = tuple(found.notes)
    return Reading(Panel(panel.frame, kinds, name, notes), notes, tuple(found.questions))


def _ordered(frame: pd.DataFrame, found: Findings) -> pd.DataFrame:
    """Rows oldest first, each date once, less what is all missing."""
    hollow = [name for name in frame.columns if frame[name].isna().all()]
    if len(hollow) == frame.shape[1]:
        raise DataError(f"Every value of {', '.join(hollow)} is missing, expected numbers: check the file.")
    if hollow:
        found.note(f"Left out {counted(len(hollow), 'column')} without a single value: {', '.join(hollow)}.")
        frame = frame.drop(columns=hollow)
    if isinstance(frame.index, pd.DatetimeIndex):
        if not frame.index.is_monotonic_increasing:
            newest = frame.index.is_monotonic_decreasing
            found.note("Sorted newest-first rows into date order." if newest else "Sorted the rows into date order.")
            frame = frame.sort_index(kind="stable")
        twice = frame.index.duplicated(keep="last")
        if twice.any():
            found.note(
                f"Dropped {counted(int(twice.sum()), 'row')} whose date comes again; the last row of each was kept."
            )
            frame = frame[~twice]
    else:
        frame = frame.reset_index(drop=True)
    if len(frame) < 2:
        raise DataError(
            f"The table has {counted(len(frame), 'row')} of numbers, expected at least 2: choose a longer one."
        )
    return frame


def _note_state(panel: Panel, found: Findings) -> None:
    """Say what the user should know before training: missing values, gaps, series that never change."""
    missing = panel.frame.isna().sum()
    if missing.any():
        found.note(f"Missing values: {', '.join(f'{c} {int(k):,}' for c, k in missing.items() if k)}.")
    flat = [c for c in panel.columns if np.ptp(panel.frame[c].dropna().to_numpy()) == 0]
    if flat:
        found.note(f"{', '.join(flat)} never changes; leave it out before training.")
    segments = panel.segments()
    if len(segments) > 1:
        index = panel.frame.index
        longest = max((first for first, _ in segments[1:]), key=lambda at: index[at] - index[at - 1])
        found.note(
            f"{counted(len(segments) - 1, 'gap')}, the longest from {date_label(index[longest - 1])} to "
            f"{date_label(index[longest])}; no window crosses one."
        )


def _too_large(name: str, size: int) -> DataError:
    return DataError(
        f"{name} takes {size / 1e6:,.0f} MB, expected at most {LARGEST_MB}: keep fewer rows, or save it as Parquet."
    )
