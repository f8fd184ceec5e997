"""Generative adversarial network: a recurrent generator against a judge of whole windows.

Two losses. With ``"bce"`` the judge is a discriminator that gives the probability of being real (Goodfellow et al.,
"Generative Adversarial Nets", 2014, https://arxiv.org/abs/1406.2661):

    min_G max_D  E[log D(x)] + E[log(1 - D(G(z)))] - gamma / 2 E[|grad D(x)|^2]

and the generator climbs log D(G(z)). The last term keeps the judge smooth at the real windows, which makes the game
settle (Mescheder et al., "Which Training Methods for GANs do actually Converge?", 2018,
https://arxiv.org/abs/1801.04406). With ``"wasserstein"`` it is a critic whose slope is held near one (Gulrajani et al.,
"Improved Training of Wasserstein GANs", 2017, https://arxiv.org/abs/1704.00028):

    min_G max_D  E[D(x)] - E[D(G(z))] - lambda E[(|grad D(x^)| - 1)^2]

Both learning rates fall to zero over the second half. Samples come from a running average of the generator's weights,
which is steadier than the last ones.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core import params, rng
from synthfin_core.errors import TrainingError
from synthfin_core.generators.base import (
    Array,
    Diagnostics,
    Generator,
    OnStep,
    Progress,
    ShouldStop,
    State,
    check_training_windows,
)
from synthfin_core.generators.gan_health import complaints, diversity
from synthfin_core.generators.gan_scale import PathScale
from synthfin_core.params import param

if TYPE_CHECKING:
    from torch import Tensor, nn

    from synthfin_core.nn.gan import RecurrentGenerator
    from synthfin_core.training import Moment, Trainee

CHUNK = 256  #: windows drawn at a time, always this many, so that a path's bytes don't depend on how many are asked for
MATCHED_ON = 1024  #: windows that set the level and spread of what is drawn
PROBE = 64  #: windows looked at by `diagnostics`
SETTLING = 100  #: steps before which `diagnostics` warns of nothing


@dataclass(frozen=True)
class GANConfig(params.Config):
    """Settings of the GAN."""

    noise_dim: int = param(
        8, "Random numbers fed in at each step, beside one for every series.", label="Noise dimensions", ge=1, le=256
    )
    cell: str = param("lstm", "Kind of recurrent cell.", choices=("lstm", "gru"))
    hidden_size: int = param(32, "Width of the generator's recurrent state.", ge=4, le=512)
    critic: str = param(
        "convolutional",
        "Kind of network that judges the windows: convolutional is faster, recurrent is the lab's.",
        label="Judge",
        choices=("convolutional", "recurrent"),
    )
    critic_hidden_size: int = param(32, "Width of the judging network.", label="Judge's hidden size", ge=4, le=512)
    loss: str = param(
        "bce",
        "What the two networks play for: telling real from generated (BCE), or the Wasserstein distance between them.",
        choices=("bce", "wasserstein"),
    )
    gradient_penalty: float = param(
        1.0,
        "How strongly the judge is kept smooth: 1 is the usual strength for the chosen loss, 0 none.",
        ge=0.0,
        le=100.0,
        advanced=True,
    )
    critic_steps: int = param(
        1, "Steps of the judge for each step of the generator.", label="Judge's steps", ge=1, le=20
    )
    generator_rate: float = param(
        1e-3, "Size of the generator's steps.", label="Generator's learning rate", ge=1e-6, le=0.1, log=True
    )
    critic_rate: float = param(
        1e-3, "Size of the judge's steps.", label="Judge's learning rate", ge=1e-6, le=0.1, log=True
    )
    epochs: int = param(40, "Passes over the training windows.", ge=1, le=10_000, unit="epochs")
    batch_size: int = param(64, "Windows in each step.", ge=2, le=4096, unit="windows")
    averaging: float = param(
        0.999,
        "How slowly the averaged weights that draw the samples follow; zero takes the last weights.",
        ge=0.0,
        le=0.99999,
        advanced=True,
    )

    @classmethod
    def tiny(cls) -> Self:
        """Settings that fit in about a second, for tests."""
        return cls(noise_dim=2, hidden_size=8, critic_hidden_size=8, epochs=2, batch_size=16)

    @classmethod
    def presets(cls) -> dict[str, Self]:
        """What is recommended, and the notebook's numbers."""
        lab = cls(
            noise_dim=64,
            hidden_size=128,
            critic="recurrent",
            critic_hidden_size=128,
            loss="bce",
            gradient_penalty=0.0,
            critic_steps=1,
            generator_rate=2e-4,
            critic_rate=2e-4,
            epochs=50,
            batch_size=32,
            averaging=0.0,
        )
        return {"recommended": cls(), "the lab's": lab}


class GAN(Generator):
    """Recurrent generator with noise at every step, trained against a judge of whole windows."""

    Config: ClassVar[type[params.Config]] = GANConfig
    title: ClassVar[str] = "Generative adversarial network"
    short: ClassVar[str] = "GAN"
    family: ClassVar[str] = "gan"
    paper: ClassVar[str] = (
        "Goodfellow et al., Generative Adversarial Nets, 2014, https://arxiv.org/abs/1406.2661; "
        "Mescheder, Geiger, Nowozin, Which Training Methods for GANs do actually Converge?, 2018, "
        "https://arxiv.org/abs/1801.04406"
    )
    representation: ClassVar[str] = "standard"
    curves: ClassVar[tuple[str, ...]] = ("generator", "discriminator", "critic")

    config: GANConfig

    def __init__(self, config: GANConfig | None = None) -> None:
        super().__init__(config)
        self._averaged: RecurrentGenerator | None = None  # draws the samples
        self._trainee: Trainee | None = None  # only where it was trained
        self._done = 0
        self._shape = (0, 0)  # time, series
        self._scale: PathScale | None = None
        self._fitting: tuple[int, PathScale] | None = None  # the scale that fits what is drawn, and since which step
        self._losses: dict[str, float] = {}  # running means of the curves
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
        self._shape = x.shape[1:]
        self._scale = PathScale.of(x)
        scaled = self._scale.forward(x)
        self._real_probe = scaled[np.linspace(0, len(x) - 1, min(PROBE, len(x))).astype(int)]
        self._losses, self._fitting = {}, None
        data = torch.as_tensor(scaled, dtype=torch.float32, device=training.device())
        self._trainee = self._players(data, seed)
        self._done = training.unpack(self._trainee, resume) if resume is not None else 0

        def told(progress: Progress) -> None:
            self._done = progress.step
            for name, value in progress.losses.items():
                self._losses[name] = 0.95 * self._losses.get(name, value) + 0.05 * value
            if on_step is not None:
                on_step(progress)

        with training.threads(1):
            training.train(
                self._trainee,
                data,
                epochs=self.config.epochs,
                batch_size=self.config.batch_size,
                seed=seed,
                start_step=self._done,
                on_step=told,
                should_stop=should_stop,
            )
        return self

    def _players(self, data: Tensor, seed: int) -> Trainee:
        """Both networks with fresh weights, the running average, and what a training step does."""
        import torch

        from synthfin_core.training import Trainee, seeded_weights

        with seeded_weights(seed):
            generator = self._generator().to(data.device)
            judge = self._judge(data).to(data.device)
        self._averaged = copy.deepcopy(generator).requires_grad_(False)

        def adam(module: nn.Module) -> torch.optim.Optimizer:
            return torch.optim.Adam(module.parameters(), betas=(0.5, 0.9), fused=True)  # the rate is set at each step

        return Trainee(
            modules={"generator": generator, "judge": judge, "averaged": self._averaged},
            optimizers={"generator": adam(generator), "judge": adam(judge)},
            step=partial(self._step, data),
        )

    def _step(self, data: Tensor, batch: Tensor, moment: Moment) -> dict[str, Tensor]:
        """The judge's steps, then one of the generator against the last of the windows that were judged."""
        from synthfin_core.losses import adversarial

        assert self._trainee is not None
        generator, judge, averaged = (self._trainee.modules[name] for name in ("generator", "judge", "averaged"))
        optimizers, settings = self._trainee.optimizers, self.config
        left = min(1.0, 2 - 2 * moment.step / moment.steps)
        optimizers["generator"].param_groups[0]["lr"] = settings.generator_rate * left
        optimizers["judge"].param_groups[0]["lr"] = settings.critic_rate * left
        for turn in range(settings.critic_steps):
            real = batch if turn == 0 else _redrawn(data, len(batch), moment)
            fake = generator(self._noise(len(real), moment))
            loss, losses = adversarial.judge_loss(
                settings.loss, judge, real, fake.detach(), settings.gradient_penalty, moment.noise
            )
            _descend(optimizers["judge"], loss)
        judge.requires_grad_(False)  # only the generator learns from this one
        losses["generator"] = adversarial.generator_loss(settings.loss, judge(fake))
        _descend(optimizers["generator"], losses["generator"])
        judge.requires_grad_(True)
        _follow(averaged, generator, min(settings.averaging, (1 + moment.step) / (10 + moment.step)))
        return {name: value.detach() for name, value in losses.items()}

    def _generator(self) -> RecurrentGenerator:
        from synthfin_core.nn.gan import RecurrentGenerator

        settings = self.config
        return RecurrentGenerator(self._shape[1], settings.noise_dim, settings.hidden_size, settings.cell)

    def _judge(self, data: Tensor) -> nn.Module:
        from synthfin_core.nn.gan import ConvolutionalJudge, RecurrentJudge, principal_axes

        settings, axes = self.config, principal_axes(data)
        if settings.critic == "convolutional":
            return ConvolutionalJudge(axes, settings.critic_hidden_size)
        return RecurrentJudge(axes, settings.critic_hidden_size, settings.cell)

    def _noise(self, n: int, moment: Moment) -> Tensor:
        from synthfin_core.training import normal

        t, d = self._shape
        return normal((n, t + 1, self.config.noise_dim + d), moment.noise)

    def sample(self, n: int, *, cond: Array | None = None, seed: int = 0) -> Array:
        """Draw `n` represented windows `(n, t, d)` with the averaged weights."""
        drawn = self._draw(n, rng.stream(seed, "noise"))
        return self._matched().inverse(drawn)

    def _matched(self) -> PathScale:
        """The scale that fits what the averaged weights draw at this step of training."""
        assert self._scale is not None
        if self._trainee is None:  # loaded with a scale that fits
            return self._scale
        if self._fitting is None or self._fitting[0] != self._done:
            drawn = self._draw(MATCHED_ON, rng.stream(0, "level and spread"))
            self._fitting = self._done, self._scale.matched(drawn)
        return self._fitting[1]

    def _draw(self, n: int, stream: np.random.Generator) -> Array:
        """`n` windows in the networks' own scale."""
        import torch

        from synthfin_core.training import threads

        if self._averaged is None:
            raise TrainingError("The GAN was asked for samples before it was trained: fit or load it first.")
        t, d = self._shape
        where = next(self._averaged.parameters()).device
        drawn = np.empty((n, t, d))
        with threads(1), torch.no_grad():
            for first in range(0, n, CHUNK):
                wanted = min(CHUNK, n - first)
                z = np.zeros((CHUNK, t + 1, self._averaged.noise_size), dtype=np.float32)
                z[:wanted] = stream.standard_normal((wanted, *z.shape[1:]))
                drawn[first : first + wanted] = self._averaged(torch.from_numpy(z).to(where))[:wanted].cpu().numpy()
        return drawn

    def state(self) -> State:
        """The averaged generator's weights, the scale of the data and the shape of a window."""
        from synthfin_core.training import weights

        if self._averaged is None:
            raise TrainingError("The GAN has no state before it was trained: fit or load it first.")
        own = {"shape": np.array(self._shape, dtype=np.int64)} | self._matched().state()
        return own | {f"generator.{name}": value for name, value in weights(self._averaged).items()}

    @classmethod
    def load(cls, config: params.Config, state: Mapping[str, NDArray[Any]]) -> Self:
        """The GAN that gave `state`; it draws the same bytes."""
        from synthfin_core.training import device, load_weights

        gan = cls(config)  # type: ignore[arg-type]
        gan._shape = (int(state["shape"][0]), int(state["shape"][1]))
        gan._scale = PathScale.load(state)
        gan._averaged = gan._generator().requires_grad_(False)
        prefix = "generator."
        kept = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
        load_weights(gan._averaged, kept)
        gan._averaged.to(device())
        return gan

    def diagnostics(self) -> Diagnostics:
        """Diversity and spread of generated windows against real ones, and what looks wrong."""
        if self._averaged is None or self._trainee is None:
            return Diagnostics()
        fake, pinned = self._probe()
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
        shape = (len(self._real_probe), self._shape[0] + 1, self._averaged.noise_size)
        z = torch.as_tensor(rng.stream(0, "probe").standard_normal(shape), dtype=torch.float32, device=where)
        with threads(1), torch.no_grad():
            location, log_scale, shock = self._averaged.parts(z)
            x = location + log_scale.exp() * shock
            pinned = (log_scale.abs() > 0.95 * LOG_SCALE_LIMIT).float().mean()
        return x.double().cpu().numpy(), float(pinned)

    def checkpoint(self) -> State:
        """Both networks, the running average, both optimizers and the step."""
        from synthfin_core.training import pack

        if self._trainee is None:
            raise TrainingError("The GAN has no checkpoint, because it was not trained here: fit it first.")
        return pack(self._trainee, self._done)


def _redrawn(data: Tensor, n: int, moment: Moment) -> Tensor:
    """Another batch of real windows for one more step of the judge."""
    import torch

    return data[torch.randint(len(data), (n,), generator=moment.noise, device=data.device)]


def _descend(optimizer: Any, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def _follow(averaged: nn.Module, module: nn.Module, decay: float) -> None:
    """Move the averaged weights a share `1 - decay` of the way to the module's."""
    import torch

    with torch.no_grad():
        for old, new in zip(averaged.parameters(), module.parameters(), strict=True):
            old.lerp_(new, 1 - decay)
