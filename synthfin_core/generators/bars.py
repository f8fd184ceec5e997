"""What generators on a process have in common: windows put together to history, a law of bars fitted, windows drawn.

How a process sees history is in `synthfin_core.generators.history`; the processes themselves, with their sources, are
in `synthfin_core.processes`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core import params
from synthfin_core.errors import SettingError
from synthfin_core.generators.base import Array, Generator, OnStep, ShouldStop, State, check_training_windows, under
from synthfin_core.generators.history import History
from synthfin_core.params import param
from synthfin_core.processes.base import LEAST_BARS, Process


def history_setting() -> Any:
    """The setting that says how much of the history a law of bars is fitted to."""
    return param(
        0,
        "Only so many of the latest training bars are used; 0 takes all of them.",
        label="Latest bars",
        ge=0,
        le=10_000_000,
        unit="bars",
        advanced=True,
    )


class LawOfBars(Generator):
    """A process over bars as a generator of windows.

    Attributes
    ----------
    process : Process
    history : History
        What the process sees of the windows.
    length : int
        Bars in a window.
    """

    family = "classical"
    least_bars: ClassVar[int] = LEAST_BARS  #: the latest bars may not be fewer

    process: Any  # of the class that `_fitted` gives
    history: History
    length: int

    @classmethod
    def check(cls, config: params.Config, n: int, t: int, d: int) -> None:
        """Refuse a history too short for the process.

        Raises
        ------
        SettingError
            If only a few of the latest bars are to be used.
        """
        latest: int = config.history  # type: ignore[attr-defined]  # each has the setting
        if 0 < latest < cls.least_bars:
            raise SettingError(
                f"{cls.short} would see the latest {latest} bars, expected at least {cls.least_bars}: "
                "use more of them, or 0 for all."
            )

    def fit(
        self,
        x: Array,
        *,
        cond: Array | None = None,
        seed: int = 0,
        on_step: OnStep | None = None,
        should_stop: ShouldStop | None = None,
        resume: Mapping[str, NDArray[Any]] | None = None,
    ) -> Self:
        """Fit in one go; see `Generator.fit`."""
        x = check_training_windows(x)
        self.length = x.shape[1]
        self.history, strips = History.of(x, seed, latest=self.config.history)
        self.process = self._fitted(strips)
        return self

    def sample(self, n: int, *, cond: Array | None = None, seed: int = 0) -> Array:
        """Draw `n` windows, each from a history of its own; see `Generator.sample`."""
        bars = self.process.simulate(self.length, n, seed)
        return self.history.windows(bars, seed)

    def state(self) -> State:
        """The process, the history and the length."""
        process = {f"process.{name}": np.asarray(array) for name, array in self.process.state().items()}
        return {"length": np.array(self.length), **process, **self.history.state()}

    @classmethod
    def load(cls, config: params.Config, state: Mapping[str, NDArray[Any]]) -> Self:
        """The generator that gave `state`."""
        made = cls(config)
        made.length = int(state["length"])
        made.process = cls._process_from(under(state, "process."))
        made.history = History.load(state)
        return made

    @abstractmethod
    def _fitted(self, strips: Sequence[Array]) -> Process:
        """The process fitted to strips `(s, d)`."""

    @classmethod
    @abstractmethod
    def _process_from(cls, state: Mapping[str, NDArray[Any]]) -> Process:
        """The process that gave `state`."""
