"""The latent sliders: what they move through, and where they stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.components.latent_sliders import latent_sliders
from app.ui import cached, state
from synthfin_core.data.windows import Windows
from synthfin_core.errors import DamagedRun
from synthfin_core.generators.variational_health import ACTIVE, BEYOND_FREE
from synthfin_core.store import Run

SHOWN = 6


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
    free : float
        Nats that the training let each dimension spend without a charge.
    windows : Windows
    """

    mu: NDArray[np.float64]
    rows: NDArray[np.int64]
    order: NDArray[np.int64]
    kl: NDArray[np.float64]
    free: float
    windows: Windows

    @property
    def k(self) -> int:
        """Number of latent dimensions."""
        return int(self.mu.shape[1])

    @property
    def active(self) -> int:
        """Number of dimensions whose posterior mean moves with the window."""
        return int((self.mu.var(axis=0) > ACTIVE).sum())

    @property
    def telling(self) -> int:
        """Number of active dimensions that tell clearly more than what they may for free."""
        return int(((self.mu.var(axis=0) > ACTIVE) & (self.kl > BEYOND_FREE * self.free)).sum())

    def words(self) -> str:
        """How many dimensions matter, in a sentence."""
        if not self.free:
            return f"{self.active} of {self.k} dimensions move with the window."
        return (
            "Dimensions that tell clearly more of the window than the "
            f"{self.free:g} nats that each may spend without a charge (free bits): {self.telling} of {self.k}."
        )


def load(run: Run) -> Space:
    """Read what the run's training left about its latent space."""
    latents = run.latents()
    if latents is None:
        raise DamagedRun(f"Run {run.id} has no encoded windows, expected latents.npz: train it again.")
    kl = 0.5 * (latents.mu**2 + np.exp(latents.logvar) - 1.0 - latents.logvar).mean(axis=0)  # (k,)
    order = np.argsort(-kl, kind="stable")
    free = float(run.spec.config.get("free_bits", 0.0))
    return Space(latents.mu, latents.window, order, kl, free, cached.windows(run.spec.setup))


def choose(run: Run, space: Space) -> None:
    """Draw the choice of a real window to start from."""
    st.select_slider(
        "Put the sliders at the real window that begins on",
        options=range(len(space.rows)),
        format_func=lambda index: first_day(space, index),
        key=f"latent-window-{run.id}",
        on_change=_put_at_chosen,
        args=(run.id, space),
        help="The model's encoder says where that training window lies; the sliders go there.",
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


def _put_at_chosen(run_id: str, space: Space) -> None:
    put_at_window(run_id, space, int(st.session_state[f"latent-window-{run_id}"]))


def sliders(run: Run, space: Space) -> None:
    """Draw the sliders with their paths, and remember where they are let go."""
    dims = [
        {
            "index": int(i),
            "label": f"Dimension {int(i) + 1}",
            "kl": float(space.kl[i]),
            "low": -4.0,
            "high": 4.0,
            "folded": rank >= max(space.telling, SHOWN),
        }
        for rank, i in enumerate(space.order)
    ]
    released = latent_sliders(
        run.id, dims=dims, z0=position(run.id, space), names=list(space.windows.names), key=f"sliders-{run.id}"
    )
    if released is not None:
        state.studio().latent[run.id] = released
    st.caption(
        f"{space.words()} The nats beside each say how much it tells: the first ones steer, the last hardly matter."
    )
