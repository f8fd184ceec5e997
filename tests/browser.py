"""Finding a Chrome or Chromium on this machine, for the tests marked `browser`."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_APPS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
HOW_TO_GET_ONE = (
    "install Chrome or Chromium (on Debian: apt-get install chromium) or name the program with CHROME=/path/to/chrome"
)


def find_browser() -> str | None:
    """Path of the browser that `CHROME` names, else of the first one found; None where there is none."""
    named = os.environ.get("CHROME")
    if named:
        return shutil.which(named)
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and sys.platform == "darwin":
        found = next((path for path in MAC_APPS if Path(path).exists()), None)
    return found
