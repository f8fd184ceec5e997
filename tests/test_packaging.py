"""The files around the code keep what they promise: pinned packages, commands that exist, a container without root."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import browser
import pytest

ROOT = Path(__file__).parent.parent


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "constraints.txt"])
def test_every_package_is_pinned(name: str) -> None:
    lines = [line for line in read(name).splitlines() if line and not line.startswith(("#", "-c ", "-r "))]
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9][a-z0-9-]*==[0-9][0-9a-z.]*", line)] == []


def test_the_core_and_the_app_import_nothing_that_is_not_required() -> None:
    names = {"scikit-learn": "sklearn", "pywavelets": "pywt"}
    required = {line.split("==")[0] for line in read("requirements.txt").splitlines() if "==" in line}
    known = (
        {names.get(name, name) for name in required} | {"starlette", "synthfin_core", "app"} | sys.stdlib_module_names
    )
    imported = {
        found
        for package in ("synthfin_core", "app")
        for path in (ROOT / package).rglob("*.py")
        for found in re.findall(
            r"^ *(?:import|from) ([a-z_0-9]+)[\w.]*(?: import | as |$)", path.read_text("utf-8"), re.M
        )
    }
    assert imported - known == set()


def test_every_make_command_in_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.M))
    commands = set(re.findall(r"\bmake ([a-z]+)", "".join(re.findall(r"`[^`]+`|^    .*", read("README.md"), re.M))))
    assert {"app", "test"} <= commands <= targets


def test_every_file_in_the_readme_exists() -> None:
    tree = re.findall(r"^    ([a-z_]+/) ", read("README.md"), re.M)
    named = re.findall(r"`([\w./]+\.(?:py|ipynb))`|\]\(((?!http)[\w./]+)\)", read("README.md"))
    missing = [name for name in [*tree, *("".join(pair) for pair in named)] if not (ROOT / name).exists()]
    assert missing == []


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
def test_make_says_so_when_there_is_no_python(tmp_path: Path) -> None:
    for name in ("Makefile", "constraints.txt", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, tmp_path)
    done = subprocess.run(
        ["make", "app", "PYTHON=/nowhere/python"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    assert "No Python 3.11 or newer" in done.stderr
    assert "(tried: /nowhere/python)" in done.stderr


def test_the_container_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (\S+)", read("Dockerfile"), re.M)
    assert users
    assert users[-1] not in ("root", "0")


def test_the_image_takes_only_what_the_server_needs() -> None:
    taken = set(re.findall(r"^!(\S+)", read(".dockerignore"), re.M))
    assert read(".dockerignore").startswith("*\n")
    assert taken == {".streamlit/config.toml", "app", "synthfin_core", "constraints.txt", "requirements.txt"}


def test_the_browser_that_chrome_names_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "my-chrome"
    program.touch(0o755)
    monkeypatch.setenv("CHROME", str(program))
    assert browser.find_browser() == str(program)
    monkeypatch.setenv("CHROME", str(tmp_path / "none"))
    assert browser.find_browser() is None


def test_a_browser_is_found_by_its_usual_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CHROME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(browser, "MAC_APPS", ())
    assert browser.find_browser() is None
    (tmp_path / "google-chrome").touch(0o755)
    assert browser.find_browser() == str(tmp_path / "google-chrome")
