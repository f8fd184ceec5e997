"""Train a generative adversarial network."""

from app.ui.training import training_page

training_page(
    "gan",
    "Generative adversarial network",
    "A generator and a judge learn from each other until the judge can no longer tell.",
)
