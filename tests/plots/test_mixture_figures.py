"""Figures of mixtures: components along a window, in pairs of series, and over history."""

import numpy as np
import pandas as pd
import pytest

from synthfin_core.plots.mixtures import (
    MOST_POINTS,
    MOST_SHOWN,
    component_correlations,
    component_history,
    component_names,
    component_windows,
)

SHARES = np.array([0.6, 0.396, 0.004])


def test_names_tell_small_shares_from_none():
    assert component_names(SHARES) == ["1: 60%", "2: 40%", "3: 0.4%"]


def test_each_component_has_one_colour_for_mean_and_spread():
    mean, spread = np.arange(12.0).reshape(3, 4), np.ones((3, 4))
    fig = component_windows(mean, spread, SHARES, "<b>S&P</b>", "% from the start", "% a bar")
    assert len(fig.data) == 6
    for k in range(3):
        above, below = fig.data[2 * k : 2 * k + 2]
        np.testing.assert_array_equal(above.y, mean[k])
        np.testing.assert_array_equal(below.y, spread[k])
        assert above.line.color == below.line.color
        assert (above.showlegend, below.showlegend) == (True, False)
    assert len({trace.line.color for trace in fig.data}) == 3
    assert "<b>" not in fig.to_json()


def test_pairs_of_series_are_rows():
    correlation = np.random.default_rng(0).uniform(-1, 1, (3, 3, 3))
    (z,) = component_correlations(correlation, SHARES, ("a", "b", "c")).data
    assert z.y == ("a, b", "a, c", "b, c")
    np.testing.assert_array_equal(z.z[1], correlation[:, 0, 2])


@pytest.mark.parametrize("n", [30, 10 * MOST_POINTS + 7])
def test_history_is_thinned_by_means_and_sums_to_one(n):
    posterior = np.random.default_rng(0).dirichlet(np.ones(3), n)
    fig = component_history(pd.bdate_range("2000-01-03", periods=n), posterior, SHARES)
    assert len(fig.data[0].x) <= MOST_POINTS
    np.testing.assert_allclose(np.sum([trace.y for trace in fig.data], axis=0), 1, atol=2e-3)
    together = -(-n // MOST_POINTS)
    np.testing.assert_allclose(fig.data[1].y[2], posterior[2 * together : 3 * together, 1].mean(), atol=6e-4)
    assert ("means over" in fig.layout.yaxis.title.text) == (together > 1)


def test_components_beyond_the_sixth_are_drawn_as_one():
    shares = np.full(11, 1 / 11)
    fig = component_history(np.arange(5), np.tile(shares, (5, 1)), shares)
    assert len(fig.data) == MOST_SHOWN + 1
    assert fig.data[-1].name == "5 others"
    np.testing.assert_allclose(fig.data[-1].y, 5 / 11, atol=1e-3)
    assert len(component_windows(np.ones((11, 4)), np.ones((11, 4)), shares, "a").data) == 2 * MOST_SHOWN
