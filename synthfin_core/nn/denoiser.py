"""What the networks of a diffusion have in common, and the dense one.

A network takes noisy vectors, the clock (how much of the data is left) and the conditions, and gives a vector of the
same size. Its last layer starts at zero, so that before training it changes nothing.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

FREQUENCIES = 16
FEATURES = 64  # f, of clock and condition together
LONGEST = 100.0  # times that the fastest wave of the clock is quicker than the slowest
CLOCK_SCALE = 4.0  # brings the logarithm of alpha / sigma to about -2 to 2

# Letters of the shapes: b windows, k coordinates, s numbers of the condition, h hidden units.


class Clock(nn.Module):
    """How noisy a vector is and what is known of its window, as features `(b, f)`."""

    frequencies: Tensor

    def __init__(self, conditions: int) -> None:
        super().__init__()
        waves = torch.exp(torch.linspace(0.0, math.log(LONGEST), FREQUENCIES))
        self.register_buffer("frequencies", waves, persistent=False)
        self.net = nn.Sequential(
            nn.Linear(2 * FREQUENCIES + conditions, FEATURES), nn.SiLU(), nn.Linear(FEATURES, FEATURES), nn.SiLU()
        )

    def forward(self, clock: Tensor, condition: Tensor) -> Tensor:
        """Take `clock (b,)`, the logarithm of alpha / sigma, and `condition (b, s)`."""
        angle = (clock / CLOCK_SCALE).clamp(-2.5, 2.5)[:, None] * self.frequencies
        features: Tensor = self.net(torch.cat([angle.sin(), angle.cos(), condition], dim=1))
        return features


class DenseBlock(nn.Module):
    """A step of the dense network, bent by the clock's features: zero at the start."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(hidden, elementwise_affine=False)
        self.bend = nn.Linear(FEATURES, 2 * hidden)
        self.inner, self.outer = nn.Linear(hidden, 2 * hidden), nn.Linear(2 * hidden, hidden)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        """Take `x (b, h)` and `features (b, f)`; give `(b, h)`."""
        factor, shift = self.bend(features).chunk(2, dim=1)
        y = nn.functional.silu(self.inner(self.norm(x) * (1 + factor) + shift))
        stepped: Tensor = x + self.outer(y)
        return stepped


class DenseDenoiser(nn.Module):
    """Residual network that sees all coordinates of a window at once.

    Parameters
    ----------
    k : int
        Coordinates of a window.
    conditions : int
        Numbers of the condition.
    hidden, depth : int
        Units of a layer, and blocks.
    """

    def __init__(self, k: int, conditions: int, hidden: int, depth: int) -> None:
        super().__init__()
        self.clock = Clock(conditions)
        self.first = nn.Linear(k, hidden)
        self.blocks = nn.ModuleList(DenseBlock(hidden) for _ in range(depth))
        self.norm, self.last = nn.LayerNorm(hidden), nn.Linear(hidden, k)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor, clock: Tensor, condition: Tensor) -> Tensor:
        """Take `x (b, k)`, `clock (b,)` and `condition (b, s)`; give `(b, k)`."""
        features = self.clock(clock, condition)
        y = self.first(x)
        for block in self.blocks:
            y = block(y, features)
        answer: Tensor = self.last(self.norm(y))
        return answer
