"""Files of the store: written whole or not at all, read without trust.

A file appears under its name only once all its bytes are on disk, so a reader never sees half of one. Arrays are
safetensors or npz without pickle; a link is never followed; a name becomes a path only when it matches `ID_PATTERN`.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthfin_core.errors import DamagedRun, RunNotFound, StoreError
from synthfin_core.spec import ID_PATTERN

Arrays = dict[str, NDArray[Any]]


def child(folder: Path, name: str, what: str) -> Path:
    """The path of `name` in `folder`, once the name is known to be harmless.

    Raises
    ------
    RunNotFound
        If the name is not one that the store gives.
    StoreError
        If a link of that name leads out of the store.
    """
    if not isinstance(name, str) or not ID_PATTERN.fullmatch(name):
        raise RunNotFound(f"There is no {what} {name!r:.100}; names have small letters, digits and hyphens only.")
    path = folder / name
    if path.is_symlink():
        raise StoreError(f"The {what} {name} is a link, expected a folder inside the store: remove the link.")
    return path


@contextlib.contextmanager
def plain_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says while `path` is written into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            sentence = f"The disk is full, so {path.name} could not be saved: free some space and try again."
        else:
            reason = error.strerror or type(error).__name__
            sentence = f"{path.name} could not be saved in {path.parent} ({reason}): check that folder and its rights."
        raise StoreError(f"{sentence} What was stored before is unchanged.") from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file in one piece: readers see the old bytes or the new ones.

    Raises
    ------
    StoreError
        If the disk is full or the folder can't be written to; the old file is then still there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    with plain_errors(path):
        try:
            with open(temporary, "wb") as file:
                file.write(content)
            os.replace(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


def append_bytes(path: Path, content: bytes) -> None:
    """Add to a file: all of it or, when the disk is full, nothing.

    Raises
    ------
    StoreError
        If the disk is full or the folder can't be written to.
    """
    with plain_errors(path), open(path, "ab", buffering=0) as file:
        before = os.fstat(file.fileno()).st_size
        try:
            if file.write(content) != len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            os.ftruncate(file.fileno(), before)
            raise


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where there is none yet."""
    with plain_errors(path):
        path.mkdir(parents=True, exist_ok=True)


def read_bytes(path: Path) -> bytes:
    """Read a file of a run.

    Raises
    ------
    DamagedRun
        If it is missing, is a link or can't be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with open(descriptor, "rb") as file:
            return file.read()
    except OSError as error:
        raise DamagedRun(f"{path.parent.name} has no readable {path.name}: delete it and train it again.") from error


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write plain values; numbers that are no numbers become null."""
    write_bytes(path, json.dumps(finite(values), indent=1).encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote.

    Raises
    ------
    DamagedRun
        If the file is missing or holds something else.
    """
    try:
        values = json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise _altered(path) from error
    if not isinstance(values, dict):
        raise _altered(path)
    return values


def finite(value: Any) -> Any:
    """`value` with NaN and infinities as None and numpy numbers as plain ones, so that any JSON reader takes it."""
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [finite(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def write_tensors(path: Path, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> None:
    """Write arrays and what describes them as one safetensors file, sealed with a checksum."""
    from safetensors.numpy import save

    whole = {name: np.asarray(array, order="C") for name, array in sorted(arrays.items())}
    described = json.dumps(meta, sort_keys=True)
    # One entry only: safetensors keeps several in no particular order, and the same model should be the same bytes.
    sealed = json.dumps({"meta": described, "sha256": _seal(whole, described)})
    write_bytes(path, save(whole, metadata={"synthfin": sealed}))


def read_tensors(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """Read what `write_tensors` wrote.

    Raises
    ------
    DamagedRun
        If the file is missing, cut off or altered.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    content = read_bytes(path)
    try:
        size = int.from_bytes(content[:8], "little")
        header = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["synthfin"])
        arrays = {name: array.copy() for name, array in load(content).items()}
        if header["sha256"] != _seal(arrays, header["meta"]):
            raise _altered(path)
        meta: dict[str, Any] = json.loads(header["meta"])
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise _altered(path) from error
    return arrays, meta


def write_npz(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays of numbers and texts as one npz file."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{name: np.asarray(array) for name, array in arrays.items()})
    write_bytes(path, buffer.getvalue())


def read_npz(path: Path) -> Arrays:
    """Read what `write_npz` wrote; nothing is unpickled.

    Raises
    ------
    DamagedRun
        If the file is missing, cut off or altered.
    """
    import zipfile

    content = io.BytesIO(read_bytes(path))
    try:
        with np.load(content, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, EOFError, OSError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        raise _altered(path) from error


def _seal(arrays: Mapping[str, NDArray[Any]], described: str) -> str:
    seal = hashlib.sha256(described.encode())
    for name, array in sorted(arrays.items()):
        seal.update(f"{name} {array.dtype.str} {array.shape}".encode())
        seal.update(np.asarray(array, order="C").tobytes())
    return seal.hexdigest()


def _altered(path: Path) -> DamagedRun:
    return DamagedRun(f"{path.name} of {path.parent.name} was cut off or altered: delete it and train it again.")
