"""Latent sliders whose paths move with the hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.api import base_path
from app.components.assets import script, style

_mount = st.components.v2.component(
    "synthfin.latent_sliders", js=script("latent_sliders"), css=style("latent_sliders"), isolate_styles=False
)


def latent_sliders(
    run_id: str,
    *,
    dims: Sequence[Mapping[str, Any]],
    z0: Sequence[float],
    names: Sequence[str],
    key: str,
    paths: int = 12,
    seed: int = 0,
) -> list[float] | None:
    """Draw a slider for each latent dimension and the paths of the point where they stand.

    The paths are decoded by the server and drawn by the browser while a slider is dragged; the page reruns only when
    it is let go. The caller keeps the position: what this returns is handed in as `z0` from then on, and any other
    `z0` moves the sliders there.

    Parameters
    ----------
    run_id : str
        A trained run with a latent space.
    dims : sequence of mappings
        In the order to show, each with ``index``, ``label``, ``kl`` (nats), ``low`` and ``high``, and with
        ``folded`` where it belongs under the fold; without it, all after the sixth do.
    z0 : sequence of float
        Position, one number a latent dimension, by index.
    names : sequence of str
        Of the series, in the model's order.
    key : str
        Streamlit key of the element.
    paths : int
        How many paths are drawn beside the mean path.
    seed : int
        Of the noise, which stays the same while the sliders move.

    Returns
    -------
    list of float or None
        The new position, in the rerun after the sliders were let go.
    """
    note = f"{key}-released"

    def released() -> None:
        st.session_state[note] = {**st.session_state[key]["released"], "fresh": True}

    noted = st.session_state.get(note, {"n": 0, "fresh": False})
    position = [float(value) for value in noted["z"]] if noted["fresh"] else list(z0)
    if noted["fresh"]:
        st.session_state[note] = {**noted, "fresh": False}
    data = {
        "run_id": run_id,
        "dims": [dict(dim) for dim in dims],
        "z0": position,
        "names": list(names),
        "paths": paths,
        "seed": seed,
        "base": base_path(),
        "heard": noted["n"],
    }
    _mount(key=key, data=data, on_released_change=released)
    return position if noted["fresh"] else None
