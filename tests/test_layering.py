"""Imports point one way only, torch stays where it is wanted, and importing the library costs little.

The ranks are those of ARCHITECTURE.md; imports are read from the source, so nothing is run to check them.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RANKS = (
    ("errors", "version"),
    ("params", "rng"),
    ("generators.base",),  # the contract alone: training and networks speak its words
    ("representation", "losses", "diffusion", "processes", "judges", "wavelets", "classical"),
    ("data", "nn", "training"),
    ("generators",),
    ("registry",),
    ("pipeline", "spec"),
    ("evaluation", "export"),
    ("plots",),
    ("document",),
    ("store",),
    ("jobs",),
    ("api",),
    ("cli",),
    ("__init__", "lab", "__main__"),
    ("app",),
)
RANK = {name: rank for rank, names in enumerate(RANKS) for name in names}
TORCH_AT_TOP = {"nn", "losses", "diffusion", "training", "lab", "judges"}
TORCH_INSIDE_FUNCTIONS = {"generators", "jobs", "evaluation"}
BLIND_TO_MODELS = {"evaluation", "plots", "document", "processes", "judges", "classical"}
MODELS = {"generators", "generators.base", "registry", "nn", "training"}


@dataclass(frozen=True)
class Import:
    """One imported module and where it stands."""

    file: str
    line: int
    part: str  # the importing part: "data", "generators", "app"
    module: str  # for example "synthfin_core.data.panel"
    top: bool  # at module top, so paid by everyone who imports the file

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"

    @property
    def target(self) -> str | None:
        """The part imported, where it is one of ours."""
        first, *rest = self.module.split(".")
        if first == "app":
            return "app"
        if first != "synthfin_core":
            return None
        return part_of_module(rest)


def part_of_module(names: Sequence[str]) -> str:
    """The part that a module below `synthfin_core` belongs to: ("data", "panel") belongs to "data"."""
    return next((part for part in (".".join(names[:2]), *names[:1]) if part in RANK), "__init__")


def part_of(path: Path) -> str:
    package, *names = path.relative_to(ROOT).with_suffix("").parts
    return "app" if package == "app" else part_of_module(names)


def imports_of(source: str, file: str, part: str) -> Iterator[Import]:
    def walk(node: ast.AST, top: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                names = [alias.name for alias in child.names]
            elif isinstance(child, ast.ImportFrom):
                names = [f"{child.module}.{alias.name}" for alias in child.names]
            else:
                inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from walk(child, top and not inside and not _only_for_types(child))
                continue
            yield from (Import(file, child.lineno, part, name, top) for name in names)

    yield from walk(ast.parse(source), True)


def _only_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def sources() -> list[Path]:
    return sorted(path for package in ("synthfin_core", "app") for path in (ROOT / package).rglob("*.py"))


@pytest.fixture(scope="module")
def imports() -> list[Import]:
    return [
        found
        for path in sources()
        for found in imports_of(path.read_text("utf-8"), str(path.relative_to(ROOT)), part_of(path))
    ]


def wrong_way(found: list[Import]) -> list[str]:
    return [str(i) for i in found if i.target and i.target != i.part and RANK[i.target] >= RANK[i.part]]


def test_every_part_has_a_rank() -> None:
    parts = {path.stem for path in (ROOT / "synthfin_core").iterdir() if path.is_dir() or path.suffix == ".py"}
    assert parts - {"__pycache__"} - RANK.keys() == set()


def test_imports_point_to_lower_ranks(imports: list[Import]) -> None:
    assert not wrong_way(imports), "\n".join(wrong_way(imports))


def test_an_import_of_a_higher_rank_is_seen() -> None:
    source = "def load():\n    from synthfin_core.store import Store\n"
    assert wrong_way(list(imports_of(source, "panel.py", "data"))) == ["panel.py:2 imports synthfin_core.store.Store"]


def test_scores_and_plots_know_no_model(imports: list[Import]) -> None:
    assert [str(i) for i in imports if i.part in BLIND_TO_MODELS and i.target in MODELS] == []


def test_no_streamlit_in_the_core(imports: list[Import]) -> None:
    assert [str(i) for i in imports if i.part != "app" and i.module.split(".")[0] == "streamlit"] == []


def test_torch_is_imported_only_where_it_is_wanted(imports: list[Import]) -> None:
    torch = [i for i in imports if i.module.split(".")[0] == "torch"]
    assert [str(i) for i in torch if i.top and i.part not in TORCH_AT_TOP] == []
    assert [str(i) for i in torch if i.part not in TORCH_AT_TOP | TORCH_INSIDE_FUNCTIONS] == []


@pytest.mark.parametrize(
    "code",
    [
        "import synthfin_core",
        "from synthfin_core.registry import GENERATORS, generator_class\n"
        "for name in GENERATORS: generator_class(name).Config.params()",
        "import synthfin_core.store",
        "import synthfin_core.plots, synthfin_core.evaluation",
    ],
)
def test_looking_around_imports_no_torch(code: str) -> None:
    after = "\nimport sys\nprint('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code + after], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "False"
