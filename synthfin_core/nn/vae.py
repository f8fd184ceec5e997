"""The networks of the variational autoencoder: windows to latents, and latents to a distribution of windows."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

# Letters of the shapes: b windows, t steps, d series, k latent dimensions.


class Steps(NamedTuple):
    """The distribution of every step of every window, in standardised units.

    Attributes
    ----------
    m, log_s : Tensor (b, t, d)
        Location and logarithm of the scale.
    below : Tensor (b, t, d (d - 1) / 2)
        Dependence between series; see `synthfin_core.losses.likelihood`.
    """

    m: Tensor
    log_s: Tensor
    below: Tensor


def recurrent(cell: str, inputs: int, hidden: int, *, both_ways: bool = False) -> nn.LSTM | nn.GRU:
    """One layer of `cell`, ``"lstm"`` or ``"gru"``, on `(b, t, inputs)`."""
    kind = nn.LSTM if cell == "lstm" else nn.GRU
    return kind(inputs, hidden, batch_first=True, bidirectional=both_ways)


class Encoder(nn.Module):
    r"""Read windows both ways and give :math:`q(z | x) = N(\mu, \operatorname{diag} e^{\text{logvar}})`.

    The layer sees each value and the logarithm of its size: in returns nearly all the information is in the size.
    """

    def __init__(self, d: int, latent_dim: int, cell: str, hidden: int) -> None:
        super().__init__()
        self.layer = recurrent(cell, 2 * d, hidden, both_ways=True)
        self.head = nn.Linear(4 * hidden, 2 * latent_dim)

    def forward(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Take standardised windows `y (b, t, d)`; give `mu, logvar (b, k)`."""
        seen = torch.cat([y, torch.log(y.abs() + 0.05)], dim=-1)
        hidden, last = self.layer(seen)
        ends = last[0] if isinstance(last, tuple) else last
        summary = torch.cat([hidden.mean(dim=1), ends[0], ends[1]], dim=-1)
        mu, logvar = self.head(summary).chunk(2, dim=-1)
        return mu, logvar.clamp(-12, 6)


class Decoder(nn.Module):
    """Unroll `z` into the distribution of each step."""

    def __init__(self, d: int, latent_dim: int, cell: str, hidden: int) -> None:
        super().__init__()
        self.d, self.pairs = d, d * (d - 1) // 2
        self.opening = nn.Linear(latent_dim, hidden)
        self.layer = recurrent(cell, latent_dim, hidden)
        self.head = nn.Linear(hidden, 2 * d + self.pairs)

    def forward(self, z: Tensor, t: int) -> Steps:
        """Take `z (b, k)`; give the distribution of `t` steps."""
        h = torch.tanh(self.opening(z)).unsqueeze(0)
        start = (h, torch.zeros_like(h)) if isinstance(self.layer, nn.LSTM) else h
        hidden, _ = self.layer(z.unsqueeze(1).expand(-1, t, -1), start)
        m, log_s, below = self.head(hidden).split([self.d, self.d, self.pairs], dim=-1)
        return Steps(m, log_s, below)


class VAENetwork(nn.Module):
    """Encoder, decoder, tails, and the constants that standardise the data.

    Windows come in and go out in the units of the representation; inside, each series has mean zero and standard
    deviation one, so that the settings mean the same whatever the units.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, d: int, latent_dim: int, cell: str, hidden: int) -> None:
        super().__init__()
        self.encoder = Encoder(d, latent_dim, cell, hidden)
        self.decoder = Decoder(d, latent_dim, cell, hidden)
        self.log_dof = nn.Parameter(torch.tensor(1.5))
        self.register_buffer("mean", torch.zeros(d))
        self.register_buffer("deviation", torch.ones(d))

    @property
    def dof(self) -> Tensor:
        """Degrees of freedom of the Student-t, above 4 so that the kurtosis is finite."""
        return 4 + torch.exp(self.log_dof)

    def standardise(self, x: Tensor) -> Tensor:
        """Windows `x (b, t, d)` of the representation in the units of the networks."""
        return (x - self.mean) / self.deviation

    def restore(self, y: Tensor) -> Tensor:
        """`standardise` undone."""
        return y * self.deviation + self.mean

    @torch.no_grad()
    def start_from(self, x: Tensor) -> None:
        """Start near the best model without latents: one Gaussian with mean and covariance of `x (n, t, d)`."""
        flat = x.flatten(0, 1)
        self.mean.copy_(flat.mean(0))
        self.deviation.copy_(flat.std(0))
        y = self.standardise(flat)
        d = y.shape[1]
        identity = torch.eye(d, device=y.device)
        factor = torch.linalg.cholesky(y.T @ y / len(y) + 1e-3 * identity)
        inverse = torch.linalg.solve_triangular(factor, identity, upper=False)
        scale = factor.diagonal()
        rows, columns = torch.tril_indices(d, d, -1, device=y.device)
        below = inverse[rows, columns] * scale[columns]
        self.decoder.head.weight.mul_(0.1)
        self.decoder.head.bias.copy_(torch.cat([torch.zeros_like(scale), scale.log(), below]))
