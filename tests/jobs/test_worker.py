"""The worker's choices, made in this process: what it takes, leaves, drops and gives back."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from synthfin_core.data.windows import WindowSpec
from synthfin_core.jobs import slots, worker
from synthfin_core.jobs.local import LocalExecutor, default_workers
from synthfin_core.jobs.train import train
from synthfin_core.jobs.worker import Worker
from synthfin_core.spec import RunSpec, Setup
from synthfin_core.store import Store


@pytest.fixture
def spec(store, panel, stand_in):
    """Makes specs of the stand-in."""
    setup = Setup(store.save_panel(panel), windows=WindowSpec(length=10))
    return lambda seed=0, **config: RunSpec(setup, stand_in, config, seed=seed)


@pytest.fixture
def executor(store, monkeypatch):
    """An executor that starts no processes."""
    monkeypatch.setattr(LocalExecutor, "ensure_workers", lambda self: None)
    return LocalExecutor(store, workers=1)


class TestQueue:
    def test_the_oldest_goes_first_and_places_move_up(self, store, spec, executor):
        runs = [executor.submit(spec(seed)) for seed in range(3)]
        assert [run.status().queue_place for run in runs] == [1, 2, 3]
        assert Worker(store).work_once()
        assert [run.status().state for run in runs] == ["done", "queued", "queued"]
        assert [run.status().queue_place for run in runs] == [None, 1, 2]

    def test_nothing_to_do(self, store):
        assert not Worker(store).work_once()

    def test_asking_twice_trains_once(self, store, spec, executor):
        run = executor.submit(spec())
        assert executor.submit(spec()).id == run.id
        assert len(store.queue.entries()) == 1
        Worker(store).work_once()
        assert executor.submit(spec()).status().state == "done"
        assert store.queue.entries() == []

    def test_an_entry_of_a_done_run_is_dropped(self, store, spec, executor):
        run = executor.submit(spec())
        train(run, store)
        weights = (run.path / "weights.safetensors").stat().st_mtime_ns
        assert Worker(store).work_once()
        assert (run.path / "weights.safetensors").stat().st_mtime_ns == weights
        assert store.queue.entries() == []

    def test_entries_of_deleted_and_damaged_runs_are_dropped(self, store, spec, executor):
        gone, damaged, sound = (executor.submit(spec(seed)) for seed in range(3))
        store.queue.put("never-was", resume=False)
        store.delete(gone.id)
        (damaged.path / "spec.json").write_text("{")
        while Worker(store).work_once():
            pass
        assert store.queue.entries() == []
        assert sound.status().state == "done"

    def test_a_run_that_another_process_holds_is_passed_over(self, store, spec, executor):
        held, free = executor.submit(spec(0)), executor.submit(spec(1))
        with held.claim():
            assert Worker(store).work_once()
            assert free.status().state == "done"
            assert not Worker(store).work_once()
        assert Worker(store).work_once()
        assert held.status().state == "done"


class TestStop:
    def test_a_waiting_run_is_taken_out(self, store, spec, executor):
        run, other = executor.submit(spec(0)), executor.submit(spec(1))
        executor.stop(run.id)
        assert (run.status().state, run.status().message) == ("stopped", "Taken out of the queue.")
        assert other.status().queue_place == 1
        assert not run.stop_requested()
        assert executor.submit(spec(0), resume=True).status().queue_place == 2

    def test_a_run_taken_out_while_a_worker_reaches_for_it(self, store, spec, executor):
        run = executor.submit(spec())
        (entry,) = store.queue.entries()
        executor.stop(run.id)
        with run.claim():
            assert Worker(store)._take(entry, run)
        assert (run.status().state, run.status().step) == ("stopped", 0)

    def test_a_run_that_is_trained_stops_and_resumes(self, store, spec, executor):
        run = executor.submit(spec(epochs=50, pause=0.01))
        work = threading.Thread(target=Worker(store).work_once)
        work.start()
        _wait(lambda: len(run.progress()[0]) >= 3)
        executor.stop(run.id)
        work.join(5)
        status = run.status()
        assert status.state == "stopped"
        assert 3 <= status.step < 100
        assert executor.submit(run.spec, resume=True).status().step == status.step
        seen = run.progress()[0][-1]["step"]
        executor.stop(run.id)
        assert run.status().step == seen

    def test_stopping_what_does_not_run_does_nothing(self, store, spec, executor):
        run = executor.submit(spec())
        Worker(store).work_once()
        executor.stop(run.id)
        assert run.status().state == "done"
        assert not run.stop_requested()


class TestEnding:
    def test_told_to_end_it_puts_its_run_back_where_it_was(self, store, spec, executor, panel, tmp_path):
        run, other = executor.submit(spec(0, epochs=100, pause=0.005)), executor.submit(spec(1))
        (first, _) = store.queue.entries()
        ending = Worker(store)
        work = threading.Thread(target=ending.work)
        work.start()
        _wait(lambda: len(run.progress()[0]) >= 3)
        ending.end()
        work.join(5)
        status = run.status()
        assert (status.state, status.queue_place) == ("queued", 1)
        assert status.message == "Waits to go on, since its worker had to end."
        assert store.queue.entries()[0] == first
        assert store.queue.entries()[0].resume()
        assert other.status().queue_place == 2
        Worker(store).work_once()
        assert run.status().state == "done"
        straight = Store(tmp_path / "straight")
        straight.save_panel(panel)
        again = straight.create(run.spec)
        train(again, straight)
        assert run.samples().x.tobytes() == again.samples().x.tobytes()

    def test_a_stop_asked_for_by_a_person_stays_a_stop(self, store, spec, executor):
        run = executor.submit(spec(epochs=40, pause=0.005))
        ending = Worker(store)
        run.request_stop()
        ending.end()
        ending.work_once()
        assert run.status().state == "stopped"
        assert store.queue.entries() == []

    def test_an_idle_orphan_ends(self, store, spec, executor, monkeypatch):
        parent = subprocess.Popen([sys.executable, "-c", ""])
        parent.wait()
        run = executor.submit(spec())
        begin = time.monotonic()
        Worker(store, parent.pid).work()
        assert time.monotonic() - begin < 5
        assert run.status().state == "done"

    def test_a_taken_slot_ends_a_worker_before_it_imports_torch(self, store, monkeypatch):
        monkeypatch.setattr(worker, "warm_up", lambda: pytest.fail("warmed up"))
        held = slots.take(store, 0)
        assert held is not None
        with held:
            assert worker.main(["--store", str(store.root), "--slot", "0"]) == 0
        free = slots.take(store, 0)
        assert free is not None
        free.close()


@pytest.mark.parametrize(("asked", "expected"), [("3", 3), ("1", 1)])
def test_how_many_workers_can_be_set(monkeypatch, asked, expected):
    monkeypatch.setenv("SYNTHFIN_WORKERS", asked)
    assert default_workers() == expected


@pytest.mark.parametrize("asked", ["0", "-1", "two", "1.5"])
def test_a_wrong_number_of_workers_is_refused(monkeypatch, asked):
    monkeypatch.setenv("SYNTHFIN_WORKERS", asked)
    with pytest.raises(ValueError, match=f"SYNTHFIN_WORKERS is '{asked}', expected a whole number above zero"):
        default_workers()


def test_without_a_word_there_is_one_for_two_cores(monkeypatch):
    monkeypatch.delenv("SYNTHFIN_WORKERS", raising=False)
    monkeypatch.setattr("synthfin_core.jobs.local._gpus", lambda: 0)
    monkeypatch.setattr("synthfin_core.jobs.local._cores", lambda: 9)
    assert default_workers() == 4
    monkeypatch.setattr("synthfin_core.jobs.local._gpus", lambda: 2)
    assert default_workers() == 2


def _wait(until, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.005)
