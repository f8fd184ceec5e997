"""Scores of synthetic windows against the real training windows, each beside the score of the real hold-out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import nan
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from synthfin_core.errors import DataError, SettingError
from synthfin_core.evaluation.baselines import BASELINES, ORACLE, draw_baseline, fitted_baseline
from synthfin_core.evaluation.curve import CURVES
from synthfin_core.evaluation.dataset import DataSet, Frame, Pair, frame_of
from synthfin_core.evaluation.fitted import FittedProcess
from synthfin_core.evaluation.floors import Floors, make_floors, sampled
from synthfin_core.evaluation.metric import METRICS, Array, Metric, check_windows
from synthfin_core.evaluation.moments import moments_table
from synthfin_core.evaluation.report import Report, Row, one_reason
from synthfin_core.evaluation.scoring import OnProgress, Scores, score_pairs
from synthfin_core.rng import integer_seed

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from synthfin_core.data.windows import Windows
    from synthfin_core.pipeline import Samples

#: Scores see at most this many windows of each data set; on daily data more than these change the third digit.
MOST_WINDOWS = 2500

#: Names of the real data sets in tables and figures.
TRAINING, HOLDOUT = "real training", "real hold-out"

#: Instead of names of scores: those that need no training (the default), and all.
Which = Literal["quick", "all"]


def evaluate(
    windows: Windows,
    samples: Samples | ArrayLike | Mapping[str, Samples | ArrayLike],
    scores: Sequence[str] | Which = "quick",
    floors: bool | Floors = False,
    baselines: bool | Sequence[str] = False,
    models: Mapping[str, str] | None = None,
    seed: int = 0,
    on_progress: OnProgress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Report:
    """Score synthetic windows against the real training windows.

    Every number stands beside its reference: the same score of the real hold-out against the real training
    windows, which is what a perfect copy of the next years would get. With `floors` it also stands beside its noise
    floors and has a verdict. A score that cannot be computed is left out by name with the reason.

    Parameters
    ----------
    windows : Windows
        The real windows, as `make_windows` gives them.
    samples : Samples, array (m, t, d), or dict of str to either
        Synthetic windows in the unit of `windows`; a dict gives several data sets their names.
    scores : sequence of str, "quick" or "all"
        Names in `METRICS`; "quick" leaves out the judges that train a network.
    floors : bool or Floors
        Measure the noise floors: what perfect samples of a process fitted to the training data score against each
        other, and what the later half of the training data scores against the earlier. Floors of an earlier report on
        the same windows save the time.
    baselines : bool or sequence of str
        Score classical baselines too: all of `BASELINES`, or those named.
    models : dict of str to str, optional
        The model that each data set came from, where several differ in their seed only: they give its interval.
    seed : int
        Of all that is drawn at random, for example the sample of windows where there are more than 2,500; the search
        for copies always sees all real training windows.
    on_progress : callable, optional
        Told the share done and what is at hand.
    should_stop : callable, optional
        Asked now and then.

    Returns
    -------
    Report

    Raises
    ------
    DataError
        If the synthetic windows have another length, other series or other units than the real ones, or hold
        missing values.
    SettingError
        If a score or a baseline is unknown.
    Stopped
        If `should_stop` said so.
    """
    chosen = _chosen(scores)
    frame = frame_of(windows, seed)
    whole = check_windows(windows.train.x, "The real training data")
    notes: list[str] = []
    sets = {data: _comparable(each, data, windows, whole) for data, each in _named(samples).items()}
    oracle = _oracle(windows, chosen, floors, notes)
    sets |= _baselines(baselines, sets, windows, frame)
    ours = {data: DataSet(_seen(x, data, seed, notes)) for data, x in sets.items()}
    real = DataSet(_seen(whole, TRAINING, seed, notes), whole)
    holdout = None
    if len(windows.holdout.x):
        holdout = DataSet(_seen(check_windows(windows.holdout.x, "The real hold-out"), HOLDOUT, seed, notes))
    else:
        notes.append("There are no hold-out windows, so the scores have no reference.")
    control = None if oracle is None else DataSet(oracle.draw(MOST_WINDOWS, integer_seed(seed, "control")))

    measured, share = _measured_floors(floors, windows, chosen, ours, seed, on_progress, should_stop)
    pairs = [Pair(real, each, holdout, control) for each in ours.values()]
    if holdout is not None:
        pairs.append(Pair(real, holdout, holdout, control))
    results = score_pairs(chosen, pairs, frame, _after(share, on_progress), should_stop)
    references = results.pop() if holdout is not None else Scores()
    if holdout is not None:
        scored = {name for result in results for name, _ in result.found}
        lacking = ((name, why) for name, why in references.missing.items() if name in scored)
        notes += [f"{METRICS[name].title} has no reference: {why}." for name, why in lacking]
    if measured is not None:
        notes += [note for note in measured.notes if note not in notes]
    rows = [
        Row(data, *key, value, references.found.get(key, nan))
        for data, result in zip(ours, results, strict=True)
        for key, value in result.found.items()
    ]
    shown = {TRAINING: real} | ({} if holdout is None else {HOLDOUT: holdout}) | ours
    return Report(
        rows=tuple(rows),
        moments=moments_table({data: each.x for data, each in shown.items()}, frame.names),
        left_out=_left_out(dict(zip(ours, results, strict=True))),
        notes=tuple(notes),
        floors=measured,
        curves=_curves(shown, chosen, frame),
        exhibits=_exhibits(dict(zip(ours, results, strict=True))),
        series=frame.names,
        models=dict(models or {}),
    )


def _chosen(scores: Sequence[str] | Which | None) -> list[Metric]:
    if scores is None or isinstance(scores, str):
        if scores not in (None, "quick", "all"):
            raise SettingError(f'Scores came as {scores!r}, expected "quick", "all" or a list of names.')
        return [each for each in METRICS.values() if scores == "all" or not each.learned]
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


def _seen(x: Array, data: str, seed: int, notes: list[str]) -> Array:
    """At most `MOST_WINDOWS` windows, in order; a note says so where some were left."""
    if len(x) > MOST_WINDOWS:
        notes.append(f"Of {data}, {MOST_WINDOWS:,} of {len(x):,} windows were scored, drawn with seed {seed}.")
    return sampled(x, MOST_WINDOWS, seed, data)


def _oracle(
    windows: Windows, chosen: Sequence[Metric], floors: bool | Floors, notes: list[str]
) -> FittedProcess | None:
    """The process that floors and controls come from, where something asks for it and it can be had."""
    if floors is not True and not any(each.needs.control for each in chosen):
        return None
    try:
        oracle = fitted_baseline(ORACLE, windows)
    except DataError as error:
        notes.append(str(error))
        return None
    notes += oracle.remarks
    return oracle


def _baselines(
    asked: bool | Sequence[str], sets: Mapping[str, Array], windows: Windows, frame: Frame
) -> dict[str, Array]:
    names = list(BASELINES) if asked is True else list(asked or ())
    for name in names:
        if name not in BASELINES:
            raise SettingError(f"No baseline is called {name!r}; there are {', '.join(BASELINES)}.")
    n = min(MOST_WINDOWS, max(map(len, sets.values())))
    titles = {name: BASELINES[name].title for name in names}
    titles = {name: f"{title} (baseline)" if title in sets else title for name, title in titles.items()}
    return {title: draw_baseline(name, windows, n, frame.seed) for name, title in titles.items()}


def measure_floors(
    windows: Windows,
    scores: Sequence[str] | Which = "quick",
    count: int = MOST_WINDOWS,
    seed: int = 0,
    on_progress: OnProgress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Floors:
    """The noise floors of scores on these windows; see `evaluate`.

    Parameters
    ----------
    windows : Windows
    scores : sequence of str, "quick" or "all"
    count : int
        Windows of the synthetic data that are to be judged by the floors: fewer make more noise.
    seed : int
    on_progress, should_stop : callable, optional

    Raises
    ------
    Stopped
        If `should_stop` said so.
    """
    notes: list[str] = []
    chosen = _chosen(scores)
    oracle = _oracle(windows, chosen, True, notes)
    frame = frame_of(windows, seed)
    found = make_floors(windows, chosen, oracle, frame, MOST_WINDOWS, count, on_progress, should_stop)
    return replace(found, notes=(*notes, *found.notes))


def _measured_floors(
    floors: bool | Floors,
    windows: Windows,
    chosen: Sequence[Metric],
    ours: Mapping[str, DataSet],
    seed: int,
    on_progress: OnProgress | None,
    should_stop: Callable[[], bool] | None,
) -> tuple[Floors | None, float]:
    """The floors, and the share of the whole work that they were."""
    if isinstance(floors, Floors):
        return floors, 0.0
    if not floors:
        return None, 0.0
    count = max(len(each.x) for each in ours.values())
    told = None if on_progress is None else lambda share, words: on_progress(0.5 * share, words)
    return measure_floors(windows, [each.name for each in chosen], count, seed, told, should_stop), 0.5


def _after(share: float, on_progress: OnProgress | None) -> OnProgress | None:
    if on_progress is None:
        return None
    return lambda done, words: on_progress(share + (1 - share) * done, words)


def _left_out(results: Mapping[str, Scores]) -> dict[str, str]:
    """One reason for each score, naming the data sets where they differ."""
    by_score: dict[str, dict[str, str]] = {}
    for data, scores in results.items():
        for name, why in scores.missing.items():
            by_score.setdefault(name, {})[data] = why
    return {name: one_reason(whys, len(results)) for name, whys in by_score.items()}


def _curves(shown: Mapping[str, DataSet], chosen: Sequence[Metric], frame: Frame) -> dict[str, dict[str, Any]]:
    """The curves that belong to the chosen scores, of every data set."""
    curves: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(each.figure for each in chosen if each.figure in CURVES):
        each = CURVES[name]
        columns = tuple(each.needs.columns(frame.kinds))
        if each.needs.unmet_by_kind(frame.kinds):
            continue
        for data, dataset in shown.items():
            if dataset.x.shape[1] >= each.needs.length:
                curves.setdefault(name, {})[data] = dataset.prepared(each.function, columns)
    return curves


def _exhibits(results: Mapping[str, Scores]) -> dict[str, dict[str, Any]]:
    exhibits: dict[str, dict[str, Any]] = {}
    for data, scores in results.items():
        for name, exhibit in scores.exhibits.items():
            exhibits.setdefault(name, {})[data] = {key: np.asarray(value) for key, value in exhibit.items()}
    return exhibits
