"""The VAE: its bound, its draws, its latents, and what the contract asks of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal, multivariate_t

from synthfin_core.errors import DataError, SettingError, TrainingError
from synthfin_core.evaluation import copied_pieces
from synthfin_core.generators.latents import Mixture
from synthfin_core.generators.timevae import TimeVAE
from synthfin_core.generators.vae import NETWORKS, VAE, VAEConfig
from synthfin_core.generators.variational import wanders

TINY = VAEConfig.tiny()


def garch_windows(n=160, t=12, d=2, seed=0):
    """Windows whose scale differs from one to the next, so that there is something for latents to say."""
    draw = np.random.default_rng(seed)
    level = np.exp(0.7 * draw.standard_normal((n, 1, 1)))
    return level * draw.standard_normal((n, t, d)) @ np.linalg.cholesky(0.5 * np.eye(d) + 0.5).T


@pytest.fixture(scope="module")
def x():
    return garch_windows()


@pytest.fixture(scope="module")
def model(x):
    return VAE(TINY).fit(x, seed=3)


@pytest.mark.parametrize("config", [*VAEConfig.presets().values(), TINY])
def test_every_preset_is_a_config_with_help_in_one_sentence(config):
    assert VAEConfig.from_dict(config.to_dict()) == config
    assert all(setting.help.endswith(".") and setting.help.count(". ") == 0 for setting in config.params())


@pytest.mark.parametrize(("encoder", "decoder"), [(kind, kind) for kind in NETWORKS] + [("gru", "convolutional")])
@pytest.mark.parametrize("observation", ["student-t", "gaussian", "full covariance", "resampled residuals"])
@pytest.mark.parametrize("d", [1, 3])
def test_fits_and_samples_any_number_of_series(encoder, decoder, observation, d):
    config = VAEConfig(
        latent_dim=2, hidden_size=4, epochs=1, encoder=encoder, decoder=decoder, observation=observation, rank=3
    )
    windows = garch_windows(n=40, t=10, d=d)
    model = VAE(config).fit(windows)
    drawn = model.sample(7, seed=1)
    assert drawn.shape == (7, 10, d)
    assert np.isfinite(drawn).all()
    assert model.decode(np.zeros((3, 2))).shape == (3, 10, d)
    assert model.encode(windows)[0].shape == (40, 2)


def test_paths_do_not_depend_on_how_many_were_drawn(model):
    np.testing.assert_allclose(model.sample(600, seed=4)[:5], model.sample(5, seed=4), atol=1e-5)


def test_loaded_model_draws_the_same_bytes(model):
    loaded = VAE.load(model.config, model.state())
    assert loaded.sample(20, seed=1).tobytes() == model.sample(20, seed=1).tobytes()
    assert loaded.diagnostics().values["activity"] == model.diagnostics().values["activity"]


@pytest.mark.parametrize("stop_after", [1, 7])
def test_interrupted_fit_resumes_to_the_same_bytes(x, model, stop_after):
    seen = []
    first = VAE(TINY).fit(x, seed=3, on_step=seen.append, should_stop=lambda: len(seen) >= stop_after)
    assert len(seen) == stop_after
    second = VAE(TINY).fit(x, seed=3, resume=first.checkpoint())
    for name, value in model.state().items():
        assert second.state()[name].tobytes() == value.tobytes(), name


def test_noise_stays_while_the_latent_moves(model):
    z = np.zeros((1, 2))
    near = model.sample_given(z + 1e-3, seed=5) - model.sample_given(z, seed=5)
    far = model.sample_given(z, seed=6) - model.sample_given(z, seed=5)
    assert np.abs(near).max() < 0.02
    assert np.abs(far).max() > 0.5


def test_samples_given_a_latent_average_to_its_decoding(model):
    z = np.tile([[0.5, -1.0]], (20_000, 1))
    drawn = model.sample_given(z, seed=0)
    error = drawn.std(axis=0) / np.sqrt(len(drawn))
    assert (np.abs(drawn.mean(axis=0) - model.decode(z[:1])[0]) < 5 * error).all()


def test_density_of_a_window_is_that_of_a_plain_loop_over_its_steps(x, model):
    network = model.network
    y = network.standardise(torch.as_tensor(x[:3], dtype=torch.float32))
    z = torch.as_tensor(model.encode(x[:3])[0]).float()
    with torch.no_grad():
        law = network.given(z)
        fast = law.log_density(y)
        m, log_s, below = law.m, law.log_s, law.below
        shift, log_factor = law.feedback(y, law.before)
    for i in range(3):
        slow = 0.0
        for j in range(x.shape[1]):
            a = np.array([[1, 0], [float(below[i, j, 0]), 1]])
            root = np.diag(np.exp((log_s + log_factor)[i, j].numpy())) @ np.linalg.inv(a)
            slow += multivariate_t.logpdf(y[i, j], (m + shift)[i, j], root @ root.T, df=float(law.dof))
        assert float(fast[i]) == pytest.approx(slow, rel=1e-4)


def test_losses_are_sums_over_latents_and_means_over_windows(x):
    """The first report, made before any step was taken, against a plain loop."""
    config = replace(TINY, batch_size=len(x), beta=0.5)
    seen = []
    model = VAE(config).fit(x, seed=0, on_step=seen.append, should_stop=lambda: bool(seen))
    report = seen[0].losses
    assert report["loss"] == pytest.approx(report["reconstruction"] + 0.5 * report["kl"], rel=1e-5)
    untrained = VAE(config).fit(x, seed=0, should_stop=lambda: True)
    slow = 0.0
    for mu, logvar in zip(*untrained.encode(x), strict=True):
        for m, v in zip(mu, logvar, strict=True):
            q = torch.distributions.Normal(float(m), float(np.exp(v / 2)))
            slow += float(torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0))) / len(x)
    assert report["kl"] == pytest.approx(slow, rel=1e-3)
    assert model.diagnostics().values["active_units"] <= 2


def test_bound_lies_below_the_exact_likelihood_and_comes_close():
    """Linear Gaussian data, x = a + noise: the likelihood is known, and a VAE can represent it."""
    draw = np.random.default_rng(0)
    t, noise = 4, 0.5
    x = draw.standard_normal((1000, 1, 1)) + noise * draw.standard_normal((1000, t, 1))
    config = VAEConfig(
        latent_dim=1, hidden_size=8, epochs=25, kl_warmup=0, learning_rate=2e-2, observation="gaussian", latents="prior"
    )
    seen = []
    network = VAE(config).fit(x, seed=0, on_step=seen.append).network
    scale, mean = float(network.deviation), float(network.mean)
    covariance = (np.ones((t, t)) + noise**2 * np.eye(t)) / scale**2
    exact = multivariate_normal.logpdf((x[..., 0] - mean) / scale, -mean / scale * np.ones(t), covariance).mean()
    bound = -np.mean([progress.losses["loss"] for progress in seen[-8:]])
    assert exact - 0.3 < bound < exact + 0.05


def test_latents_of_the_preset_prior_are_standard_normal(x):
    config = VAEConfig(latent_dim=2, hidden_size=4, epochs=1, latents="prior")
    model = VAE(config).fit(x)
    assert not [name for name in model.state() if name.startswith("mixture")]


def test_mixture_draws_have_the_moments_of_what_it_was_fitted_to():
    draw = np.random.default_rng(0)
    z = np.concatenate([draw.normal([-3, 0], [0.5, 1], (3000, 2)), draw.normal([2, 1], [1, 0.3], (1000, 2))])
    mixture = Mixture.fit(z, 2, seed=0)
    drawn = mixture.draw(40_000, seed=1)
    np.testing.assert_allclose(drawn.mean(0), z.mean(0), atol=0.06)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(z.T), atol=0.12)
    assert sorted(mixture.shares.round(2)) == [0.25, 0.75]
    assert mixture.draw(10, seed=1).tobytes() == drawn[:10].tobytes()


def test_collapse_is_told_in_words(x):
    config = VAEConfig(latent_dim=2, hidden_size=4, epochs=8, beta=100.0, kl_warmup=0, latents="prior")
    diagnostics = VAE(config).fit(x).diagnostics()
    assert diagnostics.values["active_units"] <= 1
    assert any("Posterior collapse" in warning for warning in diagnostics.warnings)


def test_diagnostics_can_be_asked_for_while_training(x):
    model, seen = VAE(TINY), []
    model.fit(x, on_step=lambda progress: seen.append((model.diagnostics(), model.sample(2))))
    assert len(seen[0][0].values["kl_per_dimension"]) == 2


def wandering_windows(n=200, t=10, d=2, seed=0):
    """Windows of levels: random walks that begin anywhere."""
    draw = np.random.default_rng(seed)
    return 5 * draw.standard_normal((n, 1, d)) + draw.standard_normal((n, t, d)).cumsum(axis=1)


@pytest.fixture(scope="module")
def levels():
    return VAE(replace(TINY, epochs=20)).fit(wandering_windows(), seed=0)


def test_automatic_takes_residuals_again_when_every_series_wanders(x, model, levels):
    assert model.observation == "student-t"
    assert levels.observation == "resampled residuals"
    assert VAE.load(levels.config, levels.state()).observation == "resampled residuals"
    half = np.concatenate([x[:, :10, :1], wandering_windows(n=len(x))[:, :, :1]], axis=2)
    assert VAE(TINY).fit(half, should_stop=lambda: True).observation == "student-t"


@pytest.mark.parametrize("family", [VAE, TimeVAE])
@pytest.mark.parametrize("observation", ["automatic", "student-t", "gaussian", "resampled residuals"])
def test_residuals_drawn_again_are_advised_against_where_windows_do_not_wander(family, observation, x):
    config = replace(family.Config.tiny(), observation=observation)
    half = np.concatenate([x[:, :10, :1], wandering_windows(n=len(x))[:, :, :1]], axis=2)
    assert family.advise(config, wandering_windows()) == []
    for windows in (x, half):
        said = family.advise(config, windows)
        assert len(said) == (observation == "resampled residuals")
        assert all("near copies of training windows: choose automatic or student-t" in sentence for sentence in said)


@pytest.mark.parametrize("phi", [0.45, 0.55])
def test_a_series_wanders_when_neighbours_correlate_by_more_than_a_half(phi):
    draw = np.random.default_rng(0)
    bars = [draw.standard_normal((20_000, 1))]
    for _ in range(8):
        bars.append(phi * bars[-1] + np.sqrt(1 - phi**2) * draw.standard_normal((20_000, 1)))
    assert wanders(np.stack(bars, axis=1)) == (phi > 0.5)


def test_resampled_residuals_are_those_of_training_windows(levels):
    """At a latent point, windows differ from its mean by scaled residuals of training windows, and by nothing else."""
    z = np.tile([[0.3, -0.5]], (300, 1))
    drawn, law = levels.sample_given(z, seed=0), levels.network.given(torch.as_tensor(z).float())
    with torch.no_grad():
        u = law.residuals(levels.network.standardise(torch.as_tensor(drawn).float())).numpy()
    known = levels.state()["residuals.u"]
    assert known.shape == (200, 10, 2)
    distance = np.abs(u[:, None] - known[None]).max(axis=(2, 3))
    assert distance.min(axis=1).max() < 1e-4
    assert len(set(distance.argmin(axis=1))) > 100


def test_resampled_residuals_copy_no_training_window(levels):
    x = wandering_windows()
    drawn = levels.sample(500, seed=1)
    assert copied_pieces(x, drawn, length=3).sum() == 0
    assert np.abs(drawn[:, None] - x[None]).max(axis=(2, 3)).min() > 1e-3


def test_residuals_of_many_windows_are_thinned(monkeypatch):
    monkeypatch.setattr("synthfin_core.generators.variational.MOST_RESIDUALS", 30)
    model = VAE(replace(TINY, epochs=1)).fit(wandering_windows(n=100))
    assert model.state()["residuals.u"].shape == (25, 10, 2)


def test_a_full_covariance_keeps_what_bars_have_in_common():
    """Windows whose bars share a factor that a silent latent leaves to the covariance."""
    draw = np.random.default_rng(0)
    x = draw.standard_normal((2000, 1, 1)) + 0.5 * draw.standard_normal((2000, 6, 1))
    config = VAEConfig(latent_dim=1, hidden_size=8, beta=20.0, epochs=15, learning_rate=2e-2, rank=1, kl_warmup=0)
    model = VAE(replace(config, observation="full covariance", latents="prior", free_bits=0.0)).fit(x, seed=0)
    drawn = model.sample(4000, seed=0)[:, :, 0]
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(x[:, :, 0].T), atol=0.16)


def test_a_rank_with_no_room_in_the_window_is_refused():
    config = VAEConfig(observation="full covariance", rank=12)
    with pytest.raises(SettingError, match="rank of the covariance is 12, expected less than the 12 numbers"):
        VAE.check(config, 100, 6, 2)
    VAE.check(replace(config, rank=11), 100, 6, 2)
    VAE.check(replace(config, observation="student-t"), 100, 2, 1)


def test_refusals(x):
    with pytest.raises(TrainingError, match="call fit first"):
        VAE(TINY).sample(1)
    broken = x.copy()
    broken[0, 0, 0] = np.nan
    with pytest.raises(DataError, match="missing or infinite"):
        VAE(TINY).fit(broken)


def test_leaves_threads_input_and_global_randomness_alone(x):
    before, copy = torch.random.get_rng_state(), x.copy()
    torch.set_num_threads(2)
    try:
        VAE(TINY).fit(x).sample(2)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert torch.equal(before, torch.random.get_rng_state())
    assert (x == copy).all()
