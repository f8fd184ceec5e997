"""The networks of the VAE: feedback step by step against all steps at once, and the start against the data."""

import numpy as np
import pytest
import torch

from synthfin_core.nn import vae
from synthfin_core.nn.feedback import signals
from synthfin_core.nn.observation import Stepwise
from synthfin_core.nn.recurrent import RecurrentDecoder, RecurrentEncoder
from synthfin_core.nn.variational import VariationalNetwork
from synthfin_core.nn.whole_window import WholeWindow


@pytest.fixture
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        law = Stepwise(3, 2, heavy=True)
        encoder, decoder = RecurrentEncoder(3, 2, "lstm", 6, 4), RecurrentDecoder(20, law.numbers, 2, "lstm", 6, 4)
        made = VariationalNetwork(20, 3, encoder, decoder, law).double()
        torch.nn.init.normal_(made.observation.feedback.weight, std=0.2)
        torch.nn.init.uniform_(made.observation.feedback.phi, -0.5, 0.5)
        torch.nn.init.uniform_(made.observation.feedback.first, -0.5, 0.5)
    return made


def draws(*shape):
    return torch.as_tensor(np.random.default_rng(1).standard_normal(shape))


def test_windows_drawn_step_by_step_have_the_residuals_they_were_drawn_from(network):
    u = draws(5, 20, 3)
    with torch.no_grad():
        law = network.given(draws(5, 2))
        torch.testing.assert_close(law.residuals(law.windows(u)), u)


def test_feedback_equals_a_plain_loop(network):
    y = draws(4, 15, 3)
    before = draws(4, 3) + 1
    shift, log_factor = network.observation.feedback(y, before)
    memory = torch.zeros(4, 3, 6, dtype=torch.float64)
    for j in range(15):
        own = network.observation.feedback.first if j == 0 else 0
        torch.testing.assert_close(log_factor[:, j], memory.flatten(1) @ network.observation.feedback.weight + own)
        torch.testing.assert_close(shift[:, j], network.observation.feedback.phi * (y[:, j - 1] if j else before))
        for i, decay in enumerate(network.observation.feedback.decays):
            memory[:, i] = decay * memory[:, i] + (1 - decay) * torch.cat(signals(y[:, j], torch.log), dim=-1)


def test_mean_is_the_average_of_what_is_drawn(network):
    with torch.no_grad():
        law = network.given(draws(1, 2).expand(10_000, -1))
        drawn = law.windows(draws(10_000, 20, 3))
        error = drawn.std(0) / len(drawn) ** 0.5
        assert ((drawn.mean(0) - law.mean()[0]).abs() < 5 * error).all()


def test_starts_as_a_gaussian_with_the_moments_of_the_data(network):
    mix = torch.tensor([[1.0, 0.8, 0.1], [0.0, 2.0, 0.5], [0.0, 0.0, 0.3]], dtype=torch.float64)
    fresh = draws(4000, 20, 3) @ mix
    bars = [fresh[:, 0]]
    for j in range(1, 20):
        bars.append(0.9 * bars[-1] + (1 - 0.9**2) ** 0.5 * fresh[:, j])
    x = torch.stack(bars, dim=1) + 7.0
    network.start_from(x)
    with torch.no_grad():
        network.observation.feedback.weight.zero_()
        network.decoder.head.weight.zero_()
        network.observation.before.weight.zero_()
        network.observation.before.bias.zero_()
        moves = network.restore(network.given(draws(4000, 2)).windows(draws(4000, 20, 3)))
    for theirs, mine in ((x, moves), (x.diff(dim=1), moves.diff(dim=1))):
        theirs, mine = np.cov(theirs.flatten(0, 1).T), np.cov(mine.flatten(0, 1).T)
        np.testing.assert_allclose(mine, theirs, atol=0.05 * theirs.max())
    np.testing.assert_allclose(moves.mean((0, 1)), 7.0, atol=0.1)


KINDS = ("dense", "lstm", "gru", "convolutional")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("t", "stride"), [(2, 5), (20, 5), (23, 4), (12, 1)])
def test_every_network_takes_any_length(kind, t, stride):
    encoder, decoder = vae.encoder(kind, t, 3, 2, 8, stride), vae.decoder(kind, t, 7, 2, 8, stride)
    mu, logvar = encoder(draws(5, t, 3).float())
    assert mu.shape == logvar.shape == (5, 2)
    assert decoder(mu).shape == (5, t, 7)


@pytest.mark.parametrize("kind", KINDS)
def test_every_decoder_starts_where_it_is_told(kind):
    decoder = vae.decoder(kind, 23, 7, 2, 8, 5)
    bar = draws(7).float()
    decoder.start_at(bar)
    assert (decoder(draws(50, 2).float()) - bar).abs().max() < 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_every_encoder_sees_every_bar(kind):
    """The last bars of a length that is no multiple of the stride too."""
    encoder = vae.encoder(kind, 13, 2, 2, 8, 5)
    y = draws(1, 13, 2).float().requires_grad_()
    encoder(y)[0].sum().backward()
    assert (y.grad.abs().sum(dim=2) > 0).all()


class TestWholeWindow:
    @pytest.fixture
    def law(self):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            made = WholeWindow(4, 3, 2).double()
            torch.nn.init.normal_(made.loadings)
            torch.nn.init.normal_(made.log_noise, std=0.5)
        return made

    def test_windows_have_the_residuals_that_they_were_drawn_from(self, law):
        given = law(draws(6, 4, 6), draws(6, 2))
        u = draws(6, 4, 3)
        torch.testing.assert_close(given.residuals(given.windows(u)), u)

    def test_noise_has_the_covariance_that_the_density_says(self, law):
        u = law.noise(40_000, 4, seed=0).reshape(40_000, 12)
        w, noise = law.loadings.detach().numpy(), law.log_noise.detach().exp().numpy()
        np.testing.assert_allclose(np.cov(u.T), w @ w.T + np.diag(noise), atol=0.15)
        bars = torch.zeros(1, 4, 6, dtype=torch.float64)
        density = law(bars, draws(1, 2)).log_density(torch.zeros(1, 4, 3, dtype=torch.float64)).detach()
        _, size = np.linalg.slogdet(2 * np.pi * (w @ w.T + np.diag(noise)))
        assert float(density) == pytest.approx(-0.5 * size)

    def test_a_window_of_noise_depends_on_its_place_alone(self, law):
        assert law.noise(9, 4, seed=3)[:4].tobytes() == law.noise(4, 4, seed=3).tobytes()
