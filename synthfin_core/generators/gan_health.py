"""How a GAN looks from inside: are its windows diverse, and does the game still go on?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from synthfin_core.generators.base import Array


def diversity(fake: Array, real: Array) -> float:
    """How unlike each other generated windows are, against real ones.

    The median distance from a window to the one nearest to it, among the generated windows `(n, t, d)`, over the same
    among as many real ones. Near zero when all windows are the same, near one when they differ as real ones do.
    """
    return _nearest(fake) / max(_nearest(real), 1e-12)


def _nearest(x: Array) -> float:
    flat = x.reshape(len(x), -1)
    squares = (flat**2).sum(axis=1)
    distances = squares[:, None] + squares[None] - 2 * flat @ flat.T  # (n, n), squared
    np.fill_diagonal(distances, np.inf)
    return float(np.sqrt(np.median(distances.min(axis=1).clip(min=0.0))))


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
    if diversity < 0.3:
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
