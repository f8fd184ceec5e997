r"""What the networks of the temporal GAN see of a window: series bent to a bell curve, and levels along their own axes.

Series that wander together, such as a day's open, high, low and close, differ by little, and that little has a law of
its own. So they are turned to axes ordered by how slowly they move: with the covariances `C` of their values and `D` of
their steps, :math:`D a = \lambda C a`. The slowest axis is the common level; along the fast ones lie the differences,
which stay where they are. Directions in which nothing varies are left out. Of an axis that wanders the networks see
where it starts and its steps. An axis may also lie far from others in some windows and wander in none, as volumes of
several shares do: of one that keeps to its level the networks see that level and the deviations from it, for steps that
are added up would carry it away. Steps, deviations and differences grow with the level, and are divided by the size

.. math:: g(x_1) = \max(a + b^\top x_1,\; g_0)

that they have in windows with starts and levels :math:`x_1`. At last every series is bent until it is normal, and
deviations from a level are so in each range of levels by themselves. Smooth networks turn normal noise into windows
with thin tails; the way back through this map gives them the data's own, as the Lambert map of Wiese et al., "Quant
GANs" (2020, https://arxiv.org/abs/1907.06673) does. That map makes much of a little too much spread or a tail a little
too long. So after training what the networks draw is bent to normal too, and where it goes beyond four deviations
still, as one normal number in sixteen thousand does, it goes on slowly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core.errors import DataError
from synthfin_core.generators.base import Array, State
from synthfin_core.generators.level_bends import LevelBends
from synthfin_core.generators.moves import Moves, slow
from synthfin_core.representation.gaussian import KNOTS, Gaussian

NEGLIGIBLE = 1e-12  #: variance, as a share of the largest, of a direction in which levels do not vary
EQUAL = 1e-9  #: steps whose spread is a smaller share of them are all the same
SMALLEST = 0.1  #: smallest size at any level, as a share of the mean size

CALM = 4.0  #: deviations up to which nothing is slowed ...
SLOWING = 2.0  #: ... and how much it is beyond
FURTHEST = 10.0  #: deviations beyond these that can be told apart

PLAIN = ("mean", "axes", "back", "sizes", "least", "fixed")  #: the arrays of a map ...
BENDS = ("starts", "drawn_starts")  #: ... its bends ...
BENDS_BY_LEVEL = ("values", "drawn_values")  #: ... and those that differ with the level, in the same ranges


@dataclass(frozen=True)
class AxesScale:
    """An invertible map of windows `(n, t, d)` to `(n, t, k + w)`, fitted on training windows: `k` axes, `w` levels.

    Attributes
    ----------
    mean : ndarray (d,)
        Of each series.
    axes, back : ndarray (d, k), (k, d)
        To the axes, and from them.
    moves : Moves
        Which axes wander, and which keep to a level.
    sizes, least : ndarray (1 + b, k + w), (k + w,)
        Of the size `g`: its constant and its slopes, one for each of the `b` starts and levels, and its bound.
    fixed : ndarray (k + w,)
        Where every window starts; NaN where they start anywhere.
    values, starts : LevelBends, Gaussian
        The bend of values, steps and deviations, and of starts and levels.
    drawn_values, drawn_starts : LevelBends, Gaussian
        The same bends of what the networks draw, which is near to normal already.
    """

    mean: Array
    axes: Array
    back: Array
    moves: Moves
    sizes: Array
    least: Array
    fixed: Array
    values: LevelBends
    starts: Gaussian
    drawn_values: LevelBends
    drawn_starts: Gaussian

    @classmethod
    def of(cls, x: Array) -> Self:
        """The map fitted on windows `x (n, t, d)`.

        Raises
        ------
        DataError
            If a level takes the same steps in every window.
        """
        mean = x.mean(axis=(0, 1))
        axes, back, levels = _axes(x - mean)
        y = (x - mean) @ axes
        moves = Moves.of(y)
        begins, y = moves.begins, moves.forward(y)
        starts = y[:, :1]
        sizes, least = _sizes(y[:, 1:] if begins.any() else y, starts[:, :, begins], levels)
        body = (y / _size(starts[:, :, begins], sizes, least))[:, int(begins.any()) :]
        if (body.std(axis=(0, 1)) <= EQUAL * np.abs(body).max(axis=(0, 1))).any():
            raise DataError(
                "A level takes the same steps in every window, expected one that moves by chance: leave it out."
            )
        same = np.ptp(starts, axis=(0, 1)) == 0
        spare = np.linspace(-1.0, 1.0, len(x))[:, None, None]  # where no start has to be bent
        straight = _straight(np.zeros(len(begins)), np.ones(len(begins)))
        values = LevelBends.of(body, moves.levels(starts))
        return cls(
            mean=mean,
            axes=axes,
            back=back,
            moves=moves,
            sizes=sizes,
            least=least,
            fixed=np.where(same, starts[0, 0], np.nan),
            values=values,
            starts=Gaussian().fit(np.where(same | ~begins, spare, starts)),
            drawn_values=replace(values, knots=np.repeat(straight.knots[None], len(values.knots), axis=0)),
            drawn_starts=straight,
        )

    def forward(self, x: Array) -> Array:
        """Windows `x (n, t, d)` as the networks see them, `(n, t, k + w)`."""
        y = self.moves.forward((x - self.mean) @ self.axes)
        starts = y[:, :1]
        levels = self.moves.levels(starts)
        body = _hastened(self.values.forward(y / self._size_at(starts), levels))
        body = self.drawn_values.inverse(body, levels)
        begin = self.drawn_starts.inverse(_hastened(self.starts.forward(starts)))
        begin = np.where(np.isnan(self.fixed), begin, 0.0)
        return np.where(self._first(y.shape[1]), begin, body)

    def inverse(self, y: Array) -> Array:
        """Windows `(n, t, d)` from what the networks drew."""
        starts = self._starts(y[:, :1])
        levels = self.moves.levels(starts)
        body = self.values.inverse(_slowed(self.drawn_values.forward(y, levels)), levels) * self._size_at(starts)
        values = np.where(self._first(y.shape[1]), starts, body)
        return np.asarray(self.moves.inverse(values) @ self.back + self.mean)

    def _starts(self, drawn: Array) -> Array:
        """Starts and levels `(n, 1, k + w)` from what the networks drew of them."""
        starts = self.starts.inverse(_slowed(self.drawn_starts.forward(drawn)))
        return np.asarray(np.where(np.isnan(self.fixed), starts, self.fixed))

    def _first(self, t: int) -> NDArray[np.bool_]:
        """The entries that are starts or levels, `(t, k + w)`."""
        return np.asarray(self.moves.held | (self.moves.begins & (np.arange(t)[:, None] == 0)))

    def spreads(self, x: Array) -> Array:
        """How far windows `x (n, t, d)` deviate from their levels, over the size at that level: `(n,)`."""
        y = self.moves.forward((x - self.mean) @ self.axes)
        y /= self._size_at(y[:, :1])
        deviations = y[:, :, np.flatnonzero(self.moves.keeps)]
        return np.asarray(np.sqrt((deviations**2).mean(axis=(1, 2))))

    def _size_at(self, starts: Array) -> Array:
        return _size(starts[:, :, self.moves.begins], self.sizes, self.least)

    def matched(self, drawn: Array) -> Self:
        """The map that gives the values that the networks drew `(n, t, k + w)` the law of the training windows.

        The game settles how values hang together well before the last of their tails, which the way back to the data
        would make larger still. What is off by more than a factor of two is moved and stretched alone, so that a
        generator that collapsed stays visible.
        """
        body = drawn[:, 1:] if self.moves.begins.any() else drawn
        matched = replace(self, drawn_starts=_law_of(drawn[:, :1]))
        levels = self.moves.levels(matched._starts(drawn[:, :1]))
        return replace(matched, drawn_values=LevelBends.by(_law_of, self.values.edges, body, levels))

    def state(self) -> State:
        """The map as named arrays."""
        plain: State = {name: getattr(self, name) for name in PLAIN}
        bends: State = {name: getattr(self, name).knots for name in BENDS + BENDS_BY_LEVEL}
        return plain | bends | {"edges": self.values.edges} | self.moves.state()

    @classmethod
    def load(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """The map that gave `state`; before code version 6 bends were the same at all levels."""
        plain: dict[str, Any] = {name: np.array(state[name]) for name in PLAIN}
        bends: dict[str, Any] = {name: Gaussian.load({"knots": state[name]}) for name in BENDS}
        edges = np.array(state["edges"]) if "edges" in state else np.zeros((0, state["values"].shape[-1]))
        knots = {name: np.array(state[name]) for name in BENDS_BY_LEVEL}
        by_level: dict[str, Any] = {
            name: LevelBends(edges, each if each.ndim == 3 else each[None]) for name, each in knots.items()
        }
        return cls(moves=Moves.load(state), **plain, **bends, **by_level)


def _slowed(z: Array) -> Array:
    """Numbers that beyond `CALM` grow like their logarithm."""
    over = (np.abs(z) - CALM).clip(min=0.0)
    return np.asarray(z + np.sign(z) * (np.log1p(SLOWING * over) / SLOWING - over))


def _hastened(z: Array) -> Array:
    """What `_slowed` made `z` of, as far as numbers go that mean anything."""
    over = (np.abs(z) - CALM).clip(min=0.0)
    return np.asarray(z + np.sign(z) * (np.expm1(SLOWING * over.clip(max=FURTHEST)) / SLOWING - over))


def _law_of(x: Array) -> Gaussian:
    """The bend that makes each series of `x (n, s, k)` normal; a straight line where its spread is far from one."""
    mean, spread = x.mean(axis=(0, 1)), x.std(axis=(0, 1))
    found = _straight(mean, spread.clip(0.5, 2.0))
    near = (spread > 0.5) & (spread < 2.0)
    if near.any():
        found.knots[:, near] = Gaussian().fit(x[:, :, near]).knots
    return found


def _straight(mean: Array, spread: Array) -> Gaussian:
    """The bend of series that are normal with `mean (k,)` and `spread (k,)`: a straight line."""
    return Gaussian.load({"knots": mean + spread * KNOTS[:, None]})


def _axes(x: Array) -> tuple[Array, Array, int]:
    """Axes `(d, k)` and the way back `(k, d)` of centred windows `(n, t, d)`, and how many belong to levels.

    Series that wander give the first axes, slowest first; each other series is an axis of its own.
    """
    spread = x.std(axis=(0, 1))
    wanders = slow(x)
    turned, returned = _slowest_first(x[:, :, wanders] / spread[wanders])
    levels, own = len(returned), np.flatnonzero(~wanders)
    axes = np.zeros((x.shape[2], levels + len(own)))
    back = np.zeros(axes.shape[::-1])
    axes[wanders, :levels] = turned / spread[wanders, None]
    back[:levels, wanders] = returned * spread[wanders]
    for k, i in enumerate(own, start=levels):
        axes[i, k], back[k, i] = 1 / spread[i], spread[i]
    return axes, back, levels


def _slowest_first(x: Array) -> tuple[Array, Array]:
    """Axes `(w, k)` of unit variance of windows `(n, t, w)`, ordered by how slowly they move, and the way back."""
    w = x.shape[2]
    if w == 0:
        return np.zeros((0, 0)), np.zeros((0, 0))
    move = np.diff(x, axis=1).reshape(-1, w)
    variances, vectors = np.linalg.eigh(np.atleast_2d(np.cov(x.reshape(-1, w).T)))
    kept = variances > NEGLIGIBLE * variances[-1]
    root = np.sqrt(variances[kept])
    white = vectors[:, kept] / root  # (w, k)
    _, slow = np.linalg.eigh(white.T @ np.atleast_2d(np.cov(move.T)) @ white)
    axes = white @ slow
    sign = np.where(axes.sum(axis=0) < 0, -1.0, 1.0)
    return axes * sign, (sign * ((vectors[:, kept] * root) @ slow)).T


def _sizes(y: Array, starts: Array, levels: int) -> tuple[Array, Array]:
    """Of the size `g`: constant and slopes `(1 + b, k)` by least squares, and the bound `(k,)`.

    `y (n, s, k)` are values and moves, `starts (n, 1, b)`; only the first `levels` axes have a size beside one.
    """
    n, _, k = y.shape
    sizes, least = np.zeros((1 + starts.shape[2], k)), np.zeros(k)
    sizes[0] = 1.0
    if starts.shape[2]:
        at = np.concatenate([np.ones((n, 1)), starts[:, 0]], axis=1)  # (n, 1 + w)
        size = np.abs(y[:, :, :levels]).mean(axis=1)  # (n, levels)
        sizes[:, :levels] = np.linalg.lstsq(at, size, rcond=None)[0]
        least[:levels] = SMALLEST * size.mean(axis=0)
    return sizes, least


def _size(starts: Array, sizes: Array, least: Array) -> Array:
    """The size `g (n, 1, k)` in windows with `starts (n, 1, b)`."""
    return np.asarray(np.maximum(sizes[0] + starts @ sizes[1:], least))
