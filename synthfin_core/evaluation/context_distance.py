"""Context-FID: the Fréchet distance between what an encoder, trained on the real windows, makes of both sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from synthfin_core.errors import DataError
from synthfin_core.evaluation.metric import Array, Context, Needs, by_series, check_windows, metric
from synthfin_core.rng import stream

if TYPE_CHECKING:
    from synthfin_core.judges.encoder import EncoderSize

#: At most this many windows of each side are encoded.
MOST_WINDOWS = 1000

#: Up to this many real values (windows times steps times series) the literature trains for the shorter time.
FEW_VALUES = 100_000


@metric(
    name="context_fid",
    title="Context-FID",
    group="judges",
    better="lower",
    needs=Needs(windows=16, length=4),
    learned=True,
    together=True,
    context=True,
    help="How differently an encoder that learned the real windows sees the synthetic ones as a whole.",
)
def context_fids(pairs: Sequence[tuple[Array, Array]], context: Context) -> list[float]:
    """Context-FID of each pair `(real (n, t, d), synthetic (m, t, d))`, with one encoder a real data set.

    The encoder is smaller than the literature's (32 channels in 6 blocks, 64 out, 200 steps) so that it learns in
    seconds: compare these numbers with each other and take those for a paper from `context_fid`. Every data set of
    a call gives as many windows, because the covariance of few is too uneven and the distance grows with it.
    """
    from synthfin_core.judges.encoder import EncoderSize

    size = EncoderSize(output=64, hidden=32, depth=6, iterations=200)
    count = min(MOST_WINDOWS, *(len(side) for pair in pairs for side in pair))
    found = [0.0] * len(pairs)
    for real in {id(real): real for real, _ in pairs}.values():
        judged = [i for i, pair in enumerate(pairs) if pair[0] is real]
        values = _distances(real, [pairs[i][1] for i in judged], size, count, context.seed)
        for i, value in zip(judged, values, strict=True):
            found[i] = value
    return found


def context_fid(
    real: Array,
    synthetic: Array,
    *,
    iterations: int | None = None,
    hidden: int = 64,
    output: int = 320,
    depth: int = 10,
    standardise: bool = True,
    seed: int = 0,
) -> float:
    """Context-FID by the literature's protocol: minutes on one core, so that no scorecard waits for it.

    The published numbers are means of five calls with different seeds, on windows scaled to [0, 1] by the real
    smallest and largest value: scale both sides so and set `standardise` to False to compare with them.

    Parameters
    ----------
    real, synthetic : ndarray (n, t, d), (m, t, d)
        The encoder learns all real windows; the distance is taken over equally many of both sides.
    iterations : int, optional
        Steps of training; by default 200 where the real data hold at most 100,000 values, and 600 otherwise.
    hidden, output, depth : int
        See `EncoderSize`.
    standardise : bool
        Bring both sides to the real mean zero and variance one, series by series, and show the encoder
        `asinh` of that. It would not see returns of a hundredth; and where it saw crashes in full, the covariances
        would hang on a few windows (two samples of one GARCH process would come out ten times apart).
    seed : int
        Of weights, crops, masks and the choice of windows.

    Raises
    ------
    DataError
        If a value is missing or infinite, or the two sides differ in steps or series.

    Notes
    -----
    Source: Jeha et al. (2022), "PSA-GAN"; settings of Yuan and Qiao (2024), "Diffusion-TS".
    """
    from synthfin_core.judges.encoder import EncoderSize

    real, synthetic = check_windows(real, "The real data"), check_windows(synthetic, "The synthetic data")
    if real.shape[1:] != synthetic.shape[1:]:
        raise DataError(
            f"Synthetic windows of (steps, series) {synthetic.shape[1:]} came, the real ones have {real.shape[1:]}: "
            "compare windows of one length and of the same series."
        )
    if iterations is None:
        iterations = 200 if real.size <= FEW_VALUES else 600
    size = EncoderSize(output=output, hidden=hidden, depth=depth, iterations=iterations)
    count = min(len(real), len(synthetic))
    return _distances(real, [synthetic], size, count, seed, standardise)[0]


def _distances(
    real: Array, sets: Sequence[Array], size: EncoderSize, count: int, seed: int, standardise: bool = True
) -> list[float]:
    """Fréchet distance of each of the `sets` from `real`, with `count` windows of each, by one encoder."""
    from synthfin_core.judges.encoder import encoded, trained_encoder

    mean, scale = by_series(real).mean(axis=1), by_series(real).std(axis=1)
    scale = np.where(scale > 0, scale, 1.0)

    def seen(x: Array) -> Array:
        return np.arcsinh((x - mean) / scale) if standardise else x

    def contexts(x: Array) -> Array:
        chosen = stream(seed, "context").choice(len(x), count, replace=False)
        return encoded(encoder, seen(x[np.sort(chosen)]))

    encoder = trained_encoder(seen(real), size, seed)
    of_real = contexts(real)
    return [frechet_distance(of_real, contexts(x)) for x in sets]


def frechet_distance(a: Array, b: Array) -> float:
    r"""Squared Fréchet distance between the Gaussians with the moments of `a (n, f)` and `b (m, f)`.

    .. math:: |\mu_a - \mu_b|^2 + \mathrm{tr}\,(S_a + S_b - 2 (S_a S_b)^{1/2}).

    The trace of the last term is the sum of the singular values of :math:`S_a^{1/2} S_b^{1/2}`, which needs no
    root of a product that is not symmetric, and stays exact where a covariance has no full rank.
    """
    gap = a.mean(axis=0) - b.mean(axis=0)
    covariances = [np.atleast_2d(np.cov(side, rowvar=False)) for side in (a, b)]
    one, other = (_symmetric_root(covariance) for covariance in covariances)
    shared = np.linalg.svd(one @ other, compute_uv=False).sum()
    return max(float(gap @ gap + sum(np.trace(covariance) for covariance in covariances) - 2 * shared), 0.0)


def _symmetric_root(covariance: Array) -> Array:
    values, vectors = np.linalg.eigh(covariance)
    root: Array = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return root
