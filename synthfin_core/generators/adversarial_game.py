"""One move of the game of generator and judge, and the running average of the generator that follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthfin_core.generators.adversarial_settings import AdversarialConfig

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from synthfin_core.nn.gan import NoiseDriven
    from synthfin_core.training import Moment


class Game:
    """A generator and a judge, their optimizers, and the average of the generator's weights.

    Parameters
    ----------
    generator, averaged : NoiseDriven
    judge : nn.Module
    settings : AdversarialConfig
    data : Tensor
        Training windows `(n, t, d)`, for the judge's further steps.

    Attributes
    ----------
    modules : dict of str to nn.Module
        ``"generator"``, ``"judge"`` and ``"averaged"``.
    optimizers : dict of str to Optimizer
        ``"generator"`` and ``"judge"``.
    """

    def __init__(
        self, generator: NoiseDriven, judge: nn.Module, averaged: NoiseDriven, settings: AdversarialConfig, data: Tensor
    ) -> None:
        self.modules: dict[str, nn.Module] = {"generator": generator, "judge": judge, "averaged": averaged}
        self.optimizers: dict[str, Optimizer] = {"generator": _adam(generator), "judge": _adam(judge)}
        self.noise_shape, self.settings, self.data = generator.noise_shape, settings, data

    def play(self, batch: Tensor, moment: Moment) -> dict[str, Tensor]:
        """The judge's steps, then one of the generator against the last of the windows that were judged."""
        from synthfin_core.losses import adversarial
        from synthfin_core.training import normal

        settings = self.settings
        generator, judge = self.modules["generator"], self.modules["judge"]
        left = min(1.0, 2 - 2 * moment.step / moment.steps)
        self.optimizers["generator"].param_groups[0]["lr"] = settings.generator_rate * left
        self.optimizers["judge"].param_groups[0]["lr"] = settings.critic_rate * left
        for turn in range(settings.critic_steps):
            real = batch if turn == 0 else self._redrawn(len(batch), moment)
            fake = generator(normal((len(real), *self.noise_shape), moment.noise))
            loss, losses = adversarial.judge_loss(
                settings.loss, judge, real, fake.detach(), settings.gradient_penalty, moment.noise
            )
            _descend(self.optimizers["judge"], loss)
        judge.requires_grad_(False)  # only the generator learns from this one
        losses["generator"] = adversarial.generator_loss(settings.loss, judge, real, fake)
        _descend(self.optimizers["generator"], losses["generator"])
        judge.requires_grad_(True)
        follow(self.modules["averaged"], generator, min(settings.averaging, (1 + moment.step) / (10 + moment.step)))
        return {name: value.detach() for name, value in losses.items()}

    def _redrawn(self, n: int, moment: Moment) -> Tensor:
        """Another batch of real windows for one more step of the judge."""
        import torch

        return self.data[torch.randint(len(self.data), (n,), generator=moment.noise, device=self.data.device)]


def _adam(module: nn.Module) -> Optimizer:
    """The optimizer of one of the networks; its rate is set at each step."""
    import torch

    return torch.optim.Adam(module.parameters(), betas=(0.5, 0.9), fused=True)


def _descend(optimizer: Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def follow(averaged: nn.Module, module: nn.Module, decay: float) -> None:
    """Move the averaged weights a share `1 - decay` of the way to the module's."""
    import torch

    with torch.no_grad():
        for old, new in zip(averaged.parameters(), module.parameters(), strict=True):
            old.lerp_(new, 1 - decay)
