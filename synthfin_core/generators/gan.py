"""Generative adversarial network: a recurrent generator against a judge of whole windows.

Two losses. With ``"bce"`` the judge is a discriminator that gives the probability of being real (Goodfellow et al.,
"Generative Adversarial Nets", 2014, https://arxiv.org/abs/1406.2661):

    min_G max_D  E[log D(x)] + E[log(1 - D(G(z)))] - gamma / 2 E[|grad D(x)|^2]

and the generator climbs log D(G(z)). The last term keeps the judge smooth at the real windows, which makes the game
settle (Mescheder et al., "Which Training Methods for GANs do actually Converge?", 2018,
https://arxiv.org/abs/1801.04406). With ``"wasserstein"`` it is a critic whose slope is held near one (Gulrajani et al.,
"Improved Training of Wasserstein GANs", 2017, https://arxiv.org/abs/1704.00028):

    min_G max_D  E[D(x)] - E[D(G(z))] - lambda E[(|grad D(x^)| - 1)^2]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from synthfin_core import params
from synthfin_core.generators.adversarial import Adversarial
from synthfin_core.generators.adversarial_settings import AdversarialConfig
from synthfin_core.params import param

if TYPE_CHECKING:
    from torch import Tensor, nn

    from synthfin_core.nn.gan import RecurrentGenerator


@dataclass(frozen=True)
class GANConfig(AdversarialConfig):
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
    epochs: int = param(40, "Passes over the training windows.", ge=1, le=10_000, unit="epochs")

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


class GAN(Adversarial):
    """Recurrent generator with noise at every step, trained against a judge of whole windows."""

    Config: ClassVar[type[params.Config]] = GANConfig
    title: ClassVar[str] = "Generative adversarial network"
    short: ClassVar[str] = "GAN"
    paper: ClassVar[str] = (
        "Goodfellow et al., Generative Adversarial Nets, 2014, https://arxiv.org/abs/1406.2661; "
        "Mescheder, Geiger, Nowozin, Which Training Methods for GANs do actually Converge?, 2018, "
        "https://arxiv.org/abs/1801.04406"
    )

    config: GANConfig

    def _generator(self) -> RecurrentGenerator:
        from synthfin_core.nn.gan import RecurrentGenerator

        settings, (_, keeps) = self.config, self._moving()
        return RecurrentGenerator(keeps, self._shape[0], settings.noise_dim, settings.hidden_size, settings.cell)

    def _judge(self, data: Tensor) -> nn.Module:
        from synthfin_core.nn.judges import PathJudge

        settings = self.config
        cell = settings.cell if settings.critic == "recurrent" else ""
        return PathJudge(data, *self._moving(), settings.critic_hidden_size, cell=cell)
