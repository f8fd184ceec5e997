"""Both components on one page; the address says which run they show."""

import streamlit as st

from app.components.latent_sliders import latent_sliders
from app.components.live_curves import live_curves
from synthfin_core.errors import RunNotFound
from synthfin_core.store import Store

st.set_page_config(page_title="Components", layout="wide")
run_id = st.query_params.get("run")
st.session_state["reruns"] = st.session_state.get("reruns", 0) + 1
st.text(f"reruns {st.session_state['reruns']}")

if st.query_params.get("part") == "latent":
    size = Store().run(run_id).spec.config["latent_dim"]
    st.session_state.setdefault("z", [0.0] * size)
    if st.button("Jump"):
        st.session_state["z"] = [1.5, -1.0] + [0.0] * (size - 2)
    dims = [
        {
            "index": i,
            "label": f"Dimension {i + 1}",
            "kl": 1 / (i + 1),
            "low": -4.0,
            "high": 4.0,
            "folded": 2 * i >= size,
        }
        for i in range(size)
    ]
    names = ["Asset_1_Price", "Asset_2_Price"]
    z = latent_sliders(run_id, dims=dims, z0=st.session_state["z"], names=names, key="sliders")
    if z is not None:
        st.session_state["z"] = z
    st.text("position " + ", ".join(f"{value:.2f}" for value in st.session_state["z"]))
else:
    st.button("Rerun")
    curves = ("loss", "reconstruction", "kl")
    try:
        state = Store().run(run_id).status().state
    except RunNotFound:
        state = ""
    ended = live_curves(run_id, curves=curves, labels={"kl": "KL divergence"}, key="curves", state=state)
    st.session_state["ended"] = st.session_state.get("ended", []) + ([ended] if ended else [])
    st.text("ended " + ", ".join(st.session_state["ended"]))
