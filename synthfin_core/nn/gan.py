"""Networks of generative adversarial networks: what generators are, a recurrent one, and two kinds of judge."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

LOG_SCALE_LIMIT = 4.0  #: the scale of a step stays within exp(-4) and exp(4) of the series' own


def recurrent(cell: str, inputs: int, hidden: int) -> nn.GRU | nn.LSTM:
    """A recurrent layer over `(n, t, inputs)`, batch first."""
    return (nn.LSTM if cell == "lstm" else nn.GRU)(inputs, hidden, batch_first=True)


class NoiseDriven(nn.Module):
    r"""A generator that gives every step a location, a log-scale and a shock: :math:`x = m + e^s \odot` shock.

    Attributes
    ----------
    noise_shape : tuple of int
        Rows and columns of the noise that makes one window.
    """

    noise_shape: tuple[int, int]

    def parts(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Location, log-scale and shock of every step, each `(n, t, d)`, from noise `z (n, *noise_shape)`."""
        raise NotImplementedError

    def forward(self, z: Tensor) -> Tensor:
        """Windows `x (n, t, d)` from noise `z (n, *noise_shape)`."""
        m, s, shock = self.parts(z)
        return m + s.exp() * shock


class RecurrentGenerator(NoiseDriven):
    r"""Noise `z (n, t + 1, k)` to windows `x (n, t, d)`, location and scale at every step.

    .. math:: x_t = m(h_t) + \exp(s(h_t, z_t)) \odot W z_t, \qquad h_t = \mathrm{cell}(h_{t-1}, z_{t-1})

    The state `h_t` has seen the noise before step `t` and starts from `z_0`, so it can hold a slow level of
    volatility that differs from window to window; the shock of step `t` is `z_t` itself, mixed across series.
    The output is linear in the shock: nothing bounds it.

    Parameters
    ----------
    length, series : int
        Steps `t` of a window, and number of series `d`.
    noise_dim : int
        Noise numbers at each step beside one for every series: `k = noise_dim + d`.
    hidden : int
        Width of the recurrent state.
    cell : str
        ``"lstm"`` or ``"gru"``.
    """

    def __init__(self, length: int, series: int, noise_dim: int, hidden: int, cell: str) -> None:
        super().__init__()
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
        """Location, log-scale and shock of every step, each `(n, t, d)`, from noise `z (n, t + 1, k)`."""
        past, now = z[:, :-1], z[:, 1:]
        h0 = torch.tanh(self.start(z[:, 0]))[None]  # (1, n, hidden)
        h, _ = self.recurrent(past, (h0, torch.zeros_like(h0)) if self.cell == "lstm" else h0)  # (n, t, hidden)
        return self.location(h), bounded(self.log_scale(torch.cat([h, now], dim=2))), self.mix(now)


def bounded(s: Tensor) -> Tensor:
    """A log-scale bent so that it stays within `LOG_SCALE_LIMIT`."""
    return LOG_SCALE_LIMIT * torch.tanh(s / LOG_SCALE_LIMIT)


def principal_axes(x: Tensor) -> Tensor:
    """Directions in which the series of `x (n, t, d)` vary by themselves, scaled to unit variance: `(d, k)`.

    Of series that move together the small differences carry the dependence, and along these axes they are as plain to
    see as the common move. Axes with less than a twentieth of a series' variance are not blown up further. A single
    series has no axis but itself, and `k` is zero.
    """
    d = x.shape[2]
    if d == 1:
        return x.new_zeros(1, 0)
    values, vectors = torch.linalg.eigh(torch.cov(x.reshape(-1, d).T))
    axes: Tensor = vectors / values.clamp(min=0.05).sqrt()
    return axes


def features(x: Tensor, axes: Tensor) -> Tensor:
    """What a judge sees of `x (n, t, d)`: `(n, t, 3 (d + k))`.

    The series and their `axes (d, k)`, and of each the value, its size and the logarithm of its size. Volatility
    multiplies, so calm and wild stretches are equally plain to see only on a logarithmic scale; the 0.1 keeps its
    slope bounded.
    """
    x = torch.cat([x, x @ axes], dim=2)
    size = x.abs()
    return torch.cat([x, size, (size + 0.1).log()], dim=2)


def mean_and_spread(c: Tensor) -> Tensor:
    """Over time, of each channel of `c (n, t, k)`: `(n, 2 k)`."""
    mean = c.mean(dim=1)
    spread = ((c - mean[:, None]) ** 2).mean(dim=1).add(1e-6).sqrt()
    return torch.cat([mean, spread], dim=1)


class ConvolutionalJudge(nn.Module):
    """Windows `x (n, t, d)` to one number each, `(n, 1)`, by strided convolutions over time.

    Each layer halves the resolution, so that the last one sees slow swings of volatility. The mean and the spread over
    time, of its channels and of the window itself, go to a small dense head. A convolution of four steps that moves
    by two is written as a dense layer over neighbouring pairs: on a CPU that takes half the time, second derivatives
    included.

    Parameters
    ----------
    axes : Tensor
        See `principal_axes`: `(d, k)`.
    hidden : int
        Width of its layers.
    """

    axes: Tensor

    def __init__(self, axes: Tensor, hidden: int) -> None:
        super().__init__()
        self.register_buffer("axes", axes)
        seen = 3 * sum(axes.shape)
        widths = [seen, hidden, hidden, hidden]
        self.layers = nn.ModuleList(nn.Linear(4 * before, after) for before, after in pairwise(widths))
        self.head = nn.Sequential(nn.Linear(2 * (hidden + seen), hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Score `(n, 1)`: a logit or a critic's value."""
        seen = c = features(x, self.axes)  # (n, t, 3 (d + k))
        for layer in self.layers:
            c = functional.leaky_relu(layer(neighbours(c)), 0.2)  # (n, about t / 2, hidden)
        score: Tensor = self.head(torch.cat([mean_and_spread(c), mean_and_spread(seen)], dim=1))
        return score


def neighbours(c: Tensor) -> Tensor:
    """Four consecutive steps of `c (n, t, k)` at every second step, zeros beyond the ends: `(n, ceil(t / 2), 4 k)`."""
    n, t, k = c.shape
    pairs = functional.pad(c, (0, 0, 1, 1 + t % 2)).reshape(n, -1, 2 * k)
    return torch.cat([pairs[:, :-1], pairs[:, 1:]], dim=2)


class RecurrentJudge(nn.Module):
    """Windows `x (n, t, d)` to one number each, `(n, 1)`, from the last state of a recurrent layer.

    Parameters
    ----------
    axes : Tensor
        See `principal_axes`: `(d, k)`.
    hidden : int
        Width of its state.
    cell : str
        ``"lstm"`` or ``"gru"``.
    """

    axes: Tensor

    def __init__(self, axes: Tensor, hidden: int, cell: str) -> None:
        super().__init__()
        self.register_buffer("axes", axes)
        self.recurrent = recurrent(cell, 3 * sum(axes.shape), hidden)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Score `(n, 1)`: a logit or a critic's value."""
        h, _ = self.recurrent(features(x, self.axes))
        score: Tensor = self.head(h[:, -1])
        return score
