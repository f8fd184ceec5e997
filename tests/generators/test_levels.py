"""Pooled histories far from each other, seen at one level by laws of bars."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from synthfin_core.generators.bootstrap import BlockBootstrap, IndependentBootstrap
from synthfin_core.generators.egarch import AREGARCH, FilteredHistorical
from synthfin_core.generators.gaussian import GaussianConfig, GaussianGenerator
from synthfin_core.generators.hmm import HMM, HMMConfig
from synthfin_core.generators.levels import ALIKE, STRETCH, Levels
from synthfin_core.generators.mixtures import GaussianMixture, GaussianMixtureConfig

T, PHI, FAR = 24, 0.8, 6.0


def autoregression(bars, seed, phi=PHI):
    """An AR(1) of mean zero and variance one, in the sample as in law, `(bars, 1)`."""
    noise = np.sqrt(1 - phi**2) * np.random.default_rng(seed).standard_normal(bars)
    y = np.zeros(bars)
    for k in range(1, bars):
        y[k] = phi * y[k - 1] + noise[k]
    return ((y - y.mean()) / y.std())[:, None]


def pooled(strips):
    return np.concatenate([sliding_window_view(strip, T, axis=0).transpose(0, 2, 1) for strip in strips])


@pytest.fixture(scope="module")
def tickers():
    """Two tickers of one law, at levels 0 and 6, the first with two thirds of the bars."""
    return [autoregression(2400, 0), FAR + autoregression(1200, 1)]


def about_its_level(windows):
    """Which windows lie at the level 6, and all windows less their ticker's level."""
    high = windows.mean(axis=(1, 2)) > FAR / 2
    return high, windows - FAR * high[:, None, None]


def correlation(x, lag):
    """Of bars so far apart within windows, about a mean of 0."""
    return (x[:, lag:] * x[:, :-lag]).mean() / (x**2).mean()


@pytest.mark.parametrize(
    ("model", "remembers", "tolerance"),
    [
        (AREGARCH(), True, 0.06),
        (FilteredHistorical(), True, 0.06),
        (BlockBootstrap(), True, 0.1),
        (HMM(HMMConfig(restarts=2, epochs=40)), True, 0.15),
        (IndependentBootstrap(), False, 0.1),
        (GaussianGenerator(), False, 0.1),
        (GaussianMixture(GaussianMixtureConfig(over="bars", components=2)), False, 0.1),
    ],
    ids=["egarch", "filtered", "blocks", "states", "rows", "bars", "mixture"],
)
def test_pooled_tickers_keep_their_levels_their_spread_and_their_memory(model, remembers, tolerance, tickers):
    high, x = about_its_level(model.fit(pooled(tickers), seed=0).sample(3000, seed=1))
    assert high.mean() == pytest.approx(1 / 3, abs=0.03)
    for part in (x[high], x[~high]):
        assert part.mean() == pytest.approx(0.0, abs=0.15)
        assert part.std() == pytest.approx(1.0, rel=0.08)
    for lag in (1, 3, 8):
        # Stretches of 96 bars have levels of their own, with the variance of a mean of so many bars.
        stray = (1 + PHI) / (1 - PHI) / (STRETCH * T)
        expected = PHI**lag if remembers else stray
        assert correlation(x, lag) == pytest.approx(expected, abs=tolerance)


def test_levels_alone_are_set_apart(tickers):
    """The plain loop: every stretch less its mean, plus the mean of all bars."""
    both = [np.column_stack([strip[:, 0], autoregression(len(strip), 2)[:, 0]]) for strip in tickers]
    moved = Levels.of(both, T).moved(both)
    everything = np.concatenate(tickers).mean()
    for strip, found in zip(both, moved, strict=True):
        size = len(strip) // (len(strip) // (STRETCH * T))
        for k in range(0, len(strip), size):
            own = strip[k : k + size, 0]
            np.testing.assert_allclose(found[k : k + size, 0], own - own.mean() + everything, atol=1e-12)
        np.testing.assert_array_equal(found[:, 1], strip[:, 1])  # a series whose levels are alike


@pytest.mark.parametrize(
    "strips",
    [
        [autoregression(20_000, 0, phi=0.95)],
        [autoregression(900, 0), 0.5 + autoregression(900, 1)],
        [autoregression(STRETCH * T - 1, k) + FAR * k for k in range(20)],
        [np.zeros((200, 1)), np.ones((200, 1))],
    ],
    ids=["one history", "alike", "short", "nothing but a level"],
)
def test_where_histories_do_not_lie_apart_nothing_changes(strips):
    found = Levels.of(strips, T)
    assert found is ALIKE
    assert found.state() == {}
    for before, after in zip(strips, found.moved(strips), strict=True):
        assert after is before
    bars = np.zeros((3, T, 1))
    assert found.windows(bars, 0) is bars


def test_one_history_whose_level_moves_on_is_taken_apart_too():
    history = autoregression(2400, 0) + np.repeat(np.arange(5) * FAR / 2, 480)[:, None]
    drawn = AREGARCH().fit(pooled([history]), seed=0).sample(3000, seed=1)
    inside = drawn - drawn.mean(axis=1, keepdims=True)
    real = pooled([autoregression(2400, 0)])
    real = real - real.mean(axis=1, keepdims=True)
    assert drawn.std() == pytest.approx(history.std(), rel=0.05)
    assert inside.std() == pytest.approx(real.std(), rel=0.1)
    for lag in (1, 3, 8):
        assert correlation(inside, lag) == pytest.approx(correlation(real, lag), abs=0.06)


def test_a_window_of_history_keeps_its_bars_until_it_jumps(tickers):
    model = BlockBootstrap().fit(pooled(tickers), seed=0)
    drawn = model.sample(500, seed=1)
    history = np.concatenate(tickers)
    places = model.process.positions(T, 500, seed=1)
    np.testing.assert_allclose(drawn[:, 0], history[places[:, 0]], atol=1e-12)
    # Where a whole window lies in one stretch, it is one of history.
    stretch = np.searchsorted(np.cumsum(model.history.levels.bars), places, side="right")
    stays = (np.ptp(stretch, axis=1) == 0) & (np.diff(places, axis=1) == 1).all(axis=1)
    assert stays.sum() > 20
    np.testing.assert_allclose(drawn[stays], history[places[stays]], atol=1e-12)


def test_a_law_of_windows_has_levels_of_its_own(tickers):
    windows = pooled(tickers)
    assert GaussianGenerator(GaussianConfig(over="windows")).fit(windows).history.levels is ALIKE
    assert GaussianMixture(GaussianMixtureConfig(components=2, principal=5)).fit(windows).history is None


@pytest.mark.parametrize(
    "model",
    [
        BlockBootstrap(),
        GaussianGenerator(),
        HMM(HMMConfig.tiny()),
        GaussianMixture(GaussianMixtureConfig(over="bars", components=2)),
    ],
    ids=["blocks", "bars", "states", "mixture"],
)
def test_kept_and_loaded_it_draws_the_same(model, tickers):
    model.fit(pooled(tickers), seed=0)
    assert len(model.history.levels.bars) == sum(len(strip) // (STRETCH * T) for strip in tickers)
    loaded = type(model).load(model.config, model.state())
    np.testing.assert_array_equal(loaded.sample(20, seed=3), model.sample(20, seed=3))
    np.testing.assert_allclose(loaded.sample(5, seed=3), model.sample(20, seed=3)[:5], rtol=1e-12)
