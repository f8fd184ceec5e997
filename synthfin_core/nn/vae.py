"""The networks of the variational autoencoder: windows to latents, and latents to a distribution of windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from synthfin_core.losses.likelihood import gaussian_log_density, solve_below, student_t_log_density, whiten

LARGEST = 10.0  # standard deviations

# Letters of the shapes: b windows, t steps, d series, k latent dimensions.


class Steps(NamedTuple):
    """What the latents say of every bar of every window, in standardised units; `Feedback` adds what the past says.

    Attributes
    ----------
    m, log_s : Tensor (b, t, d)
        Location and logarithm of the scale.
    below : Tensor (b, t, d (d - 1) / 2)
        Dependence between series; see `synthfin_core.losses.likelihood`.
    before : Tensor (b, d)
        The value that the first bar sets out from.
    """

    m: Tensor
    log_s: Tensor
    below: Tensor
    before: Tensor


def recurrent(cell: str, inputs: int, hidden: int) -> nn.LSTM | nn.GRU:
    """One layer of `cell`, ``"lstm"`` or ``"gru"``, on `(b, t, inputs)`."""
    kind = nn.LSTM if cell == "lstm" else nn.GRU
    return kind(inputs, hidden, batch_first=True)


class Encoder(nn.Module):
    r"""Read windows and give :math:`q(z | x) = N(\mu, \operatorname{diag} e^{\text{logvar}})`.

    The layer reads `stride` bars at a time, and of each bar the value and the logarithm of its size: in returns nearly
    all the information is in the size.
    """

    def __init__(self, d: int, latent_dim: int, cell: str, hidden: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.layer = recurrent(cell, 2 * d * stride, hidden)
        self.head = nn.Linear(hidden, 2 * latent_dim)

    def forward(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Take standardised windows `y (b, t, d)`; give `mu, logvar (b, k)`."""
        seen = torch.cat([y, torch.log(y.abs() + 0.05)], dim=-1)
        missing = -y.shape[1] % self.stride
        if missing:
            seen = nn.functional.pad(seen, (0, 0, 0, missing))
        hidden, _ = self.layer(seen.reshape(len(y), -1, self.layer.input_size))
        mu, logvar = self.head(hidden.mean(dim=1)).chunk(2, dim=-1)
        return mu, logvar.clamp(-12, 6)


class Decoder(nn.Module):
    """Unroll `z` into the distribution of each bar, `stride` bars at a time."""

    def __init__(self, d: int, latent_dim: int, cell: str, hidden: int, stride: int) -> None:
        super().__init__()
        self.stride, self.sizes = stride, [d, d, d * (d - 1) // 2]
        self.layer = recurrent(cell, latent_dim, hidden)
        self.head = nn.Linear(hidden, stride * sum(self.sizes))
        self.before = nn.Linear(latent_dim, d)

    def forward(self, z: Tensor, t: int) -> Steps:
        """Take `z (b, k)`; give the distribution of `t` bars."""
        strides = -(-t // self.stride)
        hidden, _ = self.layer(z.unsqueeze(1).expand(-1, strides, -1))
        bars = self.head(hidden).view(len(z), strides * self.stride, -1)
        m, log_s, below = bars[:, :t].split(self.sizes, dim=-1)
        return Steps(m, log_s, below, self.before(z))


class Feedback(nn.Module):
    r"""What the steps already drawn do to the next one, whatever the latents.

    The size and sign of recent moves, averaged over about a day, a week and a month, shift the logarithm of the next
    scale, and a share `phi` of the last value is carried over:

    .. math:: \log s_t = \log s_t(z) + \sum_j W_j f_{j,t}, \quad
              f_{j,t} = \lambda_j f_{j,t-1} + (1 - \lambda_j) v(y_{t-1}), \quad m_t = m_t(z) + \phi y_{t-1}.

    The first bar sets out from a value of the latents' choice and has a scale of its own, by the factor `exp(first)`:
    levels may begin anywhere and then move little.

    Source: Corsi, "A simple approximate long-memory model of realized volatility" (2009).
    """

    decays: Tensor

    def __init__(self, d: int) -> None:
        super().__init__()
        self.register_buffer("decays", 0.5 ** (1 / torch.tensor([1.0, 5.0, 20.0])))
        self._kernel = torch.empty(0)
        self.weight = nn.Parameter(torch.zeros(len(self.decays) * 2 * d, d))
        self.phi = nn.Parameter(torch.zeros(d))
        self.first = nn.Parameter(torch.zeros(d))

    def forward(self, y: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Shifts of `m` and `log_s`, both `(b, t, d)`, at every bar of known windows `y (b, t, d)`."""
        b, t, _ = y.shape
        seen = torch.matmul(self.kernel(t), torch.cat(signals(y, torch.log), dim=-1)).view(b, t, -1)
        past = torch.cat([before.unsqueeze(1), y[:, :-1]], dim=1)
        return self.phi * past, seen @ self.weight + nn.functional.pad(self.first.unsqueeze(0), (0, 0, 0, t - 1))

    def kernel(self, t: int) -> Tensor:
        """Weights `(3 t, t)` of past bars in the averages of each bar, kept from call to call."""
        if len(self._kernel) != 3 * t:
            with torch.inference_mode(False):  # what is kept must also serve in training
                bar = torch.arange(t, device=self.decays.device)
                lag = (bar.view(-1, 1, 1) - bar - 1).to(self.decays)  # (t, 1, t)
                decays = self.decays.view(1, -1, 1)
                weights = torch.where(lag >= 0, (1 - decays) * decays ** lag.clamp(min=0), 0.0)  # (t, 3, t)
                self._kernel = weights.flatten(0, 1)
        return self._kernel

    def unroll(self, steps: Steps, u: Tensor) -> Tensor:
        """The windows `y (b, t, d)` whose residuals are `u (b, t, d)`, one bar after the other.

        The loop runs in numpy, whose calls on small arrays cost a fraction of torch's.
        """
        m, log_s, e = (part.cpu().numpy() for part in (steps.m, steps.log_s, solve_below(u, steps.below)))
        weight, phi, first = (part.detach().cpu().numpy() for part in (self.weight, self.phi, self.first))
        decays = self.decays.cpu().numpy()[:, None]
        seen = np.zeros((len(m), len(decays), 2 * m.shape[2]), dtype=m.dtype)
        y, drawn = steps.before.cpu().numpy(), np.empty_like(m)
        for j in range(m.shape[1]):
            log_scale = log_s[:, j] + (seen.reshape(len(m), -1) @ weight if j else first)
            y = m[:, j] + phi * y + np.exp(log_scale) * e[:, j]
            drawn[:, j] = y
            now = np.concatenate(signals(y, np.log), axis=1)[:, None]
            seen = now + decays * (seen - now)
        return torch.from_numpy(drawn).to(u.device)

    def mean(self, steps: Steps) -> Tensor:
        """Mean `(b, t, d)` of the windows: residuals have mean zero at any scale."""
        y, means = steps.before, []
        for m in steps.m.unbind(1):
            y = m + self.phi * y
            means.append(y)
        return torch.stack(means, dim=1)


def signals(y: Any, log: Callable[[Any], Any]) -> tuple[Any, Any]:
    """Size and sign of standardised values `y (..., d)`, of torch or numpy, whose logarithm is handed over.

    Both are bounded: beyond about ten standard deviations a move counts no more, so that no shock feeds on itself.
    """
    size = abs(y)
    return log((size + 0.3) / (1 + size / LARGEST)), y / (1 + size)


class VAENetwork(nn.Module):
    """Encoder, decoder, tails, and the constants that standardise the data.

    Windows come in and go out in the units of the representation; inside, each series has mean zero and standard
    deviation one, so that the settings mean the same whatever the units.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, d: int, latent_dim: int, cell: str, hidden: int, stride: int) -> None:
        super().__init__()
        self.encoder = Encoder(d, latent_dim, cell, hidden, stride)
        self.decoder = Decoder(d, latent_dim, cell, hidden, stride)
        self.feedback = Feedback(d)
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

    def log_density(self, y: Tensor, z: Tensor, observation: str) -> Tensor:
        """Log density `(b,)` of standardised windows `y (b, t, d)` given latents `z (b, k)`, summed over the bars.

        `observation` is ``"gaussian"`` or ``"student-t"``.
        """
        m, log_s, below, before = self.decoder(z, y.shape[1])
        shift, log_factor = self.feedback(y, before)
        log_s = log_s + log_factor
        u = whiten(y, m + shift, log_s, below)
        if observation == "gaussian":
            return gaussian_log_density(u, log_s).sum(dim=1)
        return student_t_log_density(u, log_s, self.dof).sum(dim=1)

    @torch.no_grad()
    def start_from(self, x: Tensor) -> None:
        """Start near the best model without latents: each bar a share of the one before and one Gaussian for the rest.

        Parameters
        ----------
        x : Tensor (n, t, d)
        """
        flat = x.flatten(0, 1)
        self.mean.copy_(flat.mean(0))
        self.deviation.copy_(flat.std(0))
        y = self.standardise(x)
        past, now = y[:, :-1].flatten(0, 1), y[:, 1:].flatten(0, 1)
        phi = (past * now).sum(0) / past.square().sum(0)
        rest = now - phi * past  # (n (t - 1), d)
        size = rest.square().mean(0).sqrt().clamp(min=1e-3)
        identity = torch.eye(len(size), device=x.device)
        correlation = (rest / size).T @ (rest / size) / len(rest)
        factor = torch.linalg.cholesky(correlation + 1e-3 * identity)
        inverse = torch.linalg.solve_triangular(factor, identity, upper=False)
        scale = factor.diagonal()
        rows, columns = torch.tril_indices(len(size), len(size), -1, device=x.device)
        below = inverse[rows, columns] * scale[columns]
        log_s = torch.log(scale * size)
        self.feedback.phi.copy_(phi)
        self.feedback.first.copy_(-torch.log(size))
        self.decoder.head.weight.mul_(0.1)
        self.decoder.head.bias.copy_(torch.cat([torch.zeros_like(phi), log_s, below]).repeat(self.decoder.stride))
