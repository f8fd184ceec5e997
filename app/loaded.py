"""Trained models held ready, for the pages and for the route that follows the sliders.

Loading the first one imports torch; nothing else of the app does.
"""

from __future__ import annotations

import gc
import threading
from collections import OrderedDict

from synthfin_core.errors import DamagedRun
from synthfin_core.pipeline import Pipeline
from synthfin_core.store import Run

MOST = 6

_kept: OrderedDict[tuple[str, int], Pipeline] = OrderedDict()
_lock = threading.Lock()


def pipeline(run: Run) -> Pipeline:
    """The trained model of a run, loaded once for all.

    Raises
    ------
    DamagedRun
        If there are no weights yet, or they were cut off or altered.
    """
    try:
        key = (str(run.path), (run.path / "weights.safetensors").stat().st_mtime_ns)
    except OSError as error:
        raise DamagedRun(f"{run.id} has no weights yet: wait until it has been trained.") from error
    with _lock:
        if key not in _kept:
            first = not _kept
            _kept[key] = run.load()
            if first:
                # Streamlit collects garbage after every rerun; what torch brought in need not be walked each time.
                gc.collect()
                gc.freeze()
        _kept.move_to_end(key)
        while len(_kept) > MOST:
            _kept.popitem(last=False)
        return _kept[key]
