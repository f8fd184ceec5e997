"""The store: panels, setups and runs, in one folder."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from synthfin_core.data.panel import Panel
from synthfin_core.data.windows import Windows, make_windows
from synthfin_core.errors import DamagedRun, DataError, RunNotFound, SettingError
from synthfin_core.spec import ID_PATTERN, RunSpec, Setup, slug
from synthfin_core.store import files
from synthfin_core.store.queue import Queue
from synthfin_core.store.run import Run
from synthfin_core.store.scorecard import Scorecard, ground, scorecard_id

WINDOWS_KEPT = 8  #: sets of windows kept in memory


@dataclass(frozen=True)
class StoredPanel:
    """What is known of a stored panel without reading its values.

    Attributes
    ----------
    id, name : str
    columns : tuple of str
    kinds : dict of str to str
    rows : int
    first, last : str or None
        First and last date, where there are dates.
    created : float
        When it was stored, in seconds since 1970.
    """

    id: str
    name: str
    columns: tuple[str, ...]
    kinds: dict[str, str]
    rows: int
    first: str | None
    last: str | None
    created: float


class Store:
    """A folder with panels, setups and runs; several processes may use it at once.

    Parameters
    ----------
    root : path or None
        The folder; ``$SYNTHFIN_STORE`` or ``models_cache`` beside the package when None. Made when first written to.

    Attributes
    ----------
    root : Path
    queue, scoring : Queue
        The runs that wait for a worker, and the scorecards that wait to be filled.
    """

    def __init__(self, root: str | os.PathLike[str] | None = None) -> None:
        beside = Path(__file__).resolve().parents[2] / "models_cache"
        self.root = Path(root or os.environ.get("SYNTHFIN_STORE") or beside).absolute()
        self.queue = Queue(self.root / "queue")
        self.scoring = Queue(self.root / "scoring")
        self._runs = self.root / "runs"
        self._scorecards = self.root / "scorecards"
        self._setups = self.root / "setups"
        self._panels = self.root / "panels"
        self._windows: OrderedDict[str, Windows] = OrderedDict()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Store {self.root}>"

    # Data.

    def save_panel(self, panel: Panel) -> str:
        """Keep a panel; its id is its name and the fingerprint of its values.

        Raises
        ------
        StoreError
            If the disk is full or the store can't be written to.
        """
        panel_id = f"{slug(panel.name)}-{panel.fingerprint[:8]}"
        if not (self._panels / panel_id / "meta.json").exists():
            buffer = io.BytesIO()
            panel.frame.to_parquet(buffer)
            dates = [str(panel.frame.index[row].date()) for row in (0, -1)] if panel.dated else [None, None]
            meta = {
                "name": panel.name,
                "kinds": panel.kinds,
                "columns": list(panel.columns),
                "notes": list(panel.notes),
                "rows": len(panel.frame),
                "first": dates[0],
                "last": dates[1],
                "fingerprint": panel.fingerprint,
                "created": time.time(),
            }
            content = {"panel.parquet": buffer.getvalue(), "meta.json": json.dumps(meta, indent=1).encode()}
            _publish(self._panels / panel_id, content)
        return panel_id

    def panel(self, panel_id: str) -> Panel:
        """The panel of that id.

        Raises
        ------
        RunNotFound
            If there is none.
        DamagedRun
            If its files were cut off or altered.
        """
        folder = self._existing(self._panels, panel_id, "data set")
        meta = files.read_json(folder / "meta.json")
        content = files.read_bytes(folder / "panel.parquet")
        try:
            frame = pd.read_parquet(io.BytesIO(content))
            panel = Panel(frame, dict(meta["kinds"]), str(meta["name"]), tuple(meta["notes"]))
            intact = panel.fingerprint == meta["fingerprint"] and panel_id.endswith(panel.fingerprint[:8])
        except (OSError, ValueError, KeyError, TypeError, DataError) as error:
            raise DamagedRun(f"The data set {panel_id} was cut off or altered: load its source again.") from error
        if not intact:
            raise DamagedRun(f"The data set {panel_id} was altered, its values are not those stored: load it again.")
        return panel

    def panels(self) -> list[StoredPanel]:
        """The stored panels, newest first; damaged ones are left out."""
        found = []
        for folder in _folders(self._panels):
            with contextlib.suppress(DamagedRun, KeyError, TypeError):
                meta = files.read_json(folder / "meta.json")
                described = {name: meta[name] for name in ("name", "kinds", "rows", "first", "last", "created")}
                found.append(StoredPanel(id=folder.name, columns=tuple(meta["columns"]), **described))
        return sorted(found, key=lambda panel: panel.created, reverse=True)

    def save_setup(self, setup: Setup) -> str:
        """Keep a setup and return its id."""
        files.child(self._panels, setup.panel_id, "data set")
        files.make_folder(self._setups)
        path = self._setups / f"{setup.id}.json"
        if not path.exists():
            files.write_json(path, setup.to_dict())
        return setup.id

    def setup(self, setup_id: str) -> Setup:
        """The setup of that id.

        Raises
        ------
        RunNotFound
            If there is none.
        DamagedRun
            If its file was cut off or altered.
        """
        path = files.child(self._setups, setup_id, "setup").with_suffix(".json")
        if not path.exists():
            raise RunNotFound(f"There is no setup {setup_id!r} in the store: choose data and windows again.")
        try:
            setup = Setup.from_dict(files.read_json(path))
        except (SettingError, DataError, TypeError) as error:
            raise DamagedRun(f"The setup {setup_id} can't be read: choose data and windows again.") from error
        if setup.id != setup_id:
            raise DamagedRun(f"The setup {setup_id} was altered: choose data and windows again.")
        return setup

    def windows(self, setup: Setup) -> Windows:
        """The windows of a setup, kept in memory for the next time.

        Raises
        ------
        DataError
            If the data leave no windows of that kind.
        """
        with self._lock:
            if setup.id in self._windows:
                self._windows.move_to_end(setup.id)
                return self._windows[setup.id]
        panel = self.panel(setup.panel_id).select(setup.selection)
        asked = setup.windows
        windows = make_windows(
            panel, asked.length, asked.stride, asked.representation or None, asked.holdout, asked.pool
        )
        with self._lock:
            self._windows[setup.id] = windows
            while len(self._windows) > WINDOWS_KEPT:
                self._windows.popitem(last=False)
        return windows

    # Scores.

    def scorecard(self, setup: Setup) -> Scorecard:
        """The scorecard of a setup's windows, made when it is not there yet."""
        card_id = scorecard_id(setup)
        path = files.child(self._scorecards, card_id, "scorecard")
        if not path.exists():
            asked = {"setup": ground(setup).to_dict(), "created": time.time()}
            _publish(path, {"spec.json": json.dumps(asked, indent=1).encode()})
        return Scorecard(path, self.scoring)

    def scorecard_named(self, card_id: str) -> Scorecard:
        """The scorecard of that id.

        Raises
        ------
        RunNotFound
            If there is none.
        """
        return Scorecard(self._existing(self._scorecards, card_id, "scorecard"), self.scoring)

    # Runs.

    def create(self, spec: RunSpec) -> Run:
        """The run of a spec: the one that is there, or a new one that nobody trains yet.

        Raises
        ------
        RunNotFound
            If the spec's panel is not in the store.
        DamagedRun
            If a damaged folder has the run's name.
        """
        found = self.find(spec)
        if found is not None:
            return found
        self._existing(self._panels, spec.setup.panel_id, "data set")
        self.save_setup(spec.setup)
        asked = {"spec": spec.to_dict(), "created": time.time()}
        _publish(self._runs / spec.run_id, {"spec.json": json.dumps(asked, indent=1).encode()})
        return self.run(spec.run_id)

    def find(self, spec: RunSpec) -> Run | None:
        """The run of a spec, or None when it was never asked for.

        Raises
        ------
        DamagedRun
            If a damaged folder has the run's name.
        """
        path = files.child(self._runs, spec.run_id, "run")
        if not path.exists():
            return None
        run = Run(path, self.queue)
        if run.damage:
            raise DamagedRun(run.damage)
        return run

    def run(self, run_id: str) -> Run:
        """The run of that id; a damaged one says so when it is used.

        Raises
        ------
        RunNotFound
            If there is none.
        """
        return Run(self._existing(self._runs, run_id, "run"), self.queue)

    def runs(self) -> list[Run]:
        """All runs, newest first; damaged ones come last."""
        runs = [Run(folder, self.queue) for folder in _folders(self._runs)]
        return sorted(runs, key=lambda run: run.created, reverse=True)

    def delete(self, run_id: str) -> None:
        """Remove a run for good; one that waits is taken out of the queue.

        Raises
        ------
        RunNotFound
            If there is none.
        StoreError
            If it is being trained.
        """
        run = self.run(run_id)
        with run.claim() if run.path.is_dir() else contextlib.nullcontext():
            self.queue.remove(run_id)
            gone = run.path.with_name(f".deleted-{run_id}-{time.time_ns()}")
            with files.plain_errors(run.path):
                os.replace(run.path, gone)
        if gone.is_dir():
            shutil.rmtree(gone, ignore_errors=True)
        else:
            gone.unlink(missing_ok=True)

    def _existing(self, folder: Path, name: str, what: str) -> Path:
        path = files.child(folder, name, what)
        if not path.exists():
            raise RunNotFound(f"There is no {what} {name!r} in the store: it was deleted or never made.")
        return path


def _folders(folder: Path) -> list[Path]:
    """What lies in a folder under a name that the store could have given."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return [folder / name for name in sorted(names) if ID_PATTERN.fullmatch(name)]


def _publish(folder: Path, content: Mapping[str, bytes]) -> None:
    """Make a folder appear at once with all its files; one that is there already stays."""
    files.make_folder(folder.parent)
    draft = folder.with_name(f".new-{folder.name}-{os.getpid()}-{threading.get_ident()}")
    files.make_folder(draft)
    try:
        for name, data in content.items():
            files.write_bytes(draft / name, data)
        with files.plain_errors(folder):
            try:
                os.rename(draft, folder)
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
