r"""TimeVAE: a variational autoencoder whose decoder is a sum of blocks that a person can read.

Source: Desai, Freeman, Wang and Beaver, "TimeVAE: a variational auto-encoder for multivariate time series generation"
(2021), https://arxiv.org/abs/2111.08095.

A convolutional encoder reads a window; the decoder adds up a level, a polynomial trend, seasons and a residual (the
base decoder: dense, transposed convolutions, one dense layer that all bars share), each of them a function of the
latents alone (`synthfin_core.nn.timevae`). With the residual alone it is the paper's base TimeVAE, with the others its
interpretable one. The paper gives out that sum; here a window is drawn around it from the observation model, so that

.. math:: x = \text{level}(z) + \text{trend}(z) + \sum_j \text{season}_j(z) + \text{residual}(z) + \text{noise},

and each part can be looked at, scaled or left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self, cast

import numpy as np

from synthfin_core import params
from synthfin_core.errors import SettingError
from synthfin_core.generators.base import Array
from synthfin_core.generators.variational import CHUNK, Variational, VariationalConfig, wanders
from synthfin_core.generators.variational_health import resampling_advice
from synthfin_core.params import param, whole_numbers

if TYPE_CHECKING:
    from torch import nn

    from synthfin_core.nn.timevae import TimeVAENetwork

LEVEL, TREND, RESIDUAL, NOISE = "level", "trend", "residual", "noise"


@dataclass(frozen=True)
class TimeVAEConfig(VariationalConfig):
    """Settings of TimeVAE."""

    latent_dim: int = param(16, "How many numbers describe a window.", label="Latent dimensions", ge=1, le=128)
    epochs: int = param(120, "Passes over the training windows.", ge=1, le=100_000, unit="epochs")
    level: bool = param(False, "A block that gives each window a level of its own, one number a series.")
    trend_degree: int = param(
        0, "Degree of the polynomial in time that bends each window; 0 for no trend.", ge=0, le=10
    )
    seasons: str = param(
        "",
        "Lengths of the patterns that repeat, in bars, such as 5, 21 for a trading week and a month; empty for none.",
        most_numbers=4,
        ge=2,
        le=500,
    )
    residual: bool = param(True, "A block of transposed convolutions that may take any shape.")
    filters: str = param(
        "16, 32, 64",
        "Filters of each convolution of the encoder, the residual goes through them backwards; each halves the steps.",
        most_numbers=6,
        ge=1,
        le=1024,
        advanced=True,
    )
    observation: str = param(
        "automatic",
        "The noise around the blocks: heavy-tailed bars whose size depends on those before, normal and independent "
        "bars, or what the blocks left of training windows drawn again; automatic takes the last when every series "
        "wanders and student-t otherwise.",
        label="Observation model",
        choices=("automatic", "student-t", "gaussian", "resampled residuals"),
        advanced=True,
    )

    @classmethod
    def tiny(cls) -> Self:
        """Settings that fit in about a second, for tests."""
        return cls(
            latent_dim=2,
            epochs=2,
            batch_size=32,
            kl_warmup=1,
            mixture_components=2,
            level=True,
            trend_degree=1,
            seasons="2",
            filters="4",
        )

    @classmethod
    def presets(cls) -> dict[str, Self]:
        """The recommended settings, every kind of block, and the numbers of the paper."""
        interpretable = cls(level=True, trend_degree=2, seasons="5, 21", residual=False)
        paper = cls(
            latent_dim=8,
            learning_rate=1e-3,
            kl_warmup=0,
            free_bits=0.0,
            latents="prior",
            filters="50, 100, 200",
            observation="gaussian",
        )
        return {"recommended": cls(), "interpretable": interpretable, "the paper's": paper}


class TimeVAE(Variational):
    """Variational autoencoder with a convolutional encoder and a decoder made of readable blocks.

    Examples
    --------
    Draw windows without their noise and with the trend doubled, and look at what each block gives:

    >>> import numpy as np
    >>> x = np.random.default_rng(0).standard_normal((40, 12, 1)).cumsum(axis=1)
    >>> model = TimeVAE(TimeVAEConfig.tiny()).fit(x)
    >>> model.block_names
    ('level', 'trend', 'season of 2', 'residual', 'noise')
    >>> model.sample(5, scales={"trend": 2.0, "noise": 0.0}).shape
    (5, 12, 1)
    >>> parts = model.take_apart(5)
    >>> bool(np.allclose(sum(parts.values()), model.sample(5), atol=1e-6))
    True
    """

    Config: ClassVar[type[params.Config]] = TimeVAEConfig
    title = "TimeVAE"
    short = "TimeVAE"
    paper = "Desai, Freeman, Wang and Beaver, TimeVAE (2021), https://arxiv.org/abs/2111.08095"
    representation = "standard"

    config: TimeVAEConfig

    @classmethod
    def check(cls, config: params.Config, n: int, t: int, d: int) -> None:
        """Refuse blocks that windows of `t` bars can't hold, and a decoder without any; see `Generator.check`."""
        assert isinstance(config, TimeVAEConfig)
        seasons = whole_numbers(config.seasons)
        if seasons and max(seasons) > t:
            raise SettingError(
                f"A season has {max(seasons)} bars, expected at most the {t} of a window: shorten the season or choose "
                "longer windows."
            )
        if len(set(seasons)) < len(seasons):
            raise SettingError(f"seasons is {config.seasons!r}, expected different lengths: name each length once.")
        if config.trend_degree >= t:
            raise SettingError(
                f"The trend has degree {config.trend_degree}, expected at most {t - 1} for windows of {t} bars: lower "
                "the degree or choose longer windows."
            )
        if not (config.level or config.trend_degree or seasons or config.residual):
            raise SettingError(
                "The decoder has no blocks, expected at least one: switch on the level or the residual, or name a "
                "trend or a season."
            )
        if not whole_numbers(config.filters):
            raise SettingError("filters is empty, expected at least one number: name the filters of a convolution.")

    @property
    def block_names(self) -> tuple[str, ...]:
        """The parts of a sample, in the order in which they are added up; the last is the noise."""
        config = self.config
        names = [LEVEL] * config.level + [TREND] * (config.trend_degree > 0)
        names += [season_name(length) for length in whole_numbers(config.seasons)]
        return (*names, *[RESIDUAL] * config.residual, NOISE)

    def sample(
        self, n: int, *, cond: Array | None = None, seed: int = 0, scales: Mapping[str, float] | None = None
    ) -> Array:
        """Draw `n` represented windows, each part times its scale; see `sample_given`."""
        return self.sample_given(self._new_latents(n, seed), seed=seed, scales=scales)

    def sample_given(self, z: Array, *, seed: int = 0, scales: Mapping[str, float] | None = None) -> Array:
        """Windows drawn given `z (n, k)`: the sum of their parts, each times its scale.

        Parameters
        ----------
        z : ndarray (n, k)
        seed : int
        scales : mapping of str to float, optional
            By name as in `block_names`: 1 leaves a part as it is, as for all that are not named; 0 leaves it out.

        Raises
        ------
        SettingError
            If a scale belongs to no part of this model, or is not finite.
        """
        scales = self._known(scales or {})
        u = self._noise(z, seed)
        drawn = []
        for first in range(0, len(z), CHUNK):  # all parts of all windows at once may not fit into memory
            parts = self._parts(z[first : first + CHUNK], u[first : first + CHUNK])
            drawn.append(np.sum([scales.get(name, 1.0) * part for name, part in parts.items()], axis=0))
        return np.concatenate(drawn)

    def take_apart(self, n: int, *, seed: int = 0) -> dict[str, Array]:
        """The parts `(n, t, d)` of `sample(n, seed=seed)` by name, the noise last; their sum is that sample."""
        z = self._new_latents(n, seed)
        return self._parts(z, self._noise(z, seed))

    def blocks(self, z: Array) -> dict[str, Array]:
        """What each block gives at latents `z (n, k)`, without noise: represented units `(n, t, d)` by name.

        The first of them takes the mean of the training windows along.
        """
        shares = self._in_chunks(self._timevae().blocks, z)
        return dict(zip(self.block_names, shares, strict=False))

    def _parts(self, z: Array, u: Array) -> dict[str, Array]:
        """The blocks at latents `z (n, k)`, and around them the noise with residuals `u (n, t, d)`."""
        (noise,) = self._in_chunks(self._timevae().noise, z, u)
        return {**self.blocks(z), NOISE: noise}

    def _known(self, scales: Mapping[str, float]) -> Mapping[str, float]:
        for name, scale in scales.items():
            if name not in self.block_names:
                raise SettingError(
                    f"A scale is named {name!r}, expected one of {', '.join(self.block_names)}: leave it out."
                )
            if not np.isfinite(scale):
                raise SettingError(f"The scale of {name} is {scale}, expected a finite number: 1 leaves it as it is.")
        return scales

    @classmethod
    def advise(cls, config: params.Config, x: Array) -> list[str]:
        """Warn of residuals drawn again where windows do not wander; see `Generator.advise`."""
        assert isinstance(config, TimeVAEConfig)
        return resampling_advice(config.observation, wanders(x))

    @property
    def observation(self) -> str:
        """The observation model in use, which is never ``"automatic"``."""
        if self.config.observation != "automatic":
            return self.config.observation
        return "resampled residuals" if self._wanders else "student-t"

    def _resamples(self) -> bool:
        return self.observation == "resampled residuals"

    def _build(self, t: int, d: int) -> TimeVAENetwork:
        from synthfin_core.nn import timevae as nets
        from synthfin_core.nn.observation import Observation, Stepwise
        from synthfin_core.nn.whole_window import WholeWindow

        config, k = self.config, self.config.latent_dim
        self.check(config, 0, t, d)
        filters = whole_numbers(config.filters)
        blocks: list[nn.Module] = [nets.Level(t, d, k)] if config.level else []
        blocks += [nets.Trend(t, d, k, config.trend_degree)] if config.trend_degree else []
        blocks += [nets.Season(t, d, k, length) for length in whole_numbers(config.seasons)]
        blocks += [nets.Residual(t, d, k, filters)] if config.residual else []
        stepwise = self.observation == "student-t"
        observation: Observation = Stepwise(d, k, heavy=True) if stepwise else WholeWindow(t, d, rank=0)
        decoder = nets.BlocksDecoder(t, d, k, blocks, observation.numbers)
        return nets.TimeVAENetwork(t, d, nets.ConvolutionalEncoder(t, d, k, filters), decoder, observation)

    def _timevae(self) -> TimeVAENetwork:
        return cast("TimeVAENetwork", self.network)


def season_name(length: int) -> str:
    """What the block of a season of `length` bars is called."""
    return f"season of {length}"


def in_window_units(parts: Mapping[str, Array], inverse: Callable[[Array], Array]) -> dict[str, Array]:
    """The parts of represented windows in window units; they add up to the window that `inverse` gives.

    Each part is what it changes when it is added to those before it, so that this holds for any representation; where
    the representation shifts and scales, a part is the same whatever came before, and the first takes the shift along.

    Parameters
    ----------
    parts : mapping of str to ndarray (n, t, d)
        As `TimeVAE.take_apart` gives them.
    inverse : callable
        Of the representation.
    """
    total: Array = np.zeros_like(next(iter(parts.values())))
    shown: dict[str, Array] = {}
    before: Array | float = 0.0
    for name, part in parts.items():
        total = total + part
        after = inverse(total)
        shown[name] = after - before
        before = after
    return shown
