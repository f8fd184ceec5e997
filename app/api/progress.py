"""How far a run is: its status and what was reported since the browser last asked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.api.answers import json_answer, plain_errors, whole_number
from synthfin_core.errors import RunNotFound
from synthfin_core.store import Store

MOST_RECORDS = 4_000  #: more than these are thinned out; a screen has fewer columns
THINNED_TO = 2_000
FURTHEST_OFFSET = 2**53  #: what JavaScript can count to


class Progress:
    """The routes that follow a run.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    @plain_errors
    async def progress(self, request: Request) -> Response:
        """Status, and the records since `offset` as columns."""
        offset = whole_number(request, "offset", 0, FURTHEST_OFFSET)
        return json_answer(await run_in_threadpool(self._progress, request.path_params["run_id"], offset))

    @plain_errors
    async def preview(self, request: Request) -> Response:
        """Fresh sample paths of a run."""
        run_id = request.path_params["run_id"]
        preview = await run_in_threadpool(lambda: self.store.run(run_id).preview())
        if preview is None:
            raise RunNotFound(f"{run_id} has drawn no sample paths yet: wait until it trains.")
        return json_answer(preview)

    def _progress(self, run_id: str, offset: int) -> dict[str, Any]:
        run = self.store.run(run_id)
        # The status first: once it says that the run has ended, all its records are there to be read.
        status = run.status()
        records, following = run.progress(offset)
        preview = run.preview()
        return {
            **columns(records),
            "next": following,
            "status": status.to_dict(),
            "preview_step": None if preview is None else preview.get("step"),
        }


def columns(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Records as columns, thinned out when there are more than `MOST_RECORDS`.

    A loss that a record does not have is None there.
    """
    names = list(dict.fromkeys(name for record in records for name in record.get("losses", {})))
    losses = {name: [record.get("losses", {}).get(name) for record in records] for name in names}
    kept: Sequence[int] = range(len(records))
    if len(records) > MOST_RECORDS:
        kept = extremes(np.array([losses[name] for name in names], dtype=np.float64), THINNED_TO)
    return {
        "step": [records[i]["step"] for i in kept],
        "seconds": [records[i].get("seconds") for i in kept],
        "losses": {name: [values[i] for i in kept] for name, values in losses.items()},
    }


def extremes(curves: np.ndarray[Any, np.dtype[np.float64]], most: int) -> list[int]:
    """At most `most` columns of `curves (c, n)` that keep its look: ends, and lowest and highest of each stretch."""
    count, n = curves.shape
    stretches = max(1, (most - 2) // max(1, 2 * count))
    edges = np.linspace(0, n, stretches + 1).astype(int)
    kept = {0, n - 1}
    for begin, end in pairwise(edges.tolist()):
        for curve in curves[:, begin:end]:
            known = np.flatnonzero(np.isfinite(curve))
            if len(known):
                kept.add(begin + int(known[np.argmin(curve[known])]))
                kept.add(begin + int(known[np.argmax(curve[known])]))
    return sorted(kept)
