"""What a trained TimeVAE shows on its training page: its parts, scaled windows, and the file of them."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest
from fabricated import a_run
from streamlit.testing.v1 import AppTest

from app.ui import cached, inside_timevae, models
from synthfin_core.jobs.train import train
from synthfin_core.store import Store


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("timevae"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cached, "store", lambda: store)
        for part in (models.sample, inside_timevae._parts):
            part.clear()
        run = a_run(store, generator="timevae")
        train(run, store)
        yield run


def shown(run_id: str) -> None:
    from app.ui import cached, inside

    inside.show(cached.store().run(run_id))


@pytest.fixture
def page(run):
    app = AppTest.from_function(shown, args=(run.id,), default_timeout=60).run()
    healthy(app)
    return app


def healthy(app: AppTest) -> None:
    assert not app.exception, [error.stack_trace for error in app.exception]
    assert not app.error, [error.value for error in app.error]


def figure(app: AppTest, index: int) -> dict:
    return json.loads(app.get("plotly_chart")[index].proto.spec)


def test_every_part_has_a_chart_and_a_slider(page, run):
    names = models.pipeline(run.id).generator.block_names
    assert [slider.label.lower() for slider in page.slider] == list(names)
    titles = [note["text"] for note in figure(page, 0)["layout"]["annotations"]]
    assert titles == [*names, "sum"]


def test_the_parts_add_up_to_the_sample_in_the_units_of_the_data(run):
    parts = inside_timevae._parts(run.id)
    np.testing.assert_allclose(
        sum(parts.values())[:12], models.sample(run.id, 12, inside_timevae.SEED).x, rtol=0, atol=1e-6
    )


def test_sliders_at_one_draw_what_the_model_draws(run):
    ones = dict.fromkeys(models.pipeline(run.id).generator.block_names, 1.0)
    drawn = inside_timevae._drawn(run.id, 12, 3, ones)
    assert drawn.x.tobytes() == models.pipeline(run.id).sample(12, seed=3).x.tobytes()


def test_what_every_vae_shows_stands_below(page):
    assert [part.value for part in page.subheader][-1] == "Inside the model"


def test_a_slider_changes_the_paths_and_the_button_puts_it_back(page):
    before = figure(page, 1)["data"]
    page.slider[-1].set_value(0.0).run()
    healthy(page)
    assert figure(page, 1)["data"][0]["y"] != before[0]["y"]
    page.button(key="blocks-reset").click().run()
    healthy(page)
    assert [slider.value for slider in page.slider] == [1.0] * len(page.slider)
    assert figure(page, 1)["data"] == before


def test_another_sample_and_another_series_are_taken_apart(page):
    before = figure(page, 0)["data"]
    page.number_input(key="blocks-window").set_value(7).run()
    healthy(page)
    other = figure(page, 0)["data"]
    assert other != before
    page.selectbox(key="blocks-series").select_index(1).run()
    healthy(page)
    assert figure(page, 0)["data"] != other


def test_the_file_holds_the_windows_with_these_scales(run):
    scales = {"noise": 0.0}
    frame = pd.read_csv(io.BytesIO(inside_timevae._as_csv(run.id, 5, 2, scales)))
    drawn = inside_timevae._drawn(run.id, 5, 2, scales)
    assert frame["window"].nunique() == 5
    np.testing.assert_allclose(frame.iloc[:, 2:], drawn.values().reshape(-1, 2))
