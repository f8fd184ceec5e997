"""The scale on which the GAN's networks see windows."""

import numpy as np
import pytest

from synthfin_core.generators.gan_scale import PathScale


@pytest.fixture
def x():
    """A return-like series, a price-like one and one that never leaves its start."""
    random = np.random.default_rng(0)
    returns = random.standard_normal((200, 15, 1)) * 0.01 + 0.001
    prices = 50 + 20 * random.standard_normal((200, 1, 1)) + random.standard_normal((200, 15, 1)).cumsum(axis=1)
    anchored = 100 + np.concatenate([np.zeros((200, 1, 1)), random.standard_normal((200, 14, 1))], axis=1).cumsum(
        axis=1
    )
    return np.concatenate([returns, prices, anchored], axis=2)


def test_wandering_series_are_seen_by_their_steps(x):
    scale = PathScale.of(x)
    assert scale.moves.wanders.tolist() == [False, True, True]
    y = scale.forward(x)
    np.testing.assert_allclose(y[:, :, 0].std(), 1)
    np.testing.assert_allclose(y[:, 1:, 1].std(), 1)
    np.testing.assert_allclose(y[:, 0, 1], (x[:, 0, 1] - x[:, 0, 1].mean()) / x[:, 0, 1].std())
    step = np.diff(x[:, :, 1], axis=1)
    np.testing.assert_allclose(y[:, 1:, 1], (step - step.mean()) / step.std())


def test_inverse_is_exact_and_a_fixed_start_stays(x):
    scale = PathScale.of(x)
    y = scale.forward(x)
    np.testing.assert_allclose(scale.inverse(y), x, rtol=1e-12)
    y[:, 0, 2] = 3.0  # whatever is drawn
    np.testing.assert_allclose(scale.inverse(y)[:, 0, 2], 100)


def test_a_series_that_keeps_to_its_level_is_seen_by_that_level_and_the_deviations_from_it(x):
    random = np.random.default_rng(1)
    kept = 15 + 3 * random.integers(0, 2, (200, 1, 1)) + 0.2 * random.standard_normal((200, 15, 1))
    both = np.concatenate([x[:, :, 1:2], kept], axis=2)
    scale = PathScale.of(both)
    assert scale.moves.wanders.tolist() == [True, False]
    assert scale.moves.keeps.tolist() == [False, True]
    assert scale.moves.begins.tolist() == [True, False, True]
    y = scale.forward(both)  # the price, the deviations, the level
    level = kept.mean(axis=1)
    deviation = kept[:, :, 0] - level
    np.testing.assert_allclose(y[:, 1:, 1], deviation[:, 1:] / deviation[:, 1:].std(), atol=0.01)
    np.testing.assert_allclose(y[:, :, 2], np.repeat(y[:, :1, 2], 15, axis=1), rtol=1e-12)
    np.testing.assert_array_equal(np.argsort(y[:, 0, 2]), np.argsort(level[:, 0]))
    np.testing.assert_allclose(
        np.quantile(y[:, 0, 2], [0.1, 0.5, 0.9]), [-1.28, 0.0, 1.28], atol=0.1
    )  # two heaps, bent
    np.testing.assert_allclose(scale.inverse(y), both, rtol=1e-9)
    y[:, :, 1] += 1.0  # what is drawn need not sum to zero: the level is the level
    np.testing.assert_allclose(scale.inverse(y)[:, :, 1].mean(axis=1, keepdims=True), level, rtol=1e-12)
    again = PathScale.load(scale.state())
    assert again.inverse(y).tobytes() == scale.inverse(y).tobytes()


def test_a_level_that_only_counts_wanders():
    counted = np.arange(20.0)[:, None] + np.random.default_rng(0).standard_normal((50, 1, 1))
    assert PathScale.of(counted).moves.wanders.tolist() == [True]


def test_matched_sets_level_and_spread(x):
    scale = PathScale.of(x)
    drawn = 0.3 + 0.8 * np.random.default_rng(1).standard_normal((300, 15, 3))
    back = scale.forward(scale.matched(drawn).inverse(drawn))
    np.testing.assert_allclose(back[:, :, 0].std(), 1)
    np.testing.assert_allclose(back[:, 1:, 1].mean(), 0, atol=1e-9)
    np.testing.assert_allclose(back[:, 0, 1].std(), 1)
    far = scale.matched(0.1 * drawn)
    np.testing.assert_allclose(far.scale, 2 * scale.scale)  # a collapsed generator stays visible


def test_saved_and_loaded_is_the_same_map(x):
    scale = PathScale.of(x)
    again = PathScale.load(scale.state())
    y = scale.forward(x)
    assert again.inverse(y).tobytes() == scale.inverse(y).tobytes()
    assert PathScale.of(x[:, :1]).moves.wanders.tolist() == [False, False, False]  # one step cannot wander
