"""The literature's predictive score: learn to predict on synthetic windows, be tested on real ones.

References
----------
Yoon, Jarrett and van der Schaar (2019), Time-series Generative Adversarial Networks, NeurIPS, and its code,
``metrics/predictive_metrics.py``: one GRU layer, where the paper says two layers of LSTM.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from synthfin_core.judges.cell import Numbers
from synthfin_core.judges.recurrent import Recurrent, at_once, draw, one_thread, sigmoid, with_ones
from synthfin_core.judges.splits import Array, check_pairs, to_unit_range
from synthfin_core.rng import stream

#: Windows in a batch.
BATCH = 128


class Prediction(NamedTuple):
    """Mean absolute error on the real windows, in shares of the real range, by what the predictor learned from."""

    synthetic: float
    real: float

    @property
    def score(self) -> float:
        """How far learning from synthetic windows is from learning from real ones, ``|MAE_s - MAE_r|``."""
        return abs(self.synthetic - self.real)


def predictive_score(
    real: Array,
    synthetic: Array,
    *,
    hidden: int | None = None,
    iterations: int = 5000,
    repeats: int = 1,
    seed: int = 0,
) -> Prediction:
    """Predictive score of the literature, by its protocol to the letter, and that of the real windows themselves.

    From all series but the last up to a step, a GRU of `hidden` units (TensorFlow 1's cell) with a dense unit and a
    sigmoid predicts the last series a step later; it learns from the synthetic windows, 128 a step, with Adam at 0.001,
    and is tested on all real ones. The literature reports the error itself, `Prediction.synthetic`; only beside
    `Prediction.real` does it say anything. With a single series, where the original has no input and no unit, the
    series' own past predicts it.

    On levels this is a test of persistence: the last value is all that is needed. On log returns next to nothing can be
    predicted, and any generator with the right median passes.

    Parameters
    ----------
    real, synthetic : ndarray (n, t, d), (m, t, d)
    hidden : int, optional
        Half the number of series when None, at least 1.
    iterations, repeats : int
        The literature takes 5,000, and the mean of 5 or 10 repeats.
    seed : int

    Returns
    -------
    Prediction
    """
    return predict([(real, synthetic)], hidden, iterations, repeats, seed)[0]


def predict(
    pairs: Sequence[tuple[Array, Array]],
    hidden: int | None = None,
    iterations: int = 5000,
    repeats: int = 1,
    seed: int = 0,
) -> list[Prediction]:
    """`predictive_score` of each pair, trained side by side; it does not depend on the other pairs.

    Pairs with the same real array share the predictor that learns from it.
    """
    d = check_pairs(pairs)
    units = hidden or max(d // 2, 1)
    sources = {(id(real), id(x)): (real, x) for real, synthetic in pairs for x in (synthetic, real)}
    jobs = [(*pair, repeat) for pair in sources.values() for repeat in range(repeats)]
    width = at_once(units)
    found: list[float] = []
    with one_thread():
        for start in range(0, len(jobs), width):
            found += _errors(jobs[start : start + width], units, iterations, seed)
    errors = dict(zip(sources, np.reshape(found, (-1, repeats)).mean(axis=1).tolist(), strict=True))
    return [Prediction(errors[id(real), id(x)], errors[id(real), id(real)]) for real, x in pairs]


def _errors(jobs: Sequence[tuple[Array, Array, int]], hidden: int, iterations: int, seed: int) -> list[float]:
    """Train a predictor for each `(real, windows to learn from, repeat)`; its mean absolute error on `real`."""
    streams = [stream(seed, f"predictor {repeat}") for _, _, repeat in jobs]
    learn = [[_inputs_and_target(to_unit_range(real, x))] for real, x, _ in jobs]  # (n, t - 1, columns + 1)
    _, steps, columns = learn[0][0].shape
    predictors = Recurrent(columns - 2, hidden, streams, steps)
    for _ in range(iterations):
        batch = draw(learn, streams, BATCH)
        trace, z = predictors.run(batch[:, :, :-1])
        predicted = sigmoid(z)  # (t - 1, g, b)
        off = np.sign(predicted - batch[:, :, -1]) / (steps * BATCH)
        predictors.learn(trace, off * predicted * (1 - predicted))
    found = []
    for i, (real, _, _) in enumerate(jobs):
        asked = _inputs_and_target(to_unit_range(real, real))
        found.append(float(np.abs(sigmoid(predictors.outputs(i, asked[:, :, :-1])) - asked[:, :, -1]).mean()))
    return found


def _inputs_and_target(x: Numbers) -> Numbers:
    """Of windows `(n, t, d)`: all series but the last, a one, and the last series a step later, `(n, t - 1, d + 1)`.

    A single series is its own input.
    """
    inputs = with_ones(x[:, :-1, : max(x.shape[2] - 1, 1)])
    return np.concatenate([inputs, x[:, 1:, -1:].astype(inputs.dtype)], axis=2)
