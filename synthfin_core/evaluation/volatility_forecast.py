r"""Train on synthetic, test on real: does a volatility forecast learned from synthetic data serve on real data?

The forecaster is the HAR model of Corsi (2009) on squared returns, with means over one bar, a week and a month:

.. math:: f_i = b_0 + b_1 r^2_{i-1} + b_2 \overline{r^2}_{i-5:i-1} + b_3 \overline{r^2}_{i-22:i-1},

fitted by least squares in two rounds. The error of a squared return grows with its level, so the second round
weighs each pair by one over the squared forecast of the first. Its forecasts `f` of real hold-out returns `r` are
judged by QLIKE, the mean of `ln f + r^2 / f`, which ranks forecasts rightly although `r^2` is only a noisy picture
of the variance (Patton, 2011).
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from synthfin_core.evaluation.metric import Array, Context, Finding, Needs, metric
from synthfin_core.evaluation.strategies import running_sums
from synthfin_core.rng import stream

#: Forecasts are never below this share of the mean square that the model was fitted on. A linear model may forecast
#: nothing or less after calm days, where QLIKE is without bound; in calm years real variance is a tenth of its mean.
LEAST_FORECAST = 0.05

#: Train-on-real must beat the shuffled data by this much QLIKE, or there is nothing to learn and so nothing to score:
#: 0.01 is about what a forecast of the variance that is off by 14 % costs.
LEAST_GAIN = 0.01


def horizons(length: int) -> tuple[int, int, int]:
    """Bars in the three means: 1, 5 and 22 where a window has 44 bars or more, else 1 and up to half the window.

    Examples
    --------
    >>> horizons(60), horizons(30), horizons(8)
    ((1, 5, 22), (1, 4, 15), (1, 2, 4))
    """
    longest = min(22, length // 2)
    return 1, round(longest**0.5), longest


def har_design(square: Array) -> tuple[Array, Array]:
    """What the model sees and what it should have forecast, from pairs inside windows only.

    Parameters
    ----------
    square : ndarray (d, t, n)
        Squared returns of series, bar and window.

    Returns
    -------
    past : ndarray (d, 4, p)
        One and the three means, for each of the `p` pairs.
    target : ndarray (d, p)
        The squared return of the bar that follows.
    """
    d, t, n = square.shape
    spans = horizons(t)
    first = spans[-1]
    total = running_sums(square)
    past = np.ones((d, 4, t - first, n))
    for i, span in enumerate(spans, start=1):
        # Clipped, because the difference of two sums may round to less than nothing.
        past[:, i] = np.maximum(total[:, first:t] - total[:, first - span : t - span], 0) / span
    return past.reshape(d, 4, -1), np.ascontiguousarray(square[:, first:]).reshape(d, -1)


class Har(NamedTuple):
    """A fitted HAR model: its coefficients `(d, 4)` and its least forecast `(d,)`, in squared log returns, per bar."""

    coefficients: Array
    least: Array

    def forecast(self, past: Array) -> Array:
        """Forecasts `(d, p)` of the squared return from `past (d, 4, p)`."""
        linear: Array = (self.coefficients[:, None] @ past)[:, 0]
        return np.maximum(linear, self.least[:, None], out=linear)


def fit_har(square: Array) -> Har:
    """The HAR model of squared returns `square (d, t, n)`, by least squares and then by weighted least squares.

    Where the data leave a coefficient open (paths that never vary), the smallest ones are taken.
    """
    mean = square.mean(axis=(1, 2))
    level = np.where(mean > 0, mean, 1.0)
    past, target = har_design(square / level[:, None, None])  # without a unit, so that no coefficient is tiny
    least = np.full(len(square), LEAST_FORECAST)
    plain = Har(_solve(past, past, target), least)
    weighted = past / plain.forecast(past)[:, None] ** 2
    coefficients = _solve(weighted, past, target)
    coefficients[:, 0] *= level
    return Har(coefficients, least * level)


def qlike(variance: Array, square: Array) -> Array:
    """Mean of `ln f + r^2 / f` over pairs `(d, p)`, as `(d,)`; least, in expectation, when `f` is the variance."""
    loss: Array = (np.log(variance) + square / variance).mean(axis=1)
    return loss


def _solve(weighted: Array, past: Array, target: Array) -> Array:
    """Solution `(d, 4)` of the normal equations `(past W past') b = past W target`."""
    inverse = np.linalg.pinv(weighted @ past.transpose(0, 2, 1), rcond=1e-10, hermitian=True)  # (d, 4, 4)
    found: Array = (inverse @ (weighted @ target[:, :, None]))[:, :, 0]
    return found


class Volatility:
    """What windows `x (n, t, d)` teach about volatility, and what they ask of a forecast; made when first used."""

    def __init__(self, x: Array) -> None:
        self._square = np.ascontiguousarray(x.transpose(2, 1, 0)) ** 2  # (d, t, n): shifts in time are whole blocks

    @cached_property
    def learned(self) -> Har:
        """The model fitted on the windows."""
        return fit_har(self._square)

    @cached_property
    def learned_shuffled(self) -> Har:
        """The model fitted on the same values in random order, over all windows and bars.

        They are sorted first, so that the order of the windows has no say.
        """
        shuffled = np.sort(self._square.reshape(len(self._square), -1), axis=1)
        for i, values in enumerate(shuffled):
            stream(i, "volatility forecast, shuffled").shuffle(values)
        return fit_har(shuffled.reshape(self._square.shape))

    @cached_property
    def asked(self) -> tuple[Array, Array]:
        """Past `(d, 4, p)` and target `(d, p)` of every pair in the windows."""
        return har_design(self._square)

    def loss_of(self, model: Har) -> Array:
        """QLIKE `(d,)` of the model's forecasts of these windows."""
        past, target = self.asked
        return qlike(model.forecast(past), target)


@metric(
    name="volatility_forecast",
    title="Volatility forecast",
    group="utility",
    better="lower",
    unit="of the loss without structure",
    needs=Needs(length=8, returns=True, holdout=8, synthetic_varies=True),
    prepare=Volatility,
    context=True,
    figure="volatility_forecast",
    help=(
        "How much worse volatility is forecast in the hold-out after learning from synthetic data instead of real: "
        "0 is as good as real, 1 no better than real returns in random order."
    ),
)
def volatility_forecast(real: Volatility, synthetic: Volatility, context: Context) -> Finding:
    r"""Excess loss of train-on-synthetic over train-on-real, in units of that of shuffled data, `(d,)`.

    .. math:: \frac{Q(\text{synthetic}) - Q(\text{real})}{Q(\text{shuffled}) - Q(\text{real})}

    with `Q` the QLIKE on the real hold-out. It keeps its sign: below zero, synthetic data taught more than the real
    ones did, by luck or by being smoother. Cut off at zero, half of all good generators would share one number, and
    that number could not be told from a copy's. It is NaN where the real data themselves teach nothing (a gain below
    `LEAST_GAIN`).
    """
    holdout: Volatility = context.holdout
    losses = {
        "real": holdout.loss_of(real.learned),
        "synthetic": holdout.loss_of(synthetic.learned),
        "shuffled": holdout.loss_of(real.learned_shuffled),
    }
    gain = losses["shuffled"] - losses["real"]
    excess = losses["synthetic"] - losses["real"]
    return Finding(excess / np.where(gain > LEAST_GAIN, gain, np.nan), losses)
