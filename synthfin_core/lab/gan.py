"""The lab's generative adversarial network: losses, training, new data."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synthfin_core.errors import TrainingWarning
from synthfin_core.lab.preparing import inverse_scale
from synthfin_core.nn.lab import GANDiscriminator, GANGenerator

Array = NDArray[np.float64]
LossFunction = Callable[[Tensor, Tensor], Tensor]


def build_gan_generator(
    latent_dim: int, hidden_dim: int, output_dim: int, sequence_length: int, *, cell: str = "lstm"
) -> GANGenerator:
    """The generator: noise `(n, latent_dim)` to windows `(n, sequence_length, output_dim)` within (-1, 1)."""
    return GANGenerator(latent_dim, hidden_dim, output_dim, sequence_length, cell=cell)


def build_gan_discriminator(
    input_dim: int, hidden_dim: int, sequence_length: int, *, cell: str = "lstm"
) -> GANDiscriminator:
    """The discriminator: windows `(n, sequence_length, input_dim)` to the probability `(n, 1)` of being real."""
    return GANDiscriminator(input_dim, hidden_dim, sequence_length, cell=cell)


def gan_discriminator_loss(real_output: Tensor, fake_output: Tensor, loss_fn: LossFunction) -> Tensor:
    r"""What the discriminator minimises: `loss_fn` of real windows against 1 plus that of made ones against 0.

    With `torch.nn.BCELoss` this is :math:`-E[\log D(x)] - E[\log(1 - D(G(z)))]`, which is 2 log 2 = 1.386 for a guess.
    """
    real_loss = loss_fn(real_output, torch.ones_like(real_output))
    fake_loss = loss_fn(fake_output, torch.zeros_like(fake_output))
    return real_loss + fake_loss


def gan_generator_loss(fake_output: Tensor, loss_fn: LossFunction) -> Tensor:
    r"""What the generator minimises: `loss_fn` of made windows against 1.

    With `torch.nn.BCELoss` this is :math:`-E[\log D(G(z))]`, the non-saturating loss of Goodfellow et al. (2014), and
    log 2 = 0.693 when the discriminator guesses.
    """
    return loss_fn(fake_output, torch.ones_like(fake_output))


def train_gan_epoch(
    generator: GANGenerator,
    discriminator: GANDiscriminator,
    dataloader: Iterable[Any],
    gen_optimizer: torch.optim.Optimizer,
    disc_optimizer: torch.optim.Optimizer,
    loss_fn: LossFunction,
    device: torch.device | str,
    latent_dim: int,
) -> tuple[float, float]:
    """One pass over the data, a discriminator step and a generator step for each batch.

    Parameters
    ----------
    generator, discriminator : Module
    dataloader : iterable of batches
        Each a tuple whose first entry is `x (n, t, d)`.
    gen_optimizer, disc_optimizer : Optimizer
    loss_fn : callable
        `(probabilities, targets) -> loss`, for example ``torch.nn.BCELoss()``.
    device : torch.device or str
    latent_dim : int
        Noise dimensions.

    Returns
    -------
    disc_loss, gen_loss : float
        Averaged over the batches.

    Warns
    -----
    TrainingWarning
        If the data leave [-1, 1], where a generator that ends in a tanh cannot follow.
    """
    generator.train()
    discriminator.train()
    disc_losses, gen_losses, reach = [], [], 0.0
    for batch in dataloader:
        real = batch[0].to(device)  # (n, t, d)
        reach = max(reach, real.abs().max().item())

        fake = generator(torch.randn(len(real), latent_dim, device=real.device)).detach()
        disc_loss = gan_discriminator_loss(discriminator(real), discriminator(fake), loss_fn)
        _step(disc_optimizer, disc_loss)

        fake = generator(torch.randn(len(real), latent_dim, device=real.device))
        gen_loss = gan_generator_loss(discriminator(fake), loss_fn)
        _step(gen_optimizer, gen_loss)

        disc_losses.append(disc_loss.item())
        gen_losses.append(gen_loss.item())
    _warn_out_of_reach(generator, reach)
    return float(np.mean(disc_losses)), float(np.mean(gen_losses))


def train_gan_model(
    generator: GANGenerator,
    discriminator: GANDiscriminator,
    train_dataloader: Iterable[Any],
    epochs: int,
    gen_optimizer: torch.optim.Optimizer,
    disc_optimizer: torch.optim.Optimizer,
    loss_fn: LossFunction,
    device: torch.device | str,
    latent_dim: int,
    *,
    print_every: int = 1,
) -> tuple[list[float], list[float]]:
    """Train for `epochs` passes, print the losses as it goes, and return the two histories.

    Parameters
    ----------
    generator, discriminator, train_dataloader, gen_optimizer, disc_optimizer, loss_fn, device, latent_dim
        See `train_gan_epoch`.
    epochs : int
    print_every : int
        Print every so many epochs; 0 prints nothing.

    Returns
    -------
    generator_losses, discriminator_losses : list of float
        One number an epoch, averaged over its batches.
    """
    generator_losses: list[float] = []
    discriminator_losses: list[float] = []
    for epoch in range(1, epochs + 1):
        disc_loss, gen_loss = train_gan_epoch(
            generator, discriminator, train_dataloader, gen_optimizer, disc_optimizer, loss_fn, device, latent_dim
        )
        generator_losses.append(gen_loss)
        discriminator_losses.append(disc_loss)
        if print_every and epoch % print_every == 0:
            print(f"Epoch {epoch}/{epochs}: generator {gen_loss:.4f}, discriminator {disc_loss:.4f}")
    return generator_losses, discriminator_losses


@torch.no_grad()
def generate_synthetic_data_gan(
    generator: GANGenerator,
    num_samples: int,
    latent_dim: int,
    device: torch.device | str,
    scaler: Any,
    sequence_length: int,
    *,
    noise: torch.Generator | None = None,
) -> Array:
    """New windows: noise from N(0, I) through the generator, taken back to the data's own units.

    Parameters
    ----------
    generator : GANGenerator
    num_samples, latent_dim, sequence_length : int
        How many windows, noise dimensions, bars in a window (at most as many as the generator was built for).
    device : torch.device or str
    scaler
        What `preprocess_financial_data` returned.
    noise : torch.Generator, optional
        Where the noise is drawn from, on the CPU. Without one, torch's own stream.

    Returns
    -------
    ndarray (num_samples, sequence_length, d)
    """
    generator.eval()
    z = torch.randn(num_samples, latent_dim, generator=noise).to(device)
    return inverse_scale(generator(z)[:, :sequence_length].cpu().numpy(), scaler)


def _step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def _warn_out_of_reach(generator: GANGenerator, reach: float) -> None:
    if isinstance(generator, GANGenerator) and reach > 1:
        warnings.warn(
            f"The data reach {reach:.3g}, but the generator ends in a tanh and stays within -1 and 1: "
            "scale them with scaler_type='minmax' and feature_range=(-0.9, 0.9).",
            TrainingWarning,
            stacklevel=3,
        )
