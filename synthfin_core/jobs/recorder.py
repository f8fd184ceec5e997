"""What a fit writes down while it goes on: losses, sample paths, checkpoints, and a sign of life twice a second."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import numpy as np

from synthfin_core.errors import StoreError
from synthfin_core.generators.base import Progress
from synthfin_core.pipeline import Pipeline
from synthfin_core.store import Run, Status

FIRST_STEPS = 50  #: reported one by one, so that the curve sets out at once
REPORT_EVERY = 0.05  #: seconds between later reports ...
REPORT_SHARE = 1 / 2000  #: ... and the share of the time gone by, so that a long run's curve stays quick to read
PREVIEW_EVERY = 1.5
CHECKPOINT_EVERY = 30.0
FIRST_CHECKPOINT = 3.0  #: seconds, so that a run that fails soon has one to fall back on
HEARTBEAT_EVERY = 0.5
LARGEST_SHARE = 0.05  #: of the time that may go into previews, and into checkpoints
SPEED_OVER = 5.0  #: seconds over which steps per second are measured
PREVIEW_PATHS = 12
PREVIEW_SEED = 0


class Recorder:
    """Follows one fit and writes what it sees into the run's folder.

    Use it as a context: inside, a sign of life is written twice a second from a thread of its own, also while a step
    takes long.

    Parameters
    ----------
    run : Run
    pipeline : Pipeline
    seconds_before : float
        Spent on the run in earlier sittings.
    """

    def __init__(self, run: Run, pipeline: Pipeline, seconds_before: float = 0.0) -> None:
        self.run = run
        self.pipeline = pipeline
        self.latest: Progress | None = None
        self._status = Status("starting", seconds=seconds_before)
        self._seconds_before = seconds_before
        self._began = time.monotonic()
        self._reported: Progress | None = None
        self._sums: dict[str, float] = {}
        self._summed = 0
        self._next_report = 0.0
        self._preview = _Sparing(PREVIEW_EVERY, first=0.3)
        self._checkpoint = _Sparing(CHECKPOINT_EVERY, first=min(FIRST_CHECKPOINT, CHECKPOINT_EVERY))
        self._checkpoint_epochs = pipeline.generator.checkpoint_epochs
        self._marks: deque[tuple[float, int]] = deque()
        self._over = threading.Event()
        self._writing = threading.Lock()
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self.write_status()
        self._heart.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._heart.join()
        with contextlib.suppress(StoreError):  # whoever asked for this is told by its own error
            self.flush()
            self.write_status()

    @property
    def seconds(self) -> float:
        """Time spent on the run, over all sittings."""
        return self._seconds_before + time.monotonic() - self._began

    def on_step(self, progress: Progress) -> None:
        """Take note of one training step."""
        now = time.monotonic()
        epoch_ended = self.latest is not None and self.latest.epoch != progress.epoch
        if epoch_ended and self._summed:
            self._report(now)
        self.latest = progress
        for name, value in progress.losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._summed += 1
        if progress.step <= FIRST_STEPS or now >= self._next_report or progress.step == progress.steps:
            self._report(now)
        if not self._marks or now - self._marks[-1][0] > 0.1:
            self._marks.append((now, progress.step))
            while now - self._marks[0][0] > SPEED_OVER and len(self._marks) > 2:
                self._marks.popleft()
        if self._status.state == "starting":
            self.write_status()
        self._preview.when_due(now, self.write_preview)
        if _epochs_done(progress, self._checkpoint_epochs):
            self.write_checkpoint()
        else:
            self._checkpoint.when_due(now, self.write_checkpoint)

    def flush(self) -> None:
        """Report the steps that were held back."""
        if self._summed:
            self._report(time.monotonic())

    def _report(self, now: float) -> None:
        """One line with the means over the steps since the line before."""
        assert self.latest is not None
        losses = {name: total / self._summed for name, total in self._sums.items()}
        record = {
            "step": self.latest.step,
            "epoch": self.latest.epoch,
            "seconds": round(self.seconds, 3),
            "losses": losses,
        }
        self.run.append_progress([record])
        self._sums, self._summed = {}, 0
        self._next_report = now + max(REPORT_EVERY, REPORT_SHARE * self.seconds)

    def write_preview(self) -> None:
        """Show how the model stands: sample paths of the first series in the data's own units, and diagnostics."""
        assert self.latest is not None
        samples = self.pipeline.sample(PREVIEW_PATHS, seed=PREVIEW_SEED)
        paths = samples.values()[:, :, 0]  # (k, t) or (k, t + 1)
        self.look_inside()
        self.run.write_preview(
            {
                "step": self.latest.step,
                "epoch": self.latest.epoch,
                "seconds": self.seconds,
                "series": samples.names[0],
                "kind": samples.kinds[0],
                "unit": samples.units[0],
                "paths": [[float(f"{value:.6g}") for value in path] for path in paths if np.isfinite(path).all()],
                "diagnostics": self._status.diagnostics,
            }
        )

    def look_inside(self) -> None:
        """Ask the generator how it looks from inside."""
        seen = self.pipeline.generator.diagnostics()
        self._status = replace(self._status, warnings=tuple(seen.warnings), diagnostics=dict(seen.values))

    def write_checkpoint(self) -> None:
        """Keep what is needed to go on from here."""
        if self.latest is not None:
            at = {"step": self.latest.step, "epoch": self.latest.epoch, "seconds": self.seconds}
            self.run.save_checkpoint(self.pipeline.generator.checkpoint(), at)

    def write_status(self, **changes: Any) -> Status:
        """Write where the run stands, with `changes` to it."""
        with self._writing:
            self._status = replace(self._now(), **changes)
            self.run.write_status(self._status)
            return self._status

    def _now(self) -> Status:
        latest = self.latest
        if latest is None:
            return replace(self._status, seconds=self.seconds)
        speed = self._speed()
        return replace(
            self._status,
            state="running" if self._status.state == "starting" else self._status.state,
            step=latest.step,
            steps=latest.steps,
            epoch=latest.epoch,
            epochs=latest.epochs,
            seconds=self.seconds,
            steps_per_second=speed,
            seconds_left=(latest.steps - latest.step) / speed if speed else None,
        )

    def _speed(self) -> float | None:
        if len(self._marks) < 2:
            return None
        (since, first), (until, last) = self._marks[0], self._marks[-1]
        return (last - first) / (until - since) if until > since else None

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT_EVERY):
            try:
                self.write_status()
            except StoreError as error:  # a full disk may have room again at the next beat
                self.run.log(str(error))


def _epochs_done(progress: Progress, every: int) -> bool:
    """Whether a whole number of times `every` epochs is done with this step; never for 0."""
    steps_an_epoch = progress.steps // progress.epochs
    return every > 0 and progress.step % (every * steps_an_epoch) == 0


class _Sparing:
    """Does something every so often, but never for more than `LARGEST_SHARE` of the time."""

    def __init__(self, every: float, first: float) -> None:
        self.every = every
        self.due = time.monotonic() + first

    def when_due(self, now: float, action: Callable[[], None]) -> None:
        if now >= self.due:
            action()
            cost = time.monotonic() - now
            self.due = now + max(self.every, cost / LARGEST_SHARE)
