"""Figures of what a variational autoencoder knows hold the numbers that they were given."""

import numpy as np
import pytest

from synthfin_core.plots.variational import bounds_by_draws, gradient_variances, latent_information


def test_bounds_shade_what_lies_above_the_first():
    mean, error = np.array([-80.0, -79.0, -78.5]), np.array([0.0, 0.1, 0.2])
    fig = bounds_by_draws((1, 10, 100), {"training": (mean, error), "<b>": (mean - 5, error)})
    assert len(fig.data) == 4
    for lowest, bound, shift in ((fig.data[0], fig.data[1], 0), (fig.data[2], fig.data[3], 5)):
        assert list(lowest.y) == [-80 - shift] * 3
        assert list(bound.x) == [1, 10, 100]
        np.testing.assert_array_equal(bound.y, mean - shift)
        np.testing.assert_array_equal(bound.error_y.array, error)
        assert bound.fill == "tonexty"
    assert [note.text for note in fig.layout.annotations] == ["training", "&lt;b&gt;"]
    assert fig.layout.xaxis.type == fig.layout.xaxis2.type == "log"
    assert [trace.showlegend for trace in fig.data] == [True, True, False, False]


def test_latents_stand_by_what_they_tell_and_silent_ones_are_grey():
    fig = latent_information([0.1, 2.0, 0.5], [False, True, True])
    assert [(bar.name, list(bar.x), list(bar.y)) for bar in fig.data] == [
        ("active", ["2", "3"], [2.0, 0.5]),
        ("silent", ["1"], [0.1]),
    ]
    assert list(fig.layout.xaxis.categoryarray) == ["2", "3", "1"]


def test_gradient_variances_have_a_point_for_each_parameter():
    fig = gradient_variances({"<i>": [1e-3, 0.0, 2.0], "other": [5.0, 6.0, 7.0]}, ["mean 1", "mean 2", "<b>"])
    np.testing.assert_array_equal(fig.data[0].y, [1e-3, np.nan, 2.0])
    assert list(fig.data[0].text) == ["mean 1", "mean 2", "&lt;b&gt;"]
    assert fig.data[0].name == "&lt;i&gt;"
    assert fig.layout.yaxis.type == "log"


@pytest.mark.parametrize("k", [1, 30])
def test_any_number_of_latents_can_be_drawn(k):
    assert sum(len(bar.x) for bar in latent_information(np.ones(k), np.arange(k) % 2 == 0).data) == k
