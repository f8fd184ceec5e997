r"""From windows back to history, for classical models of bars: windows put together, wandering series as steps.

A classical model reads rows of bars, so windows that overlap must not count a bar many times. And it needs bars whose
law stays the same, which price levels do not have: of a series that wanders it sees the steps, each divided by the
size that steps have at that level,

.. math:: u_k = \frac{x_k - x_{k-1}}{g(x_{k-1})}, \qquad g(x) = \max(a + b x,\; g_0),

with `a` and `b` from a line through the absolute steps. For prices, scaled in whatever way, that makes `u` returns but
for a factor. A new window of such a series begins at a level drawn from a smooth law, jointly for all of them, never
at a level from history, and adds its steps up. That law is fitted on the scale on which all steps are alike, for prices
the logarithm, so no level is drawn that prices can't have.

Wandering series may stay together, as the open, high, low and close of one share do. Steps that are added up one
series at a time would drift apart, so a series that does not wander away from another, its leader, is seen as the
distance from a line through that one's levels, :math:`(y - c - f x) / g(x)`. Of such a group the series leads whose
choice leaves the others the smoothest: for a share its close, beside which the open is the close before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core.generators.base import Array, State, under
from synthfin_core.generators.latents import Mixture
from synthfin_core.generators.moves import DRIFTS, slow

EQUAL = 1e-9  #: bars are the same bar when they differ by less than this share of the spread of their series
AGREE = 0.1  #: share of neighbouring windows that must overlap alike, as single bars may be equal by chance
START_COMPONENTS = 10  #: normals in the law of starts
SMALLEST_STEP = 0.1  #: smallest size of steps at any level, as a share of their mean size
NEGLIGIBLE = 1e-12  #: variance, as a share of the largest, of a direction in which starts do not vary


def joined(x: Array, of: NDArray[Any] | None = None) -> list[NDArray[Any]]:
    """Overlapping windows put together again.

    Windows cut with one stride from a stretch of bars overlap exactly. A new strip begins where the next window does
    not go on from the last; where no windows overlap, each is a strip.

    Parameters
    ----------
    x : ndarray (n, t, d)
        In the order in which they were cut.
    of : ndarray (n, t, ...), optional
        What to put together as the windows are, in place of their bars: their dates, for example.

    Returns
    -------
    list of ndarray (s, d) or (s, ...)
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
    values = x if of is None else of
    return [
        np.concatenate([values[a], values[a + 1 : b, t - stride :].reshape(-1, *values.shape[2:])])
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
    far = (x[:, -1] - x[:, 0]).var(axis=0) > DRIFTS * steps.shape[1] * steps.var(axis=(0, 1))
    return np.asarray(slow(x) & far)


@dataclass(frozen=True, eq=False)
class Wanderers:
    """The series of windows that wander: as steps for a model of bars, and back as windows.

    Attributes
    ----------
    leader : ndarray (d,)
        For a wandering series, the one that it stays with, itself where there is none; -1 where it does not wander.
    sizes : ndarray (3, d)
        `a`, `b` and `g_0` of the size of steps, those of its leader where a series follows; where it does not wander
        one, zero and one.
    lines : ndarray (3, d)
        `c` and `f` of a series that follows, and 1, or 0 where the distance never changes.
    mean : ndarray (w,)
        Of the starts of the `w` series that lead, on the scale on which steps are alike.
    root : ndarray (w, r)
        From starts of unit covariance to starts on that scale; `r` is below `w` where series copy each other.
    starts : Mixture
        Law of these `r` numbers; None where no series wanders.
    """

    leader: NDArray[np.int64]
    sizes: Array
    lines: Array
    mean: Array
    root: Array
    starts: Mixture | None

    @property
    def which(self) -> NDArray[np.bool_]:
        """The series that are seen as steps `(d,)`."""
        return np.asarray(self.leader == np.arange(len(self.leader)))

    @property
    def follows(self) -> NDArray[np.bool_]:
        """The series that are seen as a distance from their leader `(d,)`."""
        return np.asarray((self.leader >= 0) & ~self.which)

    @classmethod
    def of(cls, x: Array, seed: int) -> Self:
        """What wanders in training windows `x (n, t, d)`, how large its steps are, and where its windows begin."""
        wanders = wandering(x)
        sizes = np.tile(np.array([[1.0], [0.0], [1.0]]), len(wanders))
        for i in np.flatnonzero(wanders):
            sizes[:, i] = _sizes(x[:, :-1, i].ravel(), np.abs(np.diff(x[:, :, i], axis=1)).ravel())
        leader, lines = _leaders(x, sizes, wanders)
        sizes = np.where(leader >= 0, sizes[:, leader], sizes)
        which = leader == np.arange(len(leader))
        first = _even(x[:, 0, which], sizes[:, which])  # (n, w)
        mean = first.mean(axis=0)
        if not which.any() or not np.ptp(first, axis=0).any():  # nothing wanders, or all windows begin alike
            return cls(leader, sizes, lines, mean, np.zeros((len(mean), 0)), None)
        scale = first.std(axis=0) + np.finfo(float).tiny
        variances, directions = np.linalg.eigh(np.atleast_2d(np.cov((first - mean) / scale, rowvar=False)))
        kept = variances > NEGLIGIBLE * variances.max()
        deviations = np.sqrt(variances[kept])
        z = ((first - mean) / scale) @ directions[:, kept] / deviations  # (n, r)
        root = scale[:, None] * directions[:, kept] * deviations
        return cls(leader, sizes, lines, mean, root, Mixture.fit(z, START_COMPONENTS, seed))

    def steps(self, strips: Sequence[Array]) -> list[Array]:
        """Strips `(s, d)` with steps and distances in place of levels, each a bar shorter where a series wanders."""
        if not self.which.any():
            return list(strips)
        return [self.bars(strip[None])[0, 1:] for strip in strips if len(strip) > 1]

    def bars(self, x: Array) -> Array:
        """Windows `(n, t, d)` with steps and distances in place of levels; the first step is 0."""
        rest = np.diff(x, axis=1) / _size(x[:, :-1], self.sizes)
        steps = np.concatenate([np.zeros_like(x[:, :1]), rest], axis=1)
        c, f, varies = self.lines
        ahead = x[:, :, self.leader]
        apart = (x - c - f * ahead) / _size(ahead, self.sizes)
        # A copy is seen as its leader's steps, for a model of bars may not take a series that never changes.
        apart = np.where(varies > 0, apart, steps[:, :, self.leader])
        return np.select([self.which, self.follows], [steps, apart], x)

    def windows(self, bars: Array, seed: int) -> Array:
        """Windows `(n, t, d)` from bars with steps and distances; the first step of each window falls away."""
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
        c, f, varies = self.lines
        ahead = x[:, :, self.leader]
        return np.where(self.follows, c + f * ahead + varies * _size(ahead, self.sizes) * bars, x)

    def state(self) -> State:
        """All attributes as named arrays."""
        law = {} if self.starts is None else {f"starts.{name}": array for name, array in self.starts.state().items()}
        names = ("leader", "sizes", "lines", "mean", "root")
        return {**{name: getattr(self, name) for name in names}, **law}

    @classmethod
    def load(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """What gave `state`."""
        law = under(state, "starts.")
        parts = {name: np.asarray(state[name], dtype=np.float64) for name in ("sizes", "lines", "mean", "root")}
        leader = np.array(state["leader"], dtype=np.int64)
        return cls(leader=leader, **parts, starts=Mixture.load(law) if law else None)


def _leaders(x: Array, sizes: Array, wanders: NDArray[np.bool_]) -> tuple[NDArray[np.int64], Array]:
    """For each series of windows `(n, t, d)` the one that it stays with, and the line `(3, d)` through it."""
    groups: list[list[int]] = []
    for i in np.flatnonzero(wanders).tolist():
        for group in groups:
            if not wandering(_distance(x, i, group[0], sizes)[1][:, :, None])[0]:
                group.append(i)
                break
        else:
            groups.append([i])
    leader, lines = np.full(len(wanders), -1), np.zeros((3, len(wanders)))
    for group in groups:
        first = min(group, key=lambda j: _roughness(x, j, group, sizes))
        for i in group:
            leader[i] = first
            line, apart = _distance(x, i, first, sizes)
            lines[:, i] = (*line, apart.std() > EQUAL)
    return leader, lines


def _distance(x: Array, i: int, j: int, sizes: Array) -> tuple[Array, Array]:
    """The line `(2,)` of series `i` of windows through series `j`, and the distances `(n, t)` from it."""
    ahead, own = x[:, :, j], x[:, :, i]
    away = ahead - ahead.mean()
    slope = (away * own).sum() / (away**2).sum()
    line = np.array([own.mean() - slope * ahead.mean(), slope])
    return line, (own - line[0] - slope * ahead) / _size(ahead, sizes[:, j])


def _roughness(x: Array, j: int, group: Sequence[int], sizes: Array) -> float:
    """Variance of the steps of a group over the real one, if `j` leads and bars know nothing of each other."""
    size = _size(x[:, :-1, j], sizes[:, j])
    steps = np.diff(x[:, :, j], axis=1) / size
    total = 0.0
    for i in group:
        (_, slope), apart = _distance(x, i, j, sizes)
        found = (steps * slope + apart[:, 1:]).var() + apart.var()
        total += float(found / (np.diff(x[:, :, i], axis=1) / size).var())
    return round(total, 6)  # copies are equally good leaders


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
    """Levels `(..., d)` on the scale on which all steps are alike: logarithms where steps grow with the level."""
    grows = sizes[1] > 0
    return np.where(grows, np.log(np.where(grows, _size(level, sizes), 1.0)), level)


def _uneven(even: Array, sizes: Array) -> Array:
    """Levels from that scale."""
    a, b, _ = sizes
    grows = b > 0
    return np.where(grows, (np.exp(np.where(grows, even, 0.0)) - a) / np.where(grows, b, 1.0), even)
