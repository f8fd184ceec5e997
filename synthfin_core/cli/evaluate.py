"""`evaluate`: score stored runs, or files made by any other tool, and write what was found."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthfin_core import api
from synthfin_core.cli.answers import interruptible, say, say_json, share_bar, tell, warnings_told
from synthfin_core.cli.synthetic import Array, read_synthetic
from synthfin_core.data.panel import Panel
from synthfin_core.data.windows import Windows, WindowSpec, make_windows
from synthfin_core.errors import DataError, SettingError, Stopped
from synthfin_core.registry import generator_class
from synthfin_core.spec import digest
from synthfin_core.store import Run, Store
from synthfin_core.store.files import write_bytes

if TYPE_CHECKING:
    from synthfin_core.evaluation import Report

INTERRUPTED = 130

#: Settings of windows that files take from the command line.
CUTTING = ("length", "stride", "holdout")


def evaluate(given: argparse.Namespace) -> int:
    """Score runs of one setup, or files, against real windows."""
    if bool(given.run) == bool(given.data and given.synthetic) or bool(given.data) != bool(given.synthetic):
        raise SettingError("evaluate wants the ids of runs, or both --data REAL and --synthetic FILE.")
    windows, samples, about, models = _stored(given) if given.run else _from_files(given)
    with interruptible() as interrupted, share_bar(not given.json) as on_progress, warnings_told():
        try:
            report = api.evaluate(
                windows,
                samples,
                scores=_scores(given.scores),
                floors=given.floors,
                baselines=True if given.baselines == [] else given.baselines or False,
                models=models,
                seed=given.seed,
                on_progress=on_progress,
                should_stop=lambda: bool(interrupted),
            )
        except Stopped:
            return INTERRUPTED
    if given.html:
        _write(Path(given.html), report, windows, about, given.seed)
    say_json(report.to_dict()) if given.json else say(readable(report))
    return 0


def readable(report: Report) -> str:
    """The report as text: a table, what a reader has to know, and the verdicts."""
    left_out = [f"Left out: {name}: {why}" for name, why in report.left_out.items()]
    table = report.side_by_side().to_string(index=False, float_format=lambda number: f"{number:.3g}", na_rep="")
    return "\n".join([table, *report.notes, *left_out, *(report.sentences or [report.summary])])


Scored = tuple[Windows, dict[str, Any], dict[str, dict[str, Any]], dict[str, str]]


def _stored(given: argparse.Namespace) -> Scored:
    """Windows, samples, how they were made and their models, of stored runs."""
    cut = [name for name in CUTTING if getattr(given, name) is not None]
    if cut:
        raise SettingError(f"--{cut[0]} is for files; runs are scored on the windows that they were trained on.")
    store = Store(given.store)
    runs = list({name: store.run(name) for name in given.run}.values())
    setup = runs[0].spec.setup
    other = next((run.id for run in runs if run.spec.setup.id != setup.id), None)
    if other:
        raise SettingError(f"{runs[0].id} and {other} have different data or windows: evaluate them one at a time.")
    windows = store.windows(setup)
    labels = [run.label for run in runs]
    names = [label if labels.count(label) == 1 else run.id for label, run in zip(labels, runs, strict=True)]
    samples = {name: run.load().sample(given.n, seed=given.seed) for name, run in zip(names, runs, strict=True)}
    about = {name: _about(run, given.n) for name, run in zip(names, runs, strict=True)}
    return windows, samples, about, _models(names, runs)


def _about(run: Run, count: int) -> dict[str, Any]:
    spec = run.spec
    asked = {name: value for name, value in spec.to_dict().items() if name != "continued_from" or value}
    family = generator_class(spec.generator).title
    return {"title": run.title, "model": family, "run": run.id, **asked, "setup": spec.setup.id, "windows drawn": count}


def _models(names: Sequence[str], runs: Sequence[Run]) -> dict[str, str]:
    """Runs that differ in their seed only are one model, called as its first run is."""
    first: dict[str, str] = {}
    models = {}
    for name, run in zip(names, runs, strict=True):
        asked = digest({part: value for part, value in run.spec.to_dict().items() if part != "seed"})
        models[name] = first.setdefault(asked, name)
    return models


def _from_files(given: argparse.Namespace) -> Scored:
    """The same of files, named after themselves."""
    whole = api.load(given.data, given.kind)
    stride = WindowSpec.from_dict({} if given.stride is None else {"stride": given.stride}).stride
    read: dict[str, tuple[Panel, Array]] = {}
    for path in map(Path, given.synthetic):
        read[path.stem if path.stem not in read else str(path)] = read_synthetic(path, whole, given.length, stride)
    real, first = next(iter(read.values()))
    for name, (part, x) in read.items():
        if (part.columns, x.shape[1]) != (real.columns, first.shape[1]):
            raise DataError(
                f"{name} has other series or windows of another length than the first file: score it alone."
            )
    if len(real.columns) < len(whole.columns):
        tell(f"Scored on {', '.join(real.columns)}; the synthetic data have no other series.")
    holdout = {} if given.holdout is None else {"holdout": given.holdout}
    windows = make_windows(real, first.shape[1], stride, **holdout)
    samples = {name: x for name, (_, x) in read.items()}
    about = {name: {"file": Path(path).name, "windows": len(samples[name])}
             for name, path in zip(samples, given.synthetic, strict=True)}  # fmt: skip
    return windows, samples, about, {}


def _scores(asked: Sequence[str] | None) -> Any:
    if not asked:
        return "quick"
    return asked[0] if len(asked) == 1 and asked[0] in ("quick", "all") else asked


def _write(path: Path, report: Report, windows: Windows, about: Mapping[str, Mapping[str, Any]], seed: int) -> None:
    from synthfin_core.document import html_report

    text = html_report(report, windows=windows, about=about, record={"evaluation seed": seed})
    write_bytes(path, text.encode())
    tell(f"The report was written to {path}.")
