"""From windows to windows: a representation and a generator as one model, in the data's own units.

windows x → representation.forward → generator → representation.inverse → samples
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthfin_core.errors import DataError, SettingError, SynthFinError, TrainingWarning
from synthfin_core.generators.base import Generator, OnStep, ShouldStop, under
from synthfin_core.params import Config, Value
from synthfin_core.registry import generator_class
from synthfin_core.representation import representation_class
from synthfin_core.representation.base import Representation

if TYPE_CHECKING:
    import pandas as pd

    from synthfin_core.data.windows import Windows

Array = NDArray[np.float64]

RETURN_START = 100.0  #: level from which a series of plain returns is summed up when no other is named
MOST_VALUES = 500_000_000  #: numbers in one call of `sample`; more would not fit into memory


@dataclass(frozen=True, eq=False)
class Samples:
    """Windows, real or drawn, and how to read them.

    Attributes
    ----------
    x : ndarray (n, t, d)
        In window units, for example log return, per bar.
    names, kinds, units : tuple of str
        Of each series.
    start : ndarray (d,)
        Level from which series held as log returns set out; NaN for the others.
    """

    x: Array
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    units: tuple[str, ...]
    start: Array

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        n, t, d = self.x.shape
        return f"<Samples: {n} windows of {t} bars by {d} series>"

    def prices(self, start: ArrayLike | None = None) -> Array:
        r"""Levels that begin one bar before the window.

        Log returns are summed, :math:`p_s = p_0 \exp \sum_{u \le s} x_u`; plain returns are compounded,
        :math:`p_s = p_0 \prod_{u \le s} (1 + x_u)`, from 100 where no start is named. Other series are as in
        `values`, with NaN before the first bar.

        Parameters
        ----------
        start : float or array broadcast to (n, d), optional
            First levels; the last real ones when None.

        Returns
        -------
        ndarray (n, t + 1, d)
        """
        n, t, d = self.x.shape
        first = self._first(start)  # (n, d)
        levels = np.full((n, t + 1, d), np.nan)
        for i, unit in enumerate(self.units):
            if unit in ("log return", "return"):
                begin = np.where(np.isnan(first[:, i]), RETURN_START, first[:, i])
                x = self.x[:, :, i]
                grown = np.exp(np.cumsum(x, axis=1)) if unit == "log return" else np.cumprod(1 + x, axis=1)
                levels[:, 0, i] = begin
                levels[:, 1:, i] = begin[:, None] * grown
            else:
                levels[:, 1:, i] = self._own(i)
        return levels

    def values(self, start: ArrayLike | None = None) -> Array:
        """The windows in the data's own units: prices, returns, volumes, levels; never scaled numbers.

        Parameters
        ----------
        start : float or array broadcast to (n, d), optional
            First levels of series held as log returns; the last real ones when None.

        Returns
        -------
        ndarray (n, t + 1, d) or (n, t, d)
            One row more than the window has bars when a series is held as log returns: its first row is the start,
            and NaN for series that have none.
        """
        if "log return" not in self.units:
            return np.stack([self._own(i) for i in range(len(self.units))], axis=2)
        levels = self.prices(start)
        for i, unit in enumerate(self.units):
            if unit == "return":
                levels[:, 0, i] = np.nan
                levels[:, 1:, i] = self.x[:, :, i]
        return levels

    def to_frame(self, start: ArrayLike | None = None) -> pd.DataFrame:
        """`values` as a long table: ``window``, ``step``, then one column a series.

        Windows count from zero. Steps count from one; step 0 is the level from which prices set out.
        """
        import pandas as pd

        values = self.values(start)
        n, steps, d = values.shape
        offset = self.x.shape[1] + 1 - steps
        taken = {"window", "step"}
        names = [f"{name} (series)" if name in taken else name for name in self.names]
        frame = pd.DataFrame(values.reshape(n * steps, d), columns=names)
        frame.insert(0, "window", np.repeat(np.arange(n), steps))
        frame.insert(1, "step", np.tile(np.arange(offset, offset + steps), n))
        return frame

    def _own(self, i: int) -> Array:
        """Series `i` without integration `(n, t)`."""
        x: Array = self.x[:, :, i]
        # A volume below zero can't be; noise around an empty day would give one.
        return np.maximum(np.expm1(x), 0.0) if self.units[i] == "log volume" else x

    def _first(self, start: ArrayLike | None) -> Array:
        shape = (len(self.x), len(self.names))
        if start is None:
            return np.broadcast_to(self.start, shape)
        try:
            first = np.broadcast_to(np.asarray(start, dtype=np.float64), shape)
        except (TypeError, ValueError) as error:
            raise SettingError(
                f"The start {start!r:.80} is neither one price nor one for each of {shape[1]} series: "
                "give one of these."
            ) from error
        priced = first[:, [unit in ("log return", "return") for unit in self.units]]
        if not (np.isfinite(priced) & (priced > 0)).all():
            raise SettingError(f"The start {start!r:.80} is not a price, expected numbers above zero.")
        return first


class Pipeline:
    """A representation and a generator, fitted and sampled as one.

    Parameters
    ----------
    generator_name : str
        Name in `GENERATORS`.
    config : Config, mapping or None
        The generator's settings; what is left out takes its default.
    representation_name : str or None
        Name in `REPRESENTATIONS`; None takes the one the windows name, or else the generator's own.

    Attributes
    ----------
    generator : Generator
    representation : Representation
    names, kinds, units : tuple of str
        Of each series; empty before `fit`.
    length : int
        Bars in a window.
    default_start : ndarray (d,)
        Last real level of each series held as log returns, NaN elsewhere.
    """

    def __init__(
        self,
        generator_name: str,
        config: Config | Mapping[str, Value] | None = None,
        representation_name: str | None = None,
    ) -> None:
        family = generator_class(generator_name)
        if isinstance(config, Config):
            config = config.to_dict()
        self.generator_name = generator_name
        self.representation_name = representation_name
        self.generator: Generator = family(family.Config.from_dict(config or {}))
        self.representation: Representation
        self.names: tuple[str, ...] = ()
        self.kinds: tuple[str, ...] = ()
        self.units: tuple[str, ...] = ()
        self.length = 0
        self.default_start: Array = np.empty(0)

    def __repr__(self) -> str:
        about = f"{self.length} bars by {', '.join(self.names)}" if self.names else "not fitted"
        return f"<Pipeline {self.generator_name}: {about}>"

    def fit(
        self,
        windows: Windows,
        seed: int = 0,
        on_step: OnStep | None = None,
        should_stop: ShouldStop | None = None,
        resume: Mapping[str, NDArray[Any]] | None = None,
    ) -> Self:
        """Learn from the training windows; the hold-out is not looked at.

        Parameters
        ----------
        windows : Windows
        seed : int
        on_step : callable, optional
            Told of every step; may `sample` from the pipeline meanwhile.
        should_stop : callable, optional
            Asked before every step.
        resume : mapping, optional
            The generator's `checkpoint()` of an interrupted fit.

        Raises
        ------
        DataError
            If the windows can't be learned from.
        SettingError
            If the generator's settings do not suit windows of this shape.
        TrainingError
            If a loss is no number.

        Warns
        -----
        TrainingWarning
            If the settings are known to do badly on these windows.
        """
        name = self.representation_name or windows.representation or self.generator.representation
        made = representation_class(name)
        if made.levels and "log return" in windows.units:
            raise DataError(
                f"The representation {name!r} needs windows of levels, but these hold log returns: "
                f"make them with representation={name!r}."
            )
        x = windows.train.x  # (n, t, d)
        self.generator.check(self.generator.config, *x.shape)
        for sentence in self.generator.advise(self.generator.config, x):
            warnings.warn(sentence, TrainingWarning, stacklevel=2)
        self.representation_name = name
        self.representation = made().fit(x)
        self.names, self.kinds, self.units = windows.names, windows.kinds, windows.units
        self.length = x.shape[1]
        self.default_start = np.array(windows.default_start, dtype=np.float64)
        y = self.representation.forward(x)
        self.generator.fit(y, seed=seed, on_step=on_step, should_stop=should_stop, resume=resume)
        return self

    def sample(self, n: int, seed: int = 0) -> Samples:
        """Draw `n` windows; the first ten of a thousand are the ten of ten.

        Raises
        ------
        SettingError
            If `n` is not a whole number above zero, or more than memory can hold.
        """
        self._require_fit()
        most = MOST_VALUES // (self.length * len(self.names))
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or not 1 <= n <= most:
            raise SettingError(f"n is {n!r}, expected a whole number from 1 to {most}.")
        return self.wrap(self.representation.inverse(self.generator.sample(int(n), seed=seed)))

    def encode(self, x: ArrayLike) -> tuple[Array, Array]:
        """Posterior mean and log-variance, both `(n, k)`, of windows `x (n, t, d)` in window units."""
        self._require_latent()
        return self.generator.encode(self.representation.forward(x))

    def decode(self, z: ArrayLike) -> Array:
        """The mean window `(n, t, d)` in window units for each `z (n, k)`, without observation noise."""
        self._require_latent()
        return self.representation.inverse(self.generator.decode(_points(z)))

    def sample_given(self, z: ArrayLike, seed: int = 0) -> Array:
        """One window `(n, t, d)` in window units drawn for each `z (n, k)`; a seed holds the noise still."""
        self._require_latent()
        return self.representation.inverse(self.generator.sample_given(_points(z), seed=seed))

    def wrap(self, x: Array) -> Samples:
        """Windows `x (n, t, d)` in this model's window units, as samples that can be turned into prices."""
        return Samples(x=x, names=self.names, kinds=self.kinds, units=self.units, start=self.default_start)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Everything that `load` needs: plain values ready for JSON, and named arrays."""
        self._require_fit()
        meta = {
            "generator": self.generator_name,
            "config": self.generator.config.to_dict(),
            "representation": self.representation_name,
            "names": list(self.names),
            "kinds": list(self.kinds),
            "units": list(self.units),
            "length": self.length,
        }
        arrays = {f"generator.{name}": array for name, array in self.generator.state().items()}
        arrays |= {f"representation.{name}": array for name, array in self.representation.state().items()}
        return meta, {**arrays, "default_start": self.default_start}

    @classmethod
    def load(cls, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The pipeline that gave `meta` and `arrays`; it draws the same bytes."""
        made = cls(meta["generator"], meta["config"], meta["representation"])
        family = generator_class(meta["generator"])
        made.generator = family.load(made.generator.config, under(arrays, "generator."))
        made.representation = representation_class(meta["representation"]).load(under(arrays, "representation."))
        made.names, made.kinds, made.units = (tuple(meta[name]) for name in ("names", "kinds", "units"))
        made.length = int(meta["length"])
        made.default_start = np.array(arrays["default_start"], dtype=np.float64)
        return made

    def _require_fit(self) -> None:
        if not self.names:
            raise SynthFinError(f"The {self.generator_name} has not been fitted: call fit first.")

    def _require_latent(self) -> None:
        self._require_fit()
        if not self.generator.latent:
            raise SettingError(f"{self.generator.title} has no latent space: choose a model that has one.")


def _points(z: ArrayLike) -> Array:
    points = np.asarray(z, dtype=np.float64)
    if points.ndim != 2 or not np.isfinite(points).all():
        raise DataError(f"Latent points have shape {points.shape}, expected finite numbers (points, dimensions).")
    return points
