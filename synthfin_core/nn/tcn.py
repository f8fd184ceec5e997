"""Networks of the temporal convolutional GAN: a causal generator driven by noise, and a judge that sees paths too.

Causal dilated convolutions after Bai, Kolter and Koltun, "An Empirical Evaluation of Generic Convolutional and
Recurrent Networks for Sequence Modeling" (2018, https://arxiv.org/abs/1803.01271). None of them pads: a layer's output
is shorter than its input by what it looks back, and the noise begins that much earlier. So the first bar rests on as
much noise as the last, and a changed number can move nothing before it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from synthfin_core.nn.gan import ConvolutionalJudge, NoiseDriven, bounded, principal_axes


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
    r"""Noise `z (n, 1 + r + t, k)` to windows `x (n, t, d)`: drift, volatility and innovation at every step.

    .. math:: x_s = m(h_s) + \exp(v(h_s, z_s)) \odot W z_s, \qquad h_s = \mathrm{TCN}(z_{s-r}, \ldots, z_{s-1}; w)

    the stochastic volatility network of Wiese et al., "Quant GANs" (2020), with one addition: `w`, a function of noise
    drawn once a window, is what all its steps have in common, for example a calm or a wild year. Where a series
    wanders, its first entry is where it starts, a function of that noise too, so that later steps know it. Where one
    keeps to its level, the other entries are the distances of `x` from its own first value, which moves the start.

    Parameters
    ----------
    wanders, keeps : Tensor of bool (d,)
        Series whose first entry is a start, and whose others are steps, or distances from it.
    length : int
        Steps `t` of a window.
    noise_dim : int
        Noise numbers at each step beside one for every series: `k = noise_dim + d`.
    hidden, kernel, layers : int
        Width, kernel and number of the causal convolutions, which look back `r` steps, see `memory`.
    """

    wanders: Tensor
    keeps: Tensor

    def __init__(
        self, wanders: Tensor, keeps: Tensor, length: int, noise_dim: int, hidden: int, kernel: int, layers: int
    ) -> None:
        super().__init__()
        series = len(wanders)
        size = noise_dim + series
        self.noise_shape = (1 + memory(kernel, layers) + length, size)
        self.length = length
        self.register_buffer("wanders", wanders, persistent=False)
        self.register_buffer("keeps", keeps, persistent=False)
        self.window = nn.Sequential(nn.Linear(size, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, hidden))
        self.temporal = Temporal(size, hidden, kernel, layers)
        self.start = nn.Linear(hidden, series)
        self.start_mix = nn.Linear(size, series)
        self.location = nn.Linear(hidden, series)
        self.log_scale = nn.Linear(hidden + size, series)
        self.mix = nn.Linear(size, series, bias=False)
        self.moved = nn.Parameter(torch.zeros(series)) if bool(keeps.any()) else None
        for mix in (self.mix, self.start_mix):
            nn.init.normal_(mix.weight, std=size**-0.5)

    def parts(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Location, log-scale and shock of every step, each `(n, t, d)`."""
        once, past, now = z[:, 0], z[:, 1:-1], z[:, -self.length :]
        w = self.window(once)  # (n, hidden)
        h = self.temporal(past, w[:, None])  # (n, t, hidden)
        m, s, shock = self.location(h), bounded(self.log_scale(torch.cat([h, now], dim=2))), self.mix(now)
        if bool(self.wanders.any()):
            start = self.start_mix(once) + self.start(w)  # (n, d)
            first = self.wanders & (torch.arange(self.length, device=z.device)[:, None] == 0)  # (t, d)
            m, shock = torch.where(first, start[:, None], m), shock.masked_fill(first, 0.0)
        return m, s, shock

    def forward(self, z: Tensor) -> Tensor:
        """Windows `x (n, t, d)` from noise `z (n, *noise_shape)`."""
        x = super().forward(z)
        if self.moved is None:
            return x
        start = self.start_mix(z[:, 0]) + self.start(self.window(z[:, 0])) + self.moved * x[:, 0]  # (n, d)
        distances = torch.cat([start[:, None], x[:, 1:] - x[:, :1]], dim=1)
        return torch.where(self.keeps, distances, x)


def memory(kernel: int, layers: int) -> int:
    """Steps that `layers` causal convolutions with dilations 1, k, k**2, ... look at, the present one included."""
    return int(kernel**layers)


class PathJudge(nn.Module):
    """Windows `x (n, t, d)` to one number each, `(n, 1)`: what `ConvolutionalJudge` sees, and levels beside steps.

    Parameters
    ----------
    data : Tensor
        Training windows `(n, t, d)`; they give the principal axes.
    wanders, keeps : Tensor of bool (d,)
        Series whose first entry is a start, and whose others are steps, or distances from it.
    hidden : int
        Width of its layers.
    spectral : bool
        Hold every layer's largest singular value at one (Miyato et al., "Spectral Normalization for Generative
        Adversarial Networks", 2018, https://arxiv.org/abs/1802.05957).
    """

    wanders: Tensor
    keeps: Tensor

    def __init__(self, data: Tensor, wanders: Tensor, keeps: Tensor, hidden: int, spectral: bool) -> None:
        super().__init__()
        self.register_buffer("wanders", wanders.to(data.device), persistent=False)
        self.register_buffer("keeps", keeps.to(data.device), persistent=False)
        self.judge = ConvolutionalJudge(principal_axes(self.seen(data)), hidden)
        if spectral:
            for layer in (*self.judge.layers, self.judge.head[0], self.judge.head[2]):
                parametrizations.spectral_norm(layer)

    def forward(self, x: Tensor) -> Tensor:
        """Score `(n, 1)`: a logit or a critic's value."""
        score: Tensor = self.judge(self.seen(x))
        return score

    def seen(self, x: Tensor) -> Tensor:
        """The steps, and of each series that has a start that and the way since, at every step: `(n, t, d + 2 w)`.

        Of a series that keeps to its level the distances from their mean come in place of steps.
        """
        begins = self.wanders | self.keeps
        if not bool(begins.any()):
            return x
        start = x[:, :1] * begins
        steps = torch.cat([x[:, :1] - start, x[:, 1:]], dim=1)
        way = torch.where(self.keeps, steps, steps.cumsum(dim=1) / x.shape[1] ** 0.5)[:, :, begins]
        moves = torch.where(self.keeps, steps - steps.mean(dim=1, keepdim=True), steps)
        return torch.cat([moves, start[:, :, begins].expand_as(way), way], dim=2)
