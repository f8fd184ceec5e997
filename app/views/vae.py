"""Train a variational autoencoder."""

from app.ui.training import training_page

training_page(
    "vae",
    "Variational autoencoder",
    "Learns a few hidden numbers behind every window. Afterwards, sliders move them.",
)
