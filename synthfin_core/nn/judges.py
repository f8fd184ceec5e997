"""Judges of generative adversarial networks: a convolutional and a recurrent one, and what they see of a window."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations

from synthfin_core.nn.gan import recurrent, settled


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


class SpectrumJudge(nn.Module):
    """Paths `x (n, t, w)` to one number each, `(n, 1)`, from the logarithm of their periodograms, and their levels.

    How a series remembers, lag by lag, is its spectrum; convolutions that pass averages on see little of it. After
    Chen et al., "SSD-GAN: Measuring the Realness in the Spatial and Spectral Domains" (2021,
    https://arxiv.org/abs/2012.05535).

    Parameters
    ----------
    length, series : int
        Steps `t` and number of paths `w`.
    hidden : int
        Width of its layer.
    lags : bool
        Hear the `autocovariances` too. Those at long lags are small beside what each frequency's power is off
        by, and sum up from all of them.
    """

    def __init__(self, length: int, series: int, hidden: int, lags: bool = False) -> None:
        super().__init__()
        self.lags = lags
        frequencies = length // 2 + 1
        seen = (frequencies + 1 + (length - 1) * lags) * series
        self.head = nn.Sequential(nn.Linear(seen, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1))

    def forward(self, x: Tensor, levels: Tensor) -> Tensor:
        """Score `(n, 1)`: a logit or a critic's value; `levels (n, w)`."""
        waves = torch.fft.rfft(x, dim=1, norm="ortho")  # (n, t // 2 + 1, w)
        power = waves.real**2 + waves.imag**2
        heard = [(power + 0.01).log().flatten(1) / 2, levels]
        if self.lags:
            heard.append(autocovariances(x).flatten(1))
        score: Tensor = self.head(torch.cat(heard, dim=1))
        return score


def autocovariances(x: Tensor) -> Tensor:
    r"""Autocovariances of paths `x (n, t, w)` at lags `1, ..., t - 1`, `(n, t - 1, w)`.

    .. math:: c_k = t^{-1/2} \sum_s x_s x_{s+k},

    of the same spread at all short lags if the path is noise.
    """
    t = x.shape[1]
    waves = torch.fft.rfft(x, n=2 * t, dim=1)  # as long again with zeros, so that no end meets its beginning
    sums: Tensor = torch.fft.irfft(waves.real**2 + waves.imag**2, n=2 * t, dim=1)[:, 1:t] / t**0.5
    return sums


class PathJudge(nn.Module):
    """Windows `x (n, t, d + w)` to one number each, `(n, 1)`: a judge that sees levels beside moves.

    Of series that keep to their level it sees how they remember too, see `SpectrumJudge`.

    Parameters
    ----------
    data : Tensor
        Training windows `(n, t, d + w)`; they give the principal axes.
    wanders, keeps : Tensor of bool (d,)
        Series whose first entry is a start and whose others are steps; and `w` that are deviations from a level.
    hidden : int
        Width of its layers.
    cell : str
        ``"lstm"`` or ``"gru"`` for a recurrent judge, nothing for a convolutional one.
    lags : bool
        Hear the autocovariances of series that keep to their level too.
    spectral : bool
        Hold every layer's largest singular value at one (Miyato et al., "Spectral Normalization for Generative
        Adversarial Networks", 2018, https://arxiv.org/abs/1802.05957).
    """

    wanders: Tensor
    keeps: Tensor

    def __init__(
        self,
        data: Tensor,
        wanders: Tensor,
        keeps: Tensor,
        hidden: int,
        *,
        cell: str = "",
        lags: bool = False,
        spectral: bool = False,
    ) -> None:
        super().__init__()
        self.register_buffer("wanders", wanders.to(data.device), persistent=False)
        self.register_buffer("keeps", keeps.to(data.device), persistent=False)
        axes = principal_axes(self.seen(data))
        self.judge = RecurrentJudge(axes, hidden, cell) if cell else ConvolutionalJudge(axes, hidden)
        levels = int(keeps.sum())
        self.spectrum = SpectrumJudge(data.shape[1], levels, hidden, lags) if levels else None
        if spectral:
            for layer in [layer for layer in self.modules() if isinstance(layer, nn.Linear)]:
                parametrizations.spectral_norm(layer)

    def forward(self, x: Tensor) -> Tensor:
        """Score `(n, 1)`: a logit or a critic's value."""
        x = settled(x, self.keeps)
        score: Tensor = self.judge(self.seen(x))
        if self.spectrum is not None:
            deviations = x[:, :, : len(self.keeps)][:, :, self.keeps]
            score = score + self.spectrum(deviations, x[:, 0, len(self.keeps) :])
        return score

    def seen(self, x: Tensor) -> Tensor:
        """The moves, the starts and levels, and the ways since, at every step: `(n, t, d + 2 b)`.

        Of the `b` series that wander or keep to a level, the way is the sum of their steps or deviations.
        """
        begins = self.wanders | self.keeps
        if not bool(begins.any()):
            return x
        moves, levels = x[:, :, : len(begins)], x[:, :, len(begins) :]
        start = moves[:, :1] * self.wanders
        moves = torch.cat([moves[:, :1] - start, moves[:, 1:]], dim=1)
        start = start[:, :, self.wanders].expand(-1, x.shape[1], -1)
        way = moves.cumsum(dim=1)[:, :, begins] / x.shape[1] ** 0.5
        return torch.cat([moves, start, levels, way], dim=2)
