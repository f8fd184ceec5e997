"""Classical baselines that stand on every leaderboard: what a model has to beat to be worth its training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from typing import Any, cast

from synthfin_core.data.windows import Windows
from synthfin_core.evaluation.dataset import frame_of
from synthfin_core.evaluation.fitted import FittedProcess
from synthfin_core.evaluation.metric import Array
from synthfin_core.processes.base import Process


@dataclass(frozen=True)
class Baseline:
    """A classical model.

    Attributes
    ----------
    title, help : str
        The words shown for it, and what it knows of the data in one sentence.
    path : str
        Module and class of its process, imported on demand.
    settings : dict
        Given to the process's `fit`.
    """

    title: str
    help: str
    path: str
    settings: dict[str, Any] = field(default_factory=dict)

    def fit(self, strips: Sequence[Array]) -> Process:
        """The process fitted to stretches `(s, d)` of consecutive bars."""
        module, name = self.path.split(":")
        process = getattr(import_module(f"synthfin_core.processes.{module}"), name)
        return cast(Process, process.fit(strips, **self.settings))


BASELINES: dict[str, Baseline] = {
    "gaussian": Baseline(
        "i.i.d. Gaussian",
        "Normal draws with the real means and covariances: no tails and no memory.",
        "gaussian:Gaussian",
    ),
    "iid-bootstrap": Baseline(
        "i.i.d. bootstrap",
        "Real bars drawn one by one with replacement: the right tails, and no memory.",
        "bootstrap:Bootstrap",
        {"block": 1.0},
    ),
    "block-bootstrap": Baseline(
        "block bootstrap",
        "Stretches of the real history put together: nearly everything is right, and nothing is new.",
        "bootstrap:Bootstrap",
    ),
    "egarch": Baseline(
        "EGARCH",
        "A volatility model of each series with skewed heavy tails, linked by their correlation.",
        "egarch:EGARCH",
    ),
}


#: The baseline whose paths are the noise floor.
ORACLE = "egarch"


#: Fits that are kept, because every evaluation on the same windows asks for the same ones.
KEPT = 8


@lru_cache(maxsize=KEPT)
def fitted_baseline(name: str, windows: Windows) -> FittedProcess:
    """A baseline fitted to the training rows.

    Raises
    ------
    DataError
        If the training data have fewer than 60 bars.
    """
    return FittedProcess.fit(windows, frame_of(windows), BASELINES[name].fit)


def draw_baseline(name: str, windows: Windows, n: int, seed: int = 0) -> Array:
    """Windows `(n, t, d)` of a baseline fitted to the training rows, in their unit.

    Parameters
    ----------
    name : str
        Name in `BASELINES`.
    windows : Windows
    n : int
    seed : int

    Raises
    ------
    DataError
        If the training data have fewer than 60 bars.
    """
    return fitted_baseline(name, windows).draw(n, seed)
