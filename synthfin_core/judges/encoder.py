"""A contrastive encoder of windows in the manner of TS2Vec, trained on real windows alone.

A stack of dilated convolutions gives every step a representation. It learns to give a step the same one in two
overlapping crops of its window, seen through different random masks, and another than other steps of the window and
the same step of other windows have. So it holds what can be told of a step from what surrounds it.

Source: Yue et al. (2022), "TS2Vec: towards universal representation of time series", AAAI.

Shapes: `b` windows of a batch, `t` steps, `d` series, `c` channels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from synthfin_core.errors import TrainingError
from synthfin_core.rng import integer_seed

#: Windows encoded at a time: few enough to stay in the processor's cache.
ENCODED_AT_ONCE = 32


@dataclass(frozen=True)
class EncoderSize:
    """How large the encoder is and how long it learns; the defaults are those of the literature's Context-FID.

    Attributes
    ----------
    output, hidden : int
        Channels of the representation, and of the layers before it.
    depth : int
        Blocks of two convolutions before the last; block `l` looks `2^l` steps to both sides.
    iterations : int
        Steps of the optimizer.
    batch : int
        Windows a step.
    learning_rate, dropout : float
    """

    output: int = 320
    hidden: int = 64
    depth: int = 10
    iterations: int = 600
    batch: int = 8
    learning_rate: float = 1e-3
    dropout: float = 0.1


class Encoder:
    """Dilated convolutions in residual blocks; its weights are a list of tensors, so that they can be averaged.

    Parameters
    ----------
    d : int
        Series of a window.
    size : EncoderSize
    noise : torch.Generator
        The first weights are drawn from it.
    """

    def __init__(self, d: int, size: EncoderSize, noise: torch.Generator) -> None:
        self.size = size
        self.weights: list[Tensor] = []
        self._add(noise, 1, d, size.hidden)
        for _ in range(size.depth):
            self._add(noise, 3, size.hidden, size.hidden)
            self._add(noise, 3, size.hidden, size.hidden)
        self._add(noise, 3, size.hidden, size.output)
        self._add(noise, 3, size.output, size.output)
        self._add(noise, 1, size.hidden, size.output)  # past the last block, whose widths differ

    def _add(self, noise: torch.Generator, taps: int, inputs: int, outputs: int) -> None:
        bound = 1 / math.sqrt(taps * inputs)
        for shape in ((taps, inputs, outputs), (outputs,)):
            self.weights.append((torch.rand(shape, generator=noise) * 2 - 1) * bound)

    def __call__(self, x: Tensor, noise: torch.Generator | None = None) -> Tensor:
        """Representations `(b, t, output)` of windows `x (b, t, d)`; masked and with dropout where noise is given."""
        weights = iter(self.weights)
        h = _convolved(x, weights, 1)  # (b, t, hidden)
        if noise is not None:
            h = h * (torch.rand(h.shape[:2], generator=noise) < 0.5).unsqueeze(-1)
        for block in range(self.size.depth):
            h = h + self._block(h, weights, 2**block)
        last = self._block(h, weights, 2**self.size.depth) + _convolved(h, weights, 1)
        if noise is not None:
            kept = 1 - self.size.dropout
            last = last * (torch.rand(last.shape, generator=noise) < kept) / kept
        return last

    @staticmethod
    def _block(h: Tensor, weights: Iterator[Tensor], dilation: int) -> Tensor:
        for _ in range(2):
            h = _convolved(functional.gelu(h), weights, dilation)
        return h


def _convolved(x: Tensor, weights: Iterator[Tensor], dilation: int) -> Tensor:
    """Convolution over time of `x (b, t, c)` with zeros beyond both ends, with the next weight and bias.

    Taps that lie beyond the window whatever the step are left out: they meet zeros alone.
    """
    weight, bias = next(weights), next(weights)  # (taps, c, outputs), (outputs,)
    taps, c, outputs = weight.shape
    if taps == 3 and dilation < x.shape[1]:
        t = x.shape[1]
        padded = functional.pad(x, (0, 0, dilation, dilation))
        x = torch.cat([padded[:, i * dilation : i * dilation + t] for i in range(3)], dim=-1)  # (b, t, 3 c)
        kernel = weight.reshape(3 * c, outputs)
    else:
        kernel = weight[taps // 2]
    return torch.addmm(bias, x.reshape(-1, kernel.shape[0]), kernel).reshape(*x.shape[:2], outputs)


def trained_encoder(x: NDArray[np.float64], size: EncoderSize, seed: int) -> Encoder:
    """An encoder trained on windows `x (n, t, d)` on one core, with the mean of its weights over all steps.

    The same seed gives the same weights; torch's own random state and threads stay as they are.

    Raises
    ------
    TrainingError
        If the weights overflow.
    """
    noise = torch.Generator().manual_seed(integer_seed(seed, "encoder"))
    windows = torch.as_tensor(x, dtype=torch.float32)
    encoder = Encoder(x.shape[2], size, noise)
    for weight in encoder.weights:
        weight.requires_grad_()
    optimizer = torch.optim.AdamW(encoder.weights, lr=size.learning_rate, fused=True)
    means = [torch.zeros_like(weight) for weight in encoder.weights]
    left = torch.empty(0, dtype=torch.long)
    with one_thread(), torch.enable_grad():
        for step in range(size.iterations):
            if len(left) < size.batch:
                left = torch.randperm(len(windows), generator=noise)
            chosen, left = left[: size.batch], left[size.batch :]
            first, second, shared = crops(windows[chosen], noise)
            loss = hierarchical_loss(encoder(first, noise)[:, -shared:], encoder(second, noise)[:, :shared])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            for mean, weight in zip(means, encoder.weights, strict=True):
                mean.lerp_(weight.detach(), 1 / (step + 1))
    if not all(bool(mean.isfinite().all()) for mean in means):
        raise TrainingError(
            "The encoder of Context-FID overflowed, expected finite weights: scale the windows to about one."
        )
    encoder.weights = means
    return encoder


def encoded(encoder: Encoder, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """One representation a window of `x (n, t, d)`: the largest over time of each channel, `(n, output)`."""
    windows = torch.as_tensor(x, dtype=torch.float32)
    with one_thread(), torch.no_grad():
        parts = [encoder(part).amax(dim=1) for part in windows.split(ENCODED_AT_ONCE)]
    return torch.cat(parts).numpy().astype(np.float64)


def crops(x: Tensor, noise: torch.Generator) -> tuple[Tensor, Tensor, int]:
    """Two crops of the windows `x (b, t, d)` at random, and how many steps they share.

    The last steps of the first crop are the first of the second. Each window is cropped at a place of its own.
    """
    b, t, _ = x.shape

    def whole_number(least: int, most: int) -> int:
        return int(torch.randint(least, most + 1, (1,), generator=noise))

    shared = whole_number(2, t)
    left = whole_number(0, t - shared)
    before, after = whole_number(0, left), whole_number(left + shared, t)
    moved = torch.randint(-before, t - after + 1, (b, 1), generator=noise)
    each = torch.arange(b).unsqueeze(1)
    first = x[each, moved + torch.arange(before, left + shared)]
    second = x[each, moved + torch.arange(left, after)]
    return first, second, shared


def hierarchical_loss(first: Tensor, second: Tensor) -> Tensor:
    """TS2Vec's loss of two views `(b, t, c)` of the same steps.

    At every scale of time, from single steps to the whole, by largest values over pairs of neighbours: half the
    contrast with other windows at the same step and half that with other steps of the same window; then the mean
    over scales.
    """
    total, scales = first.new_zeros(()), 0
    while True:
        across_windows = contrast(torch.cat([first, second]).transpose(0, 1))  # (t, 2 b, c)
        total, scales = total + 0.5 * across_windows, scales + 1
        if first.shape[1] == 1:
            return total / scales
        total = total + 0.5 * contrast(torch.cat([first, second], dim=1))  # (b, 2 t, c)
        first, second = (
            functional.max_pool1d(view.transpose(1, 2), kernel_size=2).transpose(1, 2) for view in (first, second)
        )


def contrast(z: Tensor) -> Tensor:
    """Mean cross-entropy of picking each row's twin among all others by inner product.

    In each of the `k` groups of `z (k, 2 m, c)`, rows `i` and `i + m` are twins.
    """
    k, rows, _ = z.shape
    likeness = z @ z.transpose(1, 2)  # (k, 2 m, 2 m)
    likeness = likeness.masked_fill(torch.eye(rows, dtype=torch.bool), -torch.inf)
    twin = torch.arange(rows).roll(rows // 2).expand(k, rows)
    return functional.cross_entropy(likeness.reshape(k * rows, rows), twin.reshape(-1))


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch work on one core: such small products are quickest so, and come out the same on any machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
