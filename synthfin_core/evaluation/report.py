"""What `evaluate` found: numbers with their references, floors and verdicts, and what was left out and why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from synthfin_core.evaluation.floors import Floors
from synthfin_core.evaluation.metric import METRICS
from synthfin_core.evaluation.ranking import ranking
from synthfin_core.evaluation.verdict import Judge, Verdict, judge

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure


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
    """

    data: str
    score: str
    series: str
    value: float
    reference: float = math.nan

    @property
    def loss(self) -> float:
        """How far the value is from perfect."""
        return METRICS[self.score].loss(self.value)

    @property
    def within(self) -> bool | None:
        """Whether the value is no further from perfect than its reference; None where that has no answer."""
        if METRICS[self.score].better == "none" or not math.isfinite(self.reference):
            return None
        return self.loss <= METRICS[self.score].loss(self.reference)


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
    floors : Floors or None
        The noise floors, where they were asked for.
    curves : dict of str to dict
        By curve and data set, `Points`: what the figures draw.
    exhibits : dict of str to dict
        By score and data set, what a score found beside its number.
    series : tuple of str
        Names of the series.
    models : dict of str to str
        Which model each data set came from; data sets of one model differ in their seed.
    """

    rows: tuple[Row, ...]
    moments: DataFrame
    left_out: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    floors: Floors | None = None
    curves: dict[str, dict[str, Any]] = field(default_factory=dict)
    exhibits: dict[str, dict[str, Any]] = field(default_factory=dict)
    series: tuple[str, ...] = ()
    models: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> tuple[str, ...]:
        """The data sets that were scored."""
        return tuple(dict.fromkeys(row.data for row in self.rows))

    def only(self, data: str) -> Report:
        """The part of the report that is about one data set (and the real ones)."""
        return self.keeping([data])

    def keeping(self, data: Sequence[str]) -> Report:
        """The part of the report that is about some of its data sets (and the real ones)."""
        others = set(self.data) - set(data)

        def mine(named: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
            kept = {name: {k: v for k, v in each.items() if k not in others} for name, each in named.items()}
            return {name: each for name, each in kept.items() if each}

        return replace(
            self,
            rows=tuple(row for row in self.rows if row.data not in others),
            moments=self.moments[~self.moments["data"].isin(others)].reset_index(drop=True),
            curves=mine(self.curves),
            exhibits=mine(self.exhibits),
            models={name: model for name, model in self.models.items() if name not in others},
        )

    def renamed(self, name: str) -> Report:
        """The report of a single data set under another name."""
        old = self.data[0] if self.data else name

        def new(named: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
            return {key: {name if k == old else k: v for k, v in each.items()} for key, each in named.items()}

        return replace(
            self,
            rows=tuple(replace(row, data=name) for row in self.rows),
            moments=self.moments.replace({"data": {old: name}}),
            curves=new(self.curves),
            exhibits=new(self.exhibits),
            models={name: self.models[old]} if old in self.models else {},
        )

    @classmethod
    def merged(cls, parts: Sequence[Report], floors: Floors | None = None) -> Report:
        """One report of several on the same real windows, each about data sets of its own or scores of its own."""
        from pandas import concat

        order = {name: place for place, name in enumerate(METRICS)}
        series = next((part.series for part in parts if part.series), ())
        place = {data: i for i, data in enumerate(dict.fromkeys(d for part in parts for d in part.data))}
        rows = sorted((row for part in parts for row in part.rows), key=lambda r: (place[r.data], order[r.score]))
        moments = concat([part.moments for part in parts]).drop_duplicates(["series", "data"])
        whys: dict[str, dict[str, str]] = {}
        for part in parts:
            for score, why in part.left_out.items():
                whys.setdefault(score, {}).setdefault(part.data[0] if len(part.data) == 1 else "", why)
        curves: dict[str, dict[str, Any]] = {}
        exhibits: dict[str, dict[str, Any]] = {}
        for part in parts:
            for into, found in ((curves, part.curves), (exhibits, part.exhibits)):
                for name, each in found.items():
                    into.setdefault(name, {}).update(each)
        return cls(
            rows=tuple(rows),
            moments=moments.sort_values("series", kind="stable", key=lambda c: c.map(series.index), ignore_index=True),
            left_out={score: one_reason(each, len(place)) for score, each in whys.items()},
            notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
            floors=floors,
            curves=curves,
            exhibits=exhibits,
            series=series,
            models={data: model for part in parts for data, model in part.models.items()},
        )

    def table(self) -> DataFrame:
        """One number a row: data, score, title, group, series, value, reference, better, unit.

        With floors also floor and floor_high (median and 90th percentile of what perfect samples score, as a distance
        from perfect), halves (the real later against the earlier half) and verdict.
        """
        from pandas import DataFrame

        columns = ["data", "score", "title", "group", "series", "value", "reference"]
        columns += ["floor", "floor_high", "halves", "verdict"] if self.floors is not None else []
        return DataFrame([self._record(row) for row in self.rows], columns=[*columns, "better", "unit"])

    def side_by_side(self) -> DataFrame:
        """One score and series a row: score, title, series, a column for each data set, reference, (floor_high)."""
        table = self.table()
        key = ["score", "title", "series"]
        beside = table.drop_duplicates(key)[key + [c for c in ("reference", "floor_high") if c in table]]
        for place, (data, each) in enumerate(table.groupby("data", sort=False)):
            values = each.set_index(["score", "series"])["value"]
            column = [values.get((row.score, row.series), math.nan) for row in beside.itertuples()]
            beside.insert(len(key) + place, str(data), column, allow_duplicates=True)
        return beside.reset_index(drop=True)

    @cached_property
    def verdicts(self) -> dict[str, Verdict]:
        """The verdict on each data set; without floors it says so."""
        judge = Judge(self.floors or Floors(), {row.score for row in self.rows} | set(self.left_out))
        return {
            data: judge.verdict({(row.score, row.series): row.loss for row in self.rows if row.data == data})
            for data in self.data
        }

    def verdict(self, data: str | None = None) -> Verdict:
        """The verdict on one data set; on the first one when None."""
        return self.verdicts[self.data[0] if data is None else data] if self.data else Verdict()

    def ranking(self) -> DataFrame:
        """Models by their mean rank over all groups of scores, best first; see `ranking`."""
        return ranking(self.rows, self.floors, self.models)

    def figures(self) -> dict[str, Figure]:
        """The figures of the scores by name: curves over their floor bands, and what scores found beside a number."""
        from importlib import import_module

        drawn: dict[str, Figure] = import_module("synthfin_core.plots.scorecard").report_figures(self)
        return drawn

    @property
    def sentences(self) -> tuple[str, ...]:
        """One for each data set: its verdict, or without floors how it stands beside the real hold-out."""
        return tuple(self._sentence(data) for data in self.data)

    @property
    def summary(self) -> str:
        """The sentences in one text."""
        return " ".join(self.sentences) or "No score could be computed."

    def _sentence(self, data: str) -> str:
        if self.floors is not None:
            return f"{data}: {self.verdicts[data].sentence}."
        judged = [row for row in self.rows if row.data == data and row.within is not None]
        if not judged:
            return f"{data}: there is no real hold-out to read the scores against."
        within = sum(row.within is True for row in judged)
        return f"{data}: {within} of {len(judged)} scores are as close to the real training data as the real hold-out."

    def _record(self, row: Row) -> dict[str, Any]:
        metric = METRICS[row.score]
        record = asdict(row) | {name: getattr(metric, name) for name in ("title", "group", "better", "unit")}
        if self.floors is None:
            return record
        key = (row.score, row.series)
        floor = self.floors.oracle.get(key)
        return record | {
            "floor": floor.median if floor else math.nan,
            "floor_high": floor.high if floor else math.nan,
            "halves": self.floors.halves.get(key, math.nan),
            "verdict": "" if metric.better == "none" else judge(row.loss, floor),
        }

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, ready for JSON; a number that does not exist is None."""
        return {
            "rows": [plain(record) for record in self.table().to_dict("records")],
            "moments": [plain(row) for row in self.moments.to_dict("records")],
            "left_out": dict(self.left_out),
            "notes": list(self.notes),
            "summary": self.summary,
            "verdicts": {data: asdict(verdict) for data, verdict in self.verdicts.items()} if self.floors else {},
            "floors": self.floors.to_dict() if self.floors else None,
            "curves": plain({name: {data: points._asdict() for data, points in each.items()}
                             for name, each in self.curves.items()}),
            "exhibits": plain(self.exhibits),
            "series": list(self.series),
            "models": dict(self.models),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Report:
        """The report that `to_dict` wrote; scores that are no longer known are left out."""
        from pandas import DataFrame

        from synthfin_core.evaluation.curve import Points

        rows = [
            Row(each["data"], each["score"], each["series"], _number(each["value"]), _number(each["reference"]))
            for each in values["rows"]
            if each["score"] in METRICS
        ]  # fmt: skip
        curves = {
            name: {data: Points(*(np.array(points[part], dtype=np.float64) for part in Points._fields))
                   for data, points in each.items()}
            for name, each in values["curves"].items()
        }  # fmt: skip
        return cls(
            tuple(rows), DataFrame(values["moments"]), dict(values["left_out"]), tuple(values["notes"]),
            Floors.from_dict(values["floors"]) if values["floors"] else None,
            curves, dict(values["exhibits"]), tuple(values["series"]), dict(values["models"]),
        )  # fmt: skip

    def __repr__(self) -> str:
        scores = len({row.score for row in self.rows})
        out = f", {len(self.left_out)} left out" if self.left_out else ""
        return f"Report({scores} scores{out})\n{self.summary}\n{self.side_by_side().to_string(float_format=_short)}"

    def _repr_html_(self) -> str:
        table = self.side_by_side().to_html(index=False, float_format=_short, escape=True, border=0)
        remarks = [*self.notes, *(f"{METRICS[name].title} was left out: {why}" for name, why in self.left_out.items())]
        listed = "".join(f"<li>{escape(remark)}</li>" for remark in remarks)
        return f"<p>{escape(self.summary)}</p>{table}" + (f"<ul>{listed}</ul>" if listed else "")


def one_reason(whys: Mapping[str, str], count: int) -> str:
    """Why a score has no number, from the reasons by data set, of which there are `count`."""
    if len(whys) == count and len(set(whys.values())) == 1:
        return next(iter(whys.values()))
    return "; ".join(f"{data}: {why}" if data else why for data, why in whys.items())


def plain(value: Any) -> Any:
    """Arrays, numpy numbers and nested mappings as plain values; what is not finite becomes None."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _short(number: float) -> str:
    return f"{number:.3g}"
