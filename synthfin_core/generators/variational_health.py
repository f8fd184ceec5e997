"""What looks wrong with a variational autoencoder, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from synthfin_core.generators.base import Array

ACTIVE = (
    0.01  # a latent dimension whose posterior mean varies more over the windows tells of them (Burda and others, 2016)
)
BEYOND_FREE = 1.5  # times the free bits: the divergence of a latent dimension that says nothing else hovers about those
WIDE = 30.0  # times the data's standard deviation: no honest scale is so large


class Charges(Protocol):
    """The settings that decide what a latent dimension pays."""

    @property
    def beta(self) -> float:
        """Weight of the divergence."""

    @property
    def free_bits(self) -> float:
        """Divergence that costs nothing, in nats."""


def worries(
    config: Charges, active: int, divergence: Array, losses: Mapping[str, float], numbers: int, widest: float
) -> list[str]:
    """What looks wrong, each a sentence that says what to try.

    Parameters
    ----------
    config : Charges
    active : int
        Latent dimensions that tell windows apart.
    divergence : ndarray (k,)
        Of each latent dimension, in nats a window.
    losses : dict of str to float
        What the last step reported; empty for a model that was loaded.
    numbers : int
        Values in a window.
    widest : float
        Largest scale that the decoder gives, in standard deviations of the data.
    """
    found = []
    # What free bits pay for is no sign of life.
    paid_for = (divergence > BEYOND_FREE * config.free_bits).any()
    if active <= min(1, len(divergence) - 1) or not paid_for:
        found.append(
            f"Posterior collapse: {active if paid_for else 0} of {len(divergence)} latent dimensions tell windows "
            "apart, so latent sliders hardly move a path; lower beta or lengthen the KL warm-up."
        )
    charged = config.beta * losses.get("kl", 0.0)
    if charged > max(abs(losses.get("reconstruction", 0.0)), numbers / 2):
        found.append(
            f"The divergence ({charged:.0f} nats a window) outweighs the reconstruction; lower beta or use fewer "
            "latent dimensions."
        )
    if widest > WIDE:
        found.append(
            f"The decoder gives some steps a scale {widest:.0f} times that of the data; lower the learning rate or "
            "look for outliers in the data."
        )
    return found


def resampling_advice(observation: str, wanders: bool) -> list[str]:
    """What comes of residuals that are drawn again for windows that do not wander; empty where all is well.

    Latents describe little of such a window, so that its residual is most of it.
    """
    if observation != "resampled residuals" or wanders:
        return []
    return [
        "The observation model is resampled residuals, but not every series wanders as price levels do, so that many "
        "new windows would be near copies of training windows: choose automatic or student-t instead."
    ]
