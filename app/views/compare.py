"""Trained models beside real data, in numbers and in pictures."""

import streamlit as st

from app.ui import compare_choice, compare_pictures, compare_scores, pick
from app.ui.messages import plainly

st.title("Compare")
st.markdown(
    "Synthetic windows beside real ones. Each number stands beside what real hold-out data score against real training "
    "data: a model that matches that is as good as these data can show."
)

done = pick.runs_where(pick.is_done)
if not done:
    pick.nothing_trained()
    st.stop()

with plainly(stop=True):
    chosen = compare_choice.choose(done)
if not chosen.runs:
    st.info("Choose at least one trained model above.", icon=":material/info:")
    st.stop()

PARTS = {
    "Scores": compare_scores.show,
    "Distributions": compare_pictures.distributions,
    "Paths": compare_pictures.paths,
    "Memory": compare_pictures.memory,
    "Correlation": compare_pictures.correlation_maps,
    "Map": compare_pictures.window_map,
}
for tab, draw in zip(st.tabs(list(PARTS), on_change="rerun", key="compare-part"), PARTS.values(), strict=True):
    if tab.open:
        with tab, plainly():
            draw(chosen)
