r"""One series at a time: an autoregressive mean, volatility that moves, and their fit by `arch`.

.. math:: y_t = c + \sum_{j=1}^{20} \phi_j y_{t-j} + \sigma_t e_t.

Returns need one lag. A series that stays where it is, as log volume does, needs a long memory: its mean is made of its
last value and its averages over 5 and 20 bars (Corsi, *A simple approximate long-memory model*, 2009).
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthfin_core.processes.base import Array

LAGS = 20
HETEROGENEOUS = (1, 5, 20)
PERSISTENT = 0.3  # lag-1 autocorrelation from which a series needs the long memory
LEAST_FOR_LONG_MEMORY = 100
LEAST_FOR_VOLATILITY = 250

# Roots and persistence at or above these are taken for a drift within the history: nothing stationary has them, and a
# path must begin in its stationary state. At 0.998 half of a shock is gone after 350 bars.
MOST_PERSISTENT_MEAN = 0.995
MOST_PERSISTENT_VOLATILITY = 0.998

NORMAL_SHAPE = np.array([300.0, 0.0])  # degrees of freedom and skewness, normal to four digits
INNER_SHAPES = np.array([[2.05, -0.99], [300.0, 0.99]])  # where the skewed t has both its sides and a variance

# Standard deviations of a standardised series' own paths that are believed.
SPREAD = (0.5, 2.0)

# How a series was simplified, if it was.
AS_ASKED, CONSTANT, SHORT, FAILED, NORMAL, REVERTING = range(6)
SIMPLER = {
    CONSTANT: "never changes",
    SHORT: f"has fewer than {LEAST_FOR_VOLATILITY} bars, so its volatility is held constant",
    FAILED: "did not let a changing volatility be fitted, so it is held constant",
    NORMAL: "did not let a skewed Student-t be fitted, so its bars are independent and normal",
    REVERTING: "has a volatility that drifts, so it was made to revert to that of the whole history",
}


@dataclass(frozen=True)
class Volatility:
    """A law of volatility, to be fitted by `arch`.

    Attributes
    ----------
    build : callable
        Gives the volatility process of `arch`.
    starts : callable
        Parameters from which a search may begin, given the variance: for when it goes astray from those of `arch`.
    """

    build: Callable[[], Any]
    starts: Callable[[float], list[Array]]


@dataclass(frozen=True, eq=False)
class SeriesFit:
    """What a fit of one standardised series found.

    Attributes
    ----------
    ar : ndarray (20,)
        `phi`, all roots stable.
    variance : ndarray (k,)
        Parameters of the variance in the order of `arch`; the variance alone where it is constant.
    shape : ndarray (2,)
        Degrees of freedom and skewness of the innovations; ``(300, 0)`` is practically normal.
    sigma, residuals : ndarray (s,)
        Volatility and standardised residual of each bar, NaN where the mean has no lags yet.
    simpler : int
        Key in `SIMPLER`, or `AS_ASKED`.
    """

    ar: Array
    variance: Array
    shape: Array
    sigma: Array
    residuals: Array
    simpler: int

    def simplified_to(self, variance: Array, simpler: int) -> SeriesFit:
        """The fit with other parameters of the variance."""
        return dataclasses.replace(self, variance=variance, simpler=simpler)


def standardised(strips: Sequence[Array], rows: Array) -> tuple[Array, Array, Array]:
    """`rows (s, d)` with mean 0 and sd 1, and the mean of `strips` and the sd of `rows` that did it, both `(d,)`.

    A series that never changes has sd 0 and becomes zeros.
    """
    mean = np.concatenate(strips).mean(axis=0)
    sd = np.where(np.ptp(rows, axis=0) > 0, rows.std(axis=0), 0.0)
    return np.divide(rows - mean, sd, out=np.zeros_like(rows), where=sd > 0), mean, sd


def simplified(simpler: NDArray[np.int64]) -> str:
    """Which series were simplified and how, in words; empty where none was."""
    return " ".join(f"Series {i + 1} {SIMPLER[k]}." for i, k in enumerate(simpler.tolist()) if k != AS_ASKED)


def burn_in(ar: Array, persistence: Array) -> int:
    """Bars after which the start is forgotten: e^-3 of it is left, and the variance of paths lacks e^-6.

    `ar (d, 20)` are coefficients of the means, `persistence (d,)` those of the volatilities.
    """
    slowest = max(max(_radius(row) for row in ar), float(np.abs(persistence).max()))
    return max(100, int(np.ceil(3 / (1 - slowest))))


def mean_lags(strips: Sequence[Array]) -> tuple[int, ...]:
    """Which averages a series, given as strips `(s,)`, needs in its mean: over 1 bar, or over 1, 5 and 20."""
    bars = sum(len(strip) for strip in strips)
    mean = sum(strip.sum() for strip in strips) / bars
    products = sum(((strip[1:] - mean) * (strip[:-1] - mean)).sum() for strip in strips)
    squares = sum(((strip - mean) ** 2).sum() for strip in strips)
    persistent = products > PERSISTENT * squares
    return HETEROGENEOUS if persistent and bars >= LEAST_FOR_LONG_MEMORY else (1,)


def fits_of(y: Array, lags: tuple[int, ...], volatility: Volatility, skewed: bool) -> Iterator[SeriesFit]:
    """Fits of `y (s,)`, of mean 0 and sd 1, best first; the last one, independent normal bars, always exists.

    The search for the maximum goes astray in one history of 250 bars in ten, and says so or not. A fit less likely
    than the constant volatility that it contains can't be the maximum, so it is searched again from elsewhere.
    """
    from arch.univariate import ConstantVariance

    if not y.any():
        yield _independent(y, CONSTANT)
        return
    long_enough = len(y) >= LEAST_FOR_VOLATILITY
    constant = _search(y, lags, ConstantVariance(), skewed)
    if constant is not None:
        if long_enough:
            yield from _moving(y, lags, volatility, skewed, constant)
        if constant.loglikelihood >= -0.5 * len(y) * (np.log(2 * np.pi) + 1):  # of independent normal bars
            yield _read(constant, lags, skewed, FAILED if long_enough else SHORT)
    yield _independent(y, NORMAL)


def stable(ar: Array) -> Array:
    """Coefficients `(20,)`, their roots pulled into the circle of radius `MOST_PERSISTENT_MEAN` if they stick out."""
    radius = _radius(ar)
    if radius <= MOST_PERSISTENT_MEAN:
        return ar
    return np.asarray(ar * (MOST_PERSISTENT_MEAN / radius) ** np.arange(1, LAGS + 1), dtype=np.float64)


def autoregress(ar: Array, noise: Array) -> Array:
    """Paths `(paths, bars)` that start at 0 and follow the coefficients `ar (20,)` under `noise`."""
    from scipy.signal import lfilter

    return np.asarray(lfilter([1.0], np.concatenate([[1.0], -ar]), noise, axis=1), dtype=np.float64)


def _radius(ar: Array) -> float:
    """Of the circle that holds all roots."""
    companion = np.eye(LAGS, k=-1)
    companion[0] = ar
    return float(np.abs(np.linalg.eigvals(companion)).max())


def _moving(
    y: Array, lags: tuple[int, ...], volatility: Volatility, skewed: bool, constant: Any
) -> Iterator[SeriesFit]:
    """Fits with a volatility that moves, each from another start."""
    found = constant.params.to_numpy()
    mean, variance, shape = np.split(found, [1 + len(lags), 2 + len(lags)])
    if skewed:
        shape = np.clip(shape, [2.2, -0.9], [50.0, 0.9])
    starts = [np.concatenate([mean, start, shape]) for start in volatility.starts(float(variance[0]))]
    for start in (None, *starts):
        result = _search(y, lags, volatility.build(), skewed, start)
        if result is not None and result.loglikelihood >= constant.loglikelihood:
            yield _read(result, lags, skewed, AS_ASKED)


def _search(y: Array, lags: tuple[int, ...], volatility: Any, skewed: bool, start: Array | None = None) -> Any:
    """The result of `arch`, None where it has no numbers."""
    from arch.univariate import HARX, Normal, SkewStudent

    distribution = SkewStudent() if skewed else Normal()
    model = HARX(y, lags=list(lags) or None, volatility=volatility, distribution=distribution, rescale=False)
    with warnings.catch_warnings():  # what they warn of is seen in the likelihood
        warnings.simplefilter("ignore")
        try:
            result = model.fit(disp="off", show_warning=False, starting_values=start)
        except (ValueError, ArithmeticError, np.linalg.LinAlgError):
            return None
        numbers = np.isfinite(result.params.to_numpy()).all() and np.isfinite(result.loglikelihood)
    return result if numbers else None


def _read(result: Any, lags: tuple[int, ...], skewed: bool, simpler: int) -> SeriesFit:
    found = result.params.to_numpy()
    ar = np.zeros(LAGS)
    for coefficient, lag in zip(found[1 : 1 + len(lags)], lags, strict=True):
        ar[:lag] += coefficient / lag
    return SeriesFit(
        ar=stable(ar),
        variance=found[1 + len(lags) : len(found) - 2 * skewed],
        shape=np.clip(found[-2:], *INNER_SHAPES) if skewed else NORMAL_SHAPE,
        sigma=np.asarray(result.conditional_volatility),
        residuals=np.asarray(result.std_resid),
        simpler=simpler,
    )


def _independent(y: Array, simpler: int) -> SeriesFit:
    """Independent normal bars."""
    return SeriesFit(np.zeros(LAGS), np.array([y.var()]), NORMAL_SHAPE, np.full(len(y), y.std()), y.copy(), simpler)
