"""The leaderboard: trained models and classical baselines beside real data, in numbers and in pictures."""

import streamlit as st

from app.ui import compare_choice, compare_pictures, compare_scores, leaderboard, pick, score_folds, scoring
from app.ui.messages import plainly

st.title("Compare")
st.markdown(
    "Synthetic windows beside real ones. Each number stands beside its noise floor, which is what perfect samples "
    "would score on your own data, and beside classical baselines that a model has to beat to be worth its training."
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

with plainly(stop=True):
    card = scoring.card_of(chosen)
    report = scoring.report_of(chosen, card)
    scoring.follow(chosen, card, report)

SCORED = {"Leaderboard": leaderboard.show, "Every score": score_folds.show, "Take away": compare_scores.show}
PICTURES = {
    "Distributions": compare_pictures.distributions,
    "Paths": compare_pictures.paths,
    "Memory": compare_pictures.memory,
    "Correlation": compare_pictures.correlation_maps,
    "Map": compare_pictures.window_map,
}
names = [*SCORED, *PICTURES]
for tab, name in zip(st.tabs(names, on_change="rerun", key="compare-part"), names, strict=True):
    if not tab.open:
        continue
    with tab, plainly():
        if name in PICTURES:
            PICTURES[name](chosen)
        elif report is None:
            st.info("The first scores are on their way; the pictures are there already.", icon=":material/balance:")
        else:
            SCORED[name](chosen, report)
