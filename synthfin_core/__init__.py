"""SynthFin: synthetic financial time series, honestly judged.

>>> import synthfin_core as sf
>>> windows = sf.make_windows(sf.load("mock"), length=10)
>>> "vae" in sf.GENERATORS
True

Names are imported when first used, so that importing the package is quick and brings in neither torch nor pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthfin_core.api import fit, load, make_windows
    from synthfin_core.data.panel import Panel
    from synthfin_core.evaluation import METRICS, evaluate
    from synthfin_core.pipeline import Samples
    from synthfin_core.registry import GENERATORS
    from synthfin_core.store import Store

__all__ = ["GENERATORS", "METRICS", "Panel", "Samples", "Store", "evaluate", "fit", "load", "make_windows"]

_HOMES = {
    "GENERATORS": "registry",
    "METRICS": "evaluation",
    "Panel": "data.panel",
    "Samples": "pipeline",
    "Store": "store",
    "evaluate": "evaluation",
    "fit": "api",
    "load": "api",
    "make_windows": "api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
