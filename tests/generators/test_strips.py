"""Windows put together again, and wandering series as steps."""

import time

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from synthfin_core.generators.strips import Wanderers, joined, wandering


def cut(bars, length, stride):
    return sliding_window_view(bars, length, axis=0)[::stride].transpose(0, 2, 1)


@pytest.fixture
def bars():
    return np.random.default_rng(0).standard_normal((500, 2))


@pytest.fixture
def prices():
    """A price, the same in other units, and the return of a third series."""
    random = np.random.default_rng(1)
    returns = 0.01 * random.standard_t(5, (3000, 2))
    price = 20 * np.exp(np.cumsum(returns[:, 0]))
    return np.column_stack([price, 3 * price - 7, returns[:, 1]])


@pytest.mark.parametrize("stride", [1, 3, 7, 11])
def test_windows_of_two_stretches_are_put_together(bars, stride):
    stretches = bars[:300], bars[300:]
    windows = [cut(stretch, 12, stride) for stretch in stretches]
    found = joined(np.concatenate(windows))
    assert len(found) == 2
    for strip, stretch in zip(found, stretches, strict=True):
        assert len(strip) == (len(stretch) - 12) // stride * stride + 12
        np.testing.assert_array_equal(strip, stretch[: len(strip)])


@pytest.mark.parametrize("stride", [12, 20])
def test_where_nothing_overlaps_each_window_is_a_strip(bars, stride):
    windows = cut(bars, 12, stride)
    found = joined(windows)
    assert len(found) == len(windows)
    np.testing.assert_array_equal(np.stack(found), windows)


def test_the_smallest_stride_is_taken_and_single_equal_bars_do_not_join():
    rounded = np.random.default_rng(2).integers(0, 3, (400, 1)).astype(float)
    assert [len(strip) for strip in joined(cut(rounded, 10, 1))] == [400]
    periodic = np.tile([[0.0], [1.0], [2.0]], (40, 1))
    assert [len(strip) for strip in joined(cut(periodic, 10, 1))] == [120]


def test_scaling_does_not_tear_windows_apart(bars):
    windows = cut(bars, 12, 1)
    assert [len(strip) for strip in joined((windows - 0.1) / 0.3)] == [500]
    assert [len(strip) for strip in joined(windows.astype(np.float32).astype(np.float64))] == [500]


def test_one_window_and_one_bar_are_taken(bars):
    assert [strip.shape for strip in joined(bars[None, :20])] == [(20, 2)]
    assert [strip.shape for strip in joined(bars[:9, None])] == [(1, 2)] * 9


def test_many_windows_are_put_together_quickly():
    windows = cut(np.random.default_rng(0).standard_normal((5059, 2)), 60, 1)
    began = time.perf_counter()
    assert [len(strip) for strip in joined(windows)] == [5059]
    assert time.perf_counter() - began < 1


def test_prices_wander_and_returns_and_volumes_do_not(prices):
    random = np.random.default_rng(3)
    volume = np.zeros(3000)
    for k in range(1, 3000):
        volume[k] = 0.95 * volume[k - 1] + random.standard_normal()
    series = np.column_stack([prices, volume + np.linspace(0, 5, 3000)])
    assert wandering(cut(series, 60, 1)).tolist() == [True, True, False, False]


def test_steps_of_a_price_are_its_returns_but_for_a_factor(prices):
    wanderers = Wanderers.of(cut(prices, 24, 1), seed=0)
    (steps,) = wanderers.steps([prices])
    returns = np.diff(prices[:, 0]) / prices[:-1, 0]
    np.testing.assert_array_equal(steps[:, 2], prices[1:, 2])
    assert np.corrcoef(steps[:, 0], returns)[0, 1] > 0.99
    # In other units the steps stay the same numbers; a copy beside the first is seen as its steps, too.
    other = prices[:, 1:2]
    np.testing.assert_allclose(Wanderers.of(cut(other, 24, 1), seed=0).steps([other])[0][:, 0], steps[:, 0], rtol=1e-6)
    np.testing.assert_array_equal(steps[:, 1], steps[:, 0])


def test_windows_add_the_steps_up(prices):
    windows = cut(prices, 24, 1)
    wanderers = Wanderers.of(windows, seed=0)
    (steps,) = wanderers.steps([windows[5]])
    drawn = wanderers.windows(np.concatenate([steps[:1], steps])[None], seed=3)[0]
    a, b, least = wanderers.sizes[:, 0]
    level = drawn[0, 0]
    for k in range(23):  # the plain loop
        level = level + max(a + b * level, least) * steps[k, 0]
        np.testing.assert_allclose(drawn[k + 1, 0], level, rtol=1e-12)
    np.testing.assert_allclose(drawn[:, 1], 3 * drawn[:, 0] - 7, rtol=1e-9)
    np.testing.assert_array_equal(drawn[1:, 2], steps[:, 2])


def test_starts_follow_the_training_windows_and_repeat_none(prices):
    windows = cut(prices, 24, 1)
    wanderers = Wanderers.of(windows, seed=0)
    drawn = wanderers.windows(np.zeros((4000, 2, 3)), seed=1)[:, 0]
    real = windows[:, 0]
    deciles = [np.quantile(each[:, 0], [0.1, 0.5, 0.9]) for each in (drawn, real)]
    np.testing.assert_allclose(*deciles, rtol=0.1)
    np.testing.assert_allclose(drawn[:, 1], 3 * drawn[:, 0] - 7, rtol=1e-9)  # what copies, copies
    assert (drawn[:, 0] > 0.5 * real[:, 0].min()).all()  # no price below zero
    assert not np.isin(drawn[:, 0], real[:, 0]).any()
    again = wanderers.windows(np.zeros((5, 2, 3)), seed=1)[:, 0]
    np.testing.assert_allclose(again, drawn[:5], rtol=1e-12)


def test_series_that_stay_together_are_drawn_together(prices):
    spread = 0.01 * np.abs(np.random.default_rng(4).standard_normal((3000, 2)))
    close, other = prices[:, 0], 50 + np.random.default_rng(5).standard_normal(3000).cumsum()
    windows = cut(np.column_stack([close, close * np.exp(spread[:, 0]), close * np.exp(-spread[:, 1]), other]), 24, 1)
    wanderers = Wanderers.of(windows, seed=0)
    assert wanderers.leader.tolist() == [0, 0, 0, 3]
    rows = np.concatenate(wanderers.steps(joined(windows)))
    places = np.random.default_rng(6).integers(len(rows), size=(500, 24))
    drawn = wanderers.windows(rows[places], seed=0)
    assert (drawn[:, 1:, 1] >= drawn[:, 1:, 2]).mean() > 0.999
    distance = np.log(drawn[:, 1:, 1] / drawn[:, 1:, 0])
    assert distance.mean() == pytest.approx(spread[:, 0].mean(), rel=0.1)
    assert distance.std() == pytest.approx(spread[:, 0].std(), rel=0.1)


def test_the_close_leads_the_open():
    random = np.random.default_rng(7)
    night, day = 0.002 * random.standard_normal(2000), 0.01 * random.standard_normal(2000)
    close = np.cumsum(night + day)
    bars = 100 * np.exp(np.column_stack([close - day, close]))
    windows = cut(bars, 20, 1)
    wanderers = Wanderers.of(windows, seed=0)
    assert wanderers.leader.tolist() == [1, 1]
    rows = np.concatenate(wanderers.steps(joined(windows)))
    drawn = wanderers.windows(rows[random.integers(len(rows), size=(2000, 20))], seed=0)
    gaps = [np.log(x[:, 1:, 0] / x[:, :-1, 1]).std() for x in (drawn[:, 1:], windows)]
    assert gaps[0] == pytest.approx(gaps[1], rel=0.2)  # the open is the close before and a night


def test_saved_and_loaded_it_is_the_same(prices):
    for series in (prices, prices[:, 2:]):
        wanderers = Wanderers.of(cut(series, 24, 1), seed=0)
        loaded = Wanderers.load({name: np.array(array) for name, array in wanderers.state().items()})
        bars = np.random.default_rng(0).standard_normal((7, 24, series.shape[1]))
        np.testing.assert_array_equal(loaded.windows(bars, 4), wanderers.windows(bars, 4))
