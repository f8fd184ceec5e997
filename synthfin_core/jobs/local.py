"""The local executor: hands runs to warm workers on this machine, through the store's queue."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from synthfin_core.errors import SettingError
from synthfin_core.jobs import scorer, slots
from synthfin_core.spec import RunSpec, Setup
from synthfin_core.store import Run, Scorecard, Status, Store, Wanted, process
from synthfin_core.store.files import plain_errors

# Workers started by this process, by store and slot: a page that runs again must not start them twice, and a child
# that ended must be waited for.
_children: dict[tuple[Path, int | str], subprocess.Popen[bytes]] = {}
_lock = threading.Lock()


class LocalExecutor:
    """Trains runs in processes of their own on this machine.

    Parameters
    ----------
    store : Store
    workers : int, optional
        How many runs are trained at a time; ``$SYNTHFIN_WORKERS``, or one a GPU, or one for every two cores.
    """

    def __init__(self, store: Store, workers: int | None = None) -> None:
        self.store = store
        self.workers = default_workers() if workers is None else workers

    def submit(self, spec: RunSpec, resume: bool = False) -> Run:
        """Let a run wait for a worker; one that is done, waits or is being trained is returned as it is.

        Parameters
        ----------
        spec : RunSpec
        resume : bool
            Go on from the last checkpoint of a run that was stopped, failed or died, instead of starting over.

        Raises
        ------
        StoreError
            If the store can't be written to or lacks the panel.
        """
        run = self.store.create(spec)
        status = run.status()
        if not status.active and status.state != "done":
            run.clear_stop()
            kept = replace(status, message="", warnings=(), seconds_left=None) if resume else Status("queued")
            run.write_status(replace(kept, state="queued", queue_place=None))
            self.store.queue.put(run.id, resume)
        self.ensure_workers()
        return run

    def stop(self, run_id: str) -> None:
        """Take a run out of the queue, or stop it after the current step; it can be resumed.

        Raises
        ------
        RunNotFound
            If there is no such run.
        """
        run = self.store.run(run_id)
        status = run.status()
        if self.store.queue.remove(run_id):
            run.write_status(replace(status, state="stopped", message="Taken out of the queue.", queue_place=None))
        elif status.active:
            run.request_stop()

    def score(self, setup: Setup, wanted: Wanted) -> Scorecard:
        """Let a scorecard wait for the scorer; one that waits or is worked on is asked for more.

        Parameters
        ----------
        setup : Setup
            Whose windows the scores are against.
        wanted : Wanted
            The runs to be scored, and whether with the judges that train networks.

        Raises
        ------
        StoreError
            If the store can't be written to.
        """
        card = self.store.scorecard(setup)
        card.want(wanted)
        card.clear_stop()
        if self.store.scoring.place(card.id) is None:
            if not card.status().active:
                card.write_status(Status("queued"))
            self.store.scoring.put(card.id, resume=False)
        self.ensure_scorer()
        return card

    def stop_scoring(self, card: Scorecard) -> None:
        """Take a scorecard out of the queue, or stop the work on it; what was scored stays."""
        if self.store.scoring.remove(card.id):
            card.write_status(Status("stopped", message="Taken out of the queue."))
        if card.status().active:
            card.request_stop()

    def ensure_scorer(self) -> None:
        """Start the scorer if it is not there."""
        with _lock:
            child = _children.get((self.store.root, scorer.SLOT))
            if child is not None and child.poll() is None:
                return
            held = slots.take(self.store, scorer.SLOT)
            if held is not None:
                held.close()
                command = ["synthfin_core.jobs.scorer", "--store", str(self.store.root)]
                _children[self.store.root, scorer.SLOT] = self._start(scorer.SLOT, command)

    def ensure_workers(self) -> None:
        """Start the workers that are not there; cheap, and harmless from several processes at once."""
        with _lock:
            for slot in range(self.workers):
                child = _children.get((self.store.root, slot))
                if child is not None and child.poll() is None:
                    if process.start_time(child.pid) is not None:
                        continue
                    child.wait()  # killed, and its last threads are about to let go of the slot
                held = slots.take(self.store, slot)
                if held is not None:
                    held.close()
                    command = ["synthfin_core.jobs.worker", "--store", str(self.store.root), "--slot", str(slot)]
                    _children[self.store.root, slot] = self._start(slot, [*command, "--parent", str(os.getpid())])

    def close(self, seconds: float = 10.0) -> None:
        """End the workers that this process started; runs at hand go back into the queue."""
        with _lock:
            mine = [key for key in _children if key[0] == self.store.root]
            children = [_children.pop(key) for key in mine]
        for child in children:
            if child.poll() is None:
                child.terminate()
        for child in children:
            try:
                child.wait(seconds)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def _start(self, slot: int | str, module: Sequence[str]) -> subprocess.Popen[bytes]:
        log = slots.slot_path(self.store, slot).with_suffix(".log")
        with plain_errors(log), open(log, "wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", *module],
                cwd=Path(__file__).resolve().parents[2],
                env=_environment(slot),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # a server that is stopped with Ctrl-C must not take its workers along
            )


def default_workers() -> int:
    """How many runs this machine trains at a time.

    Raises
    ------
    SettingError
        If ``$SYNTHFIN_WORKERS`` is no whole number above zero.
    """
    asked = os.environ.get("SYNTHFIN_WORKERS")
    if asked:
        if not asked.isdecimal() or int(asked) < 1:
            raise SettingError(f"SYNTHFIN_WORKERS is {asked!r}, expected a whole number above zero.")
        return int(asked)
    return _gpus() or max(1, _cores() // 2)


def _environment(slot: int | str) -> dict[str, str]:
    environment = {"OMP_NUM_THREADS": "1", **os.environ}
    if _gpus():
        environment.setdefault("CUDA_VISIBLE_DEVICES", str(slot % _gpus() if isinstance(slot, int) else 0))
    return environment


def _gpus() -> int:
    """NVIDIA GPUs that the driver shows, counted without importing torch."""
    return len(list(Path("/proc/driver/nvidia/gpus").glob("*")))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
