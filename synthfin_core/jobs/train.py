"""Training a run: the same call for the worker, the command line and the tests.

    load the setup → windows → Pipeline.fit, written down as it goes → weights, samples, latents

The outcome does not depend on how often training was interrupted in between.
"""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from synthfin_core.data.windows import Windows
from synthfin_core.errors import SettingError, StoreError, SynthFinError, SynthFinWarning, TrainingError
from synthfin_core.generators.base import OnStep, Progress
from synthfin_core.jobs.recorder import Recorder
from synthfin_core.pipeline import Pipeline
from synthfin_core.store import Latents, Run, Status, Store
from synthfin_core.store.files import Arrays

KEPT_SAMPLES = 1000  #: windows drawn at the end, so that pages need no model to show some
SAMPLE_SEED = 0
KEPT_LATENTS = 2000  #: training windows whose place in the latent space is kept


def train(
    run: Run,
    store: Store,
    *,
    resume: bool = False,
    on_step: OnStep | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Status:
    """Train a run in this process and return how it ended; a run that is done is left alone.

    Parameters
    ----------
    run : Run
    store : Store
    resume : bool
        Go on from the last checkpoint, if there is one, instead of starting over.
    on_step : callable, optional
        Told of every step as well.
    should_stop : callable, optional
        A second way to stop, beside `Run.request_stop`.

    Returns
    -------
    Status
        ``"done"``, ``"stopped"`` or ``"failed"``; what went wrong is in its message, never raised.

    Raises
    ------
    StoreError
        If another process trains the run, or its folder can't be written to.
    """
    with run.claim():
        if run.status().state == "done":
            return run.status()
        run.clear_stop()
        return train_claimed(run, store, resume=resume, on_step=on_step, should_stop=should_stop)


def train_claimed(
    run: Run,
    store: Store,
    *,
    resume: bool = False,
    on_step: OnStep | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Status:
    """`train` for a caller that holds the run's claim already, and has not been asked to stop before."""
    before = run.status()
    run.write_status(replace(before, state="starting", message="", warnings=(), queue_place=None))
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", SynthFinWarning)
            status = _fit(run, store, resume, on_step, should_stop)
        said = tuple(str(one.message) for one in caught if issubclass(one.category, SynthFinWarning))
        status = replace(status, warnings=tuple(dict.fromkeys(said + status.warnings)))
    except TrainingError as error:
        status = _failed(run, str(error) + _fallen_back(run, store))
    except SynthFinError as error:
        status = _failed(run, str(error))
    except MemoryError:
        status = _failed(run, "Memory ran out: choose a smaller batch, a shorter window or a smaller network.")
    except Exception as error:
        what = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        status = _failed(run, f"Training broke off unexpectedly ({what}); details are in log.txt of the run.")
    run.write_status(status)
    run.clear_stop()
    return status


def _fit(
    run: Run, store: Store, resume: bool, on_step: OnStep | None, should_stop: Callable[[], bool] | None
) -> Status:
    """Fit and keep the outcome; the status returned has not been written yet."""
    spec = run.spec
    pipeline = Pipeline(spec.generator, spec.config)
    checkpoint, seconds = _starting_point(run, store, resume)
    told_to_stop = False

    def stopping() -> bool:
        nonlocal told_to_stop
        told_to_stop = told_to_stop or run.stop_requested() or (should_stop is not None and should_stop())
        return told_to_stop

    def stepping(progress: Progress) -> None:
        recorder.on_step(progress)
        if on_step is not None:
            on_step(progress)

    with Recorder(run, pipeline, seconds) as recorder:
        windows = store.windows(spec.setup)
        pipeline.fit(windows, spec.seed, on_step=stepping, should_stop=stopping, resume=checkpoint)
        latest = recorder.latest
        interrupted = told_to_stop and (latest is None or latest.step < latest.steps)
        recorder.write_checkpoint()
        if latest is not None:
            recorder.look_inside()
        if latest is not None or not interrupted:
            _keep(run, pipeline, windows)
    return replace(run.status(), state="stopped" if interrupted else "done", seconds_left=None if interrupted else 0.0)


def _starting_point(run: Run, store: Store, resume: bool) -> tuple[Arrays | None, float]:
    """The checkpoint to go on from, if any, and the seconds spent until then; the run's records are cut to fit."""
    found = run.checkpoint() if resume else None
    if found is not None:
        run.cut_progress(found[1]["step"])
        return found[0], float(found[1]["seconds"])
    run.reset()
    if run.spec.continued_from is None:
        return None, 0.0
    parent = store.run(run.spec.continued_from)
    _check_continues(run, parent)
    found = parent.checkpoint()
    if found is None:
        raise StoreError(f"{parent.id}, from which this run goes on, has no checkpoint: train that one first.")
    run.append_progress(record for record in parent.progress()[0] if record["step"] <= found[1]["step"])
    return found[0], float(found[1]["seconds"])


def _check_continues(run: Run, parent: Run) -> None:
    """Only the number of epochs may differ from the run that is gone on from."""
    mine, theirs = run.spec, parent.spec
    config = {**mine.config, "epochs": None}, {**theirs.config, "epochs": None}
    same = (mine.setup, mine.generator, mine.seed) == (theirs.setup, theirs.generator, theirs.seed)
    if not same or config[0] != config[1]:
        raise SettingError(
            f"{run.id} goes on from {parent.id}, but differs in more than the number of epochs: "
            "keep data, seed and other settings as they were."
        )


def _keep(run: Run, pipeline: Pipeline, windows: Windows) -> None:
    """Weights, windows drawn from the model, and where training windows lie in its latent space."""
    run.save(pipeline)
    run.save_samples(pipeline.sample(KEPT_SAMPLES, seed=SAMPLE_SEED))
    if pipeline.generator.latent:
        n = len(windows.train)
        which = np.unique(np.linspace(0, n - 1, min(n, KEPT_LATENTS)).astype(np.int64))
        mu, logvar = pipeline.encode(windows.train.x[which])
        run.save_latents(Latents(mu=mu, logvar=logvar, window=which))


def _fallen_back(run: Run, store: Store) -> str:
    """Keep the model of the last good checkpoint of a fit that diverged, and say so; empty where there is none."""
    try:
        found = run.checkpoint()
        if found is None:
            return ""
        windows = store.windows(run.spec.setup)
        pipeline = Pipeline(run.spec.generator, run.spec.config)
        pipeline.fit(windows, run.spec.seed, should_stop=lambda: True, resume=found[0])
        _keep(run, pipeline, windows)
    except SynthFinError:
        return ""
    return f" The model of step {found[1]['step']}, the last good checkpoint, was kept."


def _failed(run: Run, message: str) -> Status:
    run.log(traceback.format_exc())
    return replace(run.status(), state="failed", message=message, seconds_left=None, queue_place=None)
