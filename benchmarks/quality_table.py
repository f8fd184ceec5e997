"""What the parts of `benchmarks/quality.py` share: records kept line by line, bars, and tables of medians.

A record holds the numbers of one model trained with one seed on one data set. Records are appended to a file as they
come, so that an interrupted run loses nothing and a long one can be done over several sittings. Bars are not kept with
the numbers: they are looked up when a table is made.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple


class Bar(NamedTuple):
    """What a number must not fall below and not exceed."""

    low: float = -math.inf
    high: float = math.inf

    def passed(self, value: float) -> bool:
        """Whether the value lies within the bar; a number that does not exist doesn't."""
        return self.low <= value <= self.high

    def __str__(self) -> str:
        if math.isinf(self.low) and math.isinf(self.high):
            return ""
        if math.isinf(self.high):
            return f"at least {self.low:g}"
        return f"at most {self.high:g}" if math.isinf(self.low) else f"{self.low:g} to {self.high:g}"


def at_most(high: float) -> Bar:
    """A bar that only the larger values miss."""
    return Bar(high=high)


def at_least(low: float) -> Bar:
    """A bar that only the smaller values miss."""
    return Bar(low=low)


#: The bar for a number of a model; None where the number is only shown.
BarOf = Callable[[str, str], Bar | None]


@dataclass(frozen=True)
class Record:
    """What one part measured of one model.

    Attributes
    ----------
    part, data : str
        Names of the part and of its data set.
    model : str
        Name of a generator, or the words for a reference such as "real against real".
    seed : int
    numbers : dict of str to float
        By name, in the order of the table; NaN for a number that does not exist.
    settings : dict
        The generator's settings; empty for a reference.
    error : str
        What went wrong, where there are no numbers.
    """

    part: str
    data: str
    model: str
    seed: int
    numbers: dict[str, float] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    error: str = ""

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What a later record takes the place of an earlier one by."""
        return self.part, self.data, self.model, self.seed

    def having(self, numbers: dict[str, float]) -> Record:
        """The record with numbers."""
        return replace(self, numbers=numbers)

    def failed(self, error: Exception) -> Record:
        """The record with what went wrong: the kind of error, a colon and its words."""
        return replace(self, error=f"{type(error).__name__}: {error}")


class Shown(NamedTuple):
    """A table in words, and the names of the bars that were missed."""

    text: str
    missed: tuple[str, ...] = ()


class Records:
    """Records by their key, kept in a file where one is named.

    Parameters
    ----------
    path : Path or None
        JSON lines; what is there already is read, and a line that was cut off in the middle of writing is left out.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._found: dict[tuple[str, str, str, int], Record] = {}
        if path is not None and path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                record = _read(line)
                if record is not None:
                    self._found[record.key] = record

    def add(self, record: Record) -> None:
        """Keep a record, in the place of an earlier one of the same key."""
        self._found[record.key] = record
        if self.path is not None:
            numbers = {name: value if math.isfinite(value) else None for name, value in record.numbers.items()}
            plain = asdict(record) | {"numbers": numbers}
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(plain) + "\n")

    def has(self, part: str, data: str, model: str, seed: int, settings: Mapping[str, Any]) -> bool:
        """Whether there is such a record, made with these settings and without an error."""
        found = self._found.get((part, data, model, seed))
        return found is not None and not found.error and found.settings == dict(settings)

    def of(self, part: str) -> list[Record]:
        """The records of a part, each model's together, in the order in which they first came."""
        mine = [record for record in self._found.values() if record.part == part]
        order = list(dict.fromkeys(record.model for record in mine))
        return sorted(mine, key=lambda record: (order.index(record.model), record.data, record.seed))


def _read(line: str) -> Record | None:
    try:
        values = json.loads(line)
        numbers = {name: math.nan if value is None else float(value) for name, value in values["numbers"].items()}
        return Record(**{**values, "numbers": numbers})
    except (ValueError, TypeError, KeyError):
        return None


def by_model(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Records of each model."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.model, []).append(record)
    return found


def values_of(records: Iterable[Record], name: str) -> list[float]:
    """A number over seeds; NaN of a seed that ended in an error."""
    return [record.numbers.get(name, math.nan) for record in records]


def middle(values: Sequence[float]) -> float:
    """The median, with a number that does not exist counting as worse than any: NaN once half of them are."""
    there = [value for value in values if not math.isnan(value)]
    if 2 * len(there) <= len(values):
        return math.nan
    return median(there)


def cell(values: Sequence[float], bar: Bar | None = None) -> str:
    """The median, its spread over seeds, and whether the median passes its bar.

    Examples
    --------
    >>> cell([0.01, 0.02, 0.06], at_most(0.02)), cell([0.5]), cell([0.1, 0.2, 0.3], at_most(0.1))
    ('0.020 (0.010 to 0.060) pass', '0.500', '0.200 (0.100 to 0.300) FAIL')
    """
    there = [value for value in values if not math.isnan(value)]
    if not there:
        words = "none"
    elif len(values) == 1:
        words = number(values[0])
    else:
        words = f"{number(middle(values))} ({number(min(there))} to {number(max(there))})"
    return words if bar is None else f"{words} {'pass' if bar.passed(middle(values)) else 'FAIL'}"


def number(value: float) -> str:
    """Three digits after the point, and none where there are three before it."""
    return "none" if math.isnan(value) else f"{value:.0f}" if abs(value) >= 100 else f"{value:.3f}"


def table(title: str, records: Sequence[Record], names: Sequence[str], bar_of: BarOf) -> Shown:
    """A line for each model and a column for each number, medians over seeds.

    Parameters
    ----------
    title : str
    records : sequence of Record
        Of one part and data set.
    names : sequence of str
        The numbers shown.
    bar_of : callable
        `bar_of(model, number)`.
    """
    rows = [
        [model, str(len(mine)), *(_judged(mine, name, bar_of(model, name)) for name in names)]
        for model, mine in by_model(records).items()
    ]
    return _shown(title, ["model", "seeds", *names], rows, records, names, bar_of)


def across(title: str, records: Sequence[Record], names: Sequence[str], bar_of: BarOf) -> Shown:
    """As `table`, but with a line for each number and a column for each model."""
    models = by_model(records)
    rows = [[name, *(_judged(mine, name, bar_of(model, name)) for model, mine in models.items())] for name in names]
    return _shown(title, ["", *models], rows, records, names, bar_of)


def _judged(records: Sequence[Record], name: str, bar: Bar | None) -> str:
    return cell(values_of(records, name), bar) + (f" ({bar})" if bar else "")


def _shown(
    title: str,
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    records: Sequence[Record],
    names: Sequence[str],
    bar_of: BarOf,
) -> Shown:
    """The lines of a table, what went wrong beneath it, and the bars that were missed."""
    lines = [f"### {title}", "", _line(head), "|---" * len(head) + "|", *map(_line, rows)]
    errors = [f"{record.model}, seed {record.seed}: {record.error}" for record in records if record.error]
    missed = [
        f"{title}: {model}, {name}"
        for model, mine in by_model(records).items()
        for name in names
        if (bar := bar_of(model, name)) is not None and not bar.passed(middle(values_of(mine, name)))
    ]
    return Shown("\n".join([*lines, *([""] if errors else []), *errors]), tuple(missed))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def statements(title: str, stated: Mapping[str, tuple[bool, str]]) -> Shown:
    """A line for each statement: whether it holds, and what speaks for or against it."""
    if not stated:
        return Shown("")
    lines = [f"### {title}", ""]
    for words, (holds, why) in stated.items():
        lines.append(f"- {'pass' if holds else 'FAIL'}: {words}" + (f" ({why})" if why else ""))
    return Shown("\n".join(lines), tuple(f"{title}: {words}" for words, (holds, _) in stated.items() if not holds))


def together(shown: Iterable[Shown]) -> Shown:
    """Several tables one after the other."""
    every = [each for each in shown if each.text]
    return Shown("\n\n".join(each.text for each in every), tuple(name for each in every for name in each.missed))
