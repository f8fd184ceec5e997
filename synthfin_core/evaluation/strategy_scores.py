"""Would trading rules be ranked alike on synthetic data, and would a trader take these data for a market at all?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthfin_core.evaluation.metric import Array, Context, Finding, Needs, by_series, metric
from synthfin_core.evaluation.strategies import first_bar, strategy_sharpes

#: Limits of the sanity gate: volatility within a factor of the real one, the largest move in times the real one, and
#: an annual Sharpe ratio that no simple strategy has in a market.
MOST_VOLATILITY, MOST_MOVE, MOST_SHARPE = 2.0, 3.0, 5.0


@dataclass(frozen=True)
class Traded:
    """What the scores of this file ask of one data set of `n` windows.

    Attributes
    ----------
    sharpe : ndarray (25, d)
        Sharpe ratio per bar of each strategy.
    volatility : ndarray (d,)
        Standard deviation of the log returns, per bar.
    volatility_error : ndarray (d,)
        Its standard error as a share of it, `sqrt((kurtosis - 1) / (4 b))` for `b` bars of history.
    sizes : ndarray (d, n t)
        Sizes of all moves in increasing order.
    distinct : ndarray (d,)
        How many different sizes there are: about the bars of history behind windows that overlap.
    bars : int
        Bars that a strategy traded.
    """

    sharpe: Array
    volatility: Array
    volatility_error: Array
    sizes: Array
    distinct: Array
    bars: int

    def best_sharpe(self, bars_per_year: float, errors: float = 0.0) -> float:
        """The highest annual Sharpe ratio of all strategies, less so many standard errors.

        A Sharpe ratio measured over `b` bars has a standard error near `1 / sqrt(b)` per bar (Lo, 2002); bars that
        several windows share count once.
        """
        error = 1 / np.sqrt(np.minimum(self.distinct, self.bars))  # (d,)
        return float((self.sharpe - errors * error).max() * bars_per_year**0.5)

    def largest_move(self, bars: Array) -> Array:
        """The move `(d,)` that is reached once in so many `bars (d,)`, and three times in all at least.

        Two histories as long as each other may by chance differ threefold in their largest moves, which is less than
        one in a thousand cases for the third largest of one of them.
        """
        count = self.sizes.shape[1]
        times = np.maximum(self.distinct / bars, 3) * count / self.distinct  # windows that overlap repeat a move
        rank = np.clip(np.round(times).astype(int), 1, count)
        found: Array = self.sizes[np.arange(len(self.sizes)), count - rank]
        return found


def traded(x: Array) -> Traded:
    """Trade the windows `x (n, t, d)` of log returns, per bar, by every strategy."""
    values = by_series(x)  # (d, n t)
    sizes = np.sort(np.abs(values), axis=1)
    distinct = 1.0 + (np.diff(sizes, axis=1) > 0).sum(axis=1)
    square = (values - values.mean(axis=1, keepdims=True)) ** 2
    variance = square.mean(axis=1)
    spread = square.std(axis=1)  # (kurtosis - 1) is its square over that of the variance
    share = np.divide(spread, variance, out=np.zeros_like(spread), where=variance > 0)
    error = share / np.sqrt(4 * distinct)
    bars = len(x) * (x.shape[1] - first_bar(x.shape[1]))
    return Traded(strategy_sharpes(x), np.sqrt(variance), error, sizes, distinct, bars)


def ranks(values: Array) -> Array:
    """Ranks from 1 of `values (k,)`; equal ones share the mean of theirs."""
    ordered = np.sort(values)
    lowest, highest = (np.searchsorted(ordered, values, side) for side in ("left", "right"))
    found: Array = (lowest + highest + 1) / 2
    return found


@metric(
    name="strategy_ranking",
    title="Strategy ranking",
    group="utility",
    better="lower",
    needs=Needs(length=20, returns=True, synthetic_varies=True),
    prepare=traded,
    context=True,
    figure="strategies",
    help=(
        "How differently 25 simple trading strategies are ranked by the synthetic data: 0 in the same order, "
        "1 in no related order, 2 in reverse."
    ),
)
def strategy_ranking(real: Traded, synthetic: Traded, context: Context) -> Finding:
    """One minus Spearman's correlation between the strategies' Sharpe ratios, each the mean over the series.

    The exhibit holds the annual Sharpe ratios `(25,)`, in the order of `STRATEGIES`.
    """
    annual = context.bars_per_year**0.5
    sharpe = {"real": real.sharpe.mean(axis=1) * annual, "synthetic": synthetic.sharpe.mean(axis=1) * annual}
    correlation = np.corrcoef(ranks(sharpe["real"]), ranks(sharpe["synthetic"]))[0, 1]
    return Finding(float(1 - np.clip(correlation, -1, 1)), sharpe)


@metric(
    name="sanity_gate",
    title="Sanity checks failed",
    group="utility",
    better="lower",
    unit="of 3 checks",
    needs=Needs(returns=True),
    prepare=traded,
    context=True,
    figure="sanity",
    help=(
        "How many of three checks fail that any market passes: volatility within a factor of 2 of the real one, "
        "no move 3 times as large as the largest real one, no simple strategy with a Sharpe ratio above 5."
    ),
)
def sanity_gate(real: Traded, synthetic: Traded, context: Context) -> Finding:
    """Number of checks that any series fails, from 0 to 3.

    - `volatility`: times the real one, outside 1/2 to 2 by more than two standard errors.
    - `largest_move`: times the real one, 3 or more. Synthetic windows hold many times the history that overlapping
      real ones hold, and with it larger moves; so the synthetic move is the one that is reached once in as many bars
      as the real history has, and three times in all at least.
    - `sharpe`: annual, above 5 by more than two standard errors, and above twice the best on the real data, because
      bars of minutes or a short history give any market more than 5.

    The exhibit holds what was checked: `volatility` and `largest_move` `(d,)`, `sharpe (2,)` real and synthetic, and
    `failed (3,)` in this order, 1 where the check failed.
    """
    volatility = synthetic.volatility / real.volatility
    move = synthetic.largest_move(real.distinct) / real.sizes[:, -1]
    best = real.best_sharpe(context.bars_per_year), synthetic.best_sharpe(context.bars_per_year)
    surely = synthetic.best_sharpe(context.bars_per_year, errors=2)
    most = MOST_VOLATILITY * np.exp(2 * np.hypot(real.volatility_error, synthetic.volatility_error))
    failed = [
        bool(((volatility > most) | (volatility < 1 / most)).any()),
        bool((move >= MOST_MOVE).any()),
        surely > max(MOST_SHARPE, 2 * best[0]),
    ]
    shown = {"volatility": volatility, "largest_move": move, "sharpe": np.array(best)}
    return Finding(float(sum(failed)), {**shown, "failed": np.array(failed, dtype=np.float64)})
