"""Live curves and latent sliders in a real browser, over runs made by hand."""

from __future__ import annotations

import threading
import time

import pytest
from browser import find_browser
from fabricated import a_run, go_on, trained
from studio_server import CHROME_FLAGS, Studio

from synthfin_core.store import Store

pytestmark = pytest.mark.browser

WAIT = 30_000  # milliseconds; a busy machine is slow, a broken page is for ever


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def studio(store):
    with Studio(store.root, app="tests/browser/components/asgi.py") as running:
        yield running


@pytest.fixture(scope="module")
def chrome():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=CHROME_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chrome):
    page = chrome.new_page(viewport={"width": 1200, "height": 1000})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert not errors


@pytest.fixture(scope="module")
def model(store):
    return trained(store)


class Training(threading.Thread):
    """A training made by hand that goes on until told to stop."""

    def __init__(self, run, step=0):
        super().__init__()
        self.run_followed, self.step, self.over = run, step, threading.Event()

    def run(self):
        while not self.over.wait(0.1):
            self.step = go_on(self.run_followed, self.step)

    def __enter__(self):
        self.step = go_on(self.run_followed, self.step)  # the page must find it running however soon it looks
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


def points(page):
    return int(page.locator(".synthfin.live").get_attribute("data-points") or 0)


def until(page, condition, arg=None):
    page.wait_for_function(condition, arg=arg, timeout=WAIT)


def until_points(page, count):
    until(page, "count => Number(document.querySelector('.synthfin.live')?.dataset.points) >= count", count)


def drawn_points(page):
    """How many points the main curve has on the chart itself."""
    return page.evaluate("document.querySelector('.live-chart').data.find((trace) => trace.name === 'Loss').y.length")


def test_curves_grow_in_place_and_zoom_stays(studio, store, page):
    run = a_run(store, seed=1)
    with Training(run):
        page.goto(f"{studio.url}/?run={run.id}")
        until_points(page, 20)
        until(page, "document.querySelector('.live-chart .trace')")
        page.evaluate(
            "document.querySelector('.live-chart').tagged = document.querySelector('.live-chart svg').tagged = true"
        )
        page.evaluate("window.Plotly.relayout(document.querySelector('.live-chart'), {'xaxis.range': [3, 12]})")
        height = page.locator(".synthfin.live").bounding_box()["height"]
        before = drawn_points(page)
        until_points(page, before + 60)
        until(page, "before => document.querySelector('.live-chart').data.at(-1).y.length > before", before)
    assert page.evaluate(
        "document.querySelector('.live-chart').tagged && document.querySelector('.live-chart svg').tagged"
    )
    assert page.evaluate("document.querySelector('.live-chart').layout.xaxis.range") == [3, 12]
    assert page.locator(".synthfin.live").bounding_box()["height"] == height
    assert page.get_by_text("reruns 1").is_visible()
    assert "3 of 6 latent units active" in page.locator(".live-inside").inner_text()
    assert "Asset_1_Price, after step" in page.locator(".live-preview-title").inner_text()


def test_a_number_reported_beside_the_losses_shows_what_it_was(studio, store, page):
    run = a_run(store, seed=31)
    diversity = [0.2 + 0.01 * i for i in range(60)]
    run.append_progress(
        {"step": i + 1, "epoch": 1, "seconds": i / 50, "losses": {"loss": 1.0, "diversity": value}}
        for i, value in enumerate(diversity)
    )
    inside = {"diversity": 0.94, "spread": [0.9731, 1.02, 0.88]}
    go_on(run, len(diversity), state="done", seconds_left=None, diagnostics=inside)
    page.goto(f"{studio.url}/?run={run.id}")
    until_points(page, 65)
    bars = page.get_by_role("img", name="diversity from the first step to the last, highest 0.79")
    bars.wait_for(timeout=WAIT)
    heights = [float(bar.get_attribute("style").split()[1].rstrip("%;")) for bar in bars.locator("span").all()]
    assert len(heights) == 32
    assert heights == sorted(heights)
    assert (heights[0], heights[-1]) == (pytest.approx(100 * 0.21 / 0.79, abs=2), 100)
    assert "diversity 0.94" in page.locator(".live-inside").inner_text()
    assert "spread 0.88 to 1" in page.locator(".live-inside").inner_text()


def test_the_end_is_told_once_and_polling_stops(studio, store, page):
    run = a_run(store, seed=2)
    with Training(run) as training:
        page.goto(f"{studio.url}/?run={run.id}")
        until_points(page, 10)
    go_on(run, training.step, state="done", seconds_left=None)
    page.get_by_text("ended done", exact=True).wait_for(timeout=WAIT)
    page.get_by_text("reruns 2", exact=True).wait_for(timeout=WAIT)
    assert points(page) == training.step + 5
    live = page.locator(".synthfin.live")
    assert live.get_attribute("data-state") == "done"
    time.sleep(1.0)
    polls = live.get_attribute("data-polls")
    time.sleep(1.5)
    assert live.get_attribute("data-polls") == polls
    assert page.get_by_text("reruns 2", exact=True).is_visible()


def test_a_resumed_run_is_followed_again(studio, store, page):
    run = a_run(store, seed=3)
    step = go_on(run, 0, state="stopped")
    page.goto(f"{studio.url}/?run={run.id}")
    until(page, "document.querySelector('.synthfin.live')?.dataset.state === 'stopped'")
    assert page.get_by_text("ended", exact=True).is_visible()
    with Training(run, step):
        page.evaluate("document.querySelector('.live-chart').tagged = true")
        page.get_by_role("button", name="Rerun").click()
        until_points(page, step + 20)
        assert page.evaluate("document.querySelector('.live-chart').tagged")


def test_warnings_and_failures_are_words_and_never_markup(studio, store, page):
    run = a_run(store, seed=4)
    evil = "<img src=x onerror=window.broken=true> reconstruction fell apart."
    step = go_on(run, 0, warnings=["The discriminator's loss is near zero.", evil])
    page.goto(f"{studio.url}/?run={run.id}")
    page.get_by_text("near zero").wait_for(timeout=WAIT)
    assert evil in page.locator(".live-warnings").inner_text()
    go_on(run, step, state="failed", message="reconstruction became nan at step 7.")
    page.get_by_text("reconstruction became nan at step 7.", exact=True).wait_for(timeout=WAIT)
    assert page.get_by_role("status").filter(has_text="Failed").count() == 1
    assert not page.evaluate("window.broken === true")


def test_axis_controls_are_the_browsers_own(studio, store, page):
    run = a_run(store, seed=5)
    go_on(run, 0, records=200, state="done")
    page.goto(f"{studio.url}/?run={run.id}")
    until(page, "document.querySelector('.live-chart .trace')")
    page.get_by_label("Log axis").check()
    until(page, "document.querySelector('.live-chart').layout.yaxis.type === 'log'")
    page.get_by_label("Along").select_option("epochs")
    until(
        page, "Math.abs(document.querySelector('.live-chart').data[0].x.at(-1) - 4) < 1e-9"
    )  # 200 of 3000 steps, 60 epochs
    assert page.evaluate("document.querySelector('.live-chart').data.length") == 6
    page.get_by_label("Smoothing").fill("0")
    until(page, "document.querySelector('.live-chart').data.length === 3")
    assert page.get_by_text("reruns 1", exact=True).is_visible()


def test_a_run_that_is_gone(studio, page):
    page.goto(f"{studio.url}/?run=vae-gone-12345678")
    page.get_by_text("Not found").wait_for(timeout=WAIT)
    assert "There is no run" in page.locator(".live-warnings").inner_text()


def test_curves_find_the_server_again(studio, store, page):
    run = a_run(store, seed=6)
    with Training(run):
        page.goto(f"{studio.url}/?run={run.id}")
        until_points(page, 10)
        studio.stop()
        page.get_by_text("the server does not answer").wait_for(timeout=WAIT)
        held = points(page)
        studio.start()
        until_points(page, held + 10)
    assert page.get_by_text("the server does not answer").count() == 0


def test_a_drag_redraws_while_the_hand_moves(studio, model, page):
    page.goto(f"{studio.url}/?part=latent&run={model.id}")
    latent = page.locator(".synthfin.latent[data-latency]")
    latent.wait_for(timeout=WAIT)
    box = page.get_by_role("slider", name="Dimension 1").bounding_box()
    middle, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(middle, y)
    page.mouse.down()
    redraws = 0
    for step in range(1, 6):  # the slider is held down all the while, and each move is redrawn
        page.mouse.move(middle + 0.05 * step * box["width"], y)
        until(page, f"Number(document.querySelector('.synthfin.latent').dataset.redraws) > {redraws}")
        redraws = int(latent.get_attribute("data-redraws"))
    assert page.get_by_text("reruns 1", exact=True).is_visible()
    page.mouse.up()
    # The page hears of it once a drag, when the slider is let go.
    page.get_by_text("reruns 2", exact=True).wait_for(timeout=WAIT)
    value = page.locator(".latent-value").first.inner_text()
    page.get_by_text(f"position {value}, 0.00", exact=True).wait_for(timeout=WAIT)


def test_python_moves_the_sliders_in_place(studio, model, page):
    page.goto(f"{studio.url}/?part=latent&run={model.id}")
    latent = page.locator(".synthfin.latent[data-latency]")
    latent.wait_for(timeout=WAIT)
    latent.evaluate("node => { node.tagged = true }")
    page.get_by_role("button", name="Jump").click()
    until(page, "document.querySelector('.latent-value').textContent === '1.50'")
    slider = page.get_by_role("slider", name="Dimension 1")
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    page.get_by_text("position 1.70, -1.00", exact=True).wait_for(timeout=WAIT)
    page.get_by_role("button", name="Jump").click()
    page.get_by_text("position 1.50, -1.00", exact=True).wait_for(timeout=WAIT)
    until(page, "document.querySelector('.latent-value').textContent === '1.50'")
    assert latent.evaluate("node => node.tagged")


def test_buttons_leave_held_sliders_alone(studio, model, page):
    page.goto(f"{studio.url}/?part=latent&run={model.id}")
    page.locator(".synthfin.latent[data-latency]").wait_for(timeout=WAIT)
    page.get_by_text("One more dimension").click()
    page.get_by_role("button", name="Random").click()
    values = page.locator(".latent-value")
    until(page, "document.querySelector('.latent-value').textContent !== '0.00'")
    first, second = values.all_inner_texts()
    page.get_by_label("Hold Dimension 1").check()
    page.get_by_role("button", name="Zero", exact=True).click()
    until(page, "document.querySelectorAll('.latent-value')[1].textContent === '0.00'")
    assert values.all_inner_texts() == [first, "0.00"]
    page.get_by_label("Hold Dimension 1").uncheck()
    page.get_by_label("Seed of the random draw").fill("1")
    page.get_by_role("button", name="Random").click()
    until(page, "wanted => document.querySelectorAll('.latent-value')[1].textContent === wanted", second)
    assert values.all_inner_texts() == [first, second]
    page.get_by_text(f"position {first}, {second}", exact=True).wait_for(timeout=WAIT)


@pytest.mark.parametrize("part", ["curves", "latent"])
@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_is_wider_than_the_screen(studio, model, store, chrome, part, width):
    run = a_run(store, seed=7)
    go_on(run, 0, records=100, state="done", warnings=["One unit is idle: lower beta or train longer."])
    page = chrome.new_page(viewport={"width": width, "height": 900})
    page.goto(f"{studio.url}/?part={part}&run={model.id if part == 'latent' else run.id}")
    page.locator(".synthfin").wait_for(timeout=WAIT)
    inner = page.locator(".synthfin").evaluate("node => [node.scrollWidth, node.clientWidth]")
    assert inner[0] <= inner[1]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
