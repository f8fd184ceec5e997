"""Blocks of real rows, and rows of one normal."""

import numpy as np
import pytest
from arch.bootstrap import optimal_block_length

from synthfin_core.errors import SettingError
from synthfin_core.processes.bootstrap import Bootstrap
from synthfin_core.processes.gaussian import Gaussian


def sp500():
    from arch.data import sp500 as market

    return np.diff(np.log(market.load()["Adj Close"].to_numpy()))[:, None]


def test_blocks_follow_history_and_end_at_random():
    rows = np.arange(500.0)[:, None]
    positions = Bootstrap.fit([rows], block=20).positions(2000, 50, seed=0)
    follows = np.diff(positions, axis=1) % 500 == 1
    assert follows.mean() == pytest.approx(1 - 1 / 20 * (1 - 1 / 500), abs=0.002)
    counts = np.bincount(positions.ravel(), minlength=500)
    assert counts.std() / counts.mean() < 0.35  # each row about equally often, in blocks


def test_no_block_leaves_its_strip():
    strips = [np.arange(50.0)[:, None], np.arange(100.0, 130)[:, None]]
    bootstrap = Bootstrap.fit(strips, block=10)
    x = bootstrap.simulate(500, 30, seed=0)[..., 0]
    step = np.diff(x, axis=1)
    continued = np.isin(step, (1.0, -49.0, -29.0))
    assert continued.mean() > 0.88
    assert not ((x[:, :-1] == 49) & (x[:, 1:] == 100)).mean() > 0.002  # more than by chance
    np.testing.assert_array_equal(np.unique(x), np.concatenate(strips).ravel())
    assert (x < 50).mean() == pytest.approx(50 / 80, abs=0.03)


def test_rows_stay_whole_and_single_rows_forget():
    rows = np.random.default_rng(0).standard_normal((200, 3))
    x = Bootstrap.fit([rows], block=1).simulate(100, 5, seed=0)
    real = {tuple(row) for row in rows}
    assert all(tuple(row) in real for row in x.reshape(-1, 3))
    positions = Bootstrap.fit([rows], block=1).positions(1000, 20, seed=0)
    assert (np.diff(positions, axis=1) == 1).mean() < 0.01


def test_block_length_is_that_of_squared_deviations():
    r = sp500()
    chosen = Bootstrap.fit([r]).block
    by_hand = optimal_block_length((r - r.mean()) ** 2)["stationary"].iloc[0]
    assert chosen == pytest.approx(by_hand)
    assert 60 < chosen < 200  # days; of the returns themselves it is a few
    assert optimal_block_length(r)["stationary"].iloc[0] < 15
    pair = Bootstrap.fit([np.hstack([r, 1e3 * r])]).block
    assert pair == pytest.approx(chosen)


def test_block_is_checked():
    with pytest.raises(SettingError, match="at least 1 bar"):
        Bootstrap.fit([sp500()], block=0.5)


def test_gaussian_moments_are_exact():
    rows = np.random.default_rng(0).standard_normal((400, 2)) @ [[1.0, 0.5], [0.0, 2.0]] + 3
    gaussian = Gaussian.fit([rows[:100], rows[100:]])
    np.testing.assert_allclose(gaussian.mean, rows.mean(axis=0))
    np.testing.assert_allclose(gaussian.covariance, np.cov(rows, rowvar=False, bias=True))
    x = gaussian.simulate(1000, 200, seed=0).reshape(-1, 2)
    np.testing.assert_allclose(np.cov(x, rowvar=False), gaussian.covariance, rtol=0.02)
    assert np.abs(np.corrcoef(x[:-1, 0], x[1:, 0])[0, 1]) < 0.01
