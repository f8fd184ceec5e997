"""Classical models: fit one, choose its size, and see the regimes of a market."""

import streamlit as st

from app.ui import model_selection, regimes
from app.ui.messages import plainly
from app.ui.training import training

st.title("Classical models")
st.markdown(
    "Factor models, mixtures, hidden Markov models, EGARCH and bootstraps. They fit in seconds, say what they assume, "
    "and are what a network has to beat."
)

PARTS = {
    "Train": lambda: training("classical"),
    "Model selection": model_selection.show,
    "Regimes": regimes.show,
}
for tab, name in zip(st.tabs(list(PARTS), on_change="rerun", key="classical-part"), PARTS, strict=True):
    if tab.open:
        with tab, plainly():
            PARTS[name]()
