"""Settings of every generative adversarial network: the game, how fast it is played, and whose weights draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from synthfin_core import params
from synthfin_core.params import param


def game(recommended: str) -> Any:
    """The setting that says what the two networks play for."""
    return param(
        recommended,
        "What the two networks play for: telling real from generated (BCE), by how much (relativistic), or the "
        "Wasserstein distance between them.",
        choices=("bce", "relativistic", "wasserstein"),
    )


@dataclass(frozen=True)
class AdversarialConfig(params.Config):
    """Settings of every generative adversarial network."""

    loss: str = game("bce")
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
    epochs: int = param(60, "Passes over the training windows.", ge=1, le=10_000, unit="epochs")
    epoch_windows: int = param(
        4096,
        "Most windows in one epoch; of more, each epoch takes as many at random: a game needs steps, not passes.",
        label="Windows an epoch",
        ge=2,
        le=1_000_000,
        unit="windows",
        advanced=True,
    )
    batch_size: int = param(64, "Windows in each step.", ge=2, le=4096, unit="windows")
    averaging: float = param(
        0.999,
        "How slowly the averaged weights that draw the samples follow, over a ninth of the steps so far at most; zero "
        "takes the last weights.",
        ge=0.0,
        le=0.99999,
        advanced=True,
    )
    critic_hidden_size: int = param(32, "Width of the judging network.", label="Judge's hidden size", ge=4, le=512)
