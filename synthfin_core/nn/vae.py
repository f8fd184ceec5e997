"""The parts of the VAE's network by the names that its settings give them."""

from __future__ import annotations

from torch import nn

from synthfin_core.nn.convolutional import ConvolutionalDecoder, ConvolutionalEncoder
from synthfin_core.nn.dense import DenseDecoder, DenseEncoder
from synthfin_core.nn.observation import Observation, Stepwise
from synthfin_core.nn.recurrent import RecurrentDecoder, RecurrentEncoder
from synthfin_core.nn.whole_window import WholeWindow


def encoder(kind: str, t: int, d: int, latent_dim: int, hidden: int, stride: int) -> nn.Module:
    """The network that reads windows `(b, t, d)`: ``"lstm"``, ``"gru"``, ``"dense"`` or ``"convolutional"``."""
    if kind == "dense":
        return DenseEncoder(t, d, latent_dim, hidden)
    if kind == "convolutional":
        return ConvolutionalEncoder(t, d, latent_dim, hidden, stride)
    return RecurrentEncoder(d, latent_dim, kind, hidden, stride)


def decoder(kind: str, t: int, numbers: int, latent_dim: int, hidden: int, stride: int) -> nn.Module:
    """The network that says `numbers` of each of `t` bars; `kind` as in `encoder`."""
    if kind == "dense":
        return DenseDecoder(t, numbers, latent_dim, hidden)
    if kind == "convolutional":
        return ConvolutionalDecoder(t, numbers, latent_dim, hidden, stride)
    return RecurrentDecoder(t, numbers, latent_dim, kind, hidden, stride)


def observation(kind: str, t: int, d: int, latent_dim: int, rank: int) -> Observation:
    """The law of windows given latents.

    ``"student-t"`` and ``"gaussian"`` go bar by bar; ``"full covariance"`` takes the window at once, with `rank`
    directions; under ``"resampled residuals"`` the bars are independent while the network learns.
    """
    if kind == "full covariance":
        return WholeWindow(t, d, rank)
    if kind == "resampled residuals":
        return WholeWindow(t, d, 0)
    return Stepwise(d, latent_dim, heavy=kind == "student-t")
