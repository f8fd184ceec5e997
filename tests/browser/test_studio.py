"""One person's whole way through the studio, in a real browser on the real server.

The tests of this file are one walk in order: train a VAE and see its curve grow, reload in the middle, let the server
restart, drag a latent slider, download the data and read them back.
"""

from __future__ import annotations

import io
import re

import pandas as pd
import pytest
from browser import find_browser
from playwright.sync_api import Page, expect, sync_playwright
from studio_server import CHROME_FLAGS, Studio

pytestmark = pytest.mark.browser

READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'
PATIENCE = 60_000  # ms; a busy machine with two cores
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    with Studio(tmp_path_factory.mktemp("store")) as running:
        yield running


@pytest.fixture(scope="module")
def page(studio):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=CHROME_FLAGS)
        opened = browser.new_context(viewport={"width": 1440, "height": 1400}, accept_downloads=True).new_page()
        opened.set_default_timeout(PATIENCE)
        yield opened
        browser.close()


def go(page: Page, address: str) -> None:
    page.goto(address)
    settled(page)


def settled(page: Page) -> None:
    page.wait_for_selector(READY)
    expect(page.locator('[data-testid="stException"]')).to_have_count(0)


def points(page: Page) -> int:
    """How many points the first loss curve has."""
    return page.evaluate(
        "() => { const plot = document.querySelector('.js-plotly-plot .main-svg')?.closest('.js-plotly-plot');"
        " return plot && plot.data && plot.data.length ? Math.max(...plot.data.map(t => (t.x || []).length)) : 0 }"
    )


def wait_for_points(page: Page, more_than: int) -> int:
    page.wait_for_function(
        "least => [...document.querySelectorAll('.js-plotly-plot')].some("
        "plot => plot.data && plot.data.some(trace => (trace.x || []).length > least))",
        arg=more_than,
    )
    return points(page)


def test_the_first_page_shows_the_sp500(studio, page):
    go(page, studio.url)
    expect(page.get_by_role("heading", name="SynthFin")).to_be_visible()
    expect(page.get_by_text("S&P 500 and NASDAQ").first).to_be_visible()
    page.wait_for_selector(".js-plotly-plot .main-svg")


def test_a_vae_trains_and_its_curve_grows(studio, page):
    go(page, f"{studio.url}/vae")
    epochs = page.get_by_role("spinbutton", name="Epochs", exact=True)
    expect(epochs).not_to_have_value("1")
    epochs.fill("400")
    epochs.press("Enter")
    settled(page)
    page.get_by_role("button", name="Train", exact=True).click()
    first = wait_for_points(page, 1)
    page.evaluate("document.querySelector('.js-plotly-plot').dataset.tagged = 'yes'")
    assert wait_for_points(page, first + 5) > first
    assert page.evaluate("document.querySelector('.js-plotly-plot').dataset.tagged") == "yes", "the chart was remounted"


def test_a_reload_in_the_middle_finds_the_run(page):
    assert re.search(r"run=vae-", page.url)
    before = points(page)
    page.reload()
    settled(page)
    assert wait_for_points(page, before) > before


def test_a_restart_of_the_server_finds_the_run(studio, page):
    before = points(page)
    studio.restart()
    go(page, page.url)
    assert wait_for_points(page, before) > before


def test_stop_keeps_what_was_learnt(page):
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_a_short_training_ends_with_samples(studio, page):
    go(page, f"{studio.url}/vae")
    for name, value in (("Epochs", "1"), ("Seed", "5")):
        field = page.get_by_role("spinbutton", name=name, exact=True)
        field.fill(value)
        field.press("Enter")
        settled(page)
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_role("heading", name="What it draws")).to_be_visible()


def test_a_trained_model_is_scored_beside_baselines_and_the_report_is_taken_away(studio, page):
    go(page, f"{studio.url}/compare?{page.url.partition('?')[2]}")
    expect(page.get_by_role("button", name="Call the learned judges")).to_be_visible(timeout=150_000)
    expect(page.locator('[data-testid="stAlertContentError"]')).to_have_count(0)
    settled(page)
    page.wait_for_function("() => document.querySelector('.js-plotly-plot')?._fullData?.length > 0")
    models = page.evaluate("document.querySelector('.js-plotly-plot')._fullData.flatMap(trace => trace.y ?? [])")
    assert {"i.i.d. Gaussian", "i.i.d. bootstrap", "block bootstrap", "EGARCH"} <= set(models)
    page.get_by_role("tab", name="Take away").click()
    settled(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Report for stakeholders").click()
    content = waiting.value.path().read_text(encoding="utf-8")
    assert content.lower().startswith("<!doctype html>")
    assert "within the floor" in content


def test_a_dragged_slider_moves_the_path(studio, page):
    go(page, f"{studio.url}/latent?{page.url.partition('?')[2]}")
    slider = page.locator(".synthfin.latent input[type=range]").first
    page.wait_for_function("() => Number(document.querySelector('[data-redraws]')?.dataset.redraws) > 0")
    before = page.evaluate("Number(document.querySelector('[data-redraws]').dataset.redraws)")
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    for step in range(1, 11):
        page.mouse.move(box["x"] + box["width"] * (0.5 + 0.04 * step), middle)
        page.wait_for_timeout(60)
    page.mouse.up()
    page.wait_for_function(
        "least => Number(document.querySelector('[data-redraws]').dataset.redraws) > least", arg=before + 2
    )
    assert float(slider.input_value()) > 0.5


def test_a_click_on_the_map_loads_that_window(page):
    page.get_by_role("tab", name="Map of the windows").click()
    page.wait_for_function(  # the map is there, the sweep's chart is gone
        "() => { const plots = [...document.querySelectorAll('.js-plotly-plot')];"
        " return plots.length === 1 && plots[0]._fullData?.[0]?.type === 'scattergl' }"
    )
    settled(page)
    page.locator(".js-plotly-plot").scroll_into_view_if_needed()
    page.wait_for_timeout(1000)  # the scroll and the chart's own drawing
    x, y = page.evaluate(
        "() => { const plot = [...document.querySelectorAll('.js-plotly-plot')].at(-1), points = plot._fullData[0];"
        " const { xaxis, yaxis } = plot._fullLayout, box = plot.getBoundingClientRect(), i = points.x.length >> 1;"
        " return [box.left + xaxis._offset + xaxis.l2p(points.x[i]),"
        " box.top + yaxis._offset + yaxis.l2p(points.y[i])] }"
    )
    sliders = page.locator(".synthfin.latent input[type=range]")
    before = [slider.input_value() for slider in sliders.all()]
    page.mouse.move(x, y)
    page.wait_for_timeout(300)
    page.mouse.click(x, y)
    page.wait_for_function(
        "before => [...document.querySelectorAll('.synthfin.latent input[type=range]')]"
        ".some((slider, i) => slider.value !== before[i])",
        arg=before,
    )


def test_the_download_holds_what_was_asked_for(studio, page):
    go(page, f"{studio.url}/generate?{page.url.partition('?')[2]}")
    count = page.get_by_role("spinbutton", name="Windows", exact=True)
    count.fill("20")
    count.press("Enter")
    settled(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download 20 windows").click()
    table = pd.read_csv(io.BytesIO(waiting.value.path().read_bytes()))
    assert list(table.columns) == ["window", "step", "S&P 500", "NASDAQ"]
    assert len(table) == 20 * 61
    assert table["window"].nunique() == 20
    assert (table[["S&P 500", "NASDAQ"]] > 0).all().all()
    starts = table.groupby("window")[["S&P 500", "NASDAQ"]].first()
    assert (starts.nunique() == 1).all(), "every path starts at the last real price"


def test_a_deleted_run_is_gone(studio, page):
    go(page, f"{studio.url}/runs?{page.url.partition('?')[2]}")
    runs = studio.store / "runs"
    before = len(list(runs.iterdir()))
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("Deleted VAE").first).to_be_visible()
    assert len(list(runs.iterdir())) == before - 1


@pytest.mark.parametrize("name", ["", "data", "vae", "gan", "compare", "latent", "generate", "runs"])
def test_no_page_is_wider_than_a_phone(studio, page, name):
    page.set_viewport_size({"width": 390, "height": 844})
    go(page, f"{studio.url}/{name}")
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    expect(page.locator('[data-testid="stAlertContentError"]')).to_have_count(0)


def test_pages_ask_nobody_but_the_server(studio, page):
    asked = set()
    page.on("request", lambda request: asked.add(request.url.split("/")[2]))
    for name in ("", "data", "vae", "latent"):
        go(page, f"{studio.url}/{name}")
        page.wait_for_timeout(500)
    assert asked == {studio.url.removeprefix("http://")}
