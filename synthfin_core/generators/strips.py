r"""From windows back to history, for classical models of bars: windows put together, wandering series as steps.

A classical model reads rows of bars, so windows that overlap must not count a bar many times. And it needs bars whose
law stays the same, which price levels do not have: of a series that wanders it sees the steps, each divided by the
size that steps have at that level,

.. math:: u_k = \frac{x_k - x_{k-1}}{g(x_{k-1})}, \qquad g(x) = \max(a + b x,\; g_0),

with `a` and `b` from a line through the absolute steps. For prices, scaled in whatever way, that makes `u` returns but
for a factor. A new window of such a series begins at a level drawn from a smooth law, jointly for all of them, never
at a level from history, and adds its steps up. That law is fitted on the scale on which all steps are alike, for prices
the logarithm, so no level is drawn that prices can't have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core.generators.base import Array, State
from synthfin_core.generators.gan_scale import WANDERS
from synthfin_core.generators.latents import Mixture

EQUAL = 1e-9  #: bars are the same bar when they differ by less than this share of the spread of their series
AGREE = 0.1  #: share of neighbouring windows that must overlap alike, as single bars may be equal by chance
DRIFTS = 0.5  #: a wanderer's way over a window has at least this share of the variance that independent steps give
START_COMPONENTS = 10  #: normals in the law of starts
SMALLEST_STEP = 0.1  #: smallest size of steps at any level, as a share of their mean size
NEGLIGIBLE = 1e-12  #: variance, as a share of the largest, of a direction in which starts do not vary


def joined(x: Array) -> list[Array]:
    """Overlapping windows put together again.

    Windows cut with one stride from a stretch of bars overlap exactly. A new strip begins where the next window does
    not go on from the last; where no windows overlap, each is a strip.

    Parameters
    ----------
    x : ndarray (n, t, d)
        In the order in which they were cut.

    Returns
    -------
    list of ndarray (s, d)
        Consecutive bars, each bar once.

    Examples
    --------
    >>> bars = np.arange(6.0)[:, None]
    >>> [strip.ravel().tolist() for strip in joined(np.stack([bars[0:4], bars[1:5], bars[2:6]]))]
    [[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]]
    """
    t = x.shape[1]
    stride, follows = overlap(x)
    first = np.flatnonzero(np.concatenate([[True], ~follows]))
    return [
        np.concatenate([x[a], x[a + 1 : b, t - stride :].reshape(-1, x.shape[2])])
        for a, b in zip(first, [*first[1:], len(x)], strict=True)
    ]


def overlap(x: Array) -> tuple[int, NDArray[np.bool_]]:
    """Stride on which most neighbouring windows agree, the smallest where several do, and which ones do.

    Returns
    -------
    stride : int
        In bars; the length of a window where none overlap.
    follows : ndarray of bool (n - 1,)
        Whether window `i + 1` goes on from window `i`.
    """
    n, t, _ = x.shape
    near = EQUAL * x.std(axis=(0, 1))
    # Whether a bar equals the first of the next window costs little and rules out nearly all strides.
    meets = (np.abs(x[:-1] - x[1:, :1]) <= near).all(axis=2)  # (n - 1, t)
    stride, follows = t, np.zeros(n - 1, dtype=bool)
    for candidate in range(1, t):
        possible = np.flatnonzero(meets[:, candidate])
        if len(possible) <= max(follows.sum(), AGREE * (n - 1)):
            continue
        apart = np.abs(x[possible, candidate:] - x[possible + 1, : t - candidate])
        agree = possible[(apart <= near).all(axis=(1, 2))]
        if len(agree) > max(follows.sum(), AGREE * (n - 1)):
            stride, follows = candidate, np.isin(np.arange(n - 1), agree)
    return stride, follows


def wandering(x: Array) -> NDArray[np.bool_]:
    """Which series of windows `(n, t, d)` wander as price levels do: `(d,)`.

    Their steps are small beside their values, and within a window they go as far as steps that do not turn back would
    take them. Volume, whose steps turn back, does not wander, however slowly its level moves over the years.
    """
    if x.shape[1] < 2:
        return np.zeros(x.shape[2], dtype=bool)
    steps = np.diff(x, axis=1)
    small = steps.std(axis=(0, 1)) < WANDERS * x.std(axis=(0, 1))
    far = (x[:, -1] - x[:, 0]).var(axis=0) > DRIFTS * steps.shape[1] * steps.var(axis=(0, 1))
    return np.asarray(small & far)


@dataclass(frozen=True, eq=False)
class Wanderers:
    """The series of windows that wander: as steps for a model of bars, and back as windows.

    Attributes
    ----------
    which : ndarray of bool (d,)
    sizes : ndarray (3, d)
        `a`, `b` and `g_0` of the size of steps; of a series that does not wander one, zero and one.
    mean : ndarray (w,)
        Of the starts of the `w` wandering series, on the scale on which steps are alike.
    root : ndarray (w, r)
        From starts of unit covariance to starts on that scale; `r` is below `w` where series copy each other.
    starts : Mixture
        Law of these `r` numbers; None where no series wanders.
    """

    which: NDArray[np.bool_]
    sizes: Array
    mean: Array
    root: Array
    starts: Mixture | None

    @classmethod
    def of(cls, x: Array, seed: int) -> Self:
        """What wanders in training windows `x (n, t, d)`, how large its steps are, and where its windows begin."""
        which = wandering(x)
        sizes = np.tile(np.array([[1.0], [0.0], [1.0]]), len(which))
        for i in np.flatnonzero(which):
            sizes[:, i] = _sizes(x[:, :-1, i].ravel(), np.abs(np.diff(x[:, :, i], axis=1)).ravel())
        first = _even(x[:, 0, which], sizes[:, which])  # (n, w)
        mean = first.mean(axis=0)
        if not which.any() or not np.ptp(first, axis=0).any():  # nothing wanders, or all windows begin alike
            return cls(which, sizes, mean, np.zeros((len(mean), 0)), None)
        scale = first.std(axis=0) + np.finfo(float).tiny
        variances, directions = np.linalg.eigh(np.atleast_2d(np.cov((first - mean) / scale, rowvar=False)))
        kept = variances > NEGLIGIBLE * variances.max()
        deviations = np.sqrt(variances[kept])
        z = ((first - mean) / scale) @ directions[:, kept] / deviations  # (n, r)
        root = scale[:, None] * directions[:, kept] * deviations
        return cls(which, sizes, mean, root, Mixture.fit(z, START_COMPONENTS, seed))

    def steps(self, strips: Sequence[Array]) -> list[Array]:
        """Strips `(s, d)` with steps in place of levels, each a bar shorter where a series wanders."""
        if not self.which.any():
            return list(strips)
        return [self.bars(strip[None])[0, 1:] for strip in strips if len(strip) > 1]

    def bars(self, x: Array) -> Array:
        """Windows `(n, t, d)` with steps in place of levels, as `windows` takes them; the first step is 0."""
        rest = np.diff(x, axis=1) / _size(x[:, :-1], self.sizes)
        steps = np.concatenate([np.zeros_like(x[:, :1]), rest], axis=1)
        return np.where(self.which, steps, x)

    def windows(self, bars: Array, seed: int) -> Array:
        """Windows `(n, t, d)` from bars whose wandering series are steps; the first step of each window falls away."""
        if not self.which.any():
            return bars
        x = bars.copy()
        level = np.broadcast_to(self.mean, (len(x), len(self.mean)))
        if self.starts is not None:
            z = self.starts.draw(len(x), seed)
            level = level + np.einsum("nr,wr->nw", z, self.root)  # not a product of matrices: those round by size
        x[:, 0, self.which] = _uneven(level, self.sizes[:, self.which])
        for k in range(1, x.shape[1]):
            before = x[:, k - 1]
            x[:, k] = np.where(self.which, before + _size(before, self.sizes) * bars[:, k], bars[:, k])
        return x

    def state(self) -> State:
        """All attributes as named arrays."""
        law = {} if self.starts is None else {f"starts.{name}": array for name, array in self.starts.state().items()}
        whole = {"which": self.which.astype(np.int64), "sizes": self.sizes, "mean": self.mean, "root": self.root}
        return {**whole, **law}

    @classmethod
    def load(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """What gave `state`."""
        law = {name.removeprefix("starts."): array for name, array in state.items() if name.startswith("starts.")}
        sizes, mean, root = (np.asarray(state[name], dtype=np.float64) for name in ("sizes", "mean", "root"))
        return cls(state["which"].astype(bool), sizes, mean, root, Mixture.load(law) if law else None)


def _sizes(level: Array, size: Array) -> Array:
    """`a`, `b` and `g_0` from levels `(m,)` and the absolute steps made there; steps do not grow as levels fall."""
    away = level - level.mean()
    slope = max(float(away @ size / (away @ away)), 0.0)
    return np.array([size.mean() - slope * level.mean(), slope, SMALLEST_STEP * size.mean()])


def _size(level: Array, sizes: Array) -> Array:
    """`g` of levels `(..., d)`."""
    a, b, least = sizes
    return np.asarray(np.maximum(a + b * level, least))


def _even(level: Array, sizes: Array) -> Array:
    """Levels `(n, w)` on the scale on which all steps are alike: logarithms where steps grow with the level."""
    grows = sizes[1] > 0
    return np.where(grows, np.log(np.where(grows, _size(level, sizes), 1.0)), level)


def _uneven(even: Array, sizes: Array) -> Array:
    """Levels from that scale."""
    a, b, _ = sizes
    grows = b > 0
    return np.where(grows, (np.exp(np.where(grows, even, 0.0)) - a) / np.where(grows, b, 1.0), even)
