"""The lab keeps to its specification: names, signatures, returns, and numbers by a second road."""

import inspect
import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import ks_2samp
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from synthfin_core import lab
from synthfin_core.errors import DataError, SettingError, TrainingWarning
from synthfin_core.training import seeded_weights, threads

SIGNATURES = {
    "preprocess_financial_data": "data, sequence_length, scaler_type='minmax'",
    "reparameterize": "mu, log_var",
    "vae_loss_function": "reconstruction, x, mu, log_var, beta=1.0",
    "train_vae_epoch": "model, dataloader, optimizer, device, beta",
    "train_vae_model": "model, train_dataloader, epochs, optimizer, device, beta",
    "plot_vae_losses": "reconstruction_losses, kl_divergence_losses, epochs",
    "generate_synthetic_data_vae": "model, num_samples, latent_dim, device, scaler, sequence_length",
    "gan_discriminator_loss": "real_output, fake_output, loss_fn",
    "gan_generator_loss": "fake_output, loss_fn",
    "train_gan_epoch": (
        "generator, discriminator, dataloader, gen_optimizer, disc_optimizer, loss_fn, device, latent_dim"
    ),
    "train_gan_model": (
        "generator, discriminator, train_dataloader, epochs, gen_optimizer, disc_optimizer, loss_fn, device, latent_dim"
    ),
    "plot_gan_losses": "generator_losses, discriminator_losses, epochs",
    "generate_synthetic_data_gan": "generator, num_samples, latent_dim, device, scaler, sequence_length",
    "plot_feature_distributions": "real_data, vae_synthetic_data, gan_synthetic_data, feature_names",
    "plot_synthetic_and_real_time_series": (
        "real_data_sequences, vae_synthetic_sequences, gan_synthetic_sequences, num_plots=5, asset_index=0"
    ),
    "calculate_statistical_metrics": "data_dict, feature_names",
    "perform_kolmogorov_smirnov_test": "real_data, synthetic_data, feature_names",
    "generate_with_adjusted_latent": (
        "model, original_latent_sample, latent_dim_to_adjust, adjustment_range, num_steps, device, scaler, "
        "sequence_length"
    ),
    "VAEEncoder": "input_dim, hidden_dim, latent_dim",
    "VAEDecoder": "latent_dim, hidden_dim, output_dim",
    "VAEModel": "input_dim, hidden_dim, latent_dim, output_dim",
    "GANGenerator": "latent_dim, hidden_dim, output_dim, sequence_length",
    "GANDiscriminator": "input_dim, hidden_dim, sequence_length",
    "build_vae_encoder": "input_dim, hidden_dim, latent_dim",
    "build_vae_decoder": "latent_dim, hidden_dim, output_dim",
    "build_gan_generator": "latent_dim, hidden_dim, output_dim, sequence_length",
    "build_gan_discriminator": "input_dim, hidden_dim, sequence_length",
}
WITHOUT_SIGNATURE = ["generate_mock_financial_time_series_data", "plot_loss_curves", "visualize_latent_space"]


@pytest.fixture(autouse=True)
def _one_thread():
    with threads(1):
        yield


@pytest.fixture
def prices():
    return lab.generate_mock_financial_time_series_data(num_assets=2, num_days=60, seed=3)


@pytest.fixture
def prepared(prices):
    return lab.preprocess_financial_data(prices, 10)


def loader(sequences, batch_size=16):
    x = torch.tensor(sequences, dtype=torch.float32)
    order = torch.Generator().manual_seed(0)
    return DataLoader(TensorDataset(x), batch_size=batch_size, shuffle=True, generator=order)


def small_vae(seed=0, latent_dim=3):
    with seeded_weights(seed):
        return lab.VAEModel(2, 8, latent_dim, 2)


def small_gan(seed=0):
    with seeded_weights(seed):
        return lab.build_gan_generator(4, 8, 2, 10), lab.build_gan_discriminator(2, 8, 10)


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_arguments_are_those_of_the_specification(name):
    parameters = inspect.signature(getattr(lab, name)).parameters.values()
    positional = [p.replace(annotation=p.empty) for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert ", ".join(map(str, positional)) == SIGNATURES[name]
    added = [p for p in parameters if p.kind is not p.POSITIONAL_OR_KEYWORD]
    assert all(p.kind is p.KEYWORD_ONLY and p.default is not p.empty for p in added)


def test_every_name_is_offered():
    assert {*SIGNATURES, *WITHOUT_SIGNATURE} <= set(lab.__all__)
    assert all(hasattr(lab, name) for name in lab.__all__)


class TestData:
    def test_mock_prices_are_the_specifications_by_default(self):
        data = lab.generate_mock_financial_time_series_data()
        assert data.shape == (252, 5)
        assert list(data.columns) == [f"Asset_{i}_Price" for i in range(1, 6)]
        assert (data > 0).all(axis=None)
        pd.testing.assert_frame_equal(data, lab.generate_mock_financial_time_series_data(seed=42))
        assert not np.allclose(data, lab.generate_mock_financial_time_series_data(seed=43))

    def test_mock_prices_have_the_drift_and_correlation_asked_for(self):
        data = lab.generate_mock_financial_time_series_data(3, 50_000, drift=0.5, volatility=0.1, correlation=0.6)
        returns = np.log(data).diff().dropna()
        assert returns.mean().mean() * 252 == pytest.approx(0.5 - 0.1**2 / 2, abs=0.02)
        assert returns.std().mean() * math.sqrt(252) == pytest.approx(0.1, rel=0.02)
        assert np.corrcoef(returns.T)[0, 1:] == pytest.approx([0.6, 0.6], abs=0.02)

    def test_windows_are_the_scaled_rows_in_order(self, prices):
        before = prices.copy()
        sequences, scaler = lab.preprocess_financial_data(prices, 10)
        values = prices.to_numpy()
        scaled = (values - values.min(0)) / (values.max(0) - values.min(0))
        assert sequences.shape == (51, 10, 2)
        for i in (0, 17, 50):
            np.testing.assert_allclose(sequences[i], scaled[i : i + 10], atol=1e-12)
        np.testing.assert_allclose(lab.inverse_scale(sequences, scaler)[7], values[7:17], rtol=1e-12)
        pd.testing.assert_frame_equal(prices, before)

    def test_standard_scaling_and_another_range(self, prices):
        standard, _ = lab.preprocess_financial_data(prices, 1, "standard")
        np.testing.assert_allclose(standard.mean((0, 1)), 0, atol=1e-12)
        np.testing.assert_allclose(standard.std((0, 1)), 1, rtol=1e-12)
        ranged, _ = lab.preprocess_financial_data(prices, 1, feature_range=(-0.9, 0.9))
        assert (ranged.min(), ranged.max()) == pytest.approx((-0.9, 0.9))

    @pytest.mark.parametrize(
        ("change", "error", "words"),
        [
            ({"sequence_length": 61}, DataError, "Data have 60 rows, but a window takes 61"),
            ({"sequence_length": 0}, SettingError, "sequence_length is 0"),
            ({"scaler_type": "robust"}, SettingError, "scaler_type is 'robust', expected one of minmax, standard"),
            ({"data": np.ones(5)}, DataError, r"shape \(5,\), expected a table"),
            ({"data": np.array([[1.0], [np.nan]]), "sequence_length": 1}, DataError, "hold 1 values that are missing"),
        ],
    )
    def test_bad_input_is_answered_in_words(self, prices, change, error, words):
        with pytest.raises(error, match=words):
            lab.preprocess_financial_data(**({"data": prices, "sequence_length": 10} | change))


class TestNetworks:
    @pytest.mark.parametrize("cell", ["lstm", "gru"])
    def test_shapes(self, cell):
        x = torch.zeros(7, 10, 5)
        model = lab.VAEModel(5, 8, 3, 5, cell=cell)
        reconstruction, mu, log_var = model(x)
        assert (reconstruction.shape, mu.shape, log_var.shape) == ((7, 10, 5), (7, 3), (7, 3))
        assert lab.build_vae_encoder(5, 8, 3, cell=cell)(x)[0].shape == (7, 3)
        assert lab.build_vae_decoder(3, 8, 5, cell=cell)(mu, 4).shape == (7, 4, 5)
        assert lab.build_gan_generator(6, 8, 5, 10, cell=cell)(torch.zeros(7, 6)).shape == (7, 10, 5)
        assert lab.build_gan_discriminator(5, 8, 10, cell=cell)(x).shape == (7, 1)
        assert isinstance(model.encoder, lab.VAEEncoder)
        assert isinstance(model.decoder, lab.VAEDecoder)

    def test_an_unknown_cell_is_refused(self):
        with pytest.raises(SettingError, match="cell is 'rnn', expected one of lstm, gru"):
            lab.VAEModel(5, 8, 3, 5, cell="rnn")

    def test_every_weight_learns(self, prepared):
        x = torch.tensor(prepared[0][:8], dtype=torch.float32)
        model = small_vae()
        lab.vae_loss_function(model(x)[0], x, *model.encoder(x)).backward()
        generator, discriminator = small_gan()
        discriminator(generator(torch.randn(8, 4, generator=torch.Generator().manual_seed(0)))).sum().backward()
        for module in (model, generator, discriminator):
            assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in module.parameters())

    def test_the_generator_stays_within_what_tanh_reaches(self):
        generator, discriminator = small_gan()
        x = generator(100 * torch.randn(50, 4, generator=torch.Generator().manual_seed(0)))
        assert x.abs().max() <= 1
        assert ((discriminator(x) > 0) & (discriminator(x) < 1)).all()

    def test_reparameterized_draws_have_the_mean_and_deviation(self):
        mu, log_var = torch.full((200_000, 1), 2.0), torch.full((200_000, 1), math.log(9.0))
        before = torch.get_rng_state()
        z = lab.reparameterize(mu, log_var, noise=torch.Generator().manual_seed(0))
        assert z.mean().item() == pytest.approx(2, abs=0.03)
        assert z.std().item() == pytest.approx(3, rel=0.01)
        assert torch.equal(torch.get_rng_state(), before)

    def test_gradients_pass_through_the_draw(self):
        mu, log_var = torch.zeros(4, 2, requires_grad=True), torch.zeros(4, 2, requires_grad=True)
        z = small_vae().reparameterize(mu, log_var, noise=torch.Generator().manual_seed(1))
        z.sum().backward()
        assert torch.equal(mu.grad, torch.ones(4, 2))
        torch.testing.assert_close(log_var.grad, 0.5 * z.detach())  # dz / dlogvar = sigma eps / 2


class TestLosses:
    def arrays(self):
        draws = torch.Generator().manual_seed(5)
        shapes = ((6, 10, 2), (6, 10, 2), (6, 3), (6, 3))
        return [torch.randn(shape, generator=draws, dtype=torch.float64) for shape in shapes]

    def test_the_literal_loss_is_a_mean_plus_a_sum(self):
        reconstruction, x, mu, log_var = self.arrays()
        posterior = torch.distributions.Normal(mu, torch.exp(log_var / 2))
        kl = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum()
        expected = nn.functional.mse_loss(reconstruction, x) + 0.1 * kl
        torch.testing.assert_close(lab.vae_loss_function(reconstruction, x, mu, log_var, 0.1), expected)

    def test_the_loss_per_sample_is_the_bound_of_a_gaussian_decoder(self):
        reconstruction, x, mu, log_var = self.arrays()
        beta = 0.1
        loss = lab.vae_loss_function(reconstruction, x, mu, log_var, beta, reduction="per_sample")
        decoder = torch.distributions.Normal(reconstruction, math.sqrt(beta / 2))
        posterior = torch.distributions.Normal(mu, torch.exp(log_var / 2))
        kl = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum(1)
        bound = decoder.log_prob(x).sum((1, 2)) - kl
        constant = 20 * math.log(math.sqrt(math.pi * beta))
        torch.testing.assert_close(loss, -beta * (bound.mean() + constant))

    def test_the_loss_per_sample_does_not_depend_on_the_batch(self):
        one = self.arrays()
        four = [torch.cat([part] * 4) for part in one]
        per_sample = [lab.vae_loss_function(*parts, reduction="per_sample") for parts in (one, four)]
        literal = [lab.vae_loss_function(*parts) for parts in (one, four)]
        torch.testing.assert_close(*per_sample)
        assert literal[1] > 3 * literal[0]

    def test_an_unknown_reduction_is_refused(self):
        with pytest.raises(SettingError, match="reduction is 'sum', expected one of literal, per_sample"):
            lab.vae_loss_function(*self.arrays(), reduction="sum")

    def test_the_adversarial_losses(self):
        real, fake = torch.tensor([[0.9], [0.6]]), torch.tensor([[0.2], [0.4]])
        loss_fn = nn.BCELoss()
        discriminator = lab.gan_discriminator_loss(real, fake, loss_fn).item()
        assert discriminator == pytest.approx(-np.log([0.9, 0.6]).mean() - np.log([0.8, 0.6]).mean(), rel=1e-6)
        assert lab.gan_generator_loss(fake, loss_fn).item() == pytest.approx(-np.log([0.2, 0.4]).mean(), rel=1e-6)
        half = torch.full((3, 1), 0.5)
        assert lab.gan_discriminator_loss(half, half, loss_fn).item() == pytest.approx(2 * math.log(2))


class TestVAETraining:
    def test_training_lowers_the_loss_and_returns_both_histories(self, prepared, capsys):
        model = small_vae()
        adam = torch.optim.Adam(model.parameters(), lr=1e-2)
        torch.manual_seed(0)
        reconstruction, kl = lab.train_vae_model(
            model, loader(prepared[0]), 15, adam, "cpu", 0.01, reduction="per_sample"
        )
        assert (len(reconstruction), len(kl)) == (15, 15)
        assert reconstruction[-1] < 0.5 * reconstruction[0]
        assert min(kl) >= 0
        printed = capsys.readouterr().out.splitlines()
        assert len(printed) == 15
        assert printed[-1].startswith("Epoch 15/15: loss ")
        assert f"reconstruction {reconstruction[-1]:.4f}, KL {kl[-1]:.4f}" in printed[-1]

    def test_an_epoch_returns_its_average_loss(self, prepared):
        model, parts = small_vae(), []
        standing_still = torch.optim.SGD(model.parameters(), lr=0.0)
        loss = lab.train_vae_epoch(model, loader(prepared[0]), standing_still, "cpu", 0.3, on_batch=parts.append)
        assert model.training
        assert len(parts) == 4
        assert loss == pytest.approx(np.mean([p["reconstruction"] + 0.3 * p["kl"] for p in parts]), rel=1e-5)

    def test_printing_can_be_thinned_and_turned_off(self, prepared, capsys):
        model = small_vae()
        adam = torch.optim.Adam(model.parameters())
        lab.train_vae_model(model, loader(prepared[0]), 4, adam, "cpu", 0.1, print_every=2)
        assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == ["Epoch 2/4", "Epoch 4/4"]
        lab.train_vae_model(model, loader(prepared[0]), 2, adam, "cpu", 0.1, print_every=0)
        assert capsys.readouterr().out == ""

    def test_the_literal_loss_collapses_and_the_one_per_sample_does_not(self, prices):
        sequences, scaler = lab.preprocess_financial_data(prices, 10)
        spread = {}
        for reduction in ("literal", "per_sample"):
            model = small_vae(latent_dim=8)
            adam = torch.optim.Adam(model.parameters(), lr=1e-2)
            torch.manual_seed(0)
            lab.train_vae_model(model, loader(sequences), 40, adam, "cpu", 0.1, reduction=reduction, print_every=0)
            made = lab.generate_synthetic_data_vae(
                model, 300, 8, "cpu", scaler, 10, noise=torch.Generator().manual_seed(1)
            )
            spread[reduction] = made.std(0).mean() / lab.inverse_scale(sequences, scaler).std(0).mean()
        assert spread["literal"] < 0.2
        assert spread["per_sample"] > 0.5


class TestGANTraining:
    def test_training_returns_generator_then_discriminator_losses(self, prices, capsys):
        sequences, _ = lab.preprocess_financial_data(prices, 10, feature_range=(-0.9, 0.9))
        generator, discriminator = small_gan()
        before = [p.clone() for p in (*generator.parameters(), *discriminator.parameters())]
        adams = [torch.optim.Adam(module.parameters(), lr=1e-3) for module in (generator, discriminator)]
        torch.manual_seed(0)
        gen, disc = lab.train_gan_model(
            generator, discriminator, loader(sequences), 5, *adams, nn.BCELoss(), "cpu", 4, print_every=5
        )
        assert (len(gen), len(disc)) == (5, 5)
        assert disc[0] == pytest.approx(2 * math.log(2), abs=0.1)  # at first it guesses
        assert gen[0] == pytest.approx(math.log(2), abs=0.1)
        assert capsys.readouterr().out == f"Epoch 5/5: generator {gen[-1]:.4f}, discriminator {disc[-1]:.4f}\n"
        after = (*generator.parameters(), *discriminator.parameters())
        assert all(not torch.equal(a, b) for a, b in zip(after, before, strict=True))

    def test_an_epoch_returns_discriminator_then_generator_loss(self, prices):
        sequences, _ = lab.preprocess_financial_data(prices, 10)
        generator, discriminator = small_gan()
        still = [torch.optim.SGD(module.parameters(), lr=0.0) for module in (generator, discriminator)]
        nn.init.zeros_(discriminator.output.weight)
        nn.init.constant_(discriminator.output.bias, math.log(3))  # says 0.75 to everything
        disc, gen = lab.train_gan_epoch(generator, discriminator, loader(sequences), *still, nn.BCELoss(), "cpu", 4)
        assert disc == pytest.approx(-math.log(0.75) - math.log(0.25), rel=1e-5)
        assert gen == pytest.approx(-math.log(0.75), rel=1e-5)

    def test_training_the_discriminator_lowers_its_loss(self, prices):
        sequences, _ = lab.preprocess_financial_data(prices, 10, feature_range=(-0.9, 0.9))
        generator, discriminator = small_gan()
        still = torch.optim.SGD(generator.parameters(), lr=0.0)
        adam = torch.optim.Adam(discriminator.parameters(), lr=1e-2)
        _, disc = lab.train_gan_model(
            generator, discriminator, loader(sequences), 6, still, adam, nn.BCELoss(), "cpu", 4, print_every=0
        )
        assert disc[-1] < 0.9 * disc[0]

    def test_data_that_tanh_cannot_reach_are_pointed_out(self, prices):
        sequences, _ = lab.preprocess_financial_data(prices, 10, "standard")
        generator, discriminator = small_gan()
        still = [torch.optim.SGD(module.parameters(), lr=0.0) for module in (generator, discriminator)]
        with pytest.warns(TrainingWarning, match="ends in a tanh and stays within -1 and 1: scale them"):
            lab.train_gan_epoch(generator, discriminator, loader(sequences), *still, nn.BCELoss(), "cpu", 4)


class TestNewData:
    def test_vae_windows_come_in_the_datas_units(self, prepared):
        _, scaler = prepared
        model = small_vae()
        for parameter in model.decoder.output.parameters():
            nn.init.zeros_(parameter)
        made = lab.generate_synthetic_data_vae(model, 6, 3, "cpu", scaler, 10)
        assert made.shape == (6, 10, 2)
        assert not model.training
        np.testing.assert_allclose(made, np.broadcast_to(scaler.data_min_, (6, 10, 2)))  # scaled zero

    def test_gan_windows_come_in_the_datas_units(self, prices):
        _, scaler = lab.preprocess_financial_data(prices, 10, feature_range=(-0.9, 0.9))
        generator, _ = small_gan()
        for parameter in generator.output.parameters():
            nn.init.zeros_(parameter)
        made = lab.generate_synthetic_data_gan(generator, 6, 4, "cpu", scaler, 10)
        assert made.shape == (6, 10, 2)
        assert not generator.training
        middle = (scaler.data_min_ + scaler.data_max_) / 2
        np.testing.assert_allclose(made, np.broadcast_to(middle, (6, 10, 2)))

    def test_the_same_noise_makes_the_same_windows(self, prepared):
        _, scaler = prepared
        model, (generator, _) = small_vae(), small_gan()
        before = torch.get_rng_state()
        for make in (
            lambda noise: lab.generate_synthetic_data_vae(model, 5, 3, "cpu", scaler, 10, noise=noise),
            lambda noise: lab.generate_synthetic_data_gan(generator, 5, 4, "cpu", scaler, 10, noise=noise),
        ):
            same, again, other = (make(torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
            np.testing.assert_array_equal(same, again)
            assert not np.allclose(same, other)
        assert torch.equal(torch.get_rng_state(), before)


class TestAdjustedLatents:
    def test_one_dimension_moves_and_the_others_stay(self, prepared, monkeypatch):
        model = small_vae()
        seen = []
        decode = model.decoder.forward
        monkeypatch.setattr(model.decoder, "forward", lambda z, t: seen.append(z.clone()) or decode(z, t))
        origin = np.array([0.5, -1.0, 2.0])
        made = lab.generate_with_adjusted_latent(model, origin, 1, (-3, 3), 7, "cpu", prepared[1], 10)
        assert (len(made), made[0].shape) == (7, (10, 2))
        (z,) = seen
        np.testing.assert_allclose(z[:, 1], -1 + np.arange(-3, 4), atol=1e-6)
        np.testing.assert_allclose(z[:, [0, 2]], np.tile([0.5, 2.0], (7, 1)))
        np.testing.assert_array_equal(origin, [0.5, -1.0, 2.0])

    def test_the_window_in_the_middle_is_the_original(self, prepared):
        model, origin = small_vae(), torch.tensor([[0.3, 0.1, -0.7]])
        made = lab.generate_with_adjusted_latent(model, origin, 0, (-1, 1), 3, "cpu", prepared[1], 10)
        with torch.no_grad():
            expected = lab.inverse_scale(model.decoder(origin, 10), prepared[1])[0]
        np.testing.assert_allclose(made[1], expected, rtol=1e-6)
        assert np.abs(made[0] - made[2]).max() > 0

    @pytest.mark.parametrize("dimension", [-1, 3])
    def test_a_dimension_that_is_not_there_is_refused(self, prepared, dimension):
        with pytest.raises(SettingError, match="expected a whole number from 0 to 2"):
            lab.generate_with_adjusted_latent(small_vae(), np.zeros(3), dimension, (-3, 3), 5, "cpu", prepared[1], 10)


class TestMetrics:
    def tables(self):
        draws = np.random.default_rng(2)
        return draws.normal(0, 1, (300, 2)), draws.normal(0.5, 2, (200, 2))

    def test_means_and_deviations_are_printed_and_returned(self, capsys):
        real, made = self.tables()
        table = lab.calculate_statistical_metrics(
            {"Real": real, "VAE": pd.DataFrame(made, columns=["a", "b"])}, ["a", "b"]
        )
        assert list(table.index) == [("a", "Real"), ("a", "VAE"), ("b", "Real"), ("b", "VAE")]
        assert table.loc[("b", "VAE")].tolist() == pytest.approx([made[:, 1].mean(), made[:, 1].std()])
        printed = capsys.readouterr().out
        assert "standard deviation" in printed
        assert f"{made[:, 1].std():.4f}" in printed

    def test_windows_are_pooled_over_time(self):
        x = np.arange(24.0).reshape(3, 4, 2)
        table = lab.calculate_statistical_metrics({"Real": x}, ["a", "b"])
        assert table.loc[("a", "Real"), "mean"] == x[:, :, 0].mean()

    def test_the_test_of_kolmogorov_and_smirnov_is_scipys(self, capsys):
        real, made = self.tables()
        table = lab.perform_kolmogorov_smirnov_test(real, made, ["a", "b"])
        for i, name in enumerate(("a", "b")):
            expected = ks_2samp(real[:, i], made[:, i])
            assert table.loc[name].tolist() == pytest.approx([expected.statistic, expected.pvalue])
        printed = capsys.readouterr().out
        assert "not that there is none" in printed
        assert "overlap" in printed

    def test_names_that_do_not_fit_are_refused(self):
        real, made = self.tables()
        with pytest.raises(DataError, match="Data have 2 columns, but 1 names were given"):
            lab.perform_kolmogorov_smirnov_test(real, made, ["a"])
        with pytest.raises(DataError, match="No column is called 'c'; there are a, b"):
            lab.calculate_statistical_metrics({"Real": pd.DataFrame(real, columns=["a", "b"])}, ["c"])


class TestFigures:
    def test_loss_curves_hold_the_histories(self):
        fig = lab.plot_vae_losses([3.0, 2.0, 1.0], [0.1, 0.2, 0.3], 3)
        assert [trace.name for trace in fig.data] == ["reconstruction", "KL divergence"]
        assert [list(trace.x) for trace in fig.data] == [[1, 2, 3]] * 2
        assert [list(trace.y) for trace in fig.data] == [[3.0, 2.0, 1.0], [0.1, 0.2, 0.3]]
        assert fig.layout.xaxis.title.text == "epoch"
        fig = lab.plot_gan_losses([0.7, 0.8], [1.3, 1.2], 2)
        assert {trace.name: list(trace.y) for trace in fig.data} == {
            "generator": [0.7, 0.8],
            "discriminator": [1.3, 1.2],
        }
        fig = lab.plot_loss_curves({"VAE": [1.0, 2.0], "GAN": [3.0]}, title="Both")
        assert fig.layout.title.text == "Both"
        assert [len(trace.x) for trace in fig.data] == [2, 1]

    def test_histories_of_the_wrong_length_are_refused(self):
        with pytest.raises(
            DataError, match="The KL divergence history holds 1 numbers, expected one for each of 2 epochs"
        ):
            lab.plot_vae_losses([1.0, 2.0], [1.0], 2)

    def test_distributions_have_a_panel_for_each_feature(self):
        draws = np.random.default_rng(0)
        real, vae, gan = (draws.normal(0, 1, (400, 2)) for _ in range(3))
        fig = lab.plot_feature_distributions(pd.DataFrame(real, columns=["a", "b"]), vae, gan, ["a", "b"])
        curves = [trace for trace in fig.data if trace.type == "scatter"]
        bars = [trace for trace in fig.data if trace.type == "bar"]
        assert [trace.name for trace in curves] == ["real", "VAE", "GAN"] * 2
        assert [bool(trace.showlegend) for trace in curves] == [True] * 3 + [False] * 3
        assert [trace.xaxis for trace in curves] == ["x"] * 3 + ["x2"] * 3
        assert [note.text for note in fig.layout.annotations] == ["Distribution of a", "Distribution of b"]
        for i, panel in enumerate((0, 1)):  # each bar's area is the share of values in it
            bar = bars[3 * panel]
            middle, width = bar.x[30], bar.width
            share = np.mean((real[:, i] >= middle - width / 2) & (real[:, i] < middle + width / 2))
            assert bar.y[30] * width == pytest.approx(share)

    def test_series_are_windows_of_each_data_set(self):
        draws = np.random.default_rng(0)
        named = {name: draws.normal(size=(20, 10, 2)) for name in ("real", "VAE", "GAN")}
        fig = lab.plot_synthetic_and_real_time_series(*named.values(), num_plots=3, asset_index=1)
        assert len(fig.data) == 9
        for trace in fig.data:
            assert any(np.array_equal(trace.y, window) for window in named[trace.name][:, :, 1])
        assert sorted(trace.yaxis for trace in fig.data) == ["y"] * 3 + ["y2"] * 3 + ["y3"] * 3
        assert sum(bool(trace.showlegend) for trace in fig.data) == 3
        again, other = (
            lab.plot_synthetic_and_real_time_series(*named.values(), num_plots=3, asset_index=1, seed=s) for s in (0, 1)
        )
        assert np.array_equal(again.data[0].y, fig.data[0].y)
        assert not all(np.array_equal(a.y, b.y) for a, b in zip(other.data, fig.data, strict=True))
        with pytest.raises(SettingError, match="asset_index is 2, expected a whole number from 0 to 1"):
            lab.plot_synthetic_and_real_time_series(*named.values(), asset_index=2)

    @pytest.mark.parametrize("method", ["PCA", "t-SNE"])
    def test_the_latent_map_shows_every_window(self, prepared, method):
        model, x = small_vae(latent_dim=2), prepared[0]
        fig = lab.visualize_latent_space(model, x, method=method)
        (trace,) = fig.data
        assert len(trace.x) == len(x)
        np.testing.assert_allclose(trace.marker.color, x.mean(axis=(1, 2)), rtol=1e-5)
        if method == "PCA":  # two latents: the map is a rotation, so distances stay
            with torch.no_grad():
                mu = model.encoder(torch.tensor(x, dtype=torch.float32))[0].numpy()
            on_map = np.hypot(trace.x[0] - trace.x[9], trace.y[0] - trace.y[9])
            assert on_map == pytest.approx(np.linalg.norm(mu[0] - mu[9]), rel=1e-4)

    def test_the_latent_maps_colours_can_be_given(self, prepared):
        values = np.arange(len(prepared[0]))
        fig = lab.visualize_latent_space(small_vae(), prepared[0], values=values, label="day")
        np.testing.assert_array_equal(fig.data[0].marker.color, values)
        assert fig.data[0].marker.colorbar.title.text == "day"
