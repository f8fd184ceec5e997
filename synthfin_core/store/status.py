"""The state of a run: what its trainer last wrote, and what can be seen to have become of the trainer."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from synthfin_core.store import process

STATES = ("queued", "starting", "running", "done", "stopped", "failed", "died", "damaged")
ACTIVE = ("queued", "starting", "running")

#: Seconds without a sign of life after which a trainer that can't be looked up counts as gone ...
SILENT_ELSEWHERE = 10.0
#: ... and one that is there, but does not move.
SILENT_HERE = 60.0


@dataclass(frozen=True)
class Status:
    """Where a run stands.

    Attributes
    ----------
    state : str
        One of `STATES`. ``"died"`` is never written: it is inferred when the trainer of an unfinished run is gone.
    step, steps, epoch, epochs : int
        Steps done and in all; the epoch being worked on, counted from one, and epochs in all.
    message : str
        One sentence on what happened, where there is something to say.
    warnings : tuple of str
        What does not look healthy, one sentence each.
    diagnostics : dict
        Numbers and lists of numbers that show the model from inside, for example ``{"active_units": 3}``.
    seconds : float
        Time spent on training, over all sittings.
    steps_per_second, seconds_left : float or None
        None while not known.
    queue_place : int or None
        1 for the run that is next; None when it is not waiting.
    """

    state: str
    step: int = 0
    steps: int = 0
    epoch: int = 0
    epochs: int = 0
    message: str = ""
    warnings: tuple[str, ...] = ()
    diagnostics: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    steps_per_second: float | None = None
    seconds_left: float | None = None
    queue_place: int | None = None

    @property
    def active(self) -> bool:
        """Whether the run waits or is being worked on."""
        return self.state in ACTIVE

    def to_dict(self) -> dict[str, Any]:
        """The status as plain values, ready for JSON."""
        return {**dataclasses.asdict(self), "warnings": list(self.warnings)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Status:
        """The status that gave `values`; what it doesn't know is left out."""
        known = {item.name for item in dataclasses.fields(cls)}
        kept = {name: value for name, value in values.items() if name in known}
        if kept.get("state") not in STATES:
            raise ValueError("no state")
        return cls(**{**kept, "warnings": tuple(kept.get("warnings", ()))})


def trainer_is_gone(written: Mapping[str, Any], now: float | None = None) -> bool:
    """Whether the trainer that wrote this status can no longer be at work."""
    trainer = written.get("trainer")
    if not isinstance(trainer, Mapping):
        return True
    heartbeat = written.get("heartbeat")
    silent = (time.time() if now is None else now) - heartbeat if isinstance(heartbeat, int | float) else float("inf")
    if process.is_here(trainer):
        return not process.is_alive(trainer) or silent > SILENT_HERE
    return silent > SILENT_ELSEWHERE
