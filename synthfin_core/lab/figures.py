"""The lab's figures, drawn with the library's own; each returns a Plotly figure and shows nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from synthfin_core.errors import DataError, SettingError
from synthfin_core.lab.preparing import feature_table
from synthfin_core.nn.lab import VAEModel
from synthfin_core.rng import stream

if TYPE_CHECKING:
    import plotly.graph_objects as go

Array = NDArray[np.float64]
Data = pd.DataFrame | ArrayLike

REAL, VAE, GAN = "real", "VAE", "GAN"


def plot_loss_curves(
    losses: Mapping[str, Sequence[float]], *, title: str = "Training losses", log: bool = True
) -> go.Figure:
    """Any number of loss histories by epoch.

    Parameters
    ----------
    losses : dict of str to sequence of float
        Histories by name, for example ``{"VAE reconstruction": ..., "GAN generator": ...}``; lengths may differ.
    title : str
    log : bool
        Logarithmic axis, since losses of different models have different sizes.
    """
    from synthfin_core.plots import loss_curves

    return loss_curves(losses, log=log, x="epoch").update_layout(title_text=title)


def plot_vae_losses(
    reconstruction_losses: Sequence[float], kl_divergence_losses: Sequence[float], epochs: int
) -> go.Figure:
    """Reconstruction loss and KL divergence by epoch, on a logarithmic axis since their sizes differ.

    Raises
    ------
    DataError
        If a history does not hold one number for each of the `epochs`.
    """
    losses = {"reconstruction": reconstruction_losses, "KL divergence": kl_divergence_losses}
    _check_lengths(losses, epochs)
    return plot_loss_curves(losses, title="VAE training losses")


def plot_gan_losses(generator_losses: Sequence[float], discriminator_losses: Sequence[float], epochs: int) -> go.Figure:
    """Generator and discriminator loss by epoch.

    Raises
    ------
    DataError
        If a history does not hold one number for each of the `epochs`.
    """
    losses = {"generator": generator_losses, "discriminator": discriminator_losses}
    _check_lengths(losses, epochs)
    return plot_loss_curves(losses, title="GAN training losses", log=False)


def plot_feature_distributions(
    real_data: Data, vae_synthetic_data: Data, gan_synthetic_data: Data, feature_names: Sequence[str]
) -> go.Figure:
    """Histograms and density curves of each feature, real, VAE and GAN laid over each other, one panel a feature.

    Parameters
    ----------
    real_data, vae_synthetic_data, gan_synthetic_data : DataFrame or array
        Tables with the named columns, or arrays whose last axis holds the features.
    feature_names : sequence of str

    Raises
    ------
    DataError
        If a data set lacks a feature.
    """
    from synthfin_core.plots import distributions, plain
    from synthfin_core.plots.style import figure

    names = list(feature_names)
    named = {REAL: real_data, VAE: vae_synthetic_data, GAN: gan_synthetic_data}
    tables = {label: feature_table(data, names) for label, data in named.items()}
    fig = figure(
        y="density",
        height=60 + 240 * len(names),
        rows=len(names),
        vertical_spacing=0.25 / len(names),
        subplot_titles=[f"Distribution of {plain(name)}" for name in names],
    )
    for row, name in enumerate(names, start=1):
        panel = distributions({label: table[name].to_numpy() for label, table in tables.items()}, name)
        for curve, label in zip(panel.select_traces({"type": "scatter"}), tables, strict=True):
            curve.update(name=label, showlegend=row == 1)
        panel.for_each_trace(lambda trace, row=row: fig.add_trace(trace, row=row, col=1))
    return fig.update_layout(barmode="overlay", bargap=0)


def plot_synthetic_and_real_time_series(
    real_data_sequences: ArrayLike,
    vae_synthetic_sequences: ArrayLike,
    gan_synthetic_sequences: ArrayLike,
    num_plots: int = 5,
    asset_index: int = 0,
    *,
    seed: int = 0,
) -> go.Figure:
    """Panels that each show a real, a VAE and a GAN window of one asset, drawn at random.

    Parameters
    ----------
    real_data_sequences, vae_synthetic_sequences, gan_synthetic_sequences : array (n, t, d)
    num_plots : int
        How many panels.
    asset_index : int
        Which asset, counted from zero.
    seed : int
        Another seed picks other windows.

    Raises
    ------
    SettingError
        If there is no such asset.
    """
    from synthfin_core.plots import colours
    from synthfin_core.plots.style import figure, line

    sequences = {REAL: real_data_sequences, VAE: vae_synthetic_sequences, GAN: gan_synthetic_sequences}
    named = {label: np.asarray(x, dtype=np.float64) for label, x in sequences.items()}
    assets = min(x.shape[2] for x in named.values())
    if not 0 <= asset_index < assets:
        raise SettingError(f"asset_index is {asset_index}, expected a whole number from 0 to {assets - 1}.")
    fig = figure(
        f"Real and synthetic time series, asset {asset_index + 1}",
        x="day",
        height=100 + 160 * num_plots,
        rows=num_plots,
        shared_xaxes=True,
        vertical_spacing=0.2 / num_plots,
    )
    for label, colour in colours(named).items():
        x = named[label]
        chosen = stream(seed, f"windows of {label}").integers(len(x), size=num_plots)
        for row, i in enumerate(chosen, start=1):
            trace = line(np.arange(x.shape[1]), x[i, :, asset_index], label, colour, legendgroup=label)
            fig.add_trace(trace.update(showlegend=row == 1), row=row, col=1)
    fig.update_xaxes(title_text="")
    fig.update_xaxes(title_text="day", row=num_plots)
    return fig


@torch.no_grad()
def visualize_latent_space(
    model: VAEModel,
    data: Tensor | ArrayLike,
    device: torch.device | str = "cpu",
    *,
    method: str = "PCA",
    values: ArrayLike | None = None,
    label: str = "mean of the window",
    seed: int = 0,
) -> go.Figure:
    """Map of the encoded windows: the posterior means in two dimensions.

    Parameters
    ----------
    model : VAEModel
    data : array (n, t, d)
        Scaled windows.
    device : torch.device or str
    method : str
        ``"PCA"`` or ``"t-SNE"``.
    values : array (n,), optional
        What the colour says about each window; its mean, where none are given.
    label : str
        What the values are.
    seed : int
        Of t-SNE.
    """
    from synthfin_core.plots import embed, latent_map

    x = torch.as_tensor(data, dtype=torch.float32).to(device)  # (n, t, d)
    model.eval()
    mu, _ = model.encoder(x)  # (n, k)
    points, chosen = embed(mu.cpu().numpy().astype(np.float64), method, seed)
    shown = x.mean(dim=(1, 2)).cpu().numpy() if values is None else np.asarray(values, dtype=np.float64)
    return latent_map(points, shown[chosen], label, title=f"Latent space by {method}")


def _check_lengths(losses: Mapping[str, Sequence[float]], epochs: int) -> None:
    for name, history in losses.items():
        if len(history) != epochs:
            raise DataError(
                f"The {name} history holds {len(history)} numbers, expected one for each of {epochs} epochs."
            )
