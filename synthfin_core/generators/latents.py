"""Where the latents of new windows come from, when the standard normal prior does not fit well enough.

After training, the latents of real windows together rarely look like `N(0, I)`: calm and wild markets sit in clumps.
A mixture of normals fitted to them is sampled instead.

Source: Ghosh et al., "From variational to deterministic autoencoders" (2020), https://arxiv.org/abs/1903.12436.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core import rng

Array = NDArray[np.float64]
WINDOWS_PER_COMPONENT = 50


@dataclass(frozen=True)
class Mixture:
    """A mixture of normals over latents.

    Attributes
    ----------
    shares : ndarray (c,)
        Probabilities of the components; they sum to one.
    means : ndarray (c, k)
    factors : ndarray (c, k, k)
        Lower triangular factors of the covariances.
    """

    shares: Array
    means: Array
    factors: Array

    @classmethod
    def fit(cls, z: Array, components: int, seed: int) -> Self:
        """Fit to latents `z (n, k)`; fewer components are used when there are not 50 windows for each."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        components = max(1, min(components, len(z) // WINDOWS_PER_COMPONENT))
        start = rng.integer_seed(seed, "mixture") % 2**32
        model = GaussianMixture(components, covariance_type="full", reg_covar=1e-4, random_state=start)
        with warnings.catch_warnings():
            # The last digits of the likelihood do not matter for sampling.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(z)
        return cls(model.weights_, model.means_, np.linalg.cholesky(model.covariances_))

    def draw(self, n: int, seed: int) -> Array:
        """Draw latents `(n, k)`; row `i` depends on `(seed, i)` alone."""
        edges = np.cumsum(self.shares)[:-1]
        which = np.searchsorted(edges, rng.stream(seed, "component").random(n), side="right")
        eps = rng.stream(seed, "latent").standard_normal((n, self.means.shape[1]))
        z: Array = self.means[which] + np.einsum("nij,nj->ni", self.factors[which], eps)
        return z

    def state(self) -> dict[str, NDArray[Any]]:
        """The mixture as named arrays."""
        return {"shares": self.shares, "means": self.means, "factors": self.factors}

    @classmethod
    def load(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """The mixture that gave `state`."""
        return cls(*(np.asarray(state[name], dtype=np.float64) for name in ("shares", "means", "factors")))
