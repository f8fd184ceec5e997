r"""The networks of TimeVAE: a convolutional encoder, and a decoder that is a sum of blocks.

.. math:: m(z)_t = \underbrace{\ell(z)}_{\text{level}}
          + \underbrace{\sum_{p=1}^{P} \theta_p(z)\, (t / T)^p}_{\text{trend}}
          + \sum_j \underbrace{s_{j,\; t \bmod m_j}(z)}_{\text{season } j}
          + \underbrace{r(z)_t}_{\text{residual}}, \qquad t = 0 \dots T - 1,

for each series; :math:`\ell, \theta, s` are dense networks of the latents and `r` is the base decoder. Where the paper
has rectified linear units there are smooth ones here, whose paths have fewer corners.

Source: Desai, Freeman, Wang and Beaver, "TimeVAE: a variational auto-encoder for multivariate time series generation"
(2021), https://arxiv.org/abs/2111.08095.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from synthfin_core.nn.observation import WindowLaw
from synthfin_core.nn.recurrent import values_and_sizes
from synthfin_core.nn.variational import VariationalNetwork

KERNEL, STRIDE = 3, 2  # the paper's convolutions: three bars wide, each halving the number of steps
HIDDEN = 32  # units in the dense networks of level, trend, seasons and noise
SMALLEST = 0.01  # standard deviations: no noise is smaller

# Letters of the shapes: b windows, t bars, d series, k latent dimensions.


def lengths(t: int, layers: int) -> list[int]:
    """Steps that are left before and after each of `layers` convolutions of windows of `t` bars.

    >>> lengths(24, 3)
    [24, 12, 6, 3]
    """
    steps = [t]
    for _ in range(layers):
        steps.append(-(-steps[-1] // STRIDE))
    return steps


def dense(inputs: int, outputs: int) -> nn.Sequential:
    """Two dense layers, of which the last gives nearly zero at first, so that no block begins far away."""
    last = nn.Linear(HIDDEN, outputs)
    with torch.no_grad():
        last.weight.mul_(0.1)
        last.bias.zero_()
    return nn.Sequential(nn.Linear(inputs, HIDDEN), nn.SiLU(), last)


class ConvolutionalEncoder(nn.Module):
    r"""Read windows and give :math:`q(z | x) = N(\mu, \operatorname{diag} e^{\text{logvar}})`.

    Convolutions with stride, then one dense layer. Of each bar they read the value and the logarithm of its size: in
    returns nearly all the information is in the size.
    """

    def __init__(self, t: int, d: int, latent_dim: int, filters: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for narrow, wide in pairwise([2 * d, *filters]):
            layers += [nn.Conv1d(narrow, wide, KERNEL, STRIDE, padding=KERNEL // 2), nn.SiLU()]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(filters[-1] * lengths(t, len(filters))[-1], 2 * latent_dim)

    def forward(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Take standardised windows `y (b, t, d)`; give `mu, logvar (b, k)`."""
        seen = values_and_sizes(y).transpose(1, 2)  # (b, 2 d, t)
        mu, logvar = self.head(self.layers(seen).flatten(1)).chunk(2, dim=-1)
        return mu, logvar.clamp(-12, 6)


class Residual(nn.Module):
    """The base decoder: a dense layer, transposed convolutions, and one dense layer that all bars share."""

    def __init__(self, t: int, d: int, latent_dim: int, filters: Sequence[int]) -> None:
        super().__init__()
        self.lengths = lengths(t, len(filters))
        self.start = nn.Linear(latent_dim, filters[-1] * self.lengths[-1])
        widths = [filters[0], *filters]
        self.layers = nn.ModuleList(
            nn.ConvTranspose1d(wide, narrow, KERNEL, STRIDE, padding=KERNEL // 2)
            for wide, narrow in pairwise(reversed(widths))
        )
        self.each_bar = nn.Linear(filters[0], d)

    def forward(self, z: Tensor) -> Tensor:
        """Take `z (b, k)`; give `(b, t, d)`."""
        hidden = nn.functional.silu(self.start(z)).view(len(z), -1, self.lengths[-1])
        for layer, steps in zip(self.layers, self.lengths[-2::-1], strict=True):
            hidden = nn.functional.silu(layer(hidden, output_size=[steps]))
        bars: Tensor = self.each_bar(hidden.transpose(1, 2))
        return bars


class Level(nn.Module):
    """One number a series for the whole window."""

    def __init__(self, t: int, d: int, latent_dim: int) -> None:
        super().__init__()
        self.t = t
        self.height = dense(latent_dim, d)

    def forward(self, z: Tensor) -> Tensor:
        """Take `z (b, k)`; give `(b, t, d)`, the same at every bar."""
        height: Tensor = self.height(z)  # (b, d)
        return height.unsqueeze(1).expand(-1, self.t, -1)


class Trend(nn.Module):
    """A polynomial of time without its constant term, which is the level's."""

    powers: Tensor

    def __init__(self, t: int, d: int, latent_dim: int, degree: int) -> None:
        super().__init__()
        time = torch.arange(t) / t
        self.register_buffer("powers", time ** torch.arange(1, degree + 1).view(-1, 1))  # (degree, t)
        self.coefficients = dense(latent_dim, d * degree)

    def forward(self, z: Tensor) -> Tensor:
        """Take `z (b, k)`; give `(b, t, d)`."""
        theta: Tensor = self.coefficients(z).view(len(z), -1, len(self.powers))  # (b, d, degree)
        return (theta @ self.powers).transpose(1, 2)


class Season(nn.Module):
    """A pattern that comes again every `length` bars, with one number for each position in it.

    Windows begin anywhere in a season, so which bar of the window is the pattern's first is for the latents to say.
    Unlike the paper's, the pattern has mean zero: a constant is the level's, or the split between them would be any.
    """

    position: Tensor

    def __init__(self, t: int, d: int, latent_dim: int, length: int) -> None:
        super().__init__()
        self.length = length
        self.register_buffer("position", torch.arange(t) % length)
        self.pattern = dense(latent_dim, length * d)

    def forward(self, z: Tensor) -> Tensor:
        """Take `z (b, k)`; give `(b, t, d)`."""
        pattern: Tensor = self.pattern(z).view(len(z), self.length, -1)  # (b, length, d)
        return (pattern - pattern.mean(dim=1, keepdim=True))[:, self.position]


class BlocksDecoder(nn.Module):
    """A mean that is a sum of blocks, and what the observation model wants to know beside the mean.

    What the latents say of the noise, they say of each bar. Its scale stays above `SMALLEST`, or a series that follows
    from the others would draw all of the training to itself.

    Parameters
    ----------
    t, d, latent_dim : int
    blocks : sequence of nn.Module
        Each takes `z (b, k)` and gives `(b, t, d)`.
    numbers : int
        What the observation model wants of each bar: `d` locations, `d` logarithms of scales, and maybe more.
    """

    def __init__(self, t: int, d: int, latent_dim: int, blocks: Sequence[nn.Module], numbers: int) -> None:
        super().__init__()
        self.t, self.d = t, d
        self.blocks = nn.ModuleList(blocks)
        self.noise = dense(latent_dim, t * (numbers - d))

    def means(self, z: Tensor) -> tuple[Tensor, ...]:
        """Take `z (b, k)`; give each block's share `(b, t, d)` of the mean."""
        return tuple(block(z) for block in self.blocks)

    def forward(self, z: Tensor) -> Tensor:
        """Take `z (b, k)`; give `bars (b, t, numbers)` of the noise around the mean: their locations are zero."""
        noise: Tensor = self.noise(z).view(len(z), self.t, -1)  # (b, t, numbers - d)
        log_s, others = noise.tensor_split([self.d], dim=-1)
        return torch.cat([torch.zeros_like(log_s), log_s.clamp(min=math.log(SMALLEST)), others], dim=-1)

    @torch.no_grad()
    def start_at(self, bar: Tensor) -> None:
        """Let the noise begin as `bar (numbers,)` at every bar."""
        last = self.noise[-1]
        assert isinstance(last, nn.Linear)
        last.bias.copy_(bar[self.d :].repeat(self.t))


@dataclass(frozen=True)
class Around(WindowLaw):
    """The law of noise, moved to lie around a path."""

    path: Tensor  # (b, t, d)
    noise: WindowLaw
    log_s: Tensor

    def log_density(self, y: Tensor) -> Tensor:
        """Log density `(b,)` of what is left of windows `y (b, t, d)` without the path."""
        return self.noise.log_density(y - self.path)

    def residuals(self, y: Tensor) -> Tensor:
        """The residuals of the noise in windows `y (b, t, d)`."""
        return self.noise.residuals(y - self.path)

    def windows(self, u: Tensor) -> Tensor:
        """The path plus the noise with residuals `u (b, t, d)`."""
        return self.path + self.noise.windows(u)

    def mean(self) -> Tensor:
        """The path plus the mean of the noise, `(b, t, d)`."""
        return self.path + self.noise.mean()


class TimeVAENetwork(VariationalNetwork):
    """Encoder, blocks and noise; see `VariationalNetwork`."""

    decoder: BlocksDecoder

    def given(self, z: Tensor) -> Around:
        """The law of standardised windows for each of the latents `z (b, k)`: noise around the sum of the blocks."""
        noise = super().given(z)
        return Around(torch.stack(self.decoder.means(z)).sum(0), noise, noise.log_s)

    def blocks(self, z: Tensor) -> tuple[Tensor, ...]:
        """What each block gives `(b, t, d)` in units of the representation; the first takes the data's mean along."""
        first, *others = self.decoder.means(z)
        return (self.restore(first), *(share * self.deviation for share in others))

    def noise(self, z: Tensor, u: Tensor) -> tuple[Tensor]:
        """The noise `(b, t, d)` with residuals `u (b, t, d)`, in units of the representation."""
        return (super().given(z).windows(u) * self.deviation,)
