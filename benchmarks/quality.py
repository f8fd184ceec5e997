"""How close generators come to real markets at their recommended settings.

    python benchmarks/quality.py [marks literature returns volumes copies robustness] [--generators vae gan ...]
        [--seeds 3] [--data PATH] [--json FILE] [--quick] [--again]
    python benchmarks/quality.py --table FILE [literature ...]

Each part has its questions and bars in a file of its own, `quality_<part>.py`. A generator is trained once for each
seed and data set, on one thread, for all parts that ask about it. With --json every number is appended to a file as it
comes, and what is there already, made with the same settings, is not made again; --table prints what a file holds.
Medians over seeds, in brackets the least and the most; a bar is passed by the median.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy comes: processor seconds are those of one core
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run from anywhere, installed or not

from benchmarks import quality_literature, quality_marks, quality_returns
from benchmarks.quality_models import DATA, STOCKS, Model, Part, settings_of, train
from benchmarks.quality_table import Record, Records, Shown, together
from synthfin_core.data.windows import Windows
from synthfin_core.errors import SynthFinError
from synthfin_core.params import Value
from synthfin_core.registry import GENERATORS

MODULES = (quality_marks, quality_literature, quality_returns)
PARTS: dict[str, Part] = {module.PART.name: module.PART for module in MODULES}


def measure(
    parts: Sequence[Part], generators: Sequence[str], seeds: int | None, stocks: Path, kept: Records, again: bool
) -> None:
    """Fill `kept` with what the parts ask."""
    for data in dict.fromkeys(data for part in parts for data in part.data):
        asking = [part for part in parts if data in part.data]
        windows = DATA[data](stocks)
        for part in asking:
            for record in part.references(windows, data, seeds or part.seeds, kept):
                _keep(record, kept)
        for seed in range(max(seeds or part.seeds for part in asking)):
            for name in generators:
                left = [
                    part
                    for part in asking
                    if seed < (seeds or part.seeds)
                    and (again or not kept.has(part.name, data, name, seed, settings_of(name)))
                ]
                for record in asked(left, data, windows, name, seed):
                    _keep(record, kept)


def asked(
    parts: Sequence[Part], data: str, windows: Windows, name: str, seed: int, changes: Mapping[str, Value] | None = None
) -> Iterable[Record]:
    """The records of one generator and seed, trained once for all parts."""
    if not parts:
        return
    settings = settings_of(name, changes)
    try:
        model = train(windows, name, seed, changes)
    except Exception as error:  # a part asks how often this happens, and the other generators are still to come
        for part in parts:
            yield Record(part.name, data, name, seed, {}, settings, _words(error))
        return
    for part in parts:
        yield _one(part, data, windows, model, settings)


def _one(part: Part, data: str, windows: Windows, model: Model, settings: dict[str, Value]) -> Record:
    try:
        found = part.numbers(windows, data, model)
    except Exception as error:
        return Record(part.name, data, model.name, model.seed, {}, settings, _words(error))
    return Record(part.name, data, model.name, model.seed, found, settings)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _keep(record: Record, kept: Records) -> None:
    kept.add(record)
    said = record.error or ", ".join(f"{name} {value:.3g}" for name, value in list(record.numbers.items())[:3])
    print(f"{record.part}, {record.data}: {record.model}, seed {record.seed}: {said}", file=sys.stderr, flush=True)


def tables(parts: Sequence[Part], kept: Records) -> Shown:
    """What the records say."""
    return together(part.show(found) for part in parts if (found := kept.of(part.name)))


def _part(name: str) -> Part:
    if name not in PARTS:
        raise argparse.ArgumentTypeError(f"no part is called {name!r}; there are {', '.join(PARTS)}")
    return PARTS[name]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 1 when a bar was missed, 2 when the question can't be answered."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", type=_part, metavar="PART", help=f"{', '.join(PARTS)}; all when left out")
    parser.add_argument("--generators", nargs="+", choices=GENERATORS, default=list(GENERATORS), metavar="NAME")
    parser.add_argument("--seeds", type=int, help="how many seeds, from 0; 3 and for robustness 10 when left out")
    parser.add_argument("--data", type=Path, default=STOCKS, help="the literature's Stocks, a CSV file")
    parser.add_argument("--json", type=Path, metavar="FILE", help="append every number to this file, and go on from it")
    parser.add_argument("--table", type=Path, metavar="FILE", help="train nothing, print what the file holds")
    parser.add_argument("--again", action="store_true", help="measure again what the file holds")
    given = parser.parse_args(arguments)
    parts = given.parts or list(PARTS.values())
    kept = Records(given.table or given.json)
    try:
        if given.table is None:
            measure(parts, given.generators, given.seeds, given.data, kept, given.again)
    except SynthFinError as error:
        print(error, file=sys.stderr)
        return 2
    shown = tables(parts, kept)
    print(shown.text)
    if shown.missed:
        print("\nMissed:", *shown.missed, sep="\n- ")
    return 1 if shown.missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
