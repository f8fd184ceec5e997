"""What is known about the data, the models and the making of a report, as names and values."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from synthfin_core.data.panel import date_label
from synthfin_core.evaluation.baselines import BASELINES
from synthfin_core.version import CODE_VERSION

if TYPE_CHECKING:
    from synthfin_core.data.windows import Windows

#: Packages whose versions decide the numbers and the figures.
PACKAGES = ("numpy", "scipy", "pandas", "scikit-learn", "arch", "torch", "plotly")

#: What of a data set's description belongs to the record as well.
RECORDED = ("run", "setup", "seed", "version")


def data_facts(windows: Windows) -> dict[str, object]:
    """What the real data are and how windows were cut from them."""
    panel, spec = windows.panel, windows.spec
    index = panel.frame.index
    series = (f"{name} ({kind})" for name, kind in panel.kinds.items())
    pooled = "; each is a series of its own, and windows of all are pooled" if spec.pool else ""
    held = f"{len(windows.holdout):,} windows, the last {spec.holdout:.0%} of the history"
    if windows.holdout.x.size and windows.split < len(index):
        held += f" from {date_label(index[windows.split])} on"
    return {
        "Name": panel.name,
        "History": f"{len(index):,} rows, {date_label(index[0])} to {date_label(index[-1])}",
        "Series": ", ".join(series) + pooled,
        "Unit": ", ".join(f"{name}: {unit}, per bar" for name, unit in zip(windows.names, windows.units, strict=True)),
        "Training": f"{len(windows.train):,} windows of {spec.length} bars, one every {_bars(spec.stride)}; "
        f"{windows.independent:,} of them share no bar",
        "Hold-out": held if len(windows.holdout) else "none",
    }


def model_facts(data: str, about: Mapping[str, Any] | None) -> dict[str, object]:
    """How a data set was made: its settings, or what its baseline is."""
    if about:
        return {_words(name): _value(value) for name, value in about.items()}
    known = {baseline.title: baseline.help for baseline in BASELINES.values()}
    return {"Baseline": known[data]} if data in known else {"Origin": "no settings came with these data"}


def record_facts(
    windows: Windows, about: Mapping[str, Mapping[str, Any]], created: datetime, more: Mapping[str, Any]
) -> dict[str, object]:
    """When, with which versions and from which data and runs the report was made."""
    return {
        "Made": f"{created:%Y-%m-%d %H:%M} {created.tzname() or ''}".strip(),
        "SynthFin code version": CODE_VERSION,
        "Python": platform.python_version(),
        "Packages": ", ".join(_versions()),
        "Fingerprint of the data": windows.panel.fingerprint,
        "Windows": _value(windows.spec.to_dict()),
        **{_words(name): _value(value) for name, value in more.items()},
        **{data: _value({name: each[name] for name in RECORDED if name in each}) for data, each in about.items()},
    }


def _versions() -> Iterator[str]:
    for package in PACKAGES:
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            yield f"{package} not installed"


def _bars(count: int) -> str:
    return "bar" if count == 1 else f"{count} bars"


def _words(name: object) -> str:
    words = str(name).replace("_", " ")
    return words[:1].upper() + words[1:]


def _value(value: object) -> str:
    """A plain value in one line; settings as name and value, nested ones in brackets."""
    if isinstance(value, Mapping):
        shown = (
            f"{name} {f'({_value(each)})' if isinstance(each, Mapping) else _value(each)}"
            for name, each in value.items()
        )
        return ", ".join(shown)
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None or value == "" else str(value)
