"""Components are plain JavaScript and CSS files, joined here; there is no build step.

Streamlit loads a component's script from a blob, from where it cannot import a neighbour. So the shared files are put
in front of each component's own.
"""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
SHARED = ("dom.js", "lines.js")


def script(name: str) -> str:
    """The JavaScript of component `name`, the shared part included."""
    files = [HERE / "shared" / shared for shared in SHARED] + sorted((HERE / name).glob("*.js"))
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def style(name: str) -> str:
    """The CSS of component `name`, the shared part included."""
    files = [HERE / "shared" / "shared.css", HERE / name / f"{name}.css"]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
