import numpy as np
import pytest

from synthfin_core import plots
from synthfin_core.rng import stream

SCALES = np.array([8, 8, 4, 2])
DEVIATIONS = np.array([2.0, 1.0, 0.5, 0.25])
IMAGES = stream(0, "images").standard_normal((3, 4, 8)) * DEVIATIONS[:, None]


def test_images_stand_side_by_side_in_deviations_of_the_real_rows():
    fig = plots.wavelet_images(IMAGES, 2 * IMAGES, DEVIATIONS, SCALES, "<b>A</b>")
    maps = fig.data
    assert len(maps) == 6
    for i in range(3):
        np.testing.assert_allclose(maps[i].z[::-1], IMAGES[i] / DEVIATIONS[:, None])
        np.testing.assert_allclose(maps[3 + i].z, 2 * np.asarray(maps[i].z))
    assert list(maps[0].y[::-1]) == ["slower", "8 bars", "4 bars", "2 bars"]
    assert {each.coloraxis for each in maps} == {"coloraxis"}
    assert (fig.layout.coloraxis.cmin, fig.layout.coloraxis.cmax) == (-3, 3)
    assert "&lt;b&gt;A&lt;/b&gt;" in fig.layout.title.text


def test_a_row_that_real_windows_leave_empty_is_left_out():
    rounding = np.array([1e-17, 1, 1, 1])
    fig = plots.wavelet_images(IMAGES * rounding[:, None], IMAGES, DEVIATIONS * rounding, SCALES)
    assert list(fig.data[0].y[::-1]) == ["8 bars", "4 bars", "2 bars"]
    np.testing.assert_allclose(fig.data[0].z[::-1], (IMAGES[0] / DEVIATIONS[:, None])[1:])
    none = np.zeros((3, 4, 8))
    assert np.isfinite(plots.wavelet_images(none, none, DEVIATIONS * [0, 1, 1, 1], SCALES).data[0].z).all()
    fig = plots.level_energies(np.array([1e-20, 1.0, 0.5, 0.25]), np.array([1.0, 0.9, 0.4, 0.3]), SCALES)
    assert list(fig.data[1].x) == ["8 bars", "4 bars", "2 bars"]
    np.testing.assert_array_equal(fig.data[1].y, [0.9, 0.4, 0.3])


def test_energies_are_drawn_by_time_scale():
    fig = plots.level_energies(np.array([2.0, 1.0, 0.5, 0.25]), np.array([1.9, 0.9, 0.4, 0.3]), SCALES, "A")
    assert [trace.name for trace in fig.data] == ["real", "synthetic"]
    assert list(fig.data[0].x) == ["slower", "8 bars", "4 bars", "2 bars"]
    np.testing.assert_array_equal(fig.data[0].y, [2.0, 1.0, 0.5, 0.25])
    assert fig.layout.yaxis.type == "log"


@pytest.mark.parametrize("count", [1, 3])
def test_the_strip_has_both_paths_over_each_image(count):
    noisy, guesses = stream(0, "paths").standard_normal((2, count, 8))
    labels = ["noise", "half", "data"][:count]
    fig = plots.denoising_strip(noisy, guesses, IMAGES[:count], labels, DEVIATIONS, SCALES, "A")
    np.testing.assert_array_equal([each.y for each in fig.data[::3]], noisy)
    np.testing.assert_array_equal([each.y for each in fig.data[1::3]], guesses)
    for each, image in zip(fig.data[2::3], IMAGES[:count], strict=True):
        np.testing.assert_allclose(each.z[::-1], image / DEVIATIONS[:, None])
    assert [note.text for note in fig.layout.annotations] == labels
