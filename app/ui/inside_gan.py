"""What a trained GAN shows of its diversity: nearest neighbours, the spread of each series, and the way there."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.ui import cached, figures
from synthfin_core import plots
from synthfin_core.generators.gan_health import COLLAPSED, Diversity, looked_at
from synthfin_core.store import Run


def show(run: Run) -> None:
    """Draw how unlike each other the run's windows are."""
    found = _found(run.id)
    if found is None:
        return
    st.subheader("Diversity", help="A generator that has collapsed draws few windows, many times.")
    if found.ratio < COLLAPSED:
        st.warning(
            f"The generated windows are too much alike: their nearest neighbours are {found.ratio:.2f} times as far as "
            "those of real windows.",
            icon=":material/filter_1:",
        )
    figures.show(
        plots.nearest_neighbours(found.distances), alt="Distances to the nearest window", key="diversity-neighbours"
    )
    st.caption(
        f"Among {len(found.distances['generated'])} windows of each kind. The generated curve should lie on the real "
        "one: further left, windows repeat each other. Windows that lie on real ones would start at zero."
    )
    left, right = st.columns(2)
    with left:
        figures.show(
            plots.spread_by_series(cached.windows(run.spec.setup).names, found.spread),
            alt="Spread of each series over the real one",
            key="diversity-spread",
        )
    with right:
        steps, history = plots.by_name(run.progress()[0])
        if "diversity" in history:
            figures.show(
                plots.diversity_over_time(steps, history["diversity"], COLLAPSED),
                alt="Diversity over the training",
                key="diversity-history",
            )


def _found(run_id: str) -> Diversity | None:
    samples = cached.samples(run_id)
    return None if samples is None else _compared(run_id, samples.x)


@st.cache_resource(show_spinner="Comparing windows", max_entries=8)
def _compared(run_id: str, _generated: np.ndarray) -> Diversity:
    real = cached.windows(cached.store().run(run_id).spec.setup).train.x
    return looked_at(real, _generated)
