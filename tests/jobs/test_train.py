"""Training a run in this process: what is written down, stopping, resuming, going on, failing."""

from __future__ import annotations

import dataclasses
import json
import shutil
import time

import numpy as np
import pytest

from synthfin_core.data.windows import WindowSpec
from synthfin_core.errors import StoreError
from synthfin_core.jobs import recorder
from synthfin_core.jobs.train import train
from synthfin_core.registry import generator_class
from synthfin_core.spec import RunSpec, Setup
from synthfin_core.store import Run, Status, Store, process


@pytest.fixture
def make(store, panel, stand_in):
    """Makes a run of the stand-in with the settings given."""
    setup = Setup(store.save_panel(panel), windows=WindowSpec(length=10))

    def made(seed=0, continued_from=None, **config) -> Run:
        return store.create(RunSpec(setup, stand_in, config, seed=seed, continued_from=continued_from))

    return made


def steps_of(run: Run) -> list[int]:
    return [record["step"] for record in run.progress()[0]]


def weights_of(run: Run) -> bytes:
    return (run.path / "weights.safetensors").read_bytes()


class TestDone:
    def test_a_run_leaves_all_that_pages_need(self, store, make):
        run = make(epochs=5)
        status = train(run, store)
        assert status == run.status()
        assert (status.state, status.step, status.steps, status.epoch, status.epochs) == ("done", 20, 20, 5, 5)
        assert status.seconds > 0
        assert status.seconds_left == 0
        assert "weight" in status.diagnostics
        assert status.warnings == ("It only stands in.",)
        assert len(run.samples()) == 1000
        assert run.samples().x[:7].tobytes() == run.load().sample(7, seed=0).x.tobytes()
        latents = run.latents()
        np.testing.assert_allclose(latents.mu, run.load().encode(store.windows(run.spec.setup).train.x)[0])
        assert run.checkpoint()[1]["step"] == 20

    def test_a_done_run_is_left_alone(self, store, make):
        run = make()
        train(run, store)
        before = weights_of(run), run.progress()
        assert train(run, store).state == "done"
        assert (weights_of(run), run.progress()) == before

    def test_latents_say_which_windows_they_belong_to(self, store, make, monkeypatch):
        monkeypatch.setattr("synthfin_core.jobs.train.KEPT_LATENTS", 50)
        run = make()
        train(run, store)
        kept = run.latents()
        assert len(kept.window) == 50
        assert (kept.window[0], kept.window[-1]) == (0, len(store.windows(run.spec.setup).train) - 1)
        x = store.windows(run.spec.setup).train.x[kept.window]
        np.testing.assert_array_equal(kept.mu, run.load().encode(x)[0])

    def test_the_same_spec_gives_the_same_bytes_in_another_store(self, store, make, panel, tmp_path):
        run = make(seed=4)
        train(run, store)
        other = Store(tmp_path / "other")
        other.save_panel(panel)
        again = other.create(run.spec)
        train(again, other)
        assert weights_of(again) == weights_of(run)


class TestProgress:
    def test_first_steps_and_every_epoch_are_reported(self, store, make):
        run = make(epochs=100)
        train(run, store)
        steps = steps_of(run)
        assert steps[:50] == list(range(1, 51))
        assert set(range(4, 401, 4)) <= set(steps)
        assert len(steps) < 400

    def test_a_record_is_the_mean_since_the_one_before(self, store, make):
        run = make(epochs=100)
        train(run, store)
        before = 0
        for record in run.progress()[0]:
            expected = np.arange(before + 1, record["step"] + 1)
            assert record["losses"]["other"] == pytest.approx(expected.mean())
            assert record["losses"]["loss"] == pytest.approx((1 / expected).mean())
            assert record["epoch"] == (record["step"] - 1) // 4 + 1
            before = record["step"]
        assert before == 400

    def test_reports_are_thinned_while_an_epoch_lasts(self, run_of_one_epoch):
        steps = run_of_one_epoch
        assert steps[:50] == list(range(1, 51))
        assert steps[-1] == 400
        assert len(steps) <= 50 + 20 * 1.0 + 2  # 350 steps of 2 ms at 20 records a second

    def test_a_long_run_is_reported_less_often(self, store, make, monkeypatch):
        monkeypatch.setattr("stand_in.STEPS_AN_EPOCH", 6000)
        monkeypatch.setattr(recorder.time, "monotonic", _clock(1.0))
        monkeypatch.setattr(recorder, "PREVIEW_EVERY", 1e9)
        monkeypatch.setattr(recorder, "CHECKPOINT_EVERY", 1e9)
        run = make(epochs=1)
        train(run, store)
        seconds = np.array([record["seconds"] for record in run.progress()[0]])
        late = seconds[seconds > 0.6 * seconds[-1]][:-1]
        assert len(late) > 100
        assert np.diff(late).min() >= late[0] * recorder.REPORT_SHARE > recorder.REPORT_EVERY

    @pytest.fixture
    def run_of_one_epoch(self, store, make, monkeypatch) -> list[int]:
        monkeypatch.setattr("stand_in.STEPS_AN_EPOCH", 400)
        monkeypatch.setattr(recorder.time, "monotonic", _clock(0.002))
        run = make(epochs=1)
        train(run, store)
        return steps_of(run)

    def test_sample_paths_and_checkpoints_come_while_it_trains(self, store, make, monkeypatch, panel):
        monkeypatch.setattr(recorder, "CHECKPOINT_EVERY", 0.2)
        seen = []

        def look(progress):
            run_ = store.run(run.id)
            seen.append((run_.preview(), run_.checkpoint(), run_.status()))

        run = make(epochs=15, pause=0.01)
        train(run, store, on_step=look)
        previews = [preview for preview, _, _ in seen if preview]
        assert previews
        paths = np.array(previews[0]["paths"])
        assert paths.shape == (12, 11)
        assert paths[:, 0] == pytest.approx(panel.frame["one"].iloc[-1], rel=1e-5)
        assert (previews[0]["series"], previews[0]["kind"], previews[0]["unit"]) == ("one", "price", "log return")
        assert previews[0]["diagnostics"]["weight"] != 0
        assert any(checkpoint for _, checkpoint, _ in seen)
        assert seen[-1][2].state == "running"
        assert seen[-1][2].steps == 60

    def test_a_model_may_ask_for_a_checkpoint_every_so_many_epochs(self, store, make, monkeypatch):
        monkeypatch.setattr(generator_class("stand-in"), "checkpoint_epochs", 2)
        monkeypatch.setattr(recorder, "FIRST_CHECKPOINT", 30.0)
        run, found = make(epochs=6), {}

        def look(progress):
            kept = run.checkpoint()
            found[progress.step] = kept and kept[1]["step"]

        train(run, store, on_step=look)
        assert found[7] is None
        assert [found[step] for step in (8, 15, 16, 24)] == [8, 8, 16, 24]

    def test_previews_never_take_more_than_a_twentieth(self, monkeypatch):
        now = [0.0]
        monkeypatch.setattr(recorder.time, "monotonic", lambda: now[0])
        spent = []

        def act():
            now[0] += 0.4
            spent.append(0.4)

        sparing = recorder._Sparing(1.5, first=0.3)
        while now[0] < 200:
            now[0] += 0.01
            sparing.when_due(now[0], act)
        assert sum(spent) / now[0] <= recorder.LARGEST_SHARE
        assert sum(spent) / now[0] > 0.8 * recorder.LARGEST_SHARE

    def test_a_sign_of_life_comes_while_a_step_takes_long(self, store, make, monkeypatch):
        monkeypatch.setattr(recorder, "HEARTBEAT_EVERY", 0.02)
        run = make(epochs=1, pause=0.2)
        beats = set()

        def should_stop():
            return bool(beats.add(json.loads((run.path / "status.json").read_text())["heartbeat"]))

        train(run, store, should_stop=should_stop)
        assert len(beats) >= 2  # four steps of 0.2 seconds; a busy machine may skip a beat

    def test_speed_and_time_left(self, store, make):
        run = make(epochs=20, pause=0.01)
        statuses = []
        train(run, store, on_step=lambda _: statuses.append(run.status()))
        run_status = run.status()
        assert 0 < run_status.steps_per_second < 110  # a step takes a hundredth of a second at least
        assert statuses[0].seconds_left is None


class TestStopping:
    def stop_at(self, run, step):
        return lambda progress: run.request_stop() if progress.step == step else None

    def test_it_stops_within_a_step_and_what_was_learnt_is_kept(self, store, make):
        run = make()
        status = train(run, store, on_step=self.stop_at(run, 7))
        assert (status.state, status.step) == ("stopped", 7)
        assert run.status().seconds_left is None
        assert run.checkpoint()[1]["step"] == 7
        assert len(run.load().sample(3)) == 3
        assert not run.stop_requested()

    @pytest.mark.parametrize("at", [(1,), (7,), (3, 11, 19)])
    def test_resuming_ends_as_if_never_stopped(self, store, make, panel, tmp_path, at):
        run = make(seed=2)
        for step in at:
            assert train(run, store, resume=True, on_step=self.stop_at(run, step)).state == "stopped"
        assert train(run, store, resume=True).state == "done"
        other = Store(tmp_path / "other")
        other.save_panel(panel)
        straight = other.create(run.spec)
        train(straight, other)
        assert weights_of(run) == weights_of(straight)
        assert run.samples().x.tobytes() == straight.samples().x.tobytes()
        assert steps_of(run) == steps_of(straight) == list(range(1, 21))

    def test_time_adds_up_over_sittings(self, store, make):
        run = make(pause=0.01)
        first = train(run, store, on_step=self.stop_at(run, 10)).seconds
        assert train(run, store, resume=True).seconds > first + 0.09

    def test_without_resume_it_starts_over(self, store, make):
        run = make()
        train(run, store, on_step=self.stop_at(run, 7))
        seen = []
        train(run, store, on_step=lambda progress: seen.append(progress.step))
        assert seen == list(range(1, 21))
        assert steps_of(run) == list(range(1, 21))

    def test_a_stop_before_the_first_step(self, store, make):
        run = make()
        status = train(run, store, should_stop=lambda: True)
        assert (status.state, status.step) == ("stopped", 0)
        assert train(run, store, resume=True).state == "done"

    def test_a_stop_after_the_last_step_is_too_late(self, store, make):
        run = make()
        assert train(run, store, on_step=self.stop_at(run, 20)).state == "done"

    def test_a_killed_trainer_loses_only_what_came_after_its_checkpoint(self, store, make):
        run, straight = make(seed=1), make(seed=1, pause=0.001)
        train(run, store, on_step=self.stop_at(run, 8))
        run.append_progress({"step": step, "epoch": 3, "seconds": 1.0, "losses": {}} for step in (9, 10))
        gone = {"pid": 2**22 + 5, "started": "1", "place": process.place()}
        values = {**Status("running", step=10).to_dict(), "trainer": gone, "heartbeat": time.time()}
        (run.path / "status.json").write_text(json.dumps(values))
        assert run.status().state == "died"
        assert train(run, store, resume=True).state == "done"
        assert steps_of(run) == list(range(1, 21))
        train(straight, store)
        assert run.samples().x.tobytes() == straight.samples().x.tobytes()


class TestTrainLonger:
    def test_it_goes_on_from_the_last_checkpoint(self, store, make):
        short = make(epochs=3)
        train(short, store)
        longer = make(epochs=5, continued_from=short.id)
        seen = []
        assert train(longer, store, on_step=lambda progress: seen.append(progress.step)).state == "done"
        assert seen == list(range(13, 21))
        assert steps_of(longer) == list(range(1, 21))
        straight = make(epochs=5)
        train(straight, store)
        assert weights_of(longer) == weights_of(straight)
        assert longer.status().seconds > short.checkpoint()[1]["seconds"]
        assert short.status().step == 12

    def test_other_settings_cannot_be_gone_on_with(self, store, make):
        short = make(epochs=3)
        train(short, store)
        for wrong in ({"seed": 1}, {"pause": 0.001}):
            status = train(make(epochs=5, continued_from=short.id, **wrong), store)
            assert status.state == "failed"
            assert "differs in more than the number of epochs" in status.message

    def test_a_run_to_go_on_from_must_be_there(self, store, make):
        short = make(epochs=3)
        longer = make(epochs=5, continued_from=short.id)
        assert "has no checkpoint: train that one first" in train(longer, store).message
        store.delete(short.id)
        assert f"no run '{short.id}'" in train(longer, store).message


class TestFailing:
    def test_what_the_library_says_is_passed_on(self, store, make):
        status = train(make(fail_at=6), store)
        assert status.state == "failed"
        assert status.message == "loss became nan, expected a finite number; lower the learning rate."
        assert status.step == 5

    def test_a_diverging_run_keeps_the_model_of_its_last_good_checkpoint(self, store, make, monkeypatch):
        monkeypatch.setattr(recorder, "CHECKPOINT_EVERY", 0.0)
        monkeypatch.setattr(recorder, "LARGEST_SHARE", 1e9)
        run, until = make(fail_at=6, epochs=5), make(epochs=5, fail_at=7)
        status = train(run, store)
        assert status.state == "failed"
        assert status.message.endswith(" The model of step 5, the last good checkpoint, was kept.")
        train(until, store, on_step=lambda progress: until.request_stop() if progress.step == 5 else None)
        np.testing.assert_array_equal(run.samples().x, until.samples().x)
        assert len(run.load().sample(3).x) == 3

    def test_a_fault_is_told_in_a_sentence_and_kept_in_full(self, store, make):
        run = make(fail_at=2, how="bug")
        status = train(run, store)
        assert status.message == (
            "Training broke off unexpectedly (ZeroDivisionError: something in the code); "
            "details are in log.txt of the run."
        )
        assert "Traceback" in (run.path / "log.txt").read_text()

    def test_memory_that_runs_out(self, store, make):
        assert "Memory ran out: choose a smaller batch" in train(make(fail_at=2, how="memory"), store).message

    def test_a_warning_is_kept_beside_those_of_the_model(self, store, make):
        status = train(make(fail_at=2, how="warn"), store)
        assert status.state == "done"
        assert status.warnings == ("The stand-in is not well.", "It only stands in.")

    def test_data_that_are_gone(self, store, make):
        run = make()
        shutil.rmtree(store.root / "panels")
        assert "There is no data set" in train(run, store).message

    def test_windows_that_do_not_fit(self, store, make, stand_in):
        setup = dataclasses.replace(make().spec.setup, windows=WindowSpec(length=299))
        assert "Only 0 training windows of 299 bars" in train(store.create(RunSpec(setup, stand_in)), store).message

    def test_a_full_disk(self, store, make, monkeypatch):
        def full(*_):
            raise StoreError("The disk is full, so progress.jsonl could not be saved.")

        monkeypatch.setattr(Run, "append_progress", full)
        status = train(make(), store)
        assert (status.state, status.message[:16]) == ("failed", "The disk is full")

    def test_an_altered_checkpoint(self, store, make):
        run = make()
        train(run, store, should_stop=iter([False] * 5 + [True] * 9).__next__)
        path = run.path / "checkpoint.safetensors"
        path.write_bytes(path.read_bytes()[:-1])
        assert "checkpoint.safetensors of" in train(run, store, resume=True).message
        assert train(run, store).state == "done"

    def test_one_process_at_a_time(self, store, make):
        run = make()
        with run.claim(), pytest.raises(StoreError, match="by another process"):
            train(run, store)


def _clock(step: float):
    """Time that goes on by `step` at each look, whatever the machine does."""
    now = [1000.0]

    def look() -> float:
        now[0] += step / 4  # a step of training looks about four times
        return now[0]

    return look
