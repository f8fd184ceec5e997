"""A run: one fit, and a folder that is the whole truth about it.

spec.json                  what was asked for, and when
status.json                where it stands, who trains it, and the last sign of life
progress.jsonl             one line a reported step, only ever added to
preview.json               sample paths drawn while it trains
stop                       there while the trainer is asked to stop
checkpoint.safetensors     what is needed to go on
weights.safetensors        the fitted pipeline
samples.npz latents.npz    windows it drew and where training windows lie in its latent space, at its end
title.json log.txt lock    a name given by hand; details of a failure; held by the trainer
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthfin_core.errors import DamagedRun, SettingError
from synthfin_core.pipeline import Pipeline, Samples
from synthfin_core.registry import generator_class
from synthfin_core.spec import RunSpec
from synthfin_core.store import files
from synthfin_core.store.job import JobFolder
from synthfin_core.store.status import ACTIVE, SILENT_ELSEWHERE, Status, trainer_is_gone

LONGEST_TITLE = 120


@dataclass(frozen=True)
class Latents:
    """Where training windows lie in a model's latent space.

    Attributes
    ----------
    mu, logvar : ndarray (n, k)
        Posterior mean and log-variance.
    window : ndarray (n,)
        Which training window each row is.
    """

    mu: NDArray[np.float64]
    logvar: NDArray[np.float64]
    window: NDArray[np.int64]


class Run(JobFolder):
    """One fit in a store; made by `Store.create` and `Store.run`.

    Attributes
    ----------
    path : Path
        The run's folder; its name, the run's id, is readable and ends in its spec's hash.
    """

    doing = "trained"

    # What was asked for.

    @property
    def spec(self) -> RunSpec:
        """What was asked for.

        Raises
        ------
        DamagedRun
            If the folder holds no spec, or not the one that it is named after.
        """
        return _asked(self.path)[0]

    @property
    def created(self) -> float:
        """When it was asked for, in seconds since 1970; 0 for a damaged run."""
        try:
            return _asked(self.path)[1]
        except DamagedRun:
            return 0.0

    @property
    def damage(self) -> str | None:
        """What is wrong with the folder, in one sentence, or None."""
        try:
            _asked(self.path)
        except DamagedRun as error:
            return str(error)
        return None

    @property
    def title(self) -> str:
        """The name given by hand, or one made from the spec."""
        if given := self._given_title():
            return given
        try:
            spec = self.spec
        except DamagedRun:
            return self.id
        name = spec.setup.panel_id.rpartition("-")[0] or spec.setup.panel_id
        model = generator_class(spec.generator).short
        return f"{model} on {name}, windows of {spec.setup.windows.length} ({self.id[-8:]})"

    @property
    def label(self) -> str:
        """A short name for legends: the name given by hand, or model and end of the id, for example ``"VAE 3f2a"``."""
        return self._given_title() or f"{generator_class(self.spec.generator).short} {self.id[-4:]}"

    def _given_title(self) -> str:
        if not os.path.exists(self.path / "title.json"):
            return ""
        title = (self._json_or_none("title.json") or {}).get("title")
        return title[:LONGEST_TITLE] if isinstance(title, str) else ""

    def rename(self, title: str) -> None:
        """Give the run a name for people; its id stays.

        Raises
        ------
        SettingError
            If the name is empty or too long.
        """
        plain = " ".join("".join(letter if letter.isprintable() else " " for letter in title).split())
        if not 1 <= len(plain) <= LONGEST_TITLE:
            raise SettingError(f"The title has {len(plain)} letters, expected 1 to {LONGEST_TITLE}: choose another.")
        files.write_json(self.path / "title.json", {"title": plain})

    # Where it stands.

    def status(self) -> Status:
        """Where the run stands now; reading it never fails."""
        if damage := self.damage:
            return Status("damaged", message=damage)
        written, status = self._written()
        if status.state in ("starting", "running") and trainer_is_gone(written):
            # The trainer may have ended properly between the two looks.
            written, status = self._written()
            if status.state in ("starting", "running") and trainer_is_gone(written):
                return _died(status, "The process that trained it is gone: resume it from its last checkpoint.")
        if status.state == "queued":
            place = self._queue.place(self.id)
            lost = place is None and time.time() - float(written.get("heartbeat") or 0) > SILENT_ELSEWHERE
            if lost:
                return _died(status, "It waited in a queue that is gone: resume it.")
            return Status.from_dict({**status.to_dict(), "queue_place": place})
        return status

    def _unreadable(self) -> Status:
        return Status("damaged", message=f"status.json of {self.id} was altered: resume it or delete it.")

    def progress(self, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
        """What was reported since `offset`, and the offset to ask from next time.

        Returns
        -------
        records : list of dict
            ``{"step", "epoch", "seconds", "losses"}``, oldest first. Losses are means over the steps since the
            record before.
        offset : int
            Smaller than the one given when the file was cut back and the records start over.
        """
        try:
            with open(self.path / "progress.jsonl", "rb") as file:
                size = os.fstat(file.fileno()).st_size
                start = offset if 0 < offset <= size else 0
                if start:
                    file.seek(start - 1)
                    start = start if file.read(1) == b"\n" else 0
                file.seek(start)
                lines = file.read()
        except OSError:
            return [], 0
        whole = lines[: lines.rfind(b"\n") + 1]
        return _parsed(whole), start + len(whole)

    def append_progress(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Report steps."""
        lines = "".join(json.dumps(files.finite(record)) + "\n" for record in records).encode()
        files.append_bytes(self.path / "progress.jsonl", lines)

    def cut_progress(self, step: int) -> None:
        """Forget what was reported after `step`."""
        kept = [record for record in self.progress()[0] if record["step"] <= step]
        lines = "".join(json.dumps(record) + "\n" for record in kept)
        files.write_bytes(self.path / "progress.jsonl", lines.encode())

    def preview(self) -> dict[str, Any] | None:
        """Sample paths of the half-trained model: ``{"step", "series", "paths", ...}``, or None before the first."""
        return self._json_or_none("preview.json")

    def write_preview(self, preview: Mapping[str, Any]) -> None:
        """Show sample paths of the half-trained model."""
        files.write_json(self.path / "preview.json", preview)

    # What came out.

    def save(self, pipeline: Pipeline) -> None:
        """Keep a fitted pipeline."""
        meta, arrays = pipeline.state()
        files.write_tensors(self.path / "weights.safetensors", arrays, meta)

    def load(self) -> Pipeline:
        """The fitted pipeline.

        Raises
        ------
        DamagedRun
            If there are no weights yet, or they were cut off or altered.
        """
        arrays, meta = files.read_tensors(self.path / "weights.safetensors")
        try:
            return Pipeline.load(meta, arrays)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise DamagedRun(f"The weights of {self.id} do not fit this version's model: train it again.") from error

    def save_checkpoint(self, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> None:
        """Keep what is needed to go on; `meta` says how far training was: ``{"step", "epoch", "seconds"}``."""
        files.write_tensors(self.path / "checkpoint.safetensors", arrays, meta)

    def checkpoint(self) -> tuple[files.Arrays, dict[str, Any]] | None:
        """What `save_checkpoint` kept last, or None."""
        path = self.path / "checkpoint.safetensors"
        return files.read_tensors(path) if path.exists() else None

    def save_samples(self, samples: Samples) -> None:
        """Keep windows that the model drew, so that showing them needs no model."""
        texts = {name: np.array(getattr(samples, name), dtype=np.str_) for name in ("names", "kinds", "units")}
        files.write_npz(self.path / "samples.npz", {"x": samples.x, "start": samples.start, **texts})

    def samples(self) -> Samples | None:
        """The windows kept by `save_samples`, or None."""
        arrays = self._arrays_or_none("samples.npz", ("x", "start", "names", "kinds", "units"))
        if arrays is None:
            return None
        names, kinds, units = (tuple(arrays[name].tolist()) for name in ("names", "kinds", "units"))
        return Samples(x=arrays["x"], names=names, kinds=kinds, units=units, start=arrays["start"])

    @property
    def samples_stamp(self) -> int:
        """When the kept windows were drawn, in nanoseconds since 1970; 0 while there are none."""
        try:
            return (self.path / "samples.npz").stat().st_mtime_ns
        except OSError:
            return 0

    def save_latents(self, latents: Latents) -> None:
        """Keep where training windows lie in the latent space."""
        files.write_npz(self.path / "latents.npz", vars(latents))

    def latents(self) -> Latents | None:
        """Where training windows lie in the latent space; None for a model without one, or before the end."""
        arrays = self._arrays_or_none("latents.npz", ("mu", "logvar", "window"))
        return None if arrays is None else Latents(**arrays)

    def reset(self) -> None:
        """Forget all that training gave, to start over."""
        for name in ("checkpoint.safetensors", "weights.safetensors", "samples.npz", "latents.npz"):
            self._remove(name)
        for name in ("progress.jsonl", "preview.json", "log.txt"):
            self._remove(name)

    def _json_or_none(self, name: str) -> dict[str, Any] | None:
        try:
            return files.read_json(self.path / name)
        except DamagedRun:
            return None

    def _arrays_or_none(self, name: str, wanted: tuple[str, ...]) -> files.Arrays | None:
        path = self.path / name
        if not path.exists():
            return None
        arrays = files.read_npz(path)
        if set(arrays) != set(wanted):
            raise DamagedRun(f"{name} of {self.id} was altered: train it again.")
        return arrays


def _asked(path: Path) -> tuple[RunSpec, float]:
    folder = os.fspath(path)
    if os.path.islink(folder):
        raise DamagedRun(f"{path.name} is a link, expected a folder inside the store: remove the link.")
    try:
        stat = os.lstat(f"{folder}/spec.json")
    except OSError as error:
        raise DamagedRun(f"{path.name} has no spec.json, so it is no run: delete it.") from error
    return _asked_once(folder, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4096)
def _asked_once(folder: str, mtime: int, size: int) -> tuple[RunSpec, float]:
    values = files.read_json(Path(folder) / "spec.json")
    name = os.path.basename(folder)
    try:
        spec, created = RunSpec.from_dict(values["spec"]), float(values["created"])
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedRun(f"spec.json of {name} can't be read ({error}): delete the run and train it again.") from error
    if spec.run_id != name:
        raise DamagedRun(f"spec.json of {name} was altered, it belongs to {spec.run_id}: delete the run.")
    return spec, created


def _parsed(lines: bytes) -> list[dict[str, Any]]:
    records = []
    for line in lines.splitlines():
        with contextlib.suppress(ValueError):
            record = json.loads(line)
            if isinstance(record, dict) and isinstance(record.get("step"), int):
                records.append(record)
    return records


def _died(status: Status, message: str) -> Status:
    return Status.from_dict({**status.to_dict(), "state": "died", "message": message, "seconds_left": None})


__all__ = ["ACTIVE", "Latents", "Run"]
