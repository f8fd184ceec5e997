"""What trained laws of bars show: parameters of an EGARCH, blocks of a bootstrap, correlations of a normal law."""

from __future__ import annotations

from typing import cast

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app.ui import figures, models
from app.ui.messages import escape
from synthfin_core import plots
from synthfin_core.generators.bootstrap import IndependentBootstrap
from synthfin_core.generators.egarch import FilteredHistorical
from synthfin_core.generators.gaussian import GaussianGenerator
from synthfin_core.processes.egarch import EGARCH
from synthfin_core.store import Run

Array = NDArray[np.float64]


def show(run: Run) -> None:
    """Draw what the run's law of bars consists of."""
    pipeline = models.pipeline(run.id)
    generator, names = pipeline.generator, pipeline.names
    st.subheader("What was fitted")
    if isinstance(generator, FilteredHistorical):
        _egarch(cast(EGARCH, generator.process), names)
    elif isinstance(generator, IndependentBootstrap):
        _bootstrap(generator)
    elif isinstance(generator, GaussianGenerator):
        _gaussian(generator, names)


def _egarch(process: EGARCH, names: tuple[str, ...]) -> None:
    _, alpha, gamma, beta = process.volatility.T
    stays = np.clip(np.abs(beta), 1e-9, 1 - 1e-9)
    table = pd.DataFrame({"series": names, "α": alpha, "γ": gamma, "β": beta, "half-life": np.log(0.5) / np.log(stays)})
    if not len(process.residuals):
        table["tails"], table["skew"] = process.shapes.T
    number = st.column_config.NumberColumn
    st.dataframe(
        table,
        hide_index=True,
        column_config={
            "α": number(format="%.3f", help="How strongly volatility reacts to large bars."),
            "γ": number(format="%.3f", help="Below zero, losses raise volatility more than gains do."),
            "β": number(format="%.4f", help="How much of a bar's volatility the next one keeps."),
            "half-life": number(format="%.0f bars", help="After so many bars half of a shock to volatility is gone."),
            "tails": number(format="%.1f", help="Degrees of freedom of the innovations: below 10 are heavy tails."),
            "skew": number(format="%.2f", help="Below zero, innovations fall further than they rise."),
        },
        alt="Parameters of the fit",
    )
    if process.fallback:
        st.warning(escape(process.fallback), icon=":material/info:")
    _correlation(process.correlation, names, "Correlation of the innovations")


def _bootstrap(generator: IndependentBootstrap) -> None:
    block, bars = generator.process.block, len(generator.process.rows)
    with st.container(horizontal=True):
        st.metric("Mean block", f"{block:,.0f} bars", help="Stretches of history that are drawn have random lengths.")
        st.metric("Drawn from", f"{bars:,} bars", help="Training bars, each counted once.")
        st.metric(
            "Unbroken windows",
            f"{(1 - 1 / block) ** (generator.length - 1):.0%}",
            help="Share of windows that are one stretch of history from their first bar to the last.",
        )


def _gaussian(generator: GaussianGenerator, names: tuple[str, ...]) -> None:
    st.metric(
        "Shrinkage",
        f"{generator.shrinkage:.1%}",
        help="How far correlations were pulled towards zero, as the data are too few to tell them well.",
    )
    k, d = generator.mean.shape
    spread = np.sqrt(np.diag(generator.covariance))
    spread = np.where(spread > 0, spread, 1.0)
    correlation = generator.covariance / np.outer(spread, spread)
    if k == 1:
        _correlation(correlation, names, "Correlation of the bars")
        return
    middle = k // 2
    own = correlation.reshape(k, d, k, d)[middle, np.arange(d), :, np.arange(d)]  # (d, k)
    table = pd.DataFrame(own.T, columns=list(names), index=np.arange(k) - middle)
    st.line_chart(table.drop(index=0), x_label="bars from the middle of the window", y_label="correlation")


def _correlation(matrix: Array, names: tuple[str, ...], title: str) -> None:
    if len(names) > 1:
        table = pd.DataFrame(matrix, index=list(names), columns=list(names))
        figures.show(plots.correlation_heatmap(table, title), alt=title, key="bars-correlation")
