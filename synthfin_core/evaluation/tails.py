"""Tails and risk of each series: how fast large moves thin out, value at risk, expected shortfall, drawdowns.

All are estimated from every value of every window. Real windows that overlap hold the same bar several times, which
leaves these estimates in place (all bars count alike, but for those near both ends of the history) and does not make
them more certain: the noise floor says how certain they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthfin_core.evaluation.curve import Points, curve
from synthfin_core.evaluation.metric import Array, Needs, by_series, metric
from synthfin_core.evaluation.rows import Rows, distinct_rows

#: Share of a side's values that make its tail.
TAIL = 0.05

#: Shares of bars at which the tail curves are drawn, and the levels of the drawdown curve.
CURVE_SHARES = np.geomspace(0.2, 0.0005, 40)
CURVE_LEVELS = np.linspace(0.01, 0.99, 50)

_RETURNS = Needs(returns=True)


@dataclass(frozen=True)
class Tails:
    """What the scores of tails and risk share of one data set.

    Attributes
    ----------
    ordered : ndarray (d, n t)
        All log returns of each series, lowest first.
    drawdowns : ndarray (d, n)
        The largest drawdown of each window, smallest first.
    rows : Rows
        Each bar of the history once.
    """

    ordered: Array
    drawdowns: Array
    rows: Rows


def prepare_tails(x: Array) -> Tails:
    """What the scores of this group compute once from windows `x (n, t, d)` of log returns."""
    return Tails(np.sort(by_series(x), axis=1), np.sort(drawdowns(x).T, axis=1), distinct_rows(x))


def hill_index(ordered: Array, side: str, share: float = TAIL) -> Array:
    r"""Hill's estimate of the tail index of the losses or the gains.

    With the sizes of one side's moves from the largest down, :math:`x_{(1)} \ge x_{(2)} \ge \dots`, and `k` the given
    share of them:

    .. math:: \alpha = k \Big/ \sum_{i=1}^{k} \ln \frac{x_{(i)}}{x_{(k+1)}}.

    The chance of a move beyond `x` falls off as :math:`x^{-\alpha}`: about 3 for daily stock returns, and lower
    means heavier tails. Source: Hill (1975), Annals of Statistics 3.

    Parameters
    ----------
    ordered : ndarray (d, n)
        Values of each series, lowest first.
    side : {"left", "right"}
        Losses or gains.
    share : float
        Share of the side's values that are taken as its tail; rounded down, and one value at least.

    Returns
    -------
    ndarray (d,)
        NaN where the side holds too few values, or only equal ones.
    """
    sizes = -ordered if side == "left" else ordered[:, ::-1]  # (d, n), largest first
    found = np.full(len(sizes), np.nan)
    for i, one in enumerate(sizes):
        moves = one.size - int(np.searchsorted(one[::-1], 0.0, side="right"))
        k = max(int(share * moves), 1)
        if k < moves and one[0] > one[k]:
            found[i] = 1 / np.log(one[:k] / one[k]).mean()
    return found


def value_at_risk(ordered: Array, share: float) -> Array:
    """The loss that a bar exceeds with chance `share`: minus the quantile of `ordered (d, n)`, `(d,)`, log return."""
    at = share * (ordered.shape[1] - 1)
    low = int(at)
    high = min(low + 1, ordered.shape[1] - 1)
    quantile: Array = ordered[:, low] + (at - low) * (ordered[:, high] - ordered[:, low])
    return -quantile


def expected_shortfall(ordered: Array, share: float) -> Array:
    """The mean loss of the bars at or beyond the value at risk, from `ordered (d, n)`, `(d,)`, log return."""
    worst = int(share * (ordered.shape[1] - 1)) + 1
    mean: Array = ordered[:, :worst].mean(axis=1)
    return -mean


def drawdowns(x: Array) -> Array:
    r"""The largest drawdown of the price path of each window.

    .. math:: D = \max_{s} \Big(1 - \frac{P_s}{\max_{u \le s} P_u}\Big), \qquad P_s = e^{r_1 + \dots + r_s},\; P_0 = 1.

    Parameters
    ----------
    x : ndarray (n, t, d)
        Log return, per bar.

    Returns
    -------
    ndarray (n, d)
        Share of the price lost, from 0 to 1.
    """
    bars = np.ascontiguousarray(x.transpose(2, 1, 0))  # (d, t, n)
    path, peak, deepest = np.zeros((3, x.shape[2], x.shape[0]))
    for step in range(x.shape[1]):
        path += bars[:, step]
        np.maximum(peak, path, out=peak)
        np.maximum(deepest, peak - path, out=deepest)
    share: Array = -np.expm1(-deepest.T)
    return share


def _times_real(real: Array, synthetic: Array) -> Array:
    """The ratio of two risks `(d,)`; NaN where the real one is no risk at all."""
    ratio: Array = np.divide(synthetic, real, out=np.full(real.shape, np.nan), where=real > 0)
    return ratio


@metric(
    name="tail_index_left",
    title="Tail index of losses",
    group="tails",
    better="one",
    unit="times real",
    needs=_RETURNS,
    prepare=prepare_tails,
    figure="tail_left",
    help="How fast ever larger losses become rare; above one the synthetic data have too few of the very large ones.",
)
def tail_index_left(real: Tails, synthetic: Tails) -> Array:
    """Ratio of the Hill indices of the losses, each from its largest 5 %, `(d,)`; see `hill_index`."""
    return _times_real(hill_index(real.ordered, "left"), hill_index(synthetic.ordered, "left"))


@metric(
    name="tail_index_right",
    title="Tail index of gains",
    group="tails",
    better="one",
    unit="times real",
    needs=_RETURNS,
    prepare=prepare_tails,
    figure="tail_right",
    help="How fast ever larger gains become rare; above one the synthetic data have too few of the very large ones.",
)
def tail_index_right(real: Tails, synthetic: Tails) -> Array:
    """Ratio of the Hill indices of the gains, each from its largest 5 %, `(d,)`; see `hill_index`."""
    return _times_real(hill_index(real.ordered, "right"), hill_index(synthetic.ordered, "right"))


@metric(
    name="value_at_risk_1",
    title="Value at risk, 1 %",
    group="tails",
    better="one",
    unit="times real",
    needs=_RETURNS,
    prepare=prepare_tails,
    figure="tail_left",
    help="The loss that one bar in a hundred exceeds; below one the synthetic data understate the risk.",
)
def value_at_risk_1(real: Tails, synthetic: Tails) -> Array:
    """Ratio of the values at risk at 1 %, `(d,)`; see `value_at_risk`."""
    return _times_real(value_at_risk(real.ordered, 0.01), value_at_risk(synthetic.ordered, 0.01))


@metric(
    name="value_at_risk_5",
    title="Value at risk, 5 %",
    group="tails",
    better="one",
    unit="times real",
    needs=_RETURNS,
    prepare=prepare_tails,
    figure="tail_left",
    help="The loss that one bar in twenty exceeds; below one the synthetic data understate the risk.",
)
def value_at_risk_5(real: Tails, synthetic: Tails) -> Array:
    """Ratio of the values at risk at 5 %, `(d,)`; see `value_at_risk`."""
    return _times_real(value_at_risk(real.ordered, 0.05), value_at_risk(synthetic.ordered, 0.05))


@metric(
    name="expected_shortfall_1",
    title="Expected shortfall, 1 %",
    group="tails",
    better="one",
    unit="times real",
    needs=_RETURNS,
    prepare=prepare_tails,
    figure="tail_left",
    help="The mean loss of the worst bar in a hundred; below one the synthetic data understate the risk.",
)
def expected_shortfall_1(real: Tails, synthetic: Tails) -> Array:
    """Ratio of the expected shortfalls at 1 %, `(d,)`; see `expected_shortfall`."""
    return _times_real(expected_shortfall(real.ordered, 0.01), expected_shortfall(synthetic.ordered, 0.01))


@metric(
    name="expected_shortfall_5",
    title="Expected shortfall, 5 %",
    group="tails",
    better="one",
    unit="times real",
    needs=_RETURNS,
    prepare=prepare_tails,
    figure="tail_left",
    help="The mean loss of the worst bar in twenty; below one the synthetic data understate the risk.",
)
def expected_shortfall_5(real: Tails, synthetic: Tails) -> Array:
    """Ratio of the expected shortfalls at 5 %, `(d,)`; see `expected_shortfall`."""
    return _times_real(expected_shortfall(real.ordered, 0.05), expected_shortfall(synthetic.ordered, 0.05))


@metric(
    name="drawdown_distance",
    title="Drawdown distance",
    group="tails",
    better="lower",
    unit="real standard deviations",
    needs=_RETURNS,
    prepare=prepare_tails,
    figure="drawdown",
    help="How differently the price falls from its peak within a window, over all windows.",
)
def drawdown_distance(real: Tails, synthetic: Tails) -> Array:
    """Wasserstein-1 distance of the windows' largest drawdowns over their real standard deviation, `(d,)`."""
    found = np.full(len(real.drawdowns), np.nan)
    for i, (a, b) in enumerate(zip(real.drawdowns, synthetic.drawdowns, strict=True)):
        if a[-1] > a[0]:
            both = np.sort(np.concatenate([a, b]))
            below = [np.searchsorted(each, both[:-1], side="right") / each.size for each in (a, b)]
            found[i] = np.abs(below[0] - below[1]) @ np.diff(both) / a.std()
    return found


def _quantiles(ordered: Array, levels: Array) -> Array:
    """Quantiles `(k, d)` of values in order `(d, n)`, halfway between neighbours as numpy has them."""
    at = levels * (ordered.shape[1] - 1)
    return np.array([np.interp(at, np.arange(one.size), one) for one in ordered]).T


@curve(
    name="tail_left",
    title="Tail of the losses",
    x_title="share of bars with a larger loss",
    y_title="loss (log return)",
    x_log=True,
    y_log=True,
    needs=_RETURNS,
)
def tail_left(x: Array) -> Points:
    """The loss that each share of the bars exceeds, from one in five to one in 2,000; a power law is a line."""
    return Points(CURVE_SHARES, -_quantiles(np.sort(by_series(x), axis=1), CURVE_SHARES))


@curve(
    name="tail_right",
    title="Tail of the gains",
    x_title="share of bars with a larger gain",
    y_title="gain (log return)",
    x_log=True,
    y_log=True,
    needs=_RETURNS,
)
def tail_right(x: Array) -> Points:
    """The gain that each share of the bars exceeds, from one in five to one in 2,000; a power law is a line."""
    return Points(CURVE_SHARES, _quantiles(np.sort(by_series(x), axis=1), 1 - CURVE_SHARES))


@curve(
    name="drawdown",
    title="Drawdowns within windows",
    x_title="share of windows with a smaller drawdown",
    y_title="largest drawdown (share of the price)",
    needs=_RETURNS,
)
def drawdown(x: Array) -> Points:
    """Quantiles of the windows' largest drawdowns."""
    return Points(CURVE_LEVELS, _quantiles(np.sort(drawdowns(x).T, axis=1), CURVE_LEVELS))
