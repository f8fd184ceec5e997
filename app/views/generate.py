"""Draw synthetic data from a trained model and take them away."""

from functools import partial

import streamlit as st

from app.ui import figures, models, pick
from app.ui.messages import escape, plainly

st.title("Generate")
st.markdown("New windows in the units of your data: prices are integrated from returns, never scaled numbers.")

run = pick.run_picker(pick.runs_where(pick.is_done), key="generate-run")
if run is None:
    pick.nothing_trained()
    st.stop()


left, right = st.columns([1, 2], gap="large")
with left:
    n = st.number_input(
        "Windows",
        min_value=1,
        max_value=100_000,
        value=1000,
        step=100,
        key="generate-n",
        help="How many new windows to draw.",
    )
    seed = st.number_input(
        "Seed",
        min_value=0,
        max_value=2**31 - 1,
        value=1,
        key="generate-seed",
        help="The same seed draws the same windows.",
    )
    with plainly(stop=True), st.spinner("Drawing"):
        preview = models.sample(run.id, min(int(n), models.PREVIEW), int(seed))
    start = models.choose_start(preview)
    form = st.segmented_control(
        "Format",
        list(models.FORMATS),
        default="csv",
        required=True,
        format_func=lambda name: models.FORMATS[name][0],
        key="generate-format",
        help="CSV opens everywhere; Parquet is small and typed; npz holds one array of windows, time and series.",
    )
    ending = form or "csv"
    st.download_button(
        f"Download {int(n):,} windows",
        data=partial(models.as_file, run.id, int(n), int(seed), start, ending),
        file_name=f"{run.id}-n{int(n)}-seed{int(seed)}.{ending}",
        mime=models.FORMATS[ending][1],
        type="primary",
        icon=":material/download:",
        on_click="ignore",
        key="generate-download",
        width="stretch",
    )
    st.caption(f"From {escape(run.title)}. The file is made when you click.")
with right, plainly():
    st.subheader("Preview")
    names = list(preview.names)
    series = st.selectbox("Series", names, key="generate-series", help="Which series to draw.", width=280) or names[0]
    figures.show(
        figures.preview(preview, start, names.index(series)),
        alt="Some of the synthetic windows",
        key="generate-preview",
    )
    st.dataframe(preview.to_frame(start).head(12), hide_index=True, alt="First rows of the file")
