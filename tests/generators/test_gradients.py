"""Gradient estimators against the closed form of a model in which all is linear and normal."""

import numpy as np
import pytest
from linear_gaussian import K, LinearGaussian

from synthfin_core.errors import SettingError
from synthfin_core.generators.gradients import gradient_noise
from synthfin_core.generators.vae import VAE


@pytest.fixture(scope="module")
def linear():
    return LinearGaussian(off=True)


@pytest.fixture(scope="module")
def found(linear):
    return gradient_noise(linear.model, linear.windows(20), draws=1000)


def closed_form(linear, x):
    """The gradient of `E_q log p(x | z)` by mu and log-variance, averaged over windows."""
    flat = x.reshape(len(x), -1)
    inverse = np.linalg.inv(linear.noise)
    by_mean = (flat - flat @ linear.b.T @ linear.a.T) @ inverse @ linear.a
    by_logvar = -0.5 * (linear.a.T @ inverse @ linear.a).diagonal() * np.exp(linear.logvar)
    return np.concatenate([by_mean.mean(axis=0), by_logvar])


def test_all_three_estimate_the_same_gradient(linear, found):
    true = closed_form(linear, linear.windows(20))
    assert [each.name for each in found] == ["reparameterization", "REINFORCE with a baseline", "REINFORCE"]
    for each in found:
        assert each.mean.shape == (2 * K,)
        assert (np.abs(each.mean - true) < 4.5 * each.error).all(), each.name


def test_reparameterization_is_the_quietest_and_the_baseline_helps(found):
    quiet, baseline, plain = (each.variance for each in found)
    assert (quiet < baseline).all()
    assert (baseline < plain).all()


def test_variance_and_error_are_those_of_repeated_estimates(linear):
    x = linear.windows(2)
    repeats = [gradient_noise(linear.model, x, draws=2, seed=seed)[0] for seed in range(120)]
    spread = np.var([each.mean for each in repeats], axis=0)
    np.testing.assert_allclose(spread, np.mean([each.error**2 for each in repeats], axis=0), rtol=0.5)


def test_a_trained_model_stays_as_it_is():
    x = np.random.default_rng(0).standard_normal((60, 10, 2))
    model = VAE(VAE.Config.tiny()).fit(x)
    before = {name: value.tobytes() for name, value in model.state().items()}
    for each in gradient_noise(model, x[:4], draws=8):
        assert np.isfinite(each.mean).all()
    assert {name: value.tobytes() for name, value in model.state().items()} == before


def test_one_draw_has_no_variance(linear):
    with pytest.raises(SettingError, match="at least 2"):
        gradient_noise(linear.model, linear.windows(2), draws=1)
