"""Train a diffusion model."""

from app.ui.training import training_page

training_page(
    "diffusion",
    "Diffusion",
    "A network learns to take noise away, and then makes new windows out of nothing but noise.",
)
