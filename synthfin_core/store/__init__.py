"""The store: a folder that keeps panels, setups and runs. Reading it imports no torch."""

from synthfin_core.store.folder import Store, StoredPanel
from synthfin_core.store.run import Latents, Run
from synthfin_core.store.scorecard import LEVELS, Level, Scorecard, Wanted, ground
from synthfin_core.store.status import ACTIVE, STATES, Status

__all__ = [
    "ACTIVE",
    "LEVELS",
    "STATES",
    "Latents",
    "Level",
    "Run",
    "Scorecard",
    "Status",
    "Store",
    "StoredPanel",
    "Wanted",
    "ground",
]
