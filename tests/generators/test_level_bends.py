"""Bends that differ with the level: each range is normal by itself, and nothing changes where there is no level."""

import numpy as np
import pytest

from synthfin_core.generators.level_bends import LEAST, RANGES, LevelBends
from synthfin_core.representation.gaussian import Gaussian


@pytest.fixture(scope="module")
def thin_and_liquid():
    """A quarter of the windows lies low and has days far below all others; the second series has no level."""
    random = np.random.default_rng(0)
    levels = np.concatenate([random.normal(14, 0.2, 150), random.normal(20, 0.2, 450)])
    x = random.standard_normal((600, 20, 2))
    x[:150, :, 0] = -random.gumbel(0, 1.5, (150, 20))
    return x, np.stack([levels, np.full(600, np.nan)], axis=1)


def test_every_range_is_normal_by_itself(thin_and_liquid):
    x, levels = thin_and_liquid
    bends = LevelBends.of(x, levels)
    assert bends.knots.shape[0] == RANGES
    assert np.isnan(bends.edges[:, 1]).all()
    z = bends.forward(x, levels)
    order = np.argsort(levels[:, 0])
    for part in np.array_split(order, RANGES):
        assert (z[part, :, 0] ** 4).mean() == pytest.approx(3, abs=0.3)
    one = Gaussian().fit(x).forward(x)[:, :, 0]
    assert (one[150:] < -2).mean() < 0.3 * (z[150:, :, 0] < -2).mean()  # one bend for all gives them the other's tail
    np.testing.assert_allclose(bends.inverse(z, levels), x, atol=1e-9)


def test_extremes_stay_with_the_level_that_has_them(thin_and_liquid):
    x, levels = thin_and_liquid
    bends = LevelBends.of(x, levels)
    z = np.random.default_rng(1).standard_normal(x.shape)
    made = bends.inverse(z, levels)[:, :, 0]
    assert (made[:150] < -5).mean() == pytest.approx((x[:150, :, 0] < -5).mean(), rel=0.2)
    assert made[150:].min() > -5


def test_without_levels_it_is_the_one_bend_of_each_series(thin_and_liquid):
    x, levels = thin_and_liquid
    bends = LevelBends.of(x, np.full_like(levels, np.nan))
    assert len(bends.knots) == 1
    assert bends.forward(x, levels).tobytes() == Gaussian().fit(x).forward(x).tobytes()
    mixed = LevelBends.of(x, levels).forward(x, levels)
    np.testing.assert_array_equal(mixed[:, :, 1], Gaussian().fit(x).forward(x)[:, :, 1])


def test_a_range_with_few_windows_has_the_bend_of_all():
    random = np.random.default_rng(0)
    x = random.standard_normal((400, 10, 1))
    heaps = np.where(np.arange(400) < 390, 1.0, 2.0)[:, None]  # nine tenths of the levels are the same
    bends = LevelBends.of(x, heaps)
    np.testing.assert_array_equal(bends.knots[1:], np.repeat(Gaussian().fit(x).knots[None], RANGES - 1, axis=0))
    assert len(LevelBends.of(x[: LEAST + 1], heaps[: LEAST + 1]).knots) == 1
    x[300:] = 0.0  # a range where nothing varies
    assert np.isfinite(LevelBends.of(x, np.arange(400.0)[:, None]).inverse(x, np.arange(400.0)[:, None])).all()
