"""Synthetic data from anywhere, read as windows in the units of the real data they are held against."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthfin_core.data.load import load
from synthfin_core.data.panel import Panel
from synthfin_core.data.selection import Selection
from synthfin_core.data.windows import make_windows
from synthfin_core.errors import DataError, SourceError

Array = NDArray[np.float64]


def read_synthetic(path: Path, real: Panel, length: int | None = None) -> tuple[Panel, Array]:
    """Read synthetic windows.

    Parameters
    ----------
    path : Path
        A CSV or Parquet file with columns ``window`` and ``step`` and the series, as `Samples.to_frame` gives it; or
        any table that `load` reads, which is then cut into windows.
    real : Panel
        The real data; series are matched by name.
    length : int, optional
        Bars in a window of a plain table.

    Returns
    -------
    real : Panel
        The series of `real` that the synthetic data have.
    x : ndarray (n, t, d)
        In window units, for example log return, per bar.

    Raises
    ------
    SourceError
        If there is no such file.
    DataError
        If windows have different lengths, or no series has a name in `real`.
    """
    if not path.is_file():
        raise SourceError(f"There is no file {str(path)!r}: give the path of the synthetic data.")
    table = _long_table(path)
    if table is None:
        return _from_plain(load(path), real, length)
    names = tuple(name for name in table.columns if name in real.columns)
    real = _matched(real, names, tuple(name for name in table.columns if name not in ("window", "step")))
    return real, _window_units(_stacked(table, names), [real.kinds[name] for name in names])


def _long_table(path: Path) -> pd.DataFrame | None:
    """The table, when it says which window and step each row is."""
    try:
        table = pd.read_parquet(path) if path.suffix.lower() == ".parquet" else pd.read_csv(path)
    except (ValueError, OSError, UnicodeDecodeError):
        return None
    return table if {"window", "step"} <= set(table.columns) else None


def _stacked(table: pd.DataFrame, names: tuple[str, ...]) -> Array:
    """Values `(n, rows, d)`, windows and steps in order."""
    table = table.sort_values(["window", "step"], kind="stable")
    sizes = table.groupby("window").size()
    if sizes.nunique() != 1:
        raise DataError(
            f"The windows have between {sizes.min()} and {sizes.max()} steps, expected all of one length: leave out "
            "those that are cut off."
        )
    try:
        values = table[list(names)].to_numpy(dtype=np.float64)
    except ValueError as error:
        raise DataError("A column of the synthetic data holds text, expected numbers only: leave it out.") from error
    return values.reshape(len(sizes), int(sizes.iloc[0]), len(names))


def _window_units(values: Array, kinds: list[str]) -> Array:
    """From the data's own units to window units; prices lose their first row."""
    priced = "price" in kinds
    columns = []
    for i, kind in enumerate(kinds):
        column = values[:, :, i]
        if kind == "price":
            if not (column > 0).all():
                raise DataError("The synthetic prices are not all above zero, so log returns can't be taken.")
            columns.append(np.diff(np.log(column), axis=1))
        else:
            own = column[:, 1:] if priced else column
            columns.append(np.log1p(own) if kind == "volume" else own)
    return np.stack(columns, axis=2)


def _from_plain(synthetic: Panel, real: Panel, length: int | None) -> tuple[Panel, Array]:
    if length is None:
        raise DataError("The synthetic data are a plain table without columns window and step: say --length as well.")
    names = tuple(name for name in synthetic.columns if name in real.columns)
    real = _matched(real, names, synthetic.columns)
    kinds = {name: real.kinds[name] for name in names}
    whole = make_windows(synthetic.select(Selection(columns=names, kinds=kinds)), length, holdout=0.0)
    return real, whole.train.x


def _matched(real: Panel, names: tuple[str, ...], came: tuple[str, ...]) -> Panel:
    if not names:
        raise DataError(
            f"The synthetic data have the series {', '.join(map(str, came)) or 'none'}, but the real ones "
            f"{', '.join(real.columns)}: give at least one the same name."
        )
    return real.select(Selection(columns=names))
