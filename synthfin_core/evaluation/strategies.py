"""Twenty-five simple trading strategies, played inside windows.

Each position is taken before a bar from the bars that came before it in the same window, and earns the position times
the bar's log return. Lookbacks are given for windows of 60 bars and grow and shrink with the window; the first half of
a window is only looked at, so that all strategies trade the same bars. There are no costs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from synthfin_core.evaluation.metric import Array

Single = NDArray[np.float32]  # signs and ratios need no more digits, and half the bytes go through in half the time
Floating = TypeVar("Floating", bound=np.floating[Any])

#: Volatility is taken over at least this many bars, where there are that many: over fewer, one over it has no moments.
LEAST_BARS = 5

#: Positions that keep the risk steady see no less than this share of the longest lookback's volatility: a few still
#: bars would else ask for a position beside which nothing else counts.
LEAST_VOLATILITY = 0.1


class Past:
    """What a strategy may know before each bar that it trades: everything earlier in the window.

    Every answer is `(d, t - first, n)`: series, traded bar, window.

    Attributes
    ----------
    first : int
        The first traded bar, and the longest lookback.
    returns : ndarray (d, t - first, n)
        Log returns of the traded bars, which no position may look at.
    """

    def __init__(self, x: Array) -> None:
        self.length: int = x.shape[1]
        self.first = first_bar(self.length)
        r = np.ascontiguousarray(x.transpose(2, 1, 0), dtype=np.float32)  # (d, t, n): shifts in time are whole blocks
        self.returns = r[:, self.first :]
        self._price = running_sums(r)  # log price before bar 0, 1, ..., t
        self._prices = running_sums(self._price)
        self._squares = running_sums(r * r)
        self._volatility: dict[int, Single] = {}  # by bars: several strategies ask for the same

    def bars(self, lookback: int) -> int:
        """A lookback of 60-bar windows in bars of these windows."""
        return min(max(1, round(lookback * self.length / 60)), self.first)

    def price(self) -> Single:
        """Log price before the bar, from 0 at the window's start."""
        return self._price[:, self.first : self.length]

    def move(self, lookback: int) -> Single:
        """Log return over the lookback."""
        return self._difference(self._price, self.bars(lookback))

    def volatility(self, lookback: int) -> Single:
        """Root mean square return over the lookback."""
        bars = min(max(self.bars(lookback), LEAST_BARS), self.first)
        if bars not in self._volatility:
            squares = np.maximum(self._difference(self._squares, bars), 0)  # which may round to less than nothing
            self._volatility[bars] = np.sqrt(squares / np.float32(bars))
        return self._volatility[bars]

    def average(self, lookback: int) -> Single:
        """Mean log price over the lookback, the latest price included."""
        bars = self.bars(lookback)
        mean: Single = self._difference(self._prices[:, 1:], bars) / np.float32(bars)
        return mean

    def _difference(self, total: Single, bars: int) -> Single:
        found: Single = total[:, self.first : self.length] - total[:, self.first - bars : self.length - bars]
        return found


def first_bar(length: int) -> int:
    """The first bar that is traded in windows of `length` bars, and so the longest lookback."""
    return max(1, length // 2)


def running_sums(values: NDArray[Floating]) -> NDArray[Floating]:
    """Sums of the first 0, 1, 2, ... bars of `values (d, t, n)`, as `(d, t + 1, n)`."""
    d, t, n = values.shape
    total = np.zeros((d, t + 1, n), dtype=values.dtype)
    for i in range(t):  # quicker than numpy's sum along an axis that is not the last
        np.add(total[:, i], values[:, i], out=total[:, i + 1])
    return total


Rule = Callable[[Past], Single]


def _hold(past: Past) -> Single:
    return np.ones_like(past.returns)


def _momentum(past: Past, lookback: int) -> Single:
    side: Single = np.sign(past.move(lookback))
    return side


def _cross(past: Past, fast: int, slow: int) -> Single:
    side: Single = np.sign(past.average(fast) - past.average(slow))
    return side


def _above_average(past: Past, lookback: int) -> Single:
    return (past.price() > past.average(lookback)).astype(np.float32)


def _reversal(past: Past, lookback: int) -> Single:
    move = past.move(lookback)
    usual = past.volatility(30) * np.float32(past.bars(lookback) ** 0.5)
    return (move < -usual).astype(np.float32) - (move > usual)


def _dip(past: Past, lookback: int) -> Single:
    return (past.move(lookback) < 0).astype(np.float32)


def _steady(past: Past, lookback: int) -> Single:
    volatility = np.maximum(past.volatility(lookback), np.float32(LEAST_VOLATILITY) * past.volatility(30))
    position: Single = np.divide(1, volatility, out=np.zeros_like(volatility), where=volatility > 0)
    return position


def _steady_momentum(past: Past, lookback: int) -> Single:
    return _momentum(past, lookback) * _steady(past, lookback)


def _calm(past: Past) -> Single:
    return (past.volatility(5) < past.volatility(30)).astype(np.float32)


#: The strategies by name; lookbacks are in bars of a 60-bar window.
RULES: dict[str, Rule] = {
    "Hold": _hold,
    **{f"Momentum {k}": partial(_momentum, lookback=k) for k in (1, 2, 5, 10, 20, 30)},
    **{
        f"Average {fast} over {slow}": partial(_cross, fast=fast, slow=slow)
        for fast, slow in ((2, 10), (5, 20), (5, 30), (10, 30))
    },
    **{f"Hold above average {k}": partial(_above_average, lookback=k) for k in (10, 30)},
    **{f"Reversal {k}": partial(_reversal, lookback=k) for k in (2, 5, 10, 20)},
    **{f"Hold after a loss {k}": partial(_dip, lookback=k) for k in (1, 5)},
    **{f"Steady risk {k}": partial(_steady, lookback=k) for k in (5, 10, 30)},
    **{f"Steady momentum {k}": partial(_steady_momentum, lookback=k) for k in (10, 30)},
    "Hold in calm": _calm,
}

#: Names of the strategies, in the order of `strategy_sharpes`.
STRATEGIES = tuple(RULES)


def strategy_sharpes(x: Array) -> Array:
    """Sharpe ratio per bar of each strategy on each series, over all traded bars of all windows.

    Mean over standard deviation of position times log return. A strategy that never takes a position, or whose
    gains never vary, has 0.

    Parameters
    ----------
    x : ndarray (n, t, d)
        Log returns, per bar; windows of at least two bars.

    Returns
    -------
    ndarray (25, d)
    """
    largest = np.abs(x).max()
    past = Past(x / largest if largest > 0 else x)  # no strategy asks for the scale, and squares stay within bounds
    found = np.zeros((len(RULES), x.shape[2]))
    for sharpe, rule in zip(found, RULES.values(), strict=True):
        gain = rule(past) * past.returns
        mean = gain.mean(axis=(1, 2), dtype=np.float64)
        square = np.einsum("dtn,dtn->d", gain, gain, dtype=np.float64)
        spread = np.sqrt(np.maximum(square / gain[0].size - mean**2, 0))
        np.divide(mean, spread, out=sharpe, where=spread > 0)
    return found
