"""The verbs: each a few calls of the library, and an answer for people or machines."""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from synthfin_core import api, export
from synthfin_core.cli.parser import settings_of
from synthfin_core.cli.tables import read_synthetic
from synthfin_core.data.selection import Selection
from synthfin_core.data.sources import SOURCES
from synthfin_core.data.windows import Windows, WindowSpec, make_windows
from synthfin_core.errors import SettingError
from synthfin_core.generators.base import Progress
from synthfin_core.jobs.train import train
from synthfin_core.registry import generator_class
from synthfin_core.spec import RunSpec, Setup
from synthfin_core.store import Run, Status, Store
from synthfin_core.store.files import finite, write_bytes

if TYPE_CHECKING:
    from synthfin_core.evaluation import Report

EXIT_CODES = {"done": 0, "failed": 4, "stopped": 130}


def fit(given: argparse.Namespace) -> int:
    """Train in this process, with a bar; the run is then in the store as if the app had trained it."""
    config = api.settings(
        given.generator, given.preset, **settings_of(given, generator_class(given.generator).Config, given.generator)
    )
    panel = api.load(given.source, given.kind)
    selection = Selection(
        columns=tuple(given.columns) if given.columns else None, start=given.start, end=given.end, every=given.every
    )
    store = Store(given.store)
    setup = Setup(store.save_panel(panel), selection, WindowSpec.from_dict(settings_of(given, WindowSpec)))
    store.windows(setup)  # data that can't be used are refused before there is a run
    run = store.create(RunSpec(setup, given.generator, config.to_dict(), given.seed))
    with _interruptible() as interrupted, _bar(not given.json) as on_step:
        status = train(run, store, resume=given.resume, on_step=on_step, should_stop=lambda: bool(interrupted))
    if given.json:
        _print_json({"run": run.id, "path": str(run.path), **status.to_dict()})
    else:
        _print(run.id)
        for warning in status.warnings:
            _tell(warning)
    if status.state == "failed":
        _tell(status.message)
    if status.state == "stopped":
        _tell(f"Stopped at step {status.step} of {status.steps}: the same command with --resume goes on from here.")
    return EXIT_CODES[status.state]


def sample(given: argparse.Namespace) -> int:
    """Draw windows and write them to a file or the screen."""
    ending = Path(given.out).suffix if given.out else ".csv"
    if ending.lstrip(".").lower() not in export.FORMATS:
        raise SettingError(f"--out is {given.out!r}, expected a file ending in .csv, .parquet or .npz.")
    samples = Store(given.store).run(given.run).load().sample(given.n, seed=given.seed)
    start = given.start_price[0] if given.start_price and len(given.start_price) == 1 else given.start_price
    if given.out:
        write_bytes(Path(given.out), export.to_bytes(samples, ending, start))
        n, t, _ = samples.x.shape
        about = {"file": given.out, "windows": n, "bars": t, "series": list(samples.names)}
        _print_json(about) if given.json else _print(f"{n} windows of {t} bars written to {given.out}")
    elif given.json:
        _print_json({"series": list(samples.names), "kinds": list(samples.kinds), "values": samples.values(start)})
    else:
        _print(export.to_csv_bytes(samples, start).decode().rstrip())
    return 0


def evaluate(given: argparse.Namespace) -> int:
    """Score a run, or any file, against real windows."""
    if (given.run is None) == (given.data is None or given.synthetic is None):
        raise SettingError("evaluate wants the id of a run, or both --data REAL and --synthetic FILE.")
    windows: Windows
    if given.run is not None:
        store = Store(given.store)
        run = store.run(given.run)
        windows = store.windows(run.spec.setup)
        synthetic: Any = run.load().sample(given.n, seed=given.seed)
    else:
        real = api.load(given.data)
        real, synthetic = read_synthetic(Path(given.synthetic), real, given.length)
        windows = make_windows(real, synthetic.shape[1])
    report = api.evaluate(windows, synthetic, scores=given.scores, floors=given.floors)
    _print_json(report.to_dict()) if given.json else _print(_readable(report))
    return 0


def runs(given: argparse.Namespace) -> int:
    """List, show, rename or delete runs."""
    store = Store(given.store)
    if given.action == "list":
        rows = [_described(run, run.status()) for run in store.runs()]
        _print_json({"runs": rows}) if given.json else _print_table(rows, ("run", "state", "done", "asked", "title"))
        return 0
    run = store.run(given.run)
    if given.action == "delete":
        store.delete(run.id)
    elif given.action == "rename":
        run.rename(given.title)
    about = {**_described(run, run.status()), "deleted": True} if given.action == "delete" else _shown(run)
    if given.json:
        _print_json(about)
    elif given.action == "show":
        _print(json.dumps(finite(about), indent=2))
    else:
        _print(f"{run.id} {'deleted' if given.action == 'delete' else 'renamed'}")
    return 0


def data(given: argparse.Namespace) -> int:
    """List bundled data, or describe one source."""
    if given.source is None:
        rows = [{"name": name, "title": source.title, "help": source.help} for name, source in SOURCES.items()]
        _print_json({"sources": rows}) if given.json else _print_table(rows, ("name", "title"))
        return 0
    panel = api.load(given.source)
    table = panel.describe()
    if given.json:
        columns = json.loads(table.to_json(orient="index", date_format="iso"))
        _print_json({"name": panel.name, "rows": len(panel.frame), "columns": columns, "notes": list(panel.notes)})
    else:
        _print(table.to_string(float_format=lambda number: f"{number:.6g}"))
        for note in panel.notes:
            _print(note)
    return 0


def _described(run: Run, status: Status) -> dict[str, Any]:
    asked = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created)) if run.created else ""
    done = f"{status.step / status.steps:.0%}" if status.steps else ""
    return {"run": run.id, "title": run.title, "state": status.state, "done": done, "asked": asked}


def _shown(run: Run) -> dict[str, Any]:
    return {"run": run.id, "title": run.title, "path": str(run.path), "status": run.status().to_dict(),
            "spec": run.spec.to_dict()}  # fmt: skip


def _readable(report: Report) -> str:
    left_out = [f"Left out: {name}: {why}" for name, why in report.left_out.items()]
    table = report.side_by_side().to_string(index=False, float_format=lambda number: f"{number:.3g}")
    return "\n".join([table, *report.notes, *left_out, report.summary])


@contextlib.contextmanager
def _interruptible() -> Iterator[list[int]]:
    """A list that is no longer empty once Ctrl-C was pressed; a second time it ends the program."""
    pressed: list[int] = []

    def press(signum: int, frame: FrameType | None) -> None:
        if pressed:
            raise KeyboardInterrupt
        pressed.append(signum)

    before = signal.signal(signal.SIGINT, press)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _bar(wanted: bool) -> Iterator[Any]:
    """A progress bar on the error stream, where that is a terminal."""
    from tqdm import tqdm

    with tqdm(unit="step", file=sys.stderr, disable=None if wanted else True, dynamic_ncols=True) as bar:

        def on_step(progress: Progress) -> None:
            bar.total = progress.steps
            bar.update(progress.step - bar.n)
            name, loss = next(iter(progress.losses.items()))
            bar.set_postfix({"epoch": f"{progress.epoch}/{progress.epochs}", name: f"{loss:.4g}"}, refresh=False)

        yield on_step


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _print_json(values: Mapping[str, Any]) -> None:
    _print(json.dumps(finite(values)))


def _print_table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    widths = [max([len(column), *(len(str(row[column])) for row in rows)]) for column in columns]
    for row in [dict(zip(columns, columns, strict=True)), *rows]:
        cells = (str(row[column]).ljust(width) for column, width in zip(columns, widths, strict=True))
        _print("  ".join(cells).rstrip())


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
