"""The GAN: its contract, every choice of its settings, and what it says when it goes wrong."""

import dataclasses

import numpy as np
import pytest
import torch

from synthfin_core.errors import DataError, SettingError, TrainingError
from synthfin_core.generators.gan import GAN, GANConfig
from synthfin_core.generators.gan_health import complaints, diversity
from synthfin_core.nn.gan import RecurrentGenerator


def market(n=60, t=12, d=2, seed=0):
    """Windows whose volatility differs from window to window."""
    random = np.random.default_rng(seed)
    return random.standard_normal((n, t, d)) * np.exp(0.5 * random.standard_normal((n, 1, 1))) * 0.01 + 0.001


@pytest.fixture(scope="module")
def fitted():
    return GAN(GANConfig.tiny()).fit(market(), seed=3)


CHOICES = [
    {"cell": cell, "critic": critic, "loss": loss, "gradient_penalty": penalty}
    for cell, critic in (("lstm", "convolutional"), ("gru", "recurrent"))
    for loss in ("wasserstein", "bce", "relativistic")
    for penalty in (0.0, 1.0)
]


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: " ".join(str(value) for value in choice.values()))
def test_every_choice_fits_and_draws(choice):
    config = dataclasses.replace(GANConfig.tiny(), critic_steps=2, **choice)
    told = []
    gan = GAN(config).fit(market(), seed=1, on_step=told.append)
    drawn = gan.sample(5)
    assert drawn.shape == (5, 12, 2)
    assert np.isfinite(drawn).all()
    curve = "critic" if choice["loss"] == "wasserstein" else "discriminator"
    expected = {"generator", curve, "diversity"} | ({"gradient_penalty"} if choice["gradient_penalty"] else set())
    assert all(set(progress.losses) == expected for progress in told)
    assert told[-1].step == told[-1].steps == len(told)


@pytest.mark.parametrize(("t", "d"), [(10, 1), (11, 20), (250, 1), (1, 2), (2, 1)])
def test_any_length_and_number_of_series(t, d):
    config = dataclasses.replace(GANConfig.tiny(), epochs=1)
    assert GAN(config).fit(market(24, t, d)).sample(3).shape == (3, t, d)


def test_same_seed_same_bytes_and_nothing_else_touched():
    x = market()
    kept, torch_state = x.copy(), torch.get_rng_state()
    numpy_state = np.random.get_state()[1].copy()  # noqa: NPY002 the global state is what is looked at
    threads = torch.get_num_threads()
    one, two, other = (GAN(GANConfig.tiny()).fit(x, seed=seed).sample(7, seed=5) for seed in (1, 1, 2))
    assert one.tobytes() == two.tobytes()
    assert one.tobytes() != other.tobytes()
    assert (x == kept).all()
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert (np.random.get_state()[1] == numpy_state).all()  # noqa: NPY002
    assert torch.get_num_threads() == threads


def test_a_path_depends_on_its_number_alone(fitted):
    many = fitted.sample(300, seed=8)  # more than one chunk
    assert many[:3].tobytes() == fitted.sample(3, seed=8).tobytes()
    assert many[:270].tobytes() == fitted.sample(270, seed=8).tobytes()
    assert len(np.unique(many[:, 0, 0])) == 300
    assert fitted.sample(0).shape == (0, 12, 2)


def test_saved_and_loaded_draws_the_same_bytes(fitted):
    again = GAN.load(fitted.config, fitted.state())
    assert again.sample(9, seed=4).tobytes() == fitted.sample(9, seed=4).tobytes()
    assert again.diagnostics().values == {}


@pytest.mark.parametrize("loss", ["wasserstein", "bce"])
def test_resumed_as_if_never_stopped(loss):
    config = dataclasses.replace(GANConfig.tiny(), loss=loss, critic_steps=2)
    whole = GAN(config).fit(market(), seed=6).checkpoint()
    calls = iter(range(100))
    broken = GAN(config).fit(market(), seed=6, should_stop=lambda: next(calls) == 3)
    stopped = broken.checkpoint()
    assert int(stopped["step"]) == 3
    resumed = GAN(config).fit(market(), seed=6, resume=stopped).checkpoint()
    assert whole.keys() == resumed.keys()
    assert all(np.array_equal(whole[name], resumed[name]) for name in whole)


def test_a_checkpoint_taken_on_the_way_resumes_too():
    taken = {}
    gan = GAN(GANConfig.tiny())
    gan.fit(market(), seed=6, on_step=lambda p: taken.update(gan.checkpoint()) if p.step == 2 else None)
    resumed = GAN(GANConfig.tiny()).fit(market(), seed=6, resume=taken)
    assert resumed.sample(4).tobytes() == gan.sample(4).tobytes()


def test_more_epochs_train_on():
    config = GANConfig.tiny()
    short = GAN(config).fit(market(), seed=2).checkpoint()
    steps = []
    longer = GAN(dataclasses.replace(config, epochs=3))
    longer.fit(market(), seed=2, resume=short, on_step=lambda p: steps.append(p.step))
    assert steps[0] == int(short["step"]) + 1
    assert steps[-1] == int(short["step"]) * 3 // 2
    assert (longer.checkpoint()["module.generator.mix.weight"] != short["module.generator.mix.weight"]).all()


def test_refuses_what_cannot_be_learned():
    with pytest.raises(DataError, match="is flat"):
        GAN(GANConfig.tiny()).fit(np.zeros((20, 5, 1)))
    with pytest.raises(DataError, match="missing or infinite"):
        GAN(GANConfig.tiny()).fit(np.full((20, 5, 1), np.nan))
    with pytest.raises(DataError, match="need at least 8"):
        GAN(GANConfig.tiny()).fit(market(4))
    with pytest.raises(TrainingError, match="fit or load it first"):
        GAN().sample(3)
    with pytest.raises(TrainingError, match="fit or load it first"):
        GAN().state()
    with pytest.raises(TrainingError, match="fit it first"):
        GAN().checkpoint()
    with pytest.raises(SettingError, match="one of lstm, gru"):
        GANConfig(cell="rnn")


def test_the_scale_of_the_data_does_not_matter():
    x = market()
    small, large = (GAN(GANConfig.tiny()).fit(x * k, seed=1).sample(20) / k for k in (1.0, 1024.0))
    np.testing.assert_allclose(small, large, rtol=1e-6, atol=1e-12)


def test_presets():
    presets = GANConfig.presets()
    assert list(presets) == ["recommended", "the lab's"]
    assert presets["recommended"] == GANConfig()
    lab = presets["the lab's"]
    assert (lab.noise_dim, lab.hidden_size, lab.loss, lab.critic_steps, lab.epochs, lab.batch_size) == (
        64,
        128,
        "bce",
        1,
        50,
        32,
    )
    assert lab.generator_rate == lab.critic_rate == 2e-4


def test_the_generator_is_recurrent_and_linear_in_the_shock():
    torch_state = torch.get_rng_state()
    generator = RecurrentGenerator(torch.zeros(2, dtype=torch.bool), length=10, noise_dim=3, hidden=8, cell="lstm")
    torch.set_rng_state(torch_state)
    z = torch.randn((4, 11, 5), generator=torch.Generator().manual_seed(0))
    moved = z.clone()
    moved[:, 6] += 1.0  # the noise of step 5, counted from zero
    with torch.no_grad():
        change = (generator(moved) - generator(z)).abs().amax(dim=(0, 2))  # (t,)
        state = (generator.parts(moved)[0] - generator.parts(z)[0]).abs().amax(dim=(0, 2))
    assert (change[:5] == 0).all()  # the future leaves the past alone
    assert (change[5:] > 0).all()  # and is remembered
    assert (state[:6] == 0).all()  # but the state of step 5 has seen only what came before
    assert (state[6:] > 0).all()


def test_an_epoch_takes_no_more_windows_than_it_is_told_to():
    told = []
    GAN(dataclasses.replace(GANConfig.tiny(), epoch_windows=32)).fit(market(60), seed=1, on_step=told.append)
    assert [(p.step, p.steps, p.epoch) for p in told] == [(1, 4, 1), (2, 4, 1), (3, 4, 2), (4, 4, 2)]


def test_level_of_pooled_tickers_comes_back():
    random = np.random.default_rng(0)
    level = np.where(random.random((400, 1, 1)) < 0.3, 15.0, 21.0) + 0.3 * random.standard_normal((400, 1, 1))
    x = level + 0.2 * random.standard_normal((400, 12, 1))
    drawn = GAN(dataclasses.replace(GANConfig.tiny(), epochs=30)).fit(x, seed=1).sample(2000, seed=3)
    levels = drawn.mean(axis=1)
    assert (levels < 18).mean() == pytest.approx((level < 18).mean(), abs=0.05)
    assert (drawn - levels[:, None]).std() == pytest.approx((x - x.mean(axis=1, keepdims=True)).std(), rel=0.1)
    assert np.ptp(levels[:, 0]) > 5


def test_diversity_by_a_plain_loop():
    def nearest(x):
        flat = x.reshape(len(x), -1)
        return np.median([min(np.linalg.norm(a - b) for j, b in enumerate(flat) if j != i) for i, a in enumerate(flat)])

    fake, real = market(9, 4, 2, seed=1) * 100, market(9, 4, 2, seed=2) * 100
    assert diversity(fake, real) == pytest.approx(nearest(fake) / nearest(real))
    assert diversity(np.ones((5, 3, 1)), real) == 0


def test_diagnostics_while_training():
    seen = []
    config = dataclasses.replace(GANConfig.tiny(), epochs=30)
    gan = GAN(config)
    gan.fit(market(), seed=1, on_step=lambda p: seen.append(gan.diagnostics()) if p.step % 50 == 0 else None)
    assert len(seen) >= 2
    assert seen[-1].values["diversity"] > 0.3
    assert len(seen[-1].values["spread"]) == 2


def test_a_collapsed_generator_is_told():
    gan = GAN(dataclasses.replace(GANConfig.tiny(), epochs=30)).fit(market(), seed=1)
    with torch.no_grad():
        for name, weight in gan._averaged.named_parameters():
            if not name.endswith("bias") or name.startswith("log_scale"):
                weight.zero_()
    looked = gan.diagnostics()
    assert looked.values["diversity"] == pytest.approx(0.0, abs=1e-6)
    assert "too much alike" in " ".join(looked.warnings)


def test_complaints_in_words():
    assert complaints({"discriminator": 1.2, "generator": 0.8}, 1.0, 0.0) == []
    assert complaints({"critic": 1.2, "generator": 30.0, "gradient_penalty": 0.3}, 1.0, 0.0) == []
    assert "nearly always right" in complaints({"discriminator": 0.01, "generator": 3.0}, 1.0, 0.0)[0]
    assert "no longer gets through" in complaints({"discriminator": 0.5, "generator": 9.0}, 1.0, 0.0)[0]
    assert "too much alike" in complaints({}, 0.1, 0.0)[0]
    assert "saturates" in complaints({}, 1.0, 0.2)[0]
    assert "slope" in complaints({"critic": 5.0, "gradient_penalty": 80.0}, 1.0, 0.0)[0]


def test_level_and_spread_are_those_of_the_training_windows():
    x = market(400) * [1.0, 30.0]
    drawn = GAN(dataclasses.replace(GANConfig.tiny(), epochs=6)).fit(x, seed=1).sample(4000, seed=3)
    np.testing.assert_allclose(drawn.std(axis=(0, 1)), x.std(axis=(0, 1)), rtol=0.05)
    np.testing.assert_allclose(drawn.mean(axis=(0, 1)), x.mean(axis=(0, 1)), atol=0.05 * x.std(axis=(0, 1)).max())
