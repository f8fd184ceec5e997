"""What runs when a command is given, and how it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from synthfin_core.cli import commands
from synthfin_core.cli.evaluate import evaluate
from synthfin_core.cli.parser import make_parser
from synthfin_core.errors import RunNotFound, SourceError, SynthFinError

DONE, WRONG_INPUT, NOT_FOUND, TRAINING_FAILED, INTERRUPTED = 0, 2, 3, 4, 130

VERBS: dict[str, Callable[..., int]] = {
    "fit": commands.fit,
    "sample": commands.sample,
    "evaluate": evaluate,
    "runs": commands.runs,
    "data": commands.data,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; what goes wrong is one sentence on the error stream."""
    try:
        given = make_parser().parse_args(arguments)
        code = VERBS[given.verb](given)
        sys.stdout.flush()
    except (RunNotFound, SourceError) as error:
        return _said(error, NOT_FOUND)
    except SynthFinError as error:
        return _said(error, WRONG_INPUT)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader had enough, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return code


def _said(error: Exception, code: int) -> int:
    sys.stderr.write(f"{error}\n")
    return code
