"""What the components of a mixture stand for: the windows and the stretches of history that made them."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

from synthfin_core.data.panel import Panel
from synthfin_core.data.windows import make_windows
from synthfin_core.generators.mixture_parts import order, posteriors, windows_of
from synthfin_core.generators.mixtures import GaussianMixture, GaussianMixtureConfig, PPCAMixture, PPCAMixtureConfig

T, CALM, WILD = 5, 0.005, 0.03


@pytest.fixture(scope="module")
def panel():
    """Two prices that are calm for 300 days and then wild for 120."""
    spread = np.concatenate([np.full(301, CALM), np.full(120, WILD)])[:, None]
    returns = spread * np.random.default_rng(0).standard_normal((421, 2))
    index = pd.bdate_range("2020-01-01", periods=421)
    frame = pd.DataFrame(100 * np.exp(returns.cumsum(axis=0)), index, list("ab"))
    return Panel(frame, dict.fromkeys("ab", "price"), "two")


@pytest.fixture(scope="module")
def training(panel):
    return make_windows(panel, T, holdout=0.0).train


def fitted(family, config, training):
    return family(config).fit(training.x, seed=0)


MIXTURES = [
    (PPCAMixture, PPCAMixtureConfig(components=2, factors=2)),
    (GaussianMixture, GaussianMixtureConfig(components=2, principal=40)),
]


@pytest.mark.parametrize(("family", "config"), MIXTURES)
def test_the_larger_component_comes_first_and_is_the_calm_years(family, config, training):
    mixture = fitted(family, config, training)
    shares = mixture.model.shares[order(mixture)]
    assert shares[0] > shares[1]
    found = posteriors(mixture, training.x, training)
    assert found.posterior[:290].mean(axis=0)[0] > 0.95
    assert found.posterior[-110:].mean(axis=0)[1] > 0.95
    np.testing.assert_array_equal(found.dates, training.dates[:, -1])
    _, spread = windows_of(found.posterior, training.x)
    np.testing.assert_allclose(spread[0], CALM, rtol=0.25)
    np.testing.assert_allclose(spread[1], WILD, rtol=0.3)


def test_the_posterior_is_bayes_rule_over_whole_windows(training):
    mixture = fitted(*MIXTURES[1], training)
    rows = mixture.principal.forward(training.x.reshape(len(training), -1))
    law = mixture.model
    joint = np.stack(
        [
            share * multivariate_normal(mean, covariance).pdf(rows)
            for share, mean, covariance in zip(law.shares, law.means, law.covariances, strict=True)
        ],
        axis=1,
    )[:, order(mixture)]
    posterior = posteriors(mixture, training.x, training).posterior
    np.testing.assert_allclose(posterior, joint / joint.sum(axis=1, keepdims=True), rtol=1e-6, atol=1e-9)


def test_windows_count_as_far_as_they_belong():
    random = np.random.default_rng(1)
    x, posterior = random.standard_normal((30, 4, 2)), random.dirichlet(np.ones(3), 30)
    mean, spread = windows_of(posterior, x)
    for k in range(3):
        by_hand = np.average(x, axis=0, weights=posterior[:, k])
        np.testing.assert_allclose(mean[k], by_hand)
        np.testing.assert_allclose(spread[k] ** 2, np.average((x - by_hand) ** 2, axis=0, weights=posterior[:, k]))


def test_a_component_that_stands_for_nothing_is_left_out(training):
    mixture = PPCAMixture(PPCAMixtureConfig(components=3, factors=2, epochs=1)).fit(training.x)
    law = mixture.model
    mixture.model = type(law)(np.array([0.0, 0.4, 0.6]), law.means, law.loadings, law.noise)
    assert order(mixture).tolist() == [2, 1]


class TestOverBars:
    def test_each_bar_is_there_once_at_its_own_date(self, panel, training):
        mixture = fitted(GaussianMixture, GaussianMixtureConfig(over="bars", components=2), training)
        found = posteriors(mixture, training.x, training)
        np.testing.assert_array_equal(found.dates, panel.frame.index[1:])
        returns = np.diff(np.log(panel.frame.to_numpy()), axis=0)
        np.testing.assert_allclose(found.posterior, mixture.model.responsibilities(returns)[:, order(mixture)])

    def test_steps_are_dated_by_the_bar_that_they_lead_to(self, panel):
        training = make_windows(panel, T, representation="levels", holdout=0.0).train
        mixture = fitted(GaussianMixture, GaussianMixtureConfig(over="bars", components=2), training)
        assert mixture.history.wanderers.which.any()
        found = posteriors(mixture, training.x, training)
        np.testing.assert_array_equal(found.dates, panel.frame.index[1:])
        assert len(found.posterior) == 420

    def test_pooled_bars_know_their_series(self, panel):
        training = make_windows(panel, T, holdout=0.0, pool=True).train
        mixture = fitted(GaussianMixture, GaussianMixtureConfig(over="bars", components=2), training)
        found = posteriors(mixture, training.x, training)
        assert np.bincount(found.series).tolist() == [420, 420]
        np.testing.assert_array_equal(found.dates[found.series == 1], panel.frame.index[1:])
