"""What only one kind of model can show of itself once it is trained; a kind is one file and one line here."""

from __future__ import annotations

from importlib import import_module

from app.ui.messages import plainly
from synthfin_core.store import Run

#: Generator → module in `app.ui` whose `show(run)` draws it.
INSIDES: dict[str, str] = {
    "vae": "inside_vae",
    "timevae": "inside_timevae",
    "gan": "inside_gan",
    "tcn-gan": "inside_gan",
    "wavelet-diffusion": "inside_diffusion",
    "factor-analysis": "inside_factor",
    "ppca": "inside_factor",
    "hmm": "inside_hmm",
    "gaussian-mixture": "inside_mixture",
    "ppca-mixture": "inside_mixture",
    "gaussian": "inside_bars",
    "egarch": "inside_bars",
    "filtered-historical": "inside_bars",
    "block-bootstrap": "inside_bars",
    "iid-bootstrap": "inside_bars",
}


def show(run: Run) -> None:
    """Draw what the run's generator can show of itself, if there is anything."""
    module = INSIDES.get(run.spec.generator)
    if module is not None:
        with plainly():
            import_module(f"app.ui.{module}").show(run)
