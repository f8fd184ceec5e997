"""The first page: real data at once, and the way through."""

import streamlit as st

from app.ui import cached, figures, pick, state
from app.ui.messages import escape, plainly
from synthfin_core import plots

STEPS = (
    (
        "views/data.py",
        "Choose data",
        ":material/table_chart:",
        "Bundled indices, your own file, or tickers; cut into windows.",
    ),
    (
        "views/vae.py",
        "Train a model",
        ":material/model_training:",
        "A VAE, a GAN, wavelet diffusion or a classical model; the losses draw themselves while you watch.",
    ),
    (
        "views/compare.py",
        "Judge it honestly",
        ":material/leaderboard:",
        "Every score beside its noise floor, with a verdict.",
    ),
    ("views/latent.py", "Move the sliders", ":material/tune:", "Drag a latent dimension and watch the paths bend."),
    ("views/generate.py", "Take it away", ":material/download:", "CSV, Parquet or npz, in the units of your data."),
)

st.title("SynthFin")
st.markdown(
    "Synthetic financial time series that you can judge: train a generator on market data, see how close it comes, "
    "take the data away."
)

with plainly():
    setup = cached.current_setup(state.studio().setup_id)
    panel = cached.selected(setup)
    with st.container(border=True):
        st.markdown(f"**{escape(cached.panel_title(panel))}**")
        figures.show(plots.price_chart(panel), alt=f"History of {panel.name}", key="home-history")
        st.caption("The data being worked on; change them on the Data page.")

with st.grid(min_column_width=170, gap="small") as grid:
    for view, label, icon, text in STEPS:
        with grid.container(border=True):
            st.page_link(view, label=label, icon=icon)
            st.markdown(text)

runs = pick.runs_where(lambda run: True)[:5]
if runs:
    st.subheader("Trained lately")
    for run in runs:
        status = run.status()
        st.markdown(f"**{escape(run.title)}**: {status.state}, {status.step:,} of {status.steps:,} steps")
    st.page_link("views/runs.py", label="All runs", icon=":material/folder_open:")
