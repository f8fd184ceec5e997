"""What the figures of one report share: how each data set is drawn, and what its series are called."""

from __future__ import annotations

from itertools import cycle, islice
from typing import TYPE_CHECKING, NamedTuple

from synthfin_core.evaluation.metric import METRICS
from synthfin_core.evaluation.score import HOLDOUT, TRAINING
from synthfin_core.plots.style import RUNS, colours, dash

if TYPE_CHECKING:
    from synthfin_core.evaluation.report import Report


class Look(NamedTuple):
    """How a data set is drawn in every figure: its colour, and the style of its lines."""

    colour: str
    dash: str


def looks(report: Report) -> dict[str, Look]:
    """The look of each data set, real ones first; after six data sets the colours return with broken lines."""
    shown = colours([TRAINING, HOLDOUT, *report.data])
    styles = cycle(style for style in ("solid", "dash", "dashdot") for _ in RUNS)
    broken = dict(zip(report.data, islice(styles, len(report.data)), strict=True))
    return {name: Look(colour, broken.get(name, dash(name))) for name, colour in shown.items()}


def series_names(report: Report, count: int) -> tuple[str, ...]:
    """Names of `count` series of a curve or an exhibit: all of the report, or those that hold returns."""
    if count == len(report.series):
        return report.series
    returns = {row.series for row in report.rows if METRICS[row.score].needs.returns}
    named = tuple(each for each in report.series if each in returns)
    return named if len(named) == count else tuple(f"series {i + 1}" for i in range(count))
