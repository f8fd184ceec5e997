"""The network of the temporal convolutional GAN: a causal generator driven by noise.

Causal dilated convolutions after Bai, Kolter and Koltun, "An Empirical Evaluation of Generic Convolutional and
Recurrent Networks for Sequence Modeling" (2018, https://arxiv.org/abs/1803.01271). None of them pads: a layer's output
is shorter than its input by what it looks back, and the noise begins that much earlier. So the first bar rests on as
much noise as the last, and a changed number can move nothing before it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from synthfin_core.nn.gan import NoiseDriven, bounded


class Causal(nn.Module):
    """A causal convolution that pads nothing: `(n, s, inputs)` to `(n, s - reach, outputs)`.

    Written as a dense layer over shifted copies, which on a CPU is quicker than a convolution, its gradient included.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    kernel, dilation : int
        Number of steps looked at, and how far apart they are.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.offsets = [i * dilation for i in range(kernel)]
        self.reach = (kernel - 1) * dilation
        self.dense = nn.Linear(kernel * inputs, outputs)

    def forward(self, c: Tensor) -> Tensor:
        """The last of the steps looked at is the one that is answered for."""
        length = c.shape[1] - self.reach
        result: Tensor = self.dense(torch.cat([c[:, at : at + length] for at in self.offsets], dim=2))
        return result


class Temporal(nn.Module):
    """Residual stack of causal convolutions whose dilations grow by the kernel's width: `(n, s + r - 1, k)` to
    `(n, s, hidden)`.

    Parameters
    ----------
    inputs, hidden, kernel, layers : int
    """

    def __init__(self, inputs: int, hidden: int, kernel: int, layers: int) -> None:
        super().__init__()
        self.enter = nn.Linear(inputs, hidden)
        self.convolutions = nn.ModuleList(Causal(hidden, hidden, kernel, kernel**i) for i in range(layers))
        self.bends = nn.ModuleList(nn.PReLU() for _ in range(layers))

    def forward(self, c: Tensor, window: Tensor) -> Tensor:
        """Answers to `c (n, s + r - 1, k)`, with `window (n, 1, hidden)` added at every step."""
        c = self.enter(c) + window
        for convolution, bend in zip(self.convolutions, self.bends, strict=True):
            c = c[:, convolution.reach :] + bend(convolution(c))
        return c


class TemporalGenerator(NoiseDriven):
    r"""Noise `z (n, 1 + r + t, k)` to windows `x (n, t, d + w)`: drift, volatility and innovation at every step.

    .. math:: x_s = m(h_s) + \exp(v(h_s, z_s)) \odot W z_s, \qquad h_s = \mathrm{TCN}(z_{s-r}, \ldots, z_{s-1}; w)

    the stochastic volatility network of Wiese et al., "Quant GANs" (2020), with one addition: `w`, a function of noise
    drawn once a window, is what all its steps have in common, for example a calm or a wild year. Where a series
    wanders, its first entry is where it starts, a function of that noise too, so that later steps know it; and so is
    the level of a series that keeps to one.

    Parameters
    ----------
    wanders, keeps : Tensor of bool (d,)
        Series whose first entry is a start and whose others are steps; and `w` that are deviations from a level.
    length : int
        Steps `t` of a window.
    noise_dim : int
        Noise numbers at each step beside one for every series: `k = noise_dim + d + w`.
    hidden, kernel, layers : int
        Width, kernel and number of the causal convolutions, which look back `r` steps, see `memory`.
    """

    starts: Tensor

    def __init__(
        self, wanders: Tensor, keeps: Tensor, length: int, noise_dim: int, hidden: int, kernel: int, layers: int
    ) -> None:
        super().__init__(keeps)
        levels = int(keeps.sum())
        series = len(keeps) + levels
        size = noise_dim + series
        self.noise_shape = (1 + memory(kernel, layers) + length, size)
        self.length = length
        starts = torch.zeros((length, series), dtype=torch.bool)
        starts[0, : len(wanders)] = wanders
        starts[:, len(wanders) :] = True
        self.register_buffer("starts", starts, persistent=False)
        self.window = nn.Sequential(nn.Linear(size, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, hidden))
        self.temporal = Temporal(size, hidden, kernel, layers)
        self.start = nn.Linear(hidden, series)
        self.start_mix = nn.Linear(size, series)
        self.location = nn.Linear(hidden, series)
        self.log_scale = nn.Linear(hidden + size, series)
        self.mix = nn.Linear(size, series, bias=False)
        for mix in (self.mix, self.start_mix):
            nn.init.normal_(mix.weight, std=size**-0.5)

    def parts(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Location, log-scale and shock of every step, each `(n, t, d + w)`."""
        once, past, now = z[:, 0], z[:, 1:-1], z[:, -self.length :]
        w = self.window(once)  # (n, hidden)
        h = self.temporal(past, w[:, None])  # (n, t, hidden)
        m, s, shock = self.location(h), bounded(self.log_scale(torch.cat([h, now], dim=2))), self.mix(now)
        if bool(self.starts.any()):
            start = self.start_mix(once) + self.start(w)  # (n, d + w)
            m, shock = torch.where(self.starts, start[:, None], m), shock.masked_fill(self.starts, 0.0)
        return m, s, shock


def memory(kernel: int, layers: int) -> int:
    """Steps that `layers` causal convolutions with dilations 1, k, k**2, ... look at, the present one included."""
    return int(kernel**layers)
