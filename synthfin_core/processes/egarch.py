r"""Joint EGARCH: the process that a score's noise floor takes for the truth.

Each series has an autoregressive mean (`synthfin_core.processes.series`) and, with `e` its innovations,

.. math:: \ln\sigma_t^2 = \omega + \alpha\,(|e_{t-1}| - \sqrt{2/\pi}) + \gamma\,e_{t-1} + \beta \ln\sigma_{t-1}^2

(Nelson, *Conditional heteroskedasticity in asset returns*, 1991), so volatility clusters and, with `gamma < 0`, rises
after losses. Innovations are skewed Student-t, linked across series by a Student-t copula; or, as filtered historical
simulation (Barone-Adesi, Giannopoulos and Vosper, 1999), whole vectors of the residuals drawn again.

`ln sigma^2` is a linear filter of the innovations, and so is the mean: simulation needs no loop over time.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core.errors import DataWarning, SettingError
from synthfin_core.processes.base import Array, State, checked, latest
from synthfin_core.processes.series import (
    AS_ASKED,
    FAILED,
    MOST_PERSISTENT_VOLATILITY,
    NORMAL,
    REVERTING,
    SPREAD,
    SeriesFit,
    Volatility,
    autoregress,
    burn_in,
    fits_of,
    mean_lags,
    simplified,
    standardised,
)
from synthfin_core.processes.student import Copula, fit_copula, innovations
from synthfin_core.rng import stream

INNOVATIONS = ("skewed t", "resampled", "normal")
MOST_BARS = 20_000  # per series; more would only make the fit slower

# Heavy-tailed innovations can throw an exponential anywhere. Volatility stays within twice the highest and half the
# lowest that the history shows.
BEYOND_HISTORY = np.log(4.0)

DRIFT = (0.1, 10.0)  # a spread of paths, over that of the data, that a wrong level explains

# alpha, gamma and beta from which to search again. With these, each of 68 histories of 250 to 1000 bars of the S&P 500
# and the NASDAQ was fitted; from arch's own start, 59 were.
STARTS = ((0.1, -0.1, 0.97), (0.05, -0.02, 0.9), (0.05, -0.02, 0.5))

NEWS_MEAN = np.sqrt(2 / np.pi)


@dataclass(frozen=True, eq=False)
class EGARCH:
    """Joint AR-EGARCH(1,1) with asymmetry.

    Attributes
    ----------
    mean, sd : ndarray (d,)
        Of the data; the parameters below belong to the standardised series. Paths have this mean.
    ar : ndarray (d, 20)
        Coefficients of the mean on the last 20 bars.
    volatility : ndarray (d, 4)
        `omega`, `alpha`, `gamma`, `beta`.
    limits : ndarray (d, 2)
        Lowest and highest `ln sigma^2`.
    shapes : ndarray (d, 2)
        Degrees of freedom and skewness of the innovations.
    correlation : ndarray (d, d)
    degrees : float
        Of the copula.
    residuals : ndarray (s, d)
        Vectors that are drawn again; none where innovations are skewed t.
    simpler : ndarray (d,)
        How each series was simplified, 0 where it was not; in words: `fallback`.
    """

    mean: Array
    sd: Array
    ar: Array
    volatility: Array
    limits: Array
    shapes: Array
    correlation: Array
    degrees: float
    residuals: Array
    simpler: NDArray[np.int64]

    @classmethod
    def fit(cls, strips: Sequence[Array], innovations: str = "skewed t", lags: tuple[int, ...] | None = None) -> Self:
        """Fit to strips `(s, d)` by maximum likelihood, series by series.

        Strips are put one after another, and of very long ones the latest part is used, so volatility may jump where
        two strips meet. A series that is short, flat or drifting gets something simpler, see `fallback`.

        Parameters
        ----------
        strips : sequence of ndarray (s, d)
        innovations : str
            ``"skewed t"``, ``"resampled"`` or ``"normal"``.
        lags : tuple of int, optional
            The mean looks back on the averages over so many bars; chosen for each series when None.

        Raises
        ------
        DataError
            If the strips can't be used, see `synthfin_core.processes.base.checked`.
        SettingError
            If `innovations` is none of them.

        Warns
        -----
        DataWarning
            If a series is long enough, but could not be fitted.
        """
        if innovations not in INNOVATIONS:
            raise SettingError(f"innovations is {innovations!r}, expected one of {', '.join(INNOVATIONS)}.")
        arrays = checked(strips)
        y, mean, sd = standardised(arrays, latest(arrays, MOST_BARS))
        skewed = innovations != "normal"
        fits = [
            _best(series, mean_lags([array[:, i] for array in arrays]) if lags is None else lags, skewed)
            for i, series in enumerate(y.T)
        ]
        residuals = np.column_stack([fit.residuals for fit in fits])
        residuals = residuals[np.isfinite(residuals).all(axis=1)]
        copula = fit_copula(residuals)
        made = cls(
            mean=mean, sd=sd,
            ar=np.stack([fit.ar for fit in fits]),
            volatility=np.stack([fit.variance for fit in fits]),
            limits=np.stack([_limits(fit) for fit in fits]),
            shapes=np.stack([fit.shape for fit in fits]),
            correlation=copula.correlation, degrees=copula.degrees,
            residuals=_unit(residuals) if innovations == "resampled" else np.empty((0, len(sd))),
            simpler=np.array([fit.simpler for fit in fits]),
        )  # fmt: skip
        if np.isin(made.simpler, (FAILED, NORMAL)).any():
            warnings.warn(made.fallback, DataWarning, stacklevel=2)
        return made

    @property
    def fallback(self) -> str:
        """Which series are simulated by something simpler and why, in words; empty where none is."""
        return simplified(self.simpler)

    def simulate(self, bars: int, paths: int, seed: int) -> Array:
        """Paths `(paths, bars, d)` from the stationary state; path `i` depends on `(seed, i)` alone."""
        before = burn_in(self.ar, self.volatility[:, 3])
        e = self._innovations(before + bars, paths, seed)  # (paths, before + bars, d)
        out = np.empty((paths, bars, len(self.mean)))
        for i in range(len(self.mean)):
            y = _series(e[..., i], self.ar[i], self.volatility[i], self.limits[i])
            out[..., i] = self.mean[i] + self.sd[i] * y[:, before:]
        return out

    def state(self) -> State:
        """All attributes by name."""
        return {name: np.array(value) for name, value in vars(self).items()}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """From all attributes by name."""
        arrays: dict[str, Any] = {name: np.array(value) for name, value in state.items()}
        return cls(**{**arrays, "degrees": float(arrays["degrees"])})

    def _innovations(self, bars: int, paths: int, seed: int) -> Array:
        if len(self.residuals):
            which = stream(seed, "egarch residuals").integers(len(self.residuals), size=(paths, bars))
            return np.asarray(self.residuals[which], dtype=np.float64)
        draws = Copula(self.correlation, self.degrees).draw(bars, paths, seed)
        return innovations(draws, self.degrees, self.shapes)


def _series(e: Array, ar: Array, volatility: Array, limits: Array) -> Array:
    """One standardised series `(paths, bars)` made by its innovations `e`, beginning at its means."""
    from scipy.signal import lfilter

    omega, alpha, gamma, beta = volatility
    news = np.zeros_like(e)  # a bar's innovation is news for the next
    news[:, 1:] = alpha * (np.abs(e[:, :-1]) - NEWS_MEAN) + gamma * e[:, :-1]
    log_variance = omega / (1 - beta) + lfilter([1.0], [1.0, -beta], news, axis=1)
    return autoregress(ar, np.exp(np.clip(log_variance, *limits) / 2) * e)


def _best(y: Array, lags: tuple[int, ...], skewed: bool) -> SeriesFit:
    """The first fit of a standardised series whose own paths spread about as the data do."""
    from arch.univariate import EGARCH as Variance

    def starts(variance: float) -> list[Array]:
        return [np.array([np.log(variance) * (1 - start[2]), *start]) for start in STARTS]

    law = Volatility(build=lambda: Variance(p=1, o=1, q=1), starts=starts)
    for fit in map(_reverting, fits_of(y, lags, law, skewed)):
        spread = _spread(fit)
        if fit.simpler == AS_ASKED and not SPREAD[0] <= spread <= SPREAD[1]:
            fit = fit.simplified_to(fit.variance, REVERTING)
        # Volatility that only falls or rises within the history shows no level to revert to: that of the data serves.
        if fit.simpler == REVERTING and DRIFT[0] <= spread <= DRIFT[1]:
            omega = fit.variance[0] - (1 - fit.variance[3]) * 2 * np.log(spread)
            fit = fit.simplified_to(np.concatenate([[omega], fit.variance[1:]]), REVERTING)
            spread = _spread(fit)
        if SPREAD[0] <= spread <= SPREAD[1]:
            break
    return fit


def _spread(fit: SeriesFit) -> float:
    """Median standard deviation of paths of a standardised series."""
    draws = Copula(np.eye(1), 100.0).draw(2000, 8, 0)
    e = innovations(draws, 100.0, fit.shape[None])[..., 0]
    return float(np.median(_series(e, fit.ar, fit.variance, _limits(fit)).std(axis=1)))


def _reverting(fit: SeriesFit) -> SeriesFit:
    """The fit with all four EGARCH parameters, and with a persistence below one."""
    if len(fit.variance) == 1:  # constant
        level = np.log(fit.variance[0]) if fit.variance[0] > 0 else 0.0
        return fit.simplified_to(np.array([level, 0.0, 0.0, 0.0]), fit.simpler)
    _, alpha, gamma, beta = fit.variance
    if abs(beta) < MOST_PERSISTENT_VOLATILITY:
        return fit
    beta = np.sign(beta) * MOST_PERSISTENT_VOLATILITY
    news = alpha * (np.nanmean(np.abs(fit.residuals)) - NEWS_MEAN) + gamma * np.nanmean(fit.residuals)
    omega = (1 - beta) * 2 * np.nanmean(np.log(fit.sigma)) - news
    return fit.simplified_to(np.array([omega, alpha, gamma, beta]), REVERTING)


def _limits(fit: SeriesFit) -> Array:
    """Lowest and highest `ln sigma^2` of paths."""
    seen = 2 * np.log(np.maximum(fit.sigma[np.isfinite(fit.sigma)], 1e-300))
    return np.array([seen.min() - BEYOND_HISTORY, seen.max() + BEYOND_HISTORY])


def _unit(residuals: Array) -> Array:
    """Residual vectors with mean 0 and variance 1, so that paths keep the mean of the data."""
    sd = residuals.std(axis=0)
    return np.asarray((residuals - residuals.mean(axis=0)) / np.where(sd > 0, sd, 1.0), dtype=np.float64)
