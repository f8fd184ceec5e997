r"""Joint GARCH(1,1) with normal innovations: the textbook's volatility model.

.. math:: x_t = \mu + \varepsilon_t, \quad \varepsilon_t = \sigma_t e_t, \quad
    \sigma_t^2 = \omega + \alpha\,\varepsilon_{t-1}^2 + \beta\,\sigma_{t-1}^2

(Bollerslev, *Generalized autoregressive conditional heteroskedasticity*, 1986), with `e` normal and correlated across
series. It clusters volatility; its tails are too light and it knows no leverage.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core.errors import DataWarning
from synthfin_core.processes.base import Array, State, checked, latest
from synthfin_core.processes.series import (
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
from synthfin_core.rng import stream

MOST_BARS = 20_000  # per series; more would only make the fit slower


@dataclass(frozen=True, eq=False)
class GARCH:
    """Joint GARCH(1,1) with normal innovations.

    Attributes
    ----------
    mean, sd : ndarray (d,)
        Of the data; the parameters below belong to the standardised series. Paths have this mean.
    ar : ndarray (d, 20)
        Coefficients of the mean on the last 20 bars; zeros for returns, which have a constant mean.
    volatility : ndarray (d, 3)
        `omega`, `alpha`, `beta`.
    correlation : ndarray (d, d)
        Of the residuals.
    simpler : ndarray (d,)
        How each series was simplified, 0 where it was not; in words: `fallback`.
    """

    mean: Array
    sd: Array
    ar: Array
    volatility: Array
    correlation: Array
    simpler: NDArray[np.int64]

    @classmethod
    def fit(cls, strips: Sequence[Array]) -> Self:
        """Fit to strips `(s, d)`, put one after another, by maximum likelihood, series by series.

        Raises
        ------
        DataError
            If the strips can't be used, see `synthfin_core.processes.base.checked`.

        Warns
        -----
        DataWarning
            If a series is long enough, but could not be fitted.
        """
        arrays = checked(strips)
        y, mean, sd = standardised(arrays, latest(arrays, MOST_BARS))
        fits = [_best(series, mean_lags([array[:, i] for array in arrays])) for i, series in enumerate(y.T)]
        residuals = np.column_stack([fit.residuals for fit in fits])
        residuals = residuals[np.isfinite(residuals).all(axis=1)]
        size = np.sqrt((residuals**2).mean(axis=0))
        residuals = residuals / np.where(size > 0, size, 1.0)
        made = cls(
            mean=mean, sd=sd,
            ar=np.stack([fit.ar for fit in fits]),
            volatility=np.stack([fit.variance for fit in fits]),
            correlation=residuals.T @ residuals / len(residuals),
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
        omega, alpha, beta = self.volatility.T  # (d,) each
        before = burn_in(self.ar, alpha + beta)
        values, vectors = np.linalg.eigh(self.correlation)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        z = stream(seed, "garch").standard_normal((paths, before + bars, len(self.mean)))
        noise = np.einsum("ptj,ij->pti", z, root)  # not a product of matrices: those round by size
        variance = omega / (1 - alpha - beta)
        for t in range(before + bars):
            noise[:, t] *= np.sqrt(variance)
            variance = omega + alpha * noise[:, t] ** 2 + beta * variance  # (paths, d)
        y = [autoregress(ar, noise[..., i])[:, before:] for i, ar in enumerate(self.ar)]
        return np.asarray(self.mean + self.sd * np.stack(y, axis=-1), dtype=np.float64)

    def state(self) -> State:
        """All attributes by name."""
        return {name: np.array(value) for name, value in vars(self).items()}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """From all attributes by name."""
        return cls(**{name: np.array(value) for name, value in state.items()})


def _best(y: Array, lags: tuple[int, ...]) -> SeriesFit:
    """The first fit of a standardised series whose own paths spread about as the data do."""
    from arch.univariate import GARCH as Variance

    def starts(variance: float) -> list[Array]:
        return [np.array([variance * (0.95 - beta), 0.05, beta]) for beta in (0.9, 0.5)]

    law = Volatility(build=lambda: Variance(p=1, o=0, q=1), starts=starts)
    for fit in map(_reverting, fits_of(y, lags if len(lags) > 1 else (), law, skewed=False)):
        omega, alpha, beta = fit.variance
        spread = np.sqrt(omega / (1 - alpha - beta))
        if len(lags) > 1 or SPREAD[0] <= spread <= SPREAD[1]:  # with a long memory, spread is the mean's matter
            break
    return fit


def _reverting(fit: SeriesFit) -> SeriesFit:
    """The fit with all three parameters, and with a persistence below one."""
    if len(fit.variance) == 1:  # constant
        return fit.simplified_to(np.array([fit.variance[0], 0.0, 0.0]), fit.simpler)
    _, alpha, beta = fit.variance
    if alpha + beta < MOST_PERSISTENT_VOLATILITY:
        return fit
    alpha, beta = np.array([alpha, beta]) * MOST_PERSISTENT_VOLATILITY / (alpha + beta)
    omega = (1 - alpha - beta) * np.nanmean(fit.sigma**2)
    return fit.simplified_to(np.array([omega, alpha, beta]), REVERTING)
