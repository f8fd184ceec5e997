"""Mixtures of probabilistic PCA and of full Gaussians: against scipy, scikit-learn and closed forms."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from synthfin_core.classical.em import falls
from synthfin_core.classical.factor import FactorModel
from synthfin_core.classical.gaussian_mixture import GaussianMixture, Principal
from synthfin_core.classical.ppca_mixture import PPCAMixture
from synthfin_core.errors import DataError, SettingError


@pytest.fixture(scope="module")
def truth() -> PPCAMixture:
    draws = np.random.default_rng(0)
    means = np.array([[-4.0] * 6, [4.0] * 6, [4.0, -4.0] * 3])
    return PPCAMixture(np.array([0.5, 0.3, 0.2]), means, draws.standard_normal((3, 6, 2)), np.array([0.1, 0.4, 0.2]))


@pytest.fixture(scope="module")
def rows(truth) -> np.ndarray:
    return truth.draw(1200, seed=2)


@pytest.fixture(scope="module")
def returns() -> np.ndarray:
    """Calm and wild bars of two series."""
    draws = np.random.default_rng(4)
    calm, wild = draws.standard_normal((1500, 2)), 4 * draws.standard_normal((500, 2))
    return np.concatenate([calm, wild]) @ np.array([[1.0, 0.5], [0.0, 0.8]])


class TestPPCAMixture:
    def test_densities_are_those_of_normals(self, truth, rows):
        from scipy.stats import multivariate_normal

        found = truth.log_densities(rows[:10])
        for c in range(3):
            covariance = truth.loadings[c] @ truth.loadings[c].T + truth.noise[c] * np.eye(6)
            theirs = multivariate_normal(truth.means[c], covariance).logpdf(rows[:10]) + np.log(truth.shares[c])
            np.testing.assert_allclose(found[:, c], theirs)

    def test_one_component_is_probabilistic_pca(self, rows):
        mixture = PPCAMixture.fit(rows, 1, 3)
        alone = FactorModel.fit(rows, 3, "equal")
        covariance = mixture.loadings[0] @ mixture.loadings[0].T + mixture.noise[0] * np.eye(6)
        np.testing.assert_allclose(covariance, alone.covariance(), atol=1e-6)

    def test_one_component_climbs_there_from_anywhere(self, rows):
        anywhere = np.random.default_rng(1).standard_normal((1, 6, 3))
        model = PPCAMixture(np.ones(1), rows[:1], anywhere, np.ones(1))
        for found, _ in islice(model.passes(rows[:300]), 600):  # noqa: B007
            pass
        covariance = found.loadings[0] @ found.loadings[0].T + found.noise[0] * np.eye(6)
        np.testing.assert_allclose(covariance, FactorModel.fit(rows[:300], 3, "equal").covariance(), atol=1e-3)

    def test_it_finds_what_it_was_drawn_from(self, rows, truth):
        model = PPCAMixture.fit(rows, 3, 2, seed=1)
        order = [int(np.argmin(((model.means - mean) ** 2).sum(axis=1))) for mean in truth.means]
        np.testing.assert_allclose(model.shares[order], truth.shares, atol=0.05)
        np.testing.assert_allclose(model.means[order], truth.means, atol=0.4)
        np.testing.assert_allclose(model.noise[order], truth.noise, rtol=0.15)
        assert model.log_likelihood(rows).sum() >= truth.log_likelihood(rows).sum()

    def test_the_likelihood_never_falls(self, rows):
        start = PPCAMixture.start(rows, 5, 3, seed=0)
        told = [likelihood for _, likelihood in islice(start.passes(rows), 80)]
        assert falls(told) < 1e-7
        assert told[-1] > told[0] + 1
        assert told[0] == pytest.approx(start.log_likelihood(rows).sum())

    def test_far_away_responsibilities_still_sum_to_one(self, truth):
        far = truth.responsibilities(np.array([[1e6] * 6, [-1e6] * 6]))
        np.testing.assert_allclose(far.sum(axis=1), 1.0)

    def test_copies_of_a_row_do_not_break_it(self, rows):
        copied = np.concatenate([rows, np.repeat(rows[:1], 200, axis=0)])
        model = PPCAMixture.fit(copied, 4, 2, seed=0)
        assert np.isfinite(model.log_likelihood(copied)).all()
        assert (model.noise >= 0.999e-6 * copied.var(axis=0).mean()).all()

    def test_the_criterion_prefers_the_truth(self, rows):
        by_count = {k: PPCAMixture.fit(rows, k, 2, seed=0).bic(rows) for k in (1, 2, 3, 5)}
        assert min(by_count, key=by_count.__getitem__) == 3

    def test_draws_have_the_moments_of_the_model(self, truth):
        drawn = truth.draw(60_000, seed=0)
        mean = truth.shares @ truth.means
        covariance = -np.outer(mean, mean)
        for share, centre, loadings, noise in zip(*truth.state().values(), strict=True):
            covariance += share * (loadings @ loadings.T + noise * np.eye(6) + np.outer(centre, centre))
        np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=0.08)
        np.testing.assert_allclose(np.cov(drawn, rowvar=False), covariance, atol=0.35)
        np.testing.assert_allclose(truth.draw(7, seed=0), drawn[:7])

    @pytest.mark.parametrize(("components", "factors"), [(0, 2), (2000, 2), (2, 6)])
    def test_impossible_sizes_are_refused_in_words(self, rows, components, factors):
        with pytest.raises(SettingError, match="were asked for, expected 1 to"):
            PPCAMixture.fit(rows, components, factors)


class TestGaussianMixture:
    def test_it_agrees_with_scikit_learn(self, returns):
        from sklearn.mixture import GaussianMixture as Theirs

        model = GaussianMixture.fit(returns, 2)
        theirs = Theirs(2, weights_init=model.shares, means_init=model.means, random_state=0)
        theirs.precisions_init = np.linalg.inv(model.covariances)
        theirs.fit(returns)
        np.testing.assert_allclose(model.log_likelihood(returns).mean(), theirs.score(returns), atol=2e-4)
        np.testing.assert_allclose(model.responsibilities(returns), theirs.predict_proba(returns), atol=0.02)
        assert model.bic(returns) == pytest.approx(theirs.bic(returns), abs=1.0)

    def test_components_are_sorted_by_volatility(self, returns):
        model = GaussianMixture.fit(returns, 2)
        assert (np.diff(model.volatility, axis=0) > 0).all()
        np.testing.assert_allclose(model.shares, [0.75, 0.25], atol=0.05)
        np.testing.assert_allclose(model.volatility[1] / model.volatility[0], 4.0, rtol=0.15)

    def test_draws_have_the_moments_of_the_rows(self, returns):
        drawn = GaussianMixture.fit(returns, 3).draw(50_000, seed=1)
        np.testing.assert_allclose(np.cov(drawn, rowvar=False), np.cov(returns, rowvar=False), rtol=0.05)

    def test_flat_rows_are_refused_in_words(self, returns):
        with pytest.raises(DataError, match="Series 1 never changes"):
            GaussianMixture.fit(np.where(np.arange(2) == 1, 0.0, returns), 2)


class TestPrincipal:
    def test_what_is_left_out_comes_back_as_noise_of_the_same_size(self, rows):
        kept = Principal.of(rows, 2)
        shown = np.random.default_rng(0).choice(kept.forward(rows), 40_000)
        drawn = kept.inverse(shown, seed=0)
        np.testing.assert_allclose(np.cov(drawn, rowvar=False), np.cov(rows, rowvar=False), atol=0.5)
        np.testing.assert_allclose(drawn.mean(axis=0), rows.mean(axis=0), atol=0.15)

    def test_with_all_directions_nothing_is_left_out(self, rows):
        kept = Principal.of(rows, 6)
        np.testing.assert_allclose(kept.inverse(kept.forward(rows), seed=0), rows)

    def test_directions_without_spread_are_left_out(self, rows):
        kept = Principal.of(np.column_stack([rows, rows[:, 0]]), 7)
        assert kept.leading.shape == (7, 6)
