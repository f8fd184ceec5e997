import gc

import numpy as np
import pytest

from synthfin_core.evaluation.shapes import CLOSEST, Remembered, nearest, shapes
from synthfin_core.rng import stream


def loop_distances(asked, known):
    """Root of 2 (1 - mean correlation) of every pair."""
    found = np.empty((len(asked), len(known)))
    for i, a in enumerate(asked):
        for j, b in enumerate(known):
            alike = [np.corrcoef(a[:, s], b[:, s])[0, 1] for s in range(a.shape[1])]
            found[i, j] = np.sqrt(2 * (1 - np.mean(alike)))
    return found


@pytest.fixture
def data():
    rng = stream(0, "shapes")
    return rng.standard_normal((7, 9, 2)) * [0.01, 5.0], rng.standard_normal((11, 9, 2)) * [0.02, 1.0]


def test_nearest_agrees_with_a_plain_loop(data):
    asked, known = data
    distance = loop_distances(asked, known)
    found = nearest(shapes(asked), (shapes(known[at : at + 4]) for at in (0, 4, 8)))
    ordered = np.sort(distance, axis=1)
    np.testing.assert_allclose(found.first, ordered[:, 0], rtol=1e-5)
    np.testing.assert_allclose(found.second, ordered[:, 1], rtol=1e-5)
    np.testing.assert_array_equal(found.which, distance.argmin(axis=1))
    np.testing.assert_allclose(found.back, distance.min(axis=0), rtol=1e-5)


def test_a_single_known_one_has_no_second(data):
    asked, known = data
    assert np.isinf(nearest(shapes(asked), [shapes(known[:1])]).second).all()


def test_level_and_scale_are_taken_out_and_the_sign_is_not(data):
    x, _ = data
    np.testing.assert_allclose(shapes(x * 30 + [5, -2]), shapes(x), atol=1e-6)
    np.testing.assert_allclose(shapes(-x), -shapes(x), atol=1e-7)
    found = nearest(shapes(x * 3 + 1), [shapes(x)])
    assert (found.first < 2e-3).all()
    assert found.which.tolist() == list(range(7))
    assert (nearest(shapes(x), [shapes(x)]).first >= CLOSEST).all()


def test_a_constant_series_is_like_no_other(data):
    x, _ = data
    flat = np.full_like(x, 1 / 3)
    flat[:, :, 1] = x[:, :, 1]
    assert not shapes(flat)[:, :9].any()
    np.testing.assert_allclose((shapes(flat) ** 2).sum(axis=1), 0.5, rtol=1e-6)
    assert nearest(shapes(np.zeros_like(x)), [shapes(x)]).first == pytest.approx(np.sqrt(2))


class Thing:
    """Something that can be forgotten."""


def test_things_are_remembered_once_and_forgotten_with_their_owner():
    memory, other, calls = Remembered(), Thing(), []

    def work():
        calls.append(1)
        return len(calls)

    assert [memory.once(other, "a", work), memory.once(other, "a", work), memory.once(other, "b", work)] == [1, 1, 2]
    del other
    gc.collect()
    assert not len(memory._found)
