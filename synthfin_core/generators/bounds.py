r"""How likely a variational autoencoder finds windows: the bound that it is trained on, and tighter ones.

The evidence lower bound misses the log-likelihood by exactly the divergence of the encoder from the true posterior,

.. math:: \log p(x) = E_q[\log w] + D_{KL}(q(z | x) \| p(z | x)), \quad w = \frac{p(x | z) \, p(z)}{q(z | x)}.

The importance-weighted bound averages `k` weights before it takes the logarithm,

.. math:: L_k = E_{z_1 \dots z_k \sim q} \log \frac1k \sum_{i=1}^{k} w_i, \quad L_1 \le L_k \le L_{k+1} \le \log p(x),

and comes as close as one likes. Where it rises far above the evidence lower bound, the encoder is what is missing.

Source: Burda, Grosse and Salakhutdinov, "Importance weighted autoencoders" (2016), https://arxiv.org/abs/1509.00519.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthfin_core import rng
from synthfin_core.errors import SettingError
from synthfin_core.generators.base import Array
from synthfin_core.generators.variational import Variational

MOST_DRAWS = 10_000
ROWS = 4096  # windows times draws that the networks see at a time


@dataclass(frozen=True)
class Bounds:
    """Lower bounds on the log-likelihood of windows, in nats a window.

    They are densities of windows in the units of the networks, in which each series has a spread of one, as the
    curves of the training are.

    Attributes
    ----------
    k : tuple of int
        Draws from the posterior that each bound weighs; 1 is the evidence lower bound.
    windows : ndarray (len(k), n)
        The estimated bound of each window.
    """

    k: tuple[int, ...]
    windows: Array

    @property
    def mean(self) -> Array:
        """The bounds `(len(k),)`, averaged over the windows."""
        mean: Array = self.windows.mean(axis=1)
        return mean

    @property
    def error(self) -> Array:
        """Standard errors `(len(k),)` of `mean`, as if windows were independent; overlapping ones make it too small."""
        return _error(self.windows)

    @property
    def gap(self) -> Array:
        """How far each bound lies above the evidence lower bound, `(len(k),)`."""
        gap: Array = self.mean - self.mean[0]
        return gap

    @property
    def gap_error(self) -> Array:
        """Standard errors `(len(k),)` of `gap`, from the differences within each window."""
        return _error(self.windows - self.windows[0])


def bounds(model: Variational, x: Array, k: Sequence[int] = (1, 5, 10, 50, 100), seed: int = 0) -> Bounds:
    """Evidence lower bound and importance-weighted bounds of represented windows.

    All are estimated from one set of ``max(k)`` draws a window, so that they can be compared: the bound with `k` draws
    is the average over as many groups of `k` as there are.

    Parameters
    ----------
    model : Variational
        A trained model.
    x : ndarray (n, t, d)
        Represented windows.
    k : sequence of int
        Draws, each from 1 to 10,000, in rising order, the first of them 1.
    seed : int

    Raises
    ------
    SettingError
        If `k` is none of that.
    """
    counts = tuple(int(count) for count in k)
    if not counts or counts[0] != 1 or counts[-1] > MOST_DRAWS or sorted(set(counts)) != list(counts):
        raise SettingError(
            f"k is {list(k)}, expected whole numbers that begin with 1 and rise to at most {MOST_DRAWS}: "
            "name the draws of each bound."
        )
    weights = log_weights(model, x, counts[-1], seed)  # (n, most)
    return Bounds(counts, np.stack([_bound(weights, count) for count in counts]))


def log_weights(model: Variational, x: Array, draws: int, seed: int = 0) -> Array:
    """Logarithms of the importance weights `w`, `(n, draws)`, of represented windows `x (n, t, d)`."""
    import torch

    from synthfin_core import training
    from synthfin_core.losses.divergence import normal_log_density

    network = model.network
    place = network.mean.device
    eps = rng.stream(seed, "importance").standard_normal((len(x), draws, model.config.latent_dim))
    per_chunk = max(1, ROWS // draws)
    found = []
    with torch.inference_mode(), training.threads(1):
        for first in range(0, len(x), per_chunk):
            part = slice(first, first + per_chunk)
            y = network.standardise(torch.as_tensor(x[part], dtype=torch.float32, device=place))  # (b, t, d)
            noise = torch.as_tensor(eps[part], dtype=torch.float32, device=place)  # (b, draws, k)
            mu, logvar = (moment.unsqueeze(1) for moment in network.encoder(y))  # (b, 1, k)
            z = mu + torch.exp(logvar / 2) * noise
            law = network.given(z.flatten(0, 1))
            likelihood = law.log_density(y.repeat_interleave(draws, dim=0)).view(len(y), draws)
            prior = normal_log_density(z, torch.zeros_like(z), torch.zeros_like(z))
            found.append((likelihood + prior - normal_log_density(z, mu, logvar)).cpu().double().numpy())
    return np.concatenate(found)


def _bound(weights: Array, k: int) -> Array:
    """The bound `(n,)` with `k` draws from logarithms of weights `(n, draws)`, averaged over groups."""
    n, draws = weights.shape
    groups = weights[:, : draws // k * k].reshape(n, -1, k)
    highest = groups.max(axis=2, keepdims=True)
    bound: Array = (np.log(np.exp(groups - highest).mean(axis=2)) + highest[:, :, 0]).mean(axis=1)
    return bound


def _error(values: Array) -> Array:
    n = values.shape[1]
    error: Array = values.std(axis=1, ddof=1) / np.sqrt(n) if n > 1 else np.full(len(values), np.nan)
    return error
