"""Columns of text cells as Arrow strings, on which whole-column work is fast; and which cells hold nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

#: Cells that mean "no value", in small letters.
MISSING = frozenset(
    ("", "-", "--", "---", "–", "—", ".", "..", "...", "?", "n/a", "na", "n.a.", "n.a", "nan", "null", "none", "nil")
    + ("missing", "nat", "<na>", "#n/a", "#na", "#n/a n/a", "#value!", "#ref!", "#div/0!", "#num!")
    + ("inf", "+inf", "-inf", "infinity", "-infinity")
)


def arrow_text(column: pd.Series[Any]) -> Any:
    """A column as an Arrow array of strings, without spaces around the cells; missing ones are empty."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pa.array(column.astype("str").array)
    text = text if isinstance(text, pa.ChunkedArray) else pa.chunked_array([text])
    return pc.utf8_trim_whitespace(pc.fill_null(text.cast(pa.string()), ""))


def says_missing(text: Any) -> Any:
    """Which strings of an Arrow array mean "no value"."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.is_in(pc.utf8_lower(text), pa.array(sorted(MISSING), pa.string()))


def is_missing(column: pd.Series[Any]) -> NDArray[np.bool_]:
    """Which cells of a column of any type hold nothing: `(rows,)`."""
    if pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column.isna().to_numpy(dtype=bool)
    return np.asarray(says_missing(arrow_text(column)).to_numpy(), dtype=bool)


def without_empty(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str], int]:
    """The table without columns and rows that hold nothing, the names of those columns, the count of those rows."""
    suspects = [name for name in table.columns if is_missing(table[name].iloc[:100]).all()]
    hollow = [name for name in suspects if is_missing(table[name]).all()]
    table = table.drop(columns=hollow)
    empty = np.ones(len(table), dtype=bool)
    for name in table.columns:  # few rows are left to look at after the first column
        empty[empty] = is_missing(table[name].loc[empty])
        if not empty.any():
            return table, hollow, 0
    return table.loc[~empty].reset_index(drop=True), hollow, int(empty.sum())
