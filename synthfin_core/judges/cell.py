r"""Gated recurrent units as TensorFlow 1 writes them, many independent ones side by side, with their gradient.

One step of a cell with state :math:`h`, inputs :math:`x` and a bias in each row:

.. math::
    r, u &= \sigma(W_g x + U_g h + b_g) \\
    c &= \tanh(W_c x + U_c (r \odot h) + b_c) \\
    h' &= u \odot h + (1 - u) \odot c

``torch.nn.GRU`` multiplies the reset gate into :math:`U_c h + b` instead, and starts from other weights, which
changes the scores of the literature several times over; so the cell is written out here. It is written in numpy
because such judges have one to three units: a step costs what its calls cost, and numpy's are the cheapest.

Letters: `t` steps, `g` cells, `d` inputs, `h` units, `b` windows in a batch. The rows `3 h` are reset gate, update
gate, candidate. Time is outermost and each step's numbers lie together, which is what makes it quick.

References
----------
Cho et al. (2014), https://arxiv.org/abs/1406.1078; TensorFlow 1.15, ``tf.nn.rnn_cell.GRUCell``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating[Any]]


class Cells(NamedTuple):
    """Weights, or gradients, of `g` cells: kernels of inputs and of the state.

    Attributes
    ----------
    inputs : ndarray (g, 3 h, d + 1)
        The last column is the bias: inputs end in a one.
    gates : ndarray (g, 2 h, h)
    candidate : ndarray (g, h, h)
    """

    inputs: Numbers
    gates: Numbers
    candidate: Numbers


class Trace(NamedTuple):
    """What a pass through time leaves behind for the gradient.

    Attributes
    ----------
    x : ndarray (t, g, d + 1, b)
    active : ndarray (t, 3 h, g, b)
        Reset gate, update gate and candidate.
    state : ndarray (t + 1, h, g, b)
        Before the first step and after each.
    kept : ndarray (t, h, g, b)
        State times reset gate.
    slopes : ndarray (t, 3 h, g, b)
        Room for the gradient.
    """

    x: Numbers
    active: Numbers
    state: Numbers
    kept: Numbers
    slopes: Numbers


def initial_cells(inputs: int, hidden: int, streams: Sequence[np.random.Generator]) -> Cells:
    """TensorFlow's initial weights: Glorot-uniform kernels, gate bias 1, candidate bias 0; one stream a cell.

    A kernel acts on inputs and state together, so its limit is ``sqrt(6 / (d + h + rows))``.
    """
    g, d, h = len(streams), inputs, hidden
    cells = Cells(np.empty((g, 3 * h, d + 1)), np.empty((g, 2 * h, h)), np.empty((g, h, h)))
    for i, stream in enumerate(streams):
        gates, candidate = (glorot(stream, rows, d + h) for rows in (2 * h, h))  # (rows, d + h)
        cells.inputs[i, :, :d] = np.concatenate([gates[:, :d], candidate[:, :d]])
        cells.gates[i], cells.candidate[i] = gates[:, d:], candidate[:, d:]
    cells.inputs[:, : 2 * h, d] = 1
    cells.inputs[:, 2 * h :, d] = 0
    return cells


def glorot(stream: np.random.Generator, rows: int, columns: int) -> Numbers:
    """Uniform weights `(rows, columns)` within ``sqrt(6 / (rows + columns))`` of zero."""
    limit = (6 / (rows + columns)) ** 0.5
    return stream.uniform(-limit, limit, (rows, columns))


def forward(cells: Cells, x: Numbers, over: Trace | None = None) -> Trace:
    """Run `g` cells over their batches, from a state of zeros.

    Parameters
    ----------
    cells : Cells
    x : ndarray (t, g, d + 1, b)
        Inputs, then a one.
    over : Trace, optional
        An earlier trace, which is written over if the shapes are the same: fresh memory costs as much as the sums.

    Returns
    -------
    Trace
    """
    (t, g, _, b), h = x.shape, cells.candidate.shape[1]
    if over is None or over.x.shape != x.shape:
        active, kept, slopes = (np.empty((t, rows, g, b), x.dtype) for rows in (3 * h, h, 3 * h))
        state = np.zeros((t + 1, h, g, b), x.dtype)
    else:
        _, active, state, kept, slopes = over
    np.matmul(cells.inputs, x, out=active.swapaxes(1, 2))
    both = active[:, : 2 * h]
    np.multiply(both, 0.5, out=both)  # sigma(z) = (1 + tanh(z / 2)) / 2, and numpy's tanh is quick
    of_gates, of_candidate = _mixer(0.5 * cells.gates, b), _mixer(cells.candidate, b)
    mixed, summed = np.empty((2 * h, g, b), x.dtype), np.empty((h, g, b), x.dtype)
    steps = zip(both, both[:, :h], both[:, h:], active[:, 2 * h :], kept, state[:-1], state[1:], strict=True)
    for gates, reset, update, candidate, keep, before, after in steps:
        of_gates(before, mixed)
        np.add(gates, mixed, out=gates)
        np.tanh(gates, out=gates)
        np.multiply(gates, 0.5, out=gates)
        np.add(gates, 0.5, out=gates)
        np.multiply(reset, before, out=keep)
        of_candidate(keep, summed)
        np.add(candidate, summed, out=candidate)
        np.tanh(candidate, out=candidate)
        np.subtract(before, candidate, out=after)
        np.multiply(after, update, out=after)
        np.add(after, candidate, out=after)
    return Trace(x, active, state, kept, slopes)


def backward(cells: Cells, trace: Trace, slope: Numbers) -> Cells:
    """Gradient of a loss, one for each cell, in its weights.

    Parameters
    ----------
    cells : Cells
    trace : Trace
        What `forward` returned for these cells.
    slope : ndarray (k, h, g, b)
        Derivative of the loss in the last `k` states by themselves.

    Returns
    -------
    Cells
        Shaped as `cells`, summed over the batch.
    """
    x, active, state, kept, _ = trace
    t, h, g, b = kept.shape
    by_sum = _slopes(trace)
    back_gates, back_candidate = _mixer(cells.gates.swapaxes(1, 2), b), _mixer(cells.candidate.swapaxes(1, 2), b)
    gates, of_gates, of_new = active[:, : 2 * h], by_sum[:, : 2 * h], by_sum.reshape(t, 3, h, g, b)[:, 1:]
    total, through, onward = (np.zeros((h, g, b), x.dtype) for _ in range(3))  # of a state, by r h, by the gates
    for step in range(t - 1, -1, -1):
        if step >= t - len(slope):
            np.add(total, slope[step - t], out=total)
        np.multiply(of_new[step], total, out=of_new[step])
        back_candidate(by_sum[step, 2 * h :], through)
        np.multiply(by_sum[step, :h], through, out=by_sum[step, :h])
        if step == 0:
            break
        np.multiply(total, gates[step, h:], out=total)
        np.multiply(through, gates[step, :h], out=through)
        back_gates(of_gates[step], onward)
        np.add(total, through, out=total)
        np.add(total, onward, out=total)
    rows = by_sum.swapaxes(1, 2)  # (t, g, 3 h, b)
    before, keep = (each.transpose(0, 2, 3, 1) for each in (state[:-1], kept))  # (t, g, b, h)
    return Cells(
        np.matmul(rows, x.swapaxes(2, 3)).sum(axis=0),
        np.matmul(rows[:, :, : 2 * h], before).sum(axis=0),
        np.matmul(rows[:, :, 2 * h :], keep).sum(axis=0),
    )


def _slopes(trace: Trace) -> Numbers:
    """Derivatives `(t, 3 h, g, b)` that need no pass through time.

    Of the kept state in the reset gate's weighted sum, and of the new state in those of update gate and candidate.
    """
    _, active, state, kept, found = trace
    h = kept.shape[1]
    reset, update, candidate = active[:, :h], active[:, h : 2 * h], active[:, 2 * h :]
    of_reset, of_update, of_candidate = found[:, :h], found[:, h : 2 * h], found[:, 2 * h :]
    np.subtract(1, reset, out=of_reset)
    np.multiply(of_reset, kept, out=of_reset)
    rest = 1 - update
    np.subtract(state[:-1], candidate, out=of_update)
    np.multiply(of_update, update, out=of_update)
    np.multiply(of_update, rest, out=of_update)
    np.multiply(candidate, candidate, out=of_candidate)
    np.subtract(1, of_candidate, out=of_candidate)
    np.multiply(of_candidate, rest, out=of_candidate)
    return found


def _mixer(weights: Numbers, batch: int) -> Callable[[Numbers, Numbers], Any]:
    """A function that writes `weights (g, i, j)` times a state `(j, g, b)` into `out (i, g, b)`.

    A single row or column is no work for BLAS: its weights are spread out and multiplied number by number.
    """
    _, i, j = weights.shape
    if j == 1:
        columns = np.repeat(weights.swapaxes(0, 1), batch, axis=2)  # (i, g, b)
        return lambda state, out: np.multiply(columns, state, out=out)
    if i == 1:
        rows = np.repeat(weights.transpose(2, 0, 1), batch, axis=2)  # (j, g, b)
        return lambda state, out: np.add.reduce(rows * state, axis=0, out=out, keepdims=True)
    whole = np.ascontiguousarray(weights)
    return lambda state, out: np.matmul(whole, state.swapaxes(0, 1), out=out.swapaxes(0, 1))
