"""How fast training is, against the notebook's own loop and by generator, and how fast windows are drawn and scored.

    python benchmarks/speed.py [--repeats 3] [--samplers] [--pages] [--json]

The workload is the notebook's: 243 windows of 10 bars by 5 series, LSTM with 64 units, 32 latent dimensions, batches
of 32, 50 epochs. Its literal loop (one recurrent step a bar, DataLoader, Adam, mean squared error plus summed
divergence) runs with torch's default threads; ours runs the VAE's preset "the lab's", which takes five bars a recurrent
step, on the one thread that it chooses itself. Both run in turn in one process, and the quickest of the repeats counts;
once with the machine to themselves, and once beside a busy process on each core. Last, each side trains twice at the
same time, as where two people train: torch's default threads then wait for each other, and 20 epochs tell enough.

What each generator does in a second comes from `benchmarks/generators_speed.py`; `--samplers` adds the diffusion's
few-step sampler beside the one of 1,000 steps, for which a model is trained to its end. The scorecard's times come
from `benchmarks/scoring.py`; `--pages` adds what `benchmarks/pages.py` measures in a browser.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run from anywhere, installed or not

from benchmarks import generators_speed, scoring
from synthfin_core.registry import generator_class

EPOCHS, FEW_EPOCHS = 50, 20
MEET_EVERY = 20.0  #: seconds; two processes that are ready within it start together


class Literal(nn.Module):
    """The notebook's VAE, word for word."""

    def __init__(self) -> None:
        super().__init__()
        self.reader = nn.LSTM(5, 64, batch_first=True)
        self.mu, self.logvar = nn.Linear(64, 32), nn.Linear(64, 32)
        self.opening = nn.Linear(32, 64)
        self.writer = nn.LSTM(64, 64, batch_first=True)
        self.out = nn.Linear(64, 5)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstruction, mean and log-variance of `x (b, t, 5)`."""
        _, (h, _) = self.reader(x)
        mu, logvar = self.mu(h[-1]), self.logvar(h[-1])
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        hidden, _ = self.writer(self.opening(z).unsqueeze(1).repeat(1, x.shape[1], 1))
        return self.out(hidden), mu, logvar


def literal(x: NDArray[np.float64], epochs: int = EPOCHS) -> None:
    """The notebook's training loop on `x (n, t, 5)`."""
    model = Literal()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loader = DataLoader(TensorDataset(torch.as_tensor(x, dtype=torch.float32)), batch_size=32, shuffle=True)
    for _ in range(epochs):
        total = 0.0
        for (batch,) in loader:
            optimizer.zero_grad()
            reconstruction, mu, logvar = model(batch)
            divergence = 0.5 * torch.sum(torch.exp(logvar) + mu**2 - 1 - logvar)
            loss = nn.functional.mse_loss(reconstruction, batch) + 0.1 * divergence
            loss.backward()
            optimizer.step()
            total += loss.item()


def ours(x: NDArray[np.float64], epochs: int = EPOCHS) -> None:
    """The same work by the library."""
    family = generator_class("vae")
    preset = family.Config.presets()["the lab's"].to_dict()
    family(family.Config.from_dict({**preset, "epochs": epochs})).fit(x)


SIDES: dict[str, Callable[[NDArray[np.float64], int], None]] = {"literal": literal, "ours": ours}


def seconds(work: Callable[[NDArray[np.float64]], None], x: NDArray[np.float64]) -> tuple[float, float]:
    """Wall and processor seconds of one run."""
    wall, processor = time.perf_counter(), time.process_time()
    work(x)
    return time.perf_counter() - wall, time.process_time() - processor


@contextmanager
def busy_cores() -> Iterator[None]:
    """Another process on each core, which never rests."""
    command = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(command) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def notebook_workload(repeats: int) -> dict[str, float]:
    """The quickest of `repeats` runs of each side, taken in turn, and their ratios."""
    x = np.random.default_rng(0).random((243, 10, 5))
    pairs = [(seconds(literal, x), seconds(ours, x)) for _ in range(repeats)]
    best = np.min(np.array(pairs), axis=0)  # (side, clock)
    return {
        "literal loop, seconds": best[0, 0],
        "ours, seconds": best[1, 0],
        "ratio": best[0, 0] / best[1, 0],
        "ratio in processor time": best[0, 1] / best[1, 1],
    }


def two_at_once() -> dict[str, float]:
    """Seconds until two trainings that run side by side are both done, for each side, and the ratio."""
    found = {side: _both_done(side) for side in SIDES}
    return {f"{side}, seconds": value for side, value in found.items()} | {"ratio": found["literal"] / found["ours"]}


def _both_done(side: str) -> float:
    command = [sys.executable, __file__, "--train", side]
    trainings = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    return max(float(training.communicate()[0]) for training in trainings)


def train_when_ready(side: str) -> None:
    """Train once by the side's loop at the next meeting on the clock, and print the seconds."""
    x = np.random.default_rng(0).random((243, 10, 5))
    SIDES[side](x, 1)  # whatever is imported on first use
    time.sleep(MEET_EVERY - time.time() % MEET_EVERY)
    begin = time.perf_counter()
    SIDES[side](x, FEW_EPOCHS)
    print(time.perf_counter() - begin)


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=3, help="runs of each side")
    parser.add_argument("--samplers", action="store_true", help="compare the diffusion's samplers")
    parser.add_argument("--pages", action="store_true", help="measure the pages in a browser too")
    parser.add_argument("--train", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="for machines")
    asked = parser.parse_args()
    if asked.train:
        train_when_ready(asked.train)
        return
    found = {"notebook workload, alone": notebook_workload(asked.repeats)}
    with busy_cores():
        found["notebook workload, beside busy cores"] = notebook_workload(1)
    found["notebook workload, two at once"] = two_at_once()
    found |= generators_speed.measure()
    if asked.samplers:
        found["samplers of the diffusion"] = generators_speed.samplers()
    found["scorecard"] = scoring.measure()
    if asked.pages:
        from benchmarks.pages import measure

        found["pages"] = measure()
    if asked.json:
        print(json.dumps(found, indent=1))
        return
    for title, numbers in found.items():
        print(title)
        for name, value in numbers.items():
            print(f"  {name:52}{value:10.2f}")


if __name__ == "__main__":
    main()
