r"""One normal law: of a bar, so that bars know nothing of each other, or of a whole window.

.. math:: x_t \sim N(\mu, \Sigma) \quad \text{or} \quad \operatorname{vec}(x) \sim N(m, S), \; S \in R^{td \times td}.

The second has every correlation across time, and so whatever is linear: momentum, reversal, how far levels go. It has
no volatility clustering, as no normal law has. `S` holds more numbers than the windows can tell, so its correlations
are shrunk, with the variances kept,

.. math:: S_{ij} \leftarrow (1 - \rho) S_{ij}, \quad i \neq j,

where `rho` is found by Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices"
(2004), from standardised windows that do not overlap: overlapping ones would look like far more evidence than they are.

Bars of histories that lie far from each other are drawn about a level of one of them
(`synthfin_core.generators.levels`); windows have their levels by `S`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core import params
from synthfin_core.errors import SettingError
from synthfin_core.generators.base import Array, Generator, OnStep, ShouldStop, State, check_training_windows
from synthfin_core.generators.history import History
from synthfin_core.generators.levels import ALIKE
from synthfin_core.generators.strips import Wanderers, overlap
from synthfin_core.params import param
from synthfin_core.rng import stream

WIDEST = 3000  #: values of a window whose covariance is still found in seconds


@dataclass(frozen=True)
class GaussianConfig(params.Config):
    """Settings of the normal law."""

    over: str = param(
        "bars",
        "Bars drawn independently of each other, or windows drawn as a whole, with every correlation across time.",
        label="Normal law of",
        choices=("bars", "windows"),
    )
    shrinkage: str = param(
        "Ledoit-Wolf",
        "Pulls the covariance towards unrelated values where the data are too few to tell it.",
        choices=("Ledoit-Wolf", "none"),
    )

    @classmethod
    def presets(cls) -> dict[str, Self]:
        """Independent bars, and whole windows."""
        return {"recommended": cls(), "whole windows": cls(over="windows")}


class GaussianGenerator(Generator):
    """Windows from one normal law.

    Attributes
    ----------
    mean : ndarray (k, d)
        Of a bar (`k = 1`) or of a window (`k = t`), wandering series as steps.
    covariance : ndarray (k * d, k * d)
        Of the same, shrunk.
    shrinkage : float
        `rho`; 0 where nothing was shrunk.
    """

    Config: ClassVar[type[params.Config]] = GaussianConfig
    title = "Gaussian"
    short = "Gaussian"
    family = "classical"
    paper = (
        "Ledoit and Wolf, A well-conditioned estimator for large-dimensional covariance matrices (2004), "
        "https://doi.org/10.1016/S0047-259X(03)00096-4"
    )

    mean: Array
    covariance: Array
    shrinkage: float
    history: History
    length: int

    @classmethod
    def check(cls, config: params.Config, n: int, t: int, d: int) -> None:
        """Refuse windows too wide for a covariance.

        Raises
        ------
        SettingError
            If a normal law of windows would have more than 3000 values.
        """
        if config.over == "windows" and t * d > WIDEST:  # type: ignore[attr-defined]
            raise SettingError(
                f"A window of {t} bars by {d} series has {t * d} values, expected at most {WIDEST} for a normal law of "
                "windows: choose shorter windows, fewer series, or a normal law of bars."
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
        if self.config.over == "bars":
            self.history, strips = History.of(x, seed)
            rows, every = np.concatenate(strips), 1  # (s, d)
        else:
            self.history = History(Wanderers.of(x, seed), ALIKE)  # a law of windows has levels of its own
            rows = self.history.wanderers.bars(x).reshape(len(x), -1)  # (n, t * d)
            every = -(-self.length // overlap(x)[0])
        self.mean = rows.mean(axis=0).reshape(-1, x.shape[2])
        spread = _spread(rows)
        rows = (rows - rows.mean(axis=0)) / spread
        correlation = rows.T @ rows / len(rows)
        self.shrinkage = _shrinkage(rows[::every]) if self.config.shrinkage == "Ledoit-Wolf" else 0.0
        correlation *= np.where(np.eye(len(spread)) > 0, 1.0, 1 - self.shrinkage)
        self.covariance = correlation * np.outer(spread, spread)
        return self

    def sample(self, n: int, *, cond: Array | None = None, seed: int = 0) -> Array:
        """Draw `n` windows; see `Generator.sample`."""
        k, d = self.mean.shape
        variances, directions = np.linalg.eigh(self.covariance)
        root = directions * np.sqrt(np.maximum(variances, 0.0))  # (k * d, k * d); series may copy each other
        z = stream(seed, "gaussian").standard_normal((n, self.length // k, k * d))
        bars = np.einsum("nbj,ij->nbi", z, root, optimize=True).reshape(n, self.length, d)
        bars = bars + (self.mean if k > 1 else self.mean[0])
        return self.history.windows(bars, seed)

    def state(self) -> State:
        """The law, the history and the length."""
        law = {"mean": self.mean, "covariance": self.covariance, "shrinkage": np.array(self.shrinkage)}
        return {"length": np.array(self.length), **law, **self.history.state()}

    @classmethod
    def load(cls, config: params.Config, state: Mapping[str, NDArray[Any]]) -> Self:
        """The generator that gave `state`."""
        made = cls(config)
        made.length, made.shrinkage = int(state["length"]), float(state["shrinkage"])
        made.mean = np.array(state["mean"], dtype=np.float64)
        made.covariance = np.array(state["covariance"], dtype=np.float64)
        made.history = History.load(state)
        return made


def _spread(rows: Array) -> Array:
    """Standard deviation of each value over rows `(n, m)`; 1 where it never changes."""
    found = rows.std(axis=0)
    return np.where(found > 0, found, 1.0)


def _shrinkage(rows: Array) -> float:
    """The intensity of Ledoit and Wolf for standardised, independent rows `(n, m)`."""
    from sklearn.covariance import ledoit_wolf_shrinkage

    return float(ledoit_wolf_shrinkage(rows))
