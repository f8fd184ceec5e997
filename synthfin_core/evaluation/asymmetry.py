"""What real returns do differently forwards and backwards, or upwards and downwards.

Losses are followed by wild days (leverage), coarse moves foretell fine ones better than the other way round, and prices
fall faster than they rise. Reversing time changes all three; a model that is symmetric in time can have none of them.
"""

from __future__ import annotations

import numpy as np

from synthfin_core.errors import DataError
from synthfin_core.evaluation.dependence import centred, lagged_correlation, root_mean_square, usable_lags
from synthfin_core.evaluation.horizons import starts
from synthfin_core.evaluation.metric import Array, Needs, constant, metric

#: The longest lag at which leverage is scored, in steps: after a month of daily data little is left but noise.
LEVERAGE_LAGS = 20

#: Steps in a coarse move: a week of daily data, as Müller et al. and Takahashi et al. take it.
COARSE = 5

#: The most coarse moves between two that are compared.
COARSE_LAGS = 4

#: The most steps in which a price may rise or fall by the threshold: three months of daily data.
MOST_STEPS = 60


def leverage(x: Array, lags: int) -> Array:
    r"""Correlation of returns with later squared returns within windows, `L(k) = \mathrm{corr}(r_i, r_{i+k}^2)`.

    Negative where losses are followed by wilder days than gains are. Moments are pooled over windows, as in
    `lagged_correlation`.

    Parameters
    ----------
    x : ndarray (n, t, d)
        Log returns, per bar.
    lags : int
        Lags 1 to `lags`, below `t`.

    Returns
    -------
    ndarray (lags, d)
        NaN where the returns, or their squares, are constant.

    Raises
    ------
    DataError
        If the windows are too short for that many lags.

    References
    ----------
    Bouchaud, Matacz and Potters, Physical Review Letters 87 (2001); as a correlation in Wiese et al., Quant GANs,
    Quantitative Finance 20 (2020).
    """
    return lagged_correlation(centred(x), centred(x * x), lags)[1:]


def coarse_fine(x: Array, lags: int) -> Array:
    r"""Asymmetry between coarse and fine volatility within windows, `\Delta\rho(k) = \rho(k) - \rho(-k)`.

    Of five steps from `i` on, the coarse volatility is `c_i = |\sum_j r_{i+j}|` and the fine one
    `f_i = \sum_j |r_{i+j}| / 5`. With moments pooled over windows, `\rho(k) = \mathrm{corr}(f_i, c_{i+5k})`, so that
    the difference is negative where coarse volatility foretells fine volatility better than the reverse.

    The two stretches of a pair never overlap. Pairs are counted from every step: blocks on a fixed grid would use one
    in five of them, and drop the steps at the end of the window.

    Parameters
    ----------
    x : ndarray (n, t, d)
        Log returns, per bar.
    lags : int
        Lags 1 to `lags`, in stretches of five steps; `t` must be at least `5 (lags + 1)`.

    Returns
    -------
    ndarray (lags, d)
        NaN where one of the volatilities is constant.

    Raises
    ------
    DataError
        If the windows are too short for that many lags.

    References
    ----------
    Müller et al., Journal of Empirical Finance 4 (1997); Takahashi, Chen and Tanaka-Ishii, Physica A 527 (2019).
    """
    t = x.shape[1]
    if not 1 <= lags < t // COARSE:
        raise DataError(
            f"Coarse and fine volatility were asked up to lag {lags}, windows of {t} steps allow "
            f"{max(t // COARSE - 1, 0)}: take windows of at least {COARSE * (lags + 1)} steps."
        )
    coarse = centred(np.abs(_moving_sums(x)))
    fine = centred(_moving_sums(np.abs(x)))  # a fifth of it has the same correlations
    reach = COARSE * lags
    gap = lagged_correlation(fine, coarse, reach) - lagged_correlation(coarse, fine, reach)
    return gap[COARSE::COARSE]


def _moving_sums(x: Array) -> Array:
    """Sums over five steps from every step on, `(n, t - 4, d)`."""
    found = x[:, : x.shape[1] - COARSE + 1].copy()
    for later in range(1, COARSE):
        found += x[:, later : later + found.shape[1]]
    return found


def passage_steps(length: int) -> int:
    """In how many steps a price may reach the threshold in windows of `length` steps: half of them, 60 at most."""
    return min(MOST_STEPS, length // 2)


def gain_loss(x: Array) -> Array:
    r"""How much sooner prices fall than rise by the same amount: share fallen less share risen, after 1 to `h` steps.

    .. math:: A(k) = P(\min_{j \le k} s_j \le -\theta) - P(\max_{j \le k} s_j \ge \theta)

    with `s_j` the sum of the first `j` returns after a start, and the threshold `\theta = \sigma \sqrt{h}` with the
    data set's own standard deviation `\sigma`: a model that is too calm is told so by other scores, and here only
    the shape counts. Of random walks about a third reach `\theta`, on each side, within `h` steps. The rest is
    censored at the same step for every start: starts lie half of `h` apart, the last one `h` steps before the
    window's end, so no start sees less than another and "not within `h` steps" is an outcome rather than a gap.

    Parameters
    ----------
    x : ndarray (n, t, d)
        Log returns, per bar.

    Returns
    -------
    ndarray (h, d)
        From -1 to 1; a constant series gives NaN. `h` is `passage_steps(t)`.

    References
    ----------
    Jensen, Johansen and Simonsen, Physica A 324 (2003), who compare the most frequent passage times.
    """
    n, t, d = x.shape
    steps = passage_steps(t)
    values = np.ascontiguousarray(x.transpose(1, 2, 0))  # (t, d, n)
    flat = constant(x)
    scale = np.where(flat, np.nan, values.std(axis=(0, 2)))
    path = np.zeros((t + 1, d, n))
    np.cumsum(values / (scale[:, None] * np.sqrt(steps)), axis=0, out=path[1:])
    first = starts(t, steps)
    begin = path[first]  # (s, d, n)
    lowest, highest = np.zeros_like(begin), np.zeros_like(begin)
    found = np.empty((steps, d))
    for k in range(1, steps + 1):
        move = path[first + k] - begin
        np.minimum(lowest, move, out=lowest)
        np.maximum(highest, move, out=highest)
        found[k - 1] = (lowest <= -1).mean(axis=(0, 2)) - (highest >= 1).mean(axis=(0, 2))
    found[:, flat] = np.nan
    return found


def scored_leverage(x: Array) -> Array:
    """`leverage` of `x (n, t, d)` over the lags that its windows allow, 20 at most."""
    return leverage(x, usable_lags(x.shape[1], LEVERAGE_LAGS))


def scored_coarse_fine(x: Array) -> Array:
    """`coarse_fine` of `x (n, t, d)` over the lags that its windows allow, four at most."""
    return coarse_fine(x, usable_lags(x.shape[1] // COARSE, COARSE_LAGS))


@metric(
    name="leverage_distance",
    title="Leverage distance",
    group="time",
    better="lower",
    needs=Needs(returns=True, synthetic_varies=True),
    prepare=scored_leverage,
    figure="leverage",
    help="How differently losses are followed by wilder days than gains are.",
)
def leverage_distance(real: Array, synthetic: Array) -> Array:
    """Root mean square gap between the leverage correlations, over lags 1 to 20 or half the window, `(d,)`."""
    return root_mean_square(synthetic - real)


@metric(
    name="coarse_fine_distance",
    title="Coarse-fine distance",
    group="time",
    better="lower",
    needs=Needs(returns=True, length=2 * COARSE, synthetic_varies=True),
    prepare=scored_coarse_fine,
    figure="coarse_fine",
    help="How differently the size of a week's move foretells how wild single days will be, compared with the reverse.",
)
def coarse_fine_distance(real: Array, synthetic: Array) -> Array:
    """Root mean square gap between `coarse_fine`, over lags 1 to 4 or half the window, `(d,)`."""
    return root_mean_square(synthetic - real)


@metric(
    name="gain_loss_distance",
    title="Gain-loss distance",
    group="time",
    better="lower",
    unit="share of paths",
    needs=Needs(returns=True, length=2 * COARSE, synthetic_varies=True),
    prepare=gain_loss,
    figure="gain_loss",
    help="How differently prices fall faster than they rise.",
)
def gain_loss_distance(real: Array, synthetic: Array) -> Array:
    """Root mean square gap between `gain_loss`, over 1 to 60 steps or half the window, `(d,)`."""
    return root_mean_square(synthetic - real)
