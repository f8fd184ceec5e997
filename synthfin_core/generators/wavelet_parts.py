"""A window taken apart for the wavelet diffusion: its summary, and the coordinates of its shape.

The summary of a window is the level of each series, its mean, and the logarithm of its size, its standard deviation
around that mean. What is left is the shape, which moves around zero with size one. Summaries are few numbers, so their
law is fitted directly; shapes go through the wavelet transform and are left to a network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from synthfin_core.generators.base import Array, State
from synthfin_core.generators.kinds import Kinds
from synthfin_core.generators.latents import Mixture
from synthfin_core.generators.whitening import KindWhitening, Whitening
from synthfin_core.representation.gaussian import Gaussian
from synthfin_core.wavelets import Wavelets

SMALLEST_SIZE = 1e-3  #: of the size of all windows together, added to each: a window without a move has one too
NO_MOVE = 1e-6  #: of a shape of size one: rounding, which is not to be blown up
MOST_COEFFICIENTS = 3072  #: whose covariance is taken apart; twice as many would take minutes


@dataclass(frozen=True)
class Summaries:
    """The split of windows into summary and shape.

    Attributes
    ----------
    smallest : ndarray (d,)
        Added to the standard deviation of each window and series.
    sized : bool
        False leaves the size in the shape, and the level alone is the summary.
    """

    smallest: Array
    sized: bool

    @classmethod
    def of(cls, x: Array, sized: bool) -> Self:
        """The split for training windows `x (n, t, d)`."""
        moves = x - x.mean(axis=1, keepdims=True)
        return cls(np.maximum(SMALLEST_SIZE * moves.std(axis=(0, 1)), 1e-12), sized)

    def split(self, x: Array) -> tuple[Array, Array]:
        """Summaries `(n, d or 2 d)` and shapes `(n, t, d)` of windows `x (n, t, d)`."""
        level = x.mean(axis=1)
        moves = x - level[:, None]
        if not self.sized:
            return level, moves
        size = moves.std(axis=1) + self.smallest
        return np.concatenate([level, np.log(size)], axis=1), moves / size[:, None]

    def join(self, summary: Array, shape: Array) -> Array:
        """The windows `(n, t, d)`; what `shape` has of a level is taken out, since the summary holds it."""
        d = len(self.smallest)
        moves = shape - shape.mean(axis=1, keepdims=True)
        if self.sized:
            moves = moves * np.exp(summary[:, None, d:])
        joined: Array = summary[:, None, :d] + moves
        return joined

    def gain(self, shape: Array, size: float) -> Array:
        """Factors `(n, 1, d)` that bring drawn shapes to one size, for what a network draws has it on average only.

        They are one where the size stays in the shape.
        """
        if not self.sized:
            return np.ones((len(shape), 1, shape.shape[2]))
        drawn = shape.std(axis=1, keepdims=True)
        factors: Array = size / np.where(drawn > NO_MOVE, drawn, 1.0)
        return factors


@dataclass(frozen=True)
class SummaryLaw:
    """A mixture of normals over whitened summaries: new ones are drawn, none is replayed.

    Attributes
    ----------
    whitening : Whitening
    mixture : Mixture
    kinds : Kinds
        Of windows, told by whitened summaries.
    """

    whitening: Whitening
    mixture: Mixture
    kinds: Kinds

    @classmethod
    def fit(cls, summary: Array, components: int, kinds: int, seed: int) -> Self:
        """Of summaries `(n, m)`, which part windows into at most so many kinds.

        Levels that agree in all but a trace, as open and close do, keep their differences.
        """
        whitening = Whitening.fit(summary)
        told = whitening.forward(summary)
        return cls(whitening, Mixture.fit(told, components, seed), Kinds.fit(told, kinds, seed))

    def draw(self, n: int, seed: int) -> tuple[Array, Array]:
        """Whitened summaries `(n, k)`, which the network is told, and the summaries `(n, m)` themselves."""
        told = self.mixture.draw(n, seed)
        return told, self.whitening.inverse(told)

    def state(self) -> State:
        """The law as named arrays."""
        return {**self.whitening.state(), **self.mixture.state(), "centres": self.kinds.centres}

    @classmethod
    def load(cls, state: Mapping[str, NDArray[Any]]) -> Self:
        """The law that gave `state`."""
        kinds = Kinds(np.array(state["centres"], dtype=np.float64))
        return cls(Whitening.load(state), Mixture.load(state), kinds)


@dataclass(frozen=True)
class Coordinates:
    """Shapes as wavelet coefficients brought to one scale, and whitened where asked for.

    Attributes
    ----------
    wavelets : Wavelets
        Of the length to which windows are extended by their mirror image.
    length : int
        Bars of a window.
    marginals : Gaussian or None
        What bends the values of each series until they are normal, where asked for.
    scale : ndarray (c, d)
        Of each coefficient.
    whitening : Whitening
        Of the `c * d` scaled coefficients.
    own : KindWhitening
        Of what that gives, for each kind of windows by itself.
    """

    wavelets: Wavelets
    length: int
    marginals: Gaussian | None
    scale: Array
    whitening: Whitening
    own: KindWhitening

    @classmethod
    def fit(cls, wavelets: Wavelets, shape: Array, kind: NDArray[np.int64], normalisation: str, bent: bool) -> Self:
        """Of training shapes `(n, t, d)` and their kinds `(n,)`; see the settings for the names of normalisations."""
        marginals = Gaussian().fit(shape) if bent else None
        coefficients = _coefficients(wavelets, shape if marginals is None else marginals.forward(shape))  # (n, c, d)
        power = (coefficients**2).mean(axis=0)  # (c, d)
        if normalisation == "one":
            power[:] = power.mean(axis=0)
        else:
            for row in range(wavelets.levels + 1):
                of_row = _rows(wavelets) == row
                power[of_row] = power[of_row].mean(axis=0)
        scale = np.sqrt(np.where(power > 0, power, 1.0))
        scaled = (coefficients / scale).reshape(len(shape), -1)
        if normalisation == "covariance":
            whitening = Whitening.fit(scaled)
            own = KindWhitening.fit(whitening.forward(scaled), kind)
        else:
            whitening, own = Whitening.none(scaled.shape[1]), KindWhitening.none(scaled.shape[1])
        return cls(wavelets, shape.shape[1], marginals, scale, whitening, own)

    def forward(self, shape: Array, kind: NDArray[np.int64]) -> Array:
        """Coordinates `(n, k)` of shapes `(n, t, d)` of kinds `(n,)`."""
        bent = shape if self.marginals is None else self.marginals.forward(shape)
        scaled = _coefficients(self.wavelets, bent) / self.scale
        return self.own.forward(self.whitening.forward(scaled.reshape(len(shape), -1)), kind)

    def inverse(self, z: Array, kind: NDArray[np.int64]) -> Array:
        """Shapes `(n, t, d)` of coordinates `z (n, k)` of kinds `(n,)`."""
        whitened = self.own.inverse(z, kind)
        coefficients = self.whitening.inverse(whitened).reshape(len(z), *self.scale.shape) * self.scale
        bent: Array = np.matmul(self.wavelets.matrix.T, coefficients)[:, : self.length]
        return bent if self.marginals is None else self.marginals.inverse(bent)

    def image(self, shape: Array) -> Array:
        """Wavelet images `(n, levels + 1, t, d)` of shapes, over the extended time."""
        return self.wavelets.forward(extended(shape, self.wavelets.length))

    def layout(self) -> Array | None:
        """What each coefficient of a series draws in the image that a U-Net sees: `(c, (levels + 1) t)`.

        In its own row, the part of the window that the coefficient stands for, of size one: so the sum of the rows has
        the window's own form, and signs are right within the bars of a coefficient, which repeats of it would not tell.
        None for the stationary transform, whose coefficients are an image already.
        """
        wavelets = self.wavelets
        if wavelets.kind == "stationary":
            return None
        drawn = np.zeros((wavelets.length, wavelets.levels + 1, wavelets.length))
        size = np.sqrt(wavelets.scales[wavelets.row_of])[:, None]
        drawn[np.arange(wavelets.length), wavelets.row_of] = size * wavelets.matrix
        return drawn.reshape(wavelets.length, -1)

    def state(self) -> State:
        """The parts as named arrays."""
        bends = {} if self.marginals is None else self.marginals.state()
        return {"scale": self.scale, **self.whitening.state(), **self.own.state(), **bends}

    @classmethod
    def load(cls, wavelets: Wavelets, length: int, state: Mapping[str, NDArray[Any]]) -> Self:
        """The coordinates that gave `state`."""
        marginals = Gaussian.load(state) if "knots" in state else None
        scale = np.array(state["scale"], dtype=np.float64)
        return cls(wavelets, length, marginals, scale, Whitening.load(state), KindWhitening.load(state))


def extended(x: Array, length: int) -> Array:
    """Windows `(n, t, d)` continued to `length` bars by their mirror image."""
    return np.concatenate([x, x[:, ::-1][:, : length - x.shape[1]]], axis=1)


def _coefficients(wavelets: Wavelets, shape: Array) -> Array:
    coefficients: Array = np.matmul(wavelets.matrix, extended(shape, wavelets.length))
    return coefficients


def _rows(wavelets: Wavelets) -> NDArray[np.int64]:
    """The level of each coefficient, `(c,)`."""
    if wavelets.kind == "stationary":
        return np.repeat(np.arange(wavelets.levels + 1), wavelets.length)
    return wavelets.row_of
