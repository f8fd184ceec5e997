"""Whitening of all windows together and of each kind by itself."""

import numpy as np

from synthfin_core.generators.whitening import KindWhitening, Whitening


class TestWhitening:
    def test_whitened_vectors_are_uncorrelated_with_variance_one(self):
        y = np.random.default_rng(0).standard_normal((500, 4)) @ np.diag([1, 10, 0.1, 3]) + 5
        z = Whitening.fit(y).forward(y)
        np.testing.assert_allclose(np.cov(z.T, bias=True), np.eye(4), atol=1e-9)

    def test_directions_that_hold_nothing_are_left_out_and_come_back(self):
        y = np.random.default_rng(0).standard_normal((500, 3))
        y = np.column_stack([y, y[:, 0], np.full(500, 2.0)])
        whitening = Whitening.fit(y)
        assert whitening.basis.shape == (5, 3)
        np.testing.assert_allclose(whitening.inverse(whitening.forward(y)), y, atol=1e-9)


class TestKindWhitening:
    def test_each_kind_is_white_by_itself_and_comes_back(self):
        draws = np.random.default_rng(0)
        kind = np.tile([0, 1, 1], 400)
        mix = draws.standard_normal((2, 5, 5))
        z = np.einsum("ni,nij->nj", draws.standard_normal((1200, 5)), mix[kind]) + 3.0 * kind[:, None]
        made = KindWhitening.fit(z, kind)
        u = made.forward(z, kind)
        for each in (0, 1):
            np.testing.assert_allclose(u[kind == each].mean(axis=0), 0, atol=1e-9)
            np.testing.assert_allclose(np.cov(u[kind == each].T, bias=True), np.eye(5), atol=1e-9)
        np.testing.assert_allclose(made.inverse(u, kind), z, atol=1e-9)
        np.testing.assert_allclose(KindWhitening.load(made.state()).inverse(u, kind), z, atol=1e-9)

    def test_the_root_is_symmetric_so_that_white_numbers_stay_what_they_are(self):
        z = np.random.default_rng(0).standard_normal((20_000, 4))
        kind = np.arange(len(z)) % 2
        np.testing.assert_allclose(KindWhitening.fit(z, kind).forward(z, kind), z, atol=0.15)

    def test_one_kind_is_left_as_it_is(self):
        z = np.random.default_rng(0).standard_normal((50, 4)) * 7
        kind = np.zeros(50, dtype=np.int64)
        made = KindWhitening.fit(z, kind)
        assert made.forward(z, kind) is z
        assert made.inverse(z, kind) is z
        assert made.state() == {}

    def test_a_direction_without_spread_does_not_blow_up(self):
        z = np.random.default_rng(0).standard_normal((100, 3))
        z[::2, 1] = 0.5
        kind = np.arange(100) % 2
        made = KindWhitening.fit(z, kind)
        assert np.abs(made.forward(z, kind)).max() < 10
        np.testing.assert_allclose(made.inverse(made.forward(z, kind), kind), z, atol=1e-9)
