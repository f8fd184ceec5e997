"""One way in: a bundled name, a file's path or a table becomes a panel."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from synthfin_core.data.panel import Panel
from synthfin_core.data.selection import Selection
from synthfin_core.data.sources import SOURCES, load_bundled
from synthfin_core.errors import DataError, SourceError


def load(source: str | Path | pd.DataFrame, kind: str | None = None) -> Panel:
    """Load data as a panel.

    Parameters
    ----------
    source : str, Path or DataFrame
        A bundled name such as ``"us-indices"``, the path of a CSV, Parquet or Excel file, or a table with its dates
        in the index or in a column.
    kind : str, optional
        Kind of every column: ``"price"``, ``"return"``, ``"volume"`` or ``"level"``. Guessed when left out.

    Returns
    -------
    Panel
        Its notes say what was done to the data.

    Raises
    ------
    SourceError
        If there is neither a bundled data set nor a file of that name.
    DataError
        If the file or table can't be read as numbers over time.

    Examples
    --------
    >>> load("us-indices")
    <Panel 'us-indices': 5031 rows of S&P 500, NASDAQ>
    """
    panel = _load(source)
    if kind is None:
        return panel
    return panel.select(Selection(kinds=dict.fromkeys(panel.columns, kind)))


def _load(source: object) -> Panel:
    if isinstance(source, str) and source in SOURCES:
        return load_bundled(source)
    from synthfin_core.data.reading import read_frame, read_path

    if isinstance(source, pd.DataFrame):
        return read_frame(source, "table").panel
    if not isinstance(source, str | Path):
        raise DataError(f"Data came as {type(source).__name__}, expected a bundled name, a path or a DataFrame.")
    path = Path(source)
    if not path.is_file():
        raise SourceError(
            f"{str(source)!r} is neither a file nor a bundled data set; bundled ones are {', '.join(SOURCES)}."
        )
    return read_path(path).panel
