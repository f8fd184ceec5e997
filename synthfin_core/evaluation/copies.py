"""Does the model hand out pieces of its training data?"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from synthfin_core.evaluation.metric import Array, Context, Needs, by_series, metric
from synthfin_core.evaluation.shapes import BLOCK, Remembered, nearest, shapes
from synthfin_core.rng import stream

#: Steps in a piece: two trading weeks agree by chance in no market.
PIECE = 10

#: Pieces are equal when no value differs by more than this many real standard deviations: 1e-9 for daily
#: returns of 1 %. Rounding to float32 stays below it, added noise does not.
TOLERANCE = 1e-7

#: A piece is nearly a copy when it is nearer to the training data than this share of the hold-out's pieces.
CHANCE = 0.01

#: Pieces of the synthetic data, and of the hold-out, that are looked up in the training data, drawn with the seed;
#: fewer, but never below the second number, where the product with the training pieces would pass the third.
MOST_ASKED, LEAST_ASKED, MOST_PAIRS = 2000, 500, 10_000_000

#: Near copies are searched among at most this many different pieces of the training data, which is a thousand years
#: of days; in more than these, copies of the others are missed, and the share found is too low.
MOST_KNOWN = 250_000


class Pieces:
    """All pieces of `length` steps of windows `x (n, t, d)`; the whole windows where they are shorter."""

    def __init__(self, x: Array, length: int = PIECE) -> None:
        self.x = x
        self.length = min(length, x.shape[1])
        self.count = len(x) * (x.shape[1] - self.length + 1)
        self._remembered = Remembered()

    @cached_property
    def scale(self) -> Array:
        """Standard deviation of each series, `(d,)`; one for a constant series."""
        scale = by_series(self.x).std(axis=1)
        return np.where(scale > 0, scale, 1.0)

    @cached_property
    def weights(self) -> Array:
        """The random line on which pieces are projected, `(length, d)`.

        Its sizes sum to one, so that no two pieces are further apart on the line than in any value.
        """
        weights = stream(0, "copies").standard_normal((self.length, self.x.shape[2]))
        weights /= np.abs(weights).sum()
        return weights

    @cached_property
    def distinct(self) -> tuple[Array, NDArray[np.intp]]:
        """Pieces that differ: their positions on the line, ascending, and where each is first found.

        Overlapping windows have their pieces in common, so that these are hardly more than there are bars.
        """
        return np.unique(_project(self.x / self.scale, self.weights), return_index=True)

    @cached_property
    def known(self) -> NDArray[np.intp]:
        """Flat positions of the pieces among which near copies are searched."""
        first = self.distinct[1]
        return first if len(first) <= MOST_KNOWN else stream(0, "known pieces").choice(first, MOST_KNOWN, replace=False)

    def place(self, flat: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Window and offset of the pieces at flat positions in `(window, offset)`."""
        window, offset = np.divmod(flat, self.x.shape[1] - self.length + 1)
        return window, offset

    def at(self, flat: NDArray[np.intp]) -> Array:
        """The pieces `(len(flat), length, d)` at flat positions."""
        window, offset = self.place(flat)
        found: Array = self.x[window[:, None], offset[:, None] + np.arange(self.length)]
        return found

    def to_nearest(self, known: Pieces, which: NDArray[np.intp]) -> Array:
        """Distance in shape from `which` pieces to the nearest of all the `known` ones, `(len(which),)`."""
        blocks = (shapes(known.at(known.known[at : at + BLOCK])) for at in range(0, len(known.known), BLOCK))
        return nearest(shapes(self.at(which)), blocks).first

    def threshold(self, known: Pieces, seed: int) -> float:
        """The distance to the `known` pieces that 1 % of these pieces are below."""

        def found() -> float:
            candidates = self.distinct[1]
            which = candidates[_drawn(len(candidates), known, seed)]
            return float(np.quantile(self.to_nearest(known, which), CHANCE))

        distance: float = self._remembered.once(known, seed, found)
        return distance


def _drawn(count: int, known: Pieces, seed: int) -> NDArray[np.intp]:
    """Which of `count` pieces are looked up among the `known` ones."""
    most = int(np.clip(MOST_PAIRS // len(known.known), LEAST_ASKED, MOST_ASKED))
    if count <= most:
        return np.arange(count)
    return stream(seed, "pieces").choice(count, most, replace=False)


def _project(x: Array, weights: Array) -> Array:
    """The position `(n, t - length + 1)` of every piece on the line given by `weights (length, d)`."""
    count = x.shape[1] - len(weights) + 1
    position = np.zeros((len(x), count))
    for i in range(x.shape[2]):
        series = np.ascontiguousarray(x[:, :, i])  # (n, t)
        for step, weight in enumerate(weights[:, i]):
            position += weight * series[:, step : step + count]
    return position


def copied_pieces(
    real: Array, synthetic: Array, length: int = PIECE, tolerance: float = TOLERANCE
) -> NDArray[np.bool_]:
    """Which pieces of `length` steps of each synthetic window equal a piece of a real one, at any offset.

    Every piece is projected on one random line. Pieces within the tolerance of each other are close on the line,
    so a search in the sorted real projections finds every candidate, and each candidate is then compared
    value by value.

    Parameters
    ----------
    real, synthetic : ndarray (n, t, d), (m, t, d)
    length : int
        Steps in a piece; the whole window where that is shorter.
    tolerance : float
        In real standard deviations of each series.

    Returns
    -------
    ndarray of bool (m, t - length + 1)
    """
    return _copied(Pieces(real, length), Pieces(synthetic, length), tolerance)


def _copied(real: Pieces, synthetic: Pieces, tolerance: float) -> NDArray[np.bool_]:
    keys, first = real.distinct
    wanted = _project(synthetic.x / real.scale, real.weights).ravel()
    at = np.searchsorted(keys, wanted - tolerance)
    keys = np.append(keys, np.inf)
    copied = np.zeros(wanted.size, dtype=bool)
    left = np.arange(wanted.size)  # pieces with candidates left to compare
    while (left := left[keys[at[left]] <= wanted[left] + tolerance]).size:
        copied[left] = _equal(real, first[at[left]], synthetic, left, tolerance)
        at[left] += 1
        left = left[~copied[left]]
    return copied.reshape(len(synthetic.x), -1)


def _equal(
    real: Pieces, known: NDArray[np.intp], synthetic: Pieces, asked: NDArray[np.intp], tolerance: float
) -> NDArray[np.bool_]:
    """Whether each `asked` piece equals the `known` one beside it; value by value, as gathering both is far slower."""
    (window, offset), (other, other_offset) = real.place(known), synthetic.place(asked)
    same = np.ones(len(asked), dtype=bool)
    steps, other_steps = window * real.x.shape[1] + offset, other * synthetic.x.shape[1] + other_offset
    for a, b, scale in zip(by_series(real.x), by_series(synthetic.x), real.scale, strict=True):
        for step in range(real.length):
            same &= np.abs(a[steps + step] - b[other_steps + step]) <= tolerance * scale
    return same


@metric(
    name="copied_share",
    alarm=True,
    title="Exact copies",
    group="novelty",
    better="lower",
    unit="share of 10-step pieces",
    needs=Needs(windows=1, real_varies=False),
    prepare=Pieces,
    all_windows=True,
    help="The share of ten-step pieces of the synthetic data that stand word for word in the training data.",
)
def copied_share(real: Pieces, synthetic: Pieces) -> float:
    """Share of the 10-step pieces of `synthetic` that equal a piece of `real` at any offset, from 0 to 1."""
    return float(_copied(real, synthetic, TOLERANCE).mean())


@metric(
    name="near_copied_share",
    alarm=True,
    title="Near copies",
    group="novelty",
    better="lower",
    unit="share of 10-step pieces beyond the hold-out's",
    needs=Needs(length=PIECE, holdout=8),
    prepare=Pieces,
    context=True,
    all_windows=True,
    help="The share of ten-step pieces of the synthetic data that have nearly the shape of a piece of the training "
    "data, beyond what the hold-out has by chance: an alarm, not a proof.",
)
def near_copied_share(real: Pieces, synthetic: Pieces, context: Context) -> float:
    r"""Share of pieces nearer in shape to the training data than 1 % of the hold-out's pieces are, beyond that 1 %.

    With :math:`d(p)` the distance in shape (see `shapes`) from a piece `p` of 10 steps to the nearest piece of the
    training data at any offset, and :math:`q` its 1 % quantile over the pieces of the hold-out:

    .. math:: \max\left(0, \frac{P(d(p) < q) - 0.01}{0.99}\right),

    from 0 (no more than the hold-out) to 1 (all). A copy is found when it is shifted in time, moved in level, scaled
    or under noise. Of the synthetic data and of the hold-out up to 2,000 pieces are looked up, drawn with the seed,
    each among all different pieces of the training data.
    """
    which = _drawn(synthetic.count, real, context.seed)
    near = synthetic.to_nearest(real, which) < context.holdout.threshold(real, context.seed)
    return max(0.0, (float(near.mean()) - CHANCE) / (1 - CHANCE))
