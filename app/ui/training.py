"""The training page of every generator family: theory, form, live curves, and what can be done with a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from app.components.live_curves import live_curves
from app.ui import cached, figures, inside, pick, state
from app.ui.forms import config_form
from app.ui.messages import escape, flash, plainly
from synthfin_core.errors import StoreError, SynthFinError
from synthfin_core.params import Value
from synthfin_core.registry import GENERATORS, generator_class
from synthfin_core.spec import RunSpec
from synthfin_core.store import Run
from synthfin_core.store.status import Status

THEORY = Path(__file__).parent.parent / "theory"
LABELS = {"kl": "KL"}
LEAST_STEPS = 2  #: a curve of one point is none
RESUMABLE = ("stopped", "died", "failed")


def training_page(family: str, title: str, sentence: str) -> None:
    """Draw the page on which generators of one family are trained."""
    st.title(title)
    st.markdown(sentence)
    training(family)


def training(family: str) -> None:
    """Draw how generators of one family work, the form to train one, and the runs there are."""
    names = [name for name in GENERATORS if generator_class(name).family == family]
    with st.expander("How it works, and what the curves mean", icon=":material/school:"):
        st.markdown(_theory(family, names))
    left, right = st.columns([2, 3], gap="large")
    with left:
        _train_form(names)
    with right:
        _watch(names)


def _theory(family: str, names: list[str]) -> str:
    """What the family is, and beneath it the members that have a page of their own to tell."""
    files = [THEORY / f"{part}.md" for part in dict.fromkeys([family, *names])]
    return "\n\n---\n\n".join(file.read_text(encoding="utf-8") for file in files if file.exists())


def _train_form(names: list[str]) -> None:
    st.subheader("Settings")
    name = names[0]
    if len(names) > 1:
        name = st.selectbox(
            "Model",
            names,
            format_func=lambda key: generator_class(key).title,
            key=f"model-of-{names[0]}",
            persist_state="session",
            help="Which member of the family to train.",
        )
    st.caption(f"Source: {generator_class(name).paper}")
    values = config_form(generator_class(name).Config, key=f"form-{name}")
    seed = st.number_input(
        "Seed",
        min_value=0,
        max_value=2**31 - 1,
        value=0,
        key=f"form-{name}-seed",
        help="The same seed, settings and data give the same model; another seed gives a sibling.",
    )
    with plainly():
        _train_button(_spec(name, values, int(seed)))


def _spec(name: str, values: Mapping[str, Value], seed: int) -> RunSpec:
    """What was asked for; settings that do not suit the windows are refused, those that do badly warned of."""
    generator = generator_class(name)
    config = generator.Config.from_dict(values)
    setup = cached.current_setup(state.studio().setup_id)
    x = cached.windows(setup).train.x
    generator.check(config, *x.shape)
    for sentence in generator.advise(config, x):
        st.warning(escape(sentence), icon=":material/warning:")
    return RunSpec(setup=setup, generator=name, config=config.to_dict(), seed=seed)


def _train_button(spec: RunSpec) -> None:
    known = cached.store().find(spec)
    if known is None:
        st.button(
            "Train", type="primary", icon=":material/play_arrow:", on_click=_submit, args=(spec,), width="stretch"
        )
        return
    now = known.status().state
    what = (
        "is being trained" if now in pick.ACTIVE else "has been trained before" if now == "done" else "was begun before"
    )
    st.info(f"Exactly this model {what}; open it instead of training it again.", icon=":material/bolt:")
    st.button("Open it", type="primary", icon=":material/bolt:", on_click=_open, args=(known.id,), width="stretch")


def _submit(spec: RunSpec) -> None:
    try:
        cached.windows(spec.setup)
        run = cached.executor().submit(spec)
    except SynthFinError as error:
        flash(str(error), icon=":material/error:")
        return
    _open(run.id)


def _open(run_id: str) -> None:
    state.studio().run_id = run_id


def _watch(names: list[str]) -> None:
    runs = pick.runs_where(lambda run: run.spec.generator in names)
    if not runs:
        _before_the_first_run()
        return
    run = pick.run_picker(runs, key=f"watch-{names[0]}", label="Run")
    if run is None:
        return
    status = run.status()
    if status.state == "done" and status.steps < LEAST_STEPS:
        _fitted_at_once(status)
    else:
        generator = generator_class(run.spec.generator)
        live_curves(run.id, curves=generator.curves, labels=LABELS, key="live-curves", state=status.state)
    _actions(run)
    if status.state == "done":
        _after(run)


def _fitted_at_once(status: Status) -> None:
    """What stands in the place of curves for a model that is fitted in one go."""
    st.markdown(f":material/check_circle: **Done**, fitted in {max(status.seconds, 0.1):.1f} s. There are no curves.")
    for warning in status.warnings:
        st.warning(escape(warning), icon=":material/info:")


def _before_the_first_run() -> None:
    with st.container(border=True):
        st.markdown(
            "**Nothing trained yet.** Press Train: the loss curves draw themselves here, with fresh paths below them."
        )
        with plainly():
            windows = cached.windows(cached.current_setup(state.studio().setup_id))
            figures.show(figures.some_windows(windows), alt="Windows of the real data", key="real-windows")
            st.caption(f"{len(windows.train.x):,} windows like these, from your data, are what the model learns from.")


def _actions(run: Run) -> None:
    status = run.status()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if status.state in pick.ACTIVE:
            st.button(
                "Stop",
                icon=":material/stop:",
                on_click=_stop,
                args=(run.id,),
                help="Stops after the current step and keeps what was learnt; it can be resumed.",
            )
        if status.state in RESUMABLE:
            st.button(
                "Resume",
                type="primary",
                icon=":material/play_arrow:",
                on_click=_resume,
                args=(run.id,),
                help="Goes on from the last checkpoint, to the same result as if it had never stopped.",
            )
        if status.state == "done" and "epochs" in run.spec.config:
            more = st.number_input(
                "More epochs",
                min_value=1,
                max_value=10_000,
                value=20,
                step=10,
                key="more-epochs",
                width=160,
                help="How many further passes over the training windows.",
            )
            st.button(
                "Train longer",
                icon=":material/more_time:",
                on_click=_train_longer,
                args=(run.id, int(more)),
                help="Makes a new run that starts from this one's weights.",
            )


def _stop(run_id: str) -> None:
    try:
        cached.executor().stop(run_id)
        flash("Stopping after the current step.", icon=":material/stop:")
    except StoreError as error:
        flash(str(error), icon=":material/error:")


def _resume(run_id: str) -> None:
    try:
        cached.executor().submit(cached.store().run(run_id).spec, resume=True)
    except SynthFinError as error:
        flash(str(error), icon=":material/error:")


def _train_longer(run_id: str, more: int) -> None:
    spec = cached.store().run(run_id).spec
    try:
        config = generator_class(spec.generator).Config.from_dict(
            {**spec.config, "epochs": int(spec.config["epochs"]) + more}
        )
        longer = RunSpec(
            setup=spec.setup, generator=spec.generator, config=config.to_dict(), seed=spec.seed, continued_from=run_id
        )
        run = cached.executor().submit(longer)
    except SynthFinError as error:
        flash(str(error), icon=":material/error:")
        return
    _open(run.id)


def _after(run: Run) -> None:
    samples = cached.samples(run.id)
    if samples is None:
        return
    with plainly():
        windows = cached.windows(run.spec.setup)
        st.subheader("What it draws")
        figures.show(
            figures.samples_beside_real(windows, samples), alt="Synthetic paths beside real ones", key="after-paths"
        )
    inside.show(run)
    with st.container(horizontal=True):
        st.page_link("views/compare.py", label="Compare with real data", icon=":material/leaderboard:")
        if generator_class(run.spec.generator).latent:
            st.page_link("views/latent.py", label="Move its latent sliders", icon=":material/tune:")
        st.page_link("views/generate.py", label="Generate and download", icon=":material/download:")
    with st.expander("Settings of this run"):
        st.json(run.spec.to_dict(), expanded=2)
    st.caption(escape(run.id))
