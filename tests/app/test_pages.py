"""Every page under Streamlit's own test tool: with an empty store, with trained models, and with bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fabricated import a_run
from streamlit.testing.v1 import AppTest

from app.ui import cached, models
from synthfin_core.data.panel import Selection
from synthfin_core.data.windows import WindowSpec
from synthfin_core.evaluation import METRICS, floors
from synthfin_core.jobs import score
from synthfin_core.jobs.train import train
from synthfin_core.spec import Setup
from synthfin_core.store import Store, Wanted

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")
PAGES = ("home", "data", "vae", "gan", "diffusion", "classical", "compare", "latent", "generate", "runs")
TRAINED = ("vae", "gan")  # one with a latent space and one without


class NoWorkers:
    """An executor that queues nothing and remembers what it was asked for."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.submitted = []

    def submit(self, spec, resume=False):
        self.submitted.append((spec, resume))
        return self.store.create(spec)

    def stop(self, run_id):
        return None

    def ensure_workers(self):
        return None

    def score(self, setup, wanted):
        self.wanted = wanted
        return self.store.scorecard(setup)

    def stop_scoring(self, card):
        return None


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("filled"))
    for generator in TRAINED:
        train(a_run(store, generator=generator), store)
    return store


@pytest.fixture
def use(monkeypatch):
    """Put a store under the app; gives the executor that stands in for the workers."""

    def using(store: Store) -> NoWorkers:
        executor = NoWorkers(store)
        for part in (cached._selected, cached._samples, cached.panel, cached.bundled, models.sample):
            part.clear()
        monkeypatch.setattr(cached, "store", lambda: store)
        monkeypatch.setattr(cached, "executor", lambda: executor)
        return executor

    return using


def opened(page: str, **query: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=60)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    if page != "home":
        app.switch_page(f"views/{page}.py").run()
    return app


def healthy(app: AppTest) -> None:
    assert not app.exception, [error.stack_trace for error in app.exception]
    assert not app.error, [error.value for error in app.error]


def words(app: AppTest) -> str:
    return " ".join(part.value for part in [*app.markdown, *app.info, *app.caption])


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_with_an_empty_store(page, use, store):
    use(store)
    app = opened(page)
    healthy(app)
    assert app.title[0].value


@pytest.mark.parametrize("page", ["compare", "latent", "generate", "runs"])
def test_a_page_that_needs_a_model_says_so_and_leads_on(page, use, store):
    use(store)
    assert "Train one first" in words(opened(page))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_with_trained_models(page, use, filled):
    use(filled)
    healthy(opened(page))


@pytest.fixture(scope="module")
def scored(filled):
    """The store's runs with their scores, over floors of few paths and one draw of each baseline."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(floors, "PATHS", 4)
        patch.setattr(score, "SEEDS", (0,))
        runs = filled.runs()
        card = filled.scorecard(runs[0].spec.setup)
        card.want(Wanted(tuple(run.id for run in runs)))
        assert score.fill(card, filled).state == "done", card.status().message
    return filled


def compared(part: str) -> AppTest:
    app = opened("compare")
    app.session_state["compare-part"] = part
    app.run()
    healthy(app)
    return app


@pytest.mark.parametrize("part", ["Distributions", "Paths", "Memory", "Correlation", "Map"])
def test_every_picture_of_the_comparison_draws(part, use, filled):
    use(filled)
    assert compared(part).get("plotly_chart")


def test_unscored_runs_are_scored_without_being_asked(use, filled):
    executor = use(filled)
    app = opened("compare")
    healthy(app)
    assert set(executor.wanted.runs) == {run.id for run in filled.runs()}
    assert not executor.wanted.learned
    assert "scores are on their way" in words(app)


def test_the_leaderboard_has_models_baselines_verdicts_and_an_order(use, scored):
    use(scored)
    app = compared("Leaderboard")
    verdicts, matrix = (table.value for table in app.dataframe[:2])
    assert {"i.i.d. Gaussian", "i.i.d. bootstrap", "block bootstrap", "EGARCH"} <= set(verdicts["Model"])
    assert len(verdicts) == len(TRAINED) + 4
    assert verdicts["Verdict"].isin(["within the floor", "near", "far", "copies the training data"]).all()
    assert "real hold-out" in matrix.index
    assert "Spread ratio" in matrix
    assert app.get("plotly_chart")
    assert not hasattr(cached.executor(), "wanted"), "all is there, so nothing is asked for"


def test_filters_of_the_leaderboard(use, scored):
    use(scored)
    app = compared("Leaderboard")
    app.selectbox(key="board-group").set_value("tails").run()
    healthy(app)
    assert "Value at risk, 1 %" in app.dataframe[1].value
    app.toggle(key="board-judged").set_value(False).run()
    healthy(app)
    shown = app.dataframe[1].value
    app.toggle(key="board-far").set_value(True).run()
    healthy(app)
    assert len(app.dataframe) < 2 or set(app.dataframe[1].value) < set(shown)
    app.selectbox(key="board-series").set_value(scored.windows(scored.runs()[0].spec.setup).names[1]).run()
    healthy(app)


def test_a_fold_explains_a_score_and_draws_it(use, scored):
    use(scored)
    app = opened("compare")
    app.session_state["compare-part"] = "Every score"
    app.session_state["fold-acf_abs_distance"] = True
    app.session_state["fold-ks_p_value"] = True
    app.run()
    healthy(app)
    assert METRICS["acf_abs_distance"].help.split(".")[0] in words(app)
    assert "p-value" in words(app)
    assert app.get("plotly_chart")
    assert "was left out" in words(app)


def test_the_report_for_stakeholders_can_be_taken_away(use, scored):
    use(scored)
    app = compared("Take away")
    assert {button.label for button in app.get("download_button")} >= {
        "Report for stakeholders (HTML)",
        "Scores as CSV",
    }
    assert "excess kurtosis" in app.dataframe[0].value


def test_the_learned_judges_are_called_on_request(use, scored):
    executor = use(scored)
    app = opened("compare")
    next(button for button in app.button if button.label == "Call the learned judges").click().run()
    healthy(app)
    assert executor.wanted.learned


@pytest.mark.parametrize("part", ["History", "Returns", "Tails", "Memory", "Correlation", "Table"])
def test_every_part_of_the_data_page_draws(part, use, store):
    use(store)
    app = opened("data")
    app.session_state["data-part"] = part
    app.run()
    healthy(app)
    assert len(app.dataframe) == 2 if part == "Table" else app.get("plotly_chart")


@pytest.mark.parametrize("page", ["vae", "gan"])
def test_train_submits_what_the_form_shows(page, use, store):
    executor = use(store)
    app = opened(page)
    app.number_input(key=f"form-{page}-0-epochs").set_value(7)
    app.number_input(key=f"form-{page}-seed").set_value(3).run()
    next(button for button in app.button if button.label == "Train").click().run()
    healthy(app)
    (spec, resume), *rest = executor.submitted
    assert (spec.generator, spec.config["epochs"], spec.seed, resume, rest) == (page, 7, 3, False, [])
    assert app.session_state["studio"].run_id == spec.run_id


@pytest.mark.parametrize("page", ["vae", "gan"])
def test_a_preset_fills_in_every_field(page, use, store):
    from synthfin_core.registry import generator_class

    use(store)
    app = opened(page)
    presets = generator_class(page).Config.presets()
    name = list(presets)[1]
    app.segmented_control(key=f"form-{page}-preset").set_value(name).run()
    for field, value in presets[name].to_dict().items():
        assert app.session_state[f"form-{page}-1-{field}"] == value


def test_settings_that_do_badly_on_the_data_are_warned_of_and_can_be_trained(use, store):
    use(store)
    app = opened("vae")
    assert not app.warning
    app.selectbox(key="form-vae-0-observation").set_value("resampled residuals").run()
    healthy(app)
    (warning,) = app.warning
    assert "near copies of training windows: choose automatic or student-t" in warning.value.replace("\\", "")
    assert "Train" in [button.label for button in app.button]


def test_the_same_spec_is_offered_at_once(use, filled):
    use(filled)
    run = next(run for run in filled.runs() if run.spec.generator == "vae")
    app = opened("vae", setup=run.spec.setup.id)
    for field, value in run.spec.config.items():
        app.session_state[f"form-vae-0-{field}"] = value
    app.run()
    healthy(app)
    assert any("trained before" in info.value for info in app.info)
    assert [button.label for button in app.button if button.label in ("Train", "Open it")] == ["Open it"]


def test_train_longer_continues_the_run(use, filled):
    executor = use(filled)
    run = next(run for run in filled.runs() if run.spec.generator == "vae")
    app = opened("vae", run=run.id)
    app.number_input(key="more-epochs").set_value(4).run()
    next(button for button in app.button if button.label == "Train longer").click().run()
    spec = executor.submitted[0][0]
    assert (spec.continued_from, spec.config["epochs"]) == (run.id, run.spec.config["epochs"] + 4)
    filled.delete(spec.run_id)


def test_a_link_finds_the_run_again(use, filled):
    use(filled)
    run = next(run for run in filled.runs() if run.spec.generator == "gan")
    app = opened("gan", run=run.id)
    assert app.session_state["studio"].run_id == run.id


@pytest.mark.parametrize("value", ["../../etc", "nothing-here-00000000", "<script>"])
def test_a_link_to_nothing_says_so(value, use, store):
    use(store)
    app = opened("home", setup=value, run=value)
    healthy(app)
    assert any("not here any more" in warning.value for warning in app.warning)


def test_a_window_longer_than_the_data_is_one_sentence(use, store):
    use(store)
    app = opened("data")
    key = next(widget.key for widget in app.number_input if widget.label.startswith("Length"))
    app.number_input(key=key).set_value(1000).run()
    app.number_input(key=key.replace("length", "holdout")).set_value(0.05).run()
    assert not app.exception
    assert any("choose a shorter window" in error.value for error in app.error)


def test_renaming_and_the_spec_of_a_run(use, filled):
    use(filled)
    run = filled.runs()[0]
    app = opened("runs", run=run.id)
    app.text_input(key=f"title-{run.id}").set_value("The good one").run()
    healthy(app)
    assert filled.run(run.id).title == "The good one"
    assert json.loads(app.json[0].value)["generator"] == run.spec.generator


def test_a_damaged_run_is_listed_and_breaks_nothing(use, filled):
    use(filled)
    broken = a_run(filled, seed=99)
    (broken.path / "spec.json").write_text("{")
    app = opened("runs")
    healthy(app)
    assert any("1 damaged" in expander.label for expander in app.expander)
    for page in ("compare", "vae"):
        healthy(opened(page))
    filled.delete(broken.id)


def test_the_pages_import_no_torch():
    import subprocess
    import sys

    script = (
        "import sys\nfrom streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_file({MAIN!r}, default_timeout=60).run()\n"
        "app.switch_page('views/vae.py').run()\nassert not app.exception\n"
        "print([name for name in ('torch', 'sklearn', 'arch') if name in sys.modules])"
    )
    import os
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "SYNTHFIN_STORE": folder, "SYNTHFIN_WORKERS": "0"}
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False
        )
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr


def test_a_setup_from_the_command_line_opens_whatever_its_numbers(use, store):
    use(store)
    setup = Setup(cached.bundled("us-indices"), Selection(start="1990-01-01"), WindowSpec(length=2000, holdout=0.6))
    app = opened("data", setup=store.save_setup(setup))
    assert not app.exception
    key = next(widget.key for widget in app.number_input if widget.label.startswith("Length"))
    assert app.number_input(key=key).value == 2000
