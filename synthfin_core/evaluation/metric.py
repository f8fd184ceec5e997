"""The shelf of scores: a score is one decorated function, and says itself when it cannot be computed.

>>> @metric(
...     name="example", title="Example", group="one series", better="none", unit="times real", help="Only an example."
... )
... def example(real, synthetic):
...     return synthetic.std(axis=(0, 1)) / real.std(axis=(0, 1))
>>> METRICS.pop("example").needs.windows
8
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthfin_core.errors import DataError

Array = NDArray[np.float64]
Value = float | Array

Better = Literal["lower", "one", "none"]
Group = Literal["one series", "time", "tails", "across series", "judges", "utility", "novelty"]

#: The groups of scores in the order of the table, with the words shown for them.
GROUPS: dict[Group, str] = {
    "one series": "Each series by itself",
    "time": "Dependence in time",
    "tails": "Tails and risk",
    "across series": "Dependence across series",
    "judges": "Two-sample judges",
    "utility": "Use",
    "novelty": "Novelty",
}

#: Kinds of a panel's columns whose windows hold returns.
RETURNS = ("price", "return")


class Finding(NamedTuple):
    """A score's number together with what its figure shows.

    Attributes
    ----------
    value : float or ndarray (d,)
    exhibit : mapping of str to array
        Small arrays, for example the two rates of a judge's ROC curve.
    """

    value: Value
    exhibit: Mapping[str, Any]


@dataclass(frozen=True)
class Context:
    """What a score may know beside the two data sets; only scores registered with ``context=True`` are given it.

    Attributes
    ----------
    kinds : tuple of str
        Kind of each series: price, return, volume or level.
    bars_per_year : float
        252 for daily data.
    seed : int
        For scores that draw at random.
    holdout : array or None
        Real hold-out windows `(h, t, d)`, prepared as the score's other arguments are; None where there are none.
    control : array or None
        Windows `(c, t, d)` of a process fitted to the training data that can't memorise them, prepared likewise.
    """

    kinds: tuple[str, ...] = ()
    bars_per_year: float = 252.0
    seed: int = 0
    holdout: Any = None
    control: Any = None


@dataclass(frozen=True)
class Needs:
    """What a score needs of its data; where that is missing the score is left out by name, with the reason.

    Attributes
    ----------
    windows, length, series : int
        The fewest windows on each side, the shortest window and the fewest series.
    real_varies, synthetic_varies : bool
        Every real, or synthetic, series must take more than one value.
    returns : bool
        The score sees the series that hold returns (prices or returns), and no others.
    volume : bool
        There must be a volume and a series of returns.
    holdout : int
        The fewest hold-out windows; they come with the context.
    control : bool
        Windows of the control process must come with the context.
    """

    windows: int = 8
    length: int = 2
    series: int = 1
    real_varies: bool = True
    synthetic_varies: bool = False
    returns: bool = False
    volume: bool = False
    holdout: int = 0
    control: bool = False

    def columns(self, kinds: Sequence[str]) -> list[int]:
        """Which series, of those `kinds`, the score sees."""
        return [i for i, kind in enumerate(kinds) if kind in RETURNS or not self.returns]

    def unmet_by_kind(self, kinds: Sequence[str]) -> str | None:
        """The reason why a score cannot be computed on series of these kinds, or None."""
        held = " and ".join(dict.fromkeys(f"{kind}s" for kind in kinds))
        returns = any(kind in RETURNS for kind in kinds)
        if self.returns and not returns:
            return f"it is about returns, and these series are {held}"
        if self.volume and not (returns and "volume" in kinds):
            return f"it needs a volume beside a price or a return, and these series are {held}"
        return None

    def unmet(self, real: Array, synthetic: Array, names: Sequence[str]) -> str | None:
        """The reason why a score cannot be computed on `real` and `synthetic (n, t, d)`, or None."""
        n, (t, d) = min(len(real), len(synthetic)), real.shape[1:]
        if n < self.windows:
            return f"it needs at least {self.windows} windows on each side, and there are {n}"
        if t < self.length:
            return f"it needs windows of at least {self.length} steps, and these have {t}"
        if d < self.series:
            return f"it needs at least {self.series} series, and there is {'one' if d == 1 else d}"
        for side, x, varies in (("real", real, self.real_varies), ("synthetic", synthetic, self.synthetic_varies)):
            flat = np.flatnonzero(constant(x)) if varies else np.array([], dtype=int)
            if flat.size:
                return f"the {side} series {names[flat[0]]} is constant"
        return None


@dataclass(frozen=True)
class Metric:
    """A registered score.

    Attributes
    ----------
    name, title : str
        The key in `METRICS` and the words shown for it.
    group : str
        What it looks at: a key of `GROUPS`.
    better : str
        "lower": zero is perfect. "one": a ratio, and one is perfect. "none": shown, not scored.
    unit : str
        The unit of the number in words; empty for a pure number.
    help : str
        What it means, in one sentence for a person who is no statistician.
    function : callable
        `f(real, synthetic)` gives one number, or one a series `(d,)`, or a `Finding`; with the context as third
        argument where `context` is set. With `together` it is `f(pairs, context)` and gives a list, one for each
        pair `(real (n, t, d), synthetic (m, t, d))`.
    needs : Needs
    prepare : callable or None
        What is computed from one data set `(n, t, d)` alone, and only once however many scores and comparisons use
        it; `function` then gets what it returned in place of the windows. Scores that share it share the work.
    context : bool
        Whether `function` is given the `Context`.
    learned : bool
        A network is trained for it, so it is left out unless asked for.
    together : bool
        All data sets are judged in one call, because that is much quicker than one after the other.
    all_windows : bool
        The score sees every real training window, even where the others see a sample of them.
    alarm : bool
        Far from its floor, it is a sign that the data were copied.
    figure : str
        Key in `CURVES` of the curve that shows what it measures, or the name of an exhibit; empty for none.
    """

    name: str
    title: str
    group: Group
    better: Better
    unit: str
    help: str
    function: Callable[..., Any]
    needs: Needs = field(default_factory=Needs)
    prepare: Callable[[Array], Any] | None = None
    context: bool = False
    learned: bool = False
    together: bool = False
    all_windows: bool = False
    alarm: bool = False
    figure: str = ""

    def __call__(self, real: Array, synthetic: Array, context: Context | None = None) -> Value:
        """The score of windows `synthetic (m, t, d)` against `real (n, t, d)`, without its exhibit."""
        context = context or Context()
        if self.together:
            found = self.function([(real, synthetic)], context)[0]
        else:
            made = self.prepare or (lambda x: x)
            if self.context:
                holdout, control = (None if x is None else made(x) for x in (context.holdout, context.control))
                context = replace(context, holdout=holdout, control=control)
                found = self.function(made(real), made(synthetic), context)
            else:
                found = self.function(made(real), made(synthetic))
        return found.value if isinstance(found, Finding) else found

    def loss(self, value: float) -> float:
        """How far a value is from perfect: itself, or the size of its logarithm where one is perfect."""
        if self.better == "one":
            return abs(math.log(value)) if value > 0 else math.inf
        return value


METRICS: dict[str, Metric] = {}


def metric(
    *,
    name: str,
    title: str,
    group: Group,
    better: Better,
    help: str,
    unit: str = "",
    needs: Needs | None = None,
    **more: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function under `name`; see `Metric` for the meaning of the arguments."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        METRICS[name] = Metric(name, title, group, better, unit, help, function, needs or Needs(), **more)
        return function

    return register


def by_series(x: Array) -> Array:
    """All values of each series of `x (n, t, d)` in a row of their own, `(d, n t)`; sums along it are fast."""
    return np.ascontiguousarray(x.reshape(-1, x.shape[2]).T)


def constant(x: Array) -> NDArray[np.bool_]:
    """Which series of `x (n, t, d)` take a single value only, `(d,)`."""
    values = by_series(x)
    same: NDArray[np.bool_] = values.max(axis=1) == values.min(axis=1)
    return same


def check_windows(x: object, what: str = "The data") -> Array:
    """Return `x` as a float64 array of windows `(n, t, d)`, or say what is wrong with it.

    Raises
    ------
    DataError
        If the shape is not `(n, t, d)`, there is nothing in it, or a value is missing or infinite.
    """
    try:
        array = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{what} came as {type(x).__name__}, expected numbers: (windows, time, series).") from None
    if array.ndim != 3 or 0 in array.shape:
        raise DataError(f"{what} has shape {array.shape}, expected (windows, time, series) with at least one of each.")
    bad = array.size - int(np.isfinite(array).sum())
    if bad:
        raise DataError(f"{what} holds {bad} values that are missing or infinite, expected none: clean it first.")
    return array
