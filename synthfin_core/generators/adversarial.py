"""What generative adversarial networks share, whatever their networks are.

The fit loop, the scale on which the networks see windows, noise at every step, a running average of the generator's
weights that draws the samples, level and spread set right afterwards, the checkpoint, and a look at the diversity.
A subclass names its settings and makes its two networks.

Both learning rates fall to zero over the second half. Samples come from a running average of the generator's weights,
which is steadier than the last ones.
"""

from __future__ import annotations

import copy
import itertools
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core import params, rng
from synthfin_core.errors import TrainingError
from synthfin_core.generators.adversarial_game import Game
from synthfin_core.generators.adversarial_settings import AdversarialConfig
from synthfin_core.generators.base import (
    Array,
    Diagnostics,
    Generator,
    OnStep,
    Progress,
    ShouldStop,
    State,
    check_training_windows,
    under,
)
from synthfin_core.generators.emphasis import Emphasis, Spread
from synthfin_core.generators.gan_health import complaints, diversity
from synthfin_core.generators.gan_scale import PathScale, Scale

if TYPE_CHECKING:
    from torch import Tensor, nn

    from synthfin_core.nn.gan import NoiseDriven
    from synthfin_core.training import Trainee

CHUNK = 256  #: windows drawn at a time, always this many, so that a path's bytes don't depend on how many are asked for
MATCHED_ON = 1024  #: windows that set the level and spread of what is drawn ...
LEVELS_MATCHED_ON = 8192  #: ... and once trained, where series keep to levels, whose law has but one number a window
ROUNDS = 3  #: times that the law of the drawn windows that are kept is found, as it decides which are kept
PROBE = 64  #: windows looked at by `diagnostics`
LOOKS = 50  #: times in a training that the diversity is looked at
SETTLING = 100  #: steps before which `diagnostics` warns of nothing


class Adversarial(Generator):
    """A generator driven by noise, trained against a judge of whole windows."""

    family: ClassVar[str] = "gan"
    representation: ClassVar[str] = "standard"
    curves: ClassVar[tuple[str, ...]] = ("generator", "discriminator", "critic")
    scale_type: ClassVar[type[Scale]] = PathScale  #: what the networks see of a window

    config: AdversarialConfig

    def __init__(self, config: AdversarialConfig | None = None) -> None:
        super().__init__(config)
        self._averaged: NoiseDriven | None = None  # draws the samples
        self._trainee: Trainee | None = None  # only where it was trained
        self._done = 0
        self._shape = (0, 0)  # of a window as the networks see it: time, series
        self._scale: Scale | None = None
        self._emphasis: Emphasis | None = None  # where wild windows are shown oftener
        self._training = False
        self._fitting: tuple[tuple[int, int], Scale] | None = None  # see `_matched`: at which step, on how many windows
        self._losses: dict[str, float] = {}  # running means of the curves
        self._diversity: float | None = None  # when it was last looked at
        self._real_probe: Array = np.zeros((0, 0, 0))

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
        """Train both networks on represented windows `x (n, t, d)`; see the base class."""
        import torch

        from synthfin_core import training

        x = check_training_windows(x)
        scaled = self._shown(x, seed)
        self._shape = scaled.shape[1:]
        self._real_probe = scaled[np.linspace(0, len(x) - 1, min(PROBE, len(x))).astype(int)]
        self._losses, self._fitting, self._diversity = {}, None, None
        data = torch.as_tensor(scaled, dtype=torch.float32, device=training.device())
        self._trainee = self._players(data, seed)
        self._done = training.unpack(self._trainee, resume) if resume is not None else 0

        def told(progress: Progress) -> None:
            self._done = progress.step
            for name, value in progress.losses.items():
                self._losses[name] = 0.95 * self._losses.get(name, value) + 0.05 * value
            if on_step is not None:
                on_step(replace(progress, losses=progress.losses | {"diversity": self._followed(progress)}))

        self._training = True
        try:
            with training.threads(1):
                training.train(
                    self._trainee,
                    data,
                    epochs=self.config.epochs,
                    batch_size=self.config.batch_size,
                    epoch_windows=self.config.epoch_windows,
                    seed=seed,
                    start_step=self._done,
                    on_step=told,
                    should_stop=should_stop,
                )
        finally:
            self._training = False
        return self

    def _shown(self, x: Array, seed: int) -> Array:
        """Training windows as the networks see them; the wildest oftener, where they are to be."""
        self._scale = self.scale_type.of(x)
        scaled, spread = self._scale.forward(x), self._spread()
        self._emphasis = None if spread is None else Emphasis.of(x, spread)
        if self._emphasis is None:
            return scaled
        return scaled[self._emphasis.shown(x, rng.stream(seed, "wild windows"))]

    def _followed(self, progress: Progress) -> float:
        """The diversity, looked at `LOOKS` times in a training and held in between.

        The losses of a step are those before its update; so it is looked whether that went well, at the end above all.
        """
        due = progress.step % max(1, progress.steps // LOOKS) == 0 or progress.step == progress.steps
        if self._diversity is None or due:
            fake, _ = self._probe()
            if not np.isfinite(fake).all():
                raise TrainingError(
                    f"Training stopped at step {progress.step}: the generator drew values that are no numbers; lower "
                    "the learning rates or raise the gradient penalty."
                )
            self._diversity = diversity(fake, self._real_probe)
        return self._diversity

    def _players(self, data: Tensor, seed: int) -> Trainee:
        """Both networks with fresh weights, the running average, and what a training step does."""
        from synthfin_core.training import Trainee, seeded_weights

        with seeded_weights(seed):
            generator = self._generator().to(data.device)
            judge = self._judge(data).to(data.device)
        self._averaged = copy.deepcopy(generator).requires_grad_(False)
        game = Game(generator, judge, self._averaged, self.config, data)
        return Trainee(modules=game.modules, optimizers=game.optimizers, step=game.play)

    def _moving(self) -> tuple[Tensor, Tensor]:
        """Which series, as the networks see them, wander, and which keep to their level."""
        import torch

        assert self._scale is not None
        return torch.as_tensor(self._scale.moves.wanders), torch.as_tensor(self._scale.moves.keeps)

    def _spread(self) -> Spread | None:
        """What says how far windows swing, if the wildest are to be shown oftener."""
        return None

    @abstractmethod
    def _generator(self) -> NoiseDriven:
        """The network that turns noise into windows of `self._shape`, with fresh weights."""

    @abstractmethod
    def _judge(self, data: Tensor) -> nn.Module:
        """The network that gives each window `(n, t, d)` a number `(n, 1)`, with fresh weights."""

    def sample(self, n: int, *, cond: Array | None = None, seed: int = 0) -> Array:
        """Draw `n` represented windows `(n, t, d)` with the averaged weights."""
        stream = rng.stream(seed, "noise")
        if self._emphasis is None:
            drawn = self._draw(n, stream)
            return self._matched().inverse(drawn)
        scale = self._matched()
        chunks = (scale.inverse(self._draw(CHUNK, stream)) for _ in itertools.count())
        return self._emphasis.thinned(n, chunks, rng.stream(seed, "thinned"))

    def _matched(self) -> Scale:
        """The scale that fits what the averaged weights draw at this step of training; a rough one for a look at it."""
        assert self._scale is not None
        if self._trainee is None:  # loaded with a scale that fits
            return self._scale
        n = LEVELS_MATCHED_ON if self._scale.moves.keeps.any() and not self._training else MATCHED_ON
        if self._fitting is None or self._fitting[0] != (self._done, n):
            drawn = self._draw(n, rng.stream(0, "level and spread"))
            scale = self._scale.matched(drawn)
            if self._emphasis is not None:
                for _ in range(ROUNDS):
                    stays = self._emphasis.kept(scale.inverse(drawn), rng.stream(0, "kept"))
                    scale = self._scale.matched(drawn[stays])
            self._fitting = (self._done, n), scale
        return self._fitting[1]

    def _draw(self, n: int, stream: np.random.Generator) -> Array:
        """`n` windows in the networks' own scale."""
        import torch

        from synthfin_core.training import threads

        if self._averaged is None:
            raise TrainingError("The GAN was asked for samples before it was trained: fit or load it first.")
        where = next(self._averaged.parameters()).device
        drawn = np.empty((n, *self._shape))
        with threads(1), torch.no_grad():
            for first in range(0, n, CHUNK):
                wanted = min(CHUNK, n - first)
                z = np.zeros((CHUNK, *self._averaged.noise_shape), dtype=np.float32)
                z[:wanted] = stream.standard_normal((wanted, *z.shape[1:]))
                drawn[first : first + wanted] = self._averaged(torch.from_numpy(z).to(where))[:wanted].cpu().numpy()
        return drawn

    def state(self) -> State:
        """The averaged generator's weights, the scale of the data and the shape of a window."""
        from synthfin_core.training import weights

        if self._averaged is None:
            raise TrainingError("The GAN has no state before it was trained: fit or load it first.")
        own = {"shape": np.array(self._shape, dtype=np.int64)} | self._matched().state()
        if self._emphasis is not None:
            own["usual_spread"] = np.array(self._emphasis.usual)
        return own | {f"generator.{name}": value for name, value in weights(self._averaged).items()}

    @classmethod
    def load(cls, config: params.Config, state: Mapping[str, NDArray[Any]]) -> Self:
        """The GAN that gave `state`; it draws the same bytes."""
        from synthfin_core.training import device, load_weights

        assert isinstance(config, AdversarialConfig)
        gan = cls(config)
        gan._shape = (int(state["shape"][0]), int(state["shape"][1]))
        gan._scale = cls.scale_type.load(state)
        spread = gan._spread()
        if "usual_spread" in state and spread is not None:
            gan._emphasis = Emphasis(float(state["usual_spread"]), spread)
        gan._averaged = gan._generator().requires_grad_(False)
        prefix = "generator."
        kept = under(state, prefix)
        load_weights(gan._averaged, kept)
        gan._averaged.to(device())
        return gan

    def diagnostics(self) -> Diagnostics:
        """Diversity and spread of generated windows against real ones, and what looks wrong."""
        if self._averaged is None or self._trainee is None:
            return Diagnostics()
        fake, pinned = self._probe()
        if not np.isfinite(fake).all():  # the next step says so
            return Diagnostics()
        unlike = diversity(fake, self._real_probe)
        spread = fake.std(axis=(0, 1)) / self._real_probe.std(axis=(0, 1)).clip(min=1e-12)
        values: dict[str, float | list[float]] = {"diversity": unlike, "spread": [float(value) for value in spread]}
        if self._done < SETTLING:
            return Diagnostics(values)
        return Diagnostics(values, complaints(self._losses, unlike, pinned))

    def _probe(self) -> tuple[Array, float]:
        """A few windows in the networks' own scale, and the share of steps whose volatility sits at its bound."""
        import torch

        from synthfin_core.nn.gan import LOG_SCALE_LIMIT
        from synthfin_core.training import threads

        assert self._averaged is not None
        where = next(self._averaged.parameters()).device
        shape = (len(self._real_probe), *self._averaged.noise_shape)
        z = torch.as_tensor(rng.stream(0, "probe").standard_normal(shape), dtype=torch.float32, device=where)
        with threads(1), torch.no_grad():
            x = self._averaged(z)
            _, log_scale, _ = self._averaged.parts(z)
            pinned = (log_scale.abs() > 0.95 * LOG_SCALE_LIMIT).float().mean()
        return x.double().cpu().numpy(), float(pinned)

    def checkpoint(self) -> State:
        """Both networks, the running average, both optimizers and the step."""
        from synthfin_core.training import pack

        if self._trainee is None:
            raise TrainingError("The GAN has no checkpoint, because it was not trained here: fit it first.")
        return pack(self._trainee, self._done)
