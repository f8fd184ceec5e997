r"""History replayed: the block bootstrap, and the bootstrap of single bars.

Sources: Politis and Romano, "The stationary bootstrap" (1994); block length by Politis and White (2004), corrected by
Patton, Politis and White (2009), chosen on squared deviations, since blocks chosen on returns cut volatility clustering
to pieces; smoothing with the variance kept by Silverman and Young, "The bootstrap: to smooth or not to smooth?" (1987).

What is drawn is made of real bars, so a window may repeat history for as long as a block lasts. Smoothing adds noise
`e` with the covariance of the bars and shrinks the sum, so that means and covariances stay:

.. math:: y = \mu + \frac{x - \mu + h e}{\sqrt{1 + h^2}}.

Where stretches of history lie far from each other (`synthfin_core.generators.levels`), a window keeps the level of its
first bar, and bars from elsewhere are moved to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core import params
from synthfin_core.errors import SettingError
from synthfin_core.generators.bars import LawOfBars, history_setting
from synthfin_core.generators.base import Array
from synthfin_core.params import param
from synthfin_core.processes.bootstrap import MOST_OF_STRIP, Bootstrap
from synthfin_core.processes.gaussian import Gaussian


def smoothing_setting() -> Any:
    """The setting that says how much noise is added to bars drawn again."""
    return param(
        0.0,
        "Noise added to each bar, as a share of the spread of the data; above 0 no bar is an exact copy.",
        ge=0.0,
        le=1.0,
    )


@dataclass(frozen=True)
class IndependentBootstrapConfig(params.Config):
    """Settings of the bootstrap of single bars."""

    smoothing: float = smoothing_setting()
    history: int = history_setting()


@dataclass(frozen=True)
class BlockBootstrapConfig(params.Config):
    """Settings of the block bootstrap."""

    block: float = param(
        0.0,
        "Mean length of the stretches of history that are drawn; 0 chooses it by how long volatility stays.",
        label="Mean block length",
        ge=0.0,
        le=100_000.0,
        unit="bars",
    )
    smoothing: float = smoothing_setting()
    history: int = history_setting()

    @classmethod
    def presets(cls) -> dict[str, Self]:
        """The block length chosen on squared deviations, and a month."""
        return {"recommended": cls(), "a month": cls(block=21.0)}


class IndependentBootstrap(LawOfBars):
    """Single real bars drawn again, all series of a bar together."""

    Config: ClassVar[type[params.Config]] = IndependentBootstrapConfig
    title = "Bootstrap of single bars"
    short = "i.i.d. bootstrap"
    paper = "Efron, Bootstrap methods: another look at the jackknife (1979), https://doi.org/10.1214/aos/1176344552"

    def sample(self, n: int, *, cond: Array | None = None, seed: int = 0) -> Array:
        """Draw `n` windows; see `Generator.sample`."""
        positions = self.process.positions(self.length, n, seed)  # (n, t)
        bars = self._smoothed(self.process.rows[positions], seed)
        return self.history.windows_at(bars, positions[:, 0], seed)

    def _fitted(self, strips: Sequence[Array]) -> Bootstrap:
        return Bootstrap.fit(strips, block=1.0)

    @classmethod
    def _process_from(cls, state: Mapping[str, NDArray[Any]]) -> Bootstrap:
        return Bootstrap.from_state(state)

    def _smoothed(self, bars: Array, seed: int) -> Array:
        """Bars `(n, t, d)` with noise, of the same mean and covariance."""
        h: float = self.config.smoothing
        if not h:
            return bars
        law = Gaussian.fit([self.process.rows])
        noise = law.simulate(bars.shape[1], len(bars), seed) - law.mean
        return np.asarray(law.mean + (bars - law.mean + h * noise) / np.sqrt(1 + h**2))


class BlockBootstrap(IndependentBootstrap):
    """Stretches of real history of random length, one after another."""

    Config: ClassVar[type[params.Config]] = BlockBootstrapConfig
    title = "Block bootstrap"
    short = "Block bootstrap"
    paper = "Politis and Romano, The stationary bootstrap (1994), https://doi.org/10.1080/01621459.1994.10476870"

    @classmethod
    def check(cls, config: params.Config, n: int, t: int, d: int) -> None:
        """Refuse blocks that would make most windows the same history.

        Raises
        ------
        SettingError
            If a mean block is shorter than a bar or longer than a third of the bars.
        """
        super().check(config, n, t, d)
        block: float = config.block  # type: ignore[attr-defined]
        if 0 < block < 1:
            raise SettingError(f"The mean block is {block:g} bars, expected at least 1, or 0 to have it chosen.")
        bars = n + t - 1  # at least so many: that of windows cut at every bar
        if block > MOST_OF_STRIP * bars:
            raise SettingError(
                f"A mean block of {block:g} bars is too long for {n} windows of {t} bars, expected at most "
                f"{MOST_OF_STRIP * bars:.0f}: choose a shorter one, or load a longer history."
            )

    def _fitted(self, strips: Sequence[Array]) -> Bootstrap:
        return Bootstrap.fit(strips, block=self.config.block or None)
