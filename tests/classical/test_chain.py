"""Forward-backward and Viterbi: against all paths one by one, and against hmmlearn on a long chain."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from synthfin_core.classical.chain import likeliest, smooth


def parameters(k: int, seed: int = 0):
    draws = np.random.default_rng(seed)
    return draws.dirichlet(np.ones(k)), draws.dirichlet(np.ones(k), size=k)


def enumerated(density: np.ndarray, begins: np.ndarray, start: np.ndarray, transition: np.ndarray):
    """Likelihood, posterior, moves and the likeliest path, by summing over every path of states."""
    n, k = density.shape
    posterior, moves = np.zeros((n, k)), np.zeros((k, k))
    likelihood, best = 0.0, (0.0, ())
    for path in product(range(k), repeat=n):
        p = 1.0
        for t, state in enumerate(path):
            p *= density[t, state] * (start[state] if begins[t] else transition[path[t - 1], state])
        likelihood += p
        posterior[np.arange(n), path] += p
        for t in range(1, n):
            if not begins[t]:
                moves[path[t - 1], path[t]] += p
        best = max(best, (p, path))
    return np.log(likelihood), posterior / likelihood, moves / likelihood, best[1]


@pytest.mark.parametrize("begins", [[1, 0, 0, 0, 0, 0, 0], [1, 0, 0, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1, 1]])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_it_sums_over_all_paths(begins, k):
    begins = np.array(begins, dtype=bool)
    density = np.random.default_rng(3).gamma(0.5, size=(7, k))
    start, transition = parameters(k)
    likelihood, posterior, moves, best = enumerated(density, begins, start, transition)
    found = smooth(np.log(density)[None], begins, start[None], transition[None])
    np.testing.assert_allclose(found.likelihood, [likelihood])
    np.testing.assert_allclose(found.posterior[0], posterior)
    np.testing.assert_allclose(found.moves[0], moves)
    assert likeliest(np.log(density), begins, start, transition).tolist() == list(best)


def test_models_side_by_side_do_not_see_each_other():
    log_density = np.random.default_rng(1).normal(size=(2, 50, 3))
    begins = np.arange(50) % 20 == 0
    (start, transition), (other_start, other_transition) = parameters(3), parameters(3, seed=9)
    both = smooth(log_density, begins, np.array([start, other_start]), np.array([transition, other_transition]))
    for r, (s, a) in enumerate([(start, transition), (other_start, other_transition)]):
        alone = smooth(log_density[r : r + 1], begins, s[None], a[None])
        for one, all_together in zip(alone, both, strict=True):
            np.testing.assert_allclose(one[0], all_together[r])


def test_it_agrees_with_hmmlearn_on_a_long_chain():
    base = pytest.importorskip("hmmlearn._hmmc")
    start, transition = parameters(4)
    log_density = np.random.default_rng(2).normal(scale=30.0, size=(3001, 4))
    begins = np.arange(3001) == 0
    found = smooth(log_density[None], begins, start[None], transition[None])
    likelihood, forward = base.forward_log(start, transition, log_density)
    gamma = forward + base.backward_log(start, transition, log_density)
    theirs = np.exp(gamma - np.logaddexp.reduce(gamma, axis=1, keepdims=True))
    np.testing.assert_allclose(found.likelihood, [likelihood])
    np.testing.assert_allclose(found.posterior[0], theirs, atol=1e-9)
    _, path = base.viterbi(start, transition, log_density)
    np.testing.assert_array_equal(likeliest(log_density, begins, start, transition), path)


def test_densities_that_are_next_to_nothing_are_no_trouble():
    start, transition = np.array([1.0, 0.0]), np.array([[1 - 1e-9, 1e-9], [1e-9, 1 - 1e-9]])
    log_density = np.full((400, 2), -1e5)
    log_density[200:, 0] -= 900.0  # each bar all but rules the first state out
    found = smooth(log_density[None], np.arange(400) == 0, start[None], transition[None])
    assert np.isfinite(found.likelihood).all()
    np.testing.assert_allclose(found.posterior.sum(axis=2), 1.0)
    assert (found.posterior[0, 200:, 1] > 0.99).all()
    assert found.moves[0, 0, 1] == pytest.approx(1.0, abs=0.01)
