r"""Mixtures of Gaussians over windows: with few factors each, or with full covariances.

A window is one row of `t * d` numbers, drawn from one of `K` Gaussians. Together these follow a cloud of windows as
curved as that of price levels, and each keeps the dependence of all bars and series within a window. The models, with
their sources, are in `synthfin_core.classical`; how windows become rows for those with few factors is in
`synthfin_core.generators.rows`. Over single bars, histories far from each other are seen at one level
(`synthfin_core.generators.levels`), or the regimes would be the tickers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core import params
from synthfin_core.classical.gaussian_mixture import GaussianMixture as Mixture
from synthfin_core.classical.gaussian_mixture import Principal
from synthfin_core.classical.limits import check_components
from synthfin_core.classical.ppca_mixture import PPCAMixture as Analysers
from synthfin_core.generators.base import (
    Array,
    Generator,
    OnStep,
    Progress,
    ShouldStop,
    State,
    check_training_windows,
    under,
)
from synthfin_core.generators.history import History
from synthfin_core.generators.passes import follow
from synthfin_core.generators.rows import Rows, check_window_factors
from synthfin_core.params import param

ROWS_PER_COMPONENT = 350  #: for each component, where their number is chosen by how many windows there are
MOST_CHOSEN = 15  #: components, where their number is chosen
MOST_FACTORS = 80  #: of a component, where their number is chosen
REGIMES = 4  #: components over bars, where their number is chosen


@dataclass(frozen=True)
class PPCAMixtureConfig(params.Config):
    """Settings of the mixture of probabilistic PCA."""

    components: int = param(0, "Gaussians in the mixture; 0 chooses them by how many windows there are.", ge=0, le=200)
    factors: int = param(
        0,
        "How many numbers describe a window within a component; 0 chooses them by how long a window is and "
        "how many windows there are.",
        ge=0,
        le=500,
    )
    epochs: int = param(
        20,
        "Passes of expectation maximisation over the training windows.",
        label="Passes",
        ge=1,
        le=10_000,
        unit="passes",
    )

    @classmethod
    def tiny(cls) -> Self:
        """Settings that suit a few small windows, for tests."""
        return cls(components=2, factors=2, epochs=4)


class PPCAMixture(Generator):
    """Gaussians over windows, each with few factors and one noise."""

    Config: ClassVar[type[params.Config]] = PPCAMixtureConfig
    title = "Mixture of probabilistic PCA"
    short = "PPCA mixture"
    family = "classical"
    paper = (
        "Tipping and Bishop, Mixtures of probabilistic principal component analysers (1999), "
        "https://doi.org/10.1162/089976699300016728"
    )

    config: PPCAMixtureConfig
    model: Analysers
    rows: Rows
    step: int

    @classmethod
    def check(cls, config: params.Config, n: int, t: int, d: int) -> None:
        """Refuse more factors than a window bears, and more components than the windows bear.

        Raises
        ------
        SettingError
            If there are.
        """
        assert isinstance(config, PPCAMixtureConfig)
        check_window_factors(config.factors, n, t, d)
        check_components(config.components, n, "windows", config.factors)

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
        self.rows = Rows.of(x)
        rows = self.rows.forward(x)
        if resume is None:
            components = self.config.components or max(1, min(MOST_CHOSEN, len(x) // ROWS_PER_COMPONENT))
            most = max(len(x) // components - 1, 1)  # what the windows of one component bear
            factors = self.config.factors or min(MOST_FACTORS, rows.shape[1] // 2, most)
            self._keep(Analysers.start(rows, components, factors, seed), 0)
        else:
            self._keep(Analysers.from_state(resume), int(resume["step"]))
        losses = ((model, -likelihood / len(x)) for model, likelihood in self.model.passes(rows))
        follow(losses, self.step, self.config.epochs, self._keep, on_step, should_stop)
        return self

    def sample(self, n: int, *, cond: Array | None = None, seed: int = 0) -> Array:
        """Draw `n` windows; see `Generator.sample`."""
        return self.rows.inverse(self.model.draw(n, seed))

    def state(self) -> State:
        """The mixture, and how windows are rows."""
        return {**self.model.state(), **{f"rows.{name}": array for name, array in self.rows.state().items()}}

    def checkpoint(self) -> State:
        """The mixture and the passes made."""
        return {**self.model.state(), "step": np.array(self.step)}

    @classmethod
    def load(cls, config: params.Config, state: Mapping[str, NDArray[Any]]) -> Self:
        """The generator that gave `state`."""
        made = cls(config)
        made.model = Analysers.from_state(state)
        made.rows = Rows.load(under(state, "rows."))
        return made

    def _keep(self, model: Analysers, step: int) -> None:
        self.model, self.step = model, step


@dataclass(frozen=True)
class GaussianMixtureConfig(params.Config):
    """Settings of the Gaussian mixture."""

    over: str = param(
        "windows",
        "Whole windows, so that time is part of it, or single bars, drawn independently of each other: the components "
        "are then regimes of volatility.",
        choices=("windows", "bars"),
    )
    components: int = param(
        0, "Gaussians in the mixture; 0 chooses them by how many windows there are, and four over bars.", ge=0, le=200
    )
    principal: int = param(
        40,
        "Principal components of windows that the mixture describes; what lies outside is independent noise. Over "
        "bars it has no part.",
        label="Principal components",
        ge=1,
        le=500,
    )

    @classmethod
    def tiny(cls) -> Self:
        """Settings that suit a few small windows, for tests."""
        return cls(components=2, principal=3)

    @classmethod
    def presets(cls) -> dict[str, Self]:
        """Over windows, and regimes of single bars."""
        return {"recommended": cls(), "regimes of bars": cls(over="bars")}


class GaussianMixture(Generator):
    """Gaussians with full covariances, over windows or over single bars."""

    Config: ClassVar[type[params.Config]] = GaussianMixtureConfig
    title = "Gaussian mixture"
    short = "Gaussian mixture"
    family = "classical"
    paper = "McLachlan and Peel, Finite mixture models (2000), https://doi.org/10.1002/0471721182"

    config: GaussianMixtureConfig
    model: Mixture
    principal: Principal | None  #: None over bars
    history: History | None  #: None over windows
    shape: tuple[int, int]  #: bars and series of a window

    @classmethod
    def check(cls, config: params.Config, n: int, t: int, d: int) -> None:
        """Refuse more components than the windows, or the bars, bear.

        Raises
        ------
        SettingError
            If there are.
        """
        assert isinstance(config, GaussianMixtureConfig)
        if config.over == "bars":
            check_components(config.components or REGIMES, n + t - 1, "bars", d)  # at least so many
        else:
            check_components(config.components, n, "windows", min(config.principal, t * d))

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
        self.check(self.config, *x.shape)
        self.shape = x.shape[1:]
        if should_stop is not None and should_stop():
            return self
        self.principal, self.history = None, None
        if self.config.over == "bars":
            self.history, strips = History.of(x, seed)
            seen, chosen = np.concatenate(strips), REGIMES
        else:
            rows = x.reshape(len(x), -1)
            self.principal = Principal.of(rows, self.config.principal)
            seen = self.principal.forward(rows)
            chosen = max(1, min(MOST_CHOSEN, len(x) // max(ROWS_PER_COMPONENT, 2 * seen.shape[1])))
        self.model = Mixture.fit(seen, self.config.components or chosen, seed=seed)
        if on_step is not None:
            loss = -float(self.model.log_likelihood(seen).sum()) / len(x)
            on_step(Progress(1, 1, 1, 1, {"loss": loss}))
        return self

    def sample(self, n: int, *, cond: Array | None = None, seed: int = 0) -> Array:
        """Draw `n` windows; see `Generator.sample`."""
        if self.principal is not None:
            return self.principal.inverse(self.model.draw(n, seed), seed).reshape(n, *self.shape)
        assert self.history is not None
        bars = self.model.draw(n * self.shape[0], seed).reshape(n, *self.shape)
        return self.history.windows(bars, seed)

    def state(self) -> State:
        """The mixture and what it sees of windows."""
        state: State = {**self.model.state(), "shape": np.array(self.shape)}
        if self.principal is not None:
            state |= {f"principal.{name}": array for name, array in self.principal.state().items()}
        return state | (self.history.state() if self.history is not None else {})

    @classmethod
    def load(cls, config: params.Config, state: Mapping[str, NDArray[Any]]) -> Self:
        """The generator that gave `state`."""
        made = cls(config)
        made.model = Mixture.from_state(state)
        made.shape = (int(state["shape"][0]), int(state["shape"][1]))
        principal = under(state, "principal.")
        made.principal = Principal.from_state(principal) if principal else None
        made.history = None if principal else History.load(state)
        return made
