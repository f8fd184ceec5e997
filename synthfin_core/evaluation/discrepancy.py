"""Maximum mean discrepancy of the windows' path features, and a permutation test of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthfin_core.evaluation.features import Described, described
from synthfin_core.evaluation.metric import Array, Context, metric
from synthfin_core.rng import stream

#: At most this many windows a side: the kernel matrix grows with the square.
MOST_WINDOWS = 500

#: Random divisions in the permutation test; the smallest p-value is one over this plus one.
PERMUTATIONS = 199

#: The test is left out where real data hold fewer windows than this that share no step.
FEWEST_DISJOINT = 5

#: Stands beside the p-value.
MMD_CAVEAT = (
    "It takes windows that share no step, because the test assumes that windows can be exchanged. In a market calm "
    "and wild years differ even so, so that a small p-value may also mean that the two sides saw other years."
)


def gaussian_kernel(features: Array, bandwidth: float | None = None) -> Array:
    """Kernel matrix `k(a, b) = exp(-|a - b|^2 / (2 bandwidth^2))` of the rows of `features (n, f)`, `(n, n)`.

    The bandwidth is the median distance between two rows where none is given, and one where that is zero.
    """
    squares = np.einsum("if,if->i", features, features)
    between = squares[:, None] + squares - 2 * (features @ features.T)
    np.fill_diagonal(between, 0.0)
    between = np.maximum(between, 0.0, out=between)
    if bandwidth is None:
        n = len(between)
        others = between.ravel()[1:].reshape(n - 1, n + 1)[:, :-1]  # all but the diagonal
        bandwidth = float(np.sqrt(np.median(others))) or 1.0
    kernel: Array = np.exp(between / (-2 * bandwidth * bandwidth))
    return kernel


def mmd_of_divisions(kernel: Array, first: Array) -> Array:
    r"""Unbiased squared MMD of several divisions of one sample into two parts.

    .. math:: \frac{1}{n (n-1)} \sum_{i \ne j} k(x_i, x_j) + \frac{1}{m (m-1)} \sum_{i \ne j} k(y_i, y_j)
              - \frac{2}{n m} \sum_{i, j} k(x_i, y_j).

    Parameters
    ----------
    kernel : ndarray (N, N)
        With ones on its diagonal.
    first : ndarray (N, p)
        One division a column: 1 for a row of the first part, 0 for a row of the second. All have equal parts.

    Returns
    -------
    ndarray (p,)
        Zero on average where both parts come from one distribution, so about half of them are negative then.
        Source: Gretton et al. (2012), "A kernel two-sample test".
    """
    size = len(kernel)
    n = float(first[:, 0].sum())
    m = size - n
    rows = kernel.sum(axis=1)
    within_first = np.einsum("ip,ip->p", first, kernel @ first)
    of_first = rows @ first  # all pairs with one of the first part
    within_second = rows.sum() - 2 * of_first + within_first
    between = of_first - within_first
    found: Array = (within_first - n) / (n * (n - 1)) + (within_second - m) / (m * (m - 1)) - 2 * between / (n * m)
    return found


def permutation_test(kernel: Array, n: int, permutations: int, draws: np.random.Generator) -> float:
    """P-value of the unbiased MMD between the first `n` rows of a sample and the others.

    The share of random divisions, the given one among them, whose MMD is no smaller. It is exact where the rows
    can be exchanged.
    """
    given = np.arange(len(kernel)) < n
    divisions = np.stack([given] + [draws.permutation(given) for _ in range(permutations)], axis=1)
    found = mmd_of_divisions(kernel, divisions.astype(np.float64))
    return float((found >= found[0] - 1e-12).mean())


def disjoint(starts: NDArray[np.intp], t: int) -> NDArray[np.intp]:
    """Positions of as many windows of `t` steps as possible, in order, of which no two share a step."""
    chosen: list[int] = []
    for i, start in enumerate(starts.tolist()):
        if not chosen or start - starts[chosen[-1]] >= t:
            chosen.append(i)
    return np.array(chosen)


def _standardised(real: Array, synthetic: Array) -> Array:
    """Features of both sides, one below the other, with mean zero and variance one over both together."""
    both = np.concatenate([real, synthetic])
    deviation = both - both.mean(axis=0)
    scale = deviation.std(axis=0)
    kept = scale > 1e-12 * np.abs(both).max(axis=0)  # a feature that is the same for all tells nothing
    found: Array = deviation[:, kept] / scale[kept]
    return found


def _drawn(described: Described, among: NDArray[np.intp], seed: int) -> Array:
    """Features of at most `MOST_WINDOWS` windows `among` those described."""
    if len(among) > MOST_WINDOWS:
        among = stream(seed, "discrepancy").choice(among, MOST_WINDOWS, replace=False)
    return described.features[among]


@metric(
    name="mmd",
    title="MMD of path features",
    group="judges",
    better="lower",
    prepare=described,
    context=True,
    help="How differently windows look in volatility, tails, memory and correlation, all taken together.",
)
def mmd(real: Described, synthetic: Described, context: Context) -> float:
    """Unbiased squared maximum mean discrepancy between the path features of both sides, zero where negative.

    Gaussian kernel of the standardised features with the median distance as bandwidth, on at most 500 windows a
    side; windows that overlap are among them, which leaves the estimate right and makes it less sure.
    """
    sides = [_drawn(side, np.arange(len(side.starts)), context.seed) for side in (real, synthetic)]
    kernel = gaussian_kernel(_standardised(*sides))
    first = np.arange(len(kernel)) < len(sides[0])
    return max(float(mmd_of_divisions(kernel, first[:, None].astype(np.float64))[0]), 0.0)


@metric(
    name="mmd_p_value",
    title="MMD p-value",
    group="judges",
    better="none",
    prepare=described,
    context=True,
    help="How often random halves of both sides together would look at least as different. " + MMD_CAVEAT,
)
def mmd_p_value(real: Described, synthetic: Described, context: Context) -> float:
    """P-value of the permutation test of the MMD with 199 permutations; see `MMD_CAVEAT` before reading it.

    Only windows that share no step are taken, at most 500 a side. With fewer than five on either side it is NaN.
    """
    apart = [disjoint(side.starts, side.length) for side in (real, synthetic)]
    if min(map(len, apart)) < FEWEST_DISJOINT:
        return float("nan")
    sides = [_drawn(side, among, context.seed) for side, among in zip((real, synthetic), apart, strict=True)]
    kernel = gaussian_kernel(_standardised(*sides))
    return permutation_test(kernel, len(sides[0]), PERMUTATIONS, stream(context.seed, "permutations"))
