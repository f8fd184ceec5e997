r"""How many factors, components, states: by likelihood on rows left out, and by the Bayesian information criterion.

Folds are contiguous: neighbouring rows of a market are alike, so rows drawn at random would have their like in the
training rows, and too many factors would look good. What Ledoit and Wolf's shrinkage of the covariance (*A
well-conditioned estimator for large-dimensional covariance matrices*, 2004) scores on the same folds is the mark to
compare with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthfin_core.classical.em import Array, checked_rows
from synthfin_core.classical.factor import FactorModel, Noise
from synthfin_core.classical.gaussian_mixture import GaussianMixture
from synthfin_core.classical.hmm import HMM, Kind
from synthfin_core.classical.hmm_em import Bars
from synthfin_core.classical.limits import check_components, check_factors
from synthfin_core.errors import SettingError

Told = Callable[[int, int], None]
Model = TypeVar("Model")

TOLERANCE = 1e-4  #: gain in log-likelihood per row at which a fit ends: differences between models are far larger


@dataclass(frozen=True, eq=False)
class FactorChoice:
    """Log-likelihood of rows left out, in nats per row, by number of factors.

    Attributes
    ----------
    factors : tuple of int
    equal, unequal : ndarray (m, folds)
        Probabilistic PCA and factor analysis.
    ledoit_wolf : ndarray (folds,) or None
        A full covariance, shrunk; None where values are missing.
    """

    factors: tuple[int, ...]
    equal: Array
    unequal: Array
    ledoit_wolf: Array | None

    @property
    def best_equal(self) -> int:
        """The number of factors at which probabilistic PCA is likeliest."""
        return self.factors[int(self.equal.mean(axis=1).argmax())]

    @property
    def best_unequal(self) -> int:
        """The number of factors at which factor analysis is likeliest."""
        return self.factors[int(self.unequal.mean(axis=1).argmax())]


@dataclass(frozen=True, eq=False)
class Choice(Generic[Model]):
    """Models with more and more parts, and their Bayesian information criterion: the lowest is best.

    Attributes
    ----------
    counts : tuple of int
    bic : ndarray (m,)
    models : tuple
    """

    counts: tuple[int, ...]
    bic: Array
    models: tuple[Model, ...]

    @property
    def best(self) -> int:
        """The number of parts with the lowest criterion."""
        return self.counts[int(self.bic.argmin())]

    def model(self, count: int) -> Model:
        """The model with so many parts."""
        return self.models[self.counts.index(count)]


def rows_to_fit(n: int, folds: int) -> int:
    """How many of `n` rows are left, at least, when one of `folds` stretches is left out.

    Raises
    ------
    SettingError
        If there are fewer than two folds, or fewer than two rows in each.
    """
    if not 2 <= folds <= n // 2:
        raise SettingError(f"{folds} folds were asked for, expected 2 to {n // 2} for {n} rows.")
    return n - -(-n // folds)


def contiguous_folds(n: int, folds: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows to fit and rows to score, for each of `folds` stretches of `n` rows left out in turn.

    Raises
    ------
    SettingError
        If there are fewer than two folds, or fewer than two rows in each.
    """
    rows_to_fit(n, folds)
    for held in np.array_split(np.arange(n), folds):
        yield np.setdiff1d(np.arange(n), held), held


def choose_factors(
    rows: ArrayLike, factors: Sequence[int], *, folds: int = 5, on_fit: Told | None = None
) -> FactorChoice:
    """Cross-validated log-likelihood of factor models with equal and with unequal noise.

    Parameters
    ----------
    rows : array_like (n, D)
        NaN where a value is not known. Standardise series of different size first: equal noise means equal in the
        units of the rows.
    factors : sequence of int
        Numbers of factors to compare, each from 0 to what the rows that are left to fit bear.
    folds : int
    on_fit : callable, optional
        Told after each fit how many are done, and of how many.

    Raises
    ------
    DataError
        If the rows can't be used.
    SettingError
        If a number of factors, or of folds, does not suit the rows.
    """
    x = checked_rows(rows, missing=True)
    n, numbers = x.shape
    most = _largest(factors, "factors", least=0)
    check_factors(most, rows_to_fit(n, folds), numbers, f"rows of {numbers} numbers", "more series")
    complete = bool(np.isfinite(x).all())
    scores: dict[Noise, Array] = {"equal": np.empty((len(factors), folds)), "unequal": np.empty((len(factors), folds))}
    shrunk = np.empty(folds)
    done, fits = 0, 2 * len(factors) * folds
    for fold, (train, held) in enumerate(contiguous_folds(len(x), folds)):
        for at, k in enumerate(factors):
            for noise, score in scores.items():
                model = FactorModel.fit(x[train], k, noise, tolerance=TOLERANCE)
                score[at, fold] = model.log_likelihood(x[held]).mean()
                done += 1
                if on_fit is not None:
                    on_fit(done, fits)
        if complete:
            shrunk[fold] = _ledoit_wolf(x[train], x[held])
    return FactorChoice(tuple(factors), scores["equal"], scores["unequal"], shrunk if complete else None)


def choose_components(
    rows: ArrayLike, counts: Sequence[int], *, seed: int = 0, restarts: int = 3, on_fit: Told | None = None
) -> Choice[GaussianMixture]:
    """Gaussian mixtures of rows `(n, D)` with so many components, and their criterion.

    Raises
    ------
    DataError
        If the rows can't be used.
    SettingError
        If a number of components is more than the rows bear; nothing is fitted then.
    """
    x = checked_rows(rows)
    check_components(_largest(counts, "components"), len(x), "rows", x.shape[1])
    return _by_criterion(
        counts,
        lambda count: GaussianMixture.fit(x, count, seed=seed, restarts=restarts),
        lambda model: model.bic(x),
        on_fit,
    )


def choose_states(
    strips: Sequence[ArrayLike],
    counts: Sequence[int],
    emissions: Kind = "student-t",
    *,
    seed: int = 0,
    restarts: int = 10,
    on_fit: Told | None = None,
) -> Choice[HMM]:
    """Hidden Markov models of strips `(s, d)` with so many states, and their criterion.

    Raises
    ------
    DataError
        If the strips can't be used.
    SettingError
        If a number of states is more than the bars bear; nothing is fitted then.
    """
    bars = Bars.of(strips).x
    check_components(_largest(counts, "states"), len(bars), "bars", bars.shape[1], "states")
    return _by_criterion(
        counts,
        lambda count: HMM.fit(strips, count, emissions, seed=seed, restarts=restarts),
        lambda model: model.bic(strips),
        on_fit,
    )


def _largest(counts: Sequence[int], called: str, least: int = 1) -> int:
    """The largest number to compare, where all are numbers that there can be."""
    if len(counts) == 0 or min(counts) < least:
        raise SettingError(
            f"The numbers of {called} to compare are {list(counts)}, expected one or more, each at least {least}."
        )
    return max(counts)


def _by_criterion(
    counts: Sequence[int], fit: Callable[[int], Model], criterion: Callable[[Model], float], on_fit: Told | None
) -> Choice[Model]:
    models = []
    for done, count in enumerate(counts, start=1):
        models.append(fit(count))
        if on_fit is not None:
            on_fit(done, len(counts))
    return Choice(tuple(counts), np.array([criterion(model) for model in models]), tuple(models))


def _ledoit_wolf(train: Array, held: Array) -> float:
    """Log-likelihood per held-out row under a Gaussian with the shrunk covariance."""
    from sklearn.covariance import LedoitWolf

    fitted = LedoitWolf().fit(train)
    root = np.linalg.cholesky(fitted.covariance_)
    white = np.linalg.solve(root, (held - fitted.location_).T)  # (D, m)
    constant = len(root) * np.log(2 * np.pi) + 2 * np.log(np.diag(root)).sum()
    return float(-0.5 * (constant + (white**2).sum(axis=0).mean()))
