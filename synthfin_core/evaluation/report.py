"""What `evaluate` found: numbers with their references, and what was left out and why."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from synthfin_core.evaluation.metric import METRICS

if TYPE_CHECKING:
    from pandas import DataFrame

#: Stands in the column "series" of a score that looks at all series at once.
ALL_SERIES = "all"


@dataclass(frozen=True)
class Row:
    """One number of a report.

    Attributes
    ----------
    data : str
        The data set scored, for example the name of a run.
    score : str
        Key in `METRICS`.
    series : str
        Name of the series, or "all".
    value : float
        Synthetic against real training windows.
    reference : float
        The same score of the real hold-out against the real training windows; NaN where there is none.
    floor : float
        The same score of the later against the earlier half of the training windows; NaN unless asked for.
    """

    data: str
    score: str
    series: str
    value: float
    reference: float = math.nan
    floor: float = math.nan

    @property
    def within(self) -> bool | None:
        """Whether the value is no further from perfect than its reference; None where that has no answer."""
        better = METRICS[self.score].better
        if better == "none" or not math.isfinite(self.reference):
            return None
        if better == "lower":
            return self.value <= self.reference
        return _distance_to_one(self.value) <= _distance_to_one(self.reference)


@dataclass(frozen=True)
class Report:
    """The scores of one or more synthetic data sets against the real windows.

    Attributes
    ----------
    rows : tuple of Row
    moments : DataFrame
        Moments of real training, real hold-out and every synthetic data set, as `moments_table` gives them.
    left_out : dict of str to str
        Scores that could not be computed, by name, with the reason.
    notes : tuple of str
        What a reader has to know, one sentence each: samples drawn, references missing.
    floors : bool
        Whether the floors were asked for.
    """

    rows: tuple[Row, ...]
    moments: DataFrame
    left_out: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    floors: bool = False

    def table(self) -> DataFrame:
        """One number a row: data, score, title, series, value, reference, (floor,) better, unit."""
        from pandas import DataFrame

        columns = ["data", "score", "title", "series", "value", "reference", "floor", "better", "unit"]
        rows = [
            dataclasses.asdict(row) | {name: getattr(METRICS[row.score], name) for name in ("title", "better", "unit")}
            for row in self.rows
        ]
        table = DataFrame(rows, columns=columns)
        return table if self.floors else table.drop(columns="floor")

    def side_by_side(self) -> DataFrame:
        """One score and series a row: score, title, series, a column for each data set, reference, (floor)."""
        table = self.table()
        key = ["score", "title", "series"]
        beside = table.drop_duplicates(key)[key + [c for c in ("reference", "floor") if c in table]]
        for place, (data, each) in enumerate(table.groupby("data", sort=False)):
            values = each.set_index(["score", "series"])["value"]
            column = [values.get((row.score, row.series), math.nan) for row in beside.itertuples()]
            beside.insert(len(key) + place, str(data), column, allow_duplicates=True)
        return beside.reset_index(drop=True)

    @property
    def sentences(self) -> tuple[str, ...]:
        """One for each data set: how many of its numbers are no worse than those of the real hold-out."""
        return tuple(self._sentence(data) for data in dict.fromkeys(row.data for row in self.rows))

    @property
    def summary(self) -> str:
        """The sentences in one text."""
        return " ".join(self.sentences) or "No score could be computed."

    def _sentence(self, data: str) -> str:
        judged = [row for row in self.rows if row.data == data and row.within is not None]
        if not judged:
            return f"{data}: there is no real hold-out to read the scores against."
        within = sum(row.within is True for row in judged)
        return f"{data}: {within} of {len(judged)} scores are as close to the real training data as the real hold-out."

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, ready for JSON; a number that does not exist is None."""
        return {
            "rows": [_plain(dataclasses.asdict(row)) for row in self.rows],
            "moments": [_plain(row) for row in self.moments.to_dict("records")],
            "left_out": dict(self.left_out),
            "notes": list(self.notes),
            "summary": self.summary,
        }

    def __repr__(self) -> str:
        scores = len({row.score for row in self.rows})
        out = f", {len(self.left_out)} left out" if self.left_out else ""
        return f"Report({scores} scores{out})\n{self.summary}\n{self.side_by_side().to_string(float_format=_short)}"

    def _repr_html_(self) -> str:
        table = self.side_by_side().to_html(index=False, float_format=_short, escape=True, border=0)
        remarks = [*self.notes, *(f"{METRICS[name].title} was left out: {why}" for name, why in self.left_out.items())]
        listed = "".join(f"<li>{escape(remark)}</li>" for remark in remarks)
        return f"<p>{escape(self.summary)}</p>{table}" + (f"<ul>{listed}</ul>" if listed else "")


def _distance_to_one(ratio: float) -> float:
    return abs(math.log(ratio)) if ratio > 0 else math.inf


def _short(number: float) -> str:
    return f"{number:.3g}"


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(k): None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
