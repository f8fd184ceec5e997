"""What a judge learns from and what it is asked about: scaling by the real windows, and honest splits of windows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthfin_core.errors import DataError

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
How = Literal["blocks", "random"]

#: Share of the windows that a judge is asked about.
TEST = 0.2
#: Contiguous blocks of windows that are held back, at most.
BLOCKS = 5
#: Windows overlap where more than this share of them meet again; single meetings are chance, as of days without trade.
MEETS = 0.1
#: Values are cut this many real ranges (or deviations) away, where single precision still counts.
FARTHEST = 1e3


class Split(NamedTuple):
    """Which windows, by index, are learned from and which are asked about."""

    train: Indices
    test: Indices


def check_pairs(pairs: Sequence[tuple[Array, Array]]) -> int:
    """The number of series of all `pairs`, arrays (n, t, d) and (m, t, d), or say why they can't be judged.

    Raises
    ------
    DataError
        If there is no pair, windows differ in length or series, or there are too few.
    """
    if not pairs:
        raise DataError("There are no windows to judge, expected at least one pair of real and synthetic windows.")
    shapes = {x.shape[1:] for pair in pairs for x in pair}
    if len(shapes) != 1:
        raise DataError(
            f"The windows to judge have the steps and series {sorted(shapes)}, expected the same for all: "
            "compare windows of one length and of the same series."
        )
    fewest = min(len(x) for pair in pairs for x in pair)
    (shape,) = shapes
    if fewest < 5 or len(shape) != 2 or shape[0] < 2:
        raise DataError(
            f"{fewest} windows of shape {shape} came to be judged, expected at least 5 of (steps, series) with at "
            "least 2 steps: make more windows."
        )
    d: int = shape[1]
    return d


def to_unit_range(real: Array, x: Array) -> Array:
    """`x (m, t, d)` scaled so that each series of `real (n, t, d)` fills [0, 1], as the literature does.

    Nothing is clipped to that range: values outside of it are what a judge should see.
    """
    least, most = real.min(axis=(0, 1)), real.max(axis=(0, 1))
    scaled: Array = np.clip((x - least) / (most - least + 1e-7), -FARTHEST, FARTHEST)
    return scaled


def to_unit_deviation(real: Array, x: Array) -> Array:
    """`x (m, t, d)` less the mean of each series of `real (n, t, d)`, over its standard deviation."""
    spread = real.std(axis=(0, 1))
    scaled: Array = np.clip((x - real.mean(axis=(0, 1))) / np.where(spread > 0, spread, 1), -FARTHEST, FARTHEST)
    return scaled


def split(x: Array, how: How, stream: np.random.Generator) -> Split:
    """Divide windows `x (n, t, d)` into four fifths to learn from and one fifth to be asked about.

    Parameters
    ----------
    x : ndarray (n, t, d)
        In order of time, where they have one.
    how : {"random", "blocks"}
        "random" draws windows, as the literature does. Real windows usually overlap, so that a test window
        then shares all steps but one with a training window, and a judge with memory enough recognises it.
        "blocks" holds back contiguous blocks, spread evenly over time, and drops the windows around them that share
        steps with them. Several blocks rather than the last fifth: markets drift, and a judge that learned from the
        first years would call the last ones synthetic whatever the generator did.
    stream : Generator

    Returns
    -------
    Split
    """
    n = len(x)
    if how == "random":
        order = stream.permutation(n)
        return Split(order[: int(n * (1 - TEST))], order[int(n * (1 - TEST)) :])
    reach = overlap(x)
    blocks = int(np.clip(0.3 * n / max(2 * reach, 1), 1, BLOCKS))
    gap = min(reach, n // (5 * blocks))  # few windows: a part of the overlap is left rather than nothing to learn from
    ends = np.linspace(0, n, blocks + 1).astype(int)
    place = np.arange(n)
    test, near = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    for start, end in pairwise(ends):
        length = max(1, round((end - start) * TEST))
        first = start + (end - start - length) // 2
        test |= (place >= first) & (place < first + length)
        near |= (place >= first - gap) & (place < first + length + gap)
    return Split(np.flatnonzero(~near), np.flatnonzero(test))


def overlap(x: Array) -> int:
    """How many windows after a window still share steps with it: `t - 1` for windows shifted by one step.

    Found in the data, because windows don't say where they come from: window `i + k` shares steps with window `i` if
    its first step is one of those of `i`. Zero for windows without order, for example synthetic ones.
    """
    x = x[:500]  # enough to see it
    most: int = min(x.shape[1], len(x)) - 1
    for k in range(1, most + 1):
        if (x[:-k] == x[k:, :1]).all(axis=2).any(axis=1).mean() < MEETS:
            return k - 1
    return most
