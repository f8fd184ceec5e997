"""A variational autoencoder whose likelihood, posterior and gradients are known: all in it is linear and normal."""

import numpy as np
import torch
from torch import nn

from synthfin_core.generators.vae import VAE, VAEConfig
from synthfin_core.nn.variational import VariationalNetwork
from synthfin_core.nn.whole_window import WholeWindow

T, D, K = 3, 2, 2


class Linear(nn.Module):
    """Encoder `mu = B y` with the same log-variances for all windows, or decoder `m = A z` with scales of one."""

    def __init__(self, weight, logvar=None):
        super().__init__()
        self.weight, self.logvar = torch.as_tensor(weight), logvar

    def forward(self, given):
        out = given.flatten(1) @ self.weight.T.to(given.dtype)
        if self.logvar is not None:
            return out, torch.as_tensor(self.logvar).to(out.dtype).expand(len(out), -1)
        bars = out.unflatten(1, (T, D))
        return torch.cat([bars, torch.zeros_like(bars)], dim=-1)


class LinearGaussian:
    """`x = A z + u`, `u ~ N(0, W W' + E)`, and an encoder that is right or `off`."""

    def __init__(self, off, seed=0):
        draw = np.random.default_rng(seed)
        self.a = draw.standard_normal((T * D, K))
        loadings, log_noise = 0.5 * draw.standard_normal((T * D, 1)), draw.uniform(-1, 0, T * D)
        self.noise = loadings @ loadings.T + np.diag(np.exp(log_noise))
        self.precision = np.eye(K) + self.a.T @ np.linalg.solve(self.noise, self.a)
        self.posterior = np.linalg.inv(self.precision)
        # The right posterior has a full covariance; a rotation of the latents makes it diagonal.
        _, turn = np.linalg.eigh(self.precision)
        self.a = self.a @ turn
        self.precision = np.eye(K) + self.a.T @ np.linalg.solve(self.noise, self.a)
        self.posterior = np.linalg.inv(self.precision)
        self.b = self.posterior @ self.a.T @ np.linalg.inv(self.noise)
        self.logvar = np.log(self.posterior.diagonal())
        if off:
            self.b, self.logvar = 0.8 * self.b, self.logvar + 0.5
        law = WholeWindow(T, D, 1)
        network = VariationalNetwork(T, D, Linear(self.b, self.logvar), Linear(self.a), law)
        with torch.no_grad():
            law.loadings.copy_(torch.as_tensor(loadings))
            law.log_noise.copy_(torch.as_tensor(log_noise))
        self.model = VAE(VAEConfig(latent_dim=K))
        self.model._network = network

    @property
    def covariance(self):
        """Of windows, latents integrated out."""
        return self.a @ self.a.T + self.noise

    def windows(self, n, seed=1):
        """Windows `(n, t, d)` of this law."""
        root = np.linalg.cholesky(self.covariance)
        return (np.random.default_rng(seed).standard_normal((n, T * D)) @ root.T).reshape(n, T, D)
