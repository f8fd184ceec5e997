"""Small recurrent networks trained side by side: a GRU and a dense unit on its state, the judges of the literature."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from synthfin_core.judges.cell import Cells, Numbers, Trace, backward, forward, glorot, initial_cells

#: TensorFlow's settings of Adam.
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class Recurrent:
    """`g` independent networks `z = v . h + c`, with a GRU's state `h`, trained by Adam.

    What one of them becomes depends on its own stream and windows alone, whichever others stand beside it.

    Parameters
    ----------
    inputs, hidden : int
        Inputs `d` and units `h`.
    streams : sequence of Generator
        One a network, for its initial weights.
    states : int
        How many of the last states are read; those before them only carry memory.
    rate : float
        Adam's learning rate.
    dtype : dtype
        Of all weights.
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        streams: Sequence[np.random.Generator],
        states: int = 1,
        rate: float = 1e-3,
        dtype: type[np.floating] = np.float32,
    ) -> None:
        self.states, self.rate, self.taken = states, rate, 0
        initial = initial_cells(inputs, hidden, streams)
        unit = np.stack([np.append(glorot(stream, 1, hidden), 0.0) for stream in streams])  # (g, h + 1)
        self.weights = _flat([*initial, unit]).astype(dtype)  # (g, all weights)
        self.mean, self.square = np.zeros_like(self.weights), np.zeros_like(self.weights)
        *kernels, self.unit = _views(self.weights, [each.shape[1:] for each in (*initial, unit)])
        self.cells = Cells(*kernels)
        self.trace: Trace | None = None

    def run(self, x: Numbers) -> tuple[Trace, Numbers]:
        """The pass over `x (t, g, d + 1, b)`, and the outputs `z (states, g, b)` at the last steps.

        The next run over a batch of the same shape writes over the trace.
        """
        self.trace, z = _run(self.cells, self.unit, x, self.states, self.trace)
        return self.trace, z

    def outputs(self, network: int, x: Numbers, batch: int = 256) -> Numbers:
        """Outputs `(n, states)` of one network for all windows `x (n, t, d + 1)`."""
        own = slice(network, network + 1)
        cells = Cells(*(each[own] for each in self.cells))
        found = []
        for start in range(0, len(x), batch):
            some = np.ascontiguousarray(x[start : start + batch].transpose(1, 2, 0)[:, None])
            found.append(_run(cells, self.unit[own], some, self.states)[1][:, 0].T)
        return np.concatenate(found)

    def learn(self, trace: Trace, slope: Numbers) -> None:
        """One step of Adam, given the slope `(states, g, b)` of each network's loss in its outputs."""
        gradient = self.gradient(trace, slope)
        self.taken += 1
        self.mean += (1 - BETA_1) * (gradient - self.mean)
        self.square += (1 - BETA_2) * (gradient * gradient - self.square)
        rate = self.rate * (1 - BETA_2**self.taken) ** 0.5 / (1 - BETA_1**self.taken)
        self.weights -= rate * self.mean / (np.sqrt(self.square) + EPSILON)

    def gradient(self, trace: Trace, slope: Numbers) -> Numbers:
        """Gradient `(g, all weights)` of losses with the slopes `slope (states, g, b)` in the outputs."""
        slopes = slope[:, None]  # (states, 1, g, b)
        cells = backward(self.cells, trace, slopes * _spread(self.unit))
        unit = (slopes * trace.state[-self.states :]).sum(axis=(0, 3)).T  # (g, h)
        return _flat([*cells, np.concatenate([unit, slope.sum(axis=(0, 2))[:, None]], axis=1)])


def one_thread() -> AbstractContextManager[Any]:
    """While it lasts, numpy multiplies matrices on one core: on ones this small a second thread multiplies the time."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(1, "blas")
    return limits


def at_once(hidden: int) -> int:
    """How many networks of `hidden` units to train in one computation: more would only outgrow the cache."""
    return max(1, min(8, 64 // hidden))


def draw(sets: Sequence[Sequence[Numbers]], streams: Sequence[np.random.Generator], size: int) -> Numbers:
    """A batch for each network, `(t, g, columns, b)`.

    Parameters
    ----------
    sets : sequence, one a network, of sequences of arrays (n, t, columns)
        Each set gives the batch `size` windows, in the order of the sets; none twice, unless it has fewer.
    streams : sequence of Generator
        One a network.
    size : int
    """
    _, t, columns = sets[0][0].shape
    batch = np.empty((t, len(sets), columns, size * len(sets[0])), sets[0][0].dtype)
    for network, (own, stream) in enumerate(zip(sets, streams, strict=True)):
        for place, x in enumerate(own):
            chosen = stream.choice(len(x), size, replace=len(x) < size, shuffle=False)
            batch[:, network, :, place * size : (place + 1) * size] = x[chosen].transpose(1, 2, 0)
    return batch


def with_ones(x: Numbers) -> Numbers:
    """Windows `x (n, t, d)` in float32 with a last column of ones, which the bias multiplies."""
    return np.concatenate([x, np.ones((*x.shape[:2], 1))], axis=2).astype(np.float32)


def sigmoid(z: Numbers) -> Numbers:
    """``1 / (1 + exp(-z))``, by a tangent that cannot overflow."""
    half: Numbers = 0.5 * np.tanh(0.5 * z) + 0.5
    return half


def _run(cells: Cells, unit: Numbers, x: Numbers, states: int, over: Trace | None = None) -> tuple[Trace, Numbers]:
    trace = forward(cells, x, over)
    return trace, (trace.state[-states:] * _spread(unit)).sum(axis=1) + unit[:, -1:]


def _spread(unit: Numbers) -> Numbers:
    return np.ascontiguousarray(unit[:, :-1].T)[:, :, None]  # (h, g, 1)


def _flat(parts: Sequence[Numbers]) -> Numbers:
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)


def _views(weights: Numbers, shapes: Sequence[tuple[int, ...]]) -> list[Numbers]:
    """Views of `weights (g, all)` with the shapes `(g, *shape)`, so that a step on all moves each."""
    ends = np.cumsum([np.prod(shape) for shape in shapes])[:-1]
    return [
        part.reshape(len(part), *shape) for part, shape in zip(np.split(weights, ends, axis=1), shapes, strict=True)
    ]
