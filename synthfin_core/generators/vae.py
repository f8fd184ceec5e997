"""Variational autoencoder for windows of several series, with a choice of networks and observation models.

What the family shares, the bound, the training and the latents, stands in `synthfin_core.generators.variational`; this
file chooses the networks (`synthfin_core.nn`) and the law of a window given its latents
(`synthfin_core.nn.observation`).

What earlier bars do to the scale of a bar is one rule for all windows (`synthfin_core.nn.feedback`), from which
clustering and leverage come without a cost in latents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from synthfin_core import params
from synthfin_core.generators.variational import Variational, VariationalConfig
from synthfin_core.params import param

if TYPE_CHECKING:
    from synthfin_core.nn.variational import VariationalNetwork


@dataclass(frozen=True)
class VAEConfig(VariationalConfig):
    """Settings of the variational autoencoder."""

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
    observation: str = param(
        "student-t",
        "Distribution of each step around its mean: student-t has heavy tails.",
        choices=("student-t", "gaussian"),
        advanced=True,
    )

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


class VAE(Variational):
    """Variational autoencoder with a recurrent encoder, a recurrent decoder and heavy-tailed steps."""

    Config: ClassVar[type[params.Config]] = VAEConfig
    title = "Variational autoencoder"
    short = "VAE"
    paper = "Kingma and Welling, Auto-encoding variational Bayes (2014), https://arxiv.org/abs/1312.6114"
    representation = "standard"

    config: VAEConfig

    def _build(self, t: int, d: int) -> VariationalNetwork:
        from synthfin_core.nn.observation import Stepwise
        from synthfin_core.nn.recurrent import RecurrentDecoder, RecurrentEncoder
        from synthfin_core.nn.variational import VariationalNetwork

        config = self.config
        k, shape = config.latent_dim, (config.cell, config.hidden_size, config.stride)
        encoder = RecurrentEncoder(d, k, *shape)
        numbers = d + d + d * (d - 1) // 2
        decoder = RecurrentDecoder(t, numbers, k, *shape)
        return VariationalNetwork(t, d, encoder, decoder, Stepwise(d, k, config.observation == "student-t"))
