r"""Variational autoencoder for windows of several series.

Source: Kingma and Welling, "Auto-encoding variational Bayes" (2014), https://arxiv.org/abs/1312.6114; the weight on
the divergence from Higgins et al., "beta-VAE" (2017); free bits from Kingma et al., "Improved variational inference
with inverse autoregressive flow" (2016), https://arxiv.org/abs/1606.04934.

A recurrent encoder reads a window `x (t, d)` and gives :math:`q(z | x) = N(\mu, \sigma^2)`. A recurrent decoder unrolls
`z` into location, scale and dependence of every step. Training maximises the bound

.. math:: \log p(x) \ge E_{q(z|x)} \sum_t \log p(x_t | z, x_{<t}) - \beta \sum_k D_{KL}(q(z_k | x) \| N(0, 1)),

summed over steps, series and latent dimensions, averaged over windows. What the bars
before `t` do to its scale is one rule for all windows (`synthfin_core.nn.vae.Feedback`), from which
clustering and leverage come without a cost in latents. New windows are drawn from `p(x | z)`, never its mean, so that
roughness and tails survive.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from synthfin_core.generators.latents import Mixture
from synthfin_core.params import param

if TYPE_CHECKING:
    import torch

    from synthfin_core.nn.vae import VAENetwork
    from synthfin_core.training import Moment, Trainee

CHUNK = 512  # windows decoded at a time, so that a path does not depend on how many were asked for
WATCHED = 128  # training windows on which the latents are watched while training
ACTIVE = 0.01  # a latent dimension whose posterior mean varies more than this over the windows carries information
WIDE = 30.0  # times the data's standard deviation: no honest scale is so large
CLIP = 100.0  # largest norm of a step's gradient


@dataclass(frozen=True)
class VAEConfig(params.Config):
    """Settings of the variational autoencoder."""

    beta: float = param(
        1.0,
        "Weight of the divergence: above 1 the latents are tidier, below 1 the reconstruction is closer.",
        ge=0.0,
        le=100.0,
    )
    latent_dim: int = param(8, "How many numbers describe a window.", label="Latent dimensions", ge=1, le=128)
    cell: str = param("lstm", "Recurrent cell of encoder and decoder.", label="Cell", choices=("lstm", "gru"))
    hidden_size: int = param(48, "Units in each recurrent layer.", ge=2, le=1024)
    stride: int = param(
        5,
        "Bars that encoder and decoder take in one step: five are a week, and cost a fifth of the time.",
        label="Bars a step",
        ge=1,
        le=250,
        unit="bars",
        advanced=True,
    )
    epochs: int = param(60, "Passes over the training windows.", ge=1, le=100_000, unit="epochs")
    batch_size: int = param(128, "Windows in each training step.", ge=1, le=100_000, unit="windows")
    learning_rate: float = param(
        3e-3, "Size of the first training steps; it falls to zero along a cosine.", ge=1e-6, le=1.0, log=True
    )
    kl_warmup: int = param(
        10,
        "Epochs over which the weight of the divergence grows from zero, so that the latents are not given up early.",
        label="KL warm-up",
        ge=0,
        le=100_000,
        unit="epochs",
    )
    free_bits: float = param(
        0.1,
        "Divergence that each latent dimension may spend without being charged for it.",
        ge=0.0,
        le=10.0,
        unit="nats",
        advanced=True,
    )
    observation: str = param(
        "student-t",
        "Distribution of each step around its mean: student-t has heavy tails.",
        choices=("student-t", "gaussian"),
        advanced=True,
    )
    latents: str = param(
        "mixture",
        "Where the latents of new windows come from: the standard normal prior, or a mixture of normals fitted to the "
        "latents of the training windows.",
        label="Latents drawn from",
        choices=("mixture", "prior"),
        advanced=True,
    )
    mixture_components: int = param(10, "Normals in that mixture.", ge=1, le=100, advanced=True)

    @classmethod
    def tiny(cls) -> Self:
        """Settings that fit in about a second, for tests."""
        return cls(latent_dim=2, hidden_size=8, epochs=2, batch_size=32, kl_warmup=1, mixture_components=2)

    @classmethod
    def presets(cls) -> dict[str, Self]:
        """The recommended settings, and the numbers of the notebook that this product grew out of."""
        lab = cls(
            beta=0.1,
            latent_dim=32,
            cell="lstm",
            hidden_size=64,
            epochs=50,
            batch_size=32,
            learning_rate=1e-3,
            kl_warmup=0,
            free_bits=0.0,
            observation="gaussian",
            latents="prior",
        )
        return {"recommended": cls(), "the lab's": lab}


class VAE(Generator):
    """Variational autoencoder with a recurrent encoder, a recurrent decoder and heavy-tailed steps."""

    Config: ClassVar[type[params.Config]] = VAEConfig
    title = "Variational autoencoder"
    short = "VAE"
    family = "vae"
    paper = "Kingma and Welling, Auto-encoding variational Bayes (2014), https://arxiv.org/abs/1312.6114"
    representation = "standard"
    latent = True
    curves = ("loss", "reconstruction", "kl")

    config: VAEConfig

    def __init__(self, config: VAEConfig | None = None) -> None:
        super().__init__(config)
        self._network: VAENetwork | None = None
        self._trainee: Trainee | None = None
        self._mixture: Mixture | None = None
        self._length = 0
        self._step = 0
        self._watched: Array | None = None  # windows looked at while training
        self._activity = self._divergence = np.zeros(0)
        self._widest = 0.0
        self._epoch = 0
        self._losses: dict[str, float] = {}

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
        """Learn from represented windows; see `Generator.fit`."""
        import torch

        from synthfin_core import training

        x = check_training_windows(x)
        data = torch.as_tensor(x, dtype=torch.float32, device=training.device())
        self._length, self._mixture = x.shape[1], None
        self._watched = x[:: max(1, len(x) // WATCHED)][:WATCHED].copy()

        def tell(progress: Progress) -> None:
            self._step, self._epoch, self._losses = progress.step, progress.epoch, progress.losses
            if on_step is not None:
                on_step(progress)

        with training.threads(1):
            with training.seeded_weights(seed):
                self._network = self._build(x.shape[2])
            self._network.start_from(data)
            adam = torch.optim.Adam(self._network.parameters(), lr=self.config.learning_rate, fused=True)
            self._trainee = training.Trainee({"network": self._network}, {"adam": adam}, self._training_step)
            self._step = 0 if resume is None else training.unpack(self._trainee, resume)
            training.train(
                self._trainee,
                data,
                epochs=self.config.epochs,
                batch_size=self.config.batch_size,
                seed=seed,
                start_step=self._step,
                on_step=tell,
                should_stop=should_stop,
            )
            self._watch(x)
            self._watched = None
            if self.config.latents == "mixture":
                mu, logvar = self.encode(x)
                eps = rng.stream(seed, "encoded").standard_normal(mu.shape)
                self._mixture = Mixture.fit(mu + np.exp(logvar / 2) * eps, self.config.mixture_components, seed)
        return self

    def _training_step(self, x: torch.Tensor, moment: Moment) -> dict[str, torch.Tensor]:
        """One step down the negative bound, averaged over the windows of the batch."""
        import torch

        from synthfin_core.losses.divergence import kl_to_standard_normal
        from synthfin_core.training import normal

        assert self._trainee is not None
        network, config, adam = self._fitted(), self.config, self._trainee.optimizers["adam"]
        y = network.standardise(x)
        mu, logvar = network.encoder(y)
        z = mu + torch.exp(logvar / 2) * normal(mu.shape, moment.noise)
        reconstruction = -network.log_density(y, z, config.observation).mean()
        kl = kl_to_standard_normal(mu, logvar).mean(dim=0)  # (k,)
        charged = kl.clamp(min=config.free_bits).sum()
        warmth = min(1.0, (moment.epoch + 1) / (config.kl_warmup + 1))
        adam.zero_grad()
        (reconstruction + config.beta * warmth * charged).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        adam.param_groups[0]["lr"] = config.learning_rate * (1 + math.cos(math.pi * moment.step / moment.steps)) / 2
        adam.step()
        # The curves show the divergence charged in full, so that they do not rise while it warms up.
        reconstruction, divergence = reconstruction.detach(), kl.detach().sum()
        return {
            "loss": reconstruction + config.beta * divergence,
            "reconstruction": reconstruction,
            "kl": divergence,
        }

    def sample(self, n: int, *, cond: Array | None = None, seed: int = 0) -> Array:
        """Draw `n` represented windows: latents, then every step from its distribution."""
        if self._mixture is not None:
            z = self._mixture.draw(n, seed)
        else:
            z = rng.stream(seed, "latent").standard_normal((n, self.config.latent_dim))
        return self.sample_given(z, seed=seed)

    def encode(self, x: Array) -> tuple[Array, Array]:
        """Posterior mean and log-variance, both `(n, k)`, of represented windows `x (n, t, d)`."""
        network = self._fitted()
        mu, logvar = self._in_chunks(lambda part: network.encoder(network.standardise(part)), x)
        return mu, logvar

    def decode(self, z: Array) -> Array:
        """Mean of the windows given `z (n, k)`, without observation noise."""
        network = self._fitted()
        (x,) = self._in_chunks(
            lambda part: (network.restore(network.feedback.mean(network.decoder(part, self._length))),), z
        )
        return x

    def sample_given(self, z: Array, *, seed: int = 0) -> Array:
        """Windows drawn given `z (n, k)`; with one seed the noise stays the same while `z` moves."""
        network = self._fitted()
        d = len(network.mean)
        u = rng.stream(seed, "noise").standard_normal((len(z), self._length, d))
        if self.config.observation == "student-t":
            dof = float(network.dof.detach())
            u /= np.sqrt(rng.stream(seed, "tails").chisquare(dof, (len(z), self._length, 1)) / dof)
        (x,) = self._in_chunks(
            lambda part, noise: (network.restore(network.feedback.unroll(network.decoder(part, self._length), noise)),),
            z,
            u,
        )
        return x

    def state(self) -> State:
        """Weights, the mixture of latents, and how active each latent dimension is."""
        from synthfin_core.training import weights

        network = self._fitted()
        state: State = {f"network.{name}": value for name, value in weights(network).items()}
        state["length"] = np.array(self._length)
        state["activity"], state["kl_per_dimension"] = self._activity, self._divergence
        if self._mixture is not None:
            state |= {f"mixture.{name}": value for name, value in self._mixture.state().items()}
        return state

    @classmethod
    def load(cls, config: params.Config, state: Mapping[str, NDArray[Any]]) -> Self:
        """The generator that gave `state`."""
        from synthfin_core import training

        assert isinstance(config, VAEConfig)
        model = cls(config)
        model._length = int(state["length"])
        model._network = model._build(len(state["network.mean"]))
        training.load_weights(model._network, under(state, "network."))
        model._activity, model._divergence = np.array(state["activity"]), np.array(state["kl_per_dimension"])
        if "mixture.shares" in state:
            model._mixture = Mixture.load(under(state, "mixture."))
        return model

    def checkpoint(self) -> State:
        """Weights, the optimizer's state and the steps done."""
        from synthfin_core.training import pack

        if self._trainee is None:
            raise TrainingError("This model was loaded, not trained here, so there is no training to go on with.")
        return pack(self._trainee, self._step)

    def diagnostics(self) -> Diagnostics:
        """Active latent units, divergence of each, degrees of freedom, and what looks wrong, in words."""
        network = self._fitted()
        if self._watched is not None:
            self._watch(self._watched)
        active = int((self._activity > ACTIVE).sum())
        values: dict[str, float | list[float]] = {
            "active_units": active,
            "activity": self._activity.tolist(),
            "kl_per_dimension": self._divergence.tolist(),
        }
        if self.config.observation == "student-t":
            values["degrees_of_freedom"] = float(network.dof.detach())
        return Diagnostics(values, self._worries(active))

    def _worries(self, active: int) -> list[str]:
        """What looks wrong, each a sentence that says what to try; silent while the divergence warms up."""
        if self._losses and self._epoch <= self.config.kl_warmup + 1:
            return []
        worries = []
        # What free bits pay for is no sign of life.
        paid_for = (self._divergence > 1.5 * self.config.free_bits).any()
        if active <= min(1, self.config.latent_dim - 1) or not paid_for:
            worries.append(
                f"Posterior collapse: {active if paid_for else 0} of {len(self._activity)} latent dimensions tell "
                "windows apart, so latent sliders hardly move a path; lower beta or lengthen the KL warm-up."
            )
        charged = self.config.beta * self._losses.get("kl", 0.0)
        numbers = self._length * len(self._fitted().mean)
        if charged > max(abs(self._losses.get("reconstruction", 0.0)), numbers / 2):
            worries.append(
                f"The divergence ({charged:.0f} nats a window) outweighs the reconstruction; lower beta or use fewer "
                "latent dimensions."
            )
        if self._widest > WIDE:
            worries.append(
                f"The decoder gives some steps a scale {self._widest:.0f} times that of the data; lower the learning "
                "rate or look for outliers in the data."
            )
        return worries

    def _watch(self, x: Array) -> None:
        """Note how the latents and scales of windows `x (n, t, d)` look."""
        network = self._fitted()
        mu, logvar = self.encode(x)
        self._activity = mu.var(axis=0)
        self._divergence = 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar).mean(axis=0)
        (log_s,) = self._in_chunks(lambda part: (network.decoder(part, self._length).log_s,), mu)
        self._widest = float(np.exp(log_s.max()))

    def _build(self, d: int) -> VAENetwork:
        from synthfin_core.nn.vae import VAENetwork
        from synthfin_core.training import device

        config = self.config
        return VAENetwork(d, config.latent_dim, config.cell, config.hidden_size, config.stride).to(device())

    def _fitted(self) -> VAENetwork:
        if self._network is None:
            raise TrainingError("This model has not been trained yet, expected a trained one: call fit first.")
        return self._network

    def _in_chunks(self, function: Callable[..., tuple[torch.Tensor, ...]], *arrays: Array) -> tuple[Array, ...]:
        """`function` over rows, a fixed number at a time, without gradients and on one thread."""
        import torch

        from synthfin_core import training

        place = next(self._fitted().parameters()).device
        chunks = []
        with torch.inference_mode(), training.threads(1):
            for first in range(0, len(arrays[0]), CHUNK):
                parts = [torch.as_tensor(array[first : first + CHUNK], dtype=torch.float32) for array in arrays]
                chunks.append([result.cpu().double().numpy() for result in function(*(p.to(place) for p in parts))])
        return tuple(np.concatenate(pieces) for pieces in zip(*chunks, strict=True))


def under(state: Mapping[str, NDArray[Any]], prefix: str) -> State:
    """The arrays whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
