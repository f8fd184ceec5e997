"""Running the example notebooks, and reading what their cells print."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

SECONDS_PER_CELL = 240


def run(path: Path, **instead: str) -> nbformat.NotebookNode:
    """The notebook after running it with this interpreter, from the folder in which it is stored.

    `instead` gives cells another source by their tag, for example ``epochs="epochs = 2"``.
    """
    notebook = nbformat.read(path, as_version=4)
    for tag, source in instead.items():
        (cell,) = [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]
        cell.source = source
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PREFER_ENV_PATH", "1")  # this interpreter's kernel before one in the user's folder
        where = {"metadata": {"path": str(path.parent)}}
        NotebookClient(notebook, timeout=SECONDS_PER_CELL, kernel_name="python3", resources=where).execute()
    return notebook


def outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """All outputs of all cells."""
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def figures(notebook: nbformat.NotebookNode) -> int:
    """How many figures were drawn."""
    return sum("application/vnd.plotly.v1+json" in output.get("data", {}) for output in outputs(notebook))


def printed(notebook: nbformat.NotebookNode, tag: str) -> str:
    """The text that the one cell with `tag` printed."""
    (cell,) = [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def check_stored_light(path: Path) -> None:
    """Stored with the text that cells print, and without figures."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert path.stat().st_size < 200_000
    assert outputs(notebook)
    assert all(output.output_type in ("stream", "execute_result") for output in outputs(notebook))
    assert all(set(output.get("data", {})) <= {"text/plain"} for output in outputs(notebook))


def check_ran_clean(notebook: nbformat.NotebookNode) -> None:
    """No error, and nothing on the error stream."""
    assert not [each for each in outputs(notebook) if each.output_type == "error" or each.get("name") == "stderr"]
