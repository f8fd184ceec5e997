"""Dependence across series: moves in the tails at the same time, the common factor, volume against volatility.

Correlation alone says little about crashes. The bar to pass is a Gaussian copula's: at the same rank correlation it has
joint losses too rarely, and so has every model whose series are linear in Gaussian numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthfin_core.evaluation.metric import RETURNS, Array, Context, Finding, Needs, by_series, metric

#: Share of each series' values that are its tail.
TAIL = 0.05

#: Trailing steps whose mean is taken from log volume, and the fewest that make one.
TRAILING, LEAST_TRAILING = 60, 5

#: Rank correlations are computed from at most this many steps, spread evenly.
MOST_RANKED = 20_000


@dataclass(frozen=True)
class Dependence:
    """What the scores across series share of one data set, each a matrix `(d, d)`.

    Attributes
    ----------
    lower, upper : ndarray
        Tail dependence: element `(i, j)` is the chance of a move of series `i` in its tail, given one of `j`.
    gaussian : ndarray
        Tail dependence, lower and upper alike, of the Gaussian copula with the same rank correlations.
    correlation : ndarray
    """

    lower: Array
    upper: Array
    gaussian: Array
    correlation: Array


def prepare_dependence(x: Array) -> Dependence:
    """What the scores of returns across series compute once from windows `x (n, t, d)`."""
    values = by_series(x)
    return Dependence(
        tail_dependence(values),
        tail_dependence(-values),
        gaussian_tail_dependence(rank_correlation(values)),
        np.atleast_2d(np.corrcoef(values)),
    )


def tail_dependence(values: Array, share: float = TAIL) -> Array:
    r"""Lower tail dependence at a finite level, for every pair of series.

    .. math:: \lambda_{ij} = P(r_i \le q_i \mid r_j \le q_j)

    with `q` the quantile of each series at `share`. Independent series give `share`, identical ones 1. The upper tail
    is that of the values with their sign turned.

    Parameters
    ----------
    values : ndarray (d, s)
    share : float

    Returns
    -------
    ndarray (d, d)
    """
    at = int(share * (values.shape[1] - 1))
    quantile = np.partition(values, at, axis=1)[:, at, None]  # a value that occurs, so no tail is empty
    inside = (values <= quantile).astype(np.float32)  # (d, s)
    joint = (inside @ inside.T).astype(np.float64)
    found: Array = joint / np.diag(joint)
    return found


def rank_correlation(values: Array) -> Array:
    """Spearman's rank correlation of every pair of series `(d, s)`, over at most 20,000 steps spread evenly, `(d, d)`.

    Equal values are ranked in no particular order.
    """
    kept = values[:, :: -(-values.shape[1] // MOST_RANKED)]
    ranks = np.empty(kept.shape)
    np.put_along_axis(ranks, np.argsort(kept, axis=1), np.arange(float(kept.shape[1]))[None], axis=1)
    return np.atleast_2d(np.corrcoef(ranks))


def gaussian_tail_dependence(rank: Array, share: float = TAIL) -> Array:
    r"""Tail dependence of the Gaussian copula with Spearman's correlations `rank (d, d)`.

    The copula's correlation is :math:`\rho = 2 \sin(\pi \rho_S / 6)`, and with :math:`z = \Phi^{-1}(\alpha)` and Owen's
    function `T` its tail dependence at level :math:`\alpha` is

    .. math:: \frac{\Phi_2(z, z; \rho)}{\alpha}
        = \frac{1}{\alpha} \Big(\alpha - 2\, T\Big(z, \sqrt{\tfrac{1 - \rho}{1 + \rho}}\Big)\Big).

    Source: Owen (1956), Annals of Mathematical Statistics 27.
    """
    from scipy.special import ndtri, owens_t

    rho = np.clip(2 * np.sin(np.pi * rank / 6), -1 + 1e-12, 1)
    found: Array = 1 - 2 * owens_t(ndtri(share), np.sqrt((1 - rho) / (1 + rho))) / share
    return np.clip(found, 0, 1)


def first_share(matrix: Array) -> float:
    """The largest eigenvalue of a correlation matrix `(d, d)` over `d`: 1 for one common factor, `1/d` for none."""
    return float(np.linalg.eigvalsh(matrix)[-1] / len(matrix))


def volume_volatility(log_volume: Array, returns: Array, window: int = TRAILING) -> float:
    r"""Correlation of volume against its trend with the size of moves, in one long series.

    .. math:: \operatorname{corr}\Big(v_s - \frac{1}{w} \sum_{u=s-w+1}^{s} v_u,\; |r_s|\Big)

    Parameters
    ----------
    log_volume, returns : ndarray (s,)
        Logarithm of the volume, and log return, of the same bars.
    window : int
        `w`, the bars whose mean is the trend; the first `w - 1` bars have none and are left out.
    """
    return float(_against_trend(log_volume[None, :, None], np.abs(returns)[None, :, None], window, window)[0, 0])


def volume_against_volatility(x: Array) -> Array:
    """Correlation of each series against its trailing mean with the size of every other, within windows.

    The trailing mean takes up to 60 steps of the same window and the first four of a window are left out. Nothing but
    the kinds of the series says which of these numbers mean something: rows of volumes, columns of returns.

    Parameters
    ----------
    x : ndarray (n, t, d)
        Log volume and log return, per bar.

    Returns
    -------
    ndarray (d, d)
    """
    return _against_trend(x, np.abs(x), TRAILING, LEAST_TRAILING)


def _against_trend(x: Array, size: Array, most: int, least: int) -> Array:
    """Correlations of `x (n, t, d)` less its trailing mean over `least` to `most` steps with `size (n, t, d)`."""
    values, sizes = (np.ascontiguousarray(part.transpose(2, 1, 0)) for part in (x, size))  # (d, t, n)
    trailing = np.cumsum(values, axis=1)
    trailing[:, most:] -= trailing[:, :-most].copy()
    trailing /= np.minimum(np.arange(1, values.shape[1] + 1), most)[:, None]
    a, b = (part[:, least - 1 :].reshape(len(part), -1) for part in (values - trailing, sizes))
    a, b = (part - part.mean(axis=1, keepdims=True) for part in (a, b))  # (d, n (t - least + 1))
    scale = np.sqrt(np.outer(np.einsum("ds,ds->d", a, a), np.einsum("ds,ds->d", b, b)))
    found: Array = np.divide(a @ b.T, scale, out=np.full(scale.shape, np.nan), where=scale > 0)
    return found


def _pairs(matrix: Array) -> Array:
    """The elements of a matrix `(d, d)` beside its diagonal; `(i, j)` and `(j, i)` may differ where values tie."""
    return matrix[~np.eye(len(matrix), dtype=bool)]


_SEVERAL = Needs(returns=True, series=2, synthetic_varies=True)


@metric(
    name="lower_tail_dependence",
    title="Joint losses",
    group="across series",
    better="lower",
    needs=_SEVERAL,
    prepare=prepare_dependence,
    figure="joint tails",
    help="How differently the worst days of one series are the worst days of another: the gap between the chances.",
)
def lower_tail_dependence(real: Dependence, synthetic: Dependence) -> Finding:
    """Mean absolute gap of the lower tail dependence at 5 % over all pairs; see `tail_dependence`."""
    gap = float(np.abs(_pairs(synthetic.lower) - _pairs(real.lower)).mean())
    return Finding(gap, {"real": real.lower, "synthetic": synthetic.lower, "gaussian": real.gaussian})


@metric(
    name="upper_tail_dependence",
    title="Joint gains",
    group="across series",
    better="lower",
    needs=_SEVERAL,
    prepare=prepare_dependence,
    figure="joint tails",
    help="How differently the best days of one series are the best days of another: the gap between the chances.",
)
def upper_tail_dependence(real: Dependence, synthetic: Dependence) -> Finding:
    """Mean absolute gap of the upper tail dependence at 5 % over all pairs; see `tail_dependence`."""
    gap = float(np.abs(_pairs(synthetic.upper) - _pairs(real.upper)).mean())
    return Finding(gap, {"real": real.upper, "synthetic": synthetic.upper, "gaussian": real.gaussian})


@metric(
    name="joint_losses_over_gaussian",
    title="Joint losses beside a Gaussian copula's",
    group="across series",
    better="none",
    unit="times a Gaussian copula's",
    needs=_SEVERAL,
    prepare=prepare_dependence,
    help="How much oftener the synthetic series lose together than Gaussian ones of the same rank correlation would; "
    "shares are usually well above one, and a model that is Gaussian at heart cannot be.",
)
def joint_losses_over_gaussian(real: Dependence, synthetic: Dependence) -> float:
    """Mean lower tail dependence of the synthetic pairs over the Gaussian copula's at their rank correlations."""
    return _over_gaussian(synthetic)


@metric(
    name="real_joint_losses_over_gaussian",
    title="Joint losses beside a Gaussian copula's, real",
    group="across series",
    better="none",
    unit="times a Gaussian copula's",
    needs=_SEVERAL,
    prepare=prepare_dependence,
    help="The same for the real training data: the bar that the synthetic data are to reach.",
)
def real_joint_losses_over_gaussian(real: Dependence, synthetic: Dependence) -> float:
    """Mean lower tail dependence of the real pairs over the Gaussian copula's at their rank correlations."""
    return _over_gaussian(real)


def _over_gaussian(one: Dependence) -> float:
    gaussian = float(_pairs(one.gaussian).mean())
    return float(_pairs(one.lower).mean()) / gaussian if gaussian > 0 else float("nan")


@metric(
    name="first_factor_distance",
    title="Common factor",
    group="across series",
    better="lower",
    needs=_SEVERAL,
    prepare=prepare_dependence,
    help="How differently much of all movement is one common movement of the whole market, as a share from 0 to 1.",
)
def first_factor_distance(real: Dependence, synthetic: Dependence) -> float:
    """Absolute gap between the largest eigenvalues of the correlation matrices, each over the number of series."""
    return abs(first_share(synthetic.correlation) - first_share(real.correlation))


@metric(
    name="volume_volatility_distance",
    title="Volume against volatility",
    group="across series",
    better="lower",
    needs=Needs(volume=True, series=2, length=2 * LEAST_TRAILING, synthetic_varies=True),
    prepare=volume_against_volatility,
    context=True,
    help="Whether unusually busy days are days of large moves, as in real markets: the gap between the correlations.",
)
def volume_volatility_distance(real: Array, synthetic: Array, context: Context) -> Finding:
    """Mean absolute gap of corr(log volume less its trailing mean, |r|) over all pairs of a volume and a return."""
    at = np.ix_(_of_kind(context, ("volume",)), _of_kind(context, RETURNS))
    gap = float(np.abs(synthetic[at] - real[at]).mean())
    return Finding(gap, {"real": real[at], "synthetic": synthetic[at]})


def _of_kind(context: Context, kinds: Sequence[str]) -> list[int]:
    return [i for i, kind in enumerate(context.kinds) if kind in kinds]
