"""Scores as a page gets them: asked of the scorer, followed while they come in, and put together for the eye."""

from __future__ import annotations

import json

import streamlit as st

from app.ui import cached
from app.ui.compare_choice import Chosen
from app.ui.messages import escape, flash
from synthfin_core.errors import SynthFinError
from synthfin_core.evaluation import BASELINES, METRICS, Report
from synthfin_core.jobs.score import SEEDS, baseline_part, collect
from synthfin_core.store import Run, Scorecard, Wanted

LOOK_EVERY = 1.0  #: seconds between looks at a scorer that is at work


def card_of(chosen: Chosen) -> Scorecard:
    """The scorecard of the data that the chosen runs were trained on."""
    return cached.store().scorecard(chosen.runs[0].spec.setup)


def report_of(chosen: Chosen, card: Scorecard) -> Report | None:
    """What has been scored so far, with the baselines; None while there is nothing."""
    titles, models = _titles(chosen), _models(chosen)
    stamps = card.stamps(list(titles))
    samples = tuple(run.samples_stamp for run in chosen.runs)
    return _report((card.id, stamps, samples, tuple(titles.values()), tuple(models.values())), card, titles, models)


@st.cache_resource(show_spinner=False, max_entries=12)
def _report(
    key: tuple[object, ...], _card: Scorecard, _titles: dict[str, str], _models: dict[str, str]
) -> Report | None:
    return collect(_card, cached.store(), _titles, _models)


def _titles(chosen: Chosen) -> dict[str, str]:
    """What each data set is called, runs first, then the baselines with all their seeds."""
    titles = dict(zip((run.id for run in chosen.runs), chosen.titles, strict=True))
    for name, baseline in BASELINES.items():
        for seed in SEEDS:
            titles[baseline_part(name, seed)] = baseline.title if not seed else f"{baseline.title}, draw {seed + 1}"
    return titles


def _models(chosen: Chosen) -> dict[str, str]:
    """The model of each data set: runs that differ in nothing but their seed are one model."""
    models = {baseline_part(name, seed): BASELINES[name].title for name in BASELINES for seed in SEEDS}
    first: dict[str, str] = {}
    for run, title in zip(chosen.runs, chosen.titles, strict=True):
        models[run.id] = first.setdefault(_model_key(run), title)
    siblings = [name for name in first.values() if list(models.values()).count(name) > 1]
    names = {title: f"{title} and its siblings" for title in siblings if title not in _baseline_titles()}
    return {data: names.get(model, model) for data, model in models.items()}


def _model_key(run: Run) -> str:
    return json.dumps([run.spec.generator, run.spec.config], sort_keys=True)


def _baseline_titles() -> set[str]:
    return {baseline.title for baseline in BASELINES.values()}


def first_draws(report: Report, chosen: Chosen) -> list[str]:
    """The data sets that tables show: every run, and the first draw of each baseline."""
    shown = [*chosen.titles, *(baseline.title for baseline in BASELINES.values())]
    return [data for data in shown if data in report.data]


def follow(chosen: Chosen, card: Scorecard, report: Report | None) -> None:
    """Ask for what is missing, and show how far the scorer is; the page stays usable meanwhile."""
    scored = set() if report is None else set(report.data)
    missing = [title for title in chosen.titles if title not in scored]
    incomplete = missing or report is None or report.floors is None
    status = card.status()
    if incomplete and not status.active:
        asked = st.session_state.setdefault("scoring-asked", set())
        what = (card.id, *(f"{run.id} {run.samples_stamp}" for run in chosen.runs))
        if what not in asked:
            asked.add(what)
            _ask(chosen, learned=False)
            status = card.status()
    if status.state in ("failed", "died"):
        st.error(escape(status.message), icon=":material/error:")
    active = status.active
    with st.container(border=active):
        if active:
            data = list(_titles(chosen))
            _progress(card, data, card.stamps(data))
        else:
            _offers(chosen, report, bool(incomplete))


@st.fragment(run_every=LOOK_EVERY)
def _progress(card: Scorecard, data: list[str], drawn: tuple[tuple[str, int], ...]) -> None:
    status = card.status()
    if not status.active or card.stamps(data) != drawn:
        st.rerun(scope="app")
    if status.state == "queued":
        st.progress(0.0, "Waiting for the scorer")
    else:
        left = "" if status.seconds_left is None else f", about {status.seconds_left:.0f} s left"
        share = min(max(status.step / max(status.steps, 1), 0.0), 1.0)
        st.progress(share, escape(f"Scoring: {status.message or 'data'}{left}"))
    st.button(
        "Stop scoring",
        icon=":material/stop:",
        on_click=_stop,
        args=(card,),
        key="scoring-stop",
        help="What has been scored is kept.",
    )


def _offers(chosen: Chosen, report: Report | None, incomplete: bool) -> None:
    learned = report is not None and any(_is_learned(row.score) for row in report.rows)
    floored = report is not None and report.floors is not None and any(_is_learned(k[0]) for k in report.floors.oracle)
    with st.container(horizontal=True, vertical_alignment="center"):
        if incomplete:
            st.button("Score", icon=":material/balance:", on_click=_ask, args=(chosen, learned), key="scoring-go",
                      help="Noise floors, baselines and all quick scores of the chosen models.")  # fmt: skip
        missing = not floored or report is None or any(not _judged(report, title) for title in chosen.titles)
        if missing:
            st.button(
                "Call the learned judges",
                icon=":material/gavel:",
                on_click=_ask,
                args=(chosen, True),
                key="scoring-learned",
                help="Networks and boosted trees are trained to tell each data set from the real one; takes minutes.",
            )


def _judged(report: Report, title: str) -> bool:
    return any(_is_learned(row.score) for row in report.rows if row.data == title)


def _is_learned(score: str) -> bool:
    return METRICS[score].learned


def _ask(chosen: Chosen, learned: bool) -> None:
    try:
        wanted = Wanted(tuple(run.id for run in chosen.runs), learned)
        cached.executor().score(chosen.runs[0].spec.setup, wanted)
    except SynthFinError as error:
        flash(str(error), icon=":material/error:")


def _stop(card: Scorecard) -> None:
    try:
        cached.executor().stop_scoring(card)
    except SynthFinError as error:
        flash(str(error), icon=":material/error:")
