"""One training loop that knows no model.

A model hands over its modules and optimizers and one function, `step(batch, at) -> {"loss": ..., ...}`,
which does the forward pass, the backward pass and the optimizer step, and reports named parts.
The loop owns what every model shares: batches, seeds, threads, progress, stopping, resuming, and the
refusal to carry NaN on.

Every step draws from streams named by the seed and the step's number. So a fit that was stopped anywhere and
resumed from its checkpoint ends in the same weights as one that was never stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from synthfin_core import rng
from synthfin_core.errors import TrainingError
from synthfin_core.generators.base import OnStep, Progress, ShouldStop, under

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Moment:
    """Where training is, and the step's own random stream.

    Attributes
    ----------
    step, steps : int
        This step, counted from zero, and steps in all.
    epoch : float
        Epochs done, as a fraction: 1.5 is half-way through the second.
    noise : torch.Generator
        Draw all randomness of the step from here.
    """

    step: int
    steps: int
    epoch: float
    noise: torch.Generator


@dataclass
class Trainee:
    """What the loop needs to know of a model.

    Attributes
    ----------
    modules : dict of str to nn.Module
        All that has weights or buffers, running averages included.
    optimizers : dict of str to Optimizer
    step : callable
        `step(batch (b, t, d), moment) -> named losses`, tensors or numbers.
    """

    modules: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]
    step: Callable[[Tensor, Moment], Mapping[str, Tensor | float]]


@dataclass
class Trained:
    """How far training came.

    Attributes
    ----------
    step : int
        Steps done.
    finished : bool
        False when it was told to stop before the last one.
    """

    step: int
    finished: bool


def train(
    trainee: Trainee,
    x: Tensor,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    epoch_windows: int | None = None,
    start_step: int = 0,
    on_step: OnStep | None = None,
    should_stop: ShouldStop | None = None,
) -> Trained:
    """Run `trainee.step` over shuffled batches of `x (n, t, d)` until `epochs` are done.

    Each epoch visits every window once, or `epoch_windows` of them where there are more. A last batch that is smaller
    than half of `batch_size` is joined to the one before it, so that no step rests on a handful of windows.

    Raises
    ------
    TrainingError
        If a loss is NaN or infinite.
    """
    n = min(len(x), epoch_windows or len(x))
    batches = _batches_per_epoch(n, batch_size)
    steps = epochs * batches
    step = start_step
    order = torch.empty(0, dtype=torch.long)
    noise = torch.Generator(device=x.device)
    while step < steps:
        if should_stop is not None and should_stop():
            return Trained(step, finished=False)
        epoch, position = divmod(step, batches)
        if position == 0 or step == start_step:
            order = _shuffled(len(x), seed, epoch)[:n].to(x.device)
        rows = (
            order[position * batch_size :] if position == batches - 1 else order[position * batch_size :][:batch_size]
        )
        noise.manual_seed(rng.integer_seed(seed, "step", step))
        losses = trainee.step(x[rows], Moment(step, steps, step / batches, noise))
        named = {name: float(value) for name, value in losses.items()}
        _refuse_nan(named, step)
        step += 1
        if on_step is not None:
            on_step(Progress(step, steps, epoch + 1, epochs, named))
    return Trained(step, finished=True)


def _batches_per_epoch(n: int, batch_size: int) -> int:
    whole, rest = divmod(n, batch_size)
    return max(1, whole + (2 * rest >= batch_size))


def _shuffled(n: int, seed: int, epoch: int) -> Tensor:
    generator = torch.Generator().manual_seed(rng.integer_seed(seed, "order", epoch))
    return torch.randperm(n, generator=generator)


def _refuse_nan(losses: Mapping[str, float], step: int) -> None:
    for name, value in losses.items():
        if not math.isfinite(value):
            raise TrainingError(
                f"Training stopped at step {step + 1}: {name} became {value}, expected a finite number; "
                "lower the learning rate or look for outliers in the data."
            )


def pack(trainee: Trainee, step: int) -> Arrays:
    """Weights, optimizer states and the step's number as named arrays, for a checkpoint.

    Raises
    ------
    TrainingError
        If a weight is NaN or infinite: the checkpoint before is the last good one.
    """
    arrays: Arrays = {"step": np.array(step, dtype=np.int64)}
    for name, module in trainee.modules.items():
        arrays |= {f"module.{name}.{key}": value for key, value in weights(module).items()}
    for name, optimizer in trainee.optimizers.items():
        for index, entries in optimizer.state_dict()["state"].items():
            for key, value in entries.items():
                arrays[f"optimizer.{name}.{index}.{key}"] = torch.as_tensor(value).detach().cpu().numpy().copy()
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise TrainingError(
            f"Training diverged by step {step}: the weights are no longer finite numbers; lower the learning rate or "
            "look for outliers in the data."
        )
    return arrays


def unpack(trainee: Trainee, arrays: Mapping[str, NDArray[Any]]) -> int:
    """Put a checkpoint back into modules and optimizers, and return the steps already done."""
    for name, module in trainee.modules.items():
        load_weights(module, under(arrays, f"module.{name}."))
    for name, optimizer in trainee.optimizers.items():
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in under(arrays, f"optimizer.{name}.").items():
            index, _, entry = key.partition(".")
            state.setdefault(int(index), {})[entry] = torch.from_numpy(np.array(value))
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return int(arrays["step"])


def weights(module: nn.Module) -> Arrays:
    """A module's weights and buffers as named arrays."""
    return {key: value.detach().cpu().numpy().copy() for key, value in module.state_dict().items()}


def load_weights(module: nn.Module, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Put named arrays back into a module; names and shapes must match."""
    module.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in arrays.items()})


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Run torch on `count` CPU threads inside, and as before outside.

    Small recurrent networks want one: their matrices are too small to share, and on busy cores the waiting costs
    many times what the sharing saves.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def seeded_weights(seed: int) -> Iterator[None]:
    """Draw a network's first weights from `seed` inside, and leave torch's global random state as it was."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(rng.integer_seed(seed, "weights"))
        yield


def device() -> torch.device:
    """The GPU where there is one, the CPU otherwise."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def normal(shape: tuple[int, ...], noise: torch.Generator) -> Tensor:
    """Standard normal draws on the generator's device."""
    return torch.randn(shape, generator=noise, device=noise.device)
