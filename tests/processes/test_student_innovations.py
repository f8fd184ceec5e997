"""Skewed t and t copula against arch and scipy."""

import numpy as np
import pytest
from arch.univariate import SkewStudent
from scipy import stats

from synthfin_core.processes.student import Copula, copula_log_likelihood, fit_copula, innovations, skewed_t_from


@pytest.mark.parametrize("shape", [(2.1, 0.0), (5.0, -0.2), (300.0, 0.3), (3.0, 0.9)])
@pytest.mark.parametrize("degrees", [2.5, 6.5, 100.0])
def test_quantiles_are_those_of_arch(degrees, shape):
    x = np.linspace(-4, 4, 2001)
    want = SkewStudent().ppf(stats.t.cdf(x, degrees), np.array(shape))
    np.testing.assert_allclose(skewed_t_from(x, degrees, *shape), want, rtol=1e-8, atol=1e-10)
    tabulated = innovations(x[None, :, None], degrees, np.array([shape]))[0, :, 0]
    np.testing.assert_allclose(tabulated, want, rtol=5e-5, atol=1e-5)


def test_tails_follow_the_power_law_and_end():
    far = np.array([-1e3, -1e2])
    left = skewed_t_from(far, 4.0, 4.0, 0.0)
    assert left[0] / left[1] == pytest.approx(10, rel=1e-3)
    np.testing.assert_allclose(skewed_t_from(-far, 4.0, 4.0, 0.0), -left, rtol=1e-12)
    extreme = innovations(np.array([[[-1e300], [1e300]]]), 100.0, np.array([[2.05, 0.5]]))
    assert np.isfinite(extreme).all()


def test_innovations_have_unit_variance():
    draws = Copula(np.eye(2), 6.5).draw(5000, 40, seed=0)
    e = innovations(draws, 6.5, np.array([[8.0, -0.3], [12.0, 0.2]]))
    np.testing.assert_allclose(e.mean(axis=(0, 1)), 0, atol=0.01)
    np.testing.assert_allclose(e.var(axis=(0, 1)), 1, rtol=0.02)


@pytest.mark.parametrize("degrees", [3.0, 8.0])
def test_copula_is_recovered(degrees):
    truth = Copula(np.array([[1.0, 0.7, 0.2], [0.7, 1.0, 0.0], [0.2, 0.0, 1.0]]), degrees)
    x = truth.draw(6000, 1, seed=0)[0]
    found = fit_copula(np.column_stack([x[:, 0], np.sinh(x[:, 1] / 5), x[:, 2] ** 3]))  # ranks alone count
    np.testing.assert_allclose(found.correlation, truth.correlation, atol=0.05)
    assert found.degrees == pytest.approx(degrees, rel=0.3)
    for i in range(3):
        assert stats.kstest(x[:, i], stats.t(degrees).cdf).pvalue > 0.001


def test_copula_likelihood_is_that_of_scipy():
    correlation = np.array([[1.0, 0.6], [0.6, 1.0]])
    u = np.random.default_rng(0).random((50, 2))
    x = stats.t.ppf(u, 5)
    joint = stats.multivariate_t(shape=correlation, df=5).logpdf(x).sum()
    want = joint - stats.t.logpdf(x, 5).sum()
    assert copula_log_likelihood(u, correlation, 5.0) == pytest.approx(want)


def test_copies_and_few_rows_give_a_valid_copula():
    x = np.random.default_rng(0).standard_normal((12, 1))
    copula = fit_copula(np.hstack([x, x, -x] + [np.random.default_rng(i).standard_normal((12, 1)) for i in range(20)]))
    assert np.linalg.eigvalsh(copula.correlation).min() > 0
    np.testing.assert_allclose(np.diag(copula.correlation), 1)
