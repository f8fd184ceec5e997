r"""Factor analysis and probabilistic PCA of whole windows: each a Gaussian with few factors over all its numbers.

A window `x (t, d)` is one row of `t * d` numbers,

.. math:: x = \mu + \Lambda z + \epsilon, \qquad z \sim N(0, I_k), \quad \epsilon \sim N(0, \Psi),

so what is latent about a window has an exact posterior, and so have its density and its covariance. The models, with
their sources, are in `synthfin_core.classical.factor`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core import params
from synthfin_core.classical.factor import FactorModel, Noise
from synthfin_core.errors import SettingError
from synthfin_core.generators.base import (
    Array,
    Generator,
    OnStep,
    Progress,
    ShouldStop,
    State,
    check_training_windows,
)
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
        """Ten factors, and as many as a window with much detail needs."""
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
    shape: tuple[int, int]  #: bars and series of a window

    @classmethod
    def check(cls, config: params.Config, n: int, t: int, d: int) -> None:
        """Refuse more factors than a window has numbers, less one.

        Raises
        ------
        SettingError
            If there are.
        """
        factors: int = config.factors  # type: ignore[attr-defined]
        check_factors(factors, t, d)

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
        rows = rows_of(x)
        self.model = FactorModel.fit(rows, self.config.factors, self.noise)
        if on_step is not None:
            on_step(Progress(1, 1, 1, 1, {"loss": -float(self.model.log_likelihood(rows).mean())}))
        return self

    def sample(self, n: int, *, cond: Array | None = None, seed: int = 0) -> Array:
        """Draw `n` windows; see `Generator.sample`."""
        return self.model.draw(n, seed).reshape(n, *self.shape)

    def encode(self, x: Array) -> tuple[Array, Array]:
        """Mean and log-variance of the exact posterior, both `(n, k)`; its covariance is diagonal."""
        mean, covariance = self.model.posterior(rows_of(x))
        return mean, np.log(np.diagonal(covariance, axis1=1, axis2=2))

    def decode(self, z: Array) -> Array:
        """Mean of the windows given `z (n, k)`, without noise."""
        return self.model.decode(np.asarray(z, dtype=np.float64)).reshape(len(z), *self.shape)

    def sample_given(self, z: Array, *, seed: int = 0) -> Array:
        """Windows drawn given `z (n, k)`; with one seed the noise stays the same while `z` moves."""
        return self.model.draw_given(np.asarray(z, dtype=np.float64), seed).reshape(len(z), *self.shape)

    def state(self) -> State:
        """Mean, loadings and noise, and the shape of a window."""
        return {**self.model.state(), "shape": np.array(self.shape)}

    @classmethod
    def load(cls, config: params.Config, state: Mapping[str, NDArray[Any]]) -> Self:
        """The generator that gave `state`."""
        made = cls(config)
        made.model = FactorModel.from_state(state)
        made.shape = shape_in(state)
        return made


class ProbabilisticPCA(FactorAnalysis):
    """A Gaussian over windows with few factors, and the same noise everywhere."""

    title = "Probabilistic PCA"
    short = "PPCA"
    paper = (
        "Tipping and Bishop, Probabilistic principal component analysis (1999), https://doi.org/10.1111/1467-9868.00196"
    )
    noise = "equal"


def rows_of(x: Array) -> Array:
    """Windows `(n, t, d)` as rows `(n, t * d)`."""
    windows = np.asarray(x, dtype=np.float64)
    return windows.reshape(len(windows), -1)


def shape_in(state: Mapping[str, NDArray[Any]]) -> tuple[int, int]:
    """Bars and series of a window, as kept in a state."""
    t, d = (int(size) for size in state["shape"])
    return t, d


def check_factors(factors: int, t: int, d: int) -> None:
    """Refuse more factors than a window of `t` bars by `d` series has numbers, less one.

    Raises
    ------
    SettingError
        If there are.
    """
    if factors > t * d - 1:
        raise SettingError(
            f"{factors} factors are too many for windows of {t} bars by {d} series, expected at most {t * d - 1}: "
            "use fewer factors or longer windows."
        )
