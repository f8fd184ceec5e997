"""How generators fitted by expectation maximisation go on from pass to pass: told, stopped and gone on with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np

from synthfin_core.errors import TrainingError
from synthfin_core.generators.base import OnStep, Progress, ShouldStop

Model = TypeVar("Model")


def follow(
    passes: Iterator[tuple[Model, float]],
    done: int,
    epochs: int,
    keep: Callable[[Model, int], None],
    on_step: OnStep | None,
    should_stop: ShouldStop | None,
) -> None:
    """Make the passes from `done` on, each a step and an epoch.

    Parameters
    ----------
    passes : iterator of (model, float)
        The model after each pass, and the negative log-likelihood per window that the pass set out from.
    done, epochs : int
        Passes made before, and in all.
    keep : callable
        Told of the model after each pass, and of the pass's number.
    on_step, should_stop : callable, optional
        As `Generator.fit` takes them.

    Raises
    ------
    TrainingError
        If the likelihood is no number.
    """
    for step in range(done + 1, epochs + 1):
        if should_stop is not None and should_stop():
            return
        model, loss = next(passes)
        if not np.isfinite(loss):
            raise TrainingError(
                f"The likelihood became {loss} in pass {step}, expected a finite number: use fewer components or look "
                "for outliers in the data."
            )
        keep(model, step)
        if on_step is not None:
            on_step(Progress(step, epochs, step, epochs, {"loss": loss}))
