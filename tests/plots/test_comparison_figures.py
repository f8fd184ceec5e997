import numpy as np
import pytest

from synthfin_core import plots
from synthfin_core.errors import DataError
from synthfin_core.evaluation.density import kernel_density
from synthfin_core.rng import stream


@pytest.fixture
def named():
    rng = stream(0, "test")
    return {
        "Real training": rng.standard_normal((50, 20, 2)),
        "Real hold-out": rng.standard_normal((10, 20, 2)),
        "vae <b>": rng.standard_normal((30, 20, 2)) * 2,
    }


def test_bars_and_curves_are_the_densities(named):
    values = {data: x[:, :, 0] for data, x in named.items()}
    fig = plots.distributions(values, "A", "log return")
    bars = [trace for trace in fig.data if trace.type == "bar"]
    curves = [trace for trace in fig.data if trace.type == "scatter"]
    assert [trace.name.split(" (")[0] for trace in curves] == ["Real training", "Real hold-out", "vae &lt;b&gt;"]
    for bar, curve, x in zip(bars, curves, values.values(), strict=True):
        edges = np.append(bar.x - bar.width / 2, bar.x[-1] + bar.width / 2)
        counts, _ = np.histogram(x, edges)
        np.testing.assert_allclose(bar.y * bar.width, counts / x.size)
        np.testing.assert_allclose(curve.y, kernel_density(x, curve.x))
    assert fig.layout.xaxis.title.text == "log return"


def test_values_outside_the_axis_are_counted_in_the_legend(named):
    far = {"real": named["Real training"][:, :, 0], "wild": np.full(100, 0.0)}
    far["wild"][:30] = 1000.0
    names = [trace.name for trace in plots.distributions(far, "A").data if trace.type == "scatter"]
    assert names == ["real", "wild (30.0% outside)"]


def test_data_that_do_not_vary_have_bars_only(named):
    bar, curve = plots.distributions({"flat": np.full(20, 0.3)}, "A", log=True).data
    assert np.nansum(bar.y * bar.width) == pytest.approx(1.0)
    assert np.isnan(curve.y).all()


@pytest.mark.parametrize("draw", [plots.distributions, plots.series_side_by_side])
def test_empty_data_are_refused(draw):
    for empty in ({}, {"real": np.empty((0, 5, 1))}):
        with pytest.raises(DataError, match="expected at least one"):
            draw(empty, "A")


def test_windows_side_by_side_are_windows_of_their_data_set(named):
    fig = plots.series_side_by_side(named, "A", series=1, number=3, seed=4)
    assert len(fig.data) == 3
    for trace, x in zip(fig.data, named.values(), strict=True):
        pieces = np.split(trace.y, np.flatnonzero(np.isnan(trace.y)))
        windows = [piece[~np.isnan(piece)] for piece in pieces if (~np.isnan(piece)).any()]
        assert len(windows) == 3
        numbers = [np.flatnonzero((x[:, :, 1] == window).all(axis=1)) for window in windows]
        assert all(len(found) == 1 for found in numbers)
        assert len({int(found[0]) for found in numbers}) == 3
    assert list(fig.layout.xaxis3.ticktext) == ["window 1", "window 2", "window 3"]


def test_redrawing_is_another_seed(named):
    def first(seed):
        return plots.series_side_by_side(named, "A", seed=seed).data[0].y

    np.testing.assert_array_equal(first(1), first(1))
    assert not np.array_equal(first(1), first(2), equal_nan=True)


def test_fewer_windows_than_asked_are_all_drawn(named):
    few = {data: x[:2] for data, x in named.items()}
    trace = plots.series_side_by_side(few, "A", number=9).data[0]
    assert np.isfinite(trace.y).sum() == 40


def test_autocorrelation_curves_begin_at_lag_one():
    fig = plots.acf_comparison({"Real training": [0.3, 0.2], "Real hold-out": [0.2, 0.1], "gan": [0.1, 0.0]}, "ACF")
    assert [trace.y.tolist() for trace in fig.data] == [[0.3, 0.2], [0.2, 0.1], [0.1, 0.0]]
    assert all(trace.x.tolist() == [1, 2] for trace in fig.data)
    assert [trace.line.dash for trace in fig.data] == ["solid", "dot", "solid"]
    assert len({trace.line.color for trace in fig.data}) == 3


@pytest.mark.parametrize("series", [2, 3, 9])
def test_each_map_shows_its_matrix(series):
    maps = {f"run {i}": np.corrcoef(stream(i, "map").standard_normal((series, 50))) for i in range(3)}
    fig = plots.correlation_maps(maps, [f"asset {i}" for i in range(series)])
    for trace, matrix in zip(fig.data, maps.values(), strict=True):
        np.testing.assert_array_equal(trace.z, matrix)
    assert [note.text for note in fig.layout.annotations] == list(maps)
    assert fig.layout.coloraxis.showscale is (series > 8)


def test_each_data_set_has_its_points_on_the_map():
    points = stream(0, "points").standard_normal((5, 2))
    fig = plots.window_map(points, ["Real training", "gan", "gan", "Real training", "gan"])
    assert [trace.name for trace in fig.data] == ["Real training", "gan"]
    np.testing.assert_array_equal(fig.data[0].x, points[[0, 3], 0])
    np.testing.assert_array_equal(fig.data[1].y, points[[1, 2, 4], 1])
