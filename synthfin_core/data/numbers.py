"""Numbers as people write them: separators, signs, percentages, currencies, missing values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthfin_core.data.cells import arrow_text, says_missing
from synthfin_core.data.hints import Findings

_SIGNS = {"point": ".", "comma": ","}
_CURRENCY = r"[$€£¥₹₽]|\b(?:USD|EUR|GBP|JPY|CHF|CNY|INR|CAD|AUD|HKD)\b"
_SPACES = "[\\s\u00a0\u202f\u2009'’]"
_SIZES = {"k": 1e3, "m": 1e6, "b": 1e9, "bn": 1e9, "t": 1e12}
_NUMBER = re.compile(r"[+-]?\(?[+-]?(?:\d[\d.,]*|[.,]\d+)(?:e[+-]?\d+)?(?:k|m|b|bn|t)?%?\)?", re.IGNORECASE)


@dataclass(frozen=True)
class Numbers:
    """A column read as numbers.

    Attributes
    ----------
    values : ndarray (rows,)
        NaN where missing or unread.
    unread : ndarray of bool (rows,)
        Cells that hold something else than a number.
    percent, currency : int
        How many cells had such a sign; a percentage is read as a share, 1 % as 0.01.
    """

    values: NDArray[np.float64]
    unread: NDArray[np.bool_]
    percent: int = 0
    currency: int = 0

    @property
    def share_read(self) -> float:
        """Share of the cells that hold something and could be read; 1 for an empty column."""
        held = int((~np.isnan(self.values)).sum()) + int(self.unread.sum())
        return 1.0 if held == 0 else 1.0 - int(self.unread.sum()) / held


def looks_like_number(cell: str) -> bool:
    """Whether a cell is a number in some notation.

    Examples
    --------
    >>> looks_like_number("(1.234,50 €)"), looks_like_number("2020-01-02"), looks_like_number("AAPL")
    (True, False, False)
    """
    return _NUMBER.fullmatch(_bare(cell)) is not None


def decide_decimal(cells: Iterable[str], separator: str, found: Findings) -> str:
    """The decimal sign of a file, ``"."`` or ``","``, from its number cells; asks where both readings are possible."""
    point = comma = 0
    either = ""
    for cell in cells:
        bare = _bare(cell).strip("()+-%")
        if not ("," in bare or "." in bare) or not looks_like_number(cell):
            continue
        sign = _decimal_of(bare)
        point += sign == "."
        comma += sign == ","
        if sign == "" and (not either or "," in bare):
            either = bare
    if point or comma:
        shown = "." if point >= comma else ","
        return _SIGNS.get(found.hints.decimal or "", shown)
    if "," in either or (either and separator == ";"):
        # One group of three digits only: 1,234 is more often a thousand than a share, 1.234 more often a decimal.
        text = f"Numbers such as {either} can be read in two ways. Which is the decimal sign, a point or a comma?"
        return _SIGNS[found.ask("decimal", text, tuple(_SIGNS), "point")]
    return _SIGNS.get(found.hints.decimal or "", ".")


def parse_numbers(column: pd.Series[Any], decimal: str = ".") -> Numbers:
    """Read a column of text as numbers.

    Parameters
    ----------
    column : Series of str
    decimal : str
        ``"."`` or ``","``; the other one separates thousands.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    nothing = pa.scalar(None, pa.string())
    text = arrow_text(column)
    for missing in (lambda cells: pc.equal(cells, ""), says_missing):
        text = pc.if_else(missing(text), nothing, text)
        if decimal == ".":
            try:
                return _finished(pc.cast(text, pa.float64()), text)
            except pa.ArrowInvalid:
                pass  # something else than plain numbers
    bare, factor, percent, currency = text, 1.0, 0, 0
    if pc.any(pc.match_substring_regex(text, "[^0-9.,+-]")).as_py():
        bare, factor, percent, currency = _without_signs(text)
    group, point = (",", r"\.") if decimal == "." else (r"\.", ",")
    whole = rf"(?:\d+|\d{{1,3}}(?:{group}\d{{2,3}})*{group}\d{{3}})"
    plain = rf"^[+-]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:e[+-]?\d+)?$"
    readable = pc.match_substring_regex(bare, plain)
    bare = pc.replace_substring(bare, "," if decimal == "." else ".", "")
    bare = pc.replace_substring(bare, ",", ".")
    values = pc.multiply(pc.cast(pc.if_else(readable, bare, nothing), pa.float64()), factor)
    return _finished(values, text, percent, currency)


def _without_signs(text: Any) -> tuple[Any, Any, int, int]:
    """Cells without currencies, spaces, percent signs and sizes; what to multiply by; counts of two of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    percent = pc.match_substring(text, "%")
    currency = pc.match_substring_regex(text, _CURRENCY)
    bare = pc.replace_substring_regex(text, f"{_CURRENCY}|{_SPACES}|%", "")
    bare = pc.utf8_lower(pc.replace_substring_regex(bare, "[−–]", "-"))
    negative = pc.match_substring_regex(bare, r"^\(.*\)$|^[\d.,]+-$")
    bare = pc.replace_substring_regex(bare, r"[()]|-$", "")
    factor = pc.if_else(percent, 0.01, pa.scalar(1.0))
    for sign, size in _SIZES.items():
        factor = pc.if_else(pc.match_substring_regex(bare, rf"\d{sign}$"), size, factor)
    bare = pc.replace_substring_regex(bare, r"(\d)(?:bn|[kmbt])$", r"\1")
    return bare, pc.if_else(negative, pc.negate(factor), factor), _count(percent), _count(currency)


def _finished(values: Any, text: Any, percent: int = 0, currency: int = 0) -> Numbers:
    read = values.to_numpy().astype(np.float64)
    unread = np.asarray(text.is_valid().to_numpy(), dtype=bool) & np.asarray(values.is_null().to_numpy(), dtype=bool)
    read = np.where(np.isfinite(read), read, np.nan)
    return Numbers(read, unread, percent, currency)


def _count(mask: Any) -> int:
    import pyarrow.compute as pc

    return int(pc.sum(mask).as_py() or 0)


def _bare(cell: str) -> str:
    """A cell without currencies and spaces, with a plain minus."""
    return re.sub(f"{_CURRENCY}|{_SPACES}", "", re.sub("[−–]", "-", cell.strip()))


def _decimal_of(bare: str) -> str:
    """The decimal sign that a number shows, empty where it may be either."""
    last = max(bare.rfind(","), bare.rfind("."))
    sign, other = bare[last], "," if bare[last] == "." else "."
    if other in bare:
        return sign  # 1.234,5: the last one
    if bare.count(sign) > 1:
        return other  # 1,234,567: groups
    digits = re.match(r"\d*", bare[last + 1 :])
    whole = bare[:last]
    if digits is not None and len(digits.group()) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0"):
        return ""
    return sign
