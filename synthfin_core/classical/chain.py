r"""Inference in a chain of hidden states: forward-backward and Viterbi, for several sets of parameters side by side.

.. math:: \alpha_t(j) \propto b_t(j) \sum_i \alpha_{t-1}(i) A_{ij}, \qquad
          \beta_{t-1}(i) \propto \sum_j A_{ij} b_t(j) \beta_t(j), \qquad
          P(s_t = j | x) \propto \alpha_t(j) \beta_t(j),

with `b` the densities of what was observed (Rabiner, *A tutorial on hidden Markov models*, 1989). Strips of bars lie
end to end, and at the first bar of each the state is drawn anew, so that they are one chain to compute with.

A loop over thousands of bars is slow in Python, so the bars are cut into about as many blocks as a block has bars. For
each block and each state just before it the recursion runs side by side; that links the blocks, and then the
recursions run within all blocks at once. Only ratios of numbers of like size are formed, so nothing under- or overflows
however long the chain.

Letters: `r` sets of parameters, `n` bars, `k` states.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthfin_core.classical.em import Array

Flags = NDArray[np.bool_]

LEAST = 1e-300  #: keeps a density that is nowhere above zero from dividing by zero


class Smoothed(NamedTuple):
    """What the whole chain says of its states.

    Attributes
    ----------
    likelihood : ndarray (r,)
        In logs.
    posterior : ndarray (r, n, k)
    moves : ndarray (r, k, k)
        Expected number of moves from state to state, within strips.
    """

    likelihood: Array
    posterior: Array
    moves: Array


def smooth(log_density: Array, begins: Flags, start: Array, transition: Array) -> Smoothed:
    """Forward-backward.

    Parameters
    ----------
    log_density : ndarray (r, n, k)
        Of each bar under each state.
    begins : ndarray of bool (n,)
        Which bars are the first of a strip; bar 0 is.
    start : ndarray (r, k)
        Probability of each state at the first bar of a strip.
    transition : ndarray (r, k, k)
        Probability of moving from state `i` to state `j`.
    """
    r, n, k = log_density.shape
    peak = log_density.max(axis=2, keepdims=True)
    length = int(np.ceil(np.sqrt(n)))
    blocks = -(-n // length)
    density = np.ones((r, blocks * length, k))  # bars past the end say nothing
    density[:, :n] = np.maximum(np.exp(log_density - peak), LEAST)
    fresh = np.zeros(blocks * length, dtype=bool)
    fresh[:n] = begins
    cut = density.reshape(r, blocks, length, k), fresh.reshape(blocks, length)
    before, after = _links(*_through(*cut, start, transition))
    alpha, scale = _forward(*cut, start, transition, before)
    beta = _backward(*cut, transition, after)
    alpha, beta, density = (part.reshape(r, blocks * length, k)[:, :n] for part in (alpha, beta, density))
    posterior = alpha * beta
    posterior /= posterior.sum(axis=2, keepdims=True)
    ahead = density[:, 1:] * beta[:, 1:]  # (r, n - 1, k)
    together = ((alpha[:, :-1] @ transition) * ahead).sum(axis=2, keepdims=True)
    within = np.where(begins[1:, None], 0.0, alpha[:, :-1] / together)
    moves = transition * (within.transpose(0, 2, 1) @ ahead)
    return Smoothed(np.log(scale).sum(axis=(1, 2)) + peak.sum(axis=(1, 2)), posterior, moves)


def _through(density: Array, fresh: Flags, start: Array, transition: Array) -> tuple[Array, Array]:
    """For each state before a block: the states at its end `(r, blocks, k, k)`, and the log-density of its bars."""
    r, blocks, length, k = density.shape
    states = np.broadcast_to(np.eye(k), (r, blocks, k, k))
    likelihood = np.zeros((r, blocks, k))
    for t in range(length):
        moved = states @ transition[:, None]
        if fresh[:, t].any():
            moved = np.where(fresh[:, t, None, None], start[:, None, None, :], moved)
        moved = moved * density[:, :, t, None, :]
        total = moved.sum(axis=3, keepdims=True)
        states = moved / total
        likelihood += np.log(total[..., 0])
    return states, likelihood


def _links(states: Array, likelihood: Array) -> tuple[Array, Array]:
    """States just before each block given all before, and how well each state at its end fits all after."""
    r, blocks, k = likelihood.shape
    before, after = np.full((r, blocks, k), 1 / k), np.ones((r, blocks, k))
    with np.errstate(divide="ignore"):
        for b in range(1, blocks):
            weight = np.log(before[:, b - 1]) + likelihood[:, b - 1]
            weight = np.exp(weight - weight.max(axis=1, keepdims=True))
            reached = np.einsum("ri,rij->rj", weight, states[:, b - 1])
            before[:, b] = reached / reached.sum(axis=1, keepdims=True)
        for b in range(blocks - 1, 0, -1):
            fits = np.log(np.einsum("rij,rj->ri", states[:, b], after[:, b])) + likelihood[:, b]
            after[:, b - 1] = np.exp(fits - fits.max(axis=1, keepdims=True))
    return before, after


def _forward(density: Array, fresh: Flags, start: Array, transition: Array, before: Array) -> tuple[Array, Array]:
    """`alpha`, summing to one at each bar, and what it was divided by: `(r, blocks, length, ...)`."""
    alpha, scale = np.empty_like(density), np.empty(density.shape[:3])
    for t in range(density.shape[2]):
        moved = before @ transition
        if fresh[:, t].any():
            moved = np.where(fresh[:, t, None], start[:, None, :], moved)
        moved = moved * density[:, :, t]
        scale[:, :, t] = moved.sum(axis=2)
        before = alpha[:, :, t] = moved / scale[:, :, t, None]
    return alpha, scale


def _backward(density: Array, fresh: Flags, transition: Array, after: Array) -> Array:
    """`beta`, at most one at each bar: `(r, blocks, length, k)`."""
    beta = np.empty_like(density)
    back = transition.transpose(0, 2, 1)
    for t in range(density.shape[2] - 1, -1, -1):
        beta[:, :, t] = after
        after = (density[:, :, t] * after) @ back
        if fresh[:, t].any():
            after = np.where(fresh[:, t, None], 1.0, after)
        after = after / after.max(axis=2, keepdims=True)
    return beta


def likeliest(log_density: Array, begins: Flags, start: Array, transition: Array) -> NDArray[np.int64]:
    """The likeliest path of states `(n,)`, by Viterbi, of `log_density (n, k)`; `start (k,)`, `transition (k, k)`."""
    with np.errstate(divide="ignore"):
        first, moves = np.log(start), np.log(transition)
    n, k = log_density.shape
    came_from = np.zeros((n, k), dtype=np.int64)
    best = first + log_density[0]  # (k,)
    for t in range(1, n):
        if begins[t]:
            came_from[t] = best.argmax()
            best = best.max() + first + log_density[t]
        else:
            reached = best[:, None] + moves  # (k, k)
            came_from[t] = reached.argmax(axis=0)
            best = reached.max(axis=0) + log_density[t]
    path = np.empty(n, dtype=np.int64)
    path[-1] = best.argmax()
    for t in range(n - 1, 0, -1):
        path[t - 1] = came_from[t, path[t]]
    return path
