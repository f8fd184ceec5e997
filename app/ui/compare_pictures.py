"""The figures of the compare page."""

from __future__ import annotations

from typing import Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.ui import figures
from app.ui.compare_choice import Chosen
from synthfin_core import plots
from synthfin_core.evaluation import autocorrelation, correlation, usable_lags


def _series(chosen: Chosen, key: str) -> int:
    names = list(chosen.windows.names)
    name = st.selectbox("Series", names, key=key, help="Which series to draw.", width=280)
    return names.index(name or names[0])


def distributions(chosen: Chosen) -> None:
    """Overlaid histograms and density curves of the chosen series."""
    names = list(chosen.windows.names)
    picked = st.multiselect(
        "Series", names, default=names[:2], key="compare-distribution-series", help="One picture for each."
    )
    for name in picked:
        i = names.index(name)
        one = {title: x[:, :, i] for title, x in chosen.named.items()}
        figures.show(
            plots.distributions(one, name, chosen.windows.units[i]),
            alt=f"Distribution of {name}",
            key=f"distribution-{i}",
        )


def paths(chosen: Chosen) -> None:
    """Single windows side by side, redrawn on demand."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        i = _series(chosen, "compare-paths-series")
        number = st.number_input(
            "Windows of each",
            min_value=1,
            max_value=12,
            value=4,
            key="compare-paths-number",
            help="How many windows of each data set.",
            width=170,
        )
        redraw = st.session_state.setdefault("compare-redraw", 0)
        if st.button(
            "Redraw", icon=":material/refresh:", key="compare-paths-redraw", help="Other windows, drawn at random."
        ):
            redraw = st.session_state["compare-redraw"] = redraw + 1
    figure = plots.series_side_by_side(
        chosen.named, chosen.windows.names[i], i, int(number), seed=redraw, unit=chosen.windows.units[i]
    )
    figures.show(figure, alt="Windows side by side", key="compare-paths-figure")


def memory(chosen: Chosen) -> None:
    """Autocorrelation of values and of absolute values, within windows."""
    i = _series(chosen, "compare-memory-series")
    lags = usable_lags(chosen.windows.train.x.shape[1])
    measures: tuple[tuple[Literal["r", "abs"], str], ...] = (("r", "values"), ("abs", "absolute values"))
    for of, words in measures:
        curves = {title: autocorrelation(x, lags, of=of)[:, i] for title, x in chosen.named.items()}
        figures.show(
            plots.acf_comparison(curves, f"Autocorrelation of {words}"),
            alt=f"Autocorrelation of {words}",
            key=f"acf-{of}",
        )
    st.caption(
        "Measured within windows, never across their borders. Absolute values that stay correlated for long are "
        "volatility clustering."
    )


def correlation_maps(chosen: Chosen) -> None:
    """Correlation of the series, one map for each data set."""
    if len(chosen.windows.names) < 2:
        st.info("There is one series; a correlation needs two.", icon=":material/info:")
        return
    maps = {title: correlation(x) for title, x in chosen.named.items()}
    figures.show(
        plots.correlation_maps(maps, list(chosen.windows.names)), alt="Correlation maps", key="compare-correlation"
    )


def window_map(chosen: Chosen) -> None:
    """All windows on one map."""
    method = st.segmented_control(
        "Map by",
        ("PCA", "t-SNE"),
        default="PCA",
        required=True,
        key="compare-map-method",
        help="PCA keeps distances as far as two axes can; t-SNE keeps neighbours together and takes some seconds.",
    )
    with st.spinner("Drawing the map"):
        points, titles = _map(chosen.key, method or "PCA", chosen)
    figures.show(
        plots.window_map(points, titles, method or "PCA"), alt="Map of real and synthetic windows", key="compare-map"
    )
    st.caption(
        "Each point is a window. Synthetic clouds should cover the real ones: holes are what the model has not learned."
    )


@st.cache_resource(show_spinner=False, max_entries=8)
def _map(key: tuple[str, ...], method: str, _chosen: Chosen) -> tuple[NDArray[np.float64], list[str]]:
    points, titles, _ = plots.embed_windows(_chosen.named, method)
    return points, titles
