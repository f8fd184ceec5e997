r"""Wild windows, shown to a network oftener than they occur, and drawn as seldom as they do.

A few windows of large swings weigh much in second moments, and a batch seldom holds one. So a window whose
values spread by `s` is shown :math:`w = \max(1, s / \bar s)` times as often as others, where :math:`\bar s` is the root
mean square over all windows, and of the windows that the network then draws one is kept with probability `1 / w`:
importance sampling, with the law of what is kept unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core.generators.base import Array

Spread = Callable[[Array], Array]  #: how far each of windows `(n, t, d)` swings, `(n,)`

MOST = 10.0  #: times that a window is shown at most, so that of ten drawn windows one is kept at least


@dataclass(frozen=True)
class Emphasis:
    """How much oftener windows are shown than they occur.

    Attributes
    ----------
    usual : float
        Root mean square of the windows' spreads; windows that spread less are all shown alike.
    spread : callable
        How far windows swing.
    """

    usual: float
    spread: Spread

    @classmethod
    def of(cls, x: Array, spread: Spread) -> Self:
        """For training windows `x (n, t, d)`."""
        return cls(float(np.sqrt((spread(x) ** 2).mean())), spread)

    def weights(self, x: Array) -> Array:
        """How much oftener windows `x (n, t, d)` are shown, `(n,)`."""
        return np.asarray((self.spread(x) / self.usual).clip(1.0, MOST))

    def shown(self, x: Array, stream: np.random.Generator) -> NDArray[np.intp]:
        """Which of training windows `x (n, t, d)` are shown, `(n,)`, each as often as its weight says but for one."""
        share = self.weights(x).cumsum()
        n = len(x)
        at = (np.arange(n) + stream.random()) / n
        return np.searchsorted(share / share[-1], at).clip(max=n - 1)

    def kept(self, x: Array, stream: np.random.Generator) -> NDArray[np.bool_]:
        """Which of drawn windows `x (n, t, d)` stay, `(n,)`; what holds no numbers does, so that it is seen."""
        return np.asarray(~(stream.random(len(x)) * self.weights(x) >= 1))

    def thinned(self, n: int, chunks: Iterable[Array], stream: np.random.Generator) -> Array:
        """The first `n` windows of `chunks` that stay."""
        found: list[Array] = []
        for x in chunks:
            found.append(x[self.kept(x, stream)])
            if sum(map(len, found)) >= n:
                break
        return np.concatenate(found)[:n]
