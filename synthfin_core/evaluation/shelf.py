"""All scores and curves: the modules that hold them, in the order of the table."""

from __future__ import annotations

from importlib import import_module

from synthfin_core.evaluation.metric import GROUPS, METRICS

#: Importing one of these registers what it holds.
SHELF = (
    *("moments", "distances", "horizons"),
    *("dependence", "asymmetry", "curves"),
    *("tails", "backtests", "across"),
    *("discrepancy", "correlational", "feature_judge", "judged", "context_distance"),
    *("volatility_forecast", "portfolio", "strategy_scores"),
    *("copies", "records", "coverage", "membership"),
)


def _register() -> None:
    """Import every module, and put the scores in order whichever of them was imported first."""
    modules = [import_module(f"{__package__}.{name}").__name__ for name in SHELF]
    groups = list(GROUPS)
    order = sorted(
        METRICS.values(), key=lambda each: (groups.index(each.group), modules.index(each.function.__module__))
    )
    METRICS.clear()
    METRICS.update({each.name: each for each in order})


_register()
