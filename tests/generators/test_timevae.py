"""TimeVAE: its parts add up, each is what its name says, they can be scaled, and bad settings are refused in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from synthfin_core.errors import SettingError
from synthfin_core.generators.timevae import TimeVAE, TimeVAEConfig, in_window_units
from synthfin_core.representation import representation_class

T, D = 24, 2
FULL = replace(TimeVAEConfig.tiny(), trend_degree=3, seasons="5, 7", epochs=3)


def made_windows(kind: str) -> np.ndarray:
    draws = np.random.default_rng(4)
    returns = draws.standard_t(5, size=(120, T, D))
    return returns if kind == "returns" else 5 + returns.cumsum(axis=1)


@pytest.fixture(scope="module", params=["returns", "levels"])
def model(request) -> TimeVAE:
    return TimeVAE(FULL).fit(made_windows(request.param), seed=1)


@pytest.fixture(scope="module")
def z() -> np.ndarray:
    return np.random.default_rng(2).standard_normal((30, FULL.latent_dim))


class TestParts:
    def test_they_add_up_to_the_sample(self, model):
        parts = model.take_apart(30, seed=5)
        assert (
            tuple(parts) == model.block_names == ("level", "trend", "season of 5", "season of 7", "residual", "noise")
        )
        np.testing.assert_allclose(sum(parts.values()), model.sample(30, seed=5), rtol=0, atol=1e-9)

    def test_the_sample_is_what_the_network_draws_around_its_mean(self, model, z):
        """Second road: the law that training maximised draws the same windows."""
        network, u = model.network, model._noise(z, 3)
        (drawn,) = model._in_chunks(lambda part, noise: (network.restore(network.given(part).windows(noise)),), z, u)
        np.testing.assert_allclose(model.sample_given(z, seed=3), drawn, rtol=0, atol=1e-4)

    def test_the_blocks_are_the_mean_but_for_the_memory_of_the_noise(self, z):
        model = TimeVAE(FULL).fit(made_windows("levels"), seed=1)  # whose noise has no memory
        np.testing.assert_allclose(sum(model.blocks(z).values()), model.decode(z), rtol=0, atol=1e-5)

    def test_the_level_is_constant_over_a_window(self, model, z):
        level = model.blocks(z)["level"]
        assert np.ptp(level, axis=1).max() == 0
        assert level[:, 0].std(axis=0).min() > 1e-4

    def test_the_trend_is_a_polynomial_of_its_degree(self, model, z):
        trend = model.blocks(z)["trend"]
        size = np.abs(np.diff(trend, n=3, axis=1)).max()
        assert size > 0
        assert np.abs(np.diff(trend, n=4, axis=1)).max() < 1e-2 * size
        assert np.abs(trend[:, 0]).max() == 0  # the constant term is the level's

    @pytest.mark.parametrize("length", [5, 7])
    def test_a_season_comes_again_after_its_length_and_not_before(self, model, z, length):
        season = model.blocks(z)[f"season of {length}"]
        assert (season[:, length:] == season[:, :-length]).all()
        for shorter in range(1, length):
            assert np.abs(season[:, shorter:] - season[:, :-shorter]).max() > 1e-4
        np.testing.assert_allclose(season[:, :length].mean(axis=1), 0, atol=1e-6)

    def test_the_blocks_follow_the_latents_alone(self, model, z):
        few = model.blocks(z[:4])
        for name, block in model.blocks(z).items():
            np.testing.assert_allclose(block[:4], few[name], atol=1e-5)


class TestScaling:
    def test_ones_draw_the_same_bytes(self, model, z):
        ones = dict.fromkeys(model.block_names, 1.0)
        assert model.sample(20, seed=2, scales=ones).tobytes() == model.sample(20, seed=2).tobytes()
        assert model.sample_given(z, seed=2, scales=ones).tobytes() == model.sample_given(z, seed=2).tobytes()

    @pytest.mark.parametrize("name", ["trend", "season of 5", "noise"])
    @pytest.mark.parametrize("scale", [0.0, 2.5])
    def test_one_part_times_its_scale(self, model, name, scale):
        part = model.take_apart(20, seed=2)[name]
        changed = model.sample(20, seed=2, scales={name: scale})
        np.testing.assert_allclose(changed - model.sample(20, seed=2), (scale - 1) * part, rtol=0, atol=1e-9)

    def test_without_the_others_one_part_is_left(self, model):
        scales = dict.fromkeys(model.block_names, 0.0) | {"level": 1.0}
        np.testing.assert_array_equal(model.sample(9, scales=scales), model.take_apart(9)["level"])

    @pytest.mark.parametrize(
        ("scales", "words"),
        [
            ({"cycle": 1.0}, "A scale is named 'cycle', expected one of level, trend, season of 5"),
            ({"trend": np.nan}, "The scale of trend is nan, expected a finite number"),
        ],
    )
    def test_scales_of_nothing_are_refused(self, model, scales, words):
        with pytest.raises(SettingError, match=words):
            model.sample(2, scales=scales)


class TestSettings:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"seasons": "5, 21"}, "A season has 21 bars, expected at most the 20 of a window"),
            ({"seasons": "5, 5"}, "seasons is '5, 5', expected different lengths"),
            ({"trend_degree": 10}, "The trend has degree 10, expected at most 7"),
            ({"residual": False}, "The decoder has no blocks, expected at least one"),
            ({"filters": ""}, "filters is empty, expected at least one number"),
        ],
    )
    def test_what_does_not_suit_the_windows_is_refused_in_one_sentence(self, changes, words):
        t = 8 if "trend_degree" in changes else 20
        with pytest.raises(SettingError, match=words) as caught:
            TimeVAE.check(replace(TimeVAEConfig(), **changes), 100, t, D)
        assert str(caught.value).count(". ") == 0

    def test_what_just_fits_is_taken(self):
        TimeVAE.check(TimeVAEConfig(seasons="20, 19", trend_degree=10, residual=False), 100, 20, D)

    @pytest.mark.parametrize("config", TimeVAEConfig.presets().values(), ids=list(TimeVAEConfig.presets()))
    def test_presets_suit_usual_windows(self, config):
        TimeVAE.check(config, 1000, 60, 6)

    @pytest.mark.parametrize(
        ("changes", "names"),
        [
            ({}, ("residual", "noise")),
            ({"residual": False, "level": True}, ("level", "noise")),
            ({"residual": False, "trend_degree": 2}, ("trend", "noise")),
            ({"residual": False, "seasons": "3"}, ("season of 3", "noise")),
        ],
    )
    def test_a_block_that_is_switched_off_is_absent(self, changes, names):
        bare = replace(TimeVAEConfig.tiny(), level=False, trend_degree=0, seasons="", epochs=1)
        config = replace(bare, **changes)
        model = TimeVAE(config).fit(made_windows("levels"))
        assert model.block_names == tuple(model.take_apart(2)) == names

    def test_the_noise_is_chosen_by_the_data_or_by_name(self):
        found = {kind: TimeVAE(FULL).fit(made_windows(kind)).observation for kind in ("returns", "levels")}
        assert found == {"returns": "student-t", "levels": "resampled residuals"}
        named = TimeVAE(replace(FULL, observation="gaussian", epochs=1)).fit(made_windows("returns"))
        assert named.observation == "gaussian"
        assert "residuals" not in named.state()


def test_a_loaded_model_takes_the_same_samples_apart(model):
    loaded = TimeVAE.load(model.config, {name: np.array(value) for name, value in model.state().items()})
    again = loaded.take_apart(7, seed=3)
    for name, part in model.take_apart(7, seed=3).items():
        assert again[name].tobytes() == part.tobytes(), name


def test_it_finds_the_level_the_trend_and_the_season_that_data_were_made_of():
    draws = np.random.default_rng(0)
    n, time = 400, np.arange(T)
    level, slope, size = (draws.standard_normal((n, 1, 1)) for _ in range(3))
    made = {
        "level": 3 * level * np.ones((n, T, 1)),
        "trend": 3 * slope * (time / T)[None, :, None],
        "season of 6": 2 * size * np.sin(2 * np.pi * time / 6)[None, :, None],
    }
    x = sum(made.values()) + 0.1 * draws.standard_normal((n, T, 1))
    config = TimeVAEConfig(
        latent_dim=6,
        epochs=20,
        batch_size=32,
        learning_rate=1e-2,
        level=True,
        trend_degree=1,
        seasons="6",
        residual=False,
        filters="8",
        latents="prior",
    )
    model = TimeVAE(config).fit(x, seed=0)
    found = model.blocks(model.encode(x)[0])
    for name, truth in made.items():
        assert np.corrcoef(found[name].ravel(), truth.ravel())[0, 1] > 0.95, name


class TestWindowUnits:
    @pytest.mark.parametrize("name", ["standard", "gaussian"])
    def test_parts_add_up_to_the_window_under_any_representation(self, model, name):
        map_ = representation_class(name)().fit(made_windows("returns"))
        parts = model.take_apart(12, seed=1)
        shown = in_window_units(parts, map_.inverse)
        assert tuple(shown) == tuple(parts)
        np.testing.assert_allclose(sum(shown.values()), map_.inverse(sum(parts.values())), atol=1e-9)

    def test_where_the_map_shifts_and_scales_the_parts_keep_their_shape(self, model):
        map_ = representation_class("standard")().fit(made_windows("levels"))
        parts = model.take_apart(12, seed=1)
        shown = in_window_units(parts, map_.inverse)
        np.testing.assert_allclose(shown["level"], parts["level"] * map_.scale + map_.shift, atol=1e-9)
        np.testing.assert_allclose(shown["trend"], parts["trend"] * map_.scale, atol=1e-9)
