"""The browser's own routes, over runs made by hand and a server on the loopback."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
import uvicorn
from fabricated import STEPS, a_run, go_on, record, trained
from starlette.applications import Starlette

from app.api import routes
from app.api.progress import MOST_RECORDS, columns, extremes
from app.components.assets import script, style
from synthfin_core.store import Status, Store

APP = Path(__file__).parents[2] / "app"
BASE = "/studio/synthfin"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def model(store):
    return trained(store)


@pytest.fixture(scope="module")
def port(store):
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(Starlette(routes=routes(store, BASE)), log_level="error", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


@pytest.fixture
def ask(port):
    def asked(path, method="GET", body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers, content

    return asked


@pytest.fixture
def ask_json(ask):
    def asked(path, **more):
        status, _, content = ask(f"{BASE}/runs/{path}", **more)
        return status, json.loads(content)

    return asked


@pytest.fixture
def decode(ask, model):
    def decoded(z, run_id=model.id, query="seed=3&paths=5"):
        body = z if isinstance(z, bytes) else np.asarray(z, dtype="<f4").tobytes()
        return ask(f"{BASE}/runs/{run_id}/decode?{query}", method="POST", body=body)

    return decoded


def test_progress_brings_only_what_is_new(store, ask_json):
    run = a_run(store, seed=11)
    step = go_on(run, 0, records=3)
    status, first = ask_json(f"{run.id}/progress")
    assert status == 200
    assert first["step"] == [1, 2, 3]
    assert first["losses"]["kl"] == [record(s)["losses"]["kl"] for s in (1, 2, 3)]
    assert first["status"]["state"] == "running"
    assert first["status"]["steps"] == STEPS
    assert first["status"]["diagnostics"]["active_units"] == 3
    assert first["preview_step"] == 0
    go_on(run, step, records=2)
    _, second = ask_json(f"{run.id}/progress?offset={first['next']}")
    assert second["step"] == [4, 5]
    _, nothing = ask_json(f"{run.id}/progress?offset={second['next']}")
    assert nothing["step"] == []
    assert nothing["next"] == second["next"]


def test_a_run_that_was_cut_back_starts_over(store, ask_json):
    run = a_run(store, seed=12)
    go_on(run, 0, records=40)
    _, before = ask_json(f"{run.id}/progress")
    run.cut_progress(10)
    _, after = ask_json(f"{run.id}/progress?offset={before['next']}")
    assert after["step"] == list(range(1, 11))
    assert after["next"] < before["next"]


def test_preview(store, ask_json):
    run = a_run(store, seed=13)
    run.write_status(Status("running"))
    status, answer = ask_json(f"{run.id}/preview")
    assert status == 404
    assert "no sample paths yet" in answer["error"]
    go_on(run, 0)
    status, answer = ask_json(f"{run.id}/preview")
    assert status == 200
    assert np.shape(answer["paths"]) == (12, 61)


@pytest.mark.parametrize("offset", ["-1", "1.5", "x", "", "٣", "9" * 30, "1e3"])
def test_an_offset_that_is_none(store, ask_json, offset):
    run = a_run(store, seed=14)
    status, answer = ask_json(f"{run.id}/progress?offset={quote(offset)}")
    assert status == 400
    assert "expected a whole number" in answer["error"]


@pytest.mark.parametrize("what", ["progress", "preview", "decode"])
@pytest.mark.parametrize(
    "name",
    [
        "vae-nothing-12345678",
        "..",
        "%2e%2e",
        "..%2fruns",
        "%2fetc%2fpasswd",
        "a%00b",
        "A",
        "-x",
        "x" * 200,
        "spec.json",
    ],
)
def test_no_name_leaves_the_store(ask, what, name):
    method = "POST" if what == "decode" else "GET"
    status, _, content = ask(f"{BASE}/runs/{name}/{what}", method=method, body=b"\0\0\0\0")
    assert status == 404
    assert b"root:" not in content


def test_a_link_in_the_store_is_not_followed(store, ask_json, tmp_path):
    run = a_run(store, seed=15)
    (run.path.parent / "vae-elsewhere").symlink_to(tmp_path, target_is_directory=True)
    status, answer = ask_json("vae-elsewhere/progress")
    assert status == 400
    assert "is a link" in answer["error"]


def test_plotly_comes_compressed_and_is_kept(ask):
    status, headers, content = ask(f"{BASE}/plotly.min.js?v=7", headers={"Accept-Encoding": "gzip"})
    assert status == 200
    assert headers["Content-Encoding"] == "gzip"
    assert "immutable" in headers["Cache-Control"]
    _, plain_headers, plain = ask(f"{BASE}/plotly.min.js?v=7")
    assert plain_headers["Content-Encoding"] is None
    assert gzip.decompress(content) == plain
    assert len(content) < 0.4 * len(plain)


def test_decoding_gives_the_models_own_paths_and_their_mean(decode, model):
    z = [0.5, -1.0]
    status, headers, content = decode(z)
    assert status == 200
    shape = tuple(map(int, headers["X-Shape"].split(",")))
    assert shape == (6, 21, 2)
    values = np.frombuffer(content, dtype="<f4").reshape(shape)
    pipeline = model.load()
    drawn = pipeline.sample_given(np.tile(z, (5, 1)), seed=3)  # (5, t, d) log returns
    grown = pipeline.default_start * np.exp(np.cumsum(drawn, axis=1))
    np.testing.assert_allclose(values[:5, 1:], grown, rtol=1e-5)
    np.testing.assert_allclose(values[:, 0], np.tile(pipeline.default_start, (6, 1)), rtol=1e-6)
    mean = pipeline.default_start * np.exp(np.cumsum(pipeline.decode([z])[0], axis=0))
    np.testing.assert_allclose(values[5, 1:], mean, rtol=1e-5)
    assert decode(z)[2] == content


def test_decoding_only_the_mean(decode):
    status, headers, _ = decode([0.0, 0.0], query="paths=0")
    assert status == 200
    assert headers["X-Shape"] == "1,21,2"


@pytest.mark.parametrize(
    ("z", "words"),
    [
        ([0.0], "has 1 numbers, expected 2"),
        ([0.0, 0.0, 0.0], "has 3 numbers, expected 2"),
        ([0.0, np.nan], "missing or beyond"),
        ([0.0, np.inf], "missing or beyond"),
        ([0.0, -20.5], "missing or beyond"),
        (b"", "came as 0 bytes"),
        (b"abc", "came as 3 bytes"),
        (bytes(1_000_000), "bytes, expected float32"),
    ],
)
def test_a_point_that_is_none(decode, z, words):
    status, _, content = decode(z)
    assert status == 400
    assert words in json.loads(content)["error"]


@pytest.mark.parametrize("query", ["seed=-1", "seed=x", "paths=65", "seed=99999999999"])
def test_a_seed_or_number_that_is_none(decode, query):
    status, _, content = decode([0.0, 0.0], query=query)
    assert status == 400
    assert "expected a whole number" in json.loads(content)["error"]


def test_decoding_what_is_not_there(decode, store):
    status, _, content = decode([0.0, 0.0], run_id=a_run(store, seed=16).id)
    assert status == 409
    assert "no weights yet" in json.loads(content)["error"]
    status, _, content = decode([0.0, 0.0], run_id=trained(store, generator="gan").id)
    assert status == 400
    assert "no latent space" in json.loads(content)["error"]


def test_decoding_altered_weights(decode, store):
    run = trained(store, seed=17)
    weights = run.path / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    status, _, content = decode([0.0, 0.0], run_id=run.id)
    assert status == 409
    assert "cut off or altered" in json.loads(content)["error"]


def test_long_progress_is_thinned_but_keeps_its_look():
    records = [record(step) for step in range(1, 10 * MOST_RECORDS + 1)]
    records[12_345]["losses"]["kl"] = 99.0
    thin = columns(records)
    assert len(thin["step"]) <= MOST_RECORDS / 2
    assert thin["step"][0] == 1
    assert thin["step"][-1] == 10 * MOST_RECORDS
    assert thin["step"] == sorted(set(thin["step"]))
    assert max(thin["losses"]["kl"]) == 99.0
    assert thin["losses"]["kl"][thin["step"].index(12_346)] == 99.0


def test_extremes_of_every_stretch_by_a_plain_loop():
    curves = np.random.default_rng(0).standard_normal((2, 1000))
    curves[1, :300] = np.nan
    kept = extremes(curves, 82)
    assert len(kept) <= 82
    for begin in range(0, 1000, 50):
        known = curves[0, begin : begin + 50]
        assert {begin + int(known.argmin()), begin + int(known.argmax())} <= set(kept)


def test_a_loss_that_a_record_lacks_is_none():
    assert columns([{"step": 1, "losses": {"a": 1.0}}, {"step": 2, "losses": {"b": 2.0}}])["losses"] == {
        "a": [1.0, None],
        "b": [None, 2.0],
    }


def test_the_server_is_found_from_anywhere_and_imports_no_torch(tmp_path):
    """Streamlit puts the script's own folder on the path, and nothing else."""
    lines = "import asgi, sys; assert asgi.app; assert 'torch' not in sys.modules; assert 'app.main' not in sys.modules"
    environment = {**os.environ, "PYTHONPATH": str(APP), "SYNTHFIN_STORE": str(tmp_path)}
    subprocess.run([sys.executable, "-c", lines], check=True, timeout=120, cwd=tmp_path, env=environment)


def test_components_are_whole_scripts():
    for name in ("live_curves", "latent_sliders"):
        text = script(name)
        assert text.count("export default") == 1
        assert "innerHTML" not in text
        assert "--st-text-color" in style(name)
