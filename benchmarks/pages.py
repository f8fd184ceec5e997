"""How quick the pages are, in a real browser on the real server.

    python benchmarks/pages.py [--json]

Measured in one run: the first page after the server answers, what an open idle page costs, the first loss point after
the click on Train with a warm worker, after a submit with none, and a latent slider of a VAE with the recommended
settings while it is dragged. `busy` says how many times longer than on an idle machine work took meanwhile, by the
clock against the time a core spent: read the times with it. Linux only, and it needs Chrome or Chromium.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run from anywhere, installed or not
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))  # the tests' own server and browser finder
os.environ["OMP_NUM_THREADS"] = "1"

from browser import HOW_TO_GET_ONE, find_browser
from playwright.sync_api import Page, sync_playwright
from studio_server import CHROME_FLAGS, Studio

from synthfin_core.data.load import load
from synthfin_core.jobs.local import LocalExecutor
from synthfin_core.jobs.train import train
from synthfin_core.spec import RunSpec, Setup
from synthfin_core.store import Run, Store

POINTS = "() => [...document.querySelectorAll('.synthfin.live')].some(node => Number(node.dataset.points) > 0)"
IDLE_SECONDS = 10.0
DRAG_SECONDS = 3.0


def busy() -> float:
    """How many times longer than on an idle machine work takes now."""
    wall, core = time.perf_counter(), time.process_time()
    while time.process_time() - core < 0.1:
        pass
    return max(1.0, (time.perf_counter() - wall) / 0.1)


def a_spec(store: Store, epochs: int, seed: int) -> RunSpec:
    """A VAE with the recommended settings on the bundled indices."""
    return RunSpec(Setup(store.save_panel(load("us-indices"))), "vae", {"epochs": epochs}, seed=seed)


def first_page(studio: Studio, page: Page) -> dict[str, float]:
    """Seconds from the server's first answer to the first heading and to the first chart."""
    began = time.perf_counter()
    page.goto(studio.url)
    page.get_by_role("heading", name="SynthFin").wait_for()
    heading = time.perf_counter() - began
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    return {"first page: heading, s": heading, "first page: chart, s": time.perf_counter() - began}


def idle_page(studio: Studio, page: Page) -> dict[str, float]:
    """Share of a core that the server spends on an open page that nobody touches."""
    page.wait_for_timeout(3000)
    before = _core_seconds(studio.pid)
    time.sleep(IDLE_SECONDS)
    return {"open idle page, % of a core": 100 * (_core_seconds(studio.pid) - before) / IDLE_SECONDS}


def first_point_on_the_page(studio: Studio, page: Page) -> dict[str, float]:
    """Seconds from the click on Train to the first loss point on the page, with a warm worker."""
    page.goto(f"{studio.url}/vae")
    button = page.get_by_role("button", name="Train", exact=True)
    button.wait_for()
    page.wait_for_timeout(8000)  # the worker has torch by then
    began = time.perf_counter()
    button.click()
    page.wait_for_function(POINTS, polling=20)
    found = time.perf_counter() - began
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Resume").wait_for()
    return {"first loss point on the page, warm worker, s": found}


def first_point_cold(folder: Path) -> dict[str, float]:
    """Seconds from a submit to the first loss point in the run's folder, with no worker running."""
    store = Store(folder)
    executor = LocalExecutor(store, workers=1)
    began = time.perf_counter()
    run = executor.submit(a_spec(store, epochs=60, seed=1))
    while not run.progress()[0]:
        time.sleep(0.02)
    found = time.perf_counter() - began
    executor.stop(run.id)
    executor.close()
    return {"first loss point, no worker running, s": found}


def slider(studio: Studio, page: Page, run: Run) -> dict[str, float]:
    """Time from a slider's move to the redrawn paths, and redraws a second, while it is dragged."""
    page.goto(f"{studio.url}/latent?run={run.id}")
    page.locator(".synthfin.latent[data-latency]").wait_for()
    page.wait_for_timeout(3000)
    page.evaluate(
        "() => { const root = document.querySelector('.synthfin.latent'); window.latencies = [];"
        " new MutationObserver(() => window.latencies.push(Number(root.dataset.latency)))"
        ".observe(root, { attributeFilter: ['data-latency'] }) }"
    )
    box = page.locator(".synthfin.latent input[type=range]").first.bounding_box()
    assert box is not None
    middle, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(middle, y)
    page.mouse.down()
    began = time.perf_counter()
    while (elapsed := time.perf_counter() - began) < DRAG_SECONDS:
        page.mouse.move(middle + 0.4 * box["width"] * math.sin(2 * elapsed), y)
    latencies = sorted(page.evaluate("window.latencies"))
    page.mouse.up()
    return {
        "slider to paths, median, ms": latencies[len(latencies) // 2],
        "slider to paths, 95th percentile, ms": latencies[int(0.95 * len(latencies))],
        "redraws a second while dragged": len(latencies) / elapsed,
    }


def measure() -> dict[str, float]:
    """All of it, each with how busy the machine was."""
    with tempfile.TemporaryDirectory() as parent, sync_playwright() as playwright:
        folder, cold = Path(parent) / "store", Path(parent) / "cold"
        store = Store(folder)
        run = store.create(a_spec(store, epochs=1, seed=0))
        train(run, store)
        found = first_point_cold(cold) | {"busy, cold start": busy()}
        browser = playwright.chromium.launch(executable_path=find_browser(), args=CHROME_FLAGS)
        page = browser.new_context(viewport={"width": 1440, "height": 1100}).new_page()
        page.set_default_timeout(60_000)
        with Studio(folder) as studio:
            found |= first_page(studio, page) | {"busy, first page": busy()}
            found |= idle_page(studio, page)
            found |= first_point_on_the_page(studio, page) | {"busy, first point": busy()}
            found |= slider(studio, page, run) | {"busy, slider": busy()}
        browser.close()
    return found


def _core_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="for machines")
    asked = parser.parse_args()
    if find_browser() is None:
        raise SystemExit(f"There is no browser to measure with: {HOW_TO_GET_ONE}.")
    found: dict[str, Any] = measure()
    if asked.json:
        print(json.dumps(found, indent=1))
        return
    for name, value in found.items():
        print(f"  {name:52}{value:10.2f}")


if __name__ == "__main__":
    main()
