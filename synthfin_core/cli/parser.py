"""The arguments: those of `fit` are made from the settings that windows and generators declare."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

from synthfin_core.data.kinds import KINDS
from synthfin_core.data.selection import PERIODS
from synthfin_core.data.windows import WindowSpec
from synthfin_core.errors import SettingError
from synthfin_core.params import Config, Param, Value
from synthfin_core.registry import GENERATORS, generator_class

WINDOW_SETTINGS = {setting.name for setting in WindowSpec.params()}


class Parser(argparse.ArgumentParser):
    """A parser that answers wrong usage in one sentence."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and how to get help."""
        raise SettingError(f"{message[:1].upper()}{message[1:]}; {self.prog} --help shows what there is.")


def make_parser() -> Parser:
    """The parser of the whole command line."""
    shared = Parser(add_help=False)
    shared.add_argument(
        "--store", metavar="FOLDER", help="where runs are kept (default: $SYNTHFIN_STORE or models_cache)"
    )
    shared.add_argument("--json", action="store_true", help="answer in JSON, for machines")
    parser = Parser(prog="python -m synthfin_core", description="Synthetic financial time series.")
    verbs = parser.add_subparsers(dest="verb", metavar="fit|sample|evaluate|runs|data", required=True)
    _fit(verbs.add_parser("fit", help="train a generator"), shared)
    _sample(verbs.add_parser("sample", parents=[shared], help="draw windows from a trained run"))
    _evaluate(verbs.add_parser("evaluate", parents=[shared], help="score synthetic against real windows"))
    _runs(verbs.add_parser("runs", help="list, show, rename or delete runs"), shared)
    data = verbs.add_parser("data", parents=[shared], help="list bundled data, or describe one source")
    data.add_argument("source", nargs="?", help="a bundled name or the path of a file")
    return parser


def _fit(parser: argparse.ArgumentParser, shared: Parser) -> None:
    generators = parser.add_subparsers(dest="generator", metavar="|".join(GENERATORS), required=True)
    for name in GENERATORS:
        family = generator_class(name)
        fit = generators.add_parser(name, parents=[shared], help=family.title, description=f"Train: {family.title}.")
        fit.add_argument("source", help="a bundled name or the path of a CSV, Parquet or Excel file")
        data = fit.add_argument_group("data")
        data.add_argument("--columns", nargs="+", metavar="NAME", help="series to use (default: all)")
        data.add_argument("--kind", choices=KINDS, help="what the columns hold (default: guessed)")
        data.add_argument("--start", metavar="DAY", help="first day, such as 2009-01-02")
        data.add_argument("--end", metavar="DAY", help="last day")
        data.add_argument("--every", choices=list(PERIODS), help="merge the rows of each day, week or month into one")
        add_settings(fit.add_argument_group("windows"), WindowSpec)
        training = fit.add_argument_group("training")
        training.add_argument("--seed", type=int, default=0, help="the same seed gives the same model (default: 0)")
        training.add_argument(
            "--resume", action="store_true", help="go on from the last checkpoint of a run that ended early"
        )
        presets = ", ".join(repr(preset) for preset in family.Config.presets())
        training.add_argument("--preset", help=f"settings to start from, by name or a word of it: {presets}")
        add_settings(fit.add_argument_group(f"settings of the {name}"), family.Config, prefix=name)


def _sample(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="id of a run")
    parser.add_argument("--n", type=int, default=100, help="how many windows (default: 100)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed draws the same windows (default: 0)")
    parser.add_argument(
        "--start-price",
        type=float,
        nargs="+",
        metavar="PRICE",
        help="price to set out from, one or one for each series",
    )
    parser.add_argument("--out", metavar="FILE", help="file.csv, file.parquet or file.npz (default: CSV on the screen)")


def _evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", nargs="*", help="ids of runs that were trained on the same data and windows")
    parser.add_argument("--n", type=int, default=1000, help="windows drawn from each run (default: 1000)")
    files = parser.add_argument_group("files instead of runs")
    files.add_argument("--data", metavar="REAL", help="real data, a bundled name or a file")
    files.add_argument("--kind", choices=KINDS, help="what its columns hold (default: guessed)")
    files.add_argument(
        "--synthetic",
        nargs="+",
        metavar="FILE",
        help="synthetic data: a table with a column window (and step) and the series, a plain table of one long "
        "history, or an npz file with x (windows, steps, series) in the unit of windows",
    )
    files.add_argument("--length", type=int, help="bars in a window when the synthetic data are a plain table")
    files.add_argument("--stride", type=int, help="bars from one window to the next (default: 1)")
    files.add_argument("--holdout", type=float, help="last share of the real history, kept to compare (default: 0.2)")
    scoring = parser.add_argument_group("scores")
    scoring.add_argument(
        "--scores", nargs="+", metavar="NAME", help="quick, all, or names (default: quick, which trains no network)"
    )
    scoring.add_argument(
        "--floors",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="measure what perfect samples would score, which takes up to half a minute and gives verdicts",
    )
    scoring.add_argument(
        "--baselines", nargs="*", metavar="NAME", help="score classical models too: all of them, or those named"
    )
    scoring.add_argument("--seed", type=int, default=0, help="of all that is drawn (default: 0)")
    scoring.add_argument("--html", metavar="FILE", help="also write the whole report, with its figures, as one file")


def _runs(parser: argparse.ArgumentParser, shared: Parser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="list|show|rename|delete", required=True)
    actions.add_parser("list", parents=[shared], help="all runs, newest first")
    for name, what in (("show", "settings and state of a run"), ("delete", "remove a run for good")):
        actions.add_parser(name, parents=[shared], help=what).add_argument("run", help="id of a run")
    rename = actions.add_parser("rename", parents=[shared], help="give a run a title")
    rename.add_argument("run", help="id of a run")
    rename.add_argument("title", help="the title")


def add_settings(group: argparse._ArgumentGroup, config: type[Config], prefix: str = "") -> None:
    """One flag for each setting; left out, it stays at its default and does not appear among the arguments.

    A generator's setting that is called like one of the windows gets the generator's name before it.
    """
    for setting in config.params():
        name = setting.name.replace("_", "-")
        flag = f"--{prefix}-{name}" if prefix and setting.name in WINDOW_SETTINGS else f"--{name}"
        words = f"{setting.help} ({_bounds(setting)}; default: {_shown(setting.default)})".replace("%", "%%")
        common: dict[str, Any] = dict(default=argparse.SUPPRESS, dest=_place(prefix, setting), help=words)
        if setting.type is bool:
            group.add_argument(flag, action=argparse.BooleanOptionalAction, **common)
        else:
            group.add_argument(flag, type=_reader(setting), metavar=setting.type.__name__.upper(), **common)


def settings_of(arguments: argparse.Namespace, config: type[Config], prefix: str = "") -> dict[str, Value]:
    """The settings that were given."""
    given = vars(arguments)
    places = {setting.name: _place(prefix, setting) for setting in config.params()}
    return {name: given[place] for name, place in places.items() if place in given}


def _place(prefix: str, setting: Param) -> str:
    return f"{prefix or 'windows'}.{setting.name}"


def _reader(setting: Param) -> Callable[[str], Value]:
    def read(text: str) -> Value:
        try:
            return setting.check(setting.type(text))
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r}, expected {setting.expected()}") from error

    return read


def _bounds(setting: Param) -> str:
    return setting.expected().replace("one of , ", "one of ") + (f", {setting.unit}" if setting.unit else "")


def _shown(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) or "none"
