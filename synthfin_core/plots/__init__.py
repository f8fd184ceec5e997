"""Numbers to figures: every function returns a Plotly figure and shows nothing."""

from synthfin_core.plots.comparison import (
    acf_comparison,
    correlation_maps,
    distributions,
    series_side_by_side,
    window_map,
)
from synthfin_core.plots.diversity import diversity_over_time, nearest_neighbours, spread_by_series
from synthfin_core.plots.embedding import embed, embed_windows
from synthfin_core.plots.latent import latent_map, latent_sweep
from synthfin_core.plots.market import (
    acf_plot,
    correlation_heatmap,
    price_chart,
    qq_plot,
    returns_chart,
    volume_chart,
)
from synthfin_core.plots.style import CONFIG, colours, plain
from synthfin_core.plots.training import by_name, loss_curves, sample_paths
from synthfin_core.plots.wavelet import denoising_strip, level_energies, wavelet_images

__all__ = [
    "CONFIG",
    "acf_comparison",
    "acf_plot",
    "by_name",
    "colours",
    "correlation_heatmap",
    "correlation_maps",
    "denoising_strip",
    "distributions",
    "diversity_over_time",
    "embed",
    "embed_windows",
    "latent_map",
    "latent_sweep",
    "level_energies",
    "loss_curves",
    "nearest_neighbours",
    "plain",
    "price_chart",
    "qq_plot",
    "returns_chart",
    "sample_paths",
    "series_side_by_side",
    "spread_by_series",
    "volume_chart",
    "wavelet_images",
    "window_map",
]
