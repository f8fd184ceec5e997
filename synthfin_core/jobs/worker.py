"""The worker: a process that has torch ready and trains one waiting run after the other.

    python -m synthfin_core.jobs.worker --store ROOT --slot 0 --parent PID

It ends when nothing waits and the process that started it is gone, so it outlives a restart of the server by the run
at hand. Told to end (SIGTERM), it keeps a checkpoint and puts its run back into the queue.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from types import FrameType

from synthfin_core.errors import RunNotFound, StoreError
from synthfin_core.jobs import slots
from synthfin_core.jobs.train import train_claimed
from synthfin_core.registry import GENERATORS, generator_class
from synthfin_core.store import Run, Store, process
from synthfin_core.store.queue import Entry

LOOK_EVERY = 0.04  #: seconds between looks at the queue
PARENT_EVERY = 1.0  #: seconds between looks at the parent
NICENESS = 5  #: pages stay quick while it trains


class Worker:
    """Takes waiting runs from a store until it is told to end or nobody needs it any more."""

    def __init__(self, store: Store, parent: int | None = None) -> None:
        self.store = store
        self.ending = False
        self._parent = None if parent is None else {"pid": parent, "started": process.start_time(parent)}
        self._orphan = False
        self._next_look = 0.0

    def end(self, signum: int = 0, frame: FrameType | None = None) -> None:
        """End after the current step."""
        self.ending = True

    def work(self) -> None:
        """Train what waits, oldest first, and then wait for more."""
        while not self.ending:
            if self.work_once():
                continue
            if self._is_orphan():
                return
            time.sleep(LOOK_EVERY)

    def work_once(self) -> bool:
        """Train the oldest run that nobody else holds; False when there is none."""
        for entry in self.store.queue.entries():
            try:
                run = self.store.run(entry.run_id)
            except RunNotFound:
                entry.remove()
                continue
            try:
                claim = run.claim()
                claim.__enter__()
            except StoreError:
                continue
            with contextlib.ExitStack() as stack:
                stack.push(claim)
                return self._take(entry, run)
        return False

    def _take(self, entry: Entry, run: Run) -> bool:
        status = run.status()
        if status.state in ("done", "damaged"):
            entry.remove()
            return True
        resume = entry.resume()
        # The sign of life comes first: a worker that dies from here on is seen to have died.
        run.write_status(replace(status, state="starting", queue_place=None))
        if not entry.remove():
            run.write_status(replace(status, state="stopped", message="Taken out of the queue.", queue_place=None))
            return True
        cut_short = False

        def should_stop() -> bool:  # asked only while no person has asked for a stop
            nonlocal cut_short
            cut_short = self.ending
            return cut_short

        outcome = train_claimed(run, self.store, resume=resume, should_stop=should_stop)
        if cut_short and outcome.state == "stopped":
            run.write_status(replace(outcome, state="queued", message="Waits to go on, since its worker had to end."))
            self.store.queue.put(run.id, resume=True, moment=entry.moment)
        return True

    def _is_orphan(self) -> bool:
        now = time.monotonic()
        if self._parent is not None and now >= self._next_look:
            self._next_look = now + PARENT_EVERY
            self._orphan = not process.is_alive(self._parent)
        return self._orphan


def warm_up() -> None:
    """Import what training needs, and take the first steps that make torch load the rest of itself."""
    import torch

    torch.set_num_threads(1)
    for name in GENERATORS:
        generator_class(name)
    import synthfin_core.training  # noqa: F401

    model = torch.nn.GRU(2, 4, batch_first=True)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.zeros(2, 3, 2))[0].sum().backward()
    optimizer.step()


def main(arguments: Sequence[str] | None = None) -> int:
    """Hold a slot and work; at once done when the slot is taken."""
    parser = argparse.ArgumentParser(prog="python -m synthfin_core.jobs.worker", description="Train waiting runs.")
    parser.add_argument("--store", required=True, help="folder of the store")
    parser.add_argument("--slot", type=int, default=0, help="number of this worker")
    parser.add_argument("--parent", type=int, help="process without which an idle worker ends")
    given = parser.parse_args(arguments)
    worker = Worker(Store(given.store), given.parent)
    slot = slots.take(worker.store, given.slot)
    if slot is None:
        return 0
    with slot:
        signal.signal(signal.SIGTERM, worker.end)
        warm_up()
        with contextlib.suppress(OSError):
            os.nice(NICENESS)
        worker.work()
    return 0


if __name__ == "__main__":
    sys.exit(main())
