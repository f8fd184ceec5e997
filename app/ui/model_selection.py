"""How many factors the user's data have, and their covariance taken apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app.ui import cached, figures, state
from synthfin_core.classical.factor import FactorModel
from synthfin_core.classical.limits import most_factors
from synthfin_core.classical.selection import FactorChoice, choose_factors, rows_to_fit
from synthfin_core.data.panel import Panel, Selection
from synthfin_core.errors import DataError
from synthfin_core.generators.rows import Rows as WindowRows
from synthfin_core.plots.factors import (
    EQUAL,
    UNEQUAL,
    covariance_parts,
    likelihood_by_factors,
    shares_over_window,
    variance_shares,
)
from synthfin_core.spec import Setup

Array = NDArray[np.float64]

BARS, WINDOWS = "Bars", "Windows"
MOST_TRIED = 10  #: numbers of factors compared
MOST_ROWS = 6000  #: of windows, every so many are taken
LEAST_ROWS = 40


@dataclass(frozen=True)
class Rows:
    """What factors are looked for in: standardised rows `x (n, D)`, NaN where not known, and what the columns are."""

    x: Array
    names: tuple[str, ...]
    series: tuple[str, ...]

    @property
    def missing(self) -> int:
        """How many values are not known."""
        return int(np.isnan(self.x).sum())


def show() -> None:
    """Draw the choices, the likelihood by number of factors, and the covariance taken apart."""
    setup = cached.current_setup(state.studio().setup_id)
    panel = cached.selected(setup)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        what = st.segmented_control(
            "Factors of",
            (BARS, WINDOWS),
            default=BARS if len(panel.columns) > 1 else WINDOWS,
            required=True,
            key=f"selection-rows-{setup.id}",
            help="Bars: what moves the series on one day. Windows: what the factor models on the first tab find in all "
            "bars of a window at once, beside the correlation of returns within a bar, which they keep anyway.",
        )
        folds = st.number_input(
            "Folds", 2, 10, 5, key="selection-folds", width=120, help="Stretches of history left out in turn."
        )
    rows = _rows(setup.id, what or BARS, setup)
    most = most_factors(rows_to_fit(len(rows.x), int(folds)), rows.x.shape[1])
    if most > 1:
        most = st.slider(
            "Most factors",
            1,
            min(most, 100),
            min(most, 30),
            key=f"selection-most-{setup.id}-{what}",
            help="How far to look: fewer than a row has numbers, and than there are rows when a stretch is left out.",
        )
    if rows.missing:
        st.caption(
            f"{rows.missing:,} of {rows.x.size:,} values are missing; they are integrated out, no row is dropped."
        )
    with st.spinner("Fitting factor models with stretches of history left out"):
        choice = _choice(setup.id, what or BARS, most, int(folds), rows)
    figures.show(
        likelihood_by_factors(choice.factors, choice.equal, choice.unequal, choice.ledoit_wolf),
        alt="Likelihood of rows left out by number of factors",
        key="selection-likelihood",
    )
    st.caption(_words(choice))
    _apart(setup.id, what or BARS, rows, choice)


def _words(choice: FactorChoice) -> str:
    """What the curves say, in a sentence or two."""
    equal, unequal = choice.equal.mean(axis=1).max(), choice.unequal.mean(axis=1).max()
    better = "unequal" if unequal > equal else "equal"
    said = (
        f"Number of factors likeliest on stretches left out: {choice.best_unequal} with unequal noise, "
        f"{choice.best_equal} with equal. The data ask for {better} noise, by {abs(unequal - equal):.2f} nats a row."
    )
    scores = choice.unequal if unequal > equal else choice.equal
    folds = scores[scores.mean(axis=1).argmax()]
    said += f" From stretch to stretch, the likeliest model gets {folds.min():.1f} to {folds.max():.1f}."
    if choice.ledoit_wolf is None:
        return said + " With values missing, there is no Ledoit-Wolf covariance to compare with."
    shrunk = float(choice.ledoit_wolf.mean())
    word = "below" if shrunk < max(equal, unequal) else "above"
    return said + f" A full covariance, shrunk, comes out {abs(max(equal, unequal) - shrunk):.2f} nats {word} the best."


def _apart(setup_id: str, what: str, rows: Rows, choice: FactorChoice) -> None:
    st.subheader("The covariance taken apart")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        noise = st.segmented_control(
            "Noise",
            (UNEQUAL, EQUAL),
            default=UNEQUAL,
            required=True,
            key="selection-noise",
            help="Factor analysis gives every value a noise of its own, probabilistic PCA the same to all.",
        )
        unequal = noise != EQUAL
        factors = st.number_input(
            "Factors",
            0,
            most_factors(*rows.x.shape),
            choice.best_unequal if unequal else choice.best_equal,
            key=f"selection-factors-{setup_id}-{what}-{unequal}",
            width=140,
            help="How many; as many as are likeliest until you change it.",
        )
    parts = _model(setup_id, what, int(factors), unequal, rows).decompose()
    figures.show(
        covariance_parts(parts.systematic, parts.idiosyncratic, rows.names),
        alt="Systematic and idiosyncratic covariance",
        key="selection-parts",
    )
    if what == BARS:
        shares = variance_shares(parts.share, rows.names)
    else:
        shares = shares_over_window(parts.share.reshape(-1, len(rows.series)), rows.series)
    figures.show(shares, alt="Share of each variance that is systematic", key="selection-shares")
    st.caption(
        "Of standardised values. Systematic is what the factors move together, idiosyncratic what is left to each."
    )


def _bars(panel: Panel) -> pd.DataFrame:
    """Bars of each column by itself, NaN where it has none."""
    alone = [panel.select(Selection(columns=(name,))).units()[0] for name in panel.columns]
    return pd.concat(alone, axis=1, sort=True)


@st.cache_resource(show_spinner=False, max_entries=8)
def _rows(setup_id: str, what: str, _setup: Setup) -> Rows:
    """The rows, standardised.

    Raises
    ------
    DataError
        If there are fewer than 40 or only one column.
    """
    series = tuple(cached.selected(_setup).columns)
    if what == BARS:
        x, names = _bars(cached.selected(_setup)).to_numpy(), series
    else:
        windows = cached.windows(_setup)
        train, series = windows.train.x[:: -(-len(windows.train.x) // MOST_ROWS)], windows.names
        x = WindowRows.of(train).forward(train)
        names = tuple(f"{name}, bar {k + 1}" for k in range(train.shape[1]) for name in series)
    if x.shape[1] < 2:
        raise DataError("There is one series, expected at least two to share factors: choose windows instead.")
    if len(x) < LEAST_ROWS:
        raise DataError(f"There are {len(x)} {what.lower()}, expected at least {LEAST_ROWS}: choose a longer history.")
    return Rows((x - np.nanmean(x, axis=0)) / np.nanstd(x, axis=0), names, series)


@st.cache_resource(show_spinner=False, max_entries=16)
def _choice(setup_id: str, what: str, most: int, folds: int, _rows: Rows) -> FactorChoice:
    factors = np.unique(np.linspace(0, most, min(most + 1, MOST_TRIED)).round().astype(int)).tolist()
    return choose_factors(_rows.x, factors, folds=folds)


@st.cache_resource(show_spinner=False, max_entries=16)
def _model(setup_id: str, what: str, factors: int, unequal: bool, _rows: Rows) -> FactorModel:
    return FactorModel.fit(_rows.x, factors, "unequal" if unequal else "equal", tolerance=1e-4)
