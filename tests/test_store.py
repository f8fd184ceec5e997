"""The store: names, whole writes, damage told in words, quick listing."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from synthfin_core.data.selection import Selection
from synthfin_core.data.windows import WindowSpec
from synthfin_core.errors import DamagedRun, RunNotFound, SettingError, StoreError
from synthfin_core.pipeline import Pipeline
from synthfin_core.registry import GENERATORS
from synthfin_core.spec import RunSpec, Setup, slug
from synthfin_core.store import Latents, Run, Status, Store, files, process
from synthfin_core.store import status as status_module

pytestmark = pytest.mark.usefixtures("stand_in")


@pytest.fixture
def setup(store, panel) -> Setup:
    return Setup(store.save_panel(panel), Selection(columns=("one",)), WindowSpec(length=10))


@pytest.fixture
def run(store, setup) -> Run:
    return store.create(RunSpec(setup, "stand-in"))


class TestSpec:
    def test_the_id_is_readable_and_ends_in_the_hash(self, setup):
        spec = RunSpec(setup, "stand-in", seed=1)
        assert spec.run_id == f"stand-in-walks-w10-{spec.hash[:8]}"

    def test_what_is_left_out_takes_its_default_and_names_the_same_run(self, setup):
        assert RunSpec(setup, "stand-in").hash == RunSpec(setup, "stand-in", {"epochs": 5, "pause": 0}).hash

    @pytest.mark.parametrize(
        "change",
        [{"seed": 1}, {"config": {"epochs": 6}}, {"continued_from": "x"}, {"version": 0}, {"generator": "vae"}],
    )
    def test_every_part_changes_the_hash(self, setup, change):
        spec = RunSpec(setup, "stand-in")
        assert (
            RunSpec(**{**vars(spec), **({"config": {}} if "generator" in change else {}), **change}).hash != spec.hash
        )

    def test_data_selection_and_windows_change_the_hash(self, setup):
        others = [
            dataclasses.replace(setup, panel_id="walks-00000000"),
            dataclasses.replace(setup, selection=Selection()),
            dataclasses.replace(setup, windows=WindowSpec(length=10, representation="gaussian")),
        ]
        assert len({RunSpec(one, "stand-in").hash for one in [setup, *others]}) == 4

    def test_it_survives_json(self, setup):
        spec = RunSpec(setup, "stand-in", {"epochs": 9}, seed=2, continued_from="before")
        again = RunSpec.from_dict(json.loads(json.dumps(spec.to_dict())))
        assert (again, again.hash, hash(again)) == (spec, spec.hash, hash(spec))

    def test_settings_of_another_version_are_kept_as_they_were_written(self, setup):
        assert RunSpec(setup, "stand-in", {"gone": 1}, version=0).config == {"gone": 1}

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"config": {"epochs": 0}}, "epochs is 0, expected a whole number from 1"),
            ({"config": {"eposch": 3}}, "Unknown setting 'eposch'"),
            ({"generator": "vea"}, "No generator is called 'vea'"),
            ({"seed": 0.5}, "seed is 0.5, expected a whole number"),
        ],
    )
    def test_what_is_wrong_is_refused(self, setup, change, words):
        with pytest.raises(SettingError, match=words):
            RunSpec(**{**vars(RunSpec(setup, "stand-in")), **change})

    @pytest.mark.parametrize("values", [{}, {"setup": 1}, [], None])
    def test_other_json_is_no_spec(self, values):
        with pytest.raises(SettingError, match="spec of a run has"):
            RunSpec.from_dict(values)

    def test_the_longest_names_make_an_id(self, setup):
        long = dataclasses.replace(setup, panel_id=slug("x" * 99) + "-12345678", windows=WindowSpec(length=5000))
        assert files.ID_PATTERN.fullmatch(RunSpec(long, "stand-in").run_id)
        assert files.ID_PATTERN.fullmatch(long.id)


class TestData:
    def test_a_panel_comes_back_as_it_was(self, store, panel):
        again = Store(store.root).panel(store.save_panel(panel))
        pd.testing.assert_frame_equal(again.frame, panel.frame, check_freq=False)
        assert (again.kinds, again.name, again.notes, again.fingerprint) == (
            panel.kinds, panel.name, panel.notes, panel.fingerprint,
        )  # fmt: skip

    def test_a_panel_without_dates_comes_back(self, store, panel):
        bare = dataclasses.replace(panel, frame=panel.frame.reset_index(drop=True))
        assert store.panel(store.save_panel(bare)).fingerprint == bare.fingerprint

    def test_panels_are_listed_without_their_values(self, store, panel):
        panel_id = store.save_panel(panel)
        (store.root / "panels" / "foreign").mkdir()
        (listed,) = store.panels()
        assert (listed.id, listed.columns, listed.rows) == (panel_id, ("one", "two"), 300)
        assert (listed.first, listed.last) == ("2015-01-01", "2016-02-24")

    def test_an_altered_panel_is_refused(self, store, panel):
        path = store.root / "panels" / store.save_panel(panel) / "panel.parquet"
        (panel.frame * 1.01).to_parquet(path)
        with pytest.raises(DamagedRun, match="was altered, its values are not those stored"):
            store.panel(path.parent.name)
        path.write_bytes(path.read_bytes()[:500])
        with pytest.raises(DamagedRun, match="was cut off or altered"):
            store.panel(path.parent.name)

    def test_a_setup_comes_back_and_makes_windows_once(self, store, setup):
        assert store.setup(store.save_setup(setup)) == setup
        assert store.windows(setup) is store.windows(setup)
        assert store.windows(setup).train.x.shape[1:] == (10, 1)

    def test_an_altered_setup_is_refused(self, store, setup):
        path = store.root / "setups" / f"{store.save_setup(setup)}.json"
        path.write_text(path.read_text().replace('"length": 10', '"length": 11'))
        with pytest.raises(DamagedRun, match="was altered"):
            store.setup(setup.id)
        path.write_text("{")
        with pytest.raises(DamagedRun, match="cut off or altered"):
            store.setup(setup.id)

    def test_what_is_not_there_is_named(self, store, setup):
        with pytest.raises(RunNotFound, match="no setup 'nothing'"):
            store.setup("nothing")
        with pytest.raises(RunNotFound, match="no data set 'nothing-12345678'"):
            store.create(RunSpec(dataclasses.replace(setup, panel_id="nothing-12345678"), "stand-in"))


class TestNames:
    @pytest.mark.parametrize(
        "name",
        ["../runs", "..", ".", "", "/etc/passwd", "a/b", "a\\b", "A", "a\0b", "a\n", "-a", "é", "a" * 81, None, 7],
    )
    def test_a_name_cannot_leave_the_store(self, store, run, name):
        for method in (store.run, store.panel, store.setup, store.delete):
            with pytest.raises(RunNotFound, match="There is no"):
                method(name)

    def test_a_link_out_of_the_store_is_not_followed(self, store, run, tmp_path):
        outside = tmp_path / "outside"
        run.path.rename(outside)
        run.path.symlink_to(outside)
        with pytest.raises(StoreError, match="is a link, expected a folder inside the store"):
            store.run(run.id)
        assert [one.status().state for one in store.runs()] == ["damaged"]
        with pytest.raises(StoreError, match="is a link"):
            store.delete(run.id)
        assert (outside / "spec.json").exists()

    def test_a_linked_file_is_not_followed(self, store, run, tmp_path):
        secret = tmp_path / "secret.json"
        secret.write_text('{"title": "secret"}')
        (run.path / "title.json").symlink_to(secret)
        assert run.title != "secret"


class TestRun:
    def test_the_same_spec_is_the_same_run(self, store, setup, run):
        assert store.create(RunSpec(setup, "stand-in", {"epochs": 5})).id == run.id
        assert store.find(RunSpec(setup, "stand-in")).id == run.id
        assert store.find(RunSpec(setup, "stand-in", seed=9)) is None
        assert run.spec == RunSpec(setup, "stand-in")

    def test_runs_are_listed_newest_first(self, store, setup):
        made = [store.create(RunSpec(setup, "stand-in", seed=seed)).id for seed in range(3)]
        assert [run.id for run in store.runs()] == made[::-1]

    def test_a_title_is_made_and_can_be_given(self, run):
        assert run.title == f"Stand-in on walks, windows of 10 ({run.id[-8:]})"
        run.rename("  Mine\n\x00 <b>bold</b> ")
        assert run.title == "Mine <b>bold</b>"
        for wrong in ("", " \n", "x" * 121):
            with pytest.raises(SettingError, match="expected 1 to 120"):
                run.rename(wrong)

    def test_a_new_run_has_not_started(self, run):
        assert (run.status().state, run.status().message) == ("stopped", "Not started yet.")
        assert (run.progress(), run.preview(), run.samples(), run.checkpoint(), run.latents()) == (
            ([], 0), None, None, None, None,
        )  # fmt: skip

    def test_a_status_comes_back(self, run):
        status = Status("running", 3, 9, 1, 3, "m", ("w",), {"active_units": 2.0}, 1.5, 2.0, 3.0)
        run.write_status(status)
        assert run.status() == status

    def test_progress_is_read_on_from_an_offset(self, run):
        run.append_progress([{"step": 1, "losses": {"loss": float("nan")}}, {"step": 2, "losses": {}}])
        records, offset = run.progress()
        assert [record["step"] for record in records] == [1, 2]
        assert records[0]["losses"]["loss"] is None
        assert run.progress(offset) == ([], offset)
        with open(run.path / "progress.jsonl", "ab") as file:
            file.write(b'{"step": 3, "lo')
        assert run.progress(offset) == ([], offset)
        with open(run.path / "progress.jsonl", "ab") as file:
            file.write(b'sses": {}}\nnonsense\n[1]\n{"step": "x"}\n')
        assert [record["step"] for record in run.progress(offset)[0]] == [3]

    def test_progress_that_was_cut_back_starts_over(self, run):
        run.append_progress({"step": step, "losses": {}} for step in range(1, 9))
        _, offset = run.progress()
        run.cut_progress(5)
        records, shorter = run.progress(offset)
        assert [record["step"] for record in records] == [1, 2, 3, 4, 5]
        assert shorter < offset
        assert [record["step"] for record in run.progress(7)[0]] == [1, 2, 3, 4, 5]

    def test_a_model_its_samples_and_latents_come_back(self, run, windows):
        pipeline = Pipeline("stand-in", {"epochs": 1}).fit(windows)
        samples = pipeline.sample(4)
        run.save(pipeline)
        run.save_samples(samples)
        run.save_latents(Latents(np.zeros((2, 3)), np.ones((2, 3)), np.array([0, 5])))
        assert run.load().sample(3, seed=1).x.tobytes() == pipeline.sample(3, seed=1).x.tobytes()
        assert run.samples().x.tobytes() == samples.x.tobytes()
        assert run.samples().names == ("one", "two")
        np.testing.assert_array_equal(run.samples().prices(), samples.prices())
        assert run.latents().window.tolist() == [0, 5]

    def test_a_checkpoint_keeps_dtypes_and_shapes(self, run):
        arrays = {
            "a": np.array(3),
            "b": np.arange(6.0).reshape(2, 3).T,
            "c": np.array([True]),
            "d": np.zeros((0, 2), "f4"),
        }
        run.save_checkpoint(arrays, {"step": 4})
        again, meta = run.checkpoint()
        assert meta == {"step": 4}
        for name, array in arrays.items():
            assert (again[name].dtype, again[name].shape) == (array.dtype, array.shape)
            np.testing.assert_array_equal(again[name], array)

    def test_one_process_holds_a_run(self, store, run):
        with run.claim(), pytest.raises(StoreError, match="is being trained by another process"), run.claim():
            pass
        with run.claim(), pytest.raises(StoreError, match="is being trained"):
            store.delete(run.id)
        store.delete(run.id)
        assert store.runs() == []
        assert os.listdir(store.root / "runs") == []


class TestDeath:
    def gone(self) -> dict[str, object]:
        child = subprocess.Popen([sys.executable, "-c", ""])
        child.wait()
        return {"pid": child.pid, "started": "1", "place": process.place()}

    def written(self, run, trainer, age=0.0):
        path = run.path / "status.json"
        values = {**Status("running", step=3).to_dict(), "trainer": trainer, "heartbeat": time.time() - age}
        path.write_text(json.dumps(values))

    def test_a_run_whose_trainer_is_gone_has_died(self, run):
        self.written(run, self.gone())
        status = run.status()
        assert (status.state, status.step) == ("died", 3)
        assert "resume it" in status.message

    def test_a_process_id_given_out_again_is_not_the_trainer(self, run):
        self.written(run, {**process.this_process(), "started": "1"})
        assert run.status().state == "died"

    def test_a_trainer_elsewhere_is_judged_by_its_sign_of_life(self, run):
        elsewhere = {"pid": 1, "started": "1", "place": "another machine"}
        self.written(run, elsewhere, age=3)
        assert run.status().state == "running"
        self.written(run, elsewhere, age=status_module.SILENT_ELSEWHERE + 1)
        assert run.status().state == "died"

    def test_a_trainer_that_does_not_move_has_died(self, run):
        self.written(run, process.this_process(), age=3)
        assert run.status().state == "running"
        self.written(run, process.this_process(), age=status_module.SILENT_HERE + 1)
        assert run.status().state == "died"

    def test_an_ending_between_two_looks_is_seen(self, run, monkeypatch):
        self.written(run, self.gone())
        looks = [run._written(), ({}, Status("done"))]
        monkeypatch.setattr(run, "_written", lambda: looks.pop(0))
        assert run.status().state == "done"

    def test_a_zombie_is_gone(self):
        child = subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.PIPE)
        trainer = {"pid": child.pid, "started": process.start_time(child.pid), "place": process.place()}
        assert process.is_alive(trainer)
        child.stdin.close()
        end = time.monotonic() + 5
        while process.is_alive(trainer) and time.monotonic() < end:
            time.sleep(0.01)
        assert not process.is_alive(trainer)
        child.wait()

    def test_without_proc_ps_is_asked(self):
        assert process._asked_of_ps(os.getpid()) or not os.path.exists("/bin/ps")
        assert process._asked_of_ps(2**22 + 1) is None

    def test_a_run_that_lost_its_place_in_the_queue_has_died(self, store, run):
        store.queue.put(run.id, resume=False)
        run.write_status(Status("queued"))
        assert (run.status().state, run.status().queue_place) == ("queued", 1)
        store.queue.remove(run.id)
        assert run.status().state == "queued"
        path = run.path / "status.json"
        values = json.loads(path.read_text())
        path.write_text(json.dumps({**values, "heartbeat": time.time() - 60}))
        assert run.status().state == "died"


class TestQueue:
    def test_places_are_in_the_order_of_asking(self, store):
        for name in ("a", "b", "c", "a"):
            store.queue.put(name, resume=name == "b")
        assert [store.queue.place(name) for name in ("a", "b", "c", "d")] == [1, 2, 3, None]
        assert [entry.resume() for entry in store.queue.entries()] == [False, True, False, False]
        assert store.queue.remove("a")
        assert not store.queue.remove("a")
        assert [store.queue.place(name) for name in ("a", "b", "c")] == [None, 1, 2]

    def test_foreign_files_do_not_wait(self, store):
        store.queue.put("a", resume=False)
        (store.queue.folder / "README").write_text("")
        (store.queue.folder / f"{7:020d}-..").write_text("")
        assert [entry.run_id for entry in store.queue.entries()] == ["a"]

    def test_one_entry_is_taken_once(self, store):
        store.queue.put("a", resume=False)
        (entry,) = store.queue.entries()
        assert entry.remove()
        assert not entry.remove()
        assert entry.resume() is False


class TestDamage:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (None, "has no spec.json"),
            (b"", "cut off or altered"),
            (b'{"spec": {"setup"', "cut off or altered"),
            (b"[]", "cut off or altered"),
            (b"{}", "can't be read"),
            (b'{"spec": {}, "created": 1}', "can't be read"),
            (b"\xff\xfe\x00", "cut off or altered"),
            (b"[" * 100_000, "cut off or altered"),
        ],
    )
    def test_a_damaged_spec_is_listed_in_words_and_can_be_deleted(self, store, setup, run, content, words):
        other = store.create(RunSpec(setup, "stand-in", seed=1))
        (run.path / "spec.json").unlink() if content is None else (run.path / "spec.json").write_bytes(content)
        assert [one.id for one in store.runs()] == [other.id, run.id]
        status = store.run(run.id).status()
        assert status.state == "damaged"
        assert words in status.message
        assert store.run(run.id).title == run.id
        with pytest.raises(DamagedRun, match=words):
            _ = store.run(run.id).spec
        with pytest.raises(DamagedRun, match=words):
            store.create(RunSpec(setup, "stand-in"))
        store.delete(run.id)
        assert [one.id for one in store.runs()] == [other.id]

    def test_a_spec_that_is_not_the_names_is_found_out(self, run):
        path = run.path / "spec.json"
        path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))
        assert "was altered, it belongs to stand-in-walks-w10-" in run.status().message

    def test_settings_out_of_bounds_are_found_out(self, run):
        path = run.path / "spec.json"
        path.write_text(path.read_text().replace('"epochs": 5', '"epochs": 0'))
        assert "epochs is 0, expected" in run.status().message

    def test_foreign_things_among_the_runs_do_no_harm(self, store, run):
        (store.root / "runs" / "notes.txt").write_text("x")
        (store.root / "runs" / "plain").write_text("x")
        (store.root / "runs" / ".new-x").mkdir()
        assert [one.id for one in store.runs()] == [run.id, "plain"]
        store.delete("plain")
        assert [one.id for one in store.runs()] == [run.id]

    @pytest.mark.parametrize(
        "content", [b"", b"{", b"[]", b'{"state": "happy"}', b'{"state": 3}', b'{"state": "done", "warnings": 5}']
    )
    def test_a_damaged_status_never_raises(self, store, run, content):
        (run.path / "status.json").write_bytes(content)
        assert run.status().state == "damaged"

    @pytest.mark.parametrize("cut", [0, 4, 40, -1])
    def test_weights_cut_off_are_refused(self, run, windows, cut):
        run.save(Pipeline("stand-in", {"epochs": 1}).fit(windows))
        path = run.path / "weights.safetensors"
        path.write_bytes(path.read_bytes()[:cut])
        with pytest.raises(DamagedRun, match=r"weights.safetensors of .* was cut off or altered"):
            run.load()

    def test_one_changed_bit_of_the_weights_is_found_out(self, run, windows):
        run.save(Pipeline("stand-in", {"epochs": 1}).fit(windows))
        path = run.path / "weights.safetensors"
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        with pytest.raises(DamagedRun, match="altered"):
            run.load()

    def test_weights_that_fit_no_model_are_refused(self, run):
        files.write_tensors(run.path / "weights.safetensors", {"a": np.zeros(2)}, {"generator": "stand-in"})
        with pytest.raises(DamagedRun, match="do not fit this version's model"):
            run.load()

    def test_missing_weights_are_named(self, run):
        with pytest.raises(DamagedRun, match=r"has no readable weights.safetensors"):
            run.load()

    def test_pickles_are_never_opened(self, run):
        class Trap:
            def __reduce__(self):
                return (os.system, ("touch /tmp/synthfin-trap",))

        np.savez(run.path / "samples.npz", x=np.array([Trap()], dtype=object))
        with pytest.raises(DamagedRun, match=r"samples.npz of .* was cut off or altered"):
            run.samples()
        np.savez(run.path / "samples.npz", y=np.zeros(3))
        with pytest.raises(DamagedRun, match="was altered"):
            run.samples()
        assert not os.path.exists("/tmp/synthfin-trap")


class TestFullDisk:
    @pytest.fixture
    def full(self, monkeypatch):
        """A disk that takes five more bytes of any file."""
        real = open

        class Full:
            def __init__(self, file):
                self.file = file

            def __enter__(self):
                return self

            def __exit__(self, *_):
                self.file.close()

            def fileno(self):
                return self.file.fileno()

            def write(self, content):
                self.file.write(content[:5])
                self.file.flush()
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def opened(path, mode="r", *args, **kwargs):
            file = real(path, mode, *args, **kwargs)
            return Full(file) if set(mode) & set("wa") else file

        return lambda: monkeypatch.setattr("builtins.open", opened)

    def test_the_state_before_stays(self, store, run, windows, full):
        before = Status("running", step=7)
        run.write_status(before)
        run.append_progress([{"step": 1, "losses": {}}])
        pipeline = Pipeline("stand-in", {"epochs": 1}).fit(windows)
        run.save(pipeline)
        kept = run.load().sample(2).x
        full()
        for write in (
            lambda: run.write_status(Status("done")),
            lambda: run.save(pipeline),
            lambda: run.append_progress([{"step": 2, "losses": {}}]),
            lambda: run.rename("x"),
        ):
            with pytest.raises(StoreError, match=r"The disk is full, so .* free some space and try again"):
                write()
        assert run.status() == before
        assert (run.path / "progress.jsonl").read_bytes().endswith(b"}\n")
        assert run.load().sample(2).x.tobytes() == kept.tobytes()
        assert not [name for name in os.listdir(run.path) if name.endswith(".tmp")]

    def test_no_half_run_and_no_half_panel_appears(self, store, setup, panel, run, full):
        full()
        with pytest.raises(StoreError, match="The disk is full"):
            store.create(RunSpec(setup, "stand-in", seed=5))
        other = Store(store.root.parent / "other")
        with pytest.raises(StoreError, match="The disk is full"):
            other.save_panel(panel)
        assert [one.id for one in store.runs()] == [run.id]
        assert other.panels() == []
        assert os.listdir(other.root / "panels") == []

    def test_a_folder_that_takes_no_files_is_named(self, tmp_path, panel):
        (tmp_path / "file").write_text("")
        with pytest.raises(StoreError, match=r"could not be saved in .*check that folder"):
            Store(tmp_path / "file").save_panel(panel)


def test_two_hundred_runs_are_listed_at_once(store, setup):
    for seed in range(200):
        store.create(RunSpec(setup, "stand-in", seed=seed)).write_status(Status("done"))
    best = min(_timed(lambda: [(run.title, run.status().state) for run in store.runs()]) for _ in range(3))
    assert best < 0.1


def _timed(action) -> float:
    """Seconds of the processor, which a busy machine does not stretch."""
    begin = time.process_time()
    action()
    return time.process_time() - begin


def test_reading_a_run_imports_no_torch(store, setup, windows):
    assert "stand-in" in GENERATORS
    run = store.create(RunSpec(setup, "vae"))
    run.write_status(Status("done"))
    run.append_progress([{"step": 1, "losses": {}}])
    run.save_samples(Pipeline("stand-in", {"epochs": 1}).fit(windows).sample(3))
    code = (
        "import sys; from synthfin_core.store import Store; run = Store(sys.argv[1]).runs()[0];"
        "run.title, run.status(), run.progress(), run.preview(), run.samples().prices(), run.spec.config;"
        "print('torch' in sys.modules)"
    )
    root = os.path.dirname(os.path.dirname(__file__))
    said = subprocess.run([sys.executable, "-c", code, str(store.root)], capture_output=True, text=True, cwd=root)
    assert said.stdout.strip() == "False", said.stderr


def test_a_label_is_short_until_a_name_is_given(store, panel, stand_in):
    run = store.create(RunSpec(Setup(store.save_panel(panel)), stand_in))
    assert run.label == f"Stand-in {run.id[-4:]}"
    run.rename("The good one")
    assert run.label == run.title == "The good one"
