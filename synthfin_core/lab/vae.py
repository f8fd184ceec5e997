"""The lab's variational autoencoder: loss, training, new data, adjusted latents."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from synthfin_core.errors import SettingError
from synthfin_core.lab.preparing import inverse_scale
from synthfin_core.losses.divergence import kl_to_standard_normal
from synthfin_core.nn.lab import VAEDecoder, VAEEncoder, VAEModel

Array = NDArray[np.float64]
OnBatch = Callable[[dict[str, float]], None]

REDUCTIONS = ("literal", "per_sample")


def build_vae_encoder(input_dim: int, hidden_dim: int, latent_dim: int, *, cell: str = "lstm") -> VAEEncoder:
    """The encoder: windows `(n, t, input_dim)` to `mu` and `log_var`, both `(n, latent_dim)`."""
    return VAEEncoder(input_dim, hidden_dim, latent_dim, cell=cell)


def build_vae_decoder(latent_dim: int, hidden_dim: int, output_dim: int, *, cell: str = "lstm") -> VAEDecoder:
    """The decoder: latents `(n, latent_dim)` and a number of bars to windows `(n, t, output_dim)`."""
    return VAEDecoder(latent_dim, hidden_dim, output_dim, cell=cell)


def vae_loss_parts(
    reconstruction: Tensor, x: Tensor, mu: Tensor, log_var: Tensor, *, reduction: str = "literal"
) -> tuple[Tensor, Tensor]:
    """The two terms of `vae_loss_function`, reconstruction and KL divergence, before they are weighed."""
    squared = (reconstruction - x) ** 2  # (n, t, d)
    kl = kl_to_standard_normal(mu, log_var)  # (n, k)
    if reduction == "literal":
        return squared.mean(), kl.sum()
    if reduction == "per_sample":
        return squared.sum((1, 2)).mean(), kl.sum(1).mean()
    raise SettingError(f"reduction is {reduction!r}, expected one of {', '.join(REDUCTIONS)}.")


def vae_loss_function(
    reconstruction: Tensor,
    x: Tensor,
    mu: Tensor,
    log_var: Tensor,
    beta: float = 1.0,
    *,
    reduction: str = "literal",
) -> Tensor:
    r"""Reconstruction loss plus `beta` times the KL divergence to N(0, I).

    .. math:: L = \mathrm{MSE}(\hat x, x)
              + \beta \, \tfrac12 \sum_{i,j} \left(\sigma_{ij}^2 + \mu_{ij}^2 - 1 - \log \sigma_{ij}^2\right)

    Parameters
    ----------
    reconstruction, x : Tensor (n, t, d)
    mu, log_var : Tensor (n, k)
    beta : float
        Weight of the KL divergence.
    reduction : str
        ``"literal"``: the lab's formula as written, a *mean* over the n t d squared errors beside a *sum* over the n k
        latents. It weighs the KL n t d times as much as the evidence lower bound does, and moves with the batch size;
        the latents fall silent. ``"per_sample"``: both are summed over one window and averaged over the batch. That is
        the bound (times 2 s²) for a Gaussian decoder with noise s² = beta / 2.

    Returns
    -------
    Tensor
        One number.

    Raises
    ------
    SettingError
        If `reduction` is unknown.
    """
    reconstruction_loss, kl = vae_loss_parts(reconstruction, x, mu, log_var, reduction=reduction)
    return reconstruction_loss + beta * kl


def train_vae_epoch(
    model: VAEModel,
    dataloader: Iterable[Any],
    optimizer: torch.optim.Optimizer,
    device: torch.device | str,
    beta: float,
    *,
    reduction: str = "literal",
    on_batch: OnBatch | None = None,
) -> float:
    """One pass over the data; returns the loss averaged over the batches.

    Parameters
    ----------
    model : VAEModel
    dataloader : iterable of batches
        Each a tuple whose first entry is `x (n, t, d)`, as a `DataLoader` over a `TensorDataset` gives them.
    optimizer, device, beta
        As the names say; `beta` weighs the KL divergence.
    reduction : str
        See `vae_loss_function`.
    on_batch : callable, optional
        Called after each batch with its ``"reconstruction"`` and ``"kl"``, the latter unweighted.
    """
    model.train()
    losses = []
    for batch in dataloader:
        x = batch[0].to(device)
        reconstruction, mu, log_var = model(x)
        loss = vae_loss_function(reconstruction, x, mu, log_var, beta, reduction=reduction)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if on_batch is not None:
            parts = vae_loss_parts(reconstruction.detach(), x, mu.detach(), log_var.detach(), reduction=reduction)
            on_batch({"reconstruction": parts[0].item(), "kl": parts[1].item()})
    return float(np.mean(losses))


def train_vae_model(
    model: VAEModel,
    train_dataloader: Iterable[Any],
    epochs: int,
    optimizer: torch.optim.Optimizer,
    device: torch.device | str,
    beta: float,
    *,
    reduction: str = "literal",
    print_every: int = 1,
) -> tuple[list[float], list[float]]:
    """Train for `epochs` passes, print the loss as it goes, and return the two histories.

    Parameters
    ----------
    model, train_dataloader, epochs, optimizer, device, beta, reduction
        See `train_vae_epoch`.
    print_every : int
        Print every so many epochs; 0 prints nothing.

    Returns
    -------
    reconstruction_losses, kl_divergence_losses : list of float
        One number an epoch, averaged over its batches; the KL divergence unweighted.
    """
    reconstruction_losses: list[float] = []
    kl_divergence_losses: list[float] = []
    for epoch in range(1, epochs + 1):
        parts: list[dict[str, float]] = []
        loss = train_vae_epoch(
            model, train_dataloader, optimizer, device, beta, reduction=reduction, on_batch=parts.append
        )
        reconstruction_losses.append(float(np.mean([part["reconstruction"] for part in parts])))
        kl_divergence_losses.append(float(np.mean([part["kl"] for part in parts])))
        if print_every and epoch % print_every == 0:
            print(
                f"Epoch {epoch}/{epochs}: loss {loss:.4f}, "
                f"reconstruction {reconstruction_losses[-1]:.4f}, KL {kl_divergence_losses[-1]:.4f}"
            )
    return reconstruction_losses, kl_divergence_losses


@torch.no_grad()
def generate_synthetic_data_vae(
    model: VAEModel,
    num_samples: int,
    latent_dim: int,
    device: torch.device | str,
    scaler: Any,
    sequence_length: int,
    *,
    noise: torch.Generator | None = None,
) -> Array:
    """New windows: latents drawn from N(0, I), decoded, and taken back to the data's own units.

    What comes out is the decoder's mean for each latent, without the noise that the model leaves unexplained; so a
    spread below the data's is to be expected.

    Parameters
    ----------
    model : VAEModel
    num_samples, latent_dim, sequence_length : int
        How many windows, the model's latent dimensions, bars in a window.
    device : torch.device or str
    scaler
        What `preprocess_financial_data` returned.
    noise : torch.Generator, optional
        Where the latents are drawn from, on the CPU. Without one, torch's own stream.

    Returns
    -------
    ndarray (num_samples, sequence_length, d)
    """
    z = torch.randn(num_samples, latent_dim, generator=noise).to(device)
    return _decode(model, z, scaler, sequence_length)


@torch.no_grad()
def generate_with_adjusted_latent(
    model: VAEModel,
    original_latent_sample: Tensor | ArrayLike,
    latent_dim_to_adjust: int,
    adjustment_range: tuple[float, float],
    num_steps: int,
    device: torch.device | str,
    scaler: Any,
    sequence_length: int,
) -> list[Array]:
    """The windows that a latent vector gives while one of its dimensions moves and the others stay.

    Parameters
    ----------
    model : VAEModel
    original_latent_sample : Tensor or array (k,) or (1, k)
        Where to start: zeros, or the posterior mean of a real window.
    latent_dim_to_adjust : int
        Which dimension moves, counted from zero.
    adjustment_range : tuple of float
        First and last amount added to that dimension.
    num_steps : int
        How many amounts, evenly spaced, both ends included.
    device, scaler, sequence_length
        As in `generate_synthetic_data_vae`.

    Returns
    -------
    list of ndarray (sequence_length, d)
        One window a step, in the data's own units.

    Raises
    ------
    SettingError
        If the latent vector has no such dimension.
    """
    origin = torch.as_tensor(original_latent_sample, dtype=torch.float32).reshape(-1).to(device)  # (k,)
    if not 0 <= latent_dim_to_adjust < len(origin):
        raise SettingError(
            f"latent_dim_to_adjust is {latent_dim_to_adjust}, expected a whole number from 0 to {len(origin) - 1}."
        )
    z = origin.repeat(num_steps, 1)  # (steps, k)
    z[:, latent_dim_to_adjust] += torch.linspace(*adjustment_range, num_steps, device=z.device)
    return list(_decode(model, z, scaler, sequence_length))


def _decode(model: VAEModel, z: Tensor, scaler: Any, sequence_length: int) -> Array:
    model.eval()
    return inverse_scale(model.decoder(z, sequence_length).cpu().numpy(), scaler)
