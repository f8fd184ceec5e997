"""The data sets of `benchmarks/quality.py`, and models trained on them by the clock, each once for all parts."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import synthfin_core as sf
from benchmarks.quality_table import Record, Records, Shown
from synthfin_core.data.windows import Windows
from synthfin_core.errors import SourceError
from synthfin_core.evaluation.scoring import one_thread_each
from synthfin_core.params import Value
from synthfin_core.pipeline import Pipeline
from synthfin_core.registry import GENERATORS, generator_class

Array = NDArray[np.float64]

#: The literature's "Stocks", which is not ours to ship.
STOCKS = Path(os.path.relpath(Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "stocks.csv"))

#: Sampling seeds lie this far from training seeds.
APART = 1000


def stocks_file(path: Path) -> Path:
    """The path, once there is a file.

    Raises
    ------
    SourceError
        If there is none.
    """
    if not path.is_file():
        raise SourceError(
            f"The literature's Stocks data are not at {path}, expected a CSV file with the columns Open, High, Low, "
            "Close, Adj_Close and Volume, oldest day first: name it with --data."
        )
    return path


def _stocks(path: Path) -> Windows:
    """All windows of 24 days, levels scaled over the whole file, as the literature does."""
    return sf.make_windows(sf.load(stocks_file(path)), length=24, representation="min-max", holdout=0)


def _returns(path: Path) -> Windows:
    return sf.make_windows(sf.load("us-indices"), length=60)


#: Windows by the name of a data set, made from the path of the Stocks file.
DATA: dict[str, Callable[[Path], Windows]] = {"stocks": _stocks, "returns": _returns}


@dataclass
class Model:
    """A generator trained with one seed.

    Attributes
    ----------
    name : str
    seed : int
    pipeline : Pipeline
    wall, processor : float
        Seconds of training, on one thread.
    """

    name: str
    seed: int
    pipeline: Pipeline
    wall: float
    processor: float
    _drawn: Array = field(default_factory=lambda: np.empty((0, 0, 0)))

    def draw(self, n: int) -> Array:
        """The first `n` windows; what was drawn before is not drawn again."""
        if n > len(self._drawn):
            with one_thread_each():
                self._drawn = self.pipeline.sample(n, seed=self.seed + APART).x
        return self._drawn[:n]

    @property
    def clock(self) -> dict[str, float]:
        """What the training cost."""
        return {"training, processor s": self.processor, "training, wall s": self.wall}


def train(windows: Windows, name: str, seed: int, settings: Mapping[str, Value]) -> Model:
    """Train a generator on one thread."""
    with one_thread_each():
        wall, processor = time.perf_counter(), time.process_time()
        pipeline = Pipeline(name, settings).fit(windows, seed=seed)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return Model(name, seed, pipeline, wall, processor)


def settings_of(name: str, quick: bool = False) -> dict[str, Value]:
    """A generator's recommended settings, or those that train in a moment, as plain values."""
    config = generator_class(name).Config
    return (config.tiny() if quick else config()).to_dict()


def deep(name: str) -> bool:
    """Whether a model is a network; the words for a reference name none."""
    return name in GENERATORS and generator_class(name).family != "classical"


@dataclass(frozen=True)
class Part:
    """One of the questions that `benchmarks/quality.py` asks.

    Attributes
    ----------
    name : str
    data : tuple of str
        Names in `DATA`.
    numbers : callable
        `numbers(windows, data, model)`, what is measured of a trained model.
    references : callable
        `references(windows, data, seeds, kept)` yields records of what the models are compared with, but for those
        that are kept already.
    show : callable
        The tables of the part's records.
    seeds : int
        How many seeds unless another number is asked for.
    """

    name: str
    data: tuple[str, ...]
    numbers: Callable[[Windows, str, Model], dict[str, float]]
    references: Callable[[Windows, str, int, Records], Iterable[Record]]
    show: Callable[[list[Record]], Shown]
    seeds: int = 3
