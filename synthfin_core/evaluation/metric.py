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

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synthfin_core.errors import DataError

Array = NDArray[np.float64]
Value = float | Array
Score = Callable[[Array, Array], Value]

Better = Literal["lower", "one", "none"]
Group = Literal["one series", "time", "across series", "novelty"]


@dataclass(frozen=True)
class Needs:
    """What a score needs of its data; where that is missing the score is left out by name, with the reason.

    Attributes
    ----------
    windows, length, series : int
        The fewest windows on each side, the shortest window and the fewest series.
    real_varies, synthetic_varies : bool
        Every real, or synthetic, series must take more than one value.
    """

    windows: int = 8
    length: int = 2
    series: int = 1
    real_varies: bool = True
    synthetic_varies: bool = False

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
        What it looks at: "one series", "time", "across series" or "novelty".
    better : str
        "lower": zero is perfect. "one": a ratio, and one is perfect. "none": shown, not scored.
    unit : str
        The unit of the number in words; empty for a pure number.
    help : str
        What it means, in one sentence for a person who is no statistician.
    needs : Needs
    all_windows : bool
        The score sees every real training window, even where the others see a sample of them.
    function : callable
        `f(real (n, t, d), synthetic (m, t, d))` gives one number, or one a series `(d,)`.
    """

    name: str
    title: str
    group: Group
    better: Better
    unit: str
    help: str
    needs: Needs
    all_windows: bool
    function: Score

    def __call__(self, real: Array, synthetic: Array) -> Value:
        """The score of `synthetic` against `real`."""
        return self.function(real, synthetic)


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
    all_windows: bool = False,
) -> Callable[[Score], Score]:
    """Register the decorated function under `name`; see `Metric` for the meaning of the arguments."""

    def register(function: Score) -> Score:
        METRICS[name] = Metric(name, title, group, better, unit, help, needs or Needs(), all_windows, function)
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
