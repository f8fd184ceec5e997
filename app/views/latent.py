"""The latent explorer: sliders, a sweep of one dimension, and the map of encoded windows."""

import streamlit as st

from app.ui import latent_map, latent_position, latent_sweep, pick
from app.ui.messages import plainly

st.title("Latent explorer")
st.markdown(
    "Every window is a point in the model's latent space. Drag a slider and watch the paths bend; the noise stays the "
    "same, so what moves is the model."
)

run = pick.run_picker(pick.runs_where(lambda run: pick.is_latent(run) and pick.is_done(run)), key="latent-run")
if run is None:
    pick.nothing_trained("model with a latent space")
    st.stop()

with plainly():
    space = latent_position.load(run)
    latent_position.choose(run, space)
    latent_position.sliders(run, space)
    sweep, map_tab = st.tabs(["Sweep one dimension", "Map of the windows"], on_change="rerun", key="latent-tabs")
    if sweep.open:
        with sweep:
            latent_sweep.show(run, space)
    if map_tab.open:
        with map_tab:
            latent_map.show(run, space)
