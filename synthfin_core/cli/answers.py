"""How commands answer: words and tables on the screen, JSON for machines, and a bar on the error stream."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any

from synthfin_core.errors import SynthFinWarning
from synthfin_core.generators.base import Progress
from synthfin_core.store.files import finite


def say(text: str) -> None:
    """A line of the answer."""
    sys.stdout.write(f"{text}\n")


def say_json(values: Mapping[str, Any]) -> None:
    """The answer for machines; what is not finite becomes null."""
    say(json.dumps(finite(values)))


def say_table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    """Rows under their column names."""
    widths = [max([len(column), *(len(str(row[column])) for row in rows)]) for column in columns]
    for row in [dict(zip(columns, columns, strict=True)), *rows]:
        cells = (str(row[column]).ljust(width) for column, width in zip(columns, widths, strict=True))
        say("  ".join(cells).rstrip())


def tell(text: str) -> None:
    """A line beside the answer, on the error stream."""
    sys.stderr.write(f"{text}\n")


@contextlib.contextmanager
def interruptible() -> Iterator[list[int]]:
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
def warnings_told() -> Iterator[None]:
    """The library's warnings as one sentence each on the error stream, once the work is done."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SynthFinWarning)
        yield
    ours = [each for each in caught if issubclass(each.category, SynthFinWarning)]
    for sentence in dict.fromkeys(str(each.message) for each in ours):
        tell(sentence)
    for each in caught:
        if each not in ours:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)


@contextlib.contextmanager
def training_bar(wanted: bool) -> Iterator[Callable[[Progress], None]]:
    """A bar of training steps, where the error stream is a terminal."""
    from tqdm import tqdm

    with tqdm(unit="step", file=sys.stderr, disable=None if wanted else True, dynamic_ncols=True) as bar:

        def on_step(progress: Progress) -> None:
            bar.total = progress.steps
            bar.update(progress.step - bar.n)
            name, loss = next(iter(progress.losses.items()))
            bar.set_postfix({"epoch": f"{progress.epoch}/{progress.epochs}", name: f"{loss:.4g}"}, refresh=False)

        yield on_step


@contextlib.contextmanager
def share_bar(wanted: bool) -> Iterator[Callable[[float, str], None]]:
    """A bar of the share done, from 0 to 1, and what is at hand, where the error stream is a terminal."""
    from tqdm import tqdm

    form = "{percentage:3.0f}%|{bar}| {elapsed}<{remaining} {desc}"
    with tqdm(total=1.0, file=sys.stderr, bar_format=form, disable=None if wanted else True, dynamic_ncols=True) as bar:

        def on_progress(share: float, words: str) -> None:
            bar.set_description_str(words, refresh=False)
            bar.update(max(share - bar.n, 0.0))

        yield on_progress
