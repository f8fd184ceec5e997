r"""Hidden Markov model of bars: regimes of volatility that last.

Windows are put together to the history that they were cut from, a hidden Markov model is fitted to its bars, and each
new window is a stretch of its stationary law. Series that wander, as price levels do, are seen as steps, and histories
far from each other at one level, or the regimes would be the tickers. The model, with its sources, is in
`synthfin_core.classical.hmm`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core import params
from synthfin_core.classical.hmm import HMM as Model
from synthfin_core.classical.hmm import SHORT_PASSES
from synthfin_core.classical.hmm_em import Bars, Chains, first_guesses, one_pass
from synthfin_core.classical.limits import check_components
from synthfin_core.generators.base import (
    Array,
    Diagnostics,
    Generator,
    OnStep,
    ShouldStop,
    State,
    check_training_windows,
)
from synthfin_core.generators.history import History
from synthfin_core.generators.passes import follow
from synthfin_core.params import param


@dataclass(frozen=True)
class HMMConfig(params.Config):
    """Settings of the hidden Markov model."""

    states: int = param(4, "Regimes that the market moves between.", ge=1, le=20)
    emissions: str = param(
        "student-t",
        "Distribution of the bars of a regime: student-t has heavy tails of its own.",
        label="Bars of a regime",
        choices=("student-t", "gaussian"),
    )
    sticky: float = param(
        0.0,
        "Bars that each regime is taken to have lasted already: more makes regimes last longer.",
        ge=0.0,
        le=100_000.0,
        unit="bars",
        advanced=True,
    )
    restarts: int = param(
        10, "Starts; each is followed for ten passes, and the likeliest goes on.", ge=1, le=100, advanced=True
    )
    epochs: int = param(
        150,
        "Passes of expectation maximisation over the training bars.",
        label="Passes",
        ge=1,
        le=10_000,
        unit="passes",
        advanced=True,
    )

    @classmethod
    def tiny(cls) -> Self:
        """Settings that fit in a moment, for tests."""
        return cls(states=2, restarts=2, epochs=SHORT_PASSES + 2)

    @classmethod
    def presets(cls) -> dict[str, Self]:
        """Four regimes with heavy tails, and the two of textbooks."""
        return {"recommended": cls(), "calm and storm": cls(states=2, emissions="gaussian")}


class HMM(Generator):
    """Regimes that last, each with bars of its own."""

    Config: ClassVar[type[params.Config]] = HMMConfig
    title = "Hidden Markov model"
    short = "HMM"
    family = "classical"
    paper = (
        "Rydén, Teräsvirta and Åsbrink, Stylized facts of daily return series and the hidden Markov model (1998), "
        "https://doi.org/10.1002/(SICI)1099-1255(199805/06)13:3%3C217::AID-JAE476%3E3.0.CO;2-V"
    )

    config: HMMConfig
    model: Model
    history: History
    length: int
    step: int
    chains: Chains  #: all starts, until the likeliest goes on alone
    best: int  #: which of them that is

    @classmethod
    def check(cls, config: params.Config, n: int, t: int, d: int) -> None:
        """Refuse more states than the bars bear.

        Raises
        ------
        SettingError
            If there are.
        """
        assert isinstance(config, HMMConfig)
        check_components(config.states, n + t - 1, "bars", d, "states")  # at least so many bars

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
        """Learn from represented windows; see `Generator.fit`."""
        x = check_training_windows(x)
        self.check(self.config, *x.shape)
        config, self.length = self.config, x.shape[1]
        self.history, strips = History.of(x, seed)
        bars = Bars.of(strips)
        if resume is None:
            student = config.emissions == "student-t"
            self._keep((first_guesses(bars, config.states, student, config.restarts, seed), 0), 0)
        else:
            self._keep((Chains.from_state(resume), int(resume["best"])), int(resume["step"]))
        follow(self._passes(bars), self.step, config.epochs, self._keep, on_step, should_stop)
        return self

    def _passes(self, bars: Bars) -> Iterator[tuple[tuple[Chains, int], float]]:
        """The starts that are still followed, and which is the likeliest, with its loss in nats per window."""
        chains, best, step = self.chains, self.best, self.step
        while True:
            if step == SHORT_PASSES:
                chains = chains.only(best)
            chains, likelihoods = one_pass(chains, bars, self.config.sticky)
            best, step = int(np.argmax(likelihoods)), step + 1
            yield (chains, best), -float(likelihoods[best]) * self.length / len(bars.x)

    def sample(self, n: int, *, cond: Array | None = None, seed: int = 0) -> Array:
        """Draw `n` windows, each a stretch of the stationary law; see `Generator.sample`."""
        bars = self.model.simulate(self.length, n, seed)
        return self.history.windows(bars, seed)

    def state(self) -> State:
        """The model, the history, and the length of a window."""
        return {**self.model.state(), **self.history.state(), "length": np.array(self.length)}

    def checkpoint(self) -> State:
        """All starts that are still followed, and the passes made."""
        return {**self.chains.state(), "best": np.array(self.best), "step": np.array(self.step)}

    @classmethod
    def load(cls, config: params.Config, state: Mapping[str, NDArray[Any]]) -> Self:
        """The generator that gave `state`."""
        made = cls(config)
        made.model = Model.from_state(state)
        made.history = History.load(state)
        made.length = int(state["length"])
        return made

    def diagnostics(self) -> Diagnostics:
        """How long regimes last, how much of the time they take, and how heavy their tails are."""
        values: dict[str, float | list[float]] = {
            "bars_a_regime_lasts": self.model.durations.tolist(),
            "share_of_time": self.model.stationary.tolist(),
        }
        if self.config.emissions == "student-t":
            values["degrees_of_freedom"] = self.model.degrees.tolist()
        return Diagnostics(values)

    def _keep(self, found: tuple[Chains, int], step: int) -> None:
        self.chains, self.best = found
        self.step = step
        self.model = Model.of(*found)
