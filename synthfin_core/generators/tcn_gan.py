r"""Temporal convolutional GAN: causal dilated convolutions over noise, against a judge of whole windows.

The generator is the stochastic volatility network of Wiese, Knobloch, Korn and Kretschmer, "Quant GANs: Deep
Generation of Financial Time Series" (2020, https://arxiv.org/abs/1907.06673): drift, volatility and innovation at every
step, the first two by a temporal convolutional network over past noise. What makes it work in minutes on a CPU is
what surrounds it: series bent to a bell curve and levels along their own axes (`gan_axes`), a judge that sees values,
sizes and levels, and a game that settles. Recommended is the relativistic one with both penalties (Huang et al., "The
GAN is dead; long live the GAN!", 2024, https://arxiv.org/abs/2501.05441),

    min_G max_D  E[log s(D(x) - D(G(z)))] - gamma / 2 (E[|grad D(x)|^2] + E[|grad D(G(z))|^2])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from synthfin_core import params
from synthfin_core.errors import SettingError
from synthfin_core.generators.adversarial import Adversarial
from synthfin_core.generators.adversarial_settings import AdversarialConfig, game
from synthfin_core.generators.emphasis import Spread
from synthfin_core.generators.gan_axes import AxesScale
from synthfin_core.generators.gan_scale import Scale
from synthfin_core.params import param

if TYPE_CHECKING:
    from torch import Tensor, nn

    from synthfin_core.nn.tcn import TemporalGenerator


@dataclass(frozen=True)
class TCNGANConfig(AdversarialConfig):
    """Settings of the temporal convolutional GAN."""

    noise_dim: int = param(
        4, "Random numbers fed in at each step, beside one for every series.", label="Noise dimensions", ge=1, le=256
    )
    hidden_size: int = param(32, "Width of the generator's convolutions.", ge=4, le=512)
    kernel_size: int = param(
        3, "Steps that each convolution looks at; the next one's are so many times as far apart.", ge=2, le=8
    )
    layers: int = param(
        0, "Causal convolutions on top of each other; 0 takes as many as it takes to see the whole window.", ge=0, le=12
    )
    loss: str = game("relativistic")
    spectral_norm: bool = param(
        False, "Holds the largest singular value of each of the judge's layers at one.", advanced=True
    )

    @classmethod
    def presets(cls) -> dict[str, Self]:
        """What is recommended, the sizes of the paper, and the Wasserstein game."""
        paper = cls(
            noise_dim=3,
            hidden_size=80,
            kernel_size=2,
            critic_hidden_size=80,
            loss="bce",
            gradient_penalty=0.0,
            generator_rate=1e-4,
            critic_rate=3e-4,
            averaging=0.0,
        )
        return {"recommended": cls(), "Quant GANs": paper, "Wasserstein": cls(loss="wasserstein", critic_steps=2)}

    @classmethod
    def tiny(cls) -> Self:
        """Settings that fit in about a second, for tests."""
        return cls(noise_dim=2, hidden_size=8, critic_hidden_size=8, epochs=2, batch_size=16)


class TCNGAN(Adversarial):
    """Causal convolutions with noise at every step, trained against a judge of whole windows."""

    Config: ClassVar[type[params.Config]] = TCNGANConfig
    title: ClassVar[str] = "Temporal convolutional GAN"
    short: ClassVar[str] = "TCN GAN"
    paper: ClassVar[str] = (
        "Wiese, Knobloch, Korn, Kretschmer, Quant GANs: Deep Generation of Financial Time Series, 2020, "
        "https://arxiv.org/abs/1907.06673; Huang, Gokaslan, Kuleshov, Tompkin, The GAN is dead; long live the GAN!, "
        "2024, https://arxiv.org/abs/2501.05441"
    )
    scale_type: ClassVar[type[Scale]] = AxesScale

    config: TCNGANConfig

    @classmethod
    def check(cls, config: params.Config, n: int, t: int, d: int) -> None:
        """Refuse convolutions that do not see the whole window; see the base class."""
        assert isinstance(config, TCNGANConfig)
        needed = layers_for(t, config.kernel_size)
        if config.layers and config.layers < needed:
            raise SettingError(
                f"With layers {config.layers} and kernel size {config.kernel_size} the convolutions see "
                f"{config.kernel_size**config.layers} steps, but the windows have {t}: choose {needed} layers, or 0 to "
                "have them counted."
            )

    def _spread(self) -> Spread | None:
        assert isinstance(self._scale, AxesScale)
        return self._scale.spreads if self._scale.moves.keeps.any() else None

    def _generator(self) -> TemporalGenerator:
        from synthfin_core.nn.tcn import TemporalGenerator

        settings, t = self.config, self._shape[0]
        layers = settings.layers or layers_for(t, settings.kernel_size)
        sizes = settings.noise_dim, settings.hidden_size, settings.kernel_size, layers
        return TemporalGenerator(*self._moving(), t, *sizes)

    def _judge(self, data: Tensor) -> nn.Module:
        from synthfin_core.nn.judges import PathJudge

        hidden, spectral = self.config.critic_hidden_size, self.config.spectral_norm
        return PathJudge(data, *self._moving(), hidden, lags=True, spectral=spectral)


def layers_for(t: int, kernel: int) -> int:
    """Fewest causal convolutions with dilations 1, k, k**2, ... that together see `t` steps."""
    layers = 1
    while kernel**layers < t:
        layers += 1
    return layers
