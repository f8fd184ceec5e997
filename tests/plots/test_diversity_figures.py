import numpy as np

from synthfin_core import plots
from synthfin_core.plots.diversity import DRAWN


def test_the_curve_of_neighbours_is_their_distribution():
    far = np.arange(1.0, 101.0)
    fig = plots.nearest_neighbours({"real": far, "<b>run</b>": far / 2})
    places, shares = fig.data[0].x, fig.data[0].y
    assert len(places) == DRAWN
    np.testing.assert_allclose([(far <= place).mean() for place in places], shares, atol=0.011)
    np.testing.assert_allclose(fig.data[1].x, places / 2)
    assert fig.data[1].name == "&lt;b&gt;run&lt;/b&gt;"


def test_spread_stands_beside_a_line_at_one():
    fig = plots.spread_by_series(["A", "<i>"], [0.5, 1.25])
    assert list(fig.data[0].x) == ["A", "&lt;i&gt;"]
    assert list(fig.data[0].y) == [0.5, 1.25]
    assert fig.layout.shapes[0].y0 == 1


def test_diversity_over_time_shows_where_real_windows_and_a_collapse_are():
    fig = plots.diversity_over_time([1, 2, 3], [0.2, np.nan, 0.9], least=0.3)
    assert list(fig.data[0].x) == [1, 2, 3]
    np.testing.assert_array_equal(fig.data[0].y, [0.2, np.nan, 0.9])
    assert [shape.y0 for shape in fig.layout.shapes] == [1.0, 0.3]
