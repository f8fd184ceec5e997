"""Backtests: had the synthetic data's risk numbers been used in the hold-out years, would they have held?

Value at risk and expected shortfall come from the synthetic windows, one number for all of the hold-out; the losses
come from the real hold-out, each bar once however its windows overlap. Scored are the tests' statistics, zero for a
perfect forecast, because they have a noise floor; p-values are shown, because they are asked for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthfin_core.evaluation.metric import Array, Context, Needs, metric
from synthfin_core.evaluation.rows import Rows
from synthfin_core.evaluation.tails import Tails, expected_shortfall, prepare_tails, value_at_risk
from synthfin_core.rng import stream

#: Simulated hold-outs behind a p-value.
SIMULATIONS = 1000

_HOLDOUT = Needs(returns=True, holdout=1)

_CAVEAT = "Shown, not scored: it takes days for independent, and clustered volatility makes it too extreme."


def exceptions(rows: Rows, ordered: Array, share: float) -> NDArray[np.bool_]:
    """Which hold-out bars lost more than the value at risk of `ordered (d, n)`, `(h, d)`."""
    exceeded: NDArray[np.bool_] = rows.values < -value_at_risk(ordered, share)
    return exceeded


def kupiec(count: Array, bars: int, share: float) -> Array:
    r"""Kupiec's likelihood ratio of unconditional coverage: is the number of exceptions the one that was promised?

    With `x` exceptions in `n` bars, the promised chance :math:`\alpha` and the observed :math:`\hat\pi = x / n`:

    .. math:: LR_{uc} = -2 \ln \frac{(1-\alpha)^{n-x} \alpha^x}{(1-\hat\pi)^{n-x} \hat\pi^x} \sim \chi^2_1.

    Source: Kupiec (1995), Journal of Derivatives 3. Below some 250 bars it sees little.

    Parameters
    ----------
    count : ndarray (d,)
        Exceptions.
    bars : int
    share : float
        The promised chance of an exception.

    Returns
    -------
    ndarray (d,)
        Zero where exactly the promised share was seen.
    """
    from scipy.special import xlogy

    x = np.asarray(count, dtype=np.float64)
    promised = xlogy(bars - x, 1 - share) + xlogy(x, share)
    observed = xlogy(bars - x, 1 - x / bars) + xlogy(x, x / bars)
    ratio: Array = np.maximum(2 * (observed - promised), 0.0)
    return ratio


def christoffersen(exceeded: NDArray[np.bool_], follow: NDArray[np.bool_]) -> Array:
    r"""Christoffersen's likelihood ratio of independence: is an exception likelier on the day after one?

    With :math:`n_{ij}` the number of steps from state `i` to `j` (1: exception), :math:`\pi_i = n_{i1} / (n_{i0} +
    n_{i1})` and :math:`\pi` the share of exceptions whatever came before:

    .. math:: LR_{ind} = 2 \ln \frac{(1-\pi_0)^{n_{00}} \pi_0^{n_{01}} (1-\pi_1)^{n_{10}} \pi_1^{n_{11}}}
        {(1-\pi)^{n_{00}+n_{10}} \pi^{n_{01}+n_{11}}} \sim \chi^2_1.

    Source: Christoffersen (1998), International Economic Review 39.

    Parameters
    ----------
    exceeded : ndarray of bool (h, d)
    follow : ndarray of bool (h,)
        Bars that follow the one before them without a break; only these steps count.

    Returns
    -------
    ndarray (d,)
        NaN where no step leaves an exception.
    """
    from scipy.special import xlogy

    before, after = exceeded[:-1][follow[1:]], exceeded[1:][follow[1:]]  # (steps, d)
    n = np.array([[(b & a).sum(axis=0) for a in (~after, after)] for b in (~before, before)])  # (2, 2, d)

    def fit(stay: Array, hit: Array) -> Array:
        all_steps = np.maximum(stay + hit, 1)
        likelihood: Array = xlogy(stay, stay / all_steps) + xlogy(hit, hit / all_steps)
        return likelihood

    ratio = 2 * (fit(n[0, 0], n[0, 1]) + fit(n[1, 0], n[1, 1]) - fit(n[0, 0] + n[1, 0], n[0, 1] + n[1, 1]))
    return np.where(n[1].sum(axis=0) > 0, np.maximum(ratio, 0.0), np.nan)


def acerbi_szekely(rows: Rows, ordered: Array, share: float) -> Array:
    r"""Acerbi and Székely's second test of an expected shortfall.

    .. math:: Z_2 = 1 + \frac{1}{n \alpha\, ES_\alpha} \sum_{s=1}^{n} r_s I_s

    with :math:`I_s = 1` where :math:`r_s < -VaR_\alpha` and 0 elsewhere.

    Zero when calibrated; minus one when the losses beyond the value at risk add up to twice what was promised.
    Source: Acerbi and Székely (2014), Risk.

    Parameters
    ----------
    rows : Rows
        Hold-out bars, log return.
    ordered : ndarray (d, n)
        Values that give the forecasts, lowest first.
    share : float

    Returns
    -------
    ndarray (d,)
        NaN where the expected shortfall is not a loss.
    """
    lost = np.where(exceptions(rows, ordered, share), rows.values, 0.0).sum(axis=0)
    found: Array = 1 + lost / _promised(len(rows.values), ordered, share)
    return found


def _promised(bars: int, ordered: Array, share: float) -> Array:
    """The sum of losses beyond the value at risk that `bars` bars should see, `(d,)`; NaN where it is none."""
    shortfall = expected_shortfall(ordered, share)
    return np.where(shortfall > 0, bars * share * shortfall, np.nan)


def acerbi_szekely_p_value(rows: Rows, ordered: Array, share: float, seed: int) -> Array:
    """Share of simulated hold-outs with a `Z_2` as low as the one found, `(d,)`; small where risk is understated.

    Simulated hold-outs draw their bars independently from the values of `ordered`. Only bars beyond the value at
    risk enter the sum, so it is enough to draw how many there are, and those.
    """
    random = stream(seed, "acerbi-szekely")
    bars = len(rows.values)
    found, promised = acerbi_szekely(rows, ordered, share), _promised(bars, ordered, share)
    p = np.full(len(ordered), np.nan)
    for i, (one, risk) in enumerate(zip(ordered, value_at_risk(ordered, share), strict=True)):
        tail = one[: np.searchsorted(one, -risk)]
        if tail.size and np.isfinite(promised[i]):
            count = random.binomial(bars, share, size=SIMULATIONS)
            summed = np.append(0.0, np.cumsum(tail[random.integers(tail.size, size=count.sum())]))
            ends = np.cumsum(count)
            simulated = 1 + (summed[ends] - summed[ends - count]) / promised[i]
            p[i] = (1 + np.count_nonzero(simulated <= found[i])) / (1 + SIMULATIONS)
    return p


def _kupiec(synthetic: Tails, context: Context, share: float) -> Array:
    rows: Rows = context.holdout.rows
    return kupiec(exceptions(rows, synthetic.ordered, share).sum(axis=0), len(rows.values), share)


def _p_value(ratio: Array) -> Array:
    """The chance of a likelihood ratio as large or larger, with one degree of freedom."""
    from scipy.special import chdtrc

    p: Array = chdtrc(1, ratio)
    return p


def _times_promised(synthetic: Tails, context: Context, share: float) -> Array:
    rate: Array = exceptions(context.holdout.rows, synthetic.ordered, share).mean(axis=0) / share
    return rate


@metric(
    name="exceptions_1",
    title="Losses beyond the 1 % value at risk",
    group="tails",
    better="none",
    unit="times promised",
    needs=_HOLDOUT,
    prepare=prepare_tails,
    context=True,
    help="How often the hold-out lost more than the synthetic data's value at risk; above one means too often.",
)
def exceptions_1(real: Tails, synthetic: Tails, context: Context) -> Array:
    """Share of hold-out bars beyond the synthetic 1 % value at risk, over 1 %, `(d,)`."""
    return _times_promised(synthetic, context, 0.01)


@metric(
    name="exceptions_5",
    title="Losses beyond the 5 % value at risk",
    group="tails",
    better="none",
    unit="times promised",
    needs=_HOLDOUT,
    prepare=prepare_tails,
    context=True,
    help="How often the hold-out lost more than the synthetic data's value at risk; above one means too often.",
)
def exceptions_5(real: Tails, synthetic: Tails, context: Context) -> Array:
    """Share of hold-out bars beyond the synthetic 5 % value at risk, over 5 %, `(d,)`."""
    return _times_promised(synthetic, context, 0.05)


@metric(
    name="kupiec_1",
    title="Kupiec's test, 1 %",
    group="tails",
    better="lower",
    needs=_HOLDOUT,
    prepare=prepare_tails,
    context=True,
    help="How implausible the number of hold-out losses beyond the 1 % value at risk is, too many or too few.",
)
def kupiec_1(real: Tails, synthetic: Tails, context: Context) -> Array:
    """Kupiec's likelihood ratio on the hold-out at 1 %, `(d,)`; see `kupiec`."""
    return _kupiec(synthetic, context, 0.01)


@metric(
    name="kupiec_5",
    title="Kupiec's test, 5 %",
    group="tails",
    better="lower",
    needs=_HOLDOUT,
    prepare=prepare_tails,
    context=True,
    help="How implausible the number of hold-out losses beyond the 5 % value at risk is, too many or too few.",
)
def kupiec_5(real: Tails, synthetic: Tails, context: Context) -> Array:
    """Kupiec's likelihood ratio on the hold-out at 5 %, `(d,)`; see `kupiec`."""
    return _kupiec(synthetic, context, 0.05)


@metric(
    name="kupiec_p_value_1",
    title="Kupiec's p-value, 1 %",
    group="tails",
    better="none",
    needs=_HOLDOUT,
    prepare=prepare_tails,
    context=True,
    help="The chance of a number of losses beyond the 1 % value at risk as far off as this by luck. " + _CAVEAT,
)
def kupiec_p_value_1(real: Tails, synthetic: Tails, context: Context) -> Array:
    """The p-value of `kupiec_1` by its asymptotic chi-squared distribution, `(d,)`."""
    return _p_value(_kupiec(synthetic, context, 0.01))


@metric(
    name="kupiec_p_value_5",
    title="Kupiec's p-value, 5 %",
    group="tails",
    better="none",
    needs=_HOLDOUT,
    prepare=prepare_tails,
    context=True,
    help="The chance of a number of losses beyond the 5 % value at risk as far off as this by luck. " + _CAVEAT,
)
def kupiec_p_value_5(real: Tails, synthetic: Tails, context: Context) -> Array:
    """The p-value of `kupiec_5` by its asymptotic chi-squared distribution, `(d,)`."""
    return _p_value(_kupiec(synthetic, context, 0.05))


@metric(
    name="christoffersen_p_value_5",
    title="Christoffersen's p-value, 5 %",
    group="tails",
    better="none",
    needs=_HOLDOUT,
    prepare=prepare_tails,
    context=True,
    help="Whether losses beyond the 5 % value at risk come in clusters. Shown, not scored: a value at risk that is the "
    "same every day, as this one, fails wherever volatility clusters, and the real data's own fails as well.",
)
def christoffersen_p_value_5(real: Tails, synthetic: Tails, context: Context) -> Array:
    """The p-value of Christoffersen's independence test on the hold-out at 5 %, `(d,)`; see `christoffersen`."""
    rows: Rows = context.holdout.rows
    return _p_value(christoffersen(exceptions(rows, synthetic.ordered, 0.05), rows.follow))


@metric(
    name="acerbi_szekely_1",
    title="Acerbi-Székely's test, 1 %",
    group="tails",
    better="lower",
    needs=_HOLDOUT,
    prepare=prepare_tails,
    context=True,
    help="How far the hold-out's losses beyond the 1 % value at risk add up to more or less than the synthetic data "
    "promise: one means twice as much, or nothing at all.",
)
def acerbi_szekely_1(real: Tails, synthetic: Tails, context: Context) -> Array:
    """Size of Acerbi-Székely's `Z_2` on the hold-out at 1 %, `(d,)`; see `acerbi_szekely`."""
    return np.abs(acerbi_szekely(context.holdout.rows, synthetic.ordered, 0.01))


@metric(
    name="acerbi_szekely_2_5",
    title="Acerbi-Székely's test, 2.5 %",
    group="tails",
    better="lower",
    needs=_HOLDOUT,
    prepare=prepare_tails,
    context=True,
    help="How far the hold-out's losses beyond the 2.5 % value at risk add up to more or less than the synthetic data "
    "promise: one means twice as much, or nothing at all.",
)
def acerbi_szekely_2_5(real: Tails, synthetic: Tails, context: Context) -> Array:
    """Size of Acerbi-Székely's `Z_2` on the hold-out at 2.5 %, `(d,)`; see `acerbi_szekely`."""
    return np.abs(acerbi_szekely(context.holdout.rows, synthetic.ordered, 0.025))


@metric(
    name="acerbi_szekely_p_value_2_5",
    title="Acerbi-Székely's p-value, 2.5 %",
    group="tails",
    better="none",
    needs=_HOLDOUT,
    prepare=prepare_tails,
    context=True,
    help="The chance of losses beyond the 2.5 % value at risk that add up to this much or more, by luck: near zero the "
    "synthetic data understate the risk, near one they overstate it. " + _CAVEAT,
)
def acerbi_szekely_p_value_2_5(real: Tails, synthetic: Tails, context: Context) -> Array:
    """The simulated one-sided p-value of `Z_2` at 2.5 %, `(d,)`; see `acerbi_szekely_p_value`."""
    return acerbi_szekely_p_value(context.holdout.rows, synthetic.ordered, 0.025, context.seed)
