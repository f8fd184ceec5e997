"""The command line and the Python face over the same calls: answers, files, exit codes, one sentence when wrong."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import synthfin_core as sf
from synthfin_core import api
from synthfin_core.cli import main
from synthfin_core.cli.parser import make_parser
from synthfin_core.data.selection import Selection
from synthfin_core.errors import SettingError
from synthfin_core.registry import GENERATORS, generator_class
from synthfin_core.store import Store

ROOT = Path(__file__).parents[1]


@pytest.fixture
def say(tmp_path, monkeypatch, capsys, stand_in):
    """Runs a command in a store of its own: exit code, output, errors."""
    monkeypatch.setenv("SYNTHFIN_STORE", str(tmp_path / "store"))

    def said(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return said


@pytest.fixture
def fitted(say) -> str:
    """Id of a run of the stand-in on the mock data."""
    code, out, _ = say("fit", "stand-in", "mock", "--length", 10, "--epochs", 2)
    assert code == 0
    return out.strip()


class TestFit:
    def test_it_prints_the_id_of_a_run_in_the_store(self, fitted, tmp_path):
        run = Store(tmp_path / "store").run(fitted)
        assert run.status().state == "done"
        assert run.spec.config["epochs"] == 2
        assert run.spec.setup.windows.length == 10
        assert re.fullmatch(r"stand-in-mock-w10-[0-9a-f]{8}", fitted)

    def test_the_same_command_again_trains_nothing(self, say, fitted, tmp_path):
        weights = tmp_path / "store" / "runs" / fitted / "weights.safetensors"
        before = weights.stat().st_mtime_ns
        assert say("fit", "stand-in", "mock", "--length", 10, "--epochs", 2)[1].strip() == fitted
        assert weights.stat().st_mtime_ns == before

    def test_data_and_window_flags_reach_the_spec(self, say):
        code, out, _ = say(
            "fit", "stand-in", "us-indices", "--columns", "NASDAQ", "--start", "2010-01-04", "--every", "week",
            "--kind", "price", "--length", 8, "--stride", 2, "--holdout", 0.3, "--representation", "gaussian",
            "--seed", 7, "--pool", "--json",
        )  # fmt: skip
        answer = json.loads(out)
        assert (code, answer["state"]) == (0, "done")
        spec = sf.Store().run(answer["run"]).spec
        assert spec.seed == 7
        assert spec.setup.selection.to_dict() == {
            "columns": ["NASDAQ"], "kinds": None, "start": "2010-01-04", "end": None, "every": "week",
        }  # fmt: skip
        assert spec.setup.windows.to_dict() == {
            "length": 8, "stride": 2, "representation": "gaussian", "holdout": 0.3, "pool": True,
        }  # fmt: skip

    def test_every_setting_of_every_generator_is_a_flag(self):
        for name in GENERATORS:
            for setting in generator_class(name).Config.params():
                flag = setting.name.replace("_", "-")
                flag = f"{name}-{flag}" if setting.name in ("length", "stride", "holdout", "pool") else flag
                value = [] if setting.type is bool else [str(setting.default)]
                given = make_parser().parse_args(["fit", name, "mock", f"--{flag}", *value])
                assert vars(given)[f"{name}.{setting.name}"] == (True if setting.type is bool else setting.default)

    def test_a_training_that_fails(self, say):
        code, out, err = say("fit", "stand-in", "mock", "--length", 10, "--fail-at", 3)
        assert code == 4
        assert "loss became nan" in err
        assert sf.Store().run(out.strip()).status().state == "failed"

    def test_ctrl_c_keeps_a_checkpoint_and_resume_goes_on(self, say):
        command = ("fit", "stand-in", "mock", "--length", 10, "--epochs", 50, "--pause", 0.01)
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        code, out, err = say(*command)
        assert code == 130
        assert "the same command with --resume goes on from here" in err
        run = sf.Store().run(out.strip())
        stopped = run.status()
        assert (stopped.state, run.checkpoint()[1]["step"]) == ("stopped", stopped.step)
        assert say(*command, "--resume")[0] == 0
        assert [record["step"] for record in run.progress()[0]][stopped.step] == stopped.step + 1


class TestSample:
    @pytest.mark.parametrize("ending", ["csv", "parquet", "npz"])
    def test_files_hold_what_the_run_draws(self, say, fitted, tmp_path, ending):
        path = tmp_path / f"paths.{ending}"
        assert say("sample", fitted, "--n", 3, "--seed", 5, "--start-price", 50, "--out", path)[0] == 0
        expected = sf.Store().run(fitted).load().sample(3, seed=5)
        if ending == "npz":
            np.testing.assert_array_equal(np.load(path)["values"], expected.values(50.0))
        else:
            table = pd.read_csv(path) if ending == "csv" else pd.read_parquet(path)
            pd.testing.assert_frame_equal(table, expected.to_frame(50.0))
            assert (table.loc[table["step"] == 0].iloc[:, 2:] == 50.0).all(axis=None)

    def test_without_a_file_it_is_csv_on_the_screen(self, say, fitted):
        table = pd.read_csv(io.StringIO(say("sample", fitted, "--n", 2)[1]))
        assert list(table.columns)[:2] == ["window", "step"]
        assert len(table) == 2 * 11

    def test_json(self, say, fitted):
        answer = json.loads(say("sample", fitted, "--n", 2, "--json")[1])
        assert np.array(answer["values"]).shape == (2, 11, 5)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--out", "x.doc"), "expected a file ending in .csv, .parquet or .npz"),
            (("--n", "0"), "n is 0, expected a whole number from 1"),
            (("--start-price", "-3"), "is not a price"),
            (("--start-price", "3", "4"), "neither one price nor one for each of 5 series"),
            (("--out", "/nowhere/x.csv"), "could not be saved"),
        ],
    )
    def test_what_is_wrong_is_one_sentence(self, say, fitted, arguments, words):
        code, out, err = say("sample", fitted, *arguments)
        assert (code, out) == (2, "")
        assert words in err
        assert err.count("\n") == 1


QUICK = ("--no-floors", "--scores", "wasserstein", "spread_ratio", "--json")


def values_of(out: str, data: str | None = None) -> list[float]:
    return [row["value"] for row in json.loads(out)["rows"] if data in (None, row["data"])]


class TestEvaluate:
    def test_a_run(self, say, fitted):
        code, out, _ = say("evaluate", fitted, "--n", 200, "--no-floors")
        assert code == 0
        assert "Wasserstein" in out
        answer = json.loads(say("evaluate", fitted, "--n", 200, *QUICK)[1])
        assert {row["score"] for row in answer["rows"]} == {"wasserstein", "spread_ratio"}

    def test_a_run_s_settings_stand_in_its_html_report(self, say, fitted, tmp_path):
        assert say("evaluate", fitted, "--n", 100, *QUICK, "--html", tmp_path / "run.html")[0] == 0
        text = (tmp_path / "run.html").read_text("utf-8")
        run = sf.Store().run(fitted)
        for words in (run.id, run.label, run.spec.setup.id, "epochs 2, pause 0.0", "Stand-in"):
            assert words in text
        assert "could not be saved" in say("evaluate", fitted, *QUICK, "--html", "/nowhere/x.html")[2]

    def test_runs_that_differ_in_their_seed_are_one_model(self, say, fitted):
        other = say("fit", "stand-in", "mock", "--length", 10, "--epochs", 2, "--seed", 1)[1].strip()
        answer = json.loads(say("evaluate", fitted, other, "--n", 100, *QUICK)[1])
        labels = [sf.Store().run(name).label for name in (fitted, other)]
        assert answer["models"] == {labels[0]: labels[0], labels[1]: labels[0]}
        alone = say("evaluate", other, "--n", 100, *QUICK)[1]
        assert values_of(json.dumps(answer), labels[1]) == values_of(alone)

    def test_runs_on_different_windows_are_refused(self, say, fitted):
        other = say("fit", "stand-in", "mock", "--length", 8, "--epochs", 2)[1].strip()
        code, _, err = say("evaluate", fitted, other)
        assert (code, "have different data or windows: evaluate them one at a time" in err) == (2, True)
        assert "--length is for files" in say("evaluate", fitted, "--length", 8)[2]

    @pytest.mark.parametrize("ending", ["csv", "parquet", "npz"])
    def test_files_are_scored_as_the_run_that_wrote_them(self, say, fitted, tmp_path, ending):
        path, real = tmp_path / f"paths.{ending}", tmp_path / "real.csv"
        say("sample", fitted, "--n", 200, "--out", path)
        sf.load("mock").frame.to_csv(real)
        ours = values_of(say("evaluate", fitted, "--n", 200, *QUICK)[1])
        theirs = values_of(say("evaluate", "--data", real, "--synthetic", path, *QUICK)[1])
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)

    def test_a_window_column_is_enough_and_series_may_come_in_another_order(self, say, tmp_path):
        windows = sf.make_windows(sf.load("mock"), length=10)
        prices = 100 * np.exp(np.cumsum(np.pad(windows.train.x[:50], ((0, 0), (1, 0), (0, 0))), axis=1))
        table = pd.DataFrame(prices.reshape(-1, 5), columns=windows.names).iloc[:, [3, 1]]
        table.insert(0, "window", np.repeat(np.arange(50), 11))
        table.to_csv(tmp_path / "s.csv", index=False)
        code, out, err = say("evaluate", "--data", "mock", "--synthetic", tmp_path / "s.csv", *QUICK)
        assert code == 0
        assert "Scored on Asset_4_Price, Asset_2_Price" in err
        pair = sf.make_windows(sf.load("mock").select(Selection(columns=("Asset_4_Price", "Asset_2_Price"))), 10)
        report = sf.evaluate(pair, pair.train.x[:50], scores=["wasserstein", "spread_ratio"])
        np.testing.assert_allclose(values_of(out), [row.value for row in report.rows], rtol=1e-9)

    def test_a_plain_table_is_cut_into_windows(self, say, tmp_path):
        path = tmp_path / "plain.csv"
        sf.load("mock").frame.iloc[:, :2].to_csv(path)
        code, _, err = say("evaluate", "--data", "mock", "--synthetic", path)
        assert (code, "say --length as well" in err) == (2, True)
        code, out, _ = say("evaluate", "--data", "mock", "--synthetic", path, "--length", 10, "--stride", 3,
                           "--holdout", 0, "--no-floors", "--json")  # fmt: skip
        assert code == 0
        answer = json.loads(out)
        assert {row["series"] for row in answer["rows"]} >= {"Asset_1_Price", "Asset_2_Price"}
        ratios = [row["value"] for row in answer["rows"] if row["score"] == "spread_ratio"]
        np.testing.assert_allclose(ratios, 1)
        assert "There are no hold-out windows, so the scores have no reference." in answer["notes"]

    def test_single_series_match_whatever_they_are_called(self, say, tmp_path):
        frame = sf.load("mock").frame.iloc[:, :1]
        frame.to_csv(tmp_path / "real.csv")
        frame.rename(columns={"Asset_1_Price": "close"}).to_csv(tmp_path / "s.csv")
        code, out, _ = say(
            "evaluate", "--data", tmp_path / "real.csv", "--synthetic", tmp_path / "s.csv", "--length", 10,
            "--holdout", 0, *QUICK,
        )  # fmt: skip
        assert code == 0
        np.testing.assert_allclose(values_of(out), [0, 1], atol=1e-12)

    def test_floors_and_baselines_and_a_report_as_html(self, say, tmp_path):
        windows = sf.make_windows(sf.load("mock"), length=10)
        np.savez(tmp_path / "theirs.npz", x=windows.train.x[:100])
        page = tmp_path / "report.html"
        code, out, err = say(
            "evaluate", "--data", "mock", "--length", 10, "--synthetic", tmp_path / "theirs.npz",
            "--scores", "wasserstein", "--baselines", "gaussian", "--seed", 3, "--html", page, "--json",
        )  # fmt: skip
        assert (code, "was written to" in err) == (0, True)
        answer = json.loads(out)
        assert {row["data"] for row in answer["rows"]} == {"theirs", "i.i.d. Gaussian"}
        assert {row["verdict"] for row in answer["rows"]} <= {"within the floor", "near", "far"}
        text = page.read_text("utf-8")
        assert answer["verdicts"]["theirs"]["word"] in text
        assert windows.panel.fingerprint in text

    @pytest.mark.parametrize(
        ("table", "words"),
        [
            ("window,step,other\n0,0,1\n0,1,2\n", "'other' among their series, the real ones are Asset_1_Price"),
            ("window,step\n0,0\n", "have no series"),
            ("window,step,Asset_1_Price\n0,0,1\n0,1,2\n1,0,3\n", "between 1 and 2 steps"),
            ("window,step,Asset_1_Price\n0,0,1\n0,1,-2\n", "not all above zero"),
            ("window,step,Asset_1_Price\n0,0,1\n0,1,a\n", "holds text"),
            ("window,step,Asset_1_Price\n0,0,1\n", "one price each"),
        ],
    )
    def test_a_table_that_does_not_fit(self, say, tmp_path, table, words):
        (tmp_path / "s.csv").write_text(table)
        code, out, err = say("evaluate", "--data", "mock", "--synthetic", tmp_path / "s.csv")
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert words in err

    @pytest.mark.parametrize(
        ("arrays", "words"),
        [
            ({"y": np.zeros((9, 10, 5))}, "expected an npz file with x"),
            ({"x": np.zeros((9, 10))}, "has shape (9, 10), expected (windows, steps, series)"),
            ({"x": np.zeros((9, 10, 2))}, "has 2 series, but there are 5 series in the real data"),
            ({"x": np.zeros((9, 10, 1)), "names": ["z"]}, "'z' among their series"),
            ({"x": np.zeros((9, 10, 5)), "units": ["level"] * 5}, "holds level, level"),
            ({"x": np.array([[[{}]]], dtype=object)}, "expected an npz file with x"),
            ({"x": np.zeros((9, 7, 5))}, "has windows of 7 bars, but --length is 10"),
        ],
    )
    def test_arrays_that_do_not_fit(self, say, tmp_path, arrays, words):
        np.savez(tmp_path / "s.npz", **arrays)
        code, out, err = say("evaluate", "--data", "mock", "--synthetic", tmp_path / "s.npz", "--length", 10)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert words in err

    def test_what_is_missing_or_unknown_is_said(self, say, fitted, tmp_path):
        assert say("evaluate", "--data", "mock", "--synthetic", tmp_path / "none.csv")[0] == 3
        for wrong in (
            (),
            (fitted, "--data", "mock", "--synthetic", "x.csv"),
            ("--data", "mock"),
            (fitted, "--data", "x"),
        ):
            code, _, err = say("evaluate", *wrong)
            assert (code, "wants the ids of runs, or both" in err) == (2, True)
        assert "No score is called 'nothing'" in say("evaluate", fitted, "--scores", "nothing")[2]
        assert "No baseline is called 'x'" in say("evaluate", fitted, "--no-floors", "--baselines", "x")[2]

    def test_ctrl_c_ends_it(self, say, fitted):
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        code, out, _ = say("evaluate", fitted, "--n", 1000)
        assert (code, out) == (130, "")


class TestRuns:
    def test_list_show_rename_delete(self, say, fitted):
        assert fitted in say("runs", "list")[1]
        assert say("runs", "rename", fitted, "My model")[0] == 0
        (listed,) = json.loads(say("runs", "list", "--json")[1])["runs"]
        assert (listed["run"], listed["title"], listed["state"]) == (fitted, "My model", "done")
        shown = json.loads(say("runs", "show", fitted)[1])
        assert shown["spec"]["config"]["epochs"] == 2
        assert say("runs", "delete", fitted)[0] == 0
        assert json.loads(say("runs", "list", "--json")[1]) == {"runs": []}

    def test_a_damaged_run_is_listed(self, say, fitted):
        (sf.Store().run(fitted).path / "spec.json").write_text("{")
        assert "damaged" in say("runs", "list")[1]
        code, _, err = say("runs", "show", fitted)
        assert (code, "cut off or altered" in err) == (2, True)

    @pytest.mark.parametrize("verb", [("sample",), ("evaluate",), ("runs", "show"), ("runs", "delete")])
    @pytest.mark.parametrize("name", ["nothing-here", "../../etc/passwd"])
    def test_what_is_not_there(self, say, verb, name):
        code, out, err = say(*verb, name)
        assert (code, out) == (3, "")
        assert "There is no run" in err


class TestData:
    def test_bundled_sources_are_listed(self, say):
        assert "us-indices" in say("data")[1]
        assert "us-indices" in [row["name"] for row in json.loads(say("data", "--json")[1])["sources"]]

    def test_one_source_is_described(self, say, tmp_path):
        path = tmp_path / "prices.csv"
        path.write_text("date,A\n" + "\n".join(f"2020-01-{day:02},{100 + day}" for day in range(1, 29)))
        answer = json.loads(say("data", path, "--json")[1])
        assert (answer["rows"], answer["columns"]["A"]["max"]) == (28, 128)
        assert "count" in say("data", path)[1]

    def test_a_source_that_is_none(self, say):
        code, _, err = say("data", "no-such-thing")
        assert (code, "neither a file nor a bundled data set" in err) == (3, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "arguments are required"),
        (("fly",), "invalid choice: 'fly'"),
        (("fit", "stand-in"), "the following arguments are required: source"),
        (("fit", "stand-in", "mock", "--epochs", "0"), "'0', expected a whole number from 1 to 1000"),
        (("fit", "stand-in", "mock", "--epochs", "many"), "'many', expected a whole number"),
        (("fit", "stand-in", "mock", "--preset", "x"), "no preset 'x'; there are recommended"),
        (("fit", "stand-in", "mock", "--length", "4000"), "A window takes 4000 bars, but the data have only 251"),
        (("fit", "stand-in", "mock", "--columns", "X"), "There is no column 'X'"),
        (("fit", "stand-in", "mock", "--start", "soon"), "start is 'soon', expected a day"),
    ],
)
def test_wrong_usage_is_one_sentence(say, arguments, words):
    code, out, err = say(*arguments)
    assert (code, out) == (2, "")
    assert words.lower() in err.lower()
    assert err.count("\n") == 1


def test_the_module_runs_and_a_closed_pipe_is_no_error(tmp_path):
    command = [sys.executable, "-m", "synthfin_core", "data"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "us-indices" in done.stdout
    reading, writing = os.pipe()
    os.close(reading)
    broken = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    os.close(writing)
    assert (broken.returncode, broken.stderr) == (0, "")


class TestPythonFace:
    def test_the_names_offered_are_there(self):
        assert sf.__all__ == sorted(sf.__all__)
        assert set(sf._HOMES) == set(sf.__all__)
        for name in sf.__all__:
            assert getattr(sf, name) is not None
            assert name in dir(sf)
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            _ = sf.nothing

    def test_importing_brings_in_neither_torch_nor_pandas(self):
        code = "import sys, synthfin_core; print({'torch', 'pandas', 'numpy'} & set(sys.modules))"
        begin = time.monotonic()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
        assert done.stdout.strip() == "set()", done.stderr
        assert time.monotonic() - begin < 20

    def test_from_data_to_scores(self, stand_in):
        windows = sf.make_windows(sf.load("mock"), length=10)
        told = []
        model = sf.fit(windows, stand_in, seed=1, epochs=3, on_step=told.append)
        assert len(told) == 12
        paths = model.sample(100, seed=1)
        assert sf.evaluate(windows, paths, scores=["wasserstein"]).rows

    def test_presets_are_found_by_a_word(self):
        lab = generator_class("vae").Config.presets()["the lab's"]
        assert api.settings("vae", "lab") == lab
        assert api.settings("vae", "the lab's", epochs=3).epochs == 3
        assert api.settings("vae") == generator_class("vae").Config()
        with pytest.raises(SettingError, match="The vae has no preset 'best'; there are recommended, the lab's"):
            api.settings("vae", "best")

    def test_a_setting_that_is_none_is_refused(self, stand_in):
        windows = sf.make_windows(sf.load("mock"), length=10)
        with pytest.raises(SettingError, match="Unknown setting 'latent_dims'"):
            sf.fit(windows, stand_in, latent_dims=3)
