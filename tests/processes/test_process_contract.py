"""What every process promises, whatever its law."""

import warnings

import numpy as np
import pytest

from synthfin_core.errors import DataError
from synthfin_core.processes.bootstrap import Bootstrap
from synthfin_core.processes.egarch import EGARCH
from synthfin_core.processes.garch import GARCH
from synthfin_core.processes.gaussian import Gaussian

FITS = {
    "egarch": EGARCH.fit,
    "resampled": lambda strips: EGARCH.fit(strips, innovations="resampled"),
    "garch": GARCH.fit,
    "bootstrap": Bootstrap.fit,
    "rows": lambda strips: Bootstrap.fit(strips, block=1.0),
    "gaussian": Gaussian.fit,
}


def clustered(bars, d, seed=0):
    """Heavy-tailed series with a common volatility that wanders."""
    rng = np.random.default_rng(seed)
    log_sigma = np.zeros(bars)
    for t in range(1, bars):
        log_sigma[t] = 0.97 * log_sigma[t - 1] + 0.12 * rng.standard_normal()
    common = rng.standard_t(6, (bars, 1))
    return 0.01 * np.exp(log_sigma)[:, None] * (common + rng.standard_t(6, (bars, d))) / np.sqrt(3)


STRIPS = [clustered(700, 3), clustered(300, 3, seed=1)]


@pytest.fixture(scope="module", params=FITS)
def process(request):
    return FITS[request.param](STRIPS)


def test_paths_depend_on_seed_and_place_alone(process):
    many = process.simulate(80, 6, seed=3)
    assert many.shape == (6, 80, 3)
    assert np.isfinite(many).all()
    np.testing.assert_array_equal(process.simulate(80, 6, seed=3), many)
    for paths in (1, 2, 5):
        np.testing.assert_array_equal(process.simulate(80, paths, seed=3), many[:paths])
    assert (process.simulate(80, 6, seed=4) != many).any()
    assert len(np.unique(many[:, :, 0].round(12), axis=0)) == 6


def test_state_brings_the_process_back(process):
    state = process.state()
    assert all(isinstance(array, np.ndarray) and array.dtype.kind in "fi" for array in state.values())
    again = type(process).from_state(state)
    np.testing.assert_array_equal(again.simulate(50, 2, seed=0), process.simulate(50, 2, seed=0))


def test_means_spreads_and_correlations_are_those_of_the_data(process):
    rows = np.concatenate(STRIPS)
    x = process.simulate(2000, 40, seed=0)
    assert np.abs(x.mean(axis=(0, 1)) - rows.mean(axis=0)).max() < 0.05 * rows.std(axis=0).min()
    np.testing.assert_allclose(x.std(axis=1).mean(axis=0), rows.std(axis=0), rtol=0.15)
    simulated = np.mean([np.corrcoef(path, rowvar=False) for path in x], axis=0)
    np.testing.assert_allclose(simulated, np.corrcoef(rows, rowvar=False), atol=0.06)


def test_paths_begin_in_the_stationary_state(process):
    x = process.simulate(300, 600, seed=1)
    size = np.abs(x - x.mean(axis=(0, 1)))  # not squares, which a few extremes rule
    np.testing.assert_allclose(size[:, :20].mean(axis=(0, 1)), size[:, -20:].mean(axis=(0, 1)), rtol=0.1)


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
def test_fit_leaves_everything_as_found_and_repeats(fit):
    strips = [strip.copy() for strip in STRIPS]
    np.random.seed(5)  # noqa: NPY002 - the global state is what is watched
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    one, two = fit(strips), fit(strips)
    for name, array in one.state().items():
        np.testing.assert_array_equal(array, two.state()[name])
    one.simulate(10, 2, seed=0)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    for strip, original in zip(strips, STRIPS, strict=True):
        np.testing.assert_array_equal(strip, original)


AWKWARD = {
    "thirty bars": np.random.default_rng(0).standard_normal((30, 1)),
    "flat": np.full((300, 1), 0.1),
    "flat beside moving": np.column_stack([np.zeros(300), clustered(300, 1)]),
    "twins": np.repeat(clustered(300, 1), 2, axis=1),
    "trend": np.arange(300.0)[:, None],
    "two values": np.random.default_rng(1).integers(0, 2, (300, 1)) * 1.0,
    "mostly zeros": np.where(np.random.default_rng(2).random((300, 1)) < 0.05, clustered(300, 1), 0.0),
    "one jump": np.vstack([clustered(300, 1), [[1e6]]]),
    "alternating": np.tile([1.0, -1.0], 150)[:, None],
    "short and wide": clustered(35, 6),
    "huge": 1e12 * clustered(300, 1),
    "tiny": 1e-12 * clustered(300, 1),
}


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
@pytest.mark.parametrize("rows", AWKWARD.values(), ids=AWKWARD)
def test_awkward_data_give_numbers_of_the_right_size(fit, rows):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Series ")  # ours; any other is an error
        process = fit([rows])
    x = process.simulate(200, 8, seed=0)
    assert np.isfinite(x).all()
    moves = np.ptp(rows, axis=0) > 0
    np.testing.assert_allclose(x[:, :, ~moves], np.broadcast_to(rows[0, ~moves], x[:, :, ~moves].shape), atol=1e-12)
    far = np.median(np.abs(x - rows.mean(axis=0)).max(axis=(1)), axis=0)[moves]
    assert (far <= 12 * np.abs(rows - rows.mean(axis=0)).max(axis=0)[moves]).all()


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
def test_wrong_data_are_refused_in_words(fit):
    with pytest.raises(DataError, match="Only 29 bars"):
        fit([np.ones((20, 1)), np.ones((9, 1))])
    with pytest.raises(DataError, match="no numbers"):
        fit([np.full((50, 1), np.nan)])
    with pytest.raises(DataError, match="same series"):
        fit([np.ones((50, 1)), np.ones((50, 2))])
    with pytest.raises(DataError, match="expected one or more"):
        fit([np.ones(50)])
    with pytest.raises(DataError, match="expected one or more"):
        fit([])
