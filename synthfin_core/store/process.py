"""Whether the process that trains a run is still there.

A process id alone is not enough, since ids are given out again; the process's start time makes it one of a kind. And
an id means nothing on another machine or in another container, so the place is kept beside it.
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any


def this_process() -> dict[str, Any]:
    """What names this process: its id, its start time, and where it runs."""
    return {"pid": os.getpid(), "started": start_time(os.getpid()), "place": place()}


def is_here(process: Mapping[str, Any]) -> bool:
    """Whether that process runs, or ran, where its id can be looked up."""
    return process.get("place") == place()


def is_alive(process: Mapping[str, Any]) -> bool:
    """Whether exactly that process is still running; only meaningful when it `is_here`."""
    pid = process.get("pid")
    return isinstance(pid, int) and pid > 0 and _exists(pid) and start_time(pid) == process.get("started")


def start_time(pid: int) -> str | None:
    """When a process started, as the system counts it; None for one that is gone or has ended.

    Linux keeps it in field 22 of ``/proc/<pid>/stat``; elsewhere ``ps`` is asked.
    """
    try:
        # The second field is the program's name in brackets and may hold spaces and brackets itself.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        return None if Path("/proc/self/stat").exists() else _asked_of_ps(pid)


@cache
def place() -> str:
    """The machine since it was switched on, and the container within it, in one word."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return platform.node()


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _asked_of_ps(pid: int) -> str | None:
    try:
        answer = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
