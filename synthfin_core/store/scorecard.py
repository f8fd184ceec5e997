"""A scorecard: the scores of runs and baselines on the same real windows, kept in parts so that each is computed once.

spec.json                       the setup whose windows the scores are against, and when it was first asked for
wanted.json                     the runs to be scored, and whether with the judges that train networks
status.json                     where the scoring stands, who does it, and the last sign of life
floors-quick.json ...           noise floors, by level
<data set>-quick.json ...       the report of one data set, by level; a run's carries the stamp of its samples
stop lock log.txt               as in a run's folder
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from synthfin_core.errors import DamagedRun, DataError, SettingError
from synthfin_core.evaluation import Floors, Report
from synthfin_core.representation import representation_class
from synthfin_core.spec import Setup, digest
from synthfin_core.store import files
from synthfin_core.store.job import JobFolder
from synthfin_core.store.status import Status, trainer_is_gone

#: Raised by hand whenever a score, a floor or a baseline would come out otherwise; scores are then computed anew.
SCORES_VERSION = 1

Level = Literal["quick", "learned"]
LEVELS: tuple[Level, ...] = ("quick", "learned")

#: Reading a part that an older version wrote, or that was altered, can fail in these ways: it is computed again.
UNREADABLE = (DamagedRun, DataError, SettingError, KeyError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True)
class Wanted:
    """What a scorecard is asked for.

    Attributes
    ----------
    runs : tuple of str
        Ids of runs.
    learned : bool
        With the judges that train networks.
    """

    runs: tuple[str, ...] = ()
    learned: bool = False


def ground(setup: Setup) -> Setup:
    """The setup that names what is scored against: how numbers are scaled for a network plays no part in it."""
    name = setup.windows.representation
    levels = bool(name) and representation_class(name).levels
    return replace(setup, windows=replace(setup.windows, representation="levels" if levels else ""))


def scorecard_id(setup: Setup) -> str:
    """The name of the scorecard of a setup, for example ``"scorecard-us-indices-w60-5b1c0f3e"``."""
    bare = ground(setup)
    return f"scorecard-{bare.label}-{digest([bare.to_dict(), SCORES_VERSION])[:8]}"


class Scorecard(JobFolder):
    """The scores on one set of real windows; made by `Store.scorecard`.

    Attributes
    ----------
    path : Path
        The scorecard's folder.
    """

    untouched = "Not scored yet."

    @property
    def setup(self) -> Setup:
        """The setup whose windows the scores are against.

        Raises
        ------
        DamagedRun
            If it can't be read, or is not the one that the folder is named after.
        """
        try:
            setup = Setup.from_dict(files.read_json(self.path / "spec.json")["setup"])
        except (SettingError, DataError, KeyError, TypeError) as error:
            raise DamagedRun(f"spec.json of {self.id} can't be read: delete the folder.") from error
        if scorecard_id(setup) != self.id:
            raise DamagedRun(f"spec.json of {self.id} was altered: delete the folder.")
        return setup

    # What is asked for, and where it stands.

    @property
    def wanted(self) -> Wanted:
        """What was asked for last."""
        try:
            values = files.read_json(self.path / "wanted.json")
            return Wanted(tuple(map(str, values["runs"])), values["learned"] is True)
        except (DamagedRun, KeyError, TypeError):
            return Wanted()

    def want(self, wanted: Wanted) -> None:
        """Ask for the scores of runs."""
        values = {"runs": list(wanted.runs), "learned": wanted.learned}
        files.write_json(self.path / "wanted.json", values)

    def status(self) -> Status:
        """Where the scoring stands; reading it never fails."""
        written, status = self._written()
        if status.state in ("starting", "running") and trainer_is_gone(written):
            return replace(status, state="died", message="The process that scored is gone: score again.")
        if status.state == "queued":
            return replace(status, queue_place=self._queue.place(self.id))
        return status

    # What came out.

    def floors(self, level: Level) -> Floors | None:
        """The noise floors of the scores of a level, or None."""
        try:
            return Floors.from_dict(files.read_json(self.path / f"floors-{level}.json"))
        except UNREADABLE:
            return None

    def save_floors(self, level: Level, floors: Floors) -> None:
        """Keep noise floors."""
        files.write_json(self.path / f"floors-{level}.json", floors.to_dict())

    def part(self, data: str, level: Level, stamp: int = 0) -> Report | None:
        """The report of one data set; None when there is none, or it is about other samples than those of `stamp`."""
        try:
            values = files.read_json(self.path / f"{data}-{level}.json")
            return Report.from_dict(values["report"]) if values["stamp"] == stamp else None
        except UNREADABLE:
            return None

    def has_part(self, data: str, level: Level, stamp: int = 0) -> bool:
        """Whether `part` would give a report, without reading all of it where that can be told."""
        return (self.path / f"{data}-{level}.json").exists() and self.part(data, level, stamp) is not None

    def save_part(self, data: str, level: Level, report: Report, stamp: int = 0) -> None:
        """Keep the report of one data set."""
        values = {"stamp": stamp, "report": report.to_dict()}
        files.write_json(files.child(self.path, f"{data}-{level}", "score").with_suffix(".json"), values)

    def stamps(self, data: Sequence[str]) -> tuple[tuple[str, int], ...]:
        """When each part that there is was written, so that a page knows whether anything is new."""
        names = [f"{name}-{level}.json" for name in ("floors", *data) for level in LEVELS]
        found = []
        for name in names:
            with contextlib.suppress(OSError):
                found.append((name, (self.path / name).stat().st_mtime_ns))
        return tuple(found)
