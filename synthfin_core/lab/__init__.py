"""The notebook specification's functions and classes under its names, a thin layer over the library.

They are for learning: the plainest VAE and GAN, trained on prices scaled by min-max, with the losses as the
specification writes them and, where those fail, the change that mends them beside it. The arguments that the
specification names come first, in its order; what is added can only be given by name and has a default.
Functions that it wants to print do print, and return what they print.

As in any notebook, weights, noise and the order of batches come from torch's own random stream, which
`torch.manual_seed` sets; functions that only draw samples also take a `torch.Generator` as `noise`.

`examples/lab.ipynb` walks through them. For real work take `synthfin_core.fit` and `synthfin_core.evaluate`.
"""

from __future__ import annotations

from synthfin_core.lab.figures import (
    plot_feature_distributions,
    plot_gan_losses,
    plot_loss_curves,
    plot_synthetic_and_real_time_series,
    plot_vae_losses,
    visualize_latent_space,
)
from synthfin_core.lab.gan import (
    build_gan_discriminator,
    build_gan_generator,
    gan_discriminator_loss,
    gan_generator_loss,
    generate_synthetic_data_gan,
    train_gan_epoch,
    train_gan_model,
)
from synthfin_core.lab.metrics import calculate_statistical_metrics, perform_kolmogorov_smirnov_test
from synthfin_core.lab.preparing import (
    generate_mock_financial_time_series_data,
    inverse_scale,
    preprocess_financial_data,
)
from synthfin_core.lab.vae import (
    build_vae_decoder,
    build_vae_encoder,
    generate_synthetic_data_vae,
    generate_with_adjusted_latent,
    train_vae_epoch,
    train_vae_model,
    vae_loss_function,
    vae_loss_parts,
)
from synthfin_core.nn.lab import GANDiscriminator, GANGenerator, VAEDecoder, VAEEncoder, VAEModel, reparameterize

__all__ = [
    "GANDiscriminator",
    "GANGenerator",
    "VAEDecoder",
    "VAEEncoder",
    "VAEModel",
    "build_gan_discriminator",
    "build_gan_generator",
    "build_vae_decoder",
    "build_vae_encoder",
    "calculate_statistical_metrics",
    "gan_discriminator_loss",
    "gan_generator_loss",
    "generate_mock_financial_time_series_data",
    "generate_synthetic_data_gan",
    "generate_synthetic_data_vae",
    "generate_with_adjusted_latent",
    "inverse_scale",
    "perform_kolmogorov_smirnov_test",
    "plot_feature_distributions",
    "plot_gan_losses",
    "plot_loss_curves",
    "plot_synthetic_and_real_time_series",
    "plot_vae_losses",
    "preprocess_financial_data",
    "reparameterize",
    "train_gan_epoch",
    "train_gan_model",
    "train_vae_epoch",
    "train_vae_model",
    "vae_loss_function",
    "vae_loss_parts",
    "visualize_latent_space",
]
