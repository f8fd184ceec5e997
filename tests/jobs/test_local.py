"""Real worker processes: one run from click to done, a kill, an end, a second server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import made_panel

from synthfin_core.data.windows import WindowSpec
from synthfin_core.jobs import local, slots
from synthfin_core.jobs.local import LocalExecutor
from synthfin_core.registry import generator_class
from synthfin_core.spec import RunSpec, Setup
from synthfin_core.store import Store, process

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def executor(tmp_path_factory):
    """One warm worker for all these tests."""
    made = LocalExecutor(Store(tmp_path_factory.mktemp("store")), workers=1)
    yield made
    made.close()


@pytest.fixture(scope="module")
def setup(executor):
    """A little data in that store."""
    return Setup(executor.store.save_panel(made_panel({"one": "price"})), windows=WindowSpec(length=10))


def spec_of(setup: Setup, epochs: int, seed: int = 0) -> RunSpec:
    config = {**generator_class("vae").Config.tiny().to_dict(), "epochs": epochs}
    return RunSpec(setup, "vae", config, seed=seed)


def wait(until, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def worker_pid(executor: LocalExecutor) -> int:
    return local._children[executor.store.root, 0].pid


def test_a_run_is_trained_by_a_process_of_its_own(executor, setup):
    run = executor.submit(spec_of(setup, epochs=2))
    assert run.status().state in ("queued", "starting", "running")
    wait(lambda: not run.status().active)
    assert run.status().state == "done", run.status().message
    assert len(run.samples()) == 1000
    assert os.getsid(worker_pid(executor)) == worker_pid(executor)


def test_a_warm_worker_reports_the_first_step_at_once(executor, setup):
    first = executor.submit(spec_of(setup, epochs=1, seed=1))
    wait(lambda: not first.status().active)
    begin = time.monotonic()
    run = executor.submit(spec_of(setup, epochs=1, seed=2))
    wait(lambda: run.progress()[0])
    assert time.monotonic() - begin < 1.5
    wait(lambda: not run.status().active)


def test_stopping_and_resuming(executor, setup):
    run = executor.submit(spec_of(setup, epochs=10_000, seed=3))
    wait(lambda: len(run.progress()[0]) > 5)
    executor.stop(run.id)
    wait(lambda: not run.status().active, seconds=10)
    stopped = run.status()
    assert stopped.state == "stopped"
    executor.submit(run.spec, resume=True)
    wait(lambda: run.status().step > stopped.step)
    executor.stop(run.id)
    wait(lambda: not run.status().active, seconds=10)


def test_another_server_starts_no_second_worker(executor, setup):
    executor.ensure_workers()
    before = worker_pid(executor)
    again = LocalExecutor(Store(executor.store.root), workers=1)
    again.ensure_workers()
    code = (
        "import sys; from synthfin_core.jobs import local; from synthfin_core.store import Store;"
        "local.LocalExecutor(Store(sys.argv[1]), workers=1).ensure_workers(); print(len(local._children))"
    )
    wait(lambda: _is_held(executor.store))
    said = subprocess.run(
        [sys.executable, "-c", code, str(executor.store.root)], capture_output=True, text=True, cwd=ROOT
    )
    assert said.stdout.strip() == "0", said.stderr
    assert worker_pid(executor) == before


def test_a_killed_worker_leaves_a_run_that_died_and_can_be_resumed(executor, setup):
    run = executor.submit(spec_of(setup, epochs=10_000, seed=4))
    wait(lambda: len(run.progress()[0]) > 5)
    killed = worker_pid(executor)
    os.kill(killed, signal.SIGKILL)
    wait(lambda: run.status().state == "died", seconds=5)
    executor.submit(run.spec, resume=True)
    assert worker_pid(executor) != killed
    wait(lambda: run.status().state == "running" and run.status().step > 5)
    executor.stop(run.id)
    wait(lambda: not run.status().active, seconds=10)
    assert run.status().state == "stopped"


def test_a_run_given_back_is_finished_by_a_worker_that_outlives_its_server(executor, setup):
    run = executor.submit(spec_of(setup, epochs=100, seed=5))
    wait(lambda: len(run.progress()[0]) > 5)
    executor.close()
    status = run.status()
    assert (status.state, status.queue_place) == ("queued", 1)
    assert not _is_held(executor.store)
    code = (
        "import sys; from synthfin_core.jobs import local; from synthfin_core.store import Store;"
        "store = Store(sys.argv[1]); local.LocalExecutor(store, workers=1).ensure_workers();"
        "print(local._children[store.root, 0].pid)"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(executor.store.root)]
    pid = int(subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout)
    wait(lambda: run.status().state == "done")
    assert [record["step"] for record in run.progress()[0]][-1] == run.status().steps
    wait(lambda: process.start_time(pid) is None, seconds=10)
    assert (executor.store.root / "slots" / "slot-0.log").read_text() == ""


def _is_held(store: Store) -> bool:
    slot = slots.take(store, 0)
    if slot is not None:
        slot.close()
    return slot is None
