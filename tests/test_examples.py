"""The examples run as they are stored: the notebook from top to bottom, the quick start as a program."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "examples" / "lab.ipynb"
SECONDS_PER_CELL = 240


@pytest.fixture(scope="module")
def stored():
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def ran():
    """The notebook after running it with this interpreter, from the folder in which it is stored."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PREFER_ENV_PATH", "1")  # this interpreter's kernel before one in the user's folder
        where = {"metadata": {"path": str(NOTEBOOK.parent)}}
        NotebookClient(notebook, timeout=SECONDS_PER_CELL, kernel_name="python3", resources=where).execute()
    return notebook


def printed(notebook, tag):
    """The text that the one cell with `tag` printed."""
    (cell,) = [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def test_the_notebook_is_stored_light_and_walks_the_twenty_sections(stored):
    nbformat.validate(stored)
    assert NOTEBOOK.stat().st_size < 200_000
    headings = [re.match(r"## (\d+)\. ", cell.source) for cell in stored.cells if cell.cell_type == "markdown"]
    assert [int(found[1]) for found in headings if found] == list(range(1, 21))
    outputs = [output for cell in stored.cells for output in cell.get("outputs", [])]
    assert all(output.output_type in ("stream", "execute_result") for output in outputs)
    assert all(set(output.get("data", {})) <= {"text/plain"} for output in outputs)


def test_the_notebook_runs_without_complaint(ran):
    outputs = [output for cell in ran.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    figures = [output for output in outputs if "application/vnd.plotly.v1+json" in output.get("data", {})]
    assert len(figures) == 8


def test_the_notebook_shows_the_collapse_and_what_mends_it(ran):
    real, literal = map(float, re.findall(r"\d+\.\d+", printed(ran, "collapse")))
    assert literal < 0.25 * real
    again, literal_again, per_sample, longer = map(float, re.findall(r"^ *(\d+\.\d+)", printed(ran, "mended"), re.M))
    assert (again, literal_again) == (real, literal)
    assert per_sample > 0.6 * real
    assert 0.75 * real < longer < 1.1 * real


def test_the_notebook_ends_with_the_librarys_own_model(ran):
    text = printed(ran, "library")
    real, synthetic = map(float, re.findall(r"(?:real|synthetic) (0\.\d+)", text))
    assert synthetic == pytest.approx(real, rel=0.25)
    assert "numbers are within the floor" in text


def test_the_quick_start_runs():
    source = (ROOT / "examples" / "quickstart.py").read_text()
    assert len([line for line in source.splitlines() if line.strip()]) <= 10
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "examples.quickstart"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=SECONDS_PER_CELL,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"window +step +S&P 500 +NASDAQ", done.stdout)
    assert "Spread ratio" in done.stdout
