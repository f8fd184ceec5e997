"""Fits of hidden Markov models from several starts side by side: Baum-Welch passes over strips laid end to end.

Source: Baum, Petrie, Soules and Weiss, *A maximization technique occurring in the statistical analysis of probabilistic
functions of Markov chains* (1970). Letters: `r` starts, `n` bars, `k` states, `d` series.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthfin_core.classical.chain import Flags, smooth
from synthfin_core.classical.em import Array, checked_rows
from synthfin_core.classical.hmm_emissions import Emissions, log_density, maximise
from synthfin_core.errors import DataError
from synthfin_core.rng import stream

FIRST_DEGREES = 8.0
STAYS = 0.9  #: first probability of staying in a state
SMOOTHED_OVER = 40  #: most bars over which volatility is averaged to tell states apart at first
RARE = 1e-10  #: smallest probability of a start or a move, so that no state is out of reach


class Bars(NamedTuple):
    """Strips laid end to end.

    Attributes
    ----------
    x : ndarray (n, d)
    begins : ndarray of bool (n,)
        Which bars are the first of a strip.
    variance : ndarray (d,)
    """

    x: Array
    begins: Flags
    variance: Array

    @classmethod
    def of(cls, strips: Sequence[ArrayLike]) -> Bars:
        """From strips `(s, d)`.

        Raises
        ------
        DataError
            If a strip is not `(s, d)`, the strips differ in `d`, a value is not finite, or a series never changes.
        """
        arrays = [np.asarray(strip, dtype=np.float64) for strip in strips]
        shapes = [array.shape for array in arrays]
        if not arrays or any(len(shape) != 2 or shape[1] != shapes[0][-1] for shape in shapes):
            raise DataError(f"Strips have the shapes {shapes}, expected one or more (bars, series) of the same series.")
        x = checked_rows(np.concatenate(arrays))
        begins = np.zeros(len(x), dtype=bool)
        firsts = np.cumsum([0, *(len(array) for array in arrays[:-1])])
        begins[[first for first, array in zip(firsts, arrays, strict=True) if len(array)]] = True
        return cls(x, begins, x.var(axis=0))


class Chains(NamedTuple):
    """Parameters of `r` hidden Markov models.

    Attributes
    ----------
    start : ndarray (r, k)
    transition : ndarray (r, k, k)
    emissions : Emissions
    """

    start: Array
    transition: Array
    emissions: Emissions

    def only(self, which: int) -> Chains:
        """One of them, as a stack of one."""
        one = slice(which, which + 1)
        emissions = Emissions(*(part[one] for part in self.emissions))
        return Chains(self.start[one], self.transition[one], emissions)

    def state(self) -> dict[str, NDArray[Any]]:
        """The parameters as named arrays."""
        return {"start": self.start, "transition": self.transition, **self.emissions._asdict()}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> Chains:
        """The stack that gave `state`."""
        start, transition = np.array(state["start"]), np.array(state["transition"])
        return cls(start, transition, Emissions(*(np.array(state[name]) for name in Emissions._fields)))


def first_guesses(bars: Bars, states: int, student: bool, restarts: int, seed: int) -> Chains:
    """Where the fits set out: bars told apart by volatility in some, by where they lie in others."""
    n, d = bars.x.shape
    z = (bars.x - bars.x.mean(axis=0)) / np.sqrt(bars.variance)
    weights = np.full((restarts, states, n), 0.1 / states)
    for r in range(restarts):
        draws = stream(seed, f"restart {r}")
        group = _by_volatility(z, states, draws) if r % 2 == 0 else _by_place(z, states, draws)
        weights[r, group, np.arange(n)] += 0.9
    shape = (restarts, states)
    none = Emissions(np.zeros((*shape, d)), np.tile(np.diag(bars.variance), (*shape, 1, 1)), np.full(shape, np.inf))
    emissions = maximise(bars.x, weights, np.zeros_like(weights), none, bars.variance)
    if student:
        emissions = emissions._replace(degrees=np.full(shape, FIRST_DEGREES))
    transition = np.full((states, states), (1 - STAYS) / max(states - 1, 1))
    np.fill_diagonal(transition, STAYS if states > 1 else 1.0)
    return Chains(np.full(shape, 1 / states), np.tile(transition, (restarts, 1, 1)), emissions)


def one_pass(chains: Chains, bars: Bars, sticky: float = 0.0) -> tuple[Chains, Array]:
    """The models after a pass, and the log-likelihoods `(r,)` that they had before it.

    With `sticky`, so many moves from each state to itself are added to those seen, as a Dirichlet prior does; what
    never falls is then the log-likelihood plus `sticky` times the sum of the logarithms of the chances to stay.
    """
    density, distance = log_density(bars.x, chains.emissions)  # (r, k, n)
    found = smooth(density.transpose(0, 2, 1), bars.begins, chains.start, chains.transition)
    weights = np.ascontiguousarray(found.posterior.transpose(0, 2, 1))
    emissions = maximise(bars.x, weights, distance, chains.emissions, bars.variance)
    start = _shares(found.posterior[:, bars.begins].sum(axis=1))
    transition = _shares(found.moves + sticky * np.eye(found.moves.shape[1]))
    return Chains(start, transition, emissions), found.likelihood


def _shares(counts: Array) -> Array:
    """Counts as probabilities along the last axis, none of them zero."""
    total = counts.sum(axis=-1, keepdims=True)
    shares = np.where(total > 0, counts / np.where(total > 0, total, 1.0), 1 / counts.shape[-1])
    shares = np.maximum(shares, RARE)
    even: Array = shares / shares.sum(axis=-1, keepdims=True)
    return even


def _by_volatility(z: Array, states: int, draws: np.random.Generator) -> NDArray[np.int64]:
    """Groups of bars by their size, averaged over a random number of bars, cut at random quantiles."""
    size = np.abs(z).mean(axis=1)
    width = int(draws.integers(1, min(SMOOTHED_OVER, len(size)) + 1))
    size = np.convolve(size, np.full(width, 1 / width), mode="same")
    cuts = np.cumsum(draws.dirichlet(np.full(states, 4.0)))[:-1]
    return np.asarray(np.searchsorted(np.quantile(size, cuts), size))


def _by_place(z: Array, states: int, draws: np.random.Generator) -> NDArray[np.int64]:
    """Groups of bars by which of a few randomly chosen bars is nearest."""
    seeds = z[draws.choice(len(z), states, replace=len(z) < states)]
    distance = ((z[:, None] - seeds) ** 2).sum(axis=2)  # (n, k)
    nearest: NDArray[np.int64] = distance.argmin(axis=1)
    return nearest
