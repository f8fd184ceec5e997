r"""Factor analysis and probabilistic PCA of whole windows: each a Gaussian with few factors over all its numbers.

A window is one row `x` of `t * d` numbers (see `synthfin_core.generators.rows`),

.. math:: x = \mu + \Lambda z + \epsilon, \qquad z \sim N(0, I_k), \quad \epsilon \sim N(0, \Psi),

so that density, covariance and the posterior of `z` are known exactly. The models, with their sources, are in
`synthfin_core.classical.factor`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core import params
from synthfin_core.classical.factor import FactorModel, Noise
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
from synthfin_core.generators.rows import Rows, check_window_factors
from synthfin_core.params import param


@dataclass(frozen=True)
class FactorConfig(params.Config):
    """Settings of factor analysis and of probabilistic PCA."""

    factors: int = param(10, "How many numbers describe a window; the rest of it is noise.", ge=1, le=500)

    @classmethod
    def tiny(cls) -> Self:
        """Settings that suit the smallest windows, for tests."""
        return cls(factors=2)

    @classmethod
    def presets(cls) -> dict[str, Self]:
        """Few enough factors to move by hand, and as many as the detail of levels needs."""
        return {"recommended": cls(), "detailed": cls(factors=40)}


class FactorAnalysis(Generator):
    """A Gaussian over windows with few factors, and a noise of its own for each bar of each series."""

    Config: ClassVar[type[params.Config]] = FactorConfig
    title = "Factor analysis"
    short = "Factor analysis"
    family = "classical"
    paper = "Rubin and Thayer, EM algorithms for ML factor analysis (1982), https://doi.org/10.1007/BF02293851"
    latent = True
    noise: ClassVar[Noise] = "unequal"

    model: FactorModel
    rows: Rows

    @classmethod
    def check(cls, config: params.Config, n: int, t: int, d: int) -> None:
        """Refuse more factors than the windows bear.

        Raises
        ------
        SettingError
            If there are.
        """
        factors: int = config.factors  # type: ignore[attr-defined]
        check_window_factors(factors, n, t, d)

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
        if should_stop is not None and should_stop():
            return self
        self.rows = Rows.of(x)
        rows = self.rows.forward(x)
        self.model = FactorModel.fit(rows, self.config.factors, self.noise)
        if on_step is not None:
            on_step(Progress(1, 1, 1, 1, {"loss": -float(self.model.log_likelihood(rows).mean())}))
        return self

    def sample(self, n: int, *, cond: Array | None = None, seed: int = 0) -> Array:
        """Draw `n` windows; see `Generator.sample`."""
        return self.rows.inverse(self.model.draw(n, seed))

    def encode(self, x: Array) -> tuple[Array, Array]:
        """Mean and log-variance of the exact posterior, both `(n, k)`; its covariance is diagonal."""
        mean, covariance = self.model.posterior(self.rows.forward(x))
        return mean, np.log(np.diagonal(covariance, axis1=1, axis2=2))

    def decode(self, z: Array) -> Array:
        """Mean of the windows given `z (n, k)`, without noise."""
        return self.rows.inverse(self.model.decode(np.asarray(z, dtype=np.float64)))

    def sample_given(self, z: Array, *, seed: int = 0) -> Array:
        """Windows drawn given `z (n, k)`; with one seed the noise stays the same while `z` moves."""
        return self.rows.inverse(self.model.draw_given(np.asarray(z, dtype=np.float64), seed))

    def state(self) -> State:
        """Mean, loadings and noise, and how windows are rows."""
        return {**self.model.state(), **{f"rows.{name}": array for name, array in self.rows.state().items()}}

    @classmethod
    def load(cls, config: params.Config, state: Mapping[str, NDArray[Any]]) -> Self:
        """The generator that gave `state`."""
        made = cls(config)
        made.model = FactorModel.from_state(state)
        made.rows = Rows.load(under(state, "rows."))
        return made


class ProbabilisticPCA(FactorAnalysis):
    """A Gaussian over windows with few factors, and the same noise everywhere."""

    title = "Probabilistic PCA"
    short = "PPCA"
    paper = (
        "Tipping and Bishop, Probabilistic principal component analysis (1999), https://doi.org/10.1111/1467-9868.00196"
    )
    noise = "equal"
