"""Runs made by hand, so that a page or a route can be tested without training for minutes."""

from __future__ import annotations

import math

from synthfin_core.data.panel import Selection
from synthfin_core.data.sources import MockSettings, mock_panel
from synthfin_core.data.windows import WindowSpec
from synthfin_core.pipeline import Pipeline
from synthfin_core.registry import generator_class
from synthfin_core.spec import RunSpec, Setup
from synthfin_core.store import Run, Status, Store

STEPS = 3000


def a_run(store: Store, seed: int = 0, generator: str = "vae") -> Run:
    """A run that nobody trains yet, of a tiny model on two made-up series."""
    panel_id = store.save_panel(mock_panel(MockSettings(assets=2, days=200)))
    setup = Setup(panel_id, Selection(), WindowSpec(length=20))
    config = generator_class(generator).Config.tiny().to_dict()
    return store.create(RunSpec(setup, generator, config, seed=seed))


def trained(store: Store, seed: int = 0, generator: str = "vae") -> Run:
    """A run with the weights of a tiny model."""
    run = a_run(store, seed, generator)
    pipeline = Pipeline(generator, run.spec.config).fit(store.windows(run.spec.setup), seed=seed)
    run.save(pipeline)
    run.write_status(Status("done", step=12, steps=12, epoch=2, epochs=2, seconds=1.0))
    return run


def record(step: int) -> dict[str, object]:
    """One line of progress, with losses that fall and tremble."""
    reconstruction = 60 * math.exp(-step / 400) + 8 + 2 * math.sin(step * 1.7)
    kl = 3 * (1 - math.exp(-step / 300)) + 0.2 * math.sin(step * 0.9)
    losses = {"loss": reconstruction + kl, "reconstruction": reconstruction, "kl": kl}
    return {"step": step, "epoch": 1 + step // 50, "seconds": step / 50, "losses": losses}


def go_on(run: Run, step: int, records: int = 5, state: str = "running", **changes: object) -> int:
    """Let a fabricated training go on by some steps and return the step it stands at."""
    run.append_progress([record(s) for s in range(step + 1, step + records + 1)])
    step += records
    waves = [[100 + 4 * math.sin(i / 5 + k) * (1 + step / 900) + k for i in range(61)] for k in range(12)]
    run.write_preview({"step": step - step % 25, "series": "Asset_1_Price", "unit": "log return", "paths": waves})
    inside = {"active_units": 3, "kl_per_dimension": [1.9, 1.2, 0.6, 0.05, 0.01, 0.0], "diversity": 0.94}
    status = Status(
        state,
        step=step,
        steps=STEPS,
        epoch=1 + step // 50,
        epochs=60,
        diagnostics=inside,
        seconds=step / 50,
        steps_per_second=50.2,
        seconds_left=(STEPS - step) / 50,
    )
    run.write_status(Status.from_dict({**status.to_dict(), **changes}))
    return step
