"""Recurrent encoders and decoders: windows to latents and back, several bars at a time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# Letters of the shapes: b windows, t steps, d series, k latent dimensions.


def recurrent(cell: str, inputs: int, hidden: int) -> nn.LSTM | nn.GRU:
    """One layer of `cell`, ``"lstm"`` or ``"gru"``, on `(b, t, inputs)`."""
    kind = nn.LSTM if cell == "lstm" else nn.GRU
    return kind(inputs, hidden, batch_first=True)


def values_and_sizes(y: Tensor) -> Tensor:
    """Standardised windows `y (b, t, d)` and the logarithms of their sizes, `(b, t, 2 d)`.

    In returns nearly all the information is in the size.
    """
    return torch.cat([y, torch.log(y.abs() + 0.05)], dim=-1)


class RecurrentEncoder(nn.Module):
    """Reads `stride` bars at a time, and answers from the average of its states."""

    def __init__(self, d: int, latent_dim: int, cell: str, hidden: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.layer = recurrent(cell, 2 * d * stride, hidden)
        self.head = nn.Linear(hidden, 2 * latent_dim)

    def forward(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Take standardised windows `y (b, t, d)`; give `mu, logvar (b, k)`."""
        seen = values_and_sizes(y)
        missing = -y.shape[1] % self.stride
        if missing:
            seen = nn.functional.pad(seen, (0, 0, 0, missing))
        hidden, _ = self.layer(seen.reshape(len(y), -1, self.layer.input_size))
        mu, logvar = self.head(hidden.mean(dim=1)).chunk(2, dim=-1)
        return mu, logvar.clamp(-12, 6)


class RecurrentDecoder(nn.Module):
    """Unrolls `z` over the window, `stride` bars at a time."""

    def __init__(self, t: int, numbers: int, latent_dim: int, cell: str, hidden: int, stride: int) -> None:
        super().__init__()
        self.t, self.stride = t, stride
        self.layer = recurrent(cell, latent_dim, hidden)
        self.head = nn.Linear(hidden, stride * numbers)

    def forward(self, z: Tensor) -> Tensor:
        """Take `z (b, k)`; give `bars (b, t, numbers)`."""
        strides = -(-self.t // self.stride)
        hidden, _ = self.layer(z.unsqueeze(1).expand(-1, strides, -1))
        bars: Tensor = self.head(hidden).view(len(z), strides * self.stride, -1)
        return bars[:, : self.t]

    @torch.no_grad()
    def start_at(self, bar: Tensor) -> None:
        """Say nearly `bar (numbers,)` of every bar."""
        self.head.weight.mul_(0.1)
        self.head.bias.copy_(bar.repeat(self.stride))
