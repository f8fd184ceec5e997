r"""Hidden Markov model: regimes that last, each with bars of its own.

.. math:: P(s_t = j | s_{t-1} = i) = A_{ij}, \qquad x_t | s_t = k \sim t_{\nu_k}(\mu_k, S_k) \text{ or } N(\mu_k, S_k).

Unlike a mixture it remembers where it was, so that volatility clusters. Sources: Rabiner, *A tutorial on hidden Markov
models* (1989); for returns, Rydén, Teräsvirta and Åsbrink, *Stylized facts of daily return series and the hidden Markov
model* (1998); the Student-t by Liu and Rubin (1995), see `hmm_emissions`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthfin_core.classical.chain import likeliest, smooth
from synthfin_core.classical.em import Array, climb
from synthfin_core.classical.hmm_em import Bars, Chains, first_guesses, one_pass
from synthfin_core.classical.hmm_emissions import Emissions, log_density
from synthfin_core.errors import SettingError
from synthfin_core.rng import stream

Kind = Literal["student-t", "gaussian"]

SHORT_PASSES = 10  #: of every start, before the likeliest goes on
TOLERANCE = 1e-6  #: gain in log-likelihood per bar at which a fit ends
MOST_PASSES = 500


@dataclass(frozen=True, eq=False)
class HMM:
    """A hidden Markov model, states sorted by volatility.

    Attributes
    ----------
    start : ndarray (K,)
        Probabilities of the states at the first bar of a strip; paths begin in `stationary` instead.
    transition : ndarray (K, K)
        `A`.
    means : ndarray (K, d)
    scatters : ndarray (K, d, d)
        `S`: covariances where the emissions are Gaussian.
    degrees : ndarray (K,)
        `nu`; infinite where the emissions are Gaussian.
    """

    start: Array
    transition: Array
    means: Array
    scatters: Array
    degrees: Array

    @classmethod
    def fit(
        cls,
        strips: Sequence[ArrayLike],
        states: int = 4,
        emissions: Kind = "student-t",
        *,
        restarts: int = 10,
        seed: int = 0,
        sticky: float = 0.0,
        tolerance: float = TOLERANCE,
        most_passes: int = MOST_PASSES,
    ) -> Self:
        """Fit strips `(s, d)` by expectation maximisation.

        Parameters
        ----------
        strips : sequence of array_like (s, d)
            Consecutive bars; none follows from another.
        states : int
            `K`.
        emissions : {"student-t", "gaussian"}
        restarts : int
            Starts, each followed for ten passes; the likeliest goes on.
        seed : int
        sticky : float
            Moves from each state to itself that are added to those seen: more makes regimes last.
        tolerance : float
            Gain in log-likelihood per bar at which the fit ends.
        most_passes : int

        Raises
        ------
        DataError
            If the strips can't be used.
        SettingError
            If there are more states than bars.
        """
        bars = Bars.of(strips)
        check_states(states, len(bars.x))
        chains = first_guesses(bars, states, emissions == "student-t", restarts, seed)
        likelihoods = np.zeros(restarts)
        for _ in range(SHORT_PASSES):
            chains, likelihoods = one_pass(chains, bars, sticky)
        best = chains.only(int(np.argmax(likelihoods)))
        return climb(cls.passes(best, bars, sticky), tolerance * len(bars.x), most_passes)[0]

    @classmethod
    def passes(cls, chains: Chains, bars: Bars, sticky: float = 0.0) -> Iterator[tuple[Self, float]]:
        """From a stack of one model: the model after each pass, and what the pass set out from.

        That is the log-likelihood, with the logarithm of the sticky prior added where there is one; it never falls.
        """
        while True:
            prior = sticky * float(np.log(np.diagonal(chains.transition[0])).sum())
            chains, likelihoods = one_pass(chains, bars, sticky)
            yield cls.of(chains, 0), float(likelihoods[0]) + prior

    @classmethod
    def of(cls, chains: Chains, which: int) -> Self:
        """One model of a stack, its states sorted."""
        parts = (chains.start, chains.transition, *chains.emissions)
        model = cls(*(np.array(part[which]) for part in parts))
        order = np.argsort(np.log(model.volatility).mean(axis=1), kind="stable")
        return cls(
            model.start[order],
            model.transition[np.ix_(order, order)],
            model.means[order],
            model.scatters[order],
            model.degrees[order],
        )

    @property
    def covariances(self) -> Array:
        """Of the bars of each state, `(K, d, d)`."""
        finite = np.isfinite(self.degrees)
        wider = np.where(finite, self.degrees / np.where(finite, self.degrees - 2, 1.0), 1.0)
        covariances: Array = self.scatters * wider[:, None, None]
        return covariances

    @property
    def volatility(self) -> Array:
        """Standard deviation of each series in each state, `(K, d)`."""
        volatility: Array = np.sqrt(np.diagonal(self.covariances, axis1=1, axis2=2))
        return volatility

    @property
    def stationary(self) -> Array:
        """Share of time in each state in the long run, `(K,)`: what `A` leaves as it is."""
        k = len(self.start)
        shares = np.linalg.solve((np.eye(k) - self.transition + 1.0).T, np.ones(k))
        positive = np.maximum(shares, 0.0)
        return np.asarray(positive / positive.sum())

    @property
    def durations(self) -> Array:
        """Mean number of bars that a state lasts, `(K,)`."""
        durations: Array = 1 / (1 - np.minimum(np.diagonal(self.transition), 1 - 1e-12))
        return durations

    def log_likelihood(self, strips: Sequence[ArrayLike]) -> float:
        """Of strips `(s, d)`, in nats."""
        bars = Bars.of(strips)
        found = smooth(self._log_density(bars)[None], bars.begins, self.start[None], self.transition[None])
        return float(found.likelihood[0])

    def posterior(self, strips: Sequence[ArrayLike]) -> list[Array]:
        """Probability of each state at each bar, given all bars: `(s, K)` for each strip."""
        bars = Bars.of(strips)
        found = smooth(self._log_density(bars)[None], bars.begins, self.start[None], self.transition[None])
        return _as_strips(found.posterior[0], strips)

    def viterbi(self, strips: Sequence[ArrayLike]) -> list[NDArray[np.int64]]:
        """The likeliest path of states, `(s,)` for each strip."""
        bars = Bars.of(strips)
        return _as_strips(likeliest(self._log_density(bars), bars.begins, self.start, self.transition), strips)

    def parameters(self) -> int:
        """Numbers that are free."""
        k, d = self.means.shape
        own = d + d * (d + 1) // 2 + int(np.isfinite(self.degrees).all())
        return int(k * own + k * (k - 1) + k - 1)

    def bic(self, strips: Sequence[ArrayLike]) -> float:
        """Bayesian information criterion: lower is better (Schwarz, 1978)."""
        n = sum(len(np.asarray(strip)) for strip in strips)
        return float(self.parameters() * np.log(n) - 2 * self.log_likelihood(strips))

    def simulate_states(self, bars: int, paths: int, seed: int) -> NDArray[np.int64]:
        """Paths of states `(paths, bars)` that begin in the stationary law; path `i` depends on `(seed, i)` alone."""
        u = stream(seed, "states").random((paths, bars))
        k = len(self.start)
        states = np.empty((paths, bars), dtype=np.int64)
        states[:, 0] = np.minimum(np.searchsorted(np.cumsum(self.stationary), u[:, 0], side="right"), k - 1)
        edges = np.cumsum(self.transition, axis=1)[:, :-1]  # (K, K - 1)
        for t in range(1, bars):
            states[:, t] = (u[:, t, None] >= edges[states[:, t - 1]]).sum(axis=1)
        return states

    def simulate(self, bars: int, paths: int, seed: int) -> Array:
        """Stationary paths `(paths, bars, d)`; path `i` depends on `(seed, i)` alone."""
        states = self.simulate_states(bars, paths, seed)
        x = stream(seed, "bars").standard_normal((paths, bars, self.means.shape[1]))
        if np.isfinite(self.degrees).all():
            half = self.degrees[states] / 2
            x *= np.sqrt(half / stream(seed, "tails").standard_gamma(half))[:, :, None]
        roots = np.linalg.cholesky(self.scatters)
        for k in np.unique(states):
            here = states == k
            x[here] = self.means[k] + np.einsum("nj,ij->ni", x[here], roots[k])  # a matrix product rounds by size
        return x

    def state(self) -> dict[str, NDArray[Any]]:
        """The parameters as named arrays."""
        names = ("start", "transition", "means", "scatters", "degrees")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """The model that gave `state`."""
        names = ("start", "transition", "means", "scatters", "degrees")
        return cls(*(np.array(state[name], dtype=np.float64) for name in names))

    def _log_density(self, bars: Bars) -> Array:
        """Of each bar under each state, `(n, K)`."""
        at = Emissions(self.means[None], self.scatters[None], self.degrees[None])
        return np.ascontiguousarray(log_density(bars.x, at)[0][0].T)


def check_states(states: int, bars: int) -> None:
    """Refuse more states than bars.

    Raises
    ------
    SettingError
        If there are.
    """
    if not 1 <= states <= bars:
        raise SettingError(f"{states} states were asked for, expected 1 to {bars} for {bars} bars.")


def _as_strips(values: NDArray[Any], strips: Sequence[ArrayLike]) -> list[NDArray[Any]]:
    """Values of all bars, cut where the strips are."""
    ends = np.cumsum([len(np.asarray(strip)) for strip in strips])[:-1]
    return np.split(values, ends)
