"""What the numbers of a series are, and a guess at it from the column's name and values."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from synthfin_core.errors import SettingError

KINDS = ("price", "return", "volume", "level")

#: The unit in which windows hold a series of each kind.
UNITS = {"price": "log return", "return": "return", "volume": "log volume", "level": "level"}

_NAME_HINTS = (
    ("volume", re.compile(r"volume|turnover|\bvol\b|traded|quantity")),
    ("return", re.compile(r"return|\bret\b|\brets\b|pct|percent|%|change|\bchg\b|p&l|\bpnl\b")),
    ("level", re.compile(r"\bvix\b|yield|\brate\b|spread|\blevel\b|inflation|unemployment")),
    ("price", re.compile(r"price|close|open\b|\bhigh\b|\blow\b|\badj\b|\bnav\b|\bpx\b|\bindex\b|\blast\b")),
)


def check_kind(kind: object, column: str) -> str:
    """Return `kind` when it is one of `KINDS`.

    Raises
    ------
    SettingError
        If it is not.
    """
    if isinstance(kind, str) and kind in KINDS:
        return kind
    raise SettingError(f"The kind of {column!r} is {kind!r}, expected one of {', '.join(KINDS)}.")


def guess_kind(name: str, values: Iterable[float]) -> str:
    """Guess whether a column holds prices, returns, volumes or levels.

    The name is asked first, and believed where the values allow it; then the values alone.

    Parameters
    ----------
    name : str
        The column's name, for example ``"Adj Close"``.
    values : iterable of float
        The column, oldest first; missing values are left out.

    Returns
    -------
    str
        One of `KINDS`.

    Examples
    --------
    >>> guess_kind("Adj Close", [101.0, 102.5, 100.9])
    'price'
    >>> guess_kind("x", [0.01, -0.02, 0.004, -0.001])
    'return'
    """
    x = np.asarray(values, dtype=np.float64)
    x = x[np.isfinite(x)]
    words = re.sub(r"[^a-z%&]+", " ", name.lower())
    for kind, pattern in _NAME_HINTS:
        if pattern.search(words) and _allows(kind, x):
            return kind
    return _from_values(x)


def _allows(kind: str, x: NDArray[np.float64]) -> bool:
    if x.size == 0 or kind == "level":
        return True
    if kind == "return":  # a price change in dollars is one too, but a "change" that never falls is not
        return bool(x.min() < 0) or bool(np.abs(x).max() < 1)
    if kind == "price":
        return bool(x.min() > 0)
    return bool(x.min() >= 0) and _looks_counted(x)  # "vol" may also mean volatility


def _from_values(x: NDArray[np.float64]) -> str:
    if x.size == 0:
        return "level"
    persistent = _autocorrelation(x) > 0.5
    if x.min() < 0 < x.max() and not persistent:
        return "return"
    if x.min() >= 0 and np.median(x) >= 1000 and _looks_counted(x) and _changes_wildly(x):
        return "volume"
    return "price" if x.min() > 0 else "level"


def _looks_counted(x: NDArray[np.float64]) -> bool:
    return bool(np.mean(x == np.round(x)) > 0.95) or bool(np.median(x) >= 10_000)


def _changes_wildly(x: NDArray[np.float64]) -> bool:
    """A day's volume easily moves by a fifth; a price hardly ever does."""
    logs = np.log1p(x)
    return bool(np.median(np.abs(np.diff(logs))) > 0.05) if x.size > 1 else False


def _autocorrelation(x: NDArray[np.float64]) -> float:
    centred = x - x.mean()
    total = float(centred @ centred)
    return float(centred[1:] @ centred[:-1]) / total if total > 0 else 1.0
