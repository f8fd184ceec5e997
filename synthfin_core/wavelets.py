"""Wavelet images: windows taken apart by time scale, and put together again.

The transform is linear, so for windows of one length it is a matrix, and turning thousands of windows is one product.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synthfin_core.errors import DataError, SettingError

Array = NDArray[np.float64]

KINDS = ("orthonormal", "stationary")
WAVELETS = ("haar", "db4", "sym4")


def deepest(length: int) -> int:
    """How often a window can be halved: the largest `levels` for which ``2 ** levels`` divides its length.

    Examples
    --------
    >>> deepest(64), deepest(60), deepest(61)
    (6, 2, 0)
    """
    return (length & -length).bit_length() - 1 if length > 0 else 0


@dataclass(frozen=True)
class Wavelets:
    r"""Wavelet transform of windows of one length, series by series, with periodic ends.

    The image of a window has ``levels + 1`` rows: the coarse approximation first, then the details from coarse to
    fine. The orthonormal transform, :math:`c = P x` with :math:`P^\top P = P P^\top = I`, has as many coefficients
    as the window has bars; in the image each is repeated over the bars that it stands for. The stationary transform,
    :math:`c = W x` with :math:`W^\top W = I`, has one coefficient a bar in every row, and its inverse
    :math:`W^\top c` is a projection: of an image that no window has, only the part that some window has comes back.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    wavelet : str
        One of `WAVELETS`.
    levels : int
        How often the window is halved, from 1 to ``deepest(length)``.
    length : int
        Bars of a window, `t`.

    Raises
    ------
    SettingError
        If there is no such transform of windows of that length.

    References
    ----------
    Mallat, *A Theory for Multiresolution Signal Decomposition* (1989); Nason and Silverman, *The Stationary Wavelet
    Transform and some Statistical Applications* (1995).
    """

    kind: str
    wavelet: str
    levels: int
    length: int

    def __post_init__(self) -> None:
        for name, value, known in (("kind", self.kind, KINDS), ("wavelet", self.wavelet, WAVELETS)):
            if value not in known:
                raise SettingError(f"{name} is {value!r}, expected one of {', '.join(known)}.")
        most = deepest(self.length)
        if most == 0:
            raise SettingError(
                f"Windows of {self.length} bars can't be halved, expected an even length: choose 32, 64 or 128."
            )
        if not 1 <= self.levels <= most:
            raise SettingError(
                f"{self.levels} wavelet levels came for windows of {self.length} bars, which can be halved {most} "
                f"{'time' if most == 1 else 'times'}: choose 1 to {most} levels or a longer window."
            )

    @cached_property
    def scales(self) -> NDArray[np.int64]:
        """Bars that a coefficient of each row stands for, `(levels + 1,)`: coarse first."""
        halvings = np.r_[self.levels, np.arange(self.levels, 0, -1)]
        return np.asarray(2**halvings, dtype=np.int64)

    @cached_property
    def row_of(self) -> NDArray[np.int64]:
        """Row of the image to which each packed coefficient belongs, `(t,)`."""
        return np.repeat(np.arange(self.levels + 1), self.length // self.scales)

    @cached_property
    def matrix(self) -> Array:
        """The transform: `(t, t)` if orthonormal, in packed order; `(levels + 1) * t` rows by `t` if stationary."""
        import pywt

        eye = np.eye(self.length)
        if self.kind == "stationary":
            rows = pywt.swt(eye, self.wavelet, level=self.levels, axis=0, norm=True, trim_approx=True)
        else:
            coarse, rows = eye, []
            for _ in range(self.levels):
                coarse, detail = pywt.dwt(coarse, self.wavelet, mode="periodization", axis=0)
                rows.insert(0, detail)
            rows.insert(0, coarse)
        return np.concatenate(rows)

    def forward(self, x: ArrayLike) -> Array:
        """Images `(n, levels + 1, t, d)` of windows `x (n, t, d)`.

        Raises
        ------
        DataError
            If the windows have another shape or length.
        """
        coefficients = self._times(self.matrix, x)  # (n, t or (levels + 1) * t, d)
        if self.kind == "orthonormal":
            return self.unpack(coefficients)
        n, _, d = coefficients.shape
        return coefficients.reshape(n, self.levels + 1, self.length, d)

    def inverse(self, image: ArrayLike) -> Array:
        """Windows `(n, t, d)` of images `(n, levels + 1, t, d)`; of a window's own image, the window to nine digits.

        Of an image that no window has, what comes back is the window whose image is nearest to it.

        Raises
        ------
        DataError
            If the images have another shape.
        """
        if self.kind == "orthonormal":
            return self._times(self.matrix.T, self.pack(image))
        y = self._image(image)
        n, _, _, d = y.shape
        return np.asarray(np.matmul(self.matrix.T, y.reshape(n, -1, d)))

    def energy(self, image: ArrayLike) -> Array:
        """What each row contributes to the windows' mean square, `(levels + 1, d)`.

        Of images that windows have, the rows add up to the mean square of these windows.

        Raises
        ------
        DataError
            If the images have another shape.
        """
        square: Array = (self._image(image) ** 2).mean(axis=(0, 2))  # (levels + 1, d)
        return square / self.scales[:, None] if self.kind == "orthonormal" else square

    def pack(self, image: ArrayLike) -> Array:
        """The free coefficients `(n, t, d)` of images, each the mean of its repeats; orthonormal transform only.

        Raises
        ------
        DataError
            If the images have another shape.
        SettingError
            If the transform is the stationary one.
        """
        self._only_orthonormal("pack")
        y = self._image(image)
        n, _, _, d = y.shape
        rows = [y[:, row].reshape(n, -1, scale, d).mean(axis=2) for row, scale in enumerate(self.scales)]
        return np.concatenate(rows, axis=1)

    def unpack(self, coefficients: ArrayLike) -> Array:
        """Images `(n, levels + 1, t, d)` of packed coefficients `(n, t, d)`; orthonormal transform only.

        Raises
        ------
        DataError
            If the coefficients have another shape.
        SettingError
            If the transform is the stationary one.
        """
        self._only_orthonormal("unpack")
        c = self._windows(coefficients)
        rows = [np.repeat(c[:, self.row_of == row], scale, axis=1) for row, scale in enumerate(self.scales)]
        return np.stack(rows, axis=1)

    def _times(self, matrix: Array, x: ArrayLike) -> Array:
        return np.asarray(np.matmul(matrix, self._windows(x)))

    def _windows(self, x: ArrayLike) -> Array:
        values = np.asarray(x, dtype=np.float64)
        if values.ndim != 3 or values.shape[1] != self.length:
            raise DataError(
                f"Windows have shape {values.shape}, expected (windows, {self.length}, series): cut them so."
            )
        return values

    def _image(self, image: ArrayLike) -> Array:
        values = np.asarray(image, dtype=np.float64)
        if values.ndim != 4 or values.shape[1:3] != (self.levels + 1, self.length):
            raise DataError(
                f"Wavelet images have shape {values.shape}, expected (windows, {self.levels + 1}, {self.length}, "
                "series): use the transform that made them."
            )
        return values

    def _only_orthonormal(self, name: str) -> None:
        if self.kind != "orthonormal":
            raise SettingError(
                f"{name} was asked of the {self.kind} transform, whose coefficients depend on each other: use the "
                "orthonormal one."
            )
