"""Factor models, mixtures and the hidden Markov model as generators of windows."""

from __future__ import annotations

import numpy as np
import pytest

import synthfin_core as sf
from synthfin_core.classical.factor import FactorModel
from synthfin_core.classical.hmm import HMM as Chain
from synthfin_core.errors import SettingError, TrainingError
from synthfin_core.generators.factor import FactorAnalysis, FactorConfig, ProbabilisticPCA
from synthfin_core.generators.hmm import HMM, HMMConfig
from synthfin_core.generators.mixtures import (
    GaussianMixture,
    GaussianMixtureConfig,
    PPCAMixture,
    PPCAMixtureConfig,
)
from synthfin_core.generators.passes import follow
from synthfin_core.generators.rows import Rows


def windows_of(bars: np.ndarray, t: int, stride: int = 1) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(bars, t, axis=0)[::stride].transpose(0, 2, 1).copy()


@pytest.fixture(scope="module")
def bars() -> np.ndarray:
    """Returns of two series in a calm and a wild regime."""
    shape = np.array([[1.0, 0.6], [0.6, 1.0]])
    moves = np.array([[0.98, 0.02], [0.04, 0.96]])
    scatters = np.array([0.4, 4.0])[:, None, None] * shape
    return Chain(np.full(2, 0.5), moves, np.zeros((2, 2)), scatters, np.full(2, np.inf)).simulate(1600, 1, seed=0)[0]


@pytest.fixture(scope="module")
def x(bars) -> np.ndarray:
    return windows_of(bars, 20)


@pytest.fixture(scope="module")
def levels(bars) -> np.ndarray:
    """Windows of levels as min-max gives them: two price series that wander over years."""
    prices = np.exp(np.cumsum(0.01 * bars, axis=0))
    return windows_of((prices - prices.min(axis=0)) / np.ptp(prices, axis=0), 12)


def autocorrelation_of_size(x: np.ndarray, lag: int = 1) -> float:
    size = np.abs(x[:, :, 0]) - np.abs(x[:, :, 0]).mean()
    return float((size[:, lag:] * size[:, :-lag]).mean() / (size**2).mean())


class TestChecks:
    @pytest.mark.parametrize(
        ("family", "config", "shape", "words"),
        [
            (FactorAnalysis, FactorConfig(factors=20), (500, 10, 2), "20 factors are too many .* at most 19"),
            (ProbabilisticPCA, FactorConfig(factors=9), (500, 3, 3), "9 factors .* 3 bars by 3 series, .* at most 8"),
            (
                FactorAnalysis,
                FactorConfig(factors=9),
                (9, 10, 2),
                "9 factors are too many for 9 windows of 10 .* most 8",
            ),
            (PPCAMixture, PPCAMixtureConfig(factors=60), (500, 12, 5), "60 factors are too many"),
            (PPCAMixture, PPCAMixtureConfig(8, 50), (400, 12, 5), "8 components .* at most 7 of at least 51 windows"),
            (
                PPCAMixture,
                PPCAMixtureConfig(components=20),
                (500, 12, 5),
                "20 components .* 500 windows, .* at most 16",
            ),
            (GaussianMixture, GaussianMixtureConfig(components=10), (400, 24, 6), "at most 9 of at least 41 windows"),
            (GaussianMixture, GaussianMixtureConfig(over="bars", components=40), (90, 11, 2), "40 comp.* for 100 bars"),
            (HMM, HMMConfig(states=4), (90, 11, 2), "4 states are too many for 100 bars, expected at most 3"),
        ],
    )
    def test_what_the_data_cannot_bear_is_refused_before_training(self, family, config, shape, words):
        with pytest.raises(SettingError, match=words):
            family.check(config, *shape)
        with pytest.raises(SettingError, match=words):
            family(config).fit(np.random.default_rng(0).standard_normal(shape))

    @pytest.mark.parametrize("family", [PPCAMixture, GaussianMixture])
    @pytest.mark.parametrize("shape", [(8, 4, 1), (60, 5, 2), (3000, 24, 6)])
    def test_sizes_chosen_by_the_data_are_never_refused(self, family, shape):
        family.check(family.Config(), *shape)
        if shape[0] < 100:
            drawn = family().fit(np.random.default_rng(0).standard_normal(shape)).sample(5)
            assert np.isfinite(drawn).all()

    def test_factors_chosen_by_the_data_are_fewer_than_the_windows_of_a_component(self):
        windows = np.random.default_rng(0).standard_normal((390, 12, 5))
        PPCAMixture.check(PPCAMixtureConfig(components=13, factors=29), *windows.shape)
        model = PPCAMixture(PPCAMixtureConfig(components=13, epochs=2)).fit(windows).model
        assert model.loadings.shape == (13, 60, 29)

    def test_the_pipeline_asks(self):
        windows = sf.make_windows(sf.load("mock"), 4)
        with pytest.raises(SettingError, match="30 factors are too many for windows of 4 bars by 5 series"):
            sf.fit(windows, "factor-analysis", factors=30)


class TestRows:
    def test_steps_of_returns_are_made_uncorrelated_and_brought_back(self, x):
        rows = Rows.of(x)
        apart = rows.forward(x).reshape(x.shape)
        np.testing.assert_allclose(
            np.corrcoef(np.diff(apart, axis=1).reshape(-1, 2), rowvar=False), np.eye(2), atol=1e-9
        )
        assert apart.var(axis=(0, 1)).sum() == pytest.approx(x.var(axis=(0, 1)).sum())
        np.testing.assert_allclose(rows.inverse(rows.forward(x)), x)

    def test_series_that_keep_to_levels_become_normal(self):
        draws = np.random.default_rng(3)
        level, own = draws.standard_normal((800, 1, 2)), draws.standard_normal((800, 10, 2))
        volume = np.exp(level * np.array([1.0, -1.0]) + 0.5 * own + 0.8 * own[:, :, :1])
        rows = Rows.of(volume)
        bars = rows.forward(volume).reshape(volume.shape)
        steps = np.diff(bars, axis=1).reshape(-1, 2)
        np.testing.assert_allclose(np.cov(steps, rowvar=False), steps[:, 0].var() * np.eye(2), rtol=1e-3, atol=1e-3)
        normal = rows.bend.forward(volume).reshape(-1, 2)
        np.testing.assert_allclose((normal**3).mean(axis=0), 0.0, atol=0.1)
        assert rows.bent.tolist() == [0, 1]
        np.testing.assert_allclose(rows.inverse(rows.forward(volume)), volume, rtol=1e-6, atol=1e-9)

    def test_levels_are_left_as_they_are(self, levels):
        rows = Rows.of(levels)
        np.testing.assert_array_equal(rows.forward(levels), levels.reshape(len(levels), -1))
        np.testing.assert_array_equal(rows.inverse(rows.forward(levels)), levels)

    def test_volume_beside_levels_keeps_its_skew_and_its_size(self, levels):
        noise = np.random.default_rng(1).standard_normal(len(levels) + 30)
        volume = 0.02 * np.exp(0.3 * noise[19:] + np.convolve(noise, np.full(20, 0.1), mode="valid"))
        both = np.concatenate([levels, windows_of(volume[: len(levels) + 11, None], 12)], axis=2)
        drawn = PPCAMixture(PPCAMixtureConfig(components=2, factors=18, epochs=5)).fit(both).sample(3000, seed=0)
        assert (drawn[:, :, 2] < 0).mean() < 0.001
        wanted, found = (np.quantile(part[:, :, 2], [0.05, 0.5, 0.95]) for part in (both, drawn))
        np.testing.assert_allclose(found, wanted, rtol=0.1)

    def test_series_that_copy_each_other_come_back_as_copies(self, x):
        rows = Rows.of(np.concatenate([x, x[:, :, :1]], axis=2))
        drawn = rows.inverse(np.random.default_rng(0).standard_normal((50, 60)))
        np.testing.assert_allclose(drawn[:, :, 0], drawn[:, :, 2], atol=2e-3)


class TestFactorGenerators:
    def test_latents_are_the_exact_posterior(self, x):
        model = FactorAnalysis(FactorConfig(factors=3)).fit(x)
        rows = Rows.of(x).forward(x)
        mu, logvar = model.encode(x[:5])
        means, covariances = FactorModel.fit(rows, 3).posterior(rows[:5])
        np.testing.assert_allclose(mu, means)
        for own, covariance in zip(np.exp(logvar), covariances, strict=True):
            np.testing.assert_allclose(np.diag(own), covariance, atol=1e-10)

    def test_windows_have_the_covariance_of_the_model(self, x):
        model = ProbabilisticPCA(FactorConfig(factors=3)).fit(x)
        drawn = model.rows.forward(model.sample(20_000, seed=0))
        np.testing.assert_allclose(np.cov(drawn, rowvar=False), model.model.covariance(), atol=0.08)
        assert np.ptp(model.model.noise) == 0

    def test_noise_goes_on_top_of_the_mean(self, x):
        model = FactorAnalysis(FactorConfig(factors=2)).fit(x)
        z = np.zeros((20_000, 2))
        away = model.rows.forward(model.sample_given(z, seed=1) - model.decode(z))
        np.testing.assert_allclose(away.var(axis=0), model.model.noise, rtol=0.06)

    @pytest.mark.parametrize("family", [FactorAnalysis, ProbabilisticPCA])
    def test_what_series_have_in_common_is_not_lost_in_the_noise(self, family, x):
        drawn = family(FactorConfig(factors=2)).fit(x).sample(4000, seed=0)
        real = np.corrcoef(x.reshape(-1, 2), rowvar=False)[0, 1]
        assert np.corrcoef(drawn.reshape(-1, 2), rowvar=False)[0, 1] == pytest.approx(real, abs=0.03)

    def test_the_loss_is_told(self, x):
        told = []
        model = FactorAnalysis().fit(x, on_step=told.append)
        expected = -model.model.log_likelihood(model.rows.forward(x)).mean()
        assert [progress.losses for progress in told] == [{"loss": pytest.approx(expected)}]


class TestMixtures:
    def test_a_mixture_learns_what_bars_have_to_do_with_each_other(self, x):
        model = PPCAMixture(PPCAMixtureConfig(epochs=15)).fit(x)
        drawn = model.sample(4000, seed=0)
        for a, b in [((3, 0), (3, 1)), ((3, 0), (4, 0))]:
            real = np.corrcoef(x[:, *a], x[:, *b])[0, 1]
            assert np.corrcoef(drawn[:, *a], drawn[:, *b])[0, 1] == pytest.approx(real, abs=0.08)
        assert autocorrelation_of_size(drawn) > 0.1

    def test_losses_fall_from_pass_to_pass(self, x):
        told = []
        model = PPCAMixture(PPCAMixtureConfig(components=3, factors=4, epochs=8)).fit(x, on_step=told.append)
        losses = [progress.losses["loss"] for progress in told]
        assert (np.diff(losses) < 0).all()
        assert -model.model.log_likelihood(model.rows.forward(x)).mean() < losses[-1]

    def test_components_over_bars_are_regimes_without_memory(self, x, bars):
        model = GaussianMixture(GaussianMixtureConfig(over="bars", components=2)).fit(x)
        np.testing.assert_allclose(model.model.volatility[:, 0], [0.63, 2.0], rtol=0.2)
        drawn = model.sample(3000, seed=0)
        assert drawn.std() == pytest.approx(bars.std(), rel=0.08)
        assert abs(autocorrelation_of_size(drawn)) < 0.02
        assert autocorrelation_of_size(x) > 0.15

    @pytest.mark.parametrize("over", ["windows", "bars"])
    def test_levels_stay_levels(self, levels, over):
        model = GaussianMixture(GaussianMixtureConfig(over=over, components=2, principal=10)).fit(levels)
        drawn = model.sample(2000, seed=0)
        assert drawn[:, 0].std() == pytest.approx(levels[:, 0].std(), rel=0.3)
        assert np.diff(drawn, axis=1).std() == pytest.approx(np.diff(levels, axis=1).std(), rel=0.25)

    @pytest.mark.parametrize("over", ["windows", "bars"])
    def test_kept_and_loaded_it_draws_the_same(self, levels, over):
        config = GaussianMixtureConfig(over=over, components=2, principal=10)
        model = GaussianMixture(config).fit(levels)
        loaded = GaussianMixture.load(config, model.state())
        np.testing.assert_array_equal(loaded.sample(6, seed=1), model.sample(6, seed=1))


class TestHMM:
    def test_windows_are_put_together_and_counted_once(self, x, bars):
        told = []
        config = HMMConfig(states=2, emissions="gaussian", restarts=3, epochs=40)
        model = HMM(config).fit(x, on_step=told.append)
        alone = Chain.fit([bars], 2, "gaussian", restarts=3)
        np.testing.assert_allclose(model.model.transition, alone.transition, atol=0.005)
        np.testing.assert_allclose(model.model.scatters, alone.scatters, rtol=0.02)
        per_window = -alone.log_likelihood([bars]) / len(bars) * x.shape[1]
        assert told[-1].losses["loss"] == pytest.approx(per_window, rel=1e-3)

    def test_volatility_clusters(self, x):
        drawn = HMM(HMMConfig(states=2, restarts=2, epochs=30)).fit(x).sample(3000, seed=0)
        for lag in (1, 5):
            real = autocorrelation_of_size(x, lag)
            assert autocorrelation_of_size(drawn, lag) == pytest.approx(real, abs=0.08)

    def test_levels_are_seen_as_steps(self, levels):
        model = HMM(HMMConfig(states=2, restarts=2, epochs=15)).fit(levels)
        drawn = model.sample(2000, seed=0)
        assert drawn[:, 0].std() == pytest.approx(levels[:, 0].std(), rel=0.3)
        assert np.diff(drawn, axis=1).std() == pytest.approx(np.diff(levels, axis=1).std(), rel=0.25)

    def test_stopped_among_the_restarts_it_goes_on_to_the_same(self, x):
        config = HMMConfig(states=3, restarts=3, epochs=16)
        whole = HMM(config).fit(x, seed=2)
        told = []
        first = HMM(config).fit(x, seed=2, on_step=told.append, should_stop=lambda: len(told) == 6)
        assert first.checkpoint()["means"].shape == (3, 3, 2)
        later = HMM(config).fit(x, seed=2, resume=first.checkpoint())
        np.testing.assert_allclose(later.model.means, whole.model.means)
        assert later.checkpoint()["means"].shape == (1, 3, 2)

    def test_it_says_how_long_regimes_last(self, x):
        values = HMM(HMMConfig(states=2, restarts=2, epochs=20)).fit(x).diagnostics().values
        assert values["bars_a_regime_lasts"][0] > 20
        assert sum(values["share_of_time"]) == pytest.approx(1.0)
        assert len(values["degrees_of_freedom"]) == 2


@pytest.mark.parametrize("family", [FactorAnalysis, GaussianMixture])
def test_asked_to_stop_before_it_began_nothing_is_told(family, x):
    told = []
    family().fit(x, on_step=told.append, should_stop=lambda: True)
    assert told == []


def test_a_likelihood_that_is_no_number_ends_the_fit_in_words():
    passes = iter([("model", 1.0), ("model", float("nan"))])
    kept = []
    with pytest.raises(TrainingError, match="became nan in pass 2, expected a finite number"):
        follow(passes, 0, 5, lambda model, step: kept.append(step), None, None)
    assert kept == [1]
