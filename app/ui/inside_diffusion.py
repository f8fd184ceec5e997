"""What a wavelet diffusion shows of itself: windows by time scale, windows on their way out of noise, temperature."""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.ui import cached, figures, models
from synthfin_core import plots
from synthfin_core.generators.wavelet_diffusion import WaveletDiffusion
from synthfin_core.pipeline import Pipeline, Samples
from synthfin_core.rng import stream
from synthfin_core.store import Run
from synthfin_core.wavelets import Wavelets

Array = NDArray[np.float64]

SEED = 1
DRAWN = 200  # synthetic windows behind the energies
MOST_REAL = 2000
SHOWN = 3  # wavelet images below each other
STRIPS = 12  # windows that can be watched coming out of noise
MOMENTS = 6
SAMPLERS = {"few-step": "A few large steps", "ddpm": "All 1,000 steps"}


class Sampling(NamedTuple):
    """How windows are drawn from a trained model; a key of what is cached."""

    run_id: str
    sampler: str
    temperature: float


class Scales(NamedTuple):
    """Windows by time scale.

    Attributes
    ----------
    real, synthetic : ndarray (SHOWN, rows, t, d)
        A few wavelet images.
    deviations : ndarray (rows, d)
        Standard deviation of each row over real windows.
    real_energy, synthetic_energy : ndarray (rows, d)
        Mean square of each row.
    bars : ndarray (rows,)
        What a coefficient of each row stands for.
    samples : Samples
        The synthetic windows, in window units.
    """

    real: Array
    synthetic: Array
    deviations: Array
    real_energy: Array
    synthetic_energy: Array
    bars: NDArray[np.int64]
    samples: Samples


class Strip(NamedTuple):
    """Windows on their way out of noise: what is given, what it is taken for, and the wavelet images of that.

    Attributes
    ----------
    noisy, guesses : ndarray (moments, n, t, d)
    images : ndarray (moments, n, rows, t, d)
    """

    noisy: Array
    guesses: Array
    images: Array


def show(run: Run) -> None:
    """Draw the controls, and the pictures of the open tab."""
    st.subheader("Inside the diffusion")
    names = list(cached.windows(run.spec.setup).names)
    sampling, series = _controls(run, names)
    scales = _scales(sampling)
    by_scale, strip, paths = st.tabs(
        ["By time scale", "Out of the noise", "Paths"], on_change="rerun", key="diffusion-tabs"
    )
    if by_scale.open:
        with by_scale:
            _by_scale(scales, names, series)
    if strip.open:
        with strip:
            _out_of_noise(sampling, scales, names, series)
    if paths.open:
        with paths:
            windows = cached.windows(run.spec.setup)
            figures.show(
                figures.samples_beside_real(windows, scales.samples, series),
                alt="Synthetic paths at this temperature beside real ones",
                key="diffusion-paths",
            )


def _controls(run: Run, names: list[str]) -> tuple[Sampling, int]:
    trained = float(run.spec.config["temperature"])
    series = names[0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(names) > 1:
            series = st.selectbox("Series", names, key="diffusion-series", help="Which series to draw.", width=220)
        sampler = st.segmented_control(
            "Drawn in",
            list(SAMPLERS),
            default=str(run.spec.config["sampler"]),
            required=True,
            format_func=lambda name: SAMPLERS[name],
            key=f"diffusion-sampler-{run.id}",
            help="Both ways lead to the same distribution; the few large steps are many times quicker.",
        )
        temperature = st.slider(
            "Temperature",
            0.0,
            max(2.0, trained),
            trained,
            step=0.1,
            key=f"diffusion-temperature-{run.id}",
            help="What the noise, and with it the size of a window, is multiplied by: above 1 shapes are wilder than "
            "the data's, below 1 tamer. Levels are drawn as before.",
            width=220,
        )
    return Sampling(run.id, str(sampler), float(temperature)), names.index(series)


def _by_scale(scales: Scales, names: list[str], series: int) -> None:
    figures.show(
        plots.wavelet_images(
            scales.real[..., series],
            scales.synthetic[..., series],
            scales.deviations[:, series],
            scales.bars,
            names[series],
        ),
        alt="Wavelet images of real and synthetic windows",
        key="diffusion-images",
    )
    st.caption(
        "Each row is a time scale, from swings as long as the window to those from bar to bar; warm colours are up, "
        "cold down. The two columns hold different windows, so look for the same kind of pattern, not for the same "
        "picture."
    )
    figures.show(
        plots.level_energies(
            scales.real_energy[:, series], scales.synthetic_energy[:, series], scales.bars, names[series]
        ),
        alt="Energy of real and synthetic windows by time scale",
        key="diffusion-energies",
    )
    st.caption(
        "How much of the movement lies at each time scale. A synthetic point below the real one means that windows "
        "are too smooth there, above it too rough."
    )


def _out_of_noise(sampling: Sampling, scales: Scales, names: list[str], series: int) -> None:
    which = st.slider(
        "Which window",
        1,
        STRIPS,
        1,
        key="diffusion-window",
        help="The same numbers come out of the same noise, whatever the temperature.",
        width=280,
    )
    strip = _strip(sampling)
    labels = ["noise", *(f"{100 * i // (MOMENTS - 1)} %" for i in range(1, MOMENTS - 1)), "window"]
    figures.show(
        plots.denoising_strip(
            strip.noisy[:, which - 1, :, series],
            strip.guesses[:, which - 1, :, series],
            strip.images[:, which - 1, ..., series],
            labels,
            scales.deviations[:, series],
            scales.bars,
            names[series],
        ),
        alt="A window on its way from noise to data",
        key="diffusion-strip",
    )
    st.caption(
        "Grey is what the network is given, blue what it takes the window for; below it, the wavelet image of that. "
        "Out of pure noise it can only guess the average of all windows; as the noise goes, the guess takes shape."
    )


@st.cache_resource(show_spinner="Drawing windows", max_entries=16)
def _scales(sampling: Sampling) -> Scales:
    pipeline = _pipeline(sampling)
    windows = cached.windows(cached.store().run(sampling.run_id).spec.setup)
    chosen = stream(SEED, "real windows").permutation(len(windows.train.x))[:MOST_REAL]
    samples = pipeline.sample(DRAWN, seed=SEED)
    real, synthetic = (_images(pipeline, x) for x in (windows.train.x[chosen], samples.x))
    wavelets = _wavelets(pipeline, real)
    shown = slice(0, pipeline.length)  # what extends the windows is left out
    return Scales(
        real=real[:SHOWN, :, shown],
        synthetic=synthetic[:SHOWN, :, shown],
        deviations=real.std(axis=(0, 2)),
        real_energy=wavelets.energy(real),
        synthetic_energy=wavelets.energy(synthetic),
        bars=wavelets.scales,
        samples=samples,
    )


@st.cache_resource(show_spinner="Taking away noise", max_entries=16)
def _strip(sampling: Sampling) -> Strip:
    pipeline = _pipeline(sampling)
    *represented, images = _model(pipeline).denoise(STRIPS, seed=SEED, keep=MOMENTS)
    noisy, guesses = (np.stack([pipeline.representation.inverse(x) for x in each]) for each in represented)
    return Strip(noisy, guesses, images[:, :, :, : pipeline.length])


def _pipeline(sampling: Sampling) -> Pipeline:
    """The trained model with another way of drawing from it."""
    meta, arrays = models.pipeline(sampling.run_id).state()
    config = {**meta["config"], "sampler": sampling.sampler, "temperature": sampling.temperature}
    return Pipeline.load({**meta, "config": config}, arrays)


def _images(pipeline: Pipeline, x: Array) -> Array:
    return _model(pipeline).wavelet_image(pipeline.representation.forward(x))


def _wavelets(pipeline: Pipeline, images: Array) -> Wavelets:
    config = _model(pipeline).config
    return Wavelets(config.transform, config.wavelet, images.shape[1] - 1, images.shape[2])


def _model(pipeline: Pipeline) -> WaveletDiffusion:
    return cast(WaveletDiffusion, pipeline.generator)
