"""What the page of a trained GAN shows of its diversity."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fabricated import a_run
from streamlit.testing.v1 import AppTest

from app.ui import cached, inside_gan
from synthfin_core.jobs.train import train
from synthfin_core.store import Store

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Each kind of GAN, trained."""
    store = Store(tmp_path_factory.mktemp("gans"))
    for generator in ("gan", "tcn-gan"):
        train(a_run(store, generator=generator), store)
    return store


class NoWorkers:
    """An executor that queues nothing."""

    def ensure_workers(self):
        return None


@pytest.fixture
def used(trained, monkeypatch):
    """Put the store under the app."""
    monkeypatch.setattr(cached, "store", lambda: trained)
    monkeypatch.setattr(cached, "executor", NoWorkers)
    for part in (cached._selected, cached._samples, cached.panel, cached.bundled, inside_gan._compared):
        part.clear()


@pytest.fixture
def shown(trained, used):
    def opened(generator: str) -> AppTest:
        run = next(run for run in trained.runs() if run.spec.generator == generator)
        app = AppTest.from_string(f"from app.ui import cached, inside\ninside.show(cached.store().run({run.id!r}))")
        app.run(timeout=60)
        assert not app.exception, [error.stack_trace for error in app.exception]
        assert not app.error, [error.value for error in app.error]
        return app

    return opened


@pytest.mark.parametrize("generator", ["gan", "tcn-gan"])
def test_neighbours_spread_and_history_are_drawn(generator, shown):
    app = shown(generator)
    assert [part.value for part in app.subheader] == ["Diversity"]
    assert len(app.get("plotly_chart")) == 3
    assert not app.warning


def test_a_collapsed_model_is_told(shown, trained, monkeypatch):
    real = inside_gan.looked_at
    monkeypatch.setattr(inside_gan, "looked_at", lambda x, made: real(x, made[:1] + 1e-4 * np.sign(made)))
    assert "too much alike" in shown("gan").warning[0].value


def test_the_page_refuses_convolutions_that_do_not_see_the_window(used, trained):
    run = next(run for run in trained.runs() if run.spec.generator == "tcn-gan")
    app = AppTest.from_file(MAIN, default_timeout=60)
    app.query_params["setup"] = run.spec.setup.id
    app.query_params["run"] = run.id
    app.run()
    app.switch_page("views/gan.py").run()
    assert not app.exception, [error.stack_trace for error in app.exception]
    assert "Diversity" in [part.value for part in app.subheader]
    app.selectbox(key="model-of-gan").set_value("tcn-gan").run()
    assert not app.error
    app.number_input(key="form-tcn-gan-0-layers").set_value(1).run()
    assert "see 3 steps, but the windows have 20" in app.error[0].value
    assert "Train" not in [button.label for button in app.button]


def test_the_diversity_is_recorded_as_it_goes(trained):
    for run in trained.runs():
        assert all(record["losses"]["diversity"] > 0 for record in run.progress()[0])
