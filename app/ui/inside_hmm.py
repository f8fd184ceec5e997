"""What a trained hidden Markov model shows: its states, how they follow each other, and the law of each."""

from __future__ import annotations

from typing import cast

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app.ui import figures, models, regimes
from synthfin_core.generators.hmm import HMM
from synthfin_core.pipeline import Pipeline
from synthfin_core.plots.regimes import state_laws, state_names, transitions
from synthfin_core.representation.scale import Affine
from synthfin_core.store import Run

Array = NDArray[np.float64]

REACH, POINTS = 4.0, 301  #: a law is drawn over so many standard deviations of the wildest state


def show(run: Run) -> None:
    """Draw the states, the transition matrix, and the law of a chosen series in each state."""
    pipeline = models.pipeline(run.id)
    names = list(pipeline.names)
    st.subheader("Its states")
    name = st.selectbox("Series", names, key="hmm-series", help="Whose bars to look at.", width=220) or names[0]
    series = names.index(name)
    scale, shift, unit = in_units(pipeline, series)
    regimes.table(_states(_generator(pipeline), series, scale, shift), unit)
    left, right = st.columns(2)
    with left:
        figures.show(
            transitions(_generator(pipeline).model.transition), alt="Transition probabilities", key="hmm-transitions"
        )
    with right:
        laws = _laws(_generator(pipeline), series, scale, shift)
        figures.show(state_laws(laws, name, unit), alt=f"Density of {name} in each state", key="hmm-laws")


def in_units(pipeline: Pipeline, series: int) -> tuple[float, float, str]:
    """Factor, shift and unit that turn the model's numbers of a series into the data's; as they are where none do."""
    representation = pipeline.representation
    if not isinstance(representation, Affine) or _generator(pipeline).history.wanderers.leader[series] >= 0:
        return 1.0, 0.0, "as the model sees it"
    percent = 100.0 if pipeline.units[series] in ("log return", "return") else 1.0
    unit = "% a bar" if percent == 100 else pipeline.units[series]
    return percent * representation.scale[series], percent * representation.shift[series], unit


def _generator(pipeline: Pipeline) -> HMM:
    return cast(HMM, pipeline.generator)


def _states(generator: HMM, series: int, scale: float, shift: float) -> pd.DataFrame:
    model = generator.model
    columns = {
        "state": state_names(len(model.start)),
        "sd": scale * model.volatility[:, series],
        "mean": shift + scale * model.means[:, series],
        "stays": np.diagonal(model.transition),
        "lasts": model.durations,
        "share": model.stationary,
    }
    if np.isfinite(model.degrees).all():
        columns["tails"] = model.degrees
    return pd.DataFrame(columns)


def _laws(generator: HMM, series: int, scale: float, shift: float) -> dict[str, tuple[Array, Array]]:
    """Density of one series in each state, in the data's units."""
    from scipy.stats import norm, t

    model = generator.model
    middle, reach = model.means[:, series].mean(), REACH * model.volatility[:, series].max()
    x = np.linspace(middle - reach, middle + reach, POINTS)
    laws = {}
    for k, name in enumerate(state_names(len(model.start))):
        mean, spread, degrees = model.means[k, series], np.sqrt(model.scatters[k, series, series]), model.degrees[k]
        density = t.pdf(x, degrees, mean, spread) if np.isfinite(degrees) else norm.pdf(x, mean, spread)
        kept = density > 1e-6 * density.max()  # on a logarithmic axis a Gaussian would fall out of sight
        laws[name] = (shift + scale * x[kept], density[kept] / scale)
    return laws
