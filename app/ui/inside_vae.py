"""What any variational autoencoder shows of itself: its latents, likelihood bounds, and the noise of its gradients."""

from __future__ import annotations

from typing import cast

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.ui import cached, figures, latent_position, models
from synthfin_core.generators.bounds import Bounds, bounds
from synthfin_core.generators.gradients import GradientNoise, gradient_noise
from synthfin_core.generators.variational import Variational
from synthfin_core.generators.variational_health import ACTIVE
from synthfin_core.plots.variational import bounds_by_draws, gradient_variances, latent_information
from synthfin_core.store import Run

DRAWS = (1, 2, 5, 10, 20, 50, 100)
MOST_WINDOWS = 250  # on which the bounds are measured
FEW_WINDOWS, GRADIENT_DRAWS = 32, 64


def show(run: Run) -> None:
    """Draw what each latent dimension carries and, when asked, the bounds and the gradients."""
    space = latent_position.load(run)
    st.subheader("Inside the model")
    figures.show(
        latent_information(space.kl, space.mu.var(axis=0) > ACTIVE),
        alt="Divergence of each latent dimension",
        key="inside-latents",
    )
    st.caption(space.words())
    wanted = st.toggle(
        "Measure the likelihood and the gradients",
        key="inside-measure",
        help="Draws from the encoder a hundred times for some hundred windows; it takes a few seconds.",
    )
    if wanted:
        _likelihood(run)
        _gradients(run)


def _likelihood(run: Run) -> None:
    found = _bounds(run.id)
    figures.show(
        bounds_by_draws(DRAWS, {name: (each.mean, each.gap_error) for name, each in found.items()}),
        alt="Bounds on the log-likelihood against the number of draws",
        key="inside-bounds",
    )
    gaps = " and ".join(f"{each.gap[-1]:.2f} on {name} windows" for name, each in found.items())
    st.caption(
        "The evidence lower bound, on which the model trains, misses the log-likelihood by how far the encoder lies "
        f"from the true posterior. Weighing {DRAWS[-1]} draws finds this much of the gap, in nats a window: {gaps}. It "
        "is shaded. A curve that has gone flat has closed the gap; one that still rises has not."
    )


def _gradients(run: Run) -> None:
    found = _gradient_noise(run.id)
    k = len(found[0].variance) // 2
    parameters = [f"{name} {i + 1}" for name in ("mean", "log-variance") for i in range(k)]
    figures.show(
        gradient_variances({each.name: each.variance for each in found}, parameters),
        alt="Variance of the gradient by estimator",
        key="inside-gradients",
    )
    ratios = [float(np.median(each.variance / found[0].variance)) for each in found[1:]]
    st.caption(
        "The gradient of the reconstruction by what the encoder says of a window, estimated from one draw. All three "
        f"have the same mean; the variance of REINFORCE is {ratios[1]:,.0f} times that of reparameterization here, and "
        f"with a baseline {ratios[0]:,.0f} times (medians over the points). So many more draws would be needed."
    )


@st.cache_resource(show_spinner="Measuring the likelihood", max_entries=8)
def _bounds(run_id: str) -> dict[str, Bounds]:
    windows = cached.windows(cached.store().run(run_id).spec.setup)
    known = {"training": windows.train.x, "hold-out": windows.holdout.x}
    return {
        name: bounds(_model(run_id), _represented(run_id, x, MOST_WINDOWS), DRAWS)
        for name, x in known.items()
        if len(x) > 1
    }


@st.cache_resource(show_spinner="Measuring the gradients", max_entries=8)
def _gradient_noise(run_id: str) -> list[GradientNoise]:
    x = cached.windows(cached.store().run(run_id).spec.setup).train.x
    return gradient_noise(_model(run_id), _represented(run_id, x, FEW_WINDOWS), GRADIENT_DRAWS)


def _represented(run_id: str, x: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """At most `most` windows, evenly over time, as the model sees them."""
    chosen = np.unique(np.linspace(0, len(x) - 1, most).astype(int))
    return models.pipeline(run_id).representation.forward(x[chosen])


def _model(run_id: str) -> Variational:
    return cast(Variational, models.pipeline(run_id).generator)
