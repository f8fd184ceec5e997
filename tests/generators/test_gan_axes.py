"""The scale of the temporal GAN: exact both ways, the slowest axis first, nothing but bell curves."""

import numpy as np
import pytest
import scipy.linalg

from synthfin_core.errors import DataError
from synthfin_core.generators.gan_axes import AxesScale


@pytest.fixture
def x():
    """A price whose moves grow with it, its noisy twin, an exact copy of that, and a skewed volume."""
    random = np.random.default_rng(0)
    start = np.exp(1.0 + 0.8 * random.standard_normal((600, 1)))
    close = start * np.exp(0.01 * random.standard_t(5, (600, 20)).cumsum(axis=1))
    opened = close * (1 + 0.004 * random.standard_normal((600, 20)))
    volume = np.exp(0.5 * random.standard_normal((600, 20)))
    return np.stack([opened, close, close, volume], axis=2)


@pytest.fixture
def scale(x):
    return AxesScale.of(x)


def test_there_and_back(x, scale):
    np.testing.assert_allclose(scale.inverse(scale.forward(x)), x, rtol=1e-9)
    far = np.random.default_rng(1).standard_normal((50, 20, 3)) * 3
    np.testing.assert_allclose(scale.forward(scale.inverse(far)), far, rtol=1e-6, atol=1e-6)


def test_the_copy_needs_no_axis_and_only_the_common_level_wanders(x, scale):
    assert scale.axes.shape == (4, 3)
    assert scale.moves.wanders.tolist() == [True, False, False]
    drawn = scale.inverse(np.random.default_rng(1).standard_normal((30, 20, 3)))
    np.testing.assert_allclose(drawn[:, :, 1], drawn[:, :, 2], rtol=1e-9)


def test_axes_are_those_of_the_generalised_eigenvalues(x, scale):
    pair = x[:, :, :2]  # without the copy the covariance can be inverted
    spread = pair.std(axis=(0, 1))
    values, steps = (pair / spread).reshape(-1, 2), (np.diff(pair, axis=1) / spread).reshape(-1, 2)
    expected, _ = scipy.linalg.eigh(np.cov(steps.T), np.cov(values.T))
    y = (pair - pair.mean(axis=(0, 1))) @ AxesScale.of(pair).axes
    flat, moves = y.reshape(-1, 2), np.diff(y, axis=1).reshape(-1, 2)
    np.testing.assert_allclose(moves.var(axis=0) / flat.var(axis=0), expected, rtol=0.01)
    assert np.corrcoef(flat.T)[0, 1] == pytest.approx(0, abs=1e-6)


def test_what_the_networks_see_is_normal_at_every_level(x, scale):
    y = scale.forward(x)
    body = y[:, 1:].reshape(-1, 3)
    np.testing.assert_allclose(body.mean(axis=0), 0, atol=0.02)
    np.testing.assert_allclose(body.std(axis=0), 1, atol=0.02)
    np.testing.assert_allclose((body**4).mean(axis=0), 3, atol=0.2)
    size = np.abs(y[:, 1:, :2]).mean(axis=1)  # (n, 2)
    start = y[:, 0, :1]
    assert (np.abs(np.corrcoef(np.hstack([start, size]).T)[0, 1:]) < 0.2).all()
    plain = np.abs(np.diff(x[:, :, 1], axis=1)).mean(axis=1)
    assert np.corrcoef(x[:, 0, 1], plain)[0, 1] > 0.8  # while the moves of the price do grow with it


def test_returns_are_bent_and_nothing_else():
    x = np.random.default_rng(0).standard_t(4, (300, 15, 2)) * 0.01
    scale = AxesScale.of(x)
    y = scale.forward(x)
    assert not scale.moves.wanders.any()
    for i in range(2):  # a rising function of each value alone
        order = np.argsort(x[:, :, i].ravel())
        assert (np.diff(y[:, :, i].ravel()[order]) >= 0).all()
    assert (y**4).mean() == pytest.approx(3, abs=0.2)
    np.testing.assert_allclose(scale.inverse(y), x, atol=1e-9)


def test_a_series_that_keeps_to_its_level_is_seen_by_that_level_and_the_deviations_from_it():
    random = np.random.default_rng(0)
    level = 15 + 3 * random.integers(0, 2, (600, 1, 1))
    kept = level + (0.1 + 0.1 * (level - 15)) * random.standard_normal((600, 20, 1))  # the upper level is livelier
    price = 50 + random.standard_normal((600, 1, 1)) * 20 + random.standard_normal((600, 20, 1)).cumsum(axis=1)
    x = np.concatenate([kept, price], axis=2)
    scale = AxesScale.of(x)
    assert sorted(zip(scale.moves.wanders, scale.moves.keeps, strict=True)) == [(False, True), (True, False)]
    y = scale.forward(x)
    assert y.shape == (600, 20, 3)
    np.testing.assert_allclose(scale.inverse(y), x, rtol=1e-6)
    alone = AxesScale.of(kept)
    seen, levels = np.moveaxis(alone.forward(kept), 2, 0)  # (600, 20) each
    np.testing.assert_array_equal(np.argsort(seen[0]), np.argsort(kept[0, :, 0]))
    np.testing.assert_array_equal(levels, np.repeat(levels[:, :1], 20, axis=1))
    np.testing.assert_array_equal(np.argsort(levels[:, 0]), np.argsort(kept[:, :, 0].mean(axis=1)))
    assert seen[level[:, 0, 0] == 15].std() == pytest.approx(seen[level[:, 0, 0] == 18].std(), rel=0.1)
    moved = alone.inverse(np.stack([seen[:, ::-1], levels], axis=2))
    np.testing.assert_allclose(moved, kept[:, ::-1], rtol=1e-6)  # in any order, as nothing is added up
    assert AxesScale.load(alone.state()).inverse(y[:, :, :2]).tobytes() == alone.inverse(y[:, :, :2]).tobytes()


def test_a_map_from_before_levels_were_known_to_be_kept_is_read(x, scale):
    state = {name: array for name, array in scale.state().items() if name != "keeps"}
    y = scale.forward(x)
    assert AxesScale.load(state).inverse(y).tobytes() == scale.inverse(y).tobytes()


def test_a_map_from_before_bends_differed_with_the_level_is_read(x, scale):
    assert scale.values.knots.shape[0] == 1  # no series of it keeps to a level
    state = {name: array for name, array in scale.state().items() if name != "edges"}
    state |= {name: state[name][0] for name in ("values", "drawn_values")}
    y = scale.forward(x)
    assert AxesScale.load(state).inverse(y).tobytes() == scale.inverse(y).tobytes()


def test_a_fixed_start_stays():
    random = np.random.default_rng(0)
    x = 100 + np.concatenate([np.zeros((200, 1, 1)), random.standard_normal((200, 14, 1)).cumsum(axis=1)], axis=1)
    scale = AxesScale.of(x)
    y = scale.forward(x)
    assert (y[:, 0] == 0).all()
    y[:, 0] = 3.0  # whatever is drawn
    np.testing.assert_allclose(scale.inverse(y)[:, 0], 100)
    np.testing.assert_allclose(scale.inverse(y), x, rtol=1e-9)


def test_a_level_that_only_counts_is_refused():
    counted = np.arange(20.0)[:, None] + np.random.default_rng(0).standard_normal((50, 1, 1))
    with pytest.raises(DataError, match="the same steps in every window"):
        AxesScale.of(counted)


def test_matched_gives_what_was_drawn_the_law_of_the_data(x, scale):
    drawn = 0.3 + 0.8 * np.random.default_rng(1).standard_t(6, (600, 20, 3))
    made, plain = scale.matched(drawn).inverse(drawn), scale.inverse(drawn)
    far = [0.001, 0.01, 0.5, 0.99, 0.999]
    real = np.quantile(x[:, :, 3], far)
    np.testing.assert_allclose(np.quantile(made[:, :, 3], far), real, rtol=0.1, atol=0.02)
    assert np.quantile(plain[:, :, 3], 0.999) > 1.5 * real[-1]
    matched = scale.matched(drawn)
    np.testing.assert_allclose(matched.inverse(matched.forward(x)), x, rtol=1e-6)


def test_single_numbers_far_out_do_not_become_absurd(x, scale):
    far = np.zeros((1, 20, 3))
    far[0, 3] = 7.0
    largest = np.abs(x[:, :, 3]).max()
    assert scale.inverse(far)[0, 3, 2:].max() < 3 * largest
    assert scale.inverse(far)[0, 3, 3] > scale.inverse(0.7 * far)[0, 3, 3] > largest


def test_a_collapsed_generator_stays_visible(scale):
    drawn = 0.05 * np.random.default_rng(1).standard_normal((300, 20, 3))
    back = scale.forward(scale.matched(drawn).inverse(drawn))
    np.testing.assert_allclose(back[:, 1:].std(axis=(0, 1)), 0.1, rtol=0.05)
    assert np.isfinite(scale.matched(0 * drawn).inverse(0 * drawn)).all()


def test_saved_and_loaded_is_the_same_map(x, scale):
    again = AxesScale.load(scale.state())
    y = scale.forward(x)
    assert again.inverse(y).tobytes() == scale.inverse(y).tobytes()
    assert AxesScale.of(x[:, :1]).moves.wanders.tolist() == [False] * 4  # one step cannot wander
