"""The U-Net over wavelet images: levels by time.

A level is no neighbour of the next as one pixel is of another: each has a meaning of its own. So the rows of an image,
of every series, are channels, and convolutions run over time. Every layer then mixes all levels, and costs a tenth
of what one with square patches would.

Source: Ronneberger, Fischer and Brox, "U-Net" (2015), https://arxiv.org/abs/1505.04597.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from synthfin_core.nn.denoiser import FEATURES, Clock

REACH = 3  # bars that a convolution sees
LARGEST_GROUPS = 8

# Letters of the shapes: b windows, c channels, w bars, k coordinates, s numbers of the condition.


class ConvolutionBlock(nn.Module):
    """Two convolutions beside a short cut, bent by the clock's features."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm_in, self.conv_in = _norm(inputs), _convolution(inputs, outputs)
        self.norm_out, self.conv_out = _norm(outputs), _convolution(outputs, outputs)
        self.bend = nn.Linear(FEATURES, 2 * outputs)
        self.short_cut = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        nn.init.zeros_(self.conv_out.weight)
        nn.init.zeros_(self.conv_out.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, features: Tensor) -> Tensor:
        """Take `x (b, c, w)` and `features (b, f)`; give `(b, c', w)`."""
        y = self.conv_in(nn.functional.silu(self.norm_in(x)))
        factor, shift = self.bend(features)[:, :, None].chunk(2, dim=1)
        y = nn.functional.silu(self.norm_out(y) * (1 + factor) + shift)
        stepped: Tensor = self.short_cut(x) + self.conv_out(y)
        return stepped


class UNet(nn.Module):
    """Halve time `depth` times and double it again, with a bridge at each width.

    Parameters
    ----------
    rows, length : int
        Channels of an image, which are its levels times the series, and bars.
    conditions : int
    hidden : int
        Channels at the full width; twice as many below.
    depth : int
        Halvings; fewer where the window is too short.
    """

    def __init__(self, rows: int, length: int, conditions: int, hidden: int, depth: int) -> None:
        super().__init__()
        self.shape = rows, length
        depth = min(depth, length.bit_length() - 2)
        widths = [hidden] + [2 * hidden] * depth
        self.clock = Clock(conditions)
        self.first = _convolution(rows, hidden)
        self.place = nn.Parameter(torch.zeros(hidden, length))  # ends and middle of a window differ

        def block(inputs: int, outputs: int) -> ConvolutionBlock:
            return ConvolutionBlock(inputs, outputs)

        self.down = nn.ModuleList(block(i, o) for i, o in zip([hidden, *widths], widths, strict=False))
        self.middle = block(widths[-1], widths[-1])
        above = [*widths[1:], widths[-1]]
        self.up = nn.ModuleList(block(i + o, o) for i, o in zip(above, widths, strict=True))
        self.norm, self.last = _norm(hidden), _convolution(hidden, rows)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, image: Tensor, clock: Tensor, condition: Tensor) -> Tensor:
        """Take images `(b, rows, length)`, `clock (b,)` and `condition (b, s)`; give images."""
        features = self.clock(clock, condition)
        y = self.first(image) + self.place
        bridges: list[Tensor] = []
        for block in self.down:
            if bridges:
                y = nn.functional.avg_pool1d(y, 2)
            y = block(y, features)
            bridges.append(y)
        y = self.middle(y, features)
        for at in reversed(range(len(bridges))):
            y = self.up[at](torch.cat([y, bridges[at]], dim=1), features)
            if at:
                y = y.repeat_interleave(2, dim=2)
        answer: Tensor = self.last(nn.functional.silu(self.norm(y)))
        return answer


class ImageDenoiser(nn.Module):
    """A U-Net that takes and gives coordinates: they are laid out as an image before it and gathered after it.

    Parameters
    ----------
    unet : UNet
    series : int
        Of a window, `d`.
    basis : Tensor (c d, k)
        The coefficients, series innermost, to which each coordinate belongs, with orthonormal columns.
    layout : Tensor (c, levels * length)
        The row that each coefficient of a series draws in the image; None where coefficients are the image.
    """

    basis: Tensor
    layout: Tensor | None
    gathering: Tensor | None

    def __init__(self, unet: UNet, series: int, basis: Tensor, layout: Tensor | None) -> None:
        super().__init__()
        self.unet, self.series = unet, series
        gathering = None if layout is None else (layout / (layout**2).sum(dim=1, keepdim=True)).T
        self.register_buffer("basis", basis, persistent=False)
        self.register_buffer("layout", layout, persistent=False)
        self.register_buffer("gathering", gathering, persistent=False)

    def forward(self, x: Tensor, clock: Tensor, condition: Tensor) -> Tensor:
        """Take `x (b, k)`, `clock (b,)` and `condition (b, s)`; give `(b, k)`."""
        coefficients = (x @ self.basis.T).unflatten(1, (-1, self.series)).transpose(1, 2)  # (b, d, c)
        image = coefficients if self.layout is None else coefficients @ self.layout
        answer = self.unet(image.reshape(len(x), *self.unet.shape), clock, condition)
        answer = answer.reshape(len(x), self.series, -1)  # (b, d, levels * length)
        gathered = answer if self.gathering is None else answer @ self.gathering
        coordinates: Tensor = gathered.transpose(1, 2).flatten(1) @ self.basis
        return coordinates


def _convolution(inputs: int, outputs: int) -> nn.Conv1d:
    return nn.Conv1d(inputs, outputs, REACH, padding=REACH // 2)


def _norm(channels: int) -> nn.GroupNorm:
    groups = next(groups for groups in range(min(LARGEST_GROUPS, channels), 0, -1) if channels % groups == 0)
    return nn.GroupNorm(groups, channels)
