"""What a trained wavelet diffusion shows on its training page: time scales, windows out of noise, temperature."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fabricated import trained
from streamlit.testing.v1 import AppTest

from app.ui import cached, inside_diffusion, models
from app.ui.inside_diffusion import Sampling
from synthfin_core.store import Store


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("diffusion"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cached, "store", lambda: store)
        for part in (models.sample, inside_diffusion._scales, inside_diffusion._strip):
            part.clear()
        yield trained(store, generator="wavelet-diffusion")


def shown(run_id: str) -> None:
    from app.ui import cached, inside

    inside.show(cached.store().run(run_id))


@pytest.fixture
def page(run):
    app = AppTest.from_function(shown, args=(run.id,), default_timeout=60).run()
    healthy(app)
    return app


def opened(page: AppTest, tab: str) -> AppTest:
    page.session_state["diffusion-tabs"] = tab
    page.run()
    healthy(page)
    return page


def healthy(app: AppTest) -> None:
    assert not app.exception, [error.stack_trace for error in app.exception]
    assert not app.error, [error.value for error in app.error]


def figure(app: AppTest, index: int = 0) -> dict:
    return json.loads(app.get("plotly_chart")[index].proto.spec)


def as_trained(run) -> Sampling:
    return Sampling(run.id, run.spec.config["sampler"], run.spec.config["temperature"])


def test_real_and_synthetic_images_are_drawn_with_their_energies(page):
    assert len(page.get("plotly_chart")) == 2
    maps = figure(page)["data"]
    assert len(maps) == 2 * inside_diffusion.SHOWN
    assert maps[0]["y"] == ["2 bars", "4 bars", "8 bars", "16 bars", "32 bars", "slower"]  # 20 bars, extended to 32
    assert [trace["name"] for trace in figure(page, 1)["data"]] == ["real", "synthetic"]


def test_images_are_those_of_the_windows_and_energies_their_mean_square(run):
    scales = inside_diffusion._scales(as_trained(run))
    pipeline = models.pipeline(run.id)
    assert scales.samples.x.tobytes() == pipeline.sample(inside_diffusion.DRAWN, seed=inside_diffusion.SEED).x.tobytes()
    assert scales.real.shape == (inside_diffusion.SHOWN, 6, 20, 2)
    drawn = pipeline.representation.forward(scales.samples.x)
    images = pipeline.generator.wavelet_image(drawn)
    np.testing.assert_array_equal(scales.synthetic, images[:3, :, :20])
    swings = drawn - drawn.mean(axis=1, keepdims=True)
    extended = np.concatenate([swings, swings[:, ::-1][:, :12]], axis=1)
    np.testing.assert_allclose(scales.synthetic_energy.sum(axis=0), (extended**2).mean(axis=(0, 1)))


def test_a_window_comes_out_of_noise_and_is_the_sample(page, run):
    app = opened(page, "Out of the noise")
    strip = inside_diffusion._strip(as_trained(run))
    model = models.pipeline(run.id)
    last = model.sample(inside_diffusion.STRIPS, seed=inside_diffusion.SEED)
    np.testing.assert_allclose(strip.guesses[-1], last.x, rtol=1e-6, atol=1e-9)
    swings = strip.guesses - strip.guesses.mean(axis=2, keepdims=True)
    assert swings[0].std() < 0.2 * swings[-1].std()  # out of pure noise it only knows the average
    before = figure(app)["data"]
    assert len(before) == 3 * inside_diffusion.MOMENTS
    app.slider(key="diffusion-window").set_value(5).run()
    healthy(app)
    assert figure(app)["data"] != before


def test_temperature_and_sampler_redraw(page, run):
    app = opened(page, "Paths")
    before = figure(app)["data"]
    app.slider(key=f"diffusion-temperature-{run.id}").set_value(0.0).run()
    healthy(app)
    assert figure(app)["data"] != before
    tame, wild = (inside_diffusion._scales(as_trained(run)._replace(temperature=each)) for each in (0.0, 2.0))
    assert tame.synthetic_energy.sum() < 0.1 * wild.synthetic_energy.sum()
    full = inside_diffusion._strip(as_trained(run)._replace(sampler="ddpm"))
    assert full.noisy.shape == (inside_diffusion.MOMENTS, inside_diffusion.STRIPS, 20, 2)


def test_the_trained_model_stays_as_it_was(page, run):
    before = models.pipeline(run.id).generator.config
    page.slider(key=f"diffusion-temperature-{run.id}").set_value(1.7).run()
    healthy(page)
    assert models.pipeline(run.id).generator.config == before
