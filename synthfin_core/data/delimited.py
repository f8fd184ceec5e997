"""Text files: which characters, which separator, where the table begins."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter

import pandas as pd

from synthfin_core.data.dates import looks_like_date
from synthfin_core.data.hints import Findings, counted
from synthfin_core.data.numbers import looks_like_number
from synthfin_core.errors import DataError

#: Separators in the order in which they are believed: a comma may also be part of a number.
SEPARATORS = {"\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas"}

_SAMPLE_LINES = 200
_LONG = 2_000_000  # characters
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def decode(content: bytes, found: Findings) -> str:
    """The text of a file: by its byte order mark, else UTF-8, else the Windows code page.

    Raises
    ------
    DataError
        If the bytes are no text.
    """
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            try:
                return content.decode(encoding)
            except UnicodeDecodeError as error:
                raise DataError("The file begins like Unicode text but is damaged: save it again as CSV.") from error
    head = content[:4096]
    zeros = [head[at::2].count(0) / max(len(head) // 2, 1) for at in (0, 1)]
    if max(zeros) > 0.9 and min(zeros) < 0.1:  # ASCII as UTF-16 without a mark: every other byte is zero
        return content.decode("utf-16-be" if zeros[0] > zeros[1] else "utf-16-le", errors="replace")
    control = sum(byte < 9 or 13 < byte < 32 for byte in head)
    if control > len(head) // 100:
        raise DataError("The file holds binary data, expected a table of text: export it as CSV, Parquet or Excel.")
    if head.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
        raise DataError("The file holds a web page, expected a table: download the data themselves.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        found.note("Read as Windows text (code page 1252), because the file is not UTF-8.")
        return content.decode("cp1252", errors="replace")


def read_grid(text: str, found: Findings) -> pd.DataFrame:
    """The file's cells as text, header rows included; missing ones are empty.

    Raises
    ------
    DataError
        If there is nothing in it, or a line has more cells than the others.
    """
    sample = [line for line in io.StringIO(text[:200_000]) if line.strip()][:_SAMPLE_LINES]
    if not sample:
        raise DataError("The file is empty, expected a table with a header and rows of numbers: choose another file.")
    separator = guess_separator(sample)
    rows = [_cells(line, separator) for line in sample]
    usual = Counter(len(row) for row in rows).most_common(1)[0][0]
    skipped = _lines_above(rows, usual)
    if skipped:
        found.note(f"Skipped {counted(skipped, 'line')} above the table.")
    text = _without_first_lines(text, skipped)
    width = max(usual, len(rows[skipped]))
    if len(text) > _LONG and separator and not re.search(rf"{re.escape(separator)} +\"", text[:200_000]):
        grid = _read_long(text, separator, width)
        if grid is not None:
            return grid
    try:
        return pd.read_csv(
            io.StringIO(text),
            sep=separator or r"\s+",
            header=None,
            names=list(range(width)),
            dtype=str,
            keep_default_na=False,
            skipinitialspace=True,
            engine="c",
        ).fillna("")
    except (pd.errors.ParserError, ValueError) as error:
        match = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        if match is None:
            raise DataError(
                "The file can't be read as a table, expected the same number of cells in each row."
            ) from error
        expected, line, saw = match.groups()
        number = int(line) + skipped
        raise DataError(f"Line {number} has {saw} cells, expected {expected}: check separators and quotes.") from error


def _read_long(text: str, separator: str, width: int) -> pd.DataFrame | None:
    """The cells of a long text by a fast reader; None where it stumbles and the patient one must look."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = [str(i) for i in range(width)]
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(text.encode()),
            read_options=arrow_csv.ReadOptions(column_names=names),
            parse_options=arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
    except pa.ArrowInvalid:
        return None
    grid: pd.DataFrame = table.to_pandas()
    return grid.set_axis(range(width), axis=1)


def guess_separator(lines: list[str]) -> str:
    """The character between cells; empty for spaces, or where there is only one column.

    Examples
    --------
    >>> guess_separator(["day;price", "2020-01-02;1,5", "2020-01-03;1,6"])
    ';'
    """
    for separator in SEPARATORS:
        widths = Counter(len(_cells(line, separator)) for line in lines)
        width, times = widths.most_common(1)[0]
        if width > 1 and times >= 0.6 * len(lines):
            return separator
    counts = {separator: sum(line.count(separator) for line in lines) for separator in SEPARATORS}
    best = max(counts, key=lambda separator: counts[separator])
    return best if counts[best] >= len(lines) / 2 else ""


def _cells(line: str, separator: str) -> list[str]:
    if not separator:
        return line.split()
    return next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])


def _lines_above(rows: list[list[str]], usual: int) -> int:
    """Lines of a title or a comment before the first line of the table.

    Where the first full line holds numbers, the line before it may be a header without a name for the index.
    """
    first = next(at for at, row in enumerate(rows) if len(row) >= usual)
    full_line_is_header = not any(looks_like_number(cell) or looks_like_date(cell) for cell in rows[first])
    if first and not full_line_is_header and len(rows[first - 1]) == usual - 1:
        return first - 1
    return first


def _without_first_lines(text: str, count: int) -> str:
    """The text from the line on that follows `count` lines with something in them."""
    at = 0
    while count:
        end = text.index("\n", at) + 1
        count -= bool(text[at:end].strip())
        at = end
    return text[at:]
