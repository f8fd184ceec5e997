"""What every generator is: settings, `fit`, `sample`, and a state made of plain arrays.

A generator sees represented windows `x (n, t, d)`, float64 in and out, and knows nothing of prices or dates.
One file a family, one line in `synthfin_core.registry`, and the contract suite in
`tests/test_generator_contract.py` takes it up.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core import params
from synthfin_core.errors import DataError

Array = NDArray[np.float64]
State = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Progress:
    """One training step, as told to `on_step`.

    Attributes
    ----------
    step, steps : int
        Steps done and steps in all.
    epoch, epochs : int
        Epochs begun, counted from one, and epochs in all.
    losses : dict of str to float
        The named parts, for example ``{"loss": 71.2, "reconstruction": 69.9, "kl": 1.3}``.
    """

    step: int
    steps: int
    epoch: int
    epochs: int
    losses: dict[str, float]


@dataclass(frozen=True)
class Diagnostics:
    """How a model looks from inside while it trains.

    Attributes
    ----------
    values : dict
        Numbers or lists of numbers for display, for example ``{"active_units": 3, "kl_per_dimension": [...]}``.
    warnings : list of str
        What is going wrong, each one plain sentence that says what to try.
    """

    values: dict[str, float | list[float]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


OnStep = Callable[[Progress], None]
ShouldStop = Callable[[], bool]


class Generator(ABC):
    """Learns a distribution over represented windows and draws new ones.

    Subclasses set the class attributes below, name their settings class `Config`, and write the abstract
    methods. `fit` must leave its input and the global random state as it found them, give the same bytes for
    the same seed on a CPU, stop within one step once `should_stop()` is true, and raise
    `TrainingError` rather than carry NaN on.
    """

    Config: ClassVar[type[params.Config]]
    title: ClassVar[str]  #: for example "Variational autoencoder"
    short: ClassVar[str]  #: for example "VAE"
    family: ClassVar[str]  #: page on which it is trained: "vae", "gan", "diffusion", "classical"
    paper: ClassVar[str]  #: author, title, year, link
    representation: ClassVar[str] = "standard"  #: name in REPRESENTATIONS used when the user names none
    latent: ClassVar[bool] = False  #: has encode, decode and sample_given
    curves: ClassVar[tuple[str, ...]] = ("loss",)  #: names in Progress.losses worth drawing, main one first

    def __init__(self, config: params.Config | None = None) -> None:
        self.config: Any = self.Config() if config is None else config

    @classmethod  # noqa: B027
    def check(cls, config: params.Config, n: int, t: int, d: int) -> None:
        """Refuse settings that do not suit `n` training windows of `t` bars by `d` series.

        Asked by the form and the command line before a training is queued, and by `Pipeline.fit`; it must be quick
        and import nothing heavy.

        Raises
        ------
        SettingError
            One sentence: what came, what was expected, what to do.
        """

    @classmethod
    def advise(cls, config: params.Config, x: Array) -> list[str]:
        """What settings that are allowed would do badly on training windows `x (n, t, d)`, in whatever units.

        Each is one sentence: what is so, what comes of it, what to choose instead. The form shows them before a
        training, and `Pipeline.fit` gives each as a `TrainingWarning`; it must be quick and import nothing heavy.
        Settings that choose for themselves choose well: they are never advised against.
        """
        return []

    @abstractmethod
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
        """Learn from represented windows `x (n, t, d)`.

        `resume` is what `checkpoint()` of an interrupted fit with the same data, settings and seed gave;
        the outcome is then that of a fit that was never interrupted. With more epochs in the settings
        than before, training goes on from there.
        """

    @abstractmethod
    def sample(self, n: int, *, cond: Array | None = None, seed: int = 0) -> Array:
        """Draw exactly `n` represented windows `(n, t, d)`; path `i` depends on `(seed, i)` alone, to rounding."""

    @property
    def checkpoint_epochs(self) -> int:
        """A job writes a checkpoint whenever so many epochs are done, beside those by the clock; 0 for these alone."""
        return 0

    @abstractmethod
    def state(self) -> State:
        """Everything that `sample` needs, as named arrays."""

    @classmethod
    @abstractmethod
    def load(cls, config: params.Config, state: Mapping[str, NDArray[Any]]) -> Self:
        """The generator that gave `state`; it draws the same bytes."""

    def checkpoint(self) -> State:
        """Everything that `fit(resume=...)` needs; for a model that fits in one go, its state."""
        return self.state()

    def diagnostics(self) -> Diagnostics:
        """How the model looks from inside; callable from `on_step` while it trains."""
        return Diagnostics()

    # Latent models only (latent = True).

    def encode(self, x: Array) -> tuple[Array, Array]:
        """Posterior mean and log-variance, both `(n, k)`, of represented windows."""
        raise NotImplementedError(f"{self.title} has no latent space.")

    def decode(self, z: Array) -> Array:
        """Mean of the windows given `z (n, k)`: `(n, t, d)`, without observation noise."""
        raise NotImplementedError(f"{self.title} has no latent space.")

    def sample_given(self, z: Array, *, seed: int = 0) -> Array:
        """Windows drawn given `z (n, k)`; with one seed the noise stays the same while `z` moves."""
        raise NotImplementedError(f"{self.title} has no latent space.")


def under(state: Mapping[str, NDArray[Any]], prefix: str) -> State:
    """The arrays whose names begin with `prefix`, without it.

    Examples
    --------
    >>> under({"law.mean": np.zeros(1), "shape": np.ones(2)}, "law.")
    {'mean': array([0.])}
    """
    return {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}


def check_training_windows(x: Array, at_least: int = 8) -> Array:
    """Return `x` as a float64 `(n, t, d)` array, or say what is wrong with it.

    Raises
    ------
    DataError
        If the shape is not `(n, t, d)`, a value is not finite, a series is flat or windows are too few.
    """
    x = np.asarray(x, dtype=np.float64)
    if x.ndim != 3:
        raise DataError(
            f"Training windows have shape {x.shape}, expected (windows, time, series): add the missing axis."
        )
    if len(x) < at_least:
        raise DataError(
            f"Got {len(x)} training windows, need at least {at_least}: choose a longer range or a shorter window."
        )
    bad = int((~np.isfinite(x)).sum())
    if bad:
        raise DataError(
            f"Training windows hold {bad} values that are missing or infinite, expected none: clean the data first."
        )
    flat = [i for i in range(x.shape[2]) if np.ptp(x[:, :, i]) == 0]
    if flat:
        raise DataError(
            f"Series {flat[0]} is flat (every value is {x[0, 0, flat[0]]:g}), expected one that varies: leave it out."
        )
    return x
