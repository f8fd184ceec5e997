"""The queue: one small file a waiting run, oldest first.

An entry's name is the moment it was put in and the run's id. Whoever manages to remove the file has decided what
becomes of the run: a worker that took it, or a person who changed their mind.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from synthfin_core.store import files

_NAME = re.compile(r"(\d{20})-([a-z0-9][a-z0-9-]{0,79})")


@dataclass(frozen=True)
class Entry:
    """A waiting run.

    Attributes
    ----------
    path : Path
    run_id : str
    moment : int
        When it was put in, in nanoseconds: the order of the queue.
    """

    path: Path
    run_id: str
    moment: int

    def resume(self) -> bool:
        """Whether to go on from the last checkpoint."""
        try:
            return json.loads(self.path.read_bytes()).get("resume") is True
        except (OSError, ValueError, AttributeError):
            return False

    def remove(self) -> bool:
        """Take the entry out; False when somebody else has."""
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            return False
        return True


class Queue:
    """The waiting runs of a store, kept in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, run_id: str, resume: bool, moment: int | None = None) -> None:
        """Let a run wait, at the end or where it was before."""
        files.make_folder(self.folder)
        stamp = time.time_ns() if moment is None else moment
        files.write_json(self.folder / f"{stamp:020d}-{run_id}", {"resume": resume})

    def entries(self) -> list[Entry]:
        """Who waits, oldest first."""
        try:
            names = sorted(os.listdir(self.folder))
        except FileNotFoundError:
            return []
        found = (_NAME.fullmatch(name) for name in names)
        return [Entry(self.folder / hit[0], hit[2], int(hit[1])) for hit in found if hit]

    def place(self, run_id: str) -> int | None:
        """1 for the run that is next; None when it does not wait."""
        waiting = list(dict.fromkeys(entry.run_id for entry in self.entries()))
        return waiting.index(run_id) + 1 if run_id in waiting else None

    def remove(self, run_id: str) -> bool:
        """Take a run out; False when it did not wait."""
        removed = False
        for entry in self.entries():
            if entry.run_id == run_id:
                with contextlib.suppress(OSError):
                    removed |= entry.remove()
        return removed
