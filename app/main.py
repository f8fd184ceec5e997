"""The router: page settings, navigation, what every page shares, nothing else."""

from pathlib import Path

import streamlit as st

from app.ui import sidebar, state

st.set_page_config(page_title="SynthFin", page_icon=str(Path(__file__).with_name("icon.png")), layout="wide")

PAGES = {
    "": [
        st.Page(
            "views/home.py", title="Home", icon=":material/home:", default=True, help="What is here and where to begin."
        ),
        st.Page(
            "views/data.py",
            title="Data",
            icon=":material/table_chart:",
            help="Choose or upload market data, see it, and cut it into windows.",
        ),
    ],
    "Train": [
        st.Page(
            "views/vae.py",
            title="VAE",
            icon=":material/blur_on:",
            help="Train a variational autoencoder and watch its losses draw themselves.",
        ),
        st.Page(
            "views/gan.py",
            title="GAN",
            icon=":material/compare_arrows:",
            help="Train a generative adversarial network and watch the contest.",
        ),
        st.Page(
            "views/diffusion.py",
            title="Diffusion",
            icon=":material/waves:",
            help="Train a diffusion model on wavelet images and watch windows come out of noise.",
        ),
        st.Page(
            "views/classical.py",
            title="Classical",
            icon=":material/functions:",
            help="Fit classical models in seconds, choose their size, and see the regimes of a market.",
        ),
    ],
    "Use": [
        st.Page(
            "views/compare.py",
            title="Compare",
            icon=":material/leaderboard:",
            help="Trained models beside real data, in numbers and in pictures.",
        ),
        st.Page(
            "views/latent.py",
            title="Latent explorer",
            icon=":material/tune:",
            help="Move the latent sliders of a trained model and watch the paths bend.",
        ),
        st.Page(
            "views/generate.py",
            title="Generate",
            icon=":material/download:",
            help="Draw synthetic data from a trained model and take them away.",
        ),
        st.Page(
            "views/runs.py",
            title="Runs",
            icon=":material/folder_open:",
            help="Everything that was trained: rename, delete, open elsewhere, download.",
        ),
    ],
}

page = st.navigation(PAGES)
state.keep_in_url()
sidebar.show()
page.run()
