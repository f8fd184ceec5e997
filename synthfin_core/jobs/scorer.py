"""The scorer: a process that fills scorecards, so that no page waits and no training is held up.

    python -m synthfin_core.jobs.scorer --store ROOT

It is started when there is something to score and ends when nothing has come for a while; torch is imported only for
scores that train networks.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType

from synthfin_core.errors import RunNotFound, StoreError
from synthfin_core.jobs import slots
from synthfin_core.jobs.score import fill_claimed
from synthfin_core.store import Store

SLOT = "scorer"
LOOK_EVERY = 0.1  #: seconds between looks at the queue
PATIENCE = 60.0  #: seconds without work after which it ends
NICENESS = 5


class Scorer:
    """Fills waiting scorecards until it is told to end or nothing comes any more."""

    def __init__(self, store: Store, patience: float = PATIENCE) -> None:
        self.store = store
        self.patience = patience
        self.ending = False

    def end(self, signum: int = 0, frame: FrameType | None = None) -> None:
        """End soon; what is at hand waits again."""
        self.ending = True

    def work(self) -> None:
        """Fill what waits, oldest first."""
        until = time.monotonic() + self.patience
        while not self.ending and time.monotonic() < until:
            if self.work_once():
                until = time.monotonic() + self.patience
            else:
                time.sleep(LOOK_EVERY)

    def work_once(self) -> bool:
        """Fill the oldest scorecard that nobody else holds; False when there is none."""
        for entry in self.store.scoring.entries():
            try:
                card = self.store.scorecard_named(entry.run_id)
            except RunNotFound:
                entry.remove()
                continue
            with contextlib.ExitStack() as stack:
                try:
                    stack.enter_context(card.claim())
                except StoreError:
                    continue
                if not entry.remove():
                    continue
                card.clear_stop()
                outcome = fill_claimed(card, self.store, lambda: self.ending)
                if self.ending and outcome.state == "stopped":
                    self.store.scoring.put(card.id, resume=True, moment=entry.moment)
                return True
        return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Hold the scorer's slot and work; at once done when the slot is taken."""
    parser = argparse.ArgumentParser(prog="python -m synthfin_core.jobs.scorer", description="Fill scorecards.")
    parser.add_argument("--store", required=True, help="folder of the store")
    given = parser.parse_args(arguments)
    scorer = Scorer(Store(given.store))
    slot = slots.take(scorer.store, SLOT)
    if slot is None:
        return 0
    with slot:
        signal.signal(signal.SIGTERM, scorer.end)
        with contextlib.suppress(OSError):
            os.nice(NICENESS)
        scorer.work()
    return 0


if __name__ == "__main__":
    sys.exit(main())
