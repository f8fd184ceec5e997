"""Scores of synthetic windows against the real training windows, each beside the score of the real hold-out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np

from synthfin_core.errors import DataError, SettingError
from synthfin_core.evaluation.metric import METRICS, Array, Metric, check_windows
from synthfin_core.evaluation.moments import moments_table
from synthfin_core.evaluation.report import ALL_SERIES, Report, Row
from synthfin_core.rng import stream

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from synthfin_core.data.windows import Windows, WindowSet
    from synthfin_core.pipeline import Samples

#: Scores see at most this many windows of each data set; on daily data more than these change the third digit.
MOST_WINDOWS = 2500

#: Numbers by score and series.
Found = dict[tuple[str, str], float]

#: Names of the real data sets in tables and figures.
TRAINING, HOLDOUT = "real training", "real hold-out"


def evaluate(
    windows: Windows,
    samples: Samples | ArrayLike | Mapping[str, Samples | ArrayLike],
    scores: Sequence[str] | None = None,
    floors: bool = False,
    seed: int = 0,
) -> Report:
    """Score synthetic windows against the real training windows.

    Every number stands beside its reference: the same score of the real hold-out against the real training
    windows, which is what a perfect copy of the next years would get. A score that cannot be computed is left
    out by name with the reason.

    Parameters
    ----------
    windows : Windows
        The real windows, as `make_windows` gives them.
    samples : Samples, array (m, t, d), or dict of str to either
        Synthetic windows in the unit of `windows`; a dict gives several data sets their names.
    scores : sequence of str, optional
        Names in `METRICS`; all of them when None.
    floors : bool
        Also score the later half of the training windows against the earlier half, with no step in both: how
        far the market is from itself.
    seed : int
        Of the sample of windows that is drawn where there are more than 2,500; the search for copies always
        sees all real training windows.

    Returns
    -------
    Report

    Raises
    ------
    DataError
        If the synthetic windows have another length, other series or other units than the real ones, or hold
        missing values.
    SettingError
        If a score is unknown.
    """
    chosen = _chosen(scores)
    names = tuple(windows.names)
    whole = check_windows(windows.train.x, "The real training data")
    notes: list[str] = []
    real = _sample(whole, TRAINING, seed, notes)
    sets = {
        data: _sample(_comparable(each, data, windows, whole), data, seed, notes)
        for data, each in _named(samples).items()
    }
    holdout = None
    references: Found = {}
    if len(windows.holdout.x):
        holdout = _sample(check_windows(windows.holdout.x, "The real hold-out"), HOLDOUT, seed, notes)
        references, missing = score_each(chosen, real, holdout, names, whole)
        notes += [f"{METRICS[name].title} has no reference: {why}." for name, why in missing.items()]
    else:
        notes.append("There are no hold-out windows, so the scores have no reference.")
    floor: Found = {}
    if floors:
        floor, missing = _floors(chosen, windows.train, names, seed)
        notes += [f"{METRICS[name].title} has no floor: {why}." for name, why in missing.items()]

    rows: list[Row] = []
    left_out: dict[str, str] = {}
    for data, x in sets.items():
        found, missing = score_each(chosen, real, x, names, whole)
        rows += [Row(data, *key, value, references.get(key, nan), floor.get(key, nan)) for key, value in found.items()]
        for name, why in missing.items():
            why = why if len(sets) == 1 else f"{data}: {why}"
            left_out[name] = f"{left_out[name]}; {why}" if name in left_out else why
    shown = {TRAINING: real} | ({} if holdout is None else {HOLDOUT: holdout}) | sets
    return Report(tuple(rows), moments_table(shown, names), left_out, tuple(notes), floors)


def score_each(
    metrics: Sequence[Metric], real: Array, synthetic: Array, names: Sequence[str], whole: Array | None = None
) -> tuple[Found, dict[str, str]]:
    """Every score of one pair of data sets.

    Parameters
    ----------
    metrics : sequence of Metric
    real, synthetic : ndarray (n, t, d), (m, t, d)
    names : sequence of str
        Names of the `d` series.
    whole : ndarray (N, t, d), optional
        All real windows, for scores that want them; `real` when None.

    Returns
    -------
    found : dict
        The numbers by score and series.
    missing : dict of str to str
        Scores, or series of a score, without a number, and the reason.
    """
    found: Found = {}
    missing: dict[str, str] = {}
    for each in metrics:
        against = whole if each.all_windows and whole is not None else real
        why = each.needs.unmet(against, synthetic, names)
        if why:
            missing[each.name] = why
            continue
        value = each(against, synthetic)
        numbers = {ALL_SERIES: value} if np.ndim(value) == 0 else dict(zip(names, np.asarray(value), strict=True))
        undefined = [series for series, number in numbers.items() if not np.isfinite(number)]
        if undefined:
            missing[each.name] = f"it is not defined for {', '.join(undefined)}"
        found |= {(each.name, series): float(x) for series, x in numbers.items() if series not in undefined}
    return found, missing


def _chosen(scores: Sequence[str] | None) -> list[Metric]:
    if scores is None:
        return list(METRICS.values())
    for name in scores:
        if name not in METRICS:
            raise SettingError(f"No score is called {name!r}; there are {', '.join(METRICS)}.")
    return [METRICS[name] for name in scores]


def _named(samples: Any) -> dict[str, Any]:
    if not isinstance(samples, Mapping):
        return {"synthetic": samples}
    if not samples:
        raise DataError("No synthetic data came, expected at least one data set: choose a run or pass an array.")
    return {str(name): each for name, each in samples.items()}


def _comparable(samples: Any, data: str, windows: Windows, real: Array) -> Array:
    """The windows of `samples`, once they are known to be of the same length, series and unit as the real ones."""
    for what in ("names", "units"):
        ours, theirs = tuple(getattr(windows, what)), getattr(samples, what, None)
        if theirs is not None and tuple(theirs) != ours:
            raise DataError(
                f"{data} has the {what} {', '.join(theirs)}, the real data have {', '.join(ours)}: "
                "compare it with the data that it was trained on."
            )
    x = check_windows(getattr(samples, "x", samples), data)
    for axis, what in ((1, "steps a window"), (2, "series")):
        if x.shape[axis] != real.shape[axis]:
            raise DataError(
                f"{data} has {x.shape[axis]} {what}, the real data have {real.shape[axis]}: "
                "compare it with the data that it was trained on."
            )
    return x


def _sample(x: Array, data: str, seed: int, notes: list[str] | None = None) -> Array:
    """At most `MOST_WINDOWS` windows, in order; a note says so where some were left."""
    if len(x) <= MOST_WINDOWS:
        return x
    if notes is not None:
        notes.append(f"Of {data}, {MOST_WINDOWS:,} of {len(x):,} windows were scored, drawn with seed {seed}.")
    chosen = stream(seed, f"evaluation {data}").choice(len(x), MOST_WINDOWS, replace=False)
    return x[np.sort(chosen)]


def _floors(
    chosen: Sequence[Metric], train: WindowSet, names: Sequence[str], seed: int
) -> tuple[Found, dict[str, str]]:
    """Scores of the later against the earlier half of the training windows; no row of the panel is in both."""
    last = train.rows + train.x.shape[1]
    middle = (train.rows.min() + last.max()) // 2
    earlier, later = train.x[last <= middle], train.x[train.rows >= middle]
    if not len(earlier) or not len(later):
        return {}, {each.name: "the training data are too short to halve" for each in chosen}
    return score_each(chosen, _sample(earlier, "earlier", seed), _sample(later, "later", seed), names, earlier)
