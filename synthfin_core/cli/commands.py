"""The verbs: each a few calls of the library, and an answer for people or machines."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from synthfin_core import api, export
from synthfin_core.cli.answers import interruptible, say, say_json, say_table, tell, training_bar
from synthfin_core.cli.parser import settings_of
from synthfin_core.data.selection import Selection
from synthfin_core.data.sources import SOURCES
from synthfin_core.data.windows import WindowSpec
from synthfin_core.errors import SettingError
from synthfin_core.jobs.train import train
from synthfin_core.registry import generator_class
from synthfin_core.spec import RunSpec, Setup
from synthfin_core.store import Run, Status, Store
from synthfin_core.store.files import finite, write_bytes

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
    windows = store.windows(setup)  # what can't be used is refused before there is a run
    generator_class(given.generator).check(config, *windows.train.x.shape)
    run = store.create(RunSpec(setup, given.generator, config.to_dict(), given.seed))
    with interruptible() as interrupted, training_bar(not given.json) as on_step:
        status = train(run, store, resume=given.resume, on_step=on_step, should_stop=lambda: bool(interrupted))
    if given.json:
        say_json({"run": run.id, "path": str(run.path), **status.to_dict()})
    else:
        say(run.id)
        for warning in status.warnings:
            tell(warning)
    if status.state == "failed":
        tell(status.message)
    if status.state == "stopped":
        tell(f"Stopped at step {status.step} of {status.steps}: the same command with --resume goes on from here.")
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
        say_json(about) if given.json else say(f"{n} windows of {t} bars written to {given.out}")
    elif given.json:
        say_json({"series": list(samples.names), "kinds": list(samples.kinds), "values": samples.values(start)})
    else:
        say(export.to_csv_bytes(samples, start).decode().rstrip())
    return 0


def runs(given: argparse.Namespace) -> int:
    """List, show, rename or delete runs."""
    store = Store(given.store)
    if given.action == "list":
        rows = [_described(run, run.status()) for run in store.runs()]
        say_json({"runs": rows}) if given.json else say_table(rows, ("run", "state", "done", "asked", "title"))
        return 0
    run = store.run(given.run)
    if given.action == "delete":
        store.delete(run.id)
    elif given.action == "rename":
        run.rename(given.title)
    about = {**_described(run, run.status()), "deleted": True} if given.action == "delete" else _shown(run)
    if given.json:
        say_json(about)
    elif given.action == "show":
        say(json.dumps(finite(about), indent=2))
    else:
        say(f"{run.id} {'deleted' if given.action == 'delete' else 'renamed'}")
    return 0


def data(given: argparse.Namespace) -> int:
    """List bundled data, or describe one source."""
    if given.source is None:
        rows = [{"name": name, "title": source.title, "help": source.help} for name, source in SOURCES.items()]
        say_json({"sources": rows}) if given.json else say_table(rows, ("name", "title"))
        return 0
    panel = api.load(given.source)
    table = panel.describe()
    if given.json:
        columns = json.loads(table.to_json(orient="index", date_format="iso"))
        say_json({"name": panel.name, "rows": len(panel.frame), "columns": columns, "notes": list(panel.notes)})
    else:
        say(table.to_string(float_format=lambda number: f"{number:.6g}"))
        for note in panel.notes:
            say(note)
    return 0


def _described(run: Run, status: Status) -> dict[str, Any]:
    asked = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created)) if run.created else ""
    done = f"{status.step / status.steps:.0%}" if status.steps else ""
    return {"run": run.id, "title": run.title, "state": status.state, "done": done, "asked": asked}


def _shown(run: Run) -> dict[str, Any]:
    return {"run": run.id, "title": run.title, "path": str(run.path), "status": run.status().to_dict(),
            "spec": run.spec.to_dict()}  # fmt: skip
