r"""What every variational autoencoder shares: the bound, the training, the latents, and drawing new windows.

Source: Kingma and Welling, "Auto-encoding variational Bayes" (2014), https://arxiv.org/abs/1312.6114; the weight on
the divergence from Higgins et al., "beta-VAE" (2017); free bits from Kingma et al., "Improved variational inference
with inverse autoregressive flow" (2016), https://arxiv.org/abs/1606.04934.

An encoder reads a window `x (t, d)` and gives :math:`q(z | x) = N(\mu, \sigma^2)`; a decoder and an observation model
give the law :math:`p(x | z)`. Training maximises the bound

.. math:: \log p(x) \ge E_{q(z|x)} \log p(x | z) - \beta \sum_k D_{KL}(q(z_k | x) \| N(0, 1)),

summed over steps, series and latent dimensions, averaged over windows. New windows are drawn from `p(x | z)`, never its
mean, so that roughness and tails survive.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

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
    under,
)
from synthfin_core.generators.latents import Mixture
from synthfin_core.generators.residuals import Residuals
from synthfin_core.generators.variational_health import ACTIVE, worries
from synthfin_core.params import param

if TYPE_CHECKING:
    import torch

    from synthfin_core.nn.variational import VariationalNetwork
    from synthfin_core.training import Moment, Trainee

CHUNK = 512  # windows decoded at a time, so that a path does not depend on how many were asked for
WATCHED = 128  # training windows on which the latents are watched while training
MOST_RESIDUALS = 10_000  # training windows whose residuals are kept, so that a state does not outgrow its data
CLIP = 100.0  # largest norm of a step's gradient


@dataclass(frozen=True)
class VariationalConfig(params.Config):
    """Settings of every variational autoencoder."""

    beta: float = param(
        1.0,
        "Weight of the divergence: above 1 the latents are tidier, below 1 the reconstruction is closer.",
        ge=0.0,
        le=100.0,
    )
    latent_dim: int = param(8, "How many numbers describe a window.", label="Latent dimensions", ge=1, le=128)
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
    latents: str = param(
        "mixture",
        "Where the latents of new windows come from: the standard normal prior, or a mixture of normals fitted to the "
        "latents of the training windows.",
        label="Latents drawn from",
        choices=("mixture", "prior"),
        advanced=True,
    )
    mixture_components: int = param(30, "Normals in that mixture.", ge=1, le=100, advanced=True)


class Variational(Generator):
    """A variational autoencoder of any kind; a member of the family fills in `_build`."""

    family = "vae"
    latent = True
    curves = ("loss", "reconstruction", "kl")

    config: VariationalConfig

    def __init__(self, config: VariationalConfig | None = None) -> None:
        super().__init__(config)
        self._network: VariationalNetwork | None = None
        self._trainee: Trainee | None = None
        self._mixture: Mixture | None = None
        self._residuals: Residuals | None = None  # of the training windows, where they are drawn again
        self._wanders = False
        self._step = 0
        self._watched: Array | None = None  # windows looked at while training
        self._activity = self._divergence = np.zeros(0)
        self._widest = 0.0
        self._epoch = 0
        self._losses: dict[str, float] = {}

    # What a member of the family fills in.

    @abstractmethod
    def _build(self, t: int, d: int) -> VariationalNetwork:
        """A new network for windows of `t` bars by `d` series, made of the settings and `_wanders` alone."""

    def _resamples(self) -> bool:
        """Whether new windows get the residuals of training windows instead of noise from the observation model."""
        return False

    # What all share.

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
        self._mixture = self._residuals = None
        self._wanders = wanders(x)
        self._watched = x[:: max(1, len(x) // WATCHED)][:WATCHED].copy()

        def tell(progress: Progress) -> None:
            self._step, self._epoch, self._losses = progress.step, progress.epoch, progress.losses
            if on_step is not None:
                on_step(progress)

        with training.threads(1):
            with training.seeded_weights(seed):
                self._network = self._build(*x.shape[1:]).to(training.device())
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
            self._learn_to_draw(x, seed)
        return self

    def _learn_to_draw(self, x: Array, seed: int) -> None:
        """Note where latents and residuals of new windows come from, given the trained network."""
        mu, logvar = self.encode(x)
        z = mu + np.exp(logvar / 2) * rng.stream(seed, "encoded").standard_normal(mu.shape)
        if self.config.latents == "mixture":
            self._mixture = Mixture.fit(z, self.config.mixture_components, seed)
        if self._resamples():
            network, kept = self.network, slice(None, None, -(-len(x) // MOST_RESIDUALS))
            (u,) = self._in_chunks(
                lambda part, point: (network.given(point).residuals(network.standardise(part)),), x[kept], z[kept]
            )
            self._residuals = Residuals.fit(u, z[kept], len(x), seed)

    def _training_step(self, x: torch.Tensor, moment: Moment) -> dict[str, torch.Tensor]:
        """One step down the negative bound, averaged over the windows of the batch."""
        import torch

        from synthfin_core.losses.divergence import kl_to_standard_normal
        from synthfin_core.training import normal

        assert self._trainee is not None
        network, config, adam = self.network, self.config, self._trainee.optimizers["adam"]
        y = network.standardise(x)
        mu, logvar = network.encoder(y)
        z = mu + torch.exp(logvar / 2) * normal(mu.shape, moment.noise)
        reconstruction = -network.given(z).log_density(y).mean()
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
        """Draw `n` represented windows: latents, then a window from the law that they give."""
        return self.sample_given(self._new_latents(n, seed), seed=seed)

    def _new_latents(self, n: int, seed: int) -> Array:
        """Latents `(n, k)` of new windows: from the mixture where there is one, or else from the prior."""
        if self._mixture is not None:
            return self._mixture.draw(n, seed)
        return rng.stream(seed, "latent").standard_normal((n, self.config.latent_dim))

    def encode(self, x: Array) -> tuple[Array, Array]:
        """Posterior mean and log-variance, both `(n, k)`, of represented windows `x (n, t, d)`."""
        network = self.network
        mu, logvar = self._in_chunks(lambda part: network.encoder(network.standardise(part)), x)
        return mu, logvar

    def decode(self, z: Array) -> Array:
        """Mean of the windows given `z (n, k)`, without observation noise."""
        network = self.network
        (x,) = self._in_chunks(lambda part: (network.restore(network.given(part).mean()),), z)
        return x

    def sample_given(self, z: Array, *, seed: int = 0) -> Array:
        """Windows drawn given `z (n, k)`; with one seed the noise stays while `z` moves within windows of a kind."""
        network = self.network
        u = self._noise(z, seed)
        (x,) = self._in_chunks(lambda part, noise: (network.restore(network.given(part).windows(noise)),), z, u)
        return x

    def _noise(self, z: Array, seed: int) -> Array:
        """Residuals `(n, t, d)` for `z (n, k)`: of training windows drawn again, or from the observation model."""
        if self._residuals is not None:
            return self._residuals.draw(z, seed)
        network = self.network
        return network.observation.noise(len(z), network.t, seed)

    def state(self) -> State:
        """Weights, the mixture of latents, residuals that are drawn again, and how active each latent dimension is."""
        from synthfin_core.training import weights

        network = self.network
        state: State = {f"network.{name}": value for name, value in weights(network).items()}
        state["length"], state["wanders"] = np.array(network.t), np.array(int(self._wanders))
        state["activity"], state["kl_per_dimension"] = self._activity, self._divergence
        if self._mixture is not None:
            state |= {f"mixture.{name}": value for name, value in self._mixture.state().items()}
        if self._residuals is not None:
            state |= {f"residuals.{name}": value for name, value in self._residuals.state().items()}
        return state

    @classmethod
    def load(cls, config: params.Config, state: Mapping[str, NDArray[Any]]) -> Self:
        """The generator that gave `state`."""
        from synthfin_core import training

        assert isinstance(config, VariationalConfig)
        model = cls(config)
        model._wanders = bool(state["wanders"])
        network = model._build(int(state["length"]), len(state["network.mean"])).to(training.device())
        training.load_weights(network, under(state, "network."))
        model._network = network
        model._activity, model._divergence = np.array(state["activity"]), np.array(state["kl_per_dimension"])
        if "mixture.shares" in state:
            model._mixture = Mixture.load(under(state, "mixture."))
        if "residuals.u" in state:
            model._residuals = Residuals.load(under(state, "residuals."))
        return model

    def checkpoint(self) -> State:
        """Weights, the optimizer's state and the steps done."""
        from synthfin_core.training import pack

        if self._trainee is None:
            raise TrainingError("This model was loaded, not trained here, so there is no training to go on with.")
        return pack(self._trainee, self._step)

    def diagnostics(self) -> Diagnostics:
        """Active latent units, divergence of each, degrees of freedom, and what looks wrong, in words."""
        network = self.network
        if self._watched is not None:
            self._watch(self._watched)
        active = int((self._activity > ACTIVE).sum())
        values: dict[str, float | list[float]] = {
            "active_units": active,
            "activity": self._activity.tolist(),
            "kl_per_dimension": self._divergence.tolist(),
            **network.observation.values(),
        }
        if self._losses and self._epoch <= self.config.kl_warmup + 1:
            return Diagnostics(values)  # the divergence is still warming up
        numbers = network.t * len(network.mean)
        return Diagnostics(values, worries(self.config, active, self._divergence, self._losses, numbers, self._widest))

    def _watch(self, x: Array) -> None:
        """Note how the latents and scales of windows `x (n, t, d)` look."""
        network = self.network
        mu, logvar = self.encode(x)
        self._activity = mu.var(axis=0)
        self._divergence = 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar).mean(axis=0)
        (log_s,) = self._in_chunks(lambda part: (network.given(part).log_s,), mu)
        self._widest = float(np.exp(log_s.max()))

    @property
    def network(self) -> VariationalNetwork:
        """The trained network, for those who look inside.

        Raises
        ------
        TrainingError
            If there is none yet.
        """
        if self._network is None:
            raise TrainingError("This model has not been trained yet, expected a trained one: call fit first.")
        return self._network

    def _in_chunks(self, function: Callable[..., tuple[torch.Tensor, ...]], *arrays: Array) -> tuple[Array, ...]:
        """`function` over rows, a fixed number at a time, without gradients and on one thread."""
        import torch

        from synthfin_core import training

        place = next(self.network.parameters()).device
        chunks = []
        with torch.inference_mode(), training.threads(1):
            for first in range(0, len(arrays[0]), CHUNK):
                parts = [torch.as_tensor(array[first : first + CHUNK], dtype=torch.float32) for array in arrays]
                chunks.append([result.cpu().double().numpy() for result in function(*(p.to(place) for p in parts))])
        return tuple(np.concatenate(pieces) for pieces in zip(*chunks, strict=True))


def wanders(x: Array) -> bool:
    """Whether every series of windows `x (n, t, d)` wanders as levels do, rather than jumping about as returns do.

    A series wanders when its steps spread less than its values, which is to say that the correlation of a value with
    the one before is above one half.
    """
    return x.shape[1] > 1 and bool((np.diff(x, axis=1).std(axis=(0, 1)) < x.std(axis=(0, 1))).all())
