"""Generators of generative adversarial networks: what they have in common, and a recurrent one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

LOG_SCALE_LIMIT = 4.0  #: the scale of a step stays within exp(-4) and exp(4) of the series' own


def recurrent(cell: str, inputs: int, hidden: int) -> nn.GRU | nn.LSTM:
    """A recurrent layer over `(n, t, inputs)`, batch first."""
    return (nn.LSTM if cell == "lstm" else nn.GRU)(inputs, hidden, batch_first=True)


class NoiseDriven(nn.Module):
    r"""A generator that gives every step a location, a log-scale and a shock: :math:`x = m + e^s \odot` shock.

    Parameters
    ----------
    keeps : Tensor of bool (d,)
        Series that are deviations from a level; the `w` levels come after them, see `settled`.

    Attributes
    ----------
    noise_shape : tuple of int
        Rows and columns of the noise that makes one window.
    """

    noise_shape: tuple[int, int]
    keeps: Tensor

    def __init__(self, keeps: Tensor) -> None:
        super().__init__()
        self.register_buffer("keeps", keeps, persistent=False)

    def parts(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Location, log-scale and shock of every step, each `(n, t, d + w)`, from noise `z (n, *noise_shape)`."""
        raise NotImplementedError

    def forward(self, z: Tensor) -> Tensor:
        """Windows `x (n, t, d + w)` from noise `z (n, *noise_shape)`."""
        m, s, shock = self.parts(z)
        return settled(m + s.exp() * shock, self.keeps)


class RecurrentGenerator(NoiseDriven):
    r"""Noise `z (n, t + 1, k)` to windows `x (n, t, d)`, location and scale at every step.

    .. math:: x_t = m(h_t) + \exp(s(h_t, z_t)) \odot W z_t, \qquad h_t = \mathrm{cell}(h_{t-1}, z_{t-1})

    The state `h_t` has seen the noise before step `t` and starts from `z_0`, so it can hold a slow level of
    volatility that differs from window to window; the shock of step `t` is `z_t` itself, mixed across series.
    The output is linear in the shock: nothing bounds it.

    Parameters
    ----------
    keeps : Tensor of bool (d,)
        See `NoiseDriven`.
    length : int
        Steps `t` of a window.
    noise_dim : int
        Noise numbers at each step beside one for every series: `k = noise_dim + d + w`.
    hidden : int
        Width of the recurrent state.
    cell : str
        ``"lstm"`` or ``"gru"``.
    """

    def __init__(self, keeps: Tensor, length: int, noise_dim: int, hidden: int, cell: str) -> None:
        super().__init__(keeps)
        series = len(keeps) + int(keeps.sum())
        size = noise_dim + series
        self.noise_shape = (length + 1, size)
        self.cell = cell
        self.start = nn.Linear(size, hidden)
        self.recurrent = recurrent(cell, size, hidden)
        self.location = nn.Linear(hidden, series)
        self.log_scale = nn.Linear(hidden + size, series)
        self.mix = nn.Linear(size, series, bias=False)
        nn.init.normal_(self.mix.weight, std=size**-0.5)

    def parts(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Location, log-scale and shock of every step, each `(n, t, d + w)`, from noise `z (n, t + 1, k)`."""
        past, now = z[:, :-1], z[:, 1:]
        h0 = torch.tanh(self.start(z[:, 0]))[None]  # (1, n, hidden)
        h, _ = self.recurrent(past, (h0, torch.zeros_like(h0)) if self.cell == "lstm" else h0)  # (n, t, hidden)
        return self.location(h), bounded(self.log_scale(torch.cat([h, now], dim=2))), self.mix(now)


def settled(x: Tensor, keeps: Tensor) -> Tensor:
    """Moves and levels `x (n, t, d + w)` as those of real windows are.

    Series that are deviations from a level, see `keeps (d,)`, get mean zero; the levels stay as they start.
    """
    if x.shape[2] == len(keeps):
        return x
    moves, levels = x[:, :, : len(keeps)], x[:, :1, len(keeps) :]
    moves = torch.where(keeps, moves - moves.mean(dim=1, keepdim=True), moves)
    return torch.cat([moves, levels.expand(-1, x.shape[1], -1)], dim=2)


def bounded(s: Tensor) -> Tensor:
    """A log-scale bent so that it stays within `LOG_SCALE_LIMIT`."""
    return LOG_SCALE_LIMIT * torch.tanh(s / LOG_SCALE_LIMIT)
