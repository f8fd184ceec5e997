"""The examples run as they are stored: the notebook from top to bottom, the quick start as a program."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from notebooks import SECONDS_PER_CELL, check_ran_clean, check_stored_light, figures, printed, run

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "examples" / "lab.ipynb"


@pytest.fixture(scope="module")
def stored():
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def ran():
    return run(NOTEBOOK)


def test_the_notebook_is_stored_light_and_walks_the_twenty_sections(stored):
    check_stored_light(NOTEBOOK)
    headings = [re.match(r"## (\d+)\. ", cell.source) for cell in stored.cells if cell.cell_type == "markdown"]
    assert [int(found[1]) for found in headings if found] == list(range(1, 21))


def test_the_notebook_runs_without_complaint(ran):
    check_ran_clean(ran)
    assert figures(ran) == 8


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
