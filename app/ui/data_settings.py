"""The settings of the data page: which series, dates and bars, and how windows are cut."""

from __future__ import annotations

import datetime

import pandas as pd
import streamlit as st

from app.ui.forms import control
from app.ui.messages import escape
from synthfin_core.data.panel import KINDS, Panel, Selection
from synthfin_core.data.windows import WindowSpec
from synthfin_core.params import Value
from synthfin_core.representation import REPRESENTATIONS, representation_class
from synthfin_core.spec import Setup

EVERY = {"As they are": None, "Day": "day", "Week": "week", "Month": "month"}
AUTOMATIC = "The model's own choice"


def choose_selection(panel: Panel, setup: Setup) -> Selection:
    """Series, kinds, date range and resampling; starts at what the setup says."""
    st.subheader("Series")
    key = panel.fingerprint[:10]
    now = setup.selection
    every_column = list(panel.columns)
    columns = st.multiselect(
        "Columns",
        every_column,
        default=list(now.columns or every_column),
        key=f"columns-{key}",
        help="The series that the model learns together.",
    )
    columns = columns or every_column
    kinds = _kinds(panel, columns, now, key)
    start, end = _dates(panel, now, key)
    every = _every(panel, now, key)
    return Selection(
        columns=tuple(columns) if columns != every_column else None,
        kinds=kinds or None,
        start=start,
        end=end,
        every=every,
    )


def _kinds(panel: Panel, columns: list[str], now: Selection, key: str) -> dict[str, str]:
    """Kinds that differ from the guess."""
    with st.expander("What the numbers are", key=f"kinds-{key}"):
        st.markdown("Guessed from names and values. Prices become log returns; volumes become logarithms.")
        changed = {}
        for column in columns:
            guess = panel.kinds[column]
            kind = st.segmented_control(
                escape(str(column)),
                KINDS,
                default=(now.kinds or {}).get(column, guess),
                required=True,
                key=f"kind-{key}-{column}",
                help="Price: moves by percentages. Return: moves already. Volume: amounts traded. Level: all else.",
            )
            if kind and kind != guess:
                changed[column] = kind
    return changed


def _dates(panel: Panel, now: Selection, key: str) -> tuple[str | None, str | None]:
    if not panel.dated:
        return None, None
    first, last = panel.frame.index[0].date(), panel.frame.index[-1].date()
    with st.container(horizontal=True):
        start = st.date_input(
            "From",
            max(_day(now.start) or first, first),
            min_value=first,
            max_value=last,
            key=f"from-{key}",
            help="First day used.",
            width=150,
        )
        end = st.date_input(
            "To",
            min(_day(now.end) or last, last),
            min_value=first,
            max_value=last,
            key=f"to-{key}",
            help="Last day used.",
            width=150,
        )
    return (str(start) if start != first else None), (str(end) if end != last else None)


def _day(text: str | None) -> datetime.date | None:
    return pd.Timestamp(text).date() if text else None


def _every(panel: Panel, now: Selection, key: str) -> str | None:
    if not panel.dated:
        return None
    names = list(EVERY)
    chosen = st.segmented_control(
        "One bar is",
        names,
        default=next(name for name, value in EVERY.items() if value == now.every),
        required=True,
        key=f"every-{key}",
        help="Longer bars take the last price and the sum of volumes and returns.",
    )
    return EVERY[chosen or names[0]]


def choose_windows(setup: Setup) -> WindowSpec:
    """Length, stride, representation, hold-out and pooling; starts at what the setup says."""
    st.subheader("Windows")
    fields = {setting.name: setting for setting in WindowSpec.params()}
    start = setup.windows.to_dict()

    def choose(name: str) -> Value:
        return control(fields[name], start[name], f"{name}-{setup.panel_id}", keep=False)

    left, right = st.columns(2)
    with left:
        length = choose("length")
    with right:
        stride = choose("stride")
    holdout = choose("holdout")
    names = [AUTOMATIC, *REPRESENTATIONS]
    chosen = st.selectbox(
        "Representation",
        names,
        index=names.index(str(start["representation"] or AUTOMATIC)),
        format_func=lambda name: name if name == AUTOMATIC else representation_class(name).title,
        key=f"representation-{setup.panel_id}",
        help="How numbers are scaled for the network; always undone when data are generated.",
    )
    pool = choose("pool")
    representation = "" if chosen == AUTOMATIC else chosen
    return WindowSpec.from_dict(
        {"length": length, "stride": stride, "holdout": holdout, "pool": pool, "representation": representation}
    )
