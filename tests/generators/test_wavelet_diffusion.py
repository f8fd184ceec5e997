"""Wavelet diffusion: its parts are exact, what depends on the level stays so, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from synthfin_core.errors import SettingError
from synthfin_core.generators.wavelet_diffusion import WaveletDiffusion
from synthfin_core.generators.wavelet_parts import Coordinates, Summaries, SummaryLaw, extended
from synthfin_core.generators.wavelet_settings import WaveletDiffusionConfig
from synthfin_core.wavelets import Wavelets

pytest.importorskip("torch")


def windows(n: int = 200, t: int = 16, d: int = 2, seed: int = 0) -> np.ndarray:
    """Prices: the higher the level, the larger the moves."""
    draws = np.random.default_rng(seed)
    level = np.exp(draws.standard_normal((n, 1, 1)))
    return level * (1 + 0.1 * draws.standard_normal((n, t, d)).cumsum(axis=1))


def one_kind(x: np.ndarray) -> np.ndarray:
    return np.zeros(len(x), dtype=np.int64)


def fitted(x: np.ndarray, **settings) -> WaveletDiffusion:
    return WaveletDiffusion(replace(WaveletDiffusionConfig.tiny(), **settings)).fit(x, seed=0)


class TestSummaries:
    @pytest.mark.parametrize("sized", [True, False])
    def test_splitting_and_joining_is_exact(self, sized):
        x = windows()
        parts = Summaries.of(x, sized)
        summary, shape = parts.split(x)
        np.testing.assert_allclose(parts.join(summary, shape), x, atol=1e-12)
        np.testing.assert_allclose(summary[:, :2], x.mean(axis=1))
        np.testing.assert_allclose(shape.mean(axis=1), 0, atol=1e-12)

    def test_shapes_have_size_one(self):
        x = np.random.default_rng(0).standard_t(4, (200, 16, 2))
        shape = Summaries.of(x, True).split(x)[1]
        np.testing.assert_allclose(shape.std(axis=1), 1, atol=0.01)

    def test_a_window_without_a_move_is_split_and_joined_too(self):
        x = windows()
        x[3] = 5.0
        parts = Summaries.of(x, True)
        summary, shape = parts.split(x)
        assert np.isfinite(summary).all()
        np.testing.assert_allclose(parts.join(summary, shape), x, atol=1e-12)

    def test_the_level_is_the_summary_s_alone(self):
        x = windows()
        parts = Summaries.of(x, True)
        summary, shape = parts.split(x)
        np.testing.assert_allclose(parts.join(summary, shape + 7.0), x, atol=1e-12)


class TestLaw:
    def test_levels_are_drawn_and_none_is_replayed(self):
        x = windows()
        summary = Summaries.of(x, True).split(x)[0]
        drawn = SummaryLaw.fit(summary, 3, kinds=1, seed=0).draw(4000, seed=1)[1]
        nearest = np.abs(drawn[:, None] - summary[None]).max(axis=2).min(axis=1)
        assert nearest.min() > 0
        np.testing.assert_allclose(drawn.mean(axis=0), summary.mean(axis=0), atol=0.15)
        np.testing.assert_allclose(np.corrcoef(drawn.T), np.corrcoef(summary.T), atol=0.1)

    def test_nearly_equal_levels_keep_their_difference(self):
        """Open and close of one stock: the mixture's own floor under variances must not drown what sets them apart."""
        level = np.random.default_rng(0).standard_normal((500, 1))
        summary = np.hstack([level, level + 1e-4 * np.random.default_rng(1).standard_normal((500, 1))])
        drawn = SummaryLaw.fit(summary, 1, kinds=1, seed=0).draw(2000, seed=0)[1]
        assert np.diff(drawn, axis=1).std() == pytest.approx(1e-4, rel=0.1)


class TestCoordinates:
    @pytest.mark.parametrize("kind", ["orthonormal", "stationary"])
    @pytest.mark.parametrize("normalisation", ["covariance", "level", "one"])
    @pytest.mark.parametrize("bent", [True, False])
    @pytest.mark.parametrize("kinds", [1, 2])
    def test_there_and_back_is_exact(self, kind, normalisation, bent, kinds):
        shape = np.random.default_rng(0).standard_t(4, (150, 12, 2))
        of = np.arange(len(shape)) % kinds
        coordinates = Coordinates.fit(Wavelets(kind, "db4", 3, 16), shape, of, normalisation, bent)
        np.testing.assert_allclose(coordinates.inverse(coordinates.forward(shape, of), of), shape, atol=1e-9)

    def test_normalised_by_level_each_level_has_spread_one(self):
        shape = np.random.default_rng(0).standard_normal((300, 16, 2)).cumsum(axis=1)
        wavelets = Wavelets("orthonormal", "haar", 4, 16)
        z = (
            Coordinates.fit(wavelets, shape, one_kind(shape), "level", False)
            .forward(shape, one_kind(shape))
            .reshape(300, 16, 2)
        )
        for row in range(5):
            np.testing.assert_allclose((z[:, wavelets.row_of == row] ** 2).mean(axis=(0, 1)), 1, atol=1e-9)

    def test_by_one_number_levels_keep_their_proportions(self):
        shape = np.random.default_rng(0).standard_normal((300, 16, 2)).cumsum(axis=1)
        wavelets = Wavelets("orthonormal", "haar", 4, 16)
        z = (
            Coordinates.fit(wavelets, shape, one_kind(shape), "one", False)
            .forward(shape, one_kind(shape))
            .reshape(300, 16, 2)
        )
        c = wavelets.matrix @ shape
        np.testing.assert_allclose(z / z[:, :1], c / c[:, :1], rtol=1e-9)

    def test_what_a_u_net_sees_adds_up_to_the_window(self):
        wavelets, x = Wavelets("orthonormal", "haar", 3, 8), np.random.default_rng(0).standard_normal((5, 8, 1))
        layout = Coordinates.fit(wavelets, x, one_kind(x), "one", False).layout()
        drawn = np.einsum("nc,crt->nrt", (wavelets.matrix @ x)[..., 0], layout.reshape(8, 4, 8))
        np.testing.assert_allclose((drawn / np.sqrt(wavelets.scales)[:, None]).sum(axis=1), x[..., 0], atol=1e-12)
        image = wavelets.forward(x)[..., 0]
        np.testing.assert_allclose(np.abs(drawn), np.abs(image), atol=1e-12)  # a Haar wavelet is plus or minus one

    def test_windows_go_on_as_in_a_mirror(self):
        x = np.arange(6.0).reshape(1, 6, 1)
        assert extended(x, 8)[0, :, 0].tolist() == [0, 1, 2, 3, 4, 5, 5, 4]


class TestModel:
    def test_before_training_it_is_a_gaussian_model_already(self):
        """Whitened, with a network that answers nothing, shapes have the covariance of the training shapes."""
        x = np.random.default_rng(0).standard_normal((600, 16, 2)).cumsum(axis=1)
        model = WaveletDiffusion(replace(WaveletDiffusionConfig.tiny(), sizes=False, bend=False, sampling_steps=40))
        model.fit(x, should_stop=lambda: True)

        def shapes(windows):
            return (windows - windows.mean(axis=1, keepdims=True)).reshape(len(windows), -1)

        real, drawn = np.cov(shapes(x).T), np.cov(shapes(model.sample(4000)).T)
        assert np.abs(drawn - real).max() < 0.1 * real.max()

    @pytest.mark.parametrize("sizes", [True, False])
    def test_the_size_of_moves_still_depends_on_the_level(self, sizes):
        def dependence(x):
            return np.corrcoef(np.log(np.abs(x).mean(axis=(1, 2))), np.log(x.std(axis=1).mean(axis=1)))[0, 1]

        x = windows(400)
        model = fitted(x, sizes=sizes, epochs=25, hidden_size=32, learning_rate=1e-2, law_components=4, averaging=0.9)
        assert dependence(x) > 0.9
        assert dependence(model.sample(500)) > (0.6 if sizes else 0.3)  # 0 where shapes know nothing of levels

    def test_few_steps_draw_what_all_steps_draw(self):
        """On clumps, which no Gaussian is: one trained network, both samplers."""
        draws = np.random.default_rng(0)
        sign = draws.choice([-1.0, 1.0], (400, 1, 1))
        x = sign * np.linspace(-1, 1, 4)[:, None] + 0.15 * draws.standard_normal((400, 4, 1))
        few = fitted(
            x, epochs=80, hidden_size=32, learning_rate=1e-2, averaging=0.9, bend=False, sizes=False, sampling_steps=30
        )
        full = WaveletDiffusion.load(replace(few.config, sampler="ddpm"), few.state())

        def slopes(windows):
            return windows[:, 2:].mean(axis=(1, 2)) - windows[:, :2].mean(axis=(1, 2))

        real, a, b = (np.sort(slopes(w)) for w in (x, few.sample(400, seed=1), full.sample(400, seed=1)))
        assert np.abs(a - b).mean() < 0.15  # Wasserstein distance; the clumps lie 2.7 apart
        assert np.abs(a - real).mean() < 0.2
        assert (np.abs(a) > 0.6).mean() > 0.97

    def test_temperature_makes_shapes_wilder(self):
        x = windows()
        cool = fitted(x, bend=False)
        hot = WaveletDiffusion.load(replace(cool.config, temperature=1.5), cool.state())

        def moves(w):
            return (w - w.mean(axis=1, keepdims=True)).std()

        assert moves(hot.sample(300)) > 1.3 * moves(cool.sample(300))
        np.testing.assert_allclose(hot.sample(300).mean(axis=1), cool.sample(300).mean(axis=1), atol=1e-9)

    def test_windows_have_the_sizes_that_were_drawn_for_them(self):
        x = windows()
        model = fitted(x)
        law = SummaryLaw.load({k.removeprefix("law."): v for k, v in model.state().items() if k.startswith("law.")})
        summary = law.draw(300, 5)[1]
        drawn = model.sample(300, seed=5)
        np.testing.assert_allclose(drawn.mean(axis=1), summary[:, :2], atol=1e-9)
        np.testing.assert_allclose(np.log(drawn.std(axis=1)), summary[:, 2:], atol=1e-9)

    def test_pooled_kinds_keep_their_own_memory(self, monkeypatch):
        """Shapes of low windows go up and down, those of high windows go on; an untrained network knows it already."""
        monkeypatch.setattr("synthfin_core.generators.wavelet_diffusion.MOST_KINDS", 2)
        monkeypatch.setattr("synthfin_core.generators.wavelet_diffusion.WINDOWS_PER_NUMBER", 1)
        draws = np.random.default_rng(0)
        x = draws.standard_normal((800, 32, 1))
        phi = np.repeat([-0.6, 0.8], 400)[:, None]
        for t in range(1, 32):
            x[:, t] += phi * x[:, t - 1]
        x += 20 * (phi[:, None] > 0)
        model = fitted(x, epochs=1, learning_rate=1e-6, sizes=False)
        drawn = model.sample(2000, seed=1)
        high = drawn.mean(axis=(1, 2)) > 10

        def memory(windows):
            moves = windows - windows.mean(axis=1, keepdims=True)
            return (moves[:, 1:] * moves[:, :-1]).mean() / (moves**2).mean()

        assert memory(drawn[~high]) == pytest.approx(memory(x[:400]), abs=0.07)
        assert memory(drawn[high]) == pytest.approx(memory(x[400:]), abs=0.07)
        assert memory(x[400:]) - memory(x[:400]) > 0.5
        loaded = WaveletDiffusion.load(model.config, model.state())
        np.testing.assert_array_equal(loaded.sample(5, seed=2), model.sample(5, seed=2))

    def test_a_shape_without_a_move_is_not_blown_up(self):
        parts = Summaries.of(windows(), True)
        assert parts.gain(np.full((2, 8, 2), 3.0), 1.0).tolist() == [[[1.0, 1.0]]] * 2

    @pytest.mark.parametrize(
        ("network", "transform", "target"),
        [
            ("dense", "orthonormal", "velocity"),
            ("dense", "stationary", "noise"),
            ("u-net", "orthonormal", "noise"),
            ("u-net", "stationary", "velocity"),
        ],
    )
    def test_either_network_learns_either_target(self, network, transform, target):
        told = []
        config = replace(
            WaveletDiffusionConfig.tiny(), network=network, transform=transform, target=target, normalisation="level",
            hidden_size=16, epochs=30, learning_rate=1e-2,
        )  # fmt: skip
        WaveletDiffusion(config).fit(windows(n=100, t=8), on_step=lambda p: told.append(p.losses))
        last = told[-20:]
        assert sum(at["loss"] for at in last) < 0.985 * sum(at["untrained"] for at in last)

    def test_a_strip_ends_in_what_is_drawn(self):
        model = fitted(windows(t=12), sampling_steps=10)
        noisy, guesses, images = model.denoise(3, seed=4, keep=5)
        assert noisy.shape == guesses.shape == (5, 3, 12, 2)
        assert images.shape == (5, 3, 5, 16, 2)
        np.testing.assert_allclose(guesses[-1], model.sample(3, seed=4), atol=1e-6)
        np.testing.assert_allclose(images[-1], model.wavelet_image(guesses[-1]))

    def test_a_wavelet_image_has_the_energy_of_the_moves(self):
        x = windows(t=16)
        image = fitted(x, transform="stationary").wavelet_image(x)
        moves = x - x.mean(axis=1, keepdims=True)
        np.testing.assert_allclose((image**2).sum(axis=(1, 2)), (moves**2).sum(axis=1), rtol=1e-9)

    def test_a_spread_that_is_off_is_told(self):
        model = fitted(windows(n=40, t=4), epochs=310, temperature=4.0, bend=False)
        told = model.diagnostics()
        assert len(told.values["spread"]) == 2
        assert any("set the temperature back to 1." in warning for warning in told.warnings)


class TestRefusals:
    @pytest.mark.parametrize(
        ("settings", "t", "words"),
        [
            ({"levels": 7}, 64, "levels is 7, but windows of 64 bars bear 6"),
            ({"levels": 6}, 24, "levels is 6, but windows of 24 bars bear 5"),
            ({"extend": False}, 60, "Windows of 60 bars came, expected a power of two: choose 32 or 64 bars"),
            ({}, 1, "Windows of 1 bar came, expected at least 2"),
        ],
    )
    def test_settings_that_do_not_suit_the_windows(self, settings, t, words):
        with pytest.raises(SettingError, match=words):
            WaveletDiffusion.check(WaveletDiffusionConfig(**settings), 500, t, 2)

    def test_a_covariance_too_large_to_take_apart(self):
        config = WaveletDiffusionConfig()
        with pytest.raises(SettingError, match=r"covariance of 5120 coefficients is too large.*normalisation level"):
            WaveletDiffusion.check(config, 500, 256, 20)
        WaveletDiffusion.check(replace(config, normalisation="level"), 500, 256, 20)

    def test_what_suits_is_let_through(self):
        for t in (2, 24, 60, 64, 100):
            WaveletDiffusion.check(WaveletDiffusionConfig(), 500, t, 6)
        WaveletDiffusion.check(WaveletDiffusionConfig(extend=False, levels=6), 500, 64, 2)

    def test_a_strip_of_too_many_moments(self):
        with pytest.raises(SettingError, match="at 99 moments came, expected"):
            fitted(windows()).denoise(2, keep=99)
