"""Dense encoders and decoders, which see a window all at once: the right ones for short windows of levels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from synthfin_core.nn.recurrent import values_and_sizes

# Letters of the shapes: b windows, t steps, d series, k latent dimensions.


class DenseEncoder(nn.Module):
    """Two hidden layers on all values of the window and their sizes."""

    def __init__(self, t: int, d: int, latent_dim: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2 * t * d, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(),
            nn.Linear(hidden, 2 * latent_dim),
        )  # fmt: skip

    def forward(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Take standardised windows `y (b, t, d)`; give `mu, logvar (b, k)`."""
        mu, logvar = self.layers(values_and_sizes(y).flatten(1)).chunk(2, dim=-1)
        return mu, logvar.clamp(-12, 6)


class DenseDecoder(nn.Module):
    """Two hidden layers from `z` to all bars of the window."""

    def __init__(self, t: int, numbers: int, latent_dim: int, hidden: int) -> None:
        super().__init__()
        self.t = t
        self.layers = nn.Sequential(nn.Linear(latent_dim, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.head = nn.Linear(hidden, t * numbers)

    def forward(self, z: Tensor) -> Tensor:
        """Take `z (b, k)`; give `bars (b, t, numbers)`."""
        bars: Tensor = self.head(self.layers(z))
        return bars.view(len(z), self.t, -1)

    @torch.no_grad()
    def start_at(self, bar: Tensor) -> None:
        """Say nearly `bar (numbers,)` of every bar."""
        self.head.weight.mul_(0.1)
        self.head.bias.copy_(bar.repeat(self.t))
