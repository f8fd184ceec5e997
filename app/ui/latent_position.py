"""Where the latent sliders stand: at zero, at a real window, at random; and the sliders themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.components.latent_sliders import latent_sliders
from app.ui import cached, state
from synthfin_core.data.windows import Windows
from synthfin_core.errors import DamagedRun
from synthfin_core.rng import stream
from synthfin_core.store import Run

ACTIVE = 0.01  # variance of the posterior mean above which a dimension carries something (Burda and others, 2016)
SHOWN = 6
STARTS = ("Zero", "A real window", "Random")


@dataclass(frozen=True)
class Space:
    """The encoded training windows of a run, dimensions ordered by what they carry.

    Attributes
    ----------
    mu : ndarray of shape (n, k)
        Posterior means.
    rows : ndarray of shape (n,)
        Which training window each row is.
    order : ndarray of shape (k,)
        Dimensions, the most active one first.
    kl : ndarray of shape (k,)
        Mean KL of each dimension, in nats.
    windows : Windows
    """

    mu: NDArray[np.float64]
    rows: NDArray[np.int64]
    order: NDArray[np.int64]
    kl: NDArray[np.float64]
    windows: Windows

    @property
    def k(self) -> int:
        """Number of latent dimensions."""
        return int(self.mu.shape[1])

    @property
    def active(self) -> int:
        """Number of dimensions whose posterior mean moves with the window."""
        return int((self.mu.var(axis=0) > ACTIVE).sum())


def load(run: Run) -> Space:
    """Read what the run's training left about its latent space."""
    latents = run.latents()
    if latents is None:
        raise DamagedRun(f"Run {run.id} has no encoded windows, expected latents.npz: train it again.")
    kl = 0.5 * (latents.mu**2 + np.exp(latents.logvar) - 1.0 - latents.logvar).mean(axis=0)  # (k,)
    order = np.argsort(-kl, kind="stable")
    return Space(latents.mu, latents.window, order, kl, cached.windows(run.spec.setup))


def choose(run: Run, space: Space) -> None:
    """Draw the choice of a starting point."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            "Start from",
            STARTS,
            default=STARTS[0],
            required=True,
            key="latent-start",
            on_change=_start,
            args=(run.id, space),
            help="The middle of the latent space, the point of one real window, or a draw from the prior.",
        )
        kind = st.session_state["latent-start"]
        if kind == STARTS[1]:
            st.select_slider(
                "Window that begins on",
                options=range(len(space.rows)),
                format_func=lambda i: first_day(space, i),
                key="latent-window",
                on_change=_start,
                args=(run.id, space),
                help="Its posterior mean becomes the sliders' position.",
                width=420,
            )
        if kind == STARTS[2]:
            st.button(
                "Draw again",
                icon=":material/casino:",
                key="latent-again",
                on_click=_again,
                args=(run.id, space),
                help="Another draw from the prior.",
            )


def first_day(space: Space, index: int) -> str:
    """First date of an encoded window, or its number where there are no dates."""
    date = space.windows.train.dates[space.rows[index], 0]
    return str(date)[:10] if np.issubdtype(space.windows.train.dates.dtype, np.datetime64) else f"row {date}"


def position(run_id: str, space: Space) -> list[float]:
    """Where the sliders stand."""
    z = state.studio().latent.get(run_id)
    return z if z is not None and len(z) == space.k else [0.0] * space.k


def put_at_window(run_id: str, space: Space, index: int) -> None:
    """Move the sliders to the posterior mean of an encoded window."""
    state.studio().latent[run_id] = [float(value) for value in space.mu[index]]


def _start(run_id: str, space: Space) -> None:
    kind = st.session_state["latent-start"]
    if kind == STARTS[0]:
        state.studio().latent[run_id] = [0.0] * space.k
    elif kind == STARTS[1]:
        put_at_window(run_id, space, int(st.session_state.get("latent-window", 0)))
    else:
        _again(run_id, space)


def _again(run_id: str, space: Space) -> None:
    draw = st.session_state.get("latent-draws", 0) + 1
    st.session_state["latent-draws"] = draw
    state.studio().latent[run_id] = [float(value) for value in stream(draw, "slider").standard_normal(space.k)]


def sliders(run: Run, space: Space) -> None:
    """Draw the sliders with their paths, and remember where they are let go."""
    dims = [
        {
            "index": int(i),
            "label": f"Dimension {int(i) + 1}",
            "kl": float(space.kl[i]),
            "low": -4.0,
            "high": 4.0,
            "folded": rank >= max(space.active, SHOWN),
        }
        for rank, i in enumerate(space.order)
    ]
    released = latent_sliders(
        run.id, dims=dims, z0=position(run.id, space), names=list(space.windows.names), key=f"sliders-{run.id}"
    )
    if released is not None:
        state.studio().latent[run.id] = released
    st.caption(f"{space.active} of {space.k} dimensions are active; the others hardly change anything.")
