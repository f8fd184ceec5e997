"""What the networks of every variational autoencoder have in common: an encoder, a decoder and a law of windows."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from synthfin_core.nn.observation import Observation, WindowLaw

# Letters of the shapes: b windows, t steps, d series, k latent dimensions.


class Encoder(Protocol):
    r"""Gives :math:`q(z | x) = N(\mu, \operatorname{diag} e^{\text{logvar}})`; a `nn.Module`."""

    def __call__(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Take standardised windows `y (b, t, d)`; give `mu, logvar (b, k)`."""


class Decoder(Protocol):
    """Says of every bar what the observation model wants to know; a `nn.Module`."""

    def __call__(self, z: Tensor) -> Tensor:
        """Take `z (b, k)`; give `bars (b, t, numbers)`."""

    def start_at(self, bar: Tensor) -> None:
        """Say nearly `bar (numbers,)` of every bar, whatever `z`, until trained."""


class VariationalNetwork(nn.Module):
    """Encoder, decoder, observation model, and the constants that standardise the data.

    Windows come in and go out in the units of the representation; inside, each series has mean zero and standard
    deviation one, so that the settings mean the same whatever the units.

    Parameters
    ----------
    t, d : int
        Bars and series of a window.
    encoder, decoder : nn.Module
        See the protocols above.
    observation : Observation
    """

    mean: Tensor
    deviation: Tensor
    encoder: Encoder
    decoder: Decoder
    observation: Observation

    def __init__(self, t: int, d: int, encoder: nn.Module, decoder: nn.Module, observation: Observation) -> None:
        super().__init__()
        self.t = t
        self.add_module("encoder", encoder)
        self.add_module("decoder", decoder)
        self.observation = observation
        self.register_buffer("mean", torch.zeros(d))
        self.register_buffer("deviation", torch.ones(d))

    def standardise(self, x: Tensor) -> Tensor:
        """Windows `x (b, t, d)` of the representation in the units of the networks."""
        return (x - self.mean) / self.deviation

    def restore(self, y: Tensor) -> Tensor:
        """`standardise` undone."""
        return y * self.deviation + self.mean

    def given(self, z: Tensor) -> WindowLaw:
        """The law of standardised windows for each of the latents `z (b, k)`."""
        law: WindowLaw = self.observation(self.decoder(z), z)
        return law

    @torch.no_grad()
    def start_from(self, x: Tensor) -> None:
        """Take the data's units from windows `x (n, t, d)`, and start near the best model without latents."""
        flat = x.flatten(0, 1)
        self.mean.copy_(flat.mean(0))
        self.deviation.copy_(flat.std(0))
        self.decoder.start_at(self.observation.start_from(self.standardise(x)))
