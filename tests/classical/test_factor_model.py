"""Factor analysis and probabilistic PCA: against the closed form, scikit-learn, and plain Gaussian algebra."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from synthfin_core.classical.em import climb, falls
from synthfin_core.classical.factor import FactorModel
from synthfin_core.classical.factor_em import Factors, passes_complete, passes_missing
from synthfin_core.errors import DataError, SettingError


@pytest.fixture(scope="module")
def truth() -> FactorModel:
    draws = np.random.default_rng(0)
    loadings = draws.standard_normal((8, 2)) * np.array([2.0, 1.0])
    return FactorModel(draws.standard_normal(8), loadings, draws.uniform(0.2, 1.5, 8))


@pytest.fixture(scope="module")
def rows(truth) -> np.ndarray:
    return truth.draw(1500, seed=3)


@pytest.fixture(scope="module")
def holed(rows) -> np.ndarray:
    """The rows with a fifth of their values missing."""
    return np.where(np.random.default_rng(1).random(rows.shape) < 0.2, np.nan, rows)


def closed_form(rows: np.ndarray, k: int) -> np.ndarray:
    """Covariance of the likeliest probabilistic PCA (Tipping and Bishop, 1999)."""
    values, vectors = np.linalg.eigh(np.cov(rows, rowvar=False, bias=True))
    noise = values[:-k].mean()
    kept = vectors[:, -k:]
    return kept @ np.diag(values[-k:] - noise) @ kept.T + noise * np.eye(len(values))


class TestFit:
    def test_equal_noise_is_the_closed_form(self, rows):
        model = FactorModel.fit(rows, 2, "equal")
        np.testing.assert_allclose(model.covariance(), closed_form(rows, 2), atol=1e-8)

    def test_from_anywhere_equal_noise_climbs_to_the_closed_form(self, rows):
        covariance = np.cov(rows, rowvar=False, bias=True)
        anywhere = Factors(rows.mean(axis=0), np.random.default_rng(5).standard_normal((8, 2)), np.ones(8))
        climbing = passes_complete(anywhere, covariance, len(rows), True, np.full(8, 1e-9))
        found, gone = climb(climbing, 1e-9, 5000)
        np.testing.assert_allclose(FactorModel(*found).covariance(), closed_form(rows, 2), atol=1e-4)
        assert len(gone) > 10

    def test_unequal_noise_agrees_with_scikit_learn(self, rows):
        from sklearn.decomposition import FactorAnalysis

        theirs = FactorAnalysis(2, tol=1e-10, max_iter=10_000, svd_method="lapack").fit(rows)
        model = FactorModel.fit(rows, 2, tolerance=1e-10, most_passes=10_000)
        assert model.log_likelihood(rows).mean() == pytest.approx(theirs.score(rows), abs=1e-6)
        np.testing.assert_allclose(model.covariance(), theirs.get_covariance(), atol=2e-3)

    def test_unequal_noise_finds_what_it_was_drawn_from(self, rows, truth):
        model = FactorModel.fit(rows, 2)
        np.testing.assert_allclose(model.noise, truth.noise, rtol=0.25)
        np.testing.assert_allclose(model.decompose().share, truth.decompose().share, atol=0.06)

    def test_with_values_missing_it_finds_nearly_the_same(self, holed, rows):
        model, whole = FactorModel.fit(holed, 2), FactorModel.fit(rows, 2)
        sd = np.sqrt(np.diag(whole.covariance()))
        np.testing.assert_allclose(
            model.covariance() / np.outer(sd, sd), whole.covariance() / np.outer(sd, sd), atol=0.05
        )
        np.testing.assert_allclose(model.mean / sd, whole.mean / sd, atol=0.05)

    def test_values_missing_for_a_reason_in_sight_do_not_bend_the_mean(self):
        draws = np.random.default_rng(2)
        first = draws.standard_normal(1500)
        second = first + 0.5 * draws.standard_normal(1500)
        rows = np.column_stack([first, second, first + 0.5 * draws.standard_normal(1500)])
        rows[first > 0, 1] = np.nan  # known only in bad times
        model = FactorModel.fit(rows, 1)
        assert np.nanmean(rows[:, 1]) < -0.7
        assert model.mean[1] == pytest.approx(0.0, abs=0.1)
        assert model.covariance()[1, 1] == pytest.approx(1.25, abs=0.15)

    @pytest.mark.parametrize("noise", ["equal", "unequal"])
    @pytest.mark.parametrize("which", ["rows", "holed"])
    def test_the_likelihood_never_falls(self, noise, which, request):
        x = request.getfixturevalue(which)[:300]
        told = [likelihood for _, likelihood in islice(FactorModel.passes(x, 3, noise), 40)]
        assert falls(told) < 1e-8
        already_there = (noise, which) == ("equal", "rows")
        assert told[-1] > told[0] + (-1e-8 if already_there else 1.0)

    def test_the_likelihood_that_is_told_is_that_of_the_model_before(self, rows):
        (first, _), (_, likelihood) = islice(FactorModel.passes(rows, 2), 2)
        assert likelihood == pytest.approx(first.log_likelihood(rows).sum())

    @pytest.mark.parametrize("equal", [True, False])
    def test_with_nothing_missing_both_kinds_of_passes_agree(self, rows, equal):
        covariance = np.cov(rows, rowvar=False, bias=True)
        at = Factors(rows.mean(axis=0), np.random.default_rng(6).standard_normal((8, 3)), np.ones(8))
        least, known = np.full(8, 1e-9), np.ones(rows.shape, dtype=bool)
        quick = list(islice(passes_complete(at, covariance, len(rows), equal, least), 3))
        slow = list(islice(passes_missing(at, rows, known, equal, least), 3))
        for (one, likelihood), (other, same) in zip(quick, slow, strict=True):
            assert likelihood == pytest.approx(same)
            for a, b in zip(one, other, strict=True):
                np.testing.assert_allclose(a, b, atol=1e-8)

    def test_without_factors_series_are_independent(self, rows):
        model = FactorModel.fit(rows, 0)
        np.testing.assert_allclose(model.covariance(), np.diag(rows.var(axis=0)))
        np.testing.assert_allclose(model.decompose().share, 0.0)

    def test_noise_has_a_floor(self, rows):
        twice = np.column_stack([rows, rows[:, 0]])  # a copy is explained wholly: a Heywood case
        model = FactorModel.fit(twice, 3, most_passes=3000, tolerance=1e-9)
        assert model.noise.min() == pytest.approx(1e-6 * rows[:, 0].var(), rel=1.0)
        assert np.isfinite(model.log_likelihood(twice)).all()

    @pytest.mark.parametrize(
        ("spoil", "error", "words"),
        [
            (lambda x: (x, 8), SettingError, "8 factors were asked for, expected 0 to 7 for 8 series"),
            (lambda x: (x[:, 0], 1), DataError, "shape"),
            (lambda x: (np.where(np.arange(8) == 3, np.nan, x), 1), DataError, "Series 3 never changes"),
            (lambda x: (np.where(x == x[0, 0], np.inf, x), 1), DataError, "missing or infinite"),
        ],
    )
    def test_what_cannot_be_fitted_is_refused_in_words(self, rows, spoil, error, words):
        x, factors = spoil(rows)
        with pytest.raises(error, match=words):
            FactorModel.fit(x, factors)


class TestModel:
    def test_likelihood_is_that_of_the_normal(self, truth, rows):
        from scipy.stats import multivariate_normal

        theirs = multivariate_normal(truth.mean, truth.covariance()).logpdf(rows[:20])
        np.testing.assert_allclose(truth.log_likelihood(rows[:20]), theirs)

    def test_likelihood_of_what_is_known_is_that_of_the_marginal(self, truth, holed):
        from scipy.stats import multivariate_normal

        found = truth.log_likelihood(holed[:30])
        for row, likelihood in zip(holed[:30], found, strict=True):
            o = np.isfinite(row)
            marginal = multivariate_normal(truth.mean[o], truth.covariance()[np.ix_(o, o)])
            assert likelihood == pytest.approx(marginal.logpdf(row[o]))

    def test_posterior_is_that_of_the_joint_normal(self, truth, holed):
        means, covariances = truth.posterior(holed[:10])
        for row, mean, covariance in zip(holed[:10], means, covariances, strict=True):
            o = np.isfinite(row)
            loadings = truth.loadings[o]
            gain = loadings.T @ np.linalg.inv(truth.covariance()[np.ix_(o, o)])
            np.testing.assert_allclose(mean, gain @ (row - truth.mean)[o])
            np.testing.assert_allclose(covariance, np.eye(2) - gain @ loadings, atol=1e-12)

    def test_canonical_factors_are_told_apart(self, truth, rows):
        model = truth.canonical()
        np.testing.assert_allclose(model.covariance(), truth.covariance())
        covariance = model.posterior(rows[:1])[1][0]
        np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-12)
        assert covariance[0, 0] < covariance[1, 1]
        assert (model.loadings.sum(axis=0) > 0).all()

    def test_the_covariance_is_what_is_shared_and_what_is_not(self, truth):
        parts = truth.decompose()
        np.testing.assert_allclose(parts.systematic + parts.idiosyncratic, truth.covariance())
        np.testing.assert_allclose(parts.share, np.diag(parts.systematic) / np.diag(truth.covariance()))
        assert np.linalg.matrix_rank(parts.systematic) == 2

    def test_draws_have_the_moments_of_the_model(self, truth):
        drawn = truth.draw(100_000, seed=1)
        np.testing.assert_allclose(drawn.mean(axis=0), truth.mean, atol=0.03)
        np.testing.assert_allclose(np.cov(drawn, rowvar=False), truth.covariance(), atol=0.12)
        np.testing.assert_array_equal(truth.draw(5, seed=1), drawn[:5])

    def test_kept_and_restored_it_is_the_same(self, truth):
        np.testing.assert_array_equal(FactorModel.from_state(truth.state()).draw(3, 0), truth.draw(3, 0))

    def test_other_series_are_refused(self, truth, rows):
        with pytest.raises(DataError, match=r"expected \(rows, 8\)"):
            truth.log_likelihood(rows[:, :5])
