"""A generator for tests: every step moves its weights by a draw named by seed and step, as a network's would be."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass

import numpy as np

from synthfin_core import rng
from synthfin_core.errors import TrainingError, TrainingWarning
from synthfin_core.generators.base import Diagnostics, Generator, Progress, check_training_windows
from synthfin_core.params import Config, param

STEPS_AN_EPOCH = 4


@dataclass(frozen=True)
class StandInConfig(Config):
    """What the stand-in is told."""

    epochs: int = param(5, "Passes.", ge=1, le=1000)
    pause: float = param(0.0, "Seconds a step takes.", ge=0, le=1)
    fail_at: int = param(0, "Step at which it fails; 0 for never.", ge=0, le=1000)
    how: str = param("nan", "How it fails.", choices=("nan", "bug", "memory", "warn"))


class StandIn(Generator):
    """Independent normal values with the data's mean and spread, and weights that wander."""

    Config = StandInConfig
    title = "Stand-in"
    short = "Stand-in"
    family = "vae"
    paper = "None"
    latent = True

    def fit(self, x, *, cond=None, seed=0, on_step=None, should_stop=None, resume=None):
        x = check_training_windows(x)
        epochs = self.config.epochs
        self.mean, self.spread, self.length = x.mean(axis=(0, 1)), x.std(axis=(0, 1)), np.array(x.shape[1])
        self.weights = np.zeros(3) if resume is None else np.array(resume["weights"])
        self.step = 0 if resume is None else int(resume["step"])
        while self.step < epochs * STEPS_AN_EPOCH:
            if should_stop is not None and should_stop():
                break
            time.sleep(self.config.pause)
            self._fail(self.step + 1)
            self.weights = 0.9 * self.weights + rng.stream(seed, f"step {self.step}").standard_normal(3)
            self.step += 1
            if on_step is not None:
                epoch = (self.step - 1) // STEPS_AN_EPOCH + 1
                losses = {"loss": 1.0 / self.step, "other": float(self.step)}
                on_step(Progress(self.step, epochs * STEPS_AN_EPOCH, epoch, epochs, losses))
        return self

    def _fail(self, step):
        if step != self.config.fail_at:
            return
        if self.config.how == "warn":
            warnings.warn("The stand-in is not well.", TrainingWarning, stacklevel=2)
        elif self.config.how == "memory":
            raise MemoryError
        elif self.config.how == "bug":
            raise ZeroDivisionError("something in the code")
        else:
            raise TrainingError("loss became nan, expected a finite number; lower the learning rate.")

    def sample(self, n, *, cond=None, seed=0):
        noise = rng.stream(seed, "sample").standard_normal((n, int(self.length), len(self.mean)))
        return self.mean + self.spread * noise + 1e-3 * self.weights[0]

    def state(self):
        names = ("mean", "spread", "length", "weights")
        return {name: np.array(getattr(self, name)) for name in names}

    @classmethod
    def load(cls, config, state):
        made = cls(config)
        for name, value in state.items():
            setattr(made, name, value)
        return made

    def checkpoint(self):
        return {"weights": self.weights.copy(), "step": np.array(self.step)}

    def diagnostics(self):
        return Diagnostics({"weight": float(self.weights[0])}, ["It only stands in."])

    def encode(self, x):
        mu = x[:, -1, :]
        return mu, np.zeros_like(mu)

    def decode(self, z):
        return np.repeat(z[:, None, :], int(self.length), axis=1)

    def sample_given(self, z, *, seed=0):
        return self.decode(z) + 0.1 * rng.stream(seed, "given").standard_normal((len(z), int(self.length), z.shape[1]))
