"""Slots: how many workers a store has, held by locks that the system lets go of when a worker dies."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from synthfin_core.store import Store
from synthfin_core.store.files import make_folder, plain_errors


def slot_path(store: Store, slot: int | str) -> Path:
    """The file whose lock is the slot."""
    return store.root / "slots" / f"slot-{slot}.lock"


def take(store: Store, slot: int | str) -> IO[bytes] | None:
    """Hold a slot until the returned file is closed; None when another process holds it."""
    path = slot_path(store, slot)
    make_folder(path.parent)
    with plain_errors(path):
        file = open(path, "ab")  # noqa: SIM115 (the caller holds it)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file
