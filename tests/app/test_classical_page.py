"""The page of the classical models: its three tabs, and what each model shows once it is fitted."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fabricated import a_run
from streamlit.testing.v1 import AppTest

from app.ui import cached, model_selection, regimes
from synthfin_core.classical.gaussian_mixture import GaussianMixture
from synthfin_core.data.panel import Panel, Selection
from synthfin_core.data.windows import WindowSpec
from synthfin_core.errors import DataError
from synthfin_core.jobs.train import train
from synthfin_core.spec import RunSpec, Setup
from synthfin_core.store import Store

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")
SHOWN = {
    "gaussian": "Shrinkage",
    "egarch": "What was fitted",
    "block-bootstrap": "Mean block",
    "hmm": "Its states",
    "factor-analysis": "Its factors",
    "ppca-mixture": "Its components",
    "gaussian-mixture": "Its components",
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A store with a run of each model, and the setup of a panel with days missing."""
    store = Store(tmp_path_factory.mktemp("classical"))
    for generator in SHOWN:
        train(a_run(store, generator=generator), store)
    return store


@pytest.fixture(autouse=True)
def use(monkeypatch, filled):
    for part in (cached._selected, cached._samples, cached.panel, cached.bundled):
        part.clear()
    monkeypatch.setattr(cached, "store", lambda: filled)
    monkeypatch.setattr(cached, "executor", lambda: None)


@pytest.fixture
def gappy(filled):
    """The setup of four linked prices, a tenth of them missing."""
    random = np.random.default_rng(0)
    returns = 0.01 * (random.standard_normal((400, 1)) + 0.7 * random.standard_normal((400, 4)))
    prices = 100 * np.exp(returns.cumsum(axis=0))
    prices[random.random((400, 4)) < 0.1] = np.nan
    frame = pd.DataFrame(prices, index=pd.bdate_range("2020-01-01", periods=400), columns=list("abcd"))
    panel_id = filled.save_panel(Panel(frame, dict.fromkeys("abcd", "price"), "gappy"))
    return Setup(panel_id, Selection(), WindowSpec(length=10))


def opened(part: str = "", **query: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=60)
    for key, value in query.items():
        app.query_params[key] = value
    app.session_state["classical-part"] = part or "Train"
    app.run()
    app.switch_page("views/classical.py").run()
    assert not app.exception, [error.stack_trace for error in app.exception]
    assert not app.error, [error.value for error in app.error]
    return app


def words(app: AppTest) -> str:
    return " ".join(str(part.value) for part in [*app.markdown, *app.caption, *app.subheader])


@pytest.mark.parametrize("generator", SHOWN)
def test_a_fitted_model_shows_its_inside_and_no_empty_curves(generator, filled):
    (run,) = [run for run in filled.runs() if run.spec.generator == generator]
    app = opened(run=run.id)
    found = words(app) + " ".join(metric.label for metric in app.metric)
    assert SHOWN[generator] in found
    assert ("There are no curves" in found) == (generator not in ("hmm", "ppca-mixture"))


@pytest.mark.parametrize("pool", [False, True])
def test_a_mixture_over_bars_shows_a_table_and_the_bars_it_came_from(filled, gappy, pool):
    setup = Setup(gappy.panel_id, Selection(columns=("a", "b")), WindowSpec(length=10, pool=pool))
    filled.save_setup(setup)
    run = filled.create(RunSpec(setup, "gaussian-mixture", {"over": "bars", "components": 2}))
    train(run, filled)
    app = opened(run=run.id)
    (table,) = (frame.value for frame in app.dataframe)
    assert table["share"].is_monotonic_decreasing
    assert table["share"].sum() == pytest.approx(1)
    titles = [json.loads(chart.proto.spec)["layout"]["title"]["text"] for chart in app.get("plotly_chart")]
    assert titles[1:] == ["Correlation in each component", "When each component was"][pool:]
    if pool:
        app.selectbox(key="mixture-column").set_value("b").run()
        assert not app.exception
    filled.delete(run.id)


def test_model_selection_takes_rows_with_missing_values(filled, gappy):
    filled.save_setup(gappy)
    rows = model_selection._rows(gappy.id, model_selection.BARS, gappy)
    assert rows.x.shape[1] == 4
    assert rows.missing > 100
    np.testing.assert_allclose(np.nanstd(rows.x, axis=0), 1)
    app = opened("Model selection", setup=gappy.id)
    found = words(app)
    assert "values are missing; they are integrated out" in found
    assert "likeliest on stretches left out: 1 with unequal noise, 1 with equal" in found
    assert "no Ledoit-Wolf covariance" in found


def test_one_series_has_no_factors_in_its_bars(filled, gappy):
    alone = Setup(gappy.panel_id, Selection(columns=("a",)), WindowSpec(length=10))
    with pytest.raises(DataError, match="There is one series, expected at least two"):
        model_selection._rows(alone.id, model_selection.BARS, alone)
    assert model_selection._rows(alone.id, model_selection.WINDOWS, alone).x.shape[1] == 10


def test_regimes_are_found_with_as_many_states_as_the_criterion_says(filled):
    app = opened("Regimes", setup=filled.runs()[0].spec.setup.id)
    (slider,) = app.slider
    assert f"the criterion chooses {slider.value}" in slider.label
    assert list(app.dataframe[0].value.columns) == ["state", "sd", "mean", "stays", "lasts", "share"]
    slider.set_value(2).run()
    assert not app.exception
    assert len(app.dataframe[0].value) == 2


def test_more_states_than_the_bars_bear_are_refused_in_a_sentence(filled, gappy):
    few = Setup(gappy.panel_id, Selection(columns=("a",), end="2020-10-30"), WindowSpec(length=10))
    filled.save_setup(few)
    bars = len(regimes._history(few.id, "a", few).bars)
    assert bars < 240
    app = opened("Regimes", setup=few.id)
    (most,) = app.number_input
    assert most.value == 5
    most.set_value(8).run()
    assert not app.exception
    (error,) = app.error
    assert (
        f"8 states are too many for {bars} bars, expected at most {bars // 30} of at least 30 bars each" in error.value
    )
    assert not app.slider


def test_as_many_factors_are_offered_as_the_rows_bear(filled, gappy, monkeypatch):
    monkeypatch.setattr(model_selection, "MOST_TRIED", 2)
    few = Setup(gappy.panel_id, Selection(columns=("a",), end="2020-05-29"), WindowSpec(length=50, holdout=0.0))
    filled.save_setup(few)
    rows = model_selection._rows(few.id, model_selection.WINDOWS, few)
    app = opened("Model selection", setup=few.id)
    (slider,) = app.slider
    assert slider.max == len(rows.x) - -(-len(rows.x) // 5) - 1
    assert slider.max < rows.x.shape[1] - 1


def test_the_history_of_a_series_ends_where_it_has_a_gap(filled):
    days = pd.bdate_range("2020-01-01", periods=100).append(pd.bdate_range("2021-01-01", periods=150))
    price = np.exp(0.01 * np.random.default_rng(0).standard_normal(250).cumsum())
    panel_id = filled.save_panel(Panel(pd.DataFrame({"a": price}, index=days), {"a": "price"}, "two stretches"))
    setup = Setup(panel_id, Selection(), WindowSpec(length=10))
    history = regimes._history(setup.id, "a", setup)
    assert [len(strip) for strip in history.strips] == [99, 149]
    np.testing.assert_allclose(history.bars[:99, 0], 100 * np.diff(np.log(price[:100])))
    assert len(history.level) == len(history.index) == 248
    short = Setup(panel_id, Selection(end="2020-02-01"), WindowSpec(length=10))
    with pytest.raises(DataError, match="expected at least 100 to tell regimes apart"):
        regimes._history(short.id, "a", short)


def test_the_table_of_a_mixture_says_how_often_a_state_follows_itself():
    bars = np.concatenate([np.full(75, 1.0), np.full(25, 5.0)])[:, None] * np.random.default_rng(0).standard_normal(
        (100, 1)
    )
    found = GaussianMixture.fit(bars, 2)
    table = regimes.states(found, found.responsibilities(bars))
    np.testing.assert_allclose(table["stays"], found.shares)
    np.testing.assert_allclose(table["lasts"], 1 / (1 - found.shares))
    np.testing.assert_allclose(table["share"].sum(), 1)
    assert table["sd"].is_monotonic_increasing
