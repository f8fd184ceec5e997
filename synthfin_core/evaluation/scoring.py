"""Every score of every pair of data sets, with the reason where there is no number."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from synthfin_core.errors import Stopped, SynthFinError
from synthfin_core.evaluation.dataset import Frame, Pair
from synthfin_core.evaluation.metric import Context, Finding, Metric

#: Stands for the series of a score that looks at all series at once.
ALL_SERIES = "all"

#: Numbers by score and series.
Found = dict[tuple[str, str], float]

#: Told how far a long evaluation is: share done, from 0 to 1, and what is at hand.
OnProgress = Callable[[float, str], None]

#: Quick scores of different data sets are computed side by side; numpy lets go of the interpreter in its long loops.
THREADS = min(2, os.cpu_count() or 1)


@dataclass
class Scores:
    """The scores of one pair.

    Attributes
    ----------
    found : dict
        The numbers by score and series.
    missing : dict of str to str
        Scores, or series of a score, without a number, and the reason.
    exhibits : dict of str to mapping
        What scores found beside their number, by score.
    """

    found: Found = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    exhibits: dict[str, Mapping[str, Any]] = field(default_factory=dict)


def score_pairs(
    metrics: Sequence[Metric],
    pairs: Sequence[Pair],
    frame: Frame,
    on_progress: OnProgress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> list[Scores]:
    """Score every pair.

    Parameters
    ----------
    metrics : sequence of Metric
    pairs : sequence of Pair
    frame : Frame
    on_progress, should_stop : callable, optional
        Asked between scores.

    Returns
    -------
    list of Scores
        One for each pair, in order.

    Raises
    ------
    Stopped
        If `should_stop` said so.
    """
    results = [Scores() for _ in pairs]
    alone = [each for each in metrics if not each.together]
    together = [each for each in metrics if each.together]
    weight = len(alone) * len(pairs) + 30 * len(together) * len(pairs)
    done = 0

    def step(amount: int, words: str) -> None:
        nonlocal done
        done += amount
        if on_progress is not None:
            on_progress(done / max(weight, 1), words)
        if should_stop is not None and should_stop():
            raise Stopped("The evaluation was stopped.")

    def score_one(at: int) -> None:
        for each in alone:
            _score(each, pairs[at], frame, results[at])
            if should_stop is not None and should_stop():
                raise Stopped("The evaluation was stopped.")

    with ThreadPoolExecutor(THREADS) as threads, one_thread_each():
        for _ in threads.map(score_one, range(len(pairs))):
            step(len(alone), "scores")
        # The longest of them, the predictive score, is among the first two this way: nothing waits for it at the end.
        last_first = reversed(together)
        work = {threads.submit(_score_together, each, pairs, frame, results): each for each in last_first}
        for ended in as_completed(work):
            ended.result()
            step(30 * len(pairs), work[ended].title)
    for scores in results:  # in the order of the table, however they were computed
        order = {each.name: place for place, each in enumerate(metrics)}
        scores.found = dict(sorted(scores.found.items(), key=lambda item: order[item[0][0]]))
    return results


def one_thread_each() -> AbstractContextManager[Any]:
    """Keeps linear algebra to one thread a call, since the calls already run side by side."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(1)
    return limits


def _score(metric: Metric, pair: Pair, frame: Frame, into: Scores) -> None:
    why, columns = _why_not(metric, pair, frame)
    if why is None:
        try:
            value = _call(metric, pair, frame, columns)
        except (SynthFinError, np.linalg.LinAlgError) as error:
            why = str(error)
        else:
            _keep(metric, value, [frame.names[i] for i in columns], into)
    if why is not None:
        into.missing[metric.name] = why


def _score_together(metric: Metric, pairs: Sequence[Pair], frame: Frame, results: Sequence[Scores]) -> None:
    able: list[tuple[Pair, Scores]] = []
    columns: tuple[int, ...] = ()
    for pair, into in zip(pairs, results, strict=True):
        why, columns = _why_not(metric, pair, frame)
        if why is None:
            able.append((pair, into))
        else:
            into.missing[metric.name] = why
    if not able:
        return
    arrays = [(pair.real.view(columns), pair.synthetic.view(columns)) for pair, _ in able]
    try:
        values = metric.function(arrays, _context(frame, columns))
    except (SynthFinError, np.linalg.LinAlgError) as error:
        for _, into in able:
            into.missing[metric.name] = str(error)
        return
    for (_, into), value in zip(able, values, strict=True):
        _keep(metric, value, [frame.names[i] for i in columns], into)


def _why_not(metric: Metric, pair: Pair, frame: Frame) -> tuple[str | None, tuple[int, ...]]:
    """The reason why there can be no number, or None, and the series that the score sees."""
    needs = metric.needs
    columns = tuple(needs.columns(frame.kinds))
    if why := needs.unmet_by_kind(frame.kinds):
        return why, columns
    held = 0 if pair.holdout is None else len(pair.holdout.x)
    if held < needs.holdout:
        return f"it needs at least {needs.holdout} hold-out windows, and there are {held}", columns
    if needs.control and pair.control is None:
        return "it needs data that can't have been memorised, and no process could be fitted to make some", columns
    real, synthetic = pair.real.view(columns, metric.all_windows), pair.synthetic.view(columns)
    return needs.unmet(real, synthetic, [frame.names[i] for i in columns]), columns


def _call(metric: Metric, pair: Pair, frame: Frame, columns: tuple[int, ...]) -> Any:
    def made(data: Any, whole: bool = False) -> Any:
        if data is None:
            return None
        return data.view(columns, whole) if metric.prepare is None else data.prepared(metric.prepare, columns, whole)

    arguments = [made(pair.real, metric.all_windows), made(pair.synthetic)]
    if not metric.context:
        return metric.function(*arguments)
    context = replace(_context(frame, columns), holdout=made(pair.holdout), control=made(pair.control))
    return metric.function(*arguments, context)


def _context(frame: Frame, columns: tuple[int, ...]) -> Context:
    return Context(tuple(frame.kinds[i] for i in columns), frame.bars_per_year, frame.seed)


def _keep(metric: Metric, value: Any, names: Sequence[str], into: Scores) -> None:
    if isinstance(value, Finding):
        into.exhibits[metric.name] = value.exhibit
        value = value.value
    numbers = {ALL_SERIES: value} if np.ndim(value) == 0 else dict(zip(names, np.asarray(value), strict=True))
    undefined = [series for series, number in numbers.items() if not np.isfinite(number)]
    if undefined:
        where = "" if undefined == [ALL_SERIES] else f" for {', '.join(undefined)}"
        into.missing[metric.name] = f"it is not defined{where}"
    into.found |= {(metric.name, series): float(x) for series, x in numbers.items() if series not in undefined}
