import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf

from synthfin_core.evaluation.metric import METRICS, Context
from synthfin_core.evaluation.portfolio import SHRINKAGE, covariance, min_variance_weights
from synthfin_core.rng import stream

COSINE, EXCESS = METRICS["min_variance_cosine"], METRICS["min_variance_excess"]


def market(n=60, t=20, d=4, seed=0, correlation=0.4):
    """Correlated series, each next one more volatile."""
    draws = stream(seed, "market").standard_normal((n, t, d + 1))
    r = correlation**0.5 * draws[:, :, :1] + (1 - correlation) ** 0.5 * draws[:, :, 1:]
    return 0.01 * r * np.linspace(1, 1.5, d)


def test_two_assets_agree_with_the_closed_form():
    a, b, rho = 0.01, 0.02, 0.3
    shrunk = (1 - SHRINKAGE) * rho
    expected = (b**2 - shrunk * a * b) / (a**2 + b**2 - 2 * shrunk * a * b)
    found = min_variance_weights(np.array([[a**2, rho * a * b], [rho * a * b, b**2]]))
    np.testing.assert_allclose(found, [expected, 1 - expected])


def test_weights_have_the_least_variance_of_all():
    sigma = covariance(market())
    shrunk = (1 - SHRINKAGE) * sigma + SHRINKAGE * np.diag(np.diag(sigma))
    w = min_variance_weights(sigma)
    assert w.sum() == pytest.approx(1)
    for step in stream(1, "steps").standard_normal((50, 4)):
        other = w + 0.1 * (step - step.mean())
        assert other @ shrunk @ other > w @ shrunk @ w


def test_covariance_agrees_with_numpy_and_weights_stay_near_those_of_ledoit_and_wolf():
    x = market(n=63, t=20, d=10, seed=2)  # five years of days
    np.testing.assert_allclose(covariance(x), np.cov(x.reshape(-1, 10).T, bias=True))
    sigma = ledoit_wolf(x.reshape(-1, 10))[0]
    theirs = np.linalg.solve(sigma, np.ones(10))
    theirs /= theirs.sum()
    ours = min_variance_weights(covariance(x))
    assert ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs) > 0.99


def test_series_that_move_together_get_equal_weights_instead_of_boundless_ones():
    x = market(d=1)
    np.testing.assert_allclose(min_variance_weights(covariance(np.repeat(x, 3, axis=2))), 1 / 3)
    near = min_variance_weights(covariance(np.concatenate([x, 1.001 * x], axis=2)))
    assert np.abs(near - 0.5).max() < 0.05


def test_scores_are_the_angle_and_the_inflation():
    real, synthetic, holdout = market(seed=1), market(seed=2, correlation=0.7), market(seed=3)
    a, b = (min_variance_weights(np.cov(x.reshape(-1, 4).T)) for x in (real, synthetic))
    assert COSINE(real, synthetic) == pytest.approx(1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    pnl = holdout.reshape(-1, 4)
    expected = (pnl @ b).std() / (pnl @ a).std() - 1
    assert EXCESS(real, synthetic, Context(holdout=holdout)) == pytest.approx(expected)
    _, shown = COSINE.function(covariance(real), covariance(synthetic))
    np.testing.assert_allclose(shown["real"], a)
    np.testing.assert_allclose(shown["synthetic"], b)


def test_same_data_cost_nothing_noise_does_and_order_in_time_does_not_count():
    real, holdout = market(n=200), market(n=200, seed=5)
    context = Context(holdout=holdout)
    assert COSINE(real, real) == pytest.approx(0, abs=1e-12)
    assert EXCESS(real, real, context) == 0
    noise = np.array([0.05, 0, 0, 0]) * stream(1, "noise").standard_normal(real.shape)  # hides the calmest series
    assert COSINE(real, real + noise) > 0.05
    assert EXCESS(real, real + noise, context) > 0.02
    moved = stream(2, "order").permutation(real)[:, ::-1]
    assert COSINE(real, moved) == pytest.approx(0, abs=1e-12)
    assert EXCESS(real, moved, context) == pytest.approx(0, abs=1e-12)


def test_one_series_or_one_that_stands_still_is_left_out_with_the_reason():
    x = market(d=2)
    still = x * np.array([1.0, 0.0])
    for score in (COSINE, EXCESS):
        assert "at least 2 series" in score.needs.unmet(x[:, :, :1], x[:, :, :1], ["one"])
        assert "the synthetic series two is constant" in score.needs.unmet(x, still, ["one", "two"])
    assert EXCESS.needs.holdout == 8
