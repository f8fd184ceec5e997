"""The regimes of one series, by a mixture and by hidden Markov models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app.ui import cached, figures, state
from synthfin_core.classical.gaussian_mixture import GaussianMixture
from synthfin_core.classical.hmm import HMM
from synthfin_core.classical.limits import LEAST_ROWS, most_components
from synthfin_core.classical.selection import Choice, choose_components, choose_states
from synthfin_core.data.panel import Panel, Selection
from synthfin_core.errors import DataError
from synthfin_core.plots.regimes import criterion, regimes, state_names
from synthfin_core.spec import Setup

Array = NDArray[np.float64]
Found = GaussianMixture | HMM

MIXTURE = "Mixture"
MODELS = (MIXTURE, "HMM, Gaussian", "HMM, Student-t")
MOST_STATES, USUAL_STATES = 8, 5
RESTARTS = 2
LEAST_BARS = 100


@dataclass(frozen=True)
class History:
    """One series.

    Attributes
    ----------
    index : Index (n,)
        Dates or rows of the bars.
    level : ndarray (n,) or None
        Its price; None where it has none.
    strips : list of ndarray (s, 1)
        Bars in stretches without a gap, returns in percent.
    unit : str
    """

    index: pd.Index
    level: Array | None
    strips: list[Array]
    unit: str

    @property
    def bars(self) -> Array:
        """All bars `(n, 1)`."""
        return np.concatenate(self.strips)


def show() -> None:
    """Draw the choices, the history with its regimes, the criterion and the table of states."""
    setup = cached.current_setup(state.studio().setup_id)
    names = list(cached.selected(setup).columns)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Series", names, key="regime-series", help="Whose regimes to find.", width=220) or names[0]
        model = st.segmented_control(
            "Model",
            MODELS,
            default=MODELS[-1],
            required=True,
            key="regime-model",
            help="A mixture takes each bar by itself; a hidden Markov model knows that regimes last. Student-t bars "
            "leave single large moves to their tails, where Gaussian ones call them a regime.",
        )
        history = _history(setup.id, name, setup)
        most = st.number_input(
            "Most states",
            2,
            MOST_STATES,
            min(USUAL_STATES, most_components(len(history.bars))),  # at least three, as there are LEAST_BARS
            key=f"regime-most-{setup.id}-{name}",
            width=140,
            help=f"How far to look; each state needs at least {LEAST_ROWS} bars of its own.",
        )
    model = model or MODELS[-1]
    with st.spinner("Looking for regimes"):
        choice = _choice(setup.id, name, model, int(most), history)
    count = st.slider(
        f"States (the criterion chooses {choice.best})",
        1,
        choice.counts[-1],
        choice.best,
        key=f"regime-states-{setup.id}-{name}-{model}",
        help="The Bayesian information criterion weighs the likelihood against the number of parameters.",
    )
    _draw(name, history, choice, count)


def _draw(name: str, history: History, choice: Choice[GaussianMixture] | Choice[HMM], count: int) -> None:
    found = choice.model(count)
    posterior = _posterior(found, history)
    figures.show(
        regimes(history.index, history.level, history.bars[:, 0], posterior, name, bars_unit=history.unit),
        alt=f"{name} with its regimes",
        key="regime-history",
    )
    st.caption(
        "Each point is a bar; the colour behind it is its likeliest state. The lowest chart says how sure that is, "
        "given " + ("the bar itself." if isinstance(found, GaussianMixture) else "all bars before and after.")
    )
    left, right = st.columns([2, 3], gap="large")
    with left:
        figures.show(criterion(choice.counts, choice.bic, count), alt="Criterion by number of states", key="regime-bic")
    with right:
        table(states(found, posterior), history.unit)


def states(found: Found, posterior: Array) -> pd.DataFrame:
    """One row a state: spread and mean of its bars, how long it stays, and its share of the history."""
    stays = found.shares if isinstance(found, GaussianMixture) else np.diagonal(found.transition)
    return pd.DataFrame(
        {
            "state": state_names(len(stays)),
            "sd": found.volatility[:, 0],
            "mean": found.means[:, 0],
            "stays": stays,
            "lasts": 1 / (1 - np.minimum(stays, 1 - 1e-9)) if len(stays) > 1 else np.nan,
            "share": posterior.mean(axis=0),
        }
    )


def table(found: pd.DataFrame, unit: str, called: str = "states") -> None:
    """Draw the states, or what else parts are called, in numbers."""
    number, percent = st.column_config.NumberColumn, "percent"
    st.dataframe(
        found,
        hide_index=True,
        column_config={
            "sd": number(format="%.3f", help="Standard deviation of the bars."),
            "mean": number(format="%.3f"),
            "stays": number(format=percent, help="Probability that the next bar is in the same state."),
            "lasts": number(format="%.1f bars", help="Mean length of a stretch."),
            "share": number(format=percent, help="Share of the bars."),
            "tails": number(format="%.1f", help="Degrees of freedom: below 10 are heavy tails."),
        },
        alt=f"The {called} in numbers",
    )
    st.caption(f"Mean and standard deviation: {unit}.")


def _posterior(found: Found, history: History) -> Array:
    """Probabilities of the states at each bar `(n, K)`."""
    if isinstance(found, GaussianMixture):
        return found.responsibilities(history.bars)
    return np.concatenate(found.posterior(history.strips))


@st.cache_resource(show_spinner=False, max_entries=16)
def _choice(
    setup_id: str, name: str, model: str, most: int, _history: History
) -> Choice[GaussianMixture] | Choice[HMM]:
    counts = range(1, most + 1)
    if model == MIXTURE:
        return choose_components(_history.bars, counts)
    emissions = "student-t" if model == MODELS[-1] else "gaussian"
    return choose_states(_history.strips, counts, emissions, restarts=RESTARTS)  # type: ignore[arg-type]


@st.cache_resource(show_spinner=False, max_entries=16)
def _history(setup_id: str, name: str, _setup: Setup) -> History:
    """The bars of one column.

    Raises
    ------
    DataError
        If there are fewer than 100.
    """
    alone = cached.selected(_setup).select(Selection(columns=(name,))).complete()
    frame, (unit,) = alone.units()
    if len(frame) < LEAST_BARS:
        raise DataError(f"{name} has {len(frame)} bars, expected at least {LEAST_BARS} to tell regimes apart.")
    returns = unit in ("log return", "return")
    bars = frame.to_numpy() * (100 if returns else 1)
    at = alone.frame.index.get_indexer(frame.index)
    strips = [bars[(at >= first) & (at < last)] for first, last in alone.segments()]
    return History(
        index=frame.index,
        level=_level(alone, frame.index),
        strips=[strip for strip in strips if len(strip)],
        unit="% a bar" if returns else unit,
    )


def _level(panel: Panel, index: pd.Index) -> Array | None:
    """The price at each bar, where the one column of the panel is a price."""
    (name,) = panel.columns
    return panel.frame.loc[index, name].to_numpy() if panel.kinds[name] == "price" else None
