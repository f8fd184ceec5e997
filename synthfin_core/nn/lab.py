"""The lab's five networks, with the names, arguments and layers that its specification asks for.

They are the plain recurrent networks of a first lesson: a decoder that gives one number a bar and no scale, and a
GAN whose noise enters once. `synthfin_core.generators` has the ones to use on real data.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from synthfin_core.errors import SettingError

CELLS: dict[str, type[nn.LSTM] | type[nn.GRU]] = {"lstm": nn.LSTM, "gru": nn.GRU}


def recurrent(cell: str, input_dim: int, hidden_dim: int) -> nn.LSTM | nn.GRU:
    """One recurrent layer with the batch as its first axis.

    Raises
    ------
    SettingError
        If `cell` is neither ``"lstm"`` nor ``"gru"``.
    """
    if cell not in CELLS:
        raise SettingError(f"cell is {cell!r}, expected one of {', '.join(CELLS)}.")
    return CELLS[cell](input_dim, hidden_dim, batch_first=True)


def reparameterize(mu: Tensor, log_var: Tensor, *, noise: torch.Generator | None = None) -> Tensor:
    r"""Draw :math:`z = \mu + \sigma \epsilon` with :math:`\epsilon \sim N(0, I)`, so that gradients reach mu and sigma.

    Parameters
    ----------
    mu, log_var : Tensor (n, k)
        Mean and log-variance of the posterior; ``sigma = exp(log_var / 2)``.
    noise : torch.Generator, optional
        Where epsilon is drawn from. Without one, torch's own stream, which `torch.manual_seed` sets.

    Returns
    -------
    Tensor (n, k)
    """
    eps = torch.randn(mu.shape, generator=noise, device=mu.device, dtype=mu.dtype)  # (n, k)
    return mu + torch.exp(0.5 * log_var) * eps


class VAEEncoder(nn.Module):
    """Windows `(n, t, input_dim)` to the posterior's `mu` and `log_var`, both `(n, latent_dim)`.

    Parameters
    ----------
    input_dim, hidden_dim, latent_dim : int
        Series, width of the recurrent layer, latent dimensions.
    cell : str
        ``"lstm"`` or ``"gru"``.
    """

    def __init__(self, input_dim: int, hidden_dim: int, latent_dim: int, *, cell: str = "lstm") -> None:
        super().__init__()
        self.recurrent = recurrent(cell, input_dim, hidden_dim)
        self.mu = nn.Linear(hidden_dim, latent_dim)
        self.log_var = nn.Linear(hidden_dim, latent_dim)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z | x)."""
        states, _ = self.recurrent(x)  # (n, t, hidden)
        last = states[:, -1]  # (n, hidden)
        return self.mu(last), self.log_var(last)


class VAEDecoder(nn.Module):
    """Latents `(n, latent_dim)` to windows `(n, t, output_dim)`, with any number of bars `t`.

    Parameters
    ----------
    latent_dim, hidden_dim, output_dim : int
        Latent dimensions, width of the recurrent layer, series.
    cell : str
        ``"lstm"`` or ``"gru"``.
    """

    def __init__(self, latent_dim: int, hidden_dim: int, output_dim: int, *, cell: str = "lstm") -> None:
        super().__init__()
        self.project = nn.Linear(latent_dim, hidden_dim)
        self.recurrent = recurrent(cell, hidden_dim, hidden_dim)
        self.output = nn.Linear(hidden_dim, output_dim)

    def forward(self, z: Tensor, sequence_length: int) -> Tensor:
        """The window's mean given z, `sequence_length` bars long."""
        first = self.project(z)  # (n, hidden)
        states, _ = self.recurrent(first.unsqueeze(1).expand(-1, sequence_length, -1))  # (n, t, hidden)
        out: Tensor = self.output(states)  # (n, t, d)
        return out


class VAEModel(nn.Module):
    """Encoder, reparameterization and decoder in one.

    Parameters
    ----------
    input_dim, hidden_dim, latent_dim, output_dim : int
        Series, width of both recurrent layers, latent dimensions, series again.
    cell : str
        ``"lstm"`` or ``"gru"``.
    """

    def __init__(
        self, input_dim: int, hidden_dim: int, latent_dim: int, output_dim: int, *, cell: str = "lstm"
    ) -> None:
        super().__init__()
        self.encoder = VAEEncoder(input_dim, hidden_dim, latent_dim, cell=cell)
        self.decoder = VAEDecoder(latent_dim, hidden_dim, output_dim, cell=cell)

    def reparameterize(self, mu: Tensor, log_var: Tensor, *, noise: torch.Generator | None = None) -> Tensor:
        """See `reparameterize`."""
        return reparameterize(mu, log_var, noise=noise)

    def forward(self, x: Tensor, *, noise: torch.Generator | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """`reconstruction (n, t, d)`, `mu (n, k)` and `log_var (n, k)` of windows `x (n, t, d)`."""
        mu, log_var = self.encoder(x)
        z = self.reparameterize(mu, log_var, noise=noise)
        return self.decoder(z, x.shape[1]), mu, log_var


class GANGenerator(nn.Module):
    """Noise `(n, latent_dim)` to windows `(n, sequence_length, output_dim)`, every value within (-1, 1).

    The last step is a tanh. It reaches the open interval from -1 to 1 and nothing else: data scaled to [0, 1] leave
    half of it unused, standardised data lie partly outside, where no generator of this kind can follow.
    ``preprocess_financial_data(..., feature_range=(-0.9, 0.9))`` scales to what it reaches with ease.

    Parameters
    ----------
    latent_dim, hidden_dim, output_dim, sequence_length : int
        Noise dimensions, width of the recurrent layer, series, bars.
    cell : str
        ``"lstm"`` or ``"gru"``.
    """

    def __init__(
        self, latent_dim: int, hidden_dim: int, output_dim: int, sequence_length: int, *, cell: str = "lstm"
    ) -> None:
        super().__init__()
        self.shape = (sequence_length, hidden_dim)
        self.project = nn.Linear(latent_dim, sequence_length * hidden_dim)
        self.recurrent = recurrent(cell, hidden_dim, hidden_dim)
        self.output = nn.Linear(hidden_dim, output_dim)

    def forward(self, z: Tensor) -> Tensor:
        """The windows that noise z makes."""
        first = self.project(z).unflatten(1, self.shape)  # (n, t, hidden)
        states, _ = self.recurrent(first)  # (n, t, hidden)
        return torch.tanh(self.output(states))  # (n, t, d)


class GANDiscriminator(nn.Module):
    """Windows `(n, sequence_length, input_dim)` to the probability `(n, 1)` that each is real.

    Parameters
    ----------
    input_dim, hidden_dim, sequence_length : int
        Series, width of the recurrent layer, bars.
    cell : str
        ``"lstm"`` or ``"gru"``.
    """

    def __init__(self, input_dim: int, hidden_dim: int, sequence_length: int, *, cell: str = "lstm") -> None:
        super().__init__()
        self.recurrent = recurrent(cell, input_dim, hidden_dim)
        self.output = nn.Linear(sequence_length * hidden_dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The probability that x is real."""
        states, _ = self.recurrent(x)  # (n, t, hidden)
        return torch.sigmoid(self.output(states.flatten(1)))  # (n, 1)
