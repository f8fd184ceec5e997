"""A scorecard's folder: its name, what is asked for, its parts, and what happens to those that can't be read."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace

import pytest
from conftest import made_panel

from synthfin_core.data.panel import Selection
from synthfin_core.data.windows import WindowSpec
from synthfin_core.errors import DamagedRun, RunNotFound, StoreError
from synthfin_core.evaluation import Floors, evaluate
from synthfin_core.rng import stream
from synthfin_core.spec import Setup
from synthfin_core.store import Status, Store, Wanted, scorecard
from synthfin_core.store.scorecard import scorecard_id


@pytest.fixture
def setup(store) -> Setup:
    return Setup(store.save_panel(made_panel({"one": "price", "two": "price"})), Selection(), WindowSpec(length=10))


@pytest.fixture
def card(store, setup):
    return store.scorecard(setup)


@pytest.fixture(scope="module")
def report(windows):
    return evaluate(windows, {"run": 0.01 * stream(0, "run").standard_normal((20, 10, 2))}, ["wasserstein", "mmd"])


def test_the_name_tells_the_data_and_asking_again_gives_the_same(store, setup, card):
    assert card.id.startswith("scorecard-walks-w10-")
    assert store.scorecard(setup).path == store.scorecard_named(card.id).path == card.path
    assert repr(card) == f"<Scorecard {card.id}>"
    assert card.setup == scorecard.ground(setup)


def test_only_what_changes_the_real_windows_changes_the_name(setup):
    def id_with(**changes):
        return scorecard_id(replace(setup, windows=replace(setup.windows, **changes)))

    plain = scorecard_id(setup)
    assert id_with(representation="standard") == id_with(representation="gaussian") == plain
    assert id_with(representation="min-max") == id_with(representation="levels") != plain
    assert len({plain, id_with(length=12), id_with(stride=2), id_with(holdout=0.3), id_with(pool=True)}) == 5


def test_a_new_version_of_the_scores_has_a_new_name(setup, monkeypatch):
    before = scorecard_id(setup)
    monkeypatch.setattr(scorecard, "SCORES_VERSION", scorecard.SCORES_VERSION + 1)
    assert scorecard_id(setup) != before
    assert scorecard_id(setup)[:-8] == before[:-8]


@pytest.mark.parametrize("name", ["scorecard-none", "../x", "a/b", ""])
def test_a_scorecard_that_is_not_there_is_not_found(store, name):
    with pytest.raises((RunNotFound, StoreError)):
        store.scorecard_named(name)


def test_a_setup_that_was_altered_or_lost_is_told(store, card):
    path = card.path / "spec.json"
    spec = json.loads(path.read_text())
    spec["setup"]["windows"]["length"] = 11
    path.write_text(json.dumps(spec))
    with pytest.raises(DamagedRun, match="was altered: delete the folder"):
        _ = card.setup
    path.write_text("{}")
    with pytest.raises(DamagedRun, match=r"can't be read: delete the folder"):
        _ = card.setup


def test_what_is_wanted_is_kept(store, card):
    assert card.wanted == Wanted()
    card.want(Wanted(("run-a", "run-b"), learned=True))
    assert store.scorecard_named(card.id).wanted == Wanted(("run-a", "run-b"), True)
    (card.path / "wanted.json").write_text("[1")
    assert card.wanted == Wanted()


def test_where_it_stands(store, card):
    assert (card.status().state, card.status().message) == ("stopped", "Not scored yet.")
    card.write_status(Status("running", step=10, steps=1000))
    assert card.status().state == "running"
    store.scoring.put("scorecard-other", resume=False, moment=1)
    store.scoring.put(card.id, resume=False)
    card.write_status(Status("queued"))
    assert card.status().queue_place == 2
    (card.path / "status.json").write_text("nonsense")
    assert card.status().state == "stopped"


def test_a_scorer_that_is_gone_has_died(card):
    card.write_status(Status("running"))
    path = card.path / "status.json"
    values = json.loads(path.read_text())
    values["trainer"], values["heartbeat"] = {**values["trainer"], "pid": 2**22 + 1}, time.time() - 3600
    path.write_text(json.dumps(values))
    assert card.status().state == "died"
    assert "score again" in card.status().message


def test_an_end_can_be_asked_for(card):
    assert not card.stop_requested()
    card.request_stop()
    assert card.stop_requested()
    card.clear_stop()
    card.clear_stop()
    assert not card.stop_requested()


def test_one_at_a_time_holds_it(store, card):
    with (
        card.claim(),
        pytest.raises(StoreError, match="is being worked on by another process: wait for it"),
        store.scorecard_named(card.id).claim(),
    ):
        pass
    with card.claim():
        pass


def test_parts_are_kept_by_data_set_level_and_stamp(card, report):
    assert card.part("run", "quick", 5) is None
    card.save_part("run", "quick", report, 5)
    again = card.part("run", "quick", 5)
    assert json.dumps(again.to_dict()) == json.dumps(report.to_dict())
    assert card.has_part("run", "quick", 5)
    assert not card.has_part("run", "quick", 6)
    assert not card.has_part("run", "learned", 5)
    assert not card.has_part("other", "quick", 5)


@pytest.mark.parametrize("name", ["../run", "a/b", "Run", "", "."])
def test_no_name_becomes_a_path_unchecked(card, report, name):
    with pytest.raises(StoreError):
        card.save_part(name, "quick", report)


@pytest.mark.parametrize(
    "text", ["", "[", "[]", "{}", '{"stamp": 0}', '{"stamp": 0, "report": {}}', '{"stamp": 0, "report": {"rows": 1}}']
)
def test_a_part_that_cannot_be_read_is_none(card, report, text):
    card.save_part("run", "quick", report)
    (card.path / "run-quick.json").write_text(text)
    assert card.part("run", "quick") is None
    assert not card.has_part("run", "quick")
    (card.path / "floors-quick.json").write_text(text)
    assert card.floors("quick") is None


def test_floors_are_kept_by_level(card):
    rows = [{"score": "wasserstein", "series": "one", "losses": [0.0, 1.0, 2.0, 3.0]}]
    floors = Floors.from_dict({**Floors().to_dict(), "oracle": rows})
    assert card.floors("quick") is None
    card.save_floors("quick", floors)
    assert card.floors("quick").to_dict() == floors.to_dict()
    assert card.floors("learned") is None


def test_stamps_tell_what_is_new(card, report):
    assert card.stamps(["run"]) == ()
    card.save_part("run", "quick", report)
    card.save_floors("quick", Floors())
    first = card.stamps(["run"])
    assert [name for name, _ in first] == ["floors-quick.json", "run-quick.json"]
    os.utime(card.path / "run-quick.json", ns=(1, 1))
    assert card.stamps(["run"]) != first
    assert len(card.stamps([])) == 1


def test_a_store_elsewhere_reads_it(card, report, store):
    card.save_part("run", "quick", report)
    assert Store(store.root).scorecard_named(card.id).part("run", "quick") is not None
