"""Random streams: every draw is named by a seed and a purpose, and nothing touches global state.

Each purpose has its own stream, and every stream is drawn with the path as its first axis. So path `i`
depends on `(seed, purpose, i)` alone, and the first ten of a thousand paths are the ten of ten.
"""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, purpose: str) -> np.random.Generator:
    """A numpy generator for one purpose under one seed.

    Parameters
    ----------
    seed : int
        Any whole number; negative ones are allowed.
    purpose : str
        What the numbers are for, for example ``"latent"``.

    Examples
    --------
    >>> a = stream(0, "latent").standard_normal((2, 3))
    >>> b = stream(0, "latent").standard_normal((5, 3))
    >>> bool((a == b[:2]).all())
    True
    """
    return np.random.default_rng(np.random.SeedSequence(_entropy(seed, purpose)))


def integer_seed(seed: int, purpose: str, index: int = 0) -> int:
    """A whole number below 2**63 for libraries that want one, for example a training step's noise."""
    words = np.random.SeedSequence([*_entropy(seed, purpose), index]).generate_state(2, np.uint32)
    return int(words[0]) << 31 | int(words[1]) >> 1


def _entropy(seed: int, purpose: str) -> list[int]:
    return [seed & 0xFFFFFFFFFFFFFFFF, zlib.crc32(purpose.encode())]
