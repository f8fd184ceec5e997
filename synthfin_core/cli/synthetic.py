"""Synthetic data from anywhere, read as windows in the units of the real data they are held against."""

from __future__ import annotations

import zipfile
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

#: Columns of a long table that are not series.
COUNTERS = ("window", "step")


def read_synthetic(path: Path, real: Panel, length: int | None = None, stride: int = 1) -> tuple[Panel, Array]:
    """Read synthetic windows.

    Parameters
    ----------
    path : Path
        A CSV or Parquet file with a column ``window``, perhaps ``step``, and the series, as `Samples.to_frame` gives
        it; an npz file with ``x (n, t, d)`` in window units, perhaps ``names`` and ``units``, as `export` writes it;
        or any table that `load` reads, which is then cut into windows.
    real : Panel
        The real data; series are matched by name, or for lack of others one to one.
    length : int, optional
        Bars in a window; needed for a plain table.
    stride : int
        Bars from one window of a plain table to the next.

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
        If windows have different lengths, or a series has no counterpart in `real`.
    """
    if not path.is_file():
        raise SourceError(f"There is no file {str(path)!r}: give the path of the synthetic data.")
    if path.suffix.lower() == ".npz":
        real, x = _from_arrays(path, real)
    elif (table := _long_table(path)) is not None:
        real, x = _from_long(table, path.name, real)
    else:
        return _from_plain(load(path), real, length, stride)
    if length not in (None, x.shape[1]):
        raise DataError(f"{path.name} has windows of {x.shape[1]} bars, but --length is {length}: leave --length out.")
    return real, x


def _from_arrays(path: Path, real: Panel) -> tuple[Panel, Array]:
    """Windows from an npz file; nothing is unpickled."""
    try:
        with np.load(path, allow_pickle=False) as file:
            held = {name: file[name] for name in ("x", "names", "units") if name in file.files}
        x = np.asarray(held["x"], dtype=np.float64)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path.name} can't be read, expected an npz file with x (windows, steps, series).") from error
    if x.ndim != 3 or 0 in x.shape:
        raise DataError(f"x in {path.name} has shape {x.shape}, expected (windows, steps, series).")
    names = tuple(map(str, held["names"])) if "names" in held else real.columns
    if len(names) != x.shape[2]:
        of = "names" if "names" in held else "series in the real data"
        raise DataError(f"x in {path.name} has {x.shape[2]} series, but there are {len(names)} {of}: give it names.")
    real = _matched(real, names)
    units = tuple(map(str, held["units"])) if "units" in held else real.units_of()
    if units != real.units_of():
        raise DataError(
            f"{path.name} holds {', '.join(units)}, the real data give {', '.join(real.units_of())}: "
            "say with --kind what the real columns hold, or write windows of that unit."
        )
    return real, x


def _long_table(path: Path) -> pd.DataFrame | None:
    """The table, when it says which window each row is of."""
    try:
        table = pd.read_parquet(path) if path.suffix.lower() == ".parquet" else pd.read_csv(path)
    except (ValueError, OSError, UnicodeDecodeError):
        return None
    return table if "window" in table.columns else None


def _from_long(table: pd.DataFrame, name: str, real: Panel) -> tuple[Panel, Array]:
    columns = [column for column in table.columns if column not in COUNTERS]
    real = _matched(real, tuple(map(str, columns)))
    table = table.sort_values([each for each in COUNTERS if each in table.columns], kind="stable")
    sizes = table.groupby("window").size()
    if sizes.nunique() != 1:
        raise DataError(
            f"The windows have between {sizes.min()} and {sizes.max()} steps, expected all of one length: leave out "
            "those that are cut off."
        )
    try:
        values = table[columns].to_numpy(dtype=np.float64)
    except ValueError as error:
        raise DataError(f"A column of {name} holds text, expected numbers only: leave it out.") from error
    whole = values.reshape(len(sizes), int(sizes.iloc[0]), len(columns))
    return real, _window_units(whole, list(real.kinds.values()))


def _window_units(values: Array, kinds: list[str]) -> Array:
    """From the data's own units to window units; prices lose their first row."""
    priced = "price" in kinds
    if values.shape[1] <= priced:
        raise DataError(
            "The synthetic windows have one price each, expected at least two: prices lose their first row."
        )
    columns = []
    for i, kind in enumerate(kinds):
        column = values[:, :, i]
        if kind == "price":
            if not (column > 0).all():
                raise DataError("The synthetic prices are not all above zero, so log returns can't be taken.")
            columns.append(np.diff(np.log(column), axis=1))
        else:
            own = column[:, 1:] if priced else column
            if kind == "volume" and (own < 0).any():
                raise DataError("The synthetic volumes are not all zero or more, so logarithms can't be taken.")
            columns.append(np.log1p(own) if kind == "volume" else own)
    return np.stack(columns, axis=2)


def _from_plain(synthetic: Panel, real: Panel, length: int | None, stride: int) -> tuple[Panel, Array]:
    if length is None:
        raise DataError("The synthetic data are a plain table without a column window: say --length as well.")
    real = _matched(real, synthetic.columns)
    kinds = dict(zip(synthetic.columns, real.kinds.values(), strict=True))
    return real, make_windows(synthetic.select(Selection(kinds=kinds)), length, stride, holdout=0.0).train.x


def _matched(real: Panel, names: tuple[str, ...]) -> Panel:
    """The real series of these names in this order; single series match whatever they are called."""
    if len(names) == len(real.columns) == 1:
        return real
    unknown = [name for name in names if name not in real.columns]
    if unknown or not names:
        raise DataError(
            f"The synthetic data have {unknown[0]!r} among their series, the real ones are {', '.join(real.columns)}: "
            "rename it or leave it out."
            if unknown
            else "The synthetic data have no series, expected at least one column of numbers beside the window."
        )
    return real.select(Selection(columns=names))
