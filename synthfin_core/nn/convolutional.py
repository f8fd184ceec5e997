"""Convolutional encoders and decoders: the same small pattern is looked for, or drawn, everywhere in a window."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from synthfin_core.nn.recurrent import values_and_sizes

# Letters of the shapes: b windows, t steps, d series, k latent dimensions.


def convolutions(hidden: int) -> nn.Sequential:
    """Two layers over neighbouring steps, `(b, hidden, steps)` to the same shape."""
    return nn.Sequential(
        nn.Conv1d(hidden, hidden, 3, padding=1), nn.SiLU(), nn.Conv1d(hidden, hidden, 3, padding=1), nn.SiLU()
    )


class ConvolutionalEncoder(nn.Module):
    """Joins `stride` bars to a step, convolves the steps, and answers from all of them."""

    def __init__(self, t: int, d: int, latent_dim: int, hidden: int, stride: int) -> None:
        super().__init__()
        steps = -(-t // stride)
        self.missing = steps * stride - t
        self.join = nn.Conv1d(2 * d, hidden, stride, stride=stride)
        self.layers = convolutions(hidden)
        self.head = nn.Linear(hidden * steps, 2 * latent_dim)

    def forward(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Take standardised windows `y (b, t, d)`; give `mu, logvar (b, k)`."""
        seen = nn.functional.pad(values_and_sizes(y).transpose(1, 2), (0, self.missing))
        steps = self.layers(nn.functional.silu(self.join(seen)))
        mu, logvar = self.head(steps.flatten(1)).chunk(2, dim=-1)
        return mu, logvar.clamp(-12, 6)


class ConvolutionalDecoder(nn.Module):
    """Spreads `z` over steps, convolves them, and parts each step into `stride` bars."""

    def __init__(self, t: int, numbers: int, latent_dim: int, hidden: int, stride: int) -> None:
        super().__init__()
        self.t = t
        self.shape = (hidden, -(-t // stride))
        self.spread = nn.Linear(latent_dim, self.shape[0] * self.shape[1])
        self.layers = convolutions(hidden)
        self.part = nn.ConvTranspose1d(hidden, hidden, stride, stride=stride)
        self.head = nn.Conv1d(hidden, numbers, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        """Take `z (b, k)`; give `bars (b, t, numbers)`."""
        steps = self.layers(nn.functional.silu(self.spread(z)).unflatten(1, self.shape))
        bars: Tensor = self.head(nn.functional.silu(self.part(steps)))
        return bars[:, :, : self.t].transpose(1, 2)

    @torch.no_grad()
    def start_at(self, bar: Tensor) -> None:
        """Say nearly `bar (numbers,)` of every bar."""
        assert self.head.bias is not None
        self.head.weight.mul_(0.1)
        self.head.bias.copy_(bar)
