"""Which runs are compared, and on which data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.ui import cached, state
from synthfin_core.data.windows import Windows
from synthfin_core.evaluation.score import HOLDOUT, TRAINING
from synthfin_core.store import Run, ground


@dataclass(frozen=True)
class Chosen:
    """What is compared.

    Attributes
    ----------
    windows : Windows
        The real data that the runs were trained on.
    runs : list of Run
    """

    windows: Windows
    runs: list[Run]

    @property
    def synthetic(self) -> dict[str, NDArray[np.float64]]:
        """Each run's samples `(n, t, d)` by a title that is unique among them."""
        return {title: x for title, x in zip(self.titles, map(_x, self.runs), strict=True) if x is not None}

    @property
    def titles(self) -> list[str]:
        """A name for each run, unique among them."""
        plain = [run.label for run in self.runs]
        return [
            name if plain.count(name) == 1 else f"{name} {run.id[-4:]}"
            for name, run in zip(plain, self.runs, strict=True)
        ]

    @property
    def named(self) -> dict[str, NDArray[np.float64]]:
        """Real training, real hold-out where there is one, then the runs."""
        real = {TRAINING: self.windows.train.x}
        if len(self.windows.holdout.x):
            real[HOLDOUT] = self.windows.holdout.x
        return real | self.synthetic

    @property
    def key(self) -> tuple[str, ...]:
        """Names what is compared, for caches."""
        return (self.runs[0].spec.setup.id, *(run.id for run in self.runs), *self.titles)


def _x(run: Run) -> NDArray[np.float64] | None:
    samples = cached.samples(run.id)
    return None if samples is None else samples.x


def choose(done: Sequence[Run]) -> Chosen:
    """Draw the choice of data and runs; only runs on the same windows are compared with each other."""
    groups: dict[str, list[Run]] = {}
    for run in done:
        groups.setdefault(ground(run.spec.setup).id, []).append(run)
    keys = list(groups)
    current = state.studio()
    first = next((i for i, key in enumerate(keys) if current.run_id in {run.id for run in groups[key]}), 0)
    key = keys[first]
    if len(keys) > 1:
        key = st.selectbox(
            "Data",
            keys,
            index=first,
            format_func=lambda k: f"{groups[k][0].spec.setup.label} ({len(groups[k])} trained)",
            key="compare-data",
            help="Only models trained on the same windows can be compared.",
        )
    runs = {run.id: run for run in groups[key]}
    default = [run_id for run_id in current.compared or [] if run_id in runs] or list(runs)[:4]
    picked = st.multiselect(
        "Models",
        list(runs),
        default=default,
        format_func=lambda run_id: runs[run_id].title,
        key=f"compare-runs-{keys.index(key)}",
        help="Any number of trained models; real training and hold-out data are always there.",
    )
    current.compared = list(picked)
    return Chosen(cached.windows(runs[next(iter(runs))].spec.setup), [runs[run_id] for run_id in picked])
