"""Settings of the wavelet diffusion, and which windows they suit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from synthfin_core import params
from synthfin_core.errors import SettingError
from synthfin_core.generators.wavelet_parts import MOST_COEFFICIENTS
from synthfin_core.params import param
from synthfin_core.wavelets import deepest


@dataclass(frozen=True)
class WaveletDiffusionConfig(params.Config):
    """Settings of the wavelet diffusion."""

    transform: str = param(
        "orthonormal",
        "Orthonormal has one coefficient a bar; stationary has one a bar in every level, and what its image says "
        "more than a window can hold is smoothed away.",
        choices=("orthonormal", "stationary"),
    )
    wavelet: str = param("haar", "Shape of the wavelet.", choices=("haar", "db4", "sym4"))
    levels: int = param(
        0, "How often time is halved; 0 for as often as the window bears.", label="Wavelet levels", ge=0, le=12
    )
    extend: bool = param(
        True,
        "Continue windows whose length is no power of two to the next one by their mirror image, which is cut off "
        "again from what is generated.",
        label="Extend windows by their mirror image",
        advanced=True,
    )
    normalisation: str = param(
        "covariance",
        "Scale on which coefficients are drowned in noise: covariance makes all of them uncorrelated and equally "
        "large, level divides each level of each series by its spread, one divides a whole series by one number.",
        choices=("covariance", "level", "one"),
    )
    bend: bool = param(
        True,
        "Bend the values of each series until they follow a bell curve, and back after sampling, so that heavy tails "
        "and the spikes of volumes need not be learned.",
        label="Bend values to normal",
        advanced=True,
    )
    sizes: bool = param(
        True,
        "Draw the spread of each window from the fitted law, together with its level, so that the network only "
        "learns shapes of spread one.",
        label="Sizes drawn with levels",
        advanced=True,
    )
    law_components: int = param(
        10, "Normals in the law of levels and sizes.", label="Components of the law", ge=1, le=200, advanced=True
    )
    network: str = param(
        "dense",
        "Dense sees all coefficients of a window at once; u-net slides over time with all levels as channels.",
        choices=("dense", "u-net"),
    )
    hidden_size: int = param(128, "Units of a layer; channels in a U-Net.", ge=4, le=2048, unit="units")
    depth: int = param(
        3, "Blocks of the dense network; times that a U-Net halves its image.", ge=1, le=12, advanced=True
    )
    epochs: int = param(200, "Passes over the training windows.", ge=1, le=100_000, unit="epochs")
    batch_size: int = param(128, "Windows in each training step.", ge=1, le=100_000, unit="windows")
    learning_rate: float = param(
        3e-3, "Size of the training steps at its highest; it falls to zero along a cosine.", ge=1e-6, le=1.0, log=True
    )
    averaging: float = param(
        0.999,
        "How slowly the averaged weights, which draw the samples, follow the trained ones; 0 takes the trained ones.",
        label="Averaging of weights",
        ge=0.0,
        le=0.99999,
        advanced=True,
    )
    loss: str = param(
        "huber",
        "Huber grows slower than the square beyond one standard deviation, so that outliers pull less.",
        choices=("huber", "squared"),
        advanced=True,
    )
    target: str = param(
        "velocity",
        "What the network is asked for: the noise, or the velocity, which is well posed at every noise level.",
        choices=("velocity", "noise"),
        advanced=True,
    )
    schedule: str = param(
        "cosine", "How the noise grows over the 1000 steps.", choices=("cosine", "linear"), advanced=True
    )
    sampler: str = param(
        "few-step",
        "Few-step solves an equation in few steps; ddpm takes all 1000, drawing noise at each.",
        choices=("few-step", "ddpm"),
    )
    sampling_steps: int = param(30, "Steps of the few-step sampler.", ge=2, le=200, unit="steps")
    temperature: float = param(
        1.0,
        "What the noise of sampling is multiplied by, and with it sizes that are drawn: above 1 shapes are wilder, "
        "below 1 tamer.",
        ge=0.0,
        le=5.0,
    )
    checkpoint_every: int = param(
        50,
        "Write a checkpoint whenever so many epochs are done, beside those written by the clock.",
        label="Checkpoint every",
        ge=1,
        le=100_000,
        unit="epochs",
        advanced=True,
    )

    @classmethod
    def tiny(cls) -> Self:
        """Settings that fit in about a second, for tests."""
        return cls(hidden_size=8, depth=1, law_components=2, epochs=2, batch_size=32, sampling_steps=8)

    @classmethod
    def presets(cls) -> dict[str, Self]:
        """The recommended settings, and those of the tutorial on volumes.

        The tutorial clips coefficients at their 5th and 95th percentile; that is left out, because on S&P 500 returns
        it brings an excess kurtosis of 11 down to 0.2 before a network has seen a window.
        """
        tutorial = cls(
            transform="stationary",
            normalisation="one",
            bend=False,
            sizes=False,
            network="u-net",
            hidden_size=32,
            epochs=30,
            batch_size=64,
            learning_rate=1e-3,
            averaging=0.0,
            target="noise",
            schedule="linear",
            sampler="ddpm",
            temperature=1.5,
        )
        return {"recommended": cls(), "the tutorial's": tutorial}


def extended_length(t: int) -> int:
    """Bars to which windows of `t` bars are extended: the next power of two."""
    return 1 << (t - 1).bit_length()


def levels_of(config: WaveletDiffusionConfig, t: int) -> int:
    """Wavelet levels of windows of `t` bars."""
    return config.levels or deepest(extended_length(t))


def check_windows(config: WaveletDiffusionConfig, t: int, d: int) -> None:
    """Refuse settings that do not suit windows of `t` bars by `d` series.

    Raises
    ------
    SettingError
        If windows should be a power of two and are not, levels are too deep, or the covariance is too large.
    """
    if t < 2:
        raise SettingError(f"Windows of {t} bar came, expected at least 2: choose a longer window.")
    length = extended_length(t)
    if not config.extend and length != t:
        raise SettingError(
            f"Windows of {t} bars came, expected a power of two: choose {length // 2} or {length} bars, or let "
            "windows be extended by their mirror image."
        )
    if config.levels > deepest(length):
        raise SettingError(
            f"levels is {config.levels}, but windows of {t} bars bear {deepest(length)}: choose fewer levels or a "
            "longer window."
        )
    wide = length * d * (levels_of(config, t) + 1 if config.transform == "stationary" else 1)
    if config.normalisation == "covariance" and wide > MOST_COEFFICIENTS:
        raise SettingError(
            f"The covariance of {wide} coefficients is too large, expected at most {MOST_COEFFICIENTS}: choose the "
            "normalisation level, shorter windows or fewer series."
        )
