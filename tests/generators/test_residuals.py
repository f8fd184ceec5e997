"""Residuals drawn again: of the right kind, evenly, and each row on its own."""

import numpy as np
import pytest

from synthfin_core.generators import residuals
from synthfin_core.generators.residuals import Residuals


@pytest.fixture
def two_kinds(monkeypatch):
    """Windows of two kinds in turn, latents around -3 and 3; residuals say which window they are of."""
    monkeypatch.setattr(residuals, "WINDOWS_PER_KIND", 50)
    draw = np.random.default_rng(0)
    signs = np.tile([-1.0, 1.0, 1.0], 40)
    z = 3 * signs[:, None] + 0.3 * draw.standard_normal((120, 2))
    u = np.arange(120.0)[:, None, None] * np.ones((1, 4, 1))
    return Residuals.fit(u, z, 120, seed=0), signs


def test_new_windows_get_residuals_of_their_own_kind_each_as_often_as_another(two_kinds):
    made, signs = two_kinds
    z = np.repeat([[-2.5, -3.5], [3.2, 2.0]], 20_000, axis=0)
    source = made.draw(z, seed=1)[:, 0, 0].astype(int)
    assert (signs[source] == np.repeat([-1, 1], 20_000)).all()
    for half, of_kind in ((source[:20_000], 40), (source[20_000:], 80)):
        times = np.unique(half, return_counts=True)[1]
        assert len(times) == of_kind
        assert np.abs(times - 20_000 / of_kind).max() < 5 * np.sqrt(20_000 / of_kind)


def test_a_row_depends_on_its_own_latents_and_the_seed_alone(two_kinds):
    made, _ = two_kinds
    z = np.random.default_rng(2).choice([-3.0, 3.0], (50, 1)) * np.ones((1, 2))
    drawn = made.draw(z, seed=5)
    np.testing.assert_array_equal(made.draw(z[:10], seed=5), drawn[:10])
    other = z.copy()
    other[7] *= -1
    assert set(np.flatnonzero((made.draw(other, seed=5) != drawn).any(axis=(1, 2)))) == {7}
    assert (made.draw(z, seed=6) != drawn).any()


def test_few_windows_are_all_of_one_kind():
    z = np.repeat([[-3.0], [3.0]], 100, axis=0)
    made = Residuals.fit(np.zeros((200, 4, 1)), z, 2 * residuals.WINDOWS_PER_KIND - 1, seed=0)
    assert made.counts.tolist() == [200]


def test_residuals_come_back_from_their_state(two_kinds):
    made, _ = two_kinds
    z = np.random.default_rng(3).standard_normal((40, 2))
    np.testing.assert_array_equal(Residuals.load(made.state()).draw(z, seed=0), made.draw(z, seed=0))
