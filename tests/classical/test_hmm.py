"""Hidden Markov models: against hmmlearn, scipy's densities, and chains that they are fitted back to."""

from __future__ import annotations

import warnings
from itertools import islice

import numpy as np
import pytest

from synthfin_core.classical.em import falls
from synthfin_core.classical.hmm import HMM
from synthfin_core.classical.hmm_em import Bars, first_guesses, one_pass
from synthfin_core.classical.hmm_emissions import Emissions, log_density
from synthfin_core.errors import DataError, SettingError


@pytest.fixture(scope="module")
def truth() -> HMM:
    transition = np.array([[0.98, 0.015, 0.005], [0.02, 0.96, 0.02], [0.01, 0.04, 0.95]])
    shape = np.array([[1.0, 0.6], [0.6, 1.0]])
    scatters = np.array([0.3, 1.5, 9.0])[:, None, None] * shape
    means = np.array([[0.1, 0.1], [0.0, 0.0], [-0.5, -0.6]])
    return HMM(np.array([0.6, 0.3, 0.1]), transition, means, scatters, np.full(3, np.inf))


@pytest.fixture(scope="module")
def strips(truth) -> list[np.ndarray]:
    """Strips of 1500, 900 and 600 bars."""
    drawn = truth.simulate(1500, 3, seed=4)
    return [drawn[0], drawn[1, :900], drawn[2, :600]]


@pytest.fixture(scope="module")
def theirs(truth):
    hmm = pytest.importorskip("hmmlearn.hmm")
    model = hmm.GaussianHMM(3, "full", init_params="", params="stmc", n_iter=1, tol=-np.inf)
    model.startprob_, model.transmat_ = truth.start, truth.transition
    model.means_, model.covars_ = truth.means, truth.scatters
    model.covars_prior, model.covars_weight, model.means_weight = 0.0, 0.0, 0.0
    return model


class TestAgainstHmmlearn:
    def test_likelihood(self, truth, theirs, strips):
        ours = truth.log_likelihood(strips)
        assert ours == pytest.approx(theirs.score(np.concatenate(strips), [len(strip) for strip in strips]))

    def test_posteriors(self, truth, theirs, strips):
        found = theirs.predict_proba(np.concatenate(strips), [len(strip) for strip in strips])
        ours = truth.posterior(strips)
        assert [len(part) for part in ours] == [1500, 900, 600]
        np.testing.assert_allclose(np.concatenate(ours), found, atol=1e-9)

    def test_likeliest_paths(self, truth, theirs, strips):
        found = theirs.predict(np.concatenate(strips), [len(strip) for strip in strips])
        np.testing.assert_array_equal(np.concatenate(truth.viterbi(strips)), found)

    def test_one_pass(self, truth, theirs, strips):
        guesses = first_guesses(Bars.of(strips), 3, False, 1, seed=0)
        theirs.startprob_, theirs.transmat_ = guesses.start[0], guesses.transition[0]
        theirs.means_, theirs.covars_ = guesses.emissions.means[0], guesses.emissions.scatters[0]
        after, _ = one_pass(guesses, Bars.of(strips))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs.fit(np.concatenate(strips), [len(strip) for strip in strips])
        np.testing.assert_allclose(after.start[0], theirs.startprob_, atol=1e-8)
        np.testing.assert_allclose(after.transition[0], theirs.transmat_, atol=1e-8)
        np.testing.assert_allclose(after.emissions.means[0], theirs.means_, atol=1e-8)
        np.testing.assert_allclose(after.emissions.scatters[0], theirs.covars_, atol=2e-3)

    def test_criterion(self, truth, strips):
        n, d, k = 3000, 2, 3
        free = k * (d + d * (d + 1) // 2) + k * (k - 1) + k - 1
        assert truth.bic(strips) == pytest.approx(free * np.log(n) - 2 * truth.log_likelihood(strips))


class TestFit:
    @pytest.mark.parametrize("emissions", ["gaussian", "student-t"])
    @pytest.mark.parametrize("sticky", [0.0, 20.0])
    def test_the_likelihood_never_falls(self, strips, emissions, sticky):
        bars = Bars.of(strips)
        chains = first_guesses(bars, 4, emissions == "student-t", 1, seed=1)
        told = [likelihood for _, likelihood in islice(HMM.passes(chains, bars, sticky), 40)]
        assert falls(told) < 1e-6
        assert told[-1] > told[0] + 10

    def test_a_floor_does_not_make_it_fall(self, strips):
        zeros = [np.where(np.arange(len(strip))[:, None] % 3 == 0, 0.0, strip) for strip in strips]
        bars = Bars.of(zeros)
        chains = first_guesses(bars, 3, False, 1, seed=2)
        steps = list(islice(HMM.passes(chains, bars), 40))
        assert falls([likelihood for _, likelihood in steps]) < 1e-6
        floor = 1e-4 * bars.variance.min()
        assert np.linalg.eigvalsh(steps[-1][0].scatters).min() == pytest.approx(floor, rel=0.3)

    def test_it_finds_the_chain_it_was_drawn_from(self, strips, truth):
        model = HMM.fit(strips, 3, "gaussian")
        np.testing.assert_allclose(model.transition, truth.transition, atol=0.03)
        np.testing.assert_allclose(model.volatility, truth.volatility, rtol=0.12)
        np.testing.assert_allclose(model.means[:2], truth.means[:2], atol=0.12)
        assert model.log_likelihood(strips) > truth.log_likelihood(strips)

    def test_it_finds_heavy_tails(self, truth):
        heavy = HMM(truth.start, truth.transition, truth.means, truth.scatters, np.array([4.0, 6.0, 60.0]))
        drawn = list(heavy.simulate(3000, 2, seed=1))
        model = HMM.fit(drawn, 3, restarts=4)
        assert 3.2 < model.degrees[0] < 5.2
        assert 4.5 < model.degrees[1] < 9.0
        assert model.degrees[2] > 15
        np.testing.assert_allclose(model.scatters[:2], heavy.scatters[:2], rtol=0.25)
        assert model.log_likelihood(drawn) > heavy.log_likelihood(drawn)

    def test_the_criterion_finds_the_number_of_states(self, strips):
        by_count = {k: HMM.fit(strips, k, "gaussian", restarts=4, tolerance=1e-4).bic(strips) for k in (2, 3, 4)}
        assert min(by_count, key=by_count.__getitem__) == 3

    def test_the_likeliest_of_the_restarts_goes_on(self, strips):
        bars = Bars.of(strips)
        chains = first_guesses(bars, 5, True, 6, seed=0)
        for _ in range(10):
            chains, likelihoods = one_pass(chains, bars)
        assert likelihoods.max() > likelihoods.min() + 1
        alone = [HMM.of(chains, r).log_likelihood(strips) for r in range(6)]
        model = HMM.fit(strips, 5, restarts=6, tolerance=1e-3)
        assert model.log_likelihood(strips) > max(alone)

    def test_what_cannot_be_fitted_is_refused_in_words(self, strips):
        with pytest.raises(SettingError, match="5 states were asked for, expected 1 to 4 for 4 bars"):
            HMM.fit([strips[0][:4]], 5)
        with pytest.raises(DataError, match="expected one or more"):
            HMM.fit([strips[0], strips[1][:, :1]])
        with pytest.raises(DataError, match="Series 1 never changes"):
            HMM.fit([np.where(np.arange(2) == 1, 1.0, strips[0])])
        with pytest.raises(DataError, match="missing or infinite"):
            HMM.fit([np.where(strips[0] > 3, np.nan, strips[0])])


class TestModel:
    def test_student_densities_are_those_of_scipy(self, truth, strips):
        from scipy.stats import multivariate_t

        degrees = np.array([3.0, 7.0, 50.0])
        at = Emissions(truth.means[None], truth.scatters[None], degrees[None])
        found = log_density(strips[0][:20], at)[0][0]
        for k in range(3):
            theirs = multivariate_t(truth.means[k], truth.scatters[k], df=degrees[k]).logpdf(strips[0][:20])
            np.testing.assert_allclose(found[k], theirs)

    def test_with_very_many_degrees_of_freedom_student_is_gaussian(self, truth, strips):
        nearly = HMM(truth.start, truth.transition, truth.means, truth.scatters, np.full(3, 1e8))
        assert nearly.log_likelihood(strips) == pytest.approx(truth.log_likelihood(strips), abs=0.01)
        np.testing.assert_allclose(nearly.covariances, truth.covariances, rtol=1e-6)

    def test_states_are_sorted_by_volatility(self, truth, strips):
        model = HMM.fit(strips, 3, restarts=3, tolerance=1e-3)
        assert (np.diff(model.volatility, axis=0) > 0).all()

    def test_the_stationary_law_stays(self, truth):
        np.testing.assert_allclose(truth.stationary @ truth.transition, truth.stationary)
        assert truth.stationary.sum() == pytest.approx(1.0)

    def test_paths_are_stationary(self, truth):
        states = truth.simulate_states(40, 20_000, seed=0)
        for t in (0, 1, 39):
            np.testing.assert_allclose(np.bincount(states[:, t]) / 20_000, truth.stationary, atol=0.012)
        stays = [(states[:, 1:][states[:, :-1] == k] == k).mean() for k in range(3)]
        np.testing.assert_allclose(stays, np.diag(truth.transition), atol=0.003)
        np.testing.assert_allclose(truth.durations, [50.0, 25.0, 20.0])

    def test_bars_have_the_moments_of_their_states(self, truth):
        heavy = HMM(truth.start, truth.transition, truth.means, truth.scatters, np.array([6.0, 8.0, 10.0]))
        for model in (truth, heavy):
            x, states = model.simulate(60, 4000, seed=3), model.simulate_states(60, 4000, seed=3)
            for k in range(3):
                np.testing.assert_allclose(x[states == k].mean(axis=0), model.means[k], atol=0.1)
                np.testing.assert_allclose(np.cov(x[states == k], rowvar=False), model.covariances[k], rtol=0.12)

    def test_a_path_does_not_depend_on_how_many_are_drawn(self, truth):
        heavy = HMM(truth.start, truth.transition, truth.means, truth.scatters, np.array([4.0, 6.0, 9.0]))
        np.testing.assert_array_equal(heavy.simulate(30, 9, seed=2)[:4], heavy.simulate(30, 4, seed=2))

    def test_kept_and_restored_it_is_the_same(self, truth):
        restored = HMM.from_state(truth.state())
        np.testing.assert_array_equal(restored.simulate(5, 3, 0), truth.simulate(5, 3, 0))
