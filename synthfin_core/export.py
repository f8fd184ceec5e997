"""Samples as files to take away: CSV, Parquet and npz, in the data's own units."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from synthfin_core.errors import SettingError
from synthfin_core.pipeline import Samples


def to_csv_bytes(samples: Samples, start: ArrayLike | None = None) -> bytes:
    """A long table as CSV: ``window``, ``step``, then one column a series; see `Samples.to_frame`."""
    return samples.to_frame(start).to_csv(index=False, lineterminator="\n").encode()


def to_parquet_bytes(samples: Samples, start: ArrayLike | None = None) -> bytes:
    """The same table as Parquet."""
    buffer = io.BytesIO()
    samples.to_frame(start).to_parquet(buffer, index=False)
    return buffer.getvalue()


def to_npz_bytes(samples: Samples, start: ArrayLike | None = None) -> bytes:
    """Arrays: ``values (n, t or t + 1, d)`` as `Samples.values` gives them, ``names``, ``kinds``, and in window units
    ``x (n, t, d)`` with its ``units``.
    """
    buffer = io.BytesIO()
    texts = {name: np.array(getattr(samples, name), dtype=np.str_) for name in ("names", "kinds", "units")}
    np.savez_compressed(buffer, allow_pickle=False, values=samples.values(start), x=samples.x, **texts)
    return buffer.getvalue()


#: Endings of files that samples can be written to.
FORMATS: dict[str, Callable[[Samples, ArrayLike | None], bytes]] = {
    "csv": to_csv_bytes,
    "parquet": to_parquet_bytes,
    "npz": to_npz_bytes,
}


def to_bytes(samples: Samples, ending: str, start: ArrayLike | None = None) -> bytes:
    """Samples as a file of the named ending.

    Raises
    ------
    SettingError
        If the ending is not one of `FORMATS`.
    """
    name = ending.lower().lstrip(".")
    if name not in FORMATS:
        raise SettingError(f"Samples can't be written as {ending!r}, expected one of {', '.join(FORMATS)}.")
    return FORMATS[name](samples, start)
