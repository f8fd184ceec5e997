"""Likelihood bounds against closed forms on a model in which all is linear and normal."""

import numpy as np
import pytest
import torch
from linear_gaussian import K, LinearGaussian
from scipy.stats import multivariate_normal

from synthfin_core.errors import SettingError, TrainingError
from synthfin_core.generators.bounds import bounds, log_weights
from synthfin_core.generators.vae import VAE


@pytest.fixture(scope="module")
def off():
    return LinearGaussian(off=True)


def exact(linear, x):
    flat = x.reshape(len(x), -1)
    return multivariate_normal.logpdf(flat, np.zeros(flat.shape[1]), linear.covariance)


def test_with_the_true_posterior_every_weight_is_the_likelihood():
    right = LinearGaussian(off=False)
    x = right.windows(20)
    np.testing.assert_allclose(log_weights(right.model, x, 7), np.tile(exact(right, x)[:, None], 7), atol=1e-4)


def test_the_gap_is_the_divergence_from_the_true_posterior(off):
    x = off.windows(30)
    mean = x.reshape(30, -1) @ off.b.T
    true = mean / 0.8
    q = np.diag(np.exp(off.logvar))
    ratio = off.precision @ q
    spread = np.trace(ratio) - K - np.log(np.linalg.det(ratio))
    divergence = [0.5 * (spread + (m - p) @ off.precision @ (m - p)) for m, p in zip(mean, true, strict=True)]
    weights = log_weights(off.model, x, 2000)
    error = weights.std(axis=1) / np.sqrt(2000)
    assert (np.abs(exact(off, x) - divergence - weights.mean(axis=1)) < 5 * error).all()


def test_the_bound_grows_with_the_draws_to_the_likelihood(off):
    x = off.windows(60)
    found = bounds(off.model, x, (1, 2, 5, 20, 500))
    assert (np.diff(found.mean) > 0).all()
    assert found.mean[-1] < exact(off, x).mean() + 0.01
    assert found.mean[-1] > exact(off, x).mean() - 0.01
    assert found.gap[0] == 0
    assert found.gap[-1] > 0.1
    np.testing.assert_allclose(found.error, found.windows.std(axis=1, ddof=1) / np.sqrt(60))
    assert (found.gap_error[1:] < found.error[1:]).all()


def test_a_bound_equals_a_plain_loop_over_groups(off):
    x = off.windows(4)
    weights = log_weights(off.model, x, 7)
    found = bounds(off.model, x, (1, 3, 7)).windows
    for i in range(4):
        groups = [np.log(np.exp(weights[i, j : j + 3]).mean()) for j in (0, 3)]
        assert found[1, i] == pytest.approx(np.mean(groups))
        assert found[2, i] == pytest.approx(np.log(np.exp(weights[i]).mean()))


def test_chunks_make_no_difference(off, monkeypatch):
    x = off.windows(9)
    whole = log_weights(off.model, x, 5)
    monkeypatch.setattr("synthfin_core.generators.bounds.ROWS", 10)
    np.testing.assert_allclose(log_weights(off.model, x, 5), whole, atol=1e-5)


def test_units_are_those_of_the_training_curves():
    draw = np.random.default_rng(0)
    x = 50 + 20 * draw.standard_normal((200, 4, 2))
    model = VAE(VAE.Config.tiny()).fit(x)
    told = VAE(VAE.Config.tiny()).fit(20 * x + 3)
    assert bounds(model, x, (1,)).mean == pytest.approx(bounds(told, 20 * x + 3, (1,)).mean, abs=1e-2)
    with torch.no_grad():
        y = model.network.standardise(torch.as_tensor(x).float())
        assert float(y.std()) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("k", [(), (2, 5), (1, 5, 5), (1, 10, 5), (1, 20_000)])
def test_draws_that_make_no_sense_are_refused(off, k):
    with pytest.raises(SettingError, match="whole numbers that begin with 1"):
        bounds(off.model, off.windows(3), k)


def test_an_untrained_model_says_so(off):
    with pytest.raises(TrainingError, match="call fit first"):
        bounds(VAE(), off.windows(3))
