"""How a GAN looks from inside: are its windows diverse, and does the game still go on?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from synthfin_core.generators.base import Array

COLLAPSED = 0.3  #: diversity below which the windows are said to be too much alike
LEAST_COMPARED, MOST_COMPARED = 64, 512  #: windows of each kind whose neighbours are looked for


def diversity(fake: Array, real: Array) -> float:
    """How unlike each other generated windows are, against real ones.

    The median distance from a window to the one nearest to it, among the generated windows `(n, t, d)`, over the same
    among as many real ones. Near zero when all windows are the same, near one when they differ as real ones do.
    """
    return float(np.median(nearest(fake)) / max(float(np.median(nearest(real))), 1e-12))


def nearest(x: Array, among: Array | None = None) -> Array:
    """Euclidean distance of each window `x (n, t, d)` to the nearest one `among (m, t, d)`: `(n,)`.

    Without `among`, to the nearest other one of `x` itself.
    """
    here = x.reshape(len(x), -1)
    there = here if among is None else among.reshape(len(among), -1)
    squares = (here**2).sum(axis=1)[:, None] + (there**2).sum(axis=1) - 2 * here @ there.T  # (n, m)
    if among is None:
        np.fill_diagonal(squares, np.inf)
    distances: Array = np.sqrt(squares.min(axis=1).clip(min=0.0))
    return distances


@dataclass(frozen=True, eq=False)
class Diversity:
    """How unlike each other the windows of a trained model are, beside real ones.

    Attributes
    ----------
    distances : dict of str to ndarray (m,)
        To the nearest neighbour: of real windows among each other, of generated ones among each other, and of
        generated ones among the real.
    spread : ndarray (d,)
        Standard deviation of each series, generated over real.
    """

    distances: dict[str, Array]
    spread: Array

    @property
    def ratio(self) -> float:
        """The median distance among generated windows over that among real ones."""
        return float(np.median(self.distances["generated"]) / max(float(np.median(self.distances["real"])), 1e-12))


def looked_at(real: Array, generated: Array) -> Diversity:
    """The diversity of `generated (m, t, d)` beside `real (n, t, d)` training windows, each series scaled by the real.

    Equally many of both are looked at, because neighbours come nearer as windows get more; and as few as lets real
    windows, which overlap, lie apart.
    """
    n, t, _ = real.shape
    scale = real.std(axis=(0, 1)).clip(min=1e-12)
    m = min(len(generated), max(LEAST_COMPARED, min(MOST_COMPARED, n // t)), n)
    here = real[np.linspace(0, n - 1, m).astype(int)] / scale
    there = generated[:m] / scale
    distances = {
        "real": nearest(here),
        "generated": nearest(there),
        "generated to real": nearest(there, here),
    }
    return Diversity(distances, generated.std(axis=(0, 1)) / scale)


def complaints(losses: Mapping[str, float], diversity: float, pinned: float) -> list[str]:
    """What is going wrong, each one plain sentence that says what to try.

    Parameters
    ----------
    losses : mapping of str to float
        Recent means of the curves; ``"discriminator"`` is there with binary cross-entropy, ``"critic"`` otherwise.
    diversity : float
        See `diversity`.
    pinned : float
        Share of all steps whose volatility sits at the generator's bound.
    """
    found = []
    if losses.get("discriminator", 1.0) < 0.1:
        found.append(
            f"The discriminator is nearly always right (its loss is {losses['discriminator']:.3f}), so the generator "
            "learns nothing more: lower its learning rate or choose the Wasserstein loss."
        )
    if "discriminator" in losses and losses["generator"] > 6.0:
        found.append(
            f"The generator no longer gets through (its loss is {losses['generator']:.1f}): lower the judge's "
            "learning rate, raise the gradient penalty or choose the Wasserstein loss."
        )
    if "critic" in losses and losses.get("gradient_penalty", 0.0) > 10.0:
        found.append(
            "The critic's slope is far from one, so its distance means little: raise the gradient penalty or lower "
            "the judge's learning rate."
        )
    if diversity < COLLAPSED:
        found.append(
            f"The generated windows are too much alike (diversity {diversity:.2f}, real windows have 1): the generator "
            "collapsed to few shapes; lower both learning rates or add steps of the judge."
        )
    if pinned > 0.05:
        found.append(
            f"The generator saturates, its volatility sits at its bound on {pinned:.0%} of all steps: lower its "
            "learning rate."
        )
    return found
