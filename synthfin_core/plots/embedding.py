"""Two coordinates for points of many: PCA keeps distances as far as two axes can, t-SNE keeps neighbours together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from synthfin_core.errors import DataError, SettingError

Array = NDArray[np.float64]

#: Most points on a map by method; t-SNE takes a few seconds for as many.
MOST_POINTS = {"PCA": 4000, "t-SNE": 1500}


def embed(points: Array, method: str = "PCA", seed: int = 0) -> tuple[Array, NDArray[np.intp]]:
    """Place `points (n, k)` on a map; the caller keeps the result, since t-SNE takes seconds.

    Parameters
    ----------
    points : ndarray (n, k)
    method : {"PCA", "t-SNE"}
        Principal components (exact), or t-SNE started from them.
    seed : int
        Of t-SNE.

    Returns
    -------
    coordinates : ndarray (m, 2)
    chosen : ndarray of int (m,)
        Which points they are: all of them, or evenly spaced ones where there are more than 4,000 (t-SNE 1,500).

    Raises
    ------
    SettingError
        If the method is unknown.
    DataError
        If there are fewer than 5 points or a value is missing.
    """
    if method not in MOST_POINTS:
        raise SettingError(f"No map is called {method!r}; there are {' and '.join(MOST_POINTS)}.")
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or len(points) < 5:
        raise DataError(f"The points for a map have shape {points.shape}, expected (points, values) and at least 5.")
    if not np.isfinite(points).all():
        raise DataError("The points for a map hold values that are missing or infinite, expected none.")
    chosen = np.linspace(0, len(points) - 1, min(len(points), MOST_POINTS[method])).round().astype(np.intp)
    scores = _principal(points[chosen], most=2 if method == "PCA" else 50)
    return (scores if method == "PCA" else _neighbours(scores, seed)), chosen


def embed_windows(
    named: Mapping[str, Array], method: str = "PCA", seed: int = 0
) -> tuple[Array, list[str], NDArray[np.intp]]:
    """Place the windows of several data sets `(n, t, d)` on one map, the same number of each.

    Each series is divided by its standard deviation in the first data set, so that none drowns the others.

    Returns
    -------
    coordinates : ndarray (m, 2)
    titles : list of str (m)
        The data set of each point.
    chosen : ndarray of int (m,)
        Which window of its data set each point is.
    """
    if not named:
        raise DataError("No data set came, expected at least one to draw a map of.")
    scale = next(iter(named.values())).std(axis=(0, 1))
    scale = np.where(scale > 0, scale, 1.0)
    share = max(1, MOST_POINTS.get(method, 0) // len(named))
    picked = {name: np.linspace(0, len(x) - 1, min(len(x), share)).round().astype(np.intp) for name, x in named.items()}
    stacked = np.concatenate([(named[name][which] / scale).reshape(len(which), -1) for name, which in picked.items()])
    titles = [name for name, which in picked.items() for _ in which]
    coordinates, _ = embed(stacked, method, seed)
    return coordinates, titles, np.concatenate(list(picked.values()))


def _principal(points: Array, most: int) -> Array:
    """The first principal components, at least two columns; signs fixed so that the largest weight is positive."""
    centred = points - points.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:most]  # (c, k)
    largest = np.abs(axes).argmax(axis=1)
    axes = axes * np.sign(axes[np.arange(len(axes)), largest])[:, None]
    scores: Array = centred @ axes.T
    return np.pad(scores, ((0, 0), (0, max(0, 2 - scores.shape[1]))))


def _neighbours(points: Array, seed: int) -> Array:
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(points) - 1) / 3)
    start = points[:, :2] / (points[:, 0].std() or 1.0) * 1e-4  # what scikit-learn's own start from PCA does
    # A wider angle and fewer rounds than the defaults: the same Kullback-Leibler divergence in half the time.
    method = TSNE(perplexity=perplexity, init=start, random_state=seed % 2**32, angle=0.8, max_iter=400)
    placed: Array = method.fit_transform(points)
    return placed.astype(np.float64)
