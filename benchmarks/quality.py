"""How close generators come to real markets at their recommended settings.

    python benchmarks/quality.py [marks literature returns volumes copies robustness] [--generators vae gan ...]
        [--set network=u-net depth=2] [--seeds 3] [--data PATH] [--json FILE] [--again] [--quick]
    python benchmarks/quality.py --table FILE [literature ...]

Each part has its questions and bars in a file of its own, `quality_<part>.py`. A generator is trained once for each
seed and data set, on one thread, for all parts that ask about it. With --json every number is appended to a file as it
comes, and what is there already, made with the same settings, is not made again; --table prints what a file holds.
With --set the named settings are other than the recommended ones, and the model is listed under them.
Numbers are medians over seeds, in brackets the least and the most; a bar is passed by the median.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy comes: processor seconds are those of one core
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run from anywhere, installed or not

from benchmarks import (
    quality_copies,
    quality_literature,
    quality_marks,
    quality_returns,
    quality_robustness,
    quality_volumes,
)
from benchmarks.quality_models import DATA, STOCKS, Model, Part, settings_of, train
from benchmarks.quality_table import Record, Records, Shown, together
from synthfin_core.data.windows import Windows
from synthfin_core.errors import SynthFinError
from synthfin_core.params import Value
from synthfin_core.registry import GENERATORS

MODULES = (
    *(quality_marks, quality_literature, quality_returns, quality_volumes, quality_copies),
    quality_robustness,
)
PARTS: dict[str, Part] = {module.PART.name: module.PART for module in MODULES}


@dataclass(frozen=True)
class Question:
    """What was asked on the command line.

    Attributes
    ----------
    parts : sequence of Part
    generators : sequence of str
    seeds : int or None
        None for as many as each part wants.
    stocks : Path
    again : bool
        Measure what is kept already once more.
    quick : bool
        Settings that train in a moment: they show that everything runs, and are no measure of quality.
    changes : dict
        Settings that are not the recommended ones.
    """

    parts: Sequence[Part]
    generators: Sequence[str]
    seeds: int | None
    stocks: Path
    again: bool
    quick: bool
    changes: dict[str, Value] = field(default_factory=dict)

    def seeds_of(self, part: Part) -> int:
        """How many seeds a part is measured with."""
        return self.seeds or part.seeds

    def label(self, name: str) -> str:
        """What a generator is called in the records."""
        marks = ["tiny"] * self.quick + [f"{setting}={value}" for setting, value in self.changes.items()]
        return f"{name} ({', '.join(marks)})" if marks else name


def measure(question: Question, kept: Records) -> tuple[str, ...]:
    """Fill `kept` with what is asked, and say how it goes.

    Returns
    -------
    tuple of str
        Why there are no numbers, for each data set that is not there; the others are measured all the same.
    """
    absent = []
    for data in dict.fromkeys(data for part in question.parts for data in part.data):
        try:
            windows = DATA[data](question.stocks)
        except SynthFinError as error:
            absent.append(f"{data}: {error}")
        else:
            _measure_on(data, windows, question, kept)
    return tuple(absent)


def _measure_on(data: str, windows: Windows, question: Question, kept: Records) -> None:
    """What is asked about one data set."""
    asking = [part for part in question.parts if data in part.data]
    for part in asking:
        for record in part.references(windows, data, question.seeds_of(part), kept):
            _keep(record, kept)
    for seed in range(max(map(question.seeds_of, asking))):
        wanted = [part for part in asking if seed < question.seeds_of(part)]
        for name in question.generators:
            for record in answers(question, wanted, windows, data, name, seed, kept):
                _keep(record, kept)


def answers(
    question: Question, parts: Sequence[Part], windows: Windows, data: str, name: str, seed: int, kept: Records
) -> Iterator[Record]:
    """The records of one generator and seed, trained once for all parts that have none yet."""
    settings = settings_of(name, question.quick) | question.changes
    label = question.label(name)
    left = [part for part in parts if question.again or not kept.has(part.name, data, label, seed, settings)]
    if not left:
        return
    try:
        model: Model | Exception = train(windows, name, seed, settings)
    except Exception as error:  # how often this happens is a question too, and other generators are still to come
        model = error
    for part in left:
        yield _answer(part, windows, data, model, Record(part.name, data, label, seed, {}, settings))


def _answer(part: Part, windows: Windows, data: str, model: Model | Exception, empty: Record) -> Record:
    try:
        if isinstance(model, Exception):
            raise model
        return empty.having(part.numbers(windows, data, model))
    except Exception as error:
        return empty.failed(error)


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


def _change(text: str) -> tuple[str, Value]:
    """A setting's name and value, out of `name=value`; what is no number and no truth value is a word."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} came, expected a setting and its value as in depth=2")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 1 when a bar was missed, 2 when data are not there."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("parts", nargs="*", type=_part, metavar="PART", help=f"{', '.join(PARTS)}; all when left out")
    add("--generators", nargs="+", choices=GENERATORS, default=list(GENERATORS), metavar="NAME", help="all by default")
    add("--set", nargs="+", type=_change, default=[], metavar="NAME=VALUE", help="settings in place of the recommended")
    add("--seeds", type=int, help="how many seeds, from 0; 3 and for robustness 10 when left out")
    add("--data", type=Path, default=STOCKS, help="the literature's Stocks, a CSV file")
    add("--json", type=Path, metavar="FILE", help="append every number to this file, and go on from it")
    add("--table", type=Path, metavar="FILE", help="train nothing, print what the file holds")
    add("--again", action="store_true", help="measure again what the file holds")
    add("--quick", action="store_true", help="tiny settings, to see that everything runs")
    given = parser.parse_args(arguments)
    parts = given.parts or list(PARTS.values())
    kept = Records(given.table or given.json)
    absent: tuple[str, ...] = ()
    if given.table is None:
        asked = parts, given.generators, given.seeds, given.data, given.again, given.quick, dict(given.set)
        absent = measure(Question(*asked), kept)
    shown = tables(parts, kept)
    print(shown.text)
    if shown.missed:
        print("\nMissed:", *shown.missed, sep="\n- ")
    if absent:
        print(*absent, sep="\n", file=sys.stderr)
    return 2 if absent else 1 if shown.missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
