"""What a trained factor model shows: how a window moves with each factor, and how much the factors explain."""

from __future__ import annotations

from typing import cast

import streamlit as st

from app.ui import figures, models
from synthfin_core.generators.factor import FactorAnalysis
from synthfin_core.plots.factors import loadings_over_window, shares_over_window
from synthfin_core.store import Run

MOST = 4


def show(run: Run) -> None:
    """Draw the loadings of the leading factors and the share of variance that all factors explain."""
    pipeline = models.pipeline(run.id)
    generator = cast(FactorAnalysis, pipeline.generator)
    rows, model = generator.rows, generator.model
    loadings = rows.inverse(model.loadings.T).transpose(1, 2, 0)  # (t, d, k), of windows rather than rows
    common = (loadings**2).sum(axis=2)  # (t, d)
    own = model.noise.reshape(common.shape) @ rows.together**2
    k = loadings.shape[2]
    st.subheader("Its factors")
    explained = common.sum() / (common + own).sum()
    figures.show(
        loadings_over_window(loadings, pipeline.names, MOST), alt="Loadings of the factors", key="factor-loadings"
    )
    which = f"The {MOST} factors that are known best, of {k}" if k > MOST else "All factors"
    st.caption(f"{which}. All of them explain {explained:.0%} of the variance of a window; the rest is noise.")
    figures.show(
        shares_over_window(common / (common + own), pipeline.names),
        alt="Share of the variance that the factors explain",
        key="factor-shares",
    )
