"""Generators on a process: EGARCH, filtered historical simulation, bootstraps and the normal law."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from synthfin_core.errors import SettingError
from synthfin_core.generators.bootstrap import BlockBootstrap, BlockBootstrapConfig, IndependentBootstrap
from synthfin_core.generators.egarch import AREGARCH, EGARCHConfig, FilteredHistorical
from synthfin_core.generators.gaussian import GaussianConfig, GaussianGenerator

T = 20


def cut(bars):
    return sliding_window_view(bars, T, axis=0).transpose(0, 2, 1)


@pytest.fixture(scope="module")
def bars():
    """Two linked series with fat tails whose volatility clusters."""
    random = np.random.default_rng(0)
    log_sigma = np.zeros(1500)
    for k in range(1, 1500):
        log_sigma[k] = 0.95 * log_sigma[k - 1] + 0.15 * random.standard_normal()
    common = random.standard_t(5, (1500, 1))
    return np.exp(log_sigma)[:, None] * (0.8 * common + 0.5 * random.standard_t(5, (1500, 2)))


@pytest.fixture(scope="module")
def prices(bars):
    """Price levels between 0 and 1, as the min-max representation gives them."""
    levels = np.exp(np.cumsum(0.005 * bars, axis=0))
    return (levels - levels.min(axis=0)) / np.ptp(levels, axis=0)


def clustering(x):
    """Autocorrelation of absolute values at lag 1, within windows."""
    size = np.abs(x) - np.abs(x).mean(axis=(0, 1))
    return (size[:, 1:] * size[:, :-1]).mean() / (size**2).mean()


class TestEGARCH:
    def test_history_counts_once_and_is_fitted_as_by_arch(self, bars):
        from arch.univariate import ARX, EGARCH, SkewStudent

        process = AREGARCH().fit(cut(bars), seed=0).process
        y = (bars[:, 0] - bars[:, 0].mean()) / bars[:, 0].std()
        model = ARX(y, lags=1, volatility=EGARCH(p=1, o=1, q=1), distribution=SkewStudent(), rescale=False)
        found = model.fit(disp="off")
        np.testing.assert_allclose(process.volatility[0], found.params[2:6], rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(process.shapes[0], found.params[-2:], rtol=1e-3, atol=1e-4)

    def test_volatility_clusters_and_series_are_linked(self, bars):
        drawn = AREGARCH().fit(cut(bars), seed=0).sample(1500, seed=1)
        assert clustering(drawn) > 0.15
        real = np.corrcoef(bars, rowvar=False)[0, 1]
        assert np.corrcoef(drawn.reshape(-1, 2), rowvar=False)[0, 1] == pytest.approx(real, abs=0.1)

    def test_each_link_does_what_it_says(self, bars):
        joint, linear, none = (
            AREGARCH(EGARCHConfig(linked=linked, history=500)).fit(cut(bars), seed=0).process
            for linked in ("joint extremes", "correlation", "none")
        )
        assert joint.degrees < linear.degrees == none.degrees == 100
        assert joint.correlation[0, 1] == linear.correlation[0, 1] > 0.5
        np.testing.assert_array_equal(none.correlation, np.eye(2))

    def test_the_latest_bars_alone_are_used(self, bars):
        early = np.concatenate([100 * bars[:1000], bars[1000:]])
        spoiled = AREGARCH(EGARCHConfig(history=500)).fit(cut(early), seed=0).process
        clean = AREGARCH(EGARCHConfig(history=500)).fit(cut(bars[1000:]), seed=0).process
        np.testing.assert_allclose(spoiled.sd, clean.sd, rtol=1e-9)

    def test_normal_innovations_have_no_fat_tails(self, bars):
        process = AREGARCH(EGARCHConfig(innovations="normal", history=500)).fit(cut(bars), seed=0).process
        np.testing.assert_array_equal(process.shapes, [[300.0, 0.0]] * 2)

    def test_filtered_history_draws_whole_vectors_of_residuals(self, bars):
        model = FilteredHistorical().fit(cut(bars), seed=0)
        e = model.process._innovations(50, 3, 0).reshape(-1, 2)
        seen = {row.tobytes() for row in model.process.residuals}
        assert all(row.tobytes() in seen for row in e)
        assert model.diagnostics().warnings == []

    def test_a_few_bars_are_refused_in_words(self):
        with pytest.raises(SettingError, match="the latest 100 bars, expected at least 250: use more of them, or 0"):
            AREGARCH.check(EGARCHConfig(history=100), 1000, 60, 2)
        AREGARCH.check(EGARCHConfig(), 1000, 60, 2)


class TestBootstrap:
    def test_windows_are_stretches_of_history(self, bars):
        drawn = BlockBootstrap(BlockBootstrapConfig(block=200.0)).fit(cut(bars), seed=0).sample(50, seed=1)
        places = [[np.flatnonzero((bars == row).all(axis=1))[0] for row in window] for window in drawn]
        steps = np.diff(np.array(places), axis=1)
        assert (steps == 1).mean() > 0.98

    def test_the_block_is_chosen_by_how_long_volatility_stays(self, bars):
        block = BlockBootstrap().fit(cut(bars), seed=0).process.block
        independent = np.random.default_rng(1).standard_normal((1500, 2))
        assert block > 10 > BlockBootstrap().fit(cut(independent), seed=0).process.block

    def test_single_bars_do_not_cluster(self, bars):
        assert abs(clustering(IndependentBootstrap().fit(cut(bars), seed=0).sample(1000, seed=1))) < 0.05

    def test_smoothing_copies_no_bar_and_keeps_the_covariance(self, bars):
        config = BlockBootstrapConfig(smoothing=0.5)
        drawn = BlockBootstrap(config).fit(cut(bars), seed=0).sample(3000, seed=1).reshape(-1, 2)
        assert not np.isin(drawn[:, 0], bars[:, 0]).any()
        np.testing.assert_allclose(np.cov(drawn, rowvar=False), np.cov(bars, rowvar=False), rtol=0.1)

    def test_blocks_that_the_data_cannot_bear_are_refused_in_words(self):
        with pytest.raises(SettingError, match=r"block of 900 bars is too long for 1000 windows of 60 .* at most 353"):
            BlockBootstrap.check(BlockBootstrapConfig(block=900.0), 1000, 60, 2)
        with pytest.raises(SettingError, match=r"block is 0\.5 bars, expected at least 1, or 0"):
            BlockBootstrap.check(BlockBootstrapConfig(block=0.5), 1000, 60, 2)
        BlockBootstrap.check(BlockBootstrapConfig(block=300.0), 1000, 60, 2)


class TestGaussian:
    def test_bars_have_the_covariance_of_history(self, bars):
        model = GaussianGenerator(GaussianConfig(shrinkage="none")).fit(cut(bars), seed=0)
        np.testing.assert_allclose(model.covariance, np.cov(bars, rowvar=False, bias=True), rtol=1e-9)
        drawn = model.sample(4000, seed=1).reshape(-1, 2)
        np.testing.assert_allclose(np.cov(drawn, rowvar=False), model.covariance, rtol=0.05)

    def test_windows_have_the_correlation_across_time(self):
        random = np.random.default_rng(0)
        y = np.zeros(4000)
        for k in range(1, 4000):
            y[k] = 0.7 * y[k - 1] + random.standard_normal()
        model = GaussianGenerator(GaussianConfig(over="windows")).fit(cut(y[:, None]), seed=0)
        drawn = model.sample(4000, seed=1)[:, :, 0]
        for lag in (1, 2, 4):
            found = np.corrcoef(drawn[:, 5], drawn[:, 5 + lag])[0, 1]
            assert found == pytest.approx(0.7**lag, abs=0.08)

    def test_shrinkage_is_that_of_windows_that_do_not_overlap(self, bars):
        from sklearn.covariance import LedoitWolf

        model = GaussianGenerator(GaussianConfig(over="windows")).fit(cut(bars), seed=0)
        apart = cut(bars).reshape(-1, T * 2)
        apart = ((apart - apart.mean(axis=0)) / apart.std(axis=0))[::T]
        assert model.shrinkage == pytest.approx(LedoitWolf().fit(apart).shrinkage_)
        assert 0.05 < model.shrinkage < 1
        np.testing.assert_allclose(np.diag(model.covariance), cut(bars).reshape(-1, T * 2).var(axis=0))

    def test_windows_too_wide_are_refused_in_words(self):
        with pytest.raises(SettingError, match="250 bars by 20 series has 5000 values, expected at most 3000"):
            GaussianGenerator.check(GaussianConfig(over="windows"), 1000, 250, 20)
        GaussianGenerator.check(GaussianConfig(), 1000, 250, 20)


@pytest.mark.parametrize(
    "model",
    [
        AREGARCH(EGARCHConfig(history=500)),
        BlockBootstrap(),
        IndependentBootstrap(),
        GaussianGenerator(),
        GaussianGenerator(GaussianConfig(over="windows")),
    ],
    ids=["egarch", "blocks", "rows", "bars", "windows"],
)
def test_prices_start_where_prices_were_and_step_as_they_do(model, prices):
    windows = cut(prices)
    drawn = model.fit(windows, seed=0).sample(2000, seed=1)
    np.testing.assert_allclose(drawn[:, 0].mean(axis=0), windows[:, 0].mean(axis=0), atol=0.05)
    np.testing.assert_allclose(drawn[:, 0].std(axis=0), windows[:, 0].std(axis=0), rtol=0.15)
    steps = [np.diff(x, axis=1).std(axis=(0, 1)) for x in (drawn, windows)]
    np.testing.assert_allclose(*steps, rtol=0.5)
    assert not np.isin(drawn[:, 0, 0], windows[:, 0, 0]).any()
