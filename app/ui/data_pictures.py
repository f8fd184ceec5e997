"""What the data page shows: what was done to the data, how windows fall, figures and tables."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.ui import cached, figures
from app.ui.messages import escape
from synthfin_core import plots
from synthfin_core.data.panel import Panel
from synthfin_core.data.windows import Windows
from synthfin_core.errors import DataError
from synthfin_core.spec import Setup


def notes(panel: Panel) -> None:
    """What was done to the data, in words with counts."""
    if panel.notes:
        with st.expander(f"What was done to the data ({len(panel.notes)})", icon=":material/checklist:"):
            for note in panel.notes:
                st.markdown(f"- {escape(note)}")


def window_summary(setup: Setup) -> Windows | None:
    """Numbers of training, independent and hold-out windows, and where the split falls."""
    try:
        windows = cached.windows(setup)
    except DataError as error:
        st.error(escape(str(error)), icon=":material/error:")
        return None
    split = windows.split_date
    with st.grid(min_column_width=130, gap="small") as grid:
        grid.metric(
            "Training windows",
            f"{len(windows.train):,}",
            help="Windows that models learn from; they overlap when the stride is short.",
        )
        grid.metric(
            "Independent",
            f"{windows.independent:,}",
            help="Training windows that do not overlap: how much there really is to learn from.",
        )
        grid.metric("Hold-out windows", f"{len(windows.holdout):,}", help="Windows that no model sees.")
        grid.metric(
            "Split",
            str(split.date()) if split is not None else f"row {windows.split:,}",
            help="First day of the hold-out part.",
        )
    return windows


def tabs(panel: Panel, windows: Windows | None) -> None:
    """The figures and tables; only the open one is drawn."""
    kinds = set(panel.kinds.values())
    parts: dict[str, Callable[[], None]] = {"History": lambda: _history(panel, windows)}
    if kinds & {"price", "return"}:
        parts["Returns"] = lambda: _returns(panel)
    if "volume" in kinds:
        parts["Volume"] = lambda: figures.show(plots.volume_chart(panel), alt="Volume", key="data-volume")
    parts |= {
        "Tails": lambda: _each(panel, lambda name: plots.qq_plot(_bars(panel, name), name), "qq"),
        "Memory": lambda: _each(panel, lambda name: plots.acf_plot(_bars(panel, name), name), "acf"),
        "Correlation": lambda: _correlation(panel),
        "Table": lambda: _table(panel),
    }
    for tab, draw in zip(st.tabs(list(parts), on_change="rerun", key="data-part"), parts.values(), strict=True):
        if tab.open:
            with tab:
                try:
                    draw()
                except DataError as error:
                    st.error(escape(str(error)), icon=":material/error:")


def _history(panel: Panel, windows: Windows | None) -> None:
    split = windows.split_date if windows is not None else None
    figures.show(
        plots.price_chart(panel, split_date=split), alt="History with the hold-out part marked", key="data-history"
    )


def _returns(panel: Panel) -> None:
    figures.show(plots.returns_chart(panel), alt="Returns per bar", key="data-returns")


def _bars(panel: Panel, name: str) -> NDArray[np.float64]:
    return panel.units()[0][name].to_numpy()


def _each(panel: Panel, draw: Callable[[str], object], key: str) -> None:
    name = st.selectbox(
        "Series", list(panel.columns), key=f"data-{key}-series", help="Which series to draw.", width=280
    )
    figures.show(draw(name or panel.columns[0]), alt=f"{key} of {name}", key=f"data-{key}")


def _correlation(panel: Panel) -> None:
    if len(panel.columns) < 2:
        st.info("There is one series; a correlation needs two.", icon=":material/info:")
        return
    figures.show(
        plots.correlation_heatmap(panel.units()[0].corr()), alt="Correlation of the bars", key="data-correlation"
    )


def _table(panel: Panel) -> None:
    st.markdown("First rows")
    figures.rows(panel.frame.head(10), alt="First rows")
    st.markdown("In numbers")
    st.dataframe(panel.describe(), alt="Descriptive statistics")
