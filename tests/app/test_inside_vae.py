"""What a trained VAE shows on its training page: its latents at once, and when asked its bounds and gradients."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from fabricated import a_run
from streamlit.testing.v1 import AppTest

from app.ui import cached, inside_vae, latent_position, models
from synthfin_core.generators.bounds import bounds
from synthfin_core.jobs.train import train
from synthfin_core.store import Store


@pytest.fixture(scope="module", params=["vae", "timevae"])
def run(request, tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("vae"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cached, "store", lambda: store)
        for part in (inside_vae._bounds, inside_vae._gradient_noise):
            part.clear()
        made = a_run(store, generator=request.param)
        train(made, store)
        yield made


def shown(run_id: str) -> None:
    from app.ui import cached, inside_vae

    inside_vae.show(cached.store().run(run_id))


def healthy(app: AppTest) -> None:
    assert not app.exception, [error.stack_trace for error in app.exception]
    assert not app.error, [error.value for error in app.error]


def figures(app: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


@pytest.fixture(scope="module")
def page(run):
    app = AppTest.from_function(shown, args=(run.id,), default_timeout=60).run()
    healthy(app)
    return app


def test_latents_show_at_once_and_the_rest_when_asked(page, run):
    k = run.spec.config["latent_dim"]
    assert len(figures(page)) == 1
    assert sum(len(bar["x"]) for bar in figures(page)[0]["data"]) == k
    page.toggle(key="inside-measure").set_value(True).run()
    healthy(page)
    drawn = figures(page)
    assert len(drawn) == 3
    assert [note["text"] for note in drawn[1]["layout"]["annotations"]] == ["training", "hold-out"]
    assert [len(box["text"]) for box in drawn[2]["data"]] == [2 * k] * 3
    assert "times that of reparameterization" in " ".join(caption.value for caption in page.caption)


def test_the_bounds_are_those_of_the_represented_windows(run):
    found = inside_vae._bounds(run.id)
    pipeline, x = models.pipeline(run.id), cached.windows(run.spec.setup).holdout.x
    slow = bounds(pipeline.generator, pipeline.representation.forward(x), inside_vae.DRAWS)
    assert len(x) <= inside_vae.MOST_WINDOWS
    np.testing.assert_allclose(found["hold-out"].windows, slow.windows)


def test_dimensions_that_only_spend_what_is_free_do_not_count_as_telling():
    mu = np.random.default_rng(0).standard_normal((50, 3)) * np.array([1.0, 0.4, 0.05])
    kl = np.array([1.2, 0.09, 0.2])
    space = latent_position.Space(mu, np.arange(50), np.arange(3), kl, free=0.1, windows=None)
    assert (space.active, space.telling) == (2, 1)
    assert "the 0.1 nats that each may spend without a charge (free bits): 1 of 3." in space.words()
    assert replace(space, free=0.0).words() == "2 of 3 dimensions move with the window."
