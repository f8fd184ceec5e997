r"""Wavelet diffusion: shapes of windows, taken apart by time scale, are drawn out of noise.

A window is split into a summary, which is its level and its size, and a shape (`wavelet_parts`). Summaries of new
windows come from a fitted mixture of normals, never from the training windows themselves. The wavelet coefficients of
the shape are drowned in noise in 1000 steps, :math:`x_s = \alpha_s x_0 + \sigma_s \epsilon`, and a network that is told
the summary learns the way back under a Huber loss (`synthfin_core.diffusion`). So what depends on the level, as the
size of moves on a price, stays so.

By default coefficients are whitened, where windows are many by kinds of summaries. Noise then has the covariance of
the data, the best linear denoiser is known without training, and the network only learns what is not Gaussian.

Sources: Ho, Jain and Abbeel, "Denoising diffusion probabilistic models" (2020), https://arxiv.org/abs/2006.11239;
wavelet images of financial series from Takahashi and Mizuno, "Generation of synthetic financial time series by
diffusion models" (2024), https://arxiv.org/abs/2410.18897.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core import params, rng
from synthfin_core.errors import SettingError, TrainingError
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
from synthfin_core.generators.wavelet_parts import Coordinates, Summaries, SummaryLaw
from synthfin_core.generators.wavelet_settings import (
    WaveletDiffusionConfig,
    check_windows,
    extended_length,
    levels_of,
)
from synthfin_core.wavelets import Wavelets

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from synthfin_core.diffusion.process import Process
    from synthfin_core.diffusion.samplers import OnTheWay
    from synthfin_core.training import Moment, Trainee

CHUNK = 512  #: windows drawn at a time; the noise of a chunk is always drawn whole, so that a path depends on its place
WARM_UP = 100  #: steps over which the learning rate rises, or a tenth of them all
CLIP = 1.0  #: largest norm of a step's gradient
MOST_KINDS = 10  #: of windows, by level and size, each with a covariance of its own
WINDOWS_PER_NUMBER = 20  #: training windows for each kind and each number of a window, so that covariances are sure
PROBE = 64  #: windows looked at by `diagnostics`
SETTLING = 300  #: steps before which `diagnostics` warns of nothing


class WaveletDiffusion(Generator):
    """Levels and sizes from a fitted law, shapes by diffusion over wavelet coefficients."""

    Config: ClassVar[type[params.Config]] = WaveletDiffusionConfig
    title: ClassVar[str] = "Wavelet diffusion"
    short: ClassVar[str] = "Diffusion"
    family: ClassVar[str] = "diffusion"
    paper: ClassVar[str] = (
        "Takahashi and Mizuno, Generation of synthetic financial time series by diffusion models, 2024, "
        "https://arxiv.org/abs/2410.18897; Ho, Jain and Abbeel, Denoising diffusion probabilistic models, 2020, "
        "https://arxiv.org/abs/2006.11239"
    )
    representation: ClassVar[str] = "standard"
    curves: ClassVar[tuple[str, ...]] = ("loss", "untrained")

    config: WaveletDiffusionConfig

    def __init__(self, config: WaveletDiffusionConfig | None = None) -> None:
        super().__init__(config)
        self._shape = (0, 0)  # time, series
        self._summaries: Summaries | None = None
        self._coordinates: Coordinates | None = None
        self._law: SummaryLaw | None = None
        self._averaged: nn.Module | None = None  # draws the samples
        self._trainee: Trainee | None = None  # only where it was trained
        self._done = 0
        self._spread: Array = np.zeros(0)  # of the training windows around their levels, by series

    @classmethod
    def check(cls, config: params.Config, n: int, t: int, d: int) -> None:
        """Refuse levels too deep, windows that should be a power of two and are not, and too large a covariance."""
        assert isinstance(config, WaveletDiffusionConfig)
        check_windows(config, t, d)

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
        """Learn from represented windows `x (n, t, d)`; see the base class."""
        import torch

        from synthfin_core import training

        x = check_training_windows(x)
        self.check(self.config, *x.shape)
        place = training.device()
        data, told = (torch.as_tensor(part, dtype=torch.float32, device=place) for part in self._prepare(x, seed))
        self._trainee = self._players(seed, place)
        self._done = training.unpack(self._trainee, resume) if resume is not None else 0

        def tell(progress: Progress) -> None:
            self._done = progress.step
            if on_step is not None:
                on_step(progress)

        with training.threads(1):
            training.train(
                self._trainee,
                torch.cat([data, told], dim=1),
                epochs=self.config.epochs,
                batch_size=self.config.batch_size,
                seed=seed,
                start_step=self._done,
                on_step=tell,
                should_stop=should_stop,
            )
        return self

    def _prepare(self, x: Array, seed: int) -> tuple[Array, Array]:
        """Fit all but the network; coordinates `(n, k)` of the shapes, and whitened summaries `(n, s)`."""
        self._shape = x.shape[1:]
        self._spread = _spread(x)
        self._summaries = Summaries.of(x, self.config.sizes)
        summary, shape = self._summaries.split(x)
        kinds = min(MOST_KINDS, len(x) // (WINDOWS_PER_NUMBER * shape[0].size))
        self._law = SummaryLaw.fit(summary, self.config.law_components, kinds, seed)
        told = self._law.whitening.forward(summary)
        kind = self._law.kinds.of(told)
        self._coordinates = Coordinates.fit(self._wavelets(), shape, kind, self.config.normalisation, self.config.bend)
        return self._coordinates.forward(shape, kind), told

    def _wavelets(self) -> Wavelets:
        config, t = self.config, self._shape[0]
        return Wavelets(config.transform, config.wavelet, levels_of(config, t), extended_length(t))

    def _players(self, seed: int, place: torch.device) -> Trainee:
        """The network with fresh weights, its running average, and what a training step does."""
        import torch

        from synthfin_core.training import Trainee, seeded_weights

        with seeded_weights(seed):
            network = self._network().to(place)
        self._averaged = copy.deepcopy(network).requires_grad_(False)
        adam = torch.optim.AdamW(network.parameters(), lr=self.config.learning_rate, weight_decay=0.01, fused=True)
        process = self._process()
        return Trainee(
            modules={"network": network, "averaged": self._averaged},
            optimizers={"adam": adam},
            step=partial(self._step, process),
        )

    def _network(self) -> nn.Module:
        import torch

        from synthfin_core.nn.denoiser import DenseDenoiser
        from synthfin_core.nn.unet import ImageDenoiser, UNet

        config, (coordinates, law) = self.config, self._parts()[1:]
        k, conditions = len(coordinates.whitening.spread), len(law.whitening.spread)
        if config.network == "dense":
            return DenseDenoiser(k, conditions, config.hidden_size, config.depth)
        wavelets, d = coordinates.wavelets, self._shape[1]
        rows = (wavelets.levels + 1) * d
        unet = UNet(rows, wavelets.length, conditions, config.hidden_size, config.depth)
        layout = coordinates.layout()
        drawn = None if layout is None else torch.as_tensor(layout, dtype=torch.float32)
        basis = torch.as_tensor(coordinates.whitening.basis, dtype=torch.float32)
        return ImageDenoiser(unet, d, basis, drawn)

    def _process(self) -> Process:
        from synthfin_core.diffusion.process import Process
        from synthfin_core.diffusion.schedule import Schedule

        return Process(Schedule.of(self.config.schedule), self.config.target)

    def _step(self, process: Process, batch: Tensor, moment: Moment) -> dict[str, Tensor]:
        """One step down the loss; beside it the loss of a network that answers nothing, which is what it started at."""
        import torch

        from synthfin_core.training import normal

        assert self._trainee is not None
        network, averaged = self._trainee.modules["network"], self._trainee.modules["averaged"]
        adam, config = self._trainee.optimizers["adam"], self.config
        k = len(self._parts()[1].whitening.spread)
        x, told = batch[:, :k], batch[:, k:]
        step = torch.randint(len(process.schedule), (len(x),), generator=moment.noise, device=x.device)
        noise = normal(x.shape, moment.noise)
        loss = process.loss(network, x, told, step, noise, config.loss)
        adam.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        falling = (1 + math.cos(math.pi * moment.step / moment.steps)) / 2
        adam.param_groups[0]["lr"] = (
            config.learning_rate * falling * min(1.0, (moment.step + 1) / min(WARM_UP, moment.steps / 10))
        )
        adam.step()
        decay = min(config.averaging, (1 + moment.step) / (10 + moment.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(averaged.parameters()), list(network.parameters()), 1 - decay)
            untrained = process.loss(lambda *_: torch.zeros_like(x), x, told, step, noise, config.loss)
        return {"loss": loss.detach(), "untrained": untrained}

    def sample(self, n: int, *, cond: Array | None = None, seed: int = 0) -> Array:
        """Draw `n` represented windows `(n, t, d)`: summaries from their law, shapes out of noise."""
        return self._draw(n, seed, lambda *_: None)

    def denoise(self, n: int, seed: int = 0, keep: int = 8) -> tuple[Array, Array, Array]:
        """`n` windows on their way out of the noise, for a strip of pictures.

        Returns
        -------
        noisy : ndarray (keep, n, t, d)
            Represented windows as the network gets them, from pure noise on, at evenly spaced steps of the sampler.
        guesses : ndarray (keep, n, t, d)
            What it takes the clean windows for; the last ones are those that `sample` gives.
        images : ndarray (keep, n, levels + 1, t', d)
            Wavelet images of the guesses, as in `wavelet_image`.

        Raises
        ------
        SettingError
            If more windows are asked for than are drawn at a time, or fewer than two moments.
        """
        steps = self._steps_of_sampler()
        if not 1 <= n <= CHUNK or not 2 <= keep <= steps:
            raise SettingError(
                f"{n} windows at {keep} moments came, expected 1 to {CHUNK} windows at 2 to {steps} moments."
            )
        wanted = set(np.linspace(1, steps, keep).round().astype(int).tolist())
        seen: list[Array] = []
        summaries, coordinates, law = self._parts()
        told, summary = law.draw(n, seed)
        kind = law.kinds.of(told)

        def look(done: int, *at: Tensor) -> None:
            if done in wanted:
                seen.extend(coordinates.inverse(z.double().cpu().numpy(), kind) for z in at)

        self._draw(n, seed, look)
        gain = summaries.gain(seen[-1], self.config.temperature)
        windows = [summaries.join(summary, gain * shape) for shape in seen]
        noisy, guesses = np.stack(windows[::2]), np.stack(windows[1::2])
        return noisy, guesses, np.stack([self.wavelet_image(guess) for guess in guesses])

    def wavelet_image(self, x: Array) -> Array:
        """Wavelet images `(n, levels + 1, t', d)` of represented windows `x (n, t, d)` without their level.

        Rows are the coarse approximation, then details from coarse to fine; `t'` is the length to which windows are
        extended.
        """
        x = np.asarray(x, dtype=np.float64)
        return self._parts()[1].image(x - x.mean(axis=1, keepdims=True))

    def _draw(self, n: int, seed: int, on_the_way: OnTheWay) -> Array:
        """`n` windows, a chunk at a time; `on_the_way` sees the coordinates at each step."""
        from synthfin_core.training import threads

        summaries, coordinates, law = self._parts()
        told, summary = law.draw(n, seed)
        kind = law.kinds.of(told)
        x = np.empty((n, *self._shape))
        with threads(1):
            for first in range(0, n, CHUNK):
                rows = slice(first, min(first + CHUNK, n))
                noise = rng.stream(seed, f"noise {first // CHUNK}")
                shape = coordinates.inverse(self._shapes(told[rows], noise, on_the_way), kind[rows])
                x[rows] = summaries.join(summary[rows], summaries.gain(shape, self.config.temperature) * shape)
        return x

    def _shapes(self, told: Array, stream: np.random.Generator, on_the_way: OnTheWay) -> Array:
        """Coordinates `(b, k)` of shapes that go with whitened summaries `told (b, s)`."""
        import torch

        from synthfin_core.diffusion import samplers

        assert self._averaged is not None
        network, process, config = self._averaged, self._process(), self.config
        condition = torch.as_tensor(told, dtype=torch.float32, device=next(network.parameters()).device)
        k = len(self._parts()[1].whitening.spread)

        def noise() -> Tensor:
            drawn = stream.standard_normal((CHUNK, k), dtype=np.float32)[: len(told)]
            return torch.from_numpy(drawn).to(condition.device)

        def clean(x: Tensor, step: int) -> Tensor:
            return process.clean(network, x, condition, step)

        x = config.temperature * noise()
        if config.sampler == "ddpm":
            x = samplers.ancestral(clean, process.schedule, x, noise, config.temperature, on_the_way)
        else:
            x = samplers.few_step(clean, process.schedule, x, config.sampling_steps, on_the_way)
        return x.double().cpu().numpy()

    def _steps_of_sampler(self) -> int:
        from synthfin_core.diffusion import samplers

        schedule = self._process().schedule
        few = self.config.sampler == "few-step"
        return len(samplers.few(schedule, self.config.sampling_steps)) if few else len(schedule)

    def state(self) -> State:
        """The averaged weights, the law of summaries, the coordinates and the shape of a window."""
        from synthfin_core.training import weights

        summaries, coordinates, law = self._parts()
        assert self._averaged is not None
        state: State = {"shape": np.array(self._shape, dtype=np.int64), "smallest": summaries.smallest}
        parts = {"coordinates": coordinates.state(), "law": law.state(), "network": weights(self._averaged)}
        for name, part in parts.items():
            state |= {f"{name}.{key}": value for key, value in part.items()}
        return state

    @classmethod
    def load(cls, config: params.Config, state: Mapping[str, NDArray[Any]]) -> Self:
        """The model that gave `state`; it draws the same bytes."""
        from synthfin_core.training import device, load_weights

        assert isinstance(config, WaveletDiffusionConfig)
        model = cls(config)
        model._shape = (int(state["shape"][0]), int(state["shape"][1]))
        model._summaries = Summaries(np.array(state["smallest"]), config.sizes)
        model._coordinates = Coordinates.load(model._wavelets(), model._shape[0], under(state, "coordinates."))
        model._law = SummaryLaw.load(under(state, "law."))
        network = model._network()
        load_weights(network, under(state, "network."))
        model._averaged = network.requires_grad_(False).to(device())
        return model

    @property
    def checkpoint_epochs(self) -> int:
        """From the settings."""
        return self.config.checkpoint_every

    def checkpoint(self) -> State:
        """The network, its running average, the optimizer and the step."""
        from synthfin_core.training import pack

        if self._trainee is None:
            raise TrainingError("This model was loaded, not trained here, so there is no training to go on with.")
        return pack(self._trainee, self._done)

    def diagnostics(self) -> Diagnostics:
        """Spread of generated windows around their levels against that of real ones, and what looks wrong, in words."""
        if self._trainee is None:
            return Diagnostics()
        ratio = _spread(self.sample(PROBE)) / self._spread
        values: dict[str, float | list[float]] = {"spread": ratio.tolist()}
        off = float(ratio[np.abs(np.log(np.maximum(ratio, 1e-12))).argmax()])
        if self._done < SETTLING or 0.5 <= off <= 2.0:
            return Diagnostics(values)
        what = f"Generated windows move {off:.2g} times as far as real ones, expected about once; "
        mend = "train longer, or choose the normalisation covariance and the target velocity."
        if self.config.temperature != 1.0:
            mend = "set the temperature back to 1."
        return Diagnostics(values, [what + mend])

    def _parts(self) -> tuple[Summaries, Coordinates, SummaryLaw]:
        if self._summaries is None or self._coordinates is None or self._law is None:
            raise TrainingError("This model has not been trained yet, expected a trained one: call fit first.")
        return self._summaries, self._coordinates, self._law


def _rate(moment: Moment) -> float:
    """The learning rate's course: up in a line, then to zero along a cosine."""
    rising = (moment.step + 1) / min(WARM_UP, moment.steps / 10)
    return min(1.0, rising) * (1 + math.cos(math.pi * moment.step / moment.steps)) / 2


def _spread(x: Array) -> Array:
    """Standard deviation `(d,)` of windows `(n, t, d)` around the level of each."""
    spread: Array = (x - x.mean(axis=1, keepdims=True)).std(axis=(0, 1))
    return np.maximum(spread, 1e-12)
