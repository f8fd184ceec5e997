"""The temporal convolutional GAN: choices, refusals, averaged weights, and what happens when it breaks."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import torch

from synthfin_core.errors import SettingError, TrainingError
from synthfin_core.generators import adversarial_game
from synthfin_core.generators.tcn_gan import TCNGAN, TCNGANConfig, layers_for


def market(n=60, t=12, d=2, seed=0):
    """Windows whose volatility differs from window to window."""
    random = np.random.default_rng(seed)
    return random.standard_normal((n, t, d)) * np.exp(0.5 * random.standard_normal((n, 1, 1))) * 0.01 + 0.001


def prices(n=60, t=12):
    """Levels that wander together, and a volume."""
    random = np.random.default_rng(1)
    level = 5 + random.standard_normal((n, 1)) + 0.05 * random.standard_normal((n, t)).cumsum(axis=1)
    twin = level + 0.02 * random.standard_normal((n, t))
    return np.stack([level, twin, np.exp(random.standard_normal((n, t)))], axis=2)


@pytest.mark.parametrize(
    ("loss", "spectral", "made"),
    [
        ("relativistic", False, prices),
        ("relativistic", True, market),
        ("wasserstein", False, market),
        ("wasserstein", True, prices),
        ("bce", False, market),
    ],
)
def test_every_choice_fits_draws_and_resumes(loss, spectral, made):
    config = dataclasses.replace(TCNGANConfig.tiny(), loss=loss, spectral_norm=spectral, critic_steps=2)
    x = made()
    whole = TCNGAN(config).fit(x, seed=6)
    assert whole.sample(5).shape == (5, *x.shape[1:])
    assert np.isfinite(whole.sample(300)).all()
    calls = iter(range(100))
    stopped = TCNGAN(config).fit(x, seed=6, should_stop=lambda: next(calls) == 3).checkpoint()
    resumed = TCNGAN(config).fit(x, seed=6, resume=stopped).checkpoint()
    assert whole.checkpoint().keys() == resumed.keys()
    assert all(np.array_equal(value, resumed[name]) for name, value in whole.checkpoint().items())


def volumes(n=240, t=12):
    """Two tickers that keep to levels far apart; a window in twenty swings widely."""
    random = np.random.default_rng(2)
    level = np.where(np.arange(n) % 3 == 0, 14.0, 20.0)[:, None] + 0.1 * random.standard_normal((n, 1))
    size = 0.2 * np.where(random.random((n, 1)) < 0.05, 5.0, 1.0)
    return (level + size * random.standard_normal((n, t)))[:, :, None]


def test_of_volumes_wild_windows_are_shown_oftener_and_drawn_as_seldom_as_they_are():
    x = volumes()
    gan = TCNGAN(TCNGANConfig.tiny()).fit(x, seed=2)
    many = gan.sample(700, seed=3)
    assert many.shape == (700, 12, 1)
    np.testing.assert_array_equal(gan.sample(5, seed=3), many[:5])
    again = TCNGAN.load(gan.config, gan.state())
    np.testing.assert_array_equal(again.sample(700, seed=3), many)
    before = {name: value for name, value in gan.state().items() if name != "usual_spread"}
    alike = TCNGAN.load(gan.config, before).sample(700, seed=3)  # as if all windows had been shown alike
    spreads = [(each - each.mean(axis=1, keepdims=True)).std() for each in (x, many, alike)]
    assert spreads[1] == pytest.approx(spreads[0], rel=0.05)
    assert spreads[2] > 1.1 * spreads[0]
    looks = []
    watched = TCNGAN(TCNGANConfig.tiny())
    watched.fit(x, seed=2, on_step=lambda _: looks.append(watched.sample(20, seed=3)))
    np.testing.assert_array_equal(watched.sample(700, seed=3), many)  # as if nobody had looked on
    assert np.isfinite(looks).all()
    assert "usual_spread" not in TCNGAN(TCNGANConfig.tiny()).fit(market(), seed=1).state()


def test_settings_change_what_is_trained():
    plain = TCNGAN(TCNGANConfig.tiny()).fit(market(), seed=1).sample(4)
    for change in ({"spectral_norm": True}, {"layers": 4}, {"kernel_size": 5}, {"gradient_penalty": 0.0}):
        other = TCNGAN(dataclasses.replace(TCNGANConfig.tiny(), **change)).fit(market(), seed=1).sample(4)
        assert other.tobytes() != plain.tobytes(), change


def test_as_many_layers_as_the_window_needs():
    for t in (1, 2, 3, 24, 60, 250):
        for kernel in (2, 3, 5):
            layers = layers_for(t, kernel)
            assert kernel**layers >= t
            assert layers == 1 or kernel ** (layers - 1) < t


def test_convolutions_that_do_not_see_the_window_are_refused():
    TCNGAN.check(TCNGANConfig(), 100, 60, 2)
    TCNGAN.check(TCNGANConfig(layers=4, kernel_size=3), 100, 60, 2)
    with pytest.raises(SettingError, match=r"layers 3 .* see 27 steps, but the windows have 60: choose 4 layers"):
        TCNGAN.check(TCNGANConfig(layers=3, kernel_size=3), 100, 60, 2)


def test_averaged_weights_follow_by_the_formula():
    config = dataclasses.replace(TCNGANConfig.tiny(), averaging=0.5)
    seen = []
    gan = TCNGAN(config)
    gan.fit(market(), seed=1, on_step=lambda _: seen.append(gan.checkpoint()))
    name = "temporal.enter.weight"
    for step, (before, now) in enumerate(pairwise(seen), start=1):
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * before[f"module.averaged.{name}"] + (1 - decay) * now[f"module.generator.{name}"]
        np.testing.assert_allclose(now[f"module.averaged.{name}"], expected, rtol=1e-5, atol=1e-7)
    assert (gan.state()[f"generator.{name}"] == seen[-1][f"module.averaged.{name}"]).all()


def test_a_broken_generator_stops_the_training_even_at_the_last_step(monkeypatch):
    follow = adversarial_game.follow
    kept = {}

    def broken(averaged, module, decay):
        follow(averaged, module, decay)
        if kept["step"] == kept["steps"] - 1:
            averaged.mix.weight.data.fill_(torch.nan)

    monkeypatch.setattr(adversarial_game, "follow", broken)
    gan = TCNGAN(TCNGANConfig.tiny())

    def noted(progress):
        kept.update(step=progress.step, steps=progress.steps)

    kept.update(step=0, steps=0)
    with pytest.raises(TrainingError, match="drew values that are no numbers"):
        gan.fit(market(), seed=1, on_step=noted)
    assert gan.diagnostics().values == {}
    with pytest.raises(TrainingError, match="no longer finite"):
        gan.checkpoint()


def test_the_unit_of_a_series_does_not_matter():
    x = market()
    small, large = (TCNGAN(TCNGANConfig.tiny()).fit(x * k, seed=1).sample(20) / k for k in (1.0, 1024.0))
    np.testing.assert_allclose(small, large, rtol=1e-5, atol=1e-12)


def test_tails_come_back():
    x = np.random.default_rng(0).standard_t(4, (400, 12, 1))
    drawn = TCNGAN(dataclasses.replace(TCNGANConfig.tiny())).fit(x, seed=1).sample(4000)
    far = np.quantile(np.abs(x), [0.99, 0.999])
    np.testing.assert_allclose(np.quantile(np.abs(drawn), [0.99, 0.999]), far, rtol=0.15)


def test_presets():
    presets = TCNGANConfig.presets()
    assert list(presets) == ["recommended", "Quant GANs", "Wasserstein"]
    assert presets["recommended"] == TCNGANConfig()
    paper = presets["Quant GANs"]
    assert (paper.noise_dim, paper.hidden_size, paper.kernel_size, paper.loss) == (3, 80, 2, "bce")
    assert layers_for(127, paper.kernel_size) == 7
    assert presets["Wasserstein"].loss == "wasserstein"
