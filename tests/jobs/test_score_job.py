"""Filling a scorecard in this process: written bit by bit, never computed twice, stopped, and failing in words."""

from __future__ import annotations

import os

import numpy as np
import pytest
from conftest import made_panel
from fabricated import a_run

from synthfin_core.data.windows import Windows, WindowSpec
from synthfin_core.errors import DataError, StoreError
from synthfin_core.evaluation import BASELINES, METRICS, floors
from synthfin_core.evaluation.metric import Metric
from synthfin_core.jobs import score
from synthfin_core.jobs.score import SEEDS, baseline_part, collect, fill
from synthfin_core.pipeline import Samples
from synthfin_core.rng import stream
from synthfin_core.spec import Setup
from synthfin_core.store import Store, Wanted

QUICK = ("mean_difference", "wasserstein", "acf_distance")
JUDGE = "strong_judge"
MADE: dict[str, Windows] = {}
PARTS = [baseline_part(name, seed) for seed in SEEDS for name in BASELINES]


def count(pairs, context):
    """A judge that trains nothing."""
    return [float(len(synthetic)) for _, synthetic in pairs]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A handful of scores, four paths, and windows that every store shares, so that processes are fitted once."""
    monkeypatch.setattr(floors, "PATHS", 4)
    monkeypatch.setattr(floors, "REFITS", 1)
    monkeypatch.setattr(score, "DRAWN", 60)
    for name in [name for name in METRICS if name not in QUICK]:
        monkeypatch.delitem(METRICS, name)
    judge = Metric(JUDGE, "Judge", "judges", "lower", "", "A judge.", count, learned=True, together=True)
    monkeypatch.setitem(METRICS, JUDGE, judge)
    cut = Store.windows

    def windows(store, setup):
        if setup.id not in MADE:
            MADE[setup.id] = cut(store, setup)
        return MADE[setup.id]

    monkeypatch.setattr(Store, "windows", windows)


def drawn(run, seed=0):
    """Samples of a run as a model would keep them."""
    x = 0.01 * stream(seed, "samples").standard_normal((30, 20, 2))
    names = ("Asset_1_Price", "Asset_2_Price")
    run.save_samples(Samples(x, names, ("price",) * 2, ("log return",) * 2, np.full(2, 100.0)))


@pytest.fixture
def run(store):
    made = a_run(store)
    drawn(made)
    return made


@pytest.fixture
def card(store, run):
    made = store.scorecard(run.spec.setup)
    made.want(Wanted((run.id,)))
    return made


def computed(monkeypatch):
    """Names of the data sets that are scored from now on."""
    names = []

    def noting(windows, sets, *rest, **more):
        names.extend(sets)
        return evaluate(windows, sets, *rest, **more)

    evaluate = score.evaluate
    monkeypatch.setattr(score, "evaluate", noting)
    return names


def forbid(monkeypatch):
    for module, name in (
        ("synthfin_core.jobs.score", "evaluate"),
        ("synthfin_core.evaluation.score", "measure_floors"),
    ):
        monkeypatch.setattr(f"{module}.{name}", lambda *_, **__: pytest.fail("it was computed again"))


def test_it_fills_floors_the_run_and_every_baseline(store, card, run):
    end = fill(card, store)
    assert (end.state, end.message) == ("done", "")
    assert end.seconds > 0
    assert card.status().state == "done"
    assert ("wasserstein", "Asset_1_Price") in card.floors("quick").oracle
    assert card.floors("learned") is None
    part = card.part(run.id, "quick", run.samples_stamp)
    assert part.data == (run.id,)
    assert {row.score for row in part.rows} == set(QUICK)
    assert [name for name in PARTS if card.part(name, "quick").data != (name,)] == []


def test_the_run_is_written_before_the_baselines_are_computed(store, card, run, monkeypatch):
    names, seen = computed(monkeypatch), []
    monkeypatch.setattr(type(card), "save_part", lambda self, name, *_: seen.append((name, len(names))))
    fill(card, store)
    assert seen == [(run.id, 1), *((name, 1 + len(PARTS)) for name in PARTS)]


def test_what_is_there_is_not_computed_again(store, card, run, monkeypatch):
    fill(card, store)
    before = card.stamps([run.id, *PARTS])
    forbid(monkeypatch)
    assert fill(card, store).state == "done"
    assert card.stamps([run.id, *PARTS]) == before


def test_a_run_with_new_samples_is_scored_again_and_alone(store, card, run, monkeypatch):
    fill(card, store)
    old = run.samples_stamp
    drawn(run, seed=1)
    os.utime(run.path / "samples.npz", ns=(old + 10**9, old + 10**9))
    assert card.part(run.id, "quick", run.samples_stamp) is None
    names = computed(monkeypatch)
    fill(card, store)
    assert names == [run.id]
    assert card.part(run.id, "quick", run.samples_stamp) is not None


def test_another_run_is_added_and_what_is_gone_or_not_drawn_yet_is_passed_over(store, card, run, monkeypatch):
    fill(card, store)
    other, waiting = a_run(store, seed=1), a_run(store, seed=2)
    drawn(other, seed=1)
    card.want(Wanted((run.id, other.id, waiting.id, "vae-gone-00000000")))
    names = computed(monkeypatch)
    assert fill(card, store).state == "done"
    assert names == [other.id]


@pytest.mark.parametrize("damaged", ["part", "floors"])
def test_what_cannot_be_read_is_computed_again(store, card, run, monkeypatch, damaged):
    fill(card, store)
    name = f"{run.id}-quick.json" if damaged == "part" else "floors-quick.json"
    whole = (card.path / name).read_bytes()
    (card.path / name).write_bytes(whole[: len(whole) // 2])
    names = computed(monkeypatch)
    assert fill(card, store).state == "done"
    assert names == ([run.id] if damaged == "part" else [])
    assert (card.path / name).read_bytes() == whole


def test_judges_come_after_all_quick_scores_and_see_all_data_sets_at_once(store, card, run, monkeypatch):
    card.want(Wanted((run.id,), learned=True))
    calls = []
    evaluate = score.evaluate

    def noting(windows, sets, *rest, **more):
        calls.append(list(sets))
        return evaluate(windows, sets, *rest, **more)

    monkeypatch.setattr(score, "evaluate", noting)
    assert fill(card, store).state == "done"
    first_seeds = [baseline_part(name, 0) for name in BASELINES]
    assert calls[-1] == [run.id, *first_seeds]
    assert calls[:-1] == [[run.id], PARTS]
    assert (JUDGE, "all") in card.floors("learned").oracle
    assert card.part(run.id, "learned", run.samples_stamp).rows[0].value == 30


@pytest.mark.parametrize("how", ["card", "argument"])
def test_stopping_keeps_what_is_there_and_it_goes_on_from_there(store, card, run, monkeypatch, how):
    saved = []
    keep = type(card).save_part

    def stop_after_the_run(self, name, *rest):
        keep(self, name, *rest)
        saved.append(name)
        if how == "card" and len(saved) == 1:
            card.request_stop()

    monkeypatch.setattr(type(card), "save_part", stop_after_the_run)
    end = fill(card, store, lambda: how == "argument" and len(saved) >= 1)
    assert (end.state, end.message) == ("stopped", "Stopped; what was scored is kept.")
    assert saved == [run.id]
    assert card.has_part(run.id, "quick", run.samples_stamp)
    assert not card.stop_requested()
    names = computed(monkeypatch)
    assert fill(card, store).state == "done"
    assert names == PARTS


def test_known_failures_are_told_as_they_are_and_others_with_where_to_look(store, card, monkeypatch):
    def refuse(*_, **__):
        raise DataError("The windows are no good: choose others.")

    def break_off(*_, **__):
        raise RuntimeError("bad luck\nand more of it")

    monkeypatch.setattr(score, "evaluate", refuse)
    assert (fill(card, store).state, card.status().message) == ("failed", "The windows are no good: choose others.")
    monkeypatch.setattr(score, "evaluate", break_off)
    end = fill(card, store)
    assert end.state == "failed"
    assert end.message == (
        "Scoring broke off unexpectedly (RuntimeError: bad luck); details are in log.txt of the scorecard."
    )
    assert "and more of it" in (card.path / "log.txt").read_text()


def test_a_panel_that_is_gone_is_told(store):
    setup = Setup(store.save_panel(made_panel({"one": "price"})), windows=WindowSpec(length=11))
    (store.root / "panels" / setup.panel_id).rename(store.root / "elsewhere")
    end = fill(store.scorecard(setup), store)
    assert end.state == "failed"
    assert setup.panel_id in end.message


def test_only_one_fills_at_a_time(store, card):
    with card.claim(), pytest.raises(StoreError, match="being worked on by another process"):
        fill(card, store)


def test_it_says_how_far_it_is(store, card, monkeypatch):
    monkeypatch.setattr(score, "BEAT_EVERY", 0.001)
    seen = []
    write = type(card).write_status
    monkeypatch.setattr(type(card), "write_status", lambda self, status: seen.append(status) or write(self, status))
    fill(card, store)
    states = [status.state for status in seen]
    assert states[-1] == "done"
    assert set(states[:-1]) == {"running"}
    steps = [status.step for status in seen[:-1]]
    assert steps == sorted(steps)
    assert (steps[0], max(steps) <= 1000) == (0, True)
    assert any("noise floor" in status.message for status in seen)
    assert any(status.seconds_left for status in seen)


def test_a_history_too_short_for_processes_is_scored_without_them(store, monkeypatch):
    setup = Setup(store.save_panel(made_panel({"one": "price"}, rows=70)), windows=WindowSpec(length=5))
    card = store.scorecard(setup)
    assert fill(card, store).state == "done"
    assert card.floors("quick").oracle == {}
    assert not any(card.has_part(name, "quick") for name in PARTS)


def test_it_is_collected_as_one_report(store, card, run):
    titles = {run.id: "my run", **{name: name for name in PARTS[:2]}}
    assert collect(card, store, titles, {}) is None
    card.want(Wanted((run.id,), learned=True))
    fill(card, store)
    report = collect(card, store, titles, {run.id: "VAE", PARTS[0]: "gaussian", PARTS[1]: "gaussian"})
    assert report.data == ("my run", *PARTS[:2])
    assert report.models == {"my run": "VAE", PARTS[0]: "gaussian", PARTS[1]: "gaussian"}
    assert {row.score for row in report.rows} == {*QUICK, JUDGE}
    assert {score for score, _ in report.floors.oracle} == {*QUICK, JUDGE}
    assert report.verdict("my run").judged > 0
    assert set(report.ranking()["model"]) == {"VAE", "gaussian"}
