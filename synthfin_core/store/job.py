"""What every folder has that a process works on: a status with a sign of life, a way to end it, a lock and a log."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from synthfin_core.errors import DamagedRun, StoreError
from synthfin_core.store import files, process
from synthfin_core.store.queue import Queue
from synthfin_core.store.status import Status


class JobFolder:
    """A folder of the store that one process at a time works on.

    Attributes
    ----------
    path : Path
    """

    #: What a process does with it, in a sentence.
    doing: ClassVar[str] = "worked on"
    #: Said of a folder that nobody has begun to work on.
    untouched: ClassVar[str] = "Not started yet."

    def __init__(self, path: Path, queue: Queue) -> None:
        self.path = path
        self._queue = queue

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.path.name

    def _written(self) -> tuple[dict[str, Any], Status]:
        path = self.path / "status.json"
        if not os.path.exists(path):
            return {}, Status("stopped", message=self.untouched)
        try:
            written = files.read_json(path)
            return written, Status.from_dict(written)
        except (DamagedRun, ValueError, TypeError):
            return {}, self._unreadable()

    def _unreadable(self) -> Status:
        """The status where what was written can't be read."""
        return Status("stopped", message=self.untouched)

    def write_status(self, status: Status) -> None:
        """Write where the work stands, with a sign of life of this process."""
        sign = {"trainer": process.this_process(), "heartbeat": time.time()}
        files.write_json(self.path / "status.json", {**status.to_dict(), **sign})

    def log(self, text: str) -> None:
        """Add details for a person who looks for a cause; a log that can't be written is not worth failing for."""
        with contextlib.suppress(OSError), open(self.path / "log.txt", "a", encoding="utf-8") as file:
            file.write(text.rstrip() + "\n")

    def request_stop(self) -> None:
        """Ask whoever works on it to end soon; what is there stays."""
        files.write_bytes(self.path / "stop", b"")

    def stop_requested(self) -> bool:
        """Whether an end was asked for."""
        return os.path.exists(self.path / "stop")

    def clear_stop(self) -> None:
        """Forget that an end was asked for."""
        self._remove("stop")

    @contextlib.contextmanager
    def claim(self) -> Iterator[None]:
        """Hold the folder while it is worked on; the system lets go of it even when the process is killed.

        Raises
        ------
        StoreError
            If another process holds it.
        """
        with contextlib.ExitStack() as stack:
            with files.plain_errors(self.path / "lock"):
                lock = stack.enter_context(open(self.path / "lock", "ab"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                sentence = f"{self.id} is being {self.doing} by another process: wait for it or stop it."
                raise StoreError(sentence) from error
            yield

    def _remove(self, name: str) -> None:
        with files.plain_errors(self.path / name):
            (self.path / name).unlink(missing_ok=True)
