"""The scorer: what it takes from the queue, and a real process that scores and ends well."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from conftest import made_panel

from synthfin_core.data.windows import WindowSpec
from synthfin_core.jobs import local, scorer, slots
from synthfin_core.jobs.local import LocalExecutor
from synthfin_core.jobs.scorer import Scorer
from synthfin_core.pipeline import Samples
from synthfin_core.rng import stream
from synthfin_core.spec import RunSpec, Setup
from synthfin_core.store import Status, Wanted


@pytest.fixture
def setup(store):
    return Setup(store.save_panel(made_panel({"one": "price"}, rows=150)), windows=WindowSpec(length=10))


@pytest.fixture
def filled(monkeypatch):
    """Ids of the scorecards that are filled, which takes no time."""
    ids = []

    def fill(card, store, should_stop):
        ids.append(card.id)
        card.write_status(Status("done"))
        return Status("stopped" if should_stop() else "done")

    monkeypatch.setattr(scorer, "fill_claimed", fill)
    return ids


@pytest.fixture
def no_process(monkeypatch):
    """Executors that start nothing."""
    started = []

    def start(self, slot, module):
        started.append(slot)
        return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])

    monkeypatch.setattr(LocalExecutor, "_start", start)
    return started


def cards(store, setup, count):
    """Scorecards that wait in the order of their windows' lengths."""
    made = []
    for length in range(10, 10 + count):
        card = store.scorecard(Setup(setup.panel_id, windows=WindowSpec(length=length)))
        store.scoring.put(card.id, resume=False)
        made.append(card)
    return made


def wait(until, seconds=60.0):
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


# What waits.


def test_the_oldest_is_filled_first_and_each_once(store, setup, filled):
    made = cards(store, setup, 3)
    worker = Scorer(store)
    assert [worker.work_once() for _ in range(4)] == [True, True, True, False]
    assert filled == [card.id for card in made]
    assert store.scoring.entries() == []


def test_what_another_process_holds_is_passed_over(store, setup, filled):
    first, second = cards(store, setup, 2)
    with first.claim():
        assert Scorer(store).work_once()
    assert filled == [second.id]
    assert store.scoring.place(first.id) == 1


def test_what_is_gone_is_taken_out(store, filled):
    store.scoring.put("scorecard-gone-00000000", resume=False)
    assert not Scorer(store).work_once()
    assert store.scoring.entries() == []
    assert filled == []


def test_an_old_wish_to_stop_does_not_stop_new_work(store, setup, filled):
    (card,) = cards(store, setup, 1)
    card.request_stop()
    assert Scorer(store).work_once()
    assert not card.stop_requested()


def test_what_is_at_hand_when_it_ends_waits_again_in_its_place(store, setup, filled):
    first, second = cards(store, setup, 2)
    worker = Scorer(store)
    worker.end()
    assert worker.work_once()
    assert [entry.run_id for entry in store.scoring.entries()] == [first.id, second.id]


def test_it_ends_when_nothing_comes_or_when_told(store, setup, filled):
    cards(store, setup, 2)
    begin = time.monotonic()
    Scorer(store, patience=0.2).work()
    assert len(filled) == 2
    assert 0.2 <= time.monotonic() - begin < 5
    worker = Scorer(store)
    thread = threading.Thread(target=worker.work)
    thread.start()
    worker.end()
    thread.join(5)
    assert not thread.is_alive()


def test_a_second_scorer_goes_at_once(store):
    held = slots.take(store, scorer.SLOT)
    with held:
        assert scorer.main(["--store", str(store.root)]) == 0


# What is asked for.


@pytest.mark.usefixtures("no_process")
def test_asking_puts_it_into_the_queue_once(store, setup):
    executor = LocalExecutor(store)
    card = executor.score(setup, Wanted(("run-a",)))
    again = executor.score(setup, Wanted(("run-a", "run-b"), learned=True))
    assert card.id == again.id
    assert len(store.scoring.entries()) == 1
    assert (card.status().state, card.status().queue_place) == ("queued", 1)
    assert card.wanted == Wanted(("run-a", "run-b"), True)
    executor.close()


@pytest.mark.usefixtures("no_process")
def test_one_that_is_worked_on_waits_for_another_turn_without_losing_its_state(store, setup):
    executor = LocalExecutor(store)
    card = store.scorecard(setup)
    card.write_status(Status("running", step=10))
    executor.score(setup, Wanted(("run-a",)))
    assert card.status().state == "running"
    assert store.scoring.place(card.id) == 1
    executor.stop_scoring(card)
    assert store.scoring.entries() == []
    executor.close()


@pytest.mark.usefixtures("no_process")
def test_stopping_takes_it_out_or_asks_for_an_end(store, setup):
    executor = LocalExecutor(store)
    card = executor.score(setup, Wanted())
    executor.stop_scoring(card)
    assert (card.status().state, card.status().message) == ("stopped", "Taken out of the queue.")
    assert not card.stop_requested()
    card.write_status(Status("running"))
    executor.stop_scoring(card)
    assert card.stop_requested()
    executor.close()


def test_two_executors_start_one_scorer(store, setup, no_process):
    first, second = LocalExecutor(store), LocalExecutor(store)
    for executor in (first, second, first):
        executor.score(setup, Wanted())
    assert no_process == [scorer.SLOT]
    first.close()


def test_another_server_that_has_a_scorer_is_enough(store, setup, no_process):
    with slots.take(store, scorer.SLOT):
        LocalExecutor(store).score(setup, Wanted())
    assert no_process == []


# A real process.


def test_a_process_of_its_own_scores_and_ends_well(store, setup):
    run = store.create(RunSpec(setup, "vae", {}))
    x = 0.01 * stream(0, "samples").standard_normal((30, 10, 1))
    run.save_samples(Samples(x, ("one",), ("price",), ("log return",), np.full(1, 100.0)))
    executor = LocalExecutor(store)
    try:
        card = executor.score(setup, Wanted((run.id,)))
        child = local._children[store.root, scorer.SLOT]
        assert os.getsid(child.pid) == child.pid
        wait(lambda: card.floors("quick") is not None or not card.status().active, 120)
        wait(lambda: card.has_part(run.id, "quick", run.samples_stamp) or not card.status().active, 60)
        assert card.has_part(run.id, "quick", run.samples_stamp), card.status().message
        part = card.part(run.id, "quick", run.samples_stamp)
        assert len(part.rows) > 20
        executor.stop_scoring(card)
        wait(lambda: not card.status().active)
        assert card.status().state in ("stopped", "done")
    finally:
        executor.close()
    assert child.returncode == 0
    assert slots.slot_path(store, scorer.SLOT).with_suffix(".log").read_bytes() == b""
    with slots.take(store, scorer.SLOT) as held:  # the slot is free again
        assert held is not None
