r"""Two ways to learn an encoder, and how noisy each is: reparameterization beside REINFORCE, on a trained model.

Both estimate the gradient of :math:`E_{q(z|x)}[f(z)]` with :math:`f(z) = \log p(x | z)` by what the encoder says of a
window, `mu` and `logvar`, from draws :math:`z = \mu + \sigma \epsilon`. Reparameterization goes through the decoder,

.. math:: \hat g_\mu = \nabla_z f(z), \quad \hat g_{\log \sigma^2} = \tfrac12 \sigma \epsilon \nabla_z f(z);

REINFORCE needs its value alone, and so does for latents that cannot be differentiated,

.. math:: \hat g_\mu = (f(z) - b) \frac{\epsilon}{\sigma}, \quad
          \hat g_{\log \sigma^2} = (f(z) - b) \frac{\epsilon^2 - 1}{2},

where the baseline `b` is nothing, or the mean of `f` over the other draws for the same window, which leaves the mean as
it is. The divergence has a closed form and no noise.

Source: Kingma and Welling (2014); Williams, "Simple statistical gradient-following algorithms for connectionist
reinforcement learning" (1992); the baseline from Mnih and Rezende, "Variational inference for Monte Carlo objectives"
(2016), https://arxiv.org/abs/1602.06725.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthfin_core import rng
from synthfin_core.errors import SettingError
from synthfin_core.generators.base import Array
from synthfin_core.generators.variational import Variational

LEAST_DRAWS = 2


@dataclass(frozen=True)
class GradientNoise:
    """How one estimator does, for each of the `2 k` numbers that the encoder says: all of `mu`, then all of `logvar`.

    Attributes
    ----------
    name : str
    mean : ndarray (2 k,)
        The gradient, averaged over windows and draws.
    error : ndarray (2 k,)
        Standard error of `mean` for these windows.
    variance : ndarray (2 k,)
        Of the estimate from one draw, averaged over windows.
    """

    name: str
    mean: Array
    error: Array
    variance: Array


def gradient_noise(model: Variational, x: Array, draws: int = 64, seed: int = 0) -> list[GradientNoise]:
    """Reparameterization, REINFORCE, and REINFORCE with a baseline, from the same draws.

    Parameters
    ----------
    model : Variational
        A trained model; it stays as it is.
    x : ndarray (n, t, d)
        Represented windows.
    draws : int
        Draws for each window, at least 2.
    seed : int

    Raises
    ------
    SettingError
        If there are fewer draws than 2.
    """
    if draws < LEAST_DRAWS:
        raise SettingError(f"draws is {draws}, expected at least {LEAST_DRAWS}: a variance needs them.")
    eps = rng.stream(seed, "gradients").standard_normal((len(x), draws, model.config.latent_dim))  # (n, m, k)
    value, slope, sigma = _through_the_decoder(model, x, eps)  # (n, m), (n, m, k), (n, 1, k)
    others = (value.sum(axis=1, keepdims=True) - value) / (draws - 1)  # (n, m)
    score = np.concatenate([eps / sigma, (eps**2 - 1) / 2], axis=2)  # (n, m, 2 k)
    return [
        _summary("reparameterization", np.concatenate([slope, slope * sigma * eps / 2], axis=2)),
        _summary("REINFORCE with a baseline", (value - others)[:, :, None] * score),
        _summary("REINFORCE", value[:, :, None] * score),
    ]


def _through_the_decoder(model: Variational, x: Array, eps: Array) -> tuple[Array, Array, Array]:
    """`log p(x | z)` at each draw, its gradient by `z`, and the scale of the posterior."""
    import torch

    from synthfin_core import training

    network = model.network
    place = network.mean.device
    values, slopes, sigmas = [], [], []
    with training.threads(1):
        for row, noise in zip(x, eps, strict=True):
            y = network.standardise(torch.as_tensor(row[None], dtype=torch.float32, device=place))  # (1, t, d)
            with torch.no_grad():
                mu, logvar = network.encoder(y)
            sigma = torch.exp(logvar / 2)  # (1, k)
            z = (mu + sigma * torch.as_tensor(noise, dtype=torch.float32, device=place)).requires_grad_()  # (m, k)
            value = network.given(z).log_density(y.expand(len(z), -1, -1))  # (m,)
            (slope,) = torch.autograd.grad(value.sum(), z)
            values.append(value.detach().cpu().double().numpy())
            slopes.append(slope.cpu().double().numpy())
            sigmas.append(sigma.cpu().double().numpy())
    return np.stack(values), np.stack(slopes), np.stack(sigmas)


def _summary(name: str, estimates: Array) -> GradientNoise:
    """Of estimates `(n, m, 2 k)` from `m` draws for each of `n` windows."""
    n, m, _ = estimates.shape
    variance = estimates.var(axis=1, ddof=1).mean(axis=0)
    return GradientNoise(name, estimates.mean(axis=(0, 1)), np.sqrt(variance / (n * m)), variance)
