"""Noise floors: what two samples of one and the same process score, and what the real market scores against itself."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from synthfin_core.errors import DataWarning
from synthfin_core.evaluation.baselines import BASELINES, ORACLE
from synthfin_core.evaluation.curve import CURVES
from synthfin_core.evaluation.dataset import DataSet, Frame, Pair
from synthfin_core.evaluation.fitted import FittedProcess, Path
from synthfin_core.evaluation.metric import METRICS, Array, Metric
from synthfin_core.evaluation.scoring import Found, OnProgress, Scores, score_pairs
from synthfin_core.rng import integer_seed, stream

if TYPE_CHECKING:
    from synthfin_core.data.windows import Windows

#: Paths of the oracle that are scored; learned scores train a network for each, so they get a few.
PATHS, LEARNED_PATHS = 32, 4

#: Paths to which the oracle is fitted anew, to see how close an honest model comes to the history it was fitted to.
REFITS = 8

#: Draws of training windows that show what the hold-out's own regime costs.
DRAWS = 5

#: The percentiles of a floor.
LOW, MIDDLE, HIGH = 10, 50, 90


class Floor(NamedTuple):
    """How far from perfect a perfect sample is: percentiles of the loss over the oracle's paths."""

    low: float
    median: float
    high: float


class Band(NamedTuple):
    """Where the oracle's curves lie: positions `(k,)`, and the 10th and 90th percentile at each, `(k, d)`."""

    at: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class Floors:
    """The noise floors of one real data set.

    Attributes
    ----------
    oracle : dict
        `Floor` by score and series.
    halves : dict
        The later against the earlier half of the training windows, by score and series.
    losses : dict
        The losses of the oracle's paths, `(paths,)` by score and series.
    bands : dict of str to Band
        By the name of a curve.
    notes : tuple of str
        What a reader has to know.
    years : dict
        What the training data themselves lose on scores that look at the hold-out years, by score and series: no
        model of the training years can know that other years were calmer or wilder, so no floor is below this.
    fitted : tuple of dict
        The losses of an honest model against the very history that it was fitted to, one dict a path.
    """

    oracle: dict[tuple[str, str], Floor] = field(default_factory=dict)
    halves: Found = field(default_factory=dict)
    losses: dict[tuple[str, str], Array] = field(default_factory=dict)
    bands: dict[str, Band] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    years: Found = field(default_factory=dict)
    fitted: tuple[Found, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The floors as plain values, ready for JSON."""
        rows = [{"score": key[0], "series": key[1], "losses": self.losses[key].tolist()} for key in self.oracle]
        halves = [{"score": score, "series": series, "value": value} for (score, series), value in self.halves.items()]
        bands = {
            name: {part: getattr(band, part).tolist() for part in Band._fields} for name, band in self.bands.items()
        }
        years = [{"score": score, "series": series, "value": value} for (score, series), value in self.years.items()]
        fitted = [
            [{"score": score, "series": series, "value": value} for (score, series), value in each.items()]
            for each in self.fitted
        ]
        return {"oracle": rows, "halves": halves, "years": years, "fitted": fitted, "bands": bands,
                "notes": list(self.notes)}  # fmt: skip

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Floors:
        """What `to_dict` gave; scores and curves that are no longer known are left out."""
        losses = {
            (str(row["score"]), str(row["series"])): np.array(row["losses"], dtype=np.float64)
            for row in values["oracle"]
            if row["score"] in METRICS
        }
        halves, years = (_found(values[part]) for part in ("halves", "years"))
        fitted = tuple(_found(rows) for rows in values["fitted"])
        bands = {
            name: Band(*(np.array(band[part], dtype=np.float64) for part in Band._fields))
            for name, band in values["bands"].items()
            if name in CURVES
        }
        return cls(_percentiles(losses, years), halves, losses, bands, tuple(map(str, values["notes"])), years, fitted)

    def merged(self, other: Floors) -> Floors:
        """These floors with those of other scores."""
        return Floors(
            self.oracle | other.oracle, self.halves | other.halves, self.losses | other.losses,
            self.bands | other.bands, tuple(dict.fromkeys(self.notes + other.notes)), self.years | other.years,
            self.fitted or other.fitted,
        )  # fmt: skip


def make_floors(
    windows: Windows,
    metrics: Sequence[Metric],
    oracle: FittedProcess | None,
    frame: Frame,
    most: int,
    count: int,
    on_progress: OnProgress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Floors:
    """Score the oracle's paths against each other, and the halves of the training data.

    Path `i` stands for the real data, with its own hold-out; against it stand `count` windows drawn from the paths of
    the other half, so that the noise is that of one history beside many synthetic windows, as for a real model.

    Parameters
    ----------
    windows : Windows
    metrics : sequence of Metric
    oracle : FittedProcess or None
        None leaves only the halves.
    frame : Frame
    most : int
        Windows that a score sees of each data set.
    count : int
        Synthetic windows, as many as the data to be judged have.
    on_progress, should_stop : callable, optional
    """
    pairs: list[Pair] = []
    refitted: list[Pair] = []
    bands: dict[str, Band] = {}
    quick = [each for each in metrics if not each.learned]
    learned = [each for each in metrics if each.learned]
    if oracle is not None:
        pairs = _oracle_pairs(oracle, most, count, frame.seed)
        refitted = _refitted_pairs(windows, frame, pairs, count) if quick else []
        bands = _bands([pair.real for pair in pairs], metrics, frame)
    halves = _halves(windows, most, frame.seed)

    def part(begin: float, end: float) -> OnProgress:
        def told(share: float, words: str) -> None:
            if on_progress is not None:
                on_progress(begin + share * (end - begin), f"noise floor: {words}")

        return told

    middle = 0.5 if learned else 1.0
    scored = score_pairs(quick, pairs + halves + refitted, frame, part(0.0, middle), should_stop)
    fitted = tuple(_loss_of(scores) for scores in scored[len(pairs) + len(halves) :])
    few = pairs[:LEARNED_PATHS]
    scored_learned = score_pairs(learned, few + halves, frame, part(middle, 1.0), should_stop) if learned else []
    losses = _losses(scored[: len(pairs)]) | _losses(scored_learned[: len(few)])
    found: Found = {}
    for each in (scored[len(pairs) : len(pairs) + len(halves)], scored_learned[len(few) :]):
        for scores in each:
            found |= scores.found
    notes = [] if halves else ["The training data are too short to halve, so they were not scored against themselves."]
    years = _other_years(windows, quick, frame, most, count)
    return Floors(_percentiles(losses, years), found, losses, bands, tuple(notes), years, fitted)


def sampled(x: Array, most: int, seed: int, purpose: str) -> Array:
    """At most `most` windows of `x`, in order."""
    if len(x) <= most:
        return x
    chosen = stream(seed, f"evaluation {purpose}").choice(len(x), most, replace=False)
    return x[np.sort(chosen)]


def _oracle_pairs(oracle: FittedProcess, most: int, count: int, seed: int) -> list[Pair]:
    paths = oracle.paths(PATHS, seed)
    pools = [_pool(paths[half::2], min(count, most), seed, f"pool {half}") for half in (0, 1)]
    control = DataSet(oracle.draw(most, integer_seed(seed, "control")))
    pairs = []
    for i, path in enumerate(paths):
        real = DataSet(sampled(path.train, most, seed, f"path {i}"), path.train)
        holdout = DataSet(sampled(path.holdout, most, seed, f"path {i} hold-out")) if len(path.holdout) else None
        pairs.append(Pair(real, pools[(i + 1) % 2], holdout, control))
    return pairs


def _refitted_pairs(windows: Windows, frame: Frame, pairs: Sequence[Pair], count: int) -> list[Pair]:
    """Some paths beside draws of the oracle fitted to each; a model fitted to a history is closer than chance to it."""
    refitted = []
    for i, pair in enumerate(pairs[:REFITS]):
        history = replace(windows, train=replace(windows.train, x=pair.real.whole))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)  # the report says so of the real data, which are what matters
            model = FittedProcess.fit(history, frame, BASELINES[ORACLE].fit)
        drawn = DataSet(model.draw(min(count, len(pair.real.whole)), integer_seed(frame.seed, f"refitted {i}")))
        refitted.append(Pair(pair.real, drawn, pair.holdout, pair.control))
    return refitted


def _pool(paths: Sequence[Path], count: int, seed: int, purpose: str) -> DataSet:
    """Windows drawn evenly from several paths."""
    random = stream(seed, f"evaluation {purpose}")
    each = -(-count // len(paths))
    drawn = [path.train[random.integers(len(path.train), size=each)] for path in paths]
    return DataSet(random.permutation(np.concatenate(drawn))[:count])


def _halves(windows: Windows, most: int, seed: int) -> list[Pair]:
    """The later against the earlier half of the training windows; no row of the panel is in both."""
    train = windows.train
    days = np.unique(train.dates)
    middle = days[len(days) // 2]
    earlier, later = train.x[train.dates[:, -1] < middle], train.x[train.dates[:, 0] >= middle]
    if not len(earlier) or not len(later):
        return []
    holdout = windows.holdout.x
    return [
        Pair(
            DataSet(sampled(earlier, most, seed, "earlier"), earlier),
            DataSet(sampled(later, most, seed, "later")),
            DataSet(sampled(holdout, most, seed, "hold-out")) if len(holdout) else None,
        )
    ]


def _found(rows: Sequence[Mapping[str, Any]]) -> Found:
    known = (row for row in rows if row["score"] in METRICS)
    return {(str(row["score"]), str(row["series"])): float(row["value"]) for row in known}


def _loss_of(scores: Scores) -> Found:
    scored = ((key, value) for key, value in scores.found.items() if METRICS[key[0]].better != "none")
    return {key: METRICS[key[0]].loss(value) for key, value in scored}


def _losses(scored: Sequence[Scores]) -> dict[tuple[str, str], Array]:
    """Losses over the paths; a score that a path could not be given has no floor there."""
    collected: dict[tuple[str, str], list[float]] = {}
    for scores in scored:
        for key, loss in _loss_of(scores).items():
            collected.setdefault(key, []).append(loss)
    return {key: np.array(values) for key, values in collected.items() if len(values) > len(scored) // 2}


def _percentiles(losses: Mapping[tuple[str, str], Array], years: Found) -> dict[tuple[str, str], Floor]:
    found = {}
    for key, each in losses.items():
        low, median, high = map(float, np.percentile(each, (LOW, MIDDLE, HIGH)))
        least = years.get(key, 0.0)
        found[key] = Floor(low, max(median, least), max(high, least))
    return found


def _other_years(windows: Windows, metrics: Sequence[Metric], frame: Frame, most: int, count: int) -> Found:
    """What draws of training windows lose as if they were synthetic, on scores of realism that look at the hold-out."""
    train, holdout = windows.train.x, windows.holdout.x
    asked = [each for each in metrics if each.needs.holdout and each.group != "novelty" and each.better != "none"]
    if not len(holdout) or not asked:
        return {}
    real = DataSet(sampled(train, most, frame.seed, "real training"))
    held = DataSet(sampled(holdout, most, frame.seed, "hold-out"))
    random = stream(frame.seed, "evaluation other years")
    draws = [DataSet(train[random.integers(len(train), size=min(count, most))]) for _ in range(DRAWS)]
    worst: Found = {}
    for scores in score_pairs(asked, [Pair(real, draw, held) for draw in draws], frame):
        for key, value in scores.found.items():
            worst[key] = max(METRICS[key[0]].loss(value), worst.get(key, 0.0))
    return worst


def _bands(real: Sequence[DataSet], metrics: Sequence[Metric], frame: Frame) -> dict[str, Band]:
    bands = {}
    for name in dict.fromkeys(each.figure for each in metrics if each.figure in CURVES):
        each = CURVES[name]
        columns = tuple(each.needs.columns(frame.kinds))
        t = real[0].x.shape[1]
        if each.needs.unmet_by_kind(frame.kinds) or t < each.needs.length:
            continue
        drawn = [data.prepared(each.function, columns) for data in real]
        low, high = np.nanpercentile([points.y for points in drawn], (LOW, HIGH), axis=0)
        bands[name] = Band(drawn[0].at, low, high)
    return bands
