"""What one browser session is working on, and how it survives a reload.

Every value that outlives a page is a field of `Studio`. The fields named in `IN_URL` are also kept in the address, so
that a reload, a bookmark or a colleague with the link finds the same data and the same run; everything bigger lives in
the store.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

IN_URL = {"setup": "setup_id", "run": "run_id"}


@dataclass
class Studio:
    """One session's choices.

    Attributes
    ----------
    setup_id : str
        The data and window settings being worked on; empty means the bundled indices.
    run_id : str
        The run looked at last, on any page.
    compared : list of str
        Runs chosen on the compare page; None until the person chooses.
    latent : dict
        Latent position by run id, as last released on the sliders.
    """

    setup_id: str = ""
    run_id: str = ""
    compared: list[str] | None = None
    latent: dict[str, list[float]] = field(default_factory=dict)


def studio() -> Studio:
    """The session's choices, read from the address on the first visit."""
    if "studio" not in st.session_state:
        fresh = Studio()
        for key, name in IN_URL.items():
            setattr(fresh, name, st.query_params.get(key, ""))
        st.session_state["studio"] = fresh
    current: Studio = st.session_state["studio"]
    return current


def keep_in_url() -> None:
    """Write the choices into the address; a page switch clears them, so this runs on every page."""
    current = studio()
    for key, name in IN_URL.items():
        value = getattr(current, name)
        if value and st.query_params.get(key) != value:
            st.query_params[key] = value
