"""What the components of a trained mixture stand for: windows like which, and when in history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthfin_core.data.windows import WindowSet
from synthfin_core.generators.base import Array
from synthfin_core.generators.mixtures import GaussianMixture, PPCAMixture
from synthfin_core.generators.strips import joined

EMPTY = 1e-6  #: share below which a component stands for nothing


@dataclass(frozen=True, eq=False)
class Posteriors:
    """How likely each component is behind what was learned from: windows, or single bars.

    Attributes
    ----------
    posterior : ndarray (m, K)
        Components in the order of `order`.
    dates : ndarray (m,)
        Of the last bar of a window, or of the bar; row numbers where there are no dates.
    series : ndarray (m,)
        Which column a pooled window or bar came from.
    """

    posterior: Array
    dates: NDArray[Any]
    series: NDArray[np.int64]


def order(mixture: PPCAMixture | GaussianMixture) -> NDArray[np.int64]:
    """The components from the largest share to the smallest, without those that stand for nothing."""
    shares = mixture.model.shares
    largest = np.argsort(-shares, kind="stable")
    return largest[shares[largest] > EMPTY]


def posteriors(mixture: PPCAMixture | GaussianMixture, y: Array, training: WindowSet) -> Posteriors:
    """The components behind the training windows, which are `y (n, t, d)` as represented for the mixture."""
    which = order(mixture)
    if isinstance(mixture, PPCAMixture):
        posterior = mixture.model.responsibilities(mixture.rows.forward(y))
    elif mixture.principal is not None:
        posterior = mixture.model.responsibilities(mixture.principal.forward(y.reshape(len(y), -1)))
    else:
        return _of_bars(mixture, y, training)
    return Posteriors(posterior[:, which], training.dates[:, -1], training.series)


def _of_bars(mixture: GaussianMixture, y: Array, training: WindowSet) -> Posteriors:
    """The components behind the bars that the mixture learned from, each once."""
    assert mixture.history is not None
    bars = np.concatenate(mixture.history.strips(y))
    first = int(mixture.history.wanderers.which.any())  # a strip of steps lacks the first bar
    series = np.broadcast_to(training.series[:, None], training.dates.shape)
    dates, series = (np.concatenate([strip[first:] for strip in joined(y, of)]) for of in (training.dates, series))
    return Posteriors(mixture.model.responsibilities(bars)[:, order(mixture)], dates, series)


def windows_of(posterior: Array, x: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of windows `x (n, t, d)` as each component has them, both `(K, t, d)`.

    A window counts for a component as much as it is likely to come from it, `posterior (n, K)`.
    """
    weights = posterior / posterior.sum(axis=0)
    mean = np.einsum("nk,ntd->ktd", weights, x, optimize=True)
    square = np.einsum("nk,ntd->ktd", weights, x**2, optimize=True)
    return mean, np.sqrt(np.maximum(square - mean**2, 0.0))
