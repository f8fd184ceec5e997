"""Variational autoencoder for windows of several series, with a choice of networks and observation models.

What the family shares, the bound, the training and the latents, stands in `synthfin_core.generators.variational`; this
file chooses the networks that read and write windows (`synthfin_core.nn.vae`) and the law of a window given its latents
(`synthfin_core.nn.observation`).

Two kinds of data want two laws. Returns hardly remember their direction and are wild by turns: each bar gets a heavy
tail and a scale that answers to the bars before. Levels, and the logarithms of volumes, are smooth paths that 16
numbers describe well, and what these leave over is small but has a pattern of its own, which no noise drawn bar by bar
has: whole windows of it are drawn again from the training windows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from synthfin_core import params
from synthfin_core.errors import SettingError
from synthfin_core.generators.base import Array
from synthfin_core.generators.variational import Variational, VariationalConfig, wanders
from synthfin_core.generators.variational_health import resampling_advice
from synthfin_core.params import param

if TYPE_CHECKING:
    from synthfin_core.nn.variational import VariationalNetwork

NETWORKS = ("dense", "lstm", "gru", "convolutional")


@dataclass(frozen=True)
class VAEConfig(VariationalConfig):
    """Settings of the variational autoencoder."""

    latent_dim: int = param(32, "How many numbers describe a window.", label="Latent dimensions", ge=1, le=128)
    encoder: str = param(
        "dense",
        "Network that reads a window: dense sees it all at once, lstm and gru go along it, convolutional looks for the "
        "same patterns everywhere.",
        choices=NETWORKS,
    )
    decoder: str = param("dense", "Network that writes a window.", choices=NETWORKS)
    hidden_size: int = param(128, "Units, or channels, in each layer of both networks.", ge=2, le=1024)
    observation: str = param(
        "automatic",
        "How a window varies around what its latents say: heavy-tailed or normal bars, normal with a covariance over "
        "the whole window, or residuals of training windows drawn again; automatic takes these residuals when every "
        "series wanders and student-t otherwise.",
        label="Observation model",
        choices=("automatic", "student-t", "gaussian", "full covariance", "resampled residuals"),
    )
    rank: int = param(
        16,
        "Directions in which bars and series move together, under full covariance.",
        label="Rank of the covariance",
        ge=1,
        le=256,
        advanced=True,
    )
    stride: int = param(
        5,
        "Bars that networks other than dense take in one step: five are a week, and cost a fifth of the time.",
        label="Bars a step",
        ge=1,
        le=250,
        unit="bars",
        advanced=True,
    )

    @classmethod
    def tiny(cls) -> Self:
        """Settings that fit in about a second, for tests."""
        return cls(latent_dim=2, hidden_size=8, epochs=2, batch_size=32, kl_warmup=1, mixture_components=2)

    @classmethod
    def presets(cls) -> dict[str, Self]:
        """The recommended settings, those of the notebook that this product grew out of, and the chapter's VRAE.

        The variational recurrent autoencoder is Fabius and van Amersfoort's (2015), https://arxiv.org/abs/1412.6581.
        """
        lab = cls(
            beta=0.1,
            latent_dim=32,
            encoder="lstm",
            decoder="lstm",
            hidden_size=64,
            epochs=50,
            batch_size=32,
            learning_rate=1e-3,
            kl_warmup=0,
            free_bits=0.0,
            observation="gaussian",
            latents="prior",
        )
        vrae = cls(
            latent_dim=8,
            encoder="gru",
            decoder="gru",
            hidden_size=64,
            stride=1,
            kl_warmup=0,
            free_bits=0.0,
            observation="gaussian",
            latents="prior",
        )
        return {"recommended": cls(), "the lab's": lab, "VRAE": vrae}


class VAE(Variational):
    """Variational autoencoder with a chosen encoder, decoder and observation model."""

    Config: ClassVar[type[params.Config]] = VAEConfig
    title = "Variational autoencoder"
    short = "VAE"
    paper = "Kingma and Welling, Auto-encoding variational Bayes (2014), https://arxiv.org/abs/1312.6114"
    representation = "standard"

    config: VAEConfig

    @classmethod
    def check(cls, config: params.Config, n: int, t: int, d: int) -> None:
        """Refuse a covariance of a rank that a window has no room for."""
        assert isinstance(config, VAEConfig)
        if config.observation == "full covariance" and config.rank >= t * d:
            raise SettingError(
                f"The rank of the covariance is {config.rank}, expected less than the {t * d} numbers of a window "
                f"({t} bars by {d} series): lower it."
            )

    @classmethod
    def advise(cls, config: params.Config, x: Array) -> list[str]:
        """Warn of residuals drawn again where windows do not wander; see `Generator.advise`."""
        assert isinstance(config, VAEConfig)
        return resampling_advice(config.observation, wanders(x))

    @property
    def observation(self) -> str:
        """The observation model in use, which is never ``"automatic"``."""
        if self.config.observation != "automatic":
            return self.config.observation
        return "resampled residuals" if self._wanders else "student-t"

    def _build(self, t: int, d: int) -> VariationalNetwork:
        from synthfin_core.nn import vae
        from synthfin_core.nn.variational import VariationalNetwork

        config, k = self.config, self.config.latent_dim
        law = vae.observation(self.observation, t, d, k, config.rank)
        encoder = vae.encoder(config.encoder, t, d, k, config.hidden_size, config.stride)
        decoder = vae.decoder(config.decoder, t, law.numbers, k, config.hidden_size, config.stride)
        return VariationalNetwork(t, d, encoder, decoder, law)

    def _resamples(self) -> bool:
        return self.observation == "resampled residuals"
