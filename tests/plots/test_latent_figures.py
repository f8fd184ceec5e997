import numpy as np
import pytest
from sklearn.decomposition import PCA

from synthfin_core import plots
from synthfin_core.errors import DataError, SettingError
from synthfin_core.rng import stream


def test_principal_components_agree_with_scikit_learn():
    points = stream(0, "points").standard_normal((60, 5)) @ stream(1, "mix").standard_normal((5, 5))
    found, chosen = plots.embed(points)
    expected = PCA(2, svd_solver="full").fit_transform(points)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-9)
    assert chosen.tolist() == list(range(60))


def test_one_dimension_lies_on_a_line():
    x = stream(0, "points").standard_normal((9, 1))
    found, _ = plots.embed(x)
    np.testing.assert_allclose(found, np.column_stack([x - x.mean(), np.zeros(9)]))


def test_neighbours_stay_together_and_the_seed_decides():
    centres = np.repeat([[0.0] * 6, [30.0] * 6], 30, axis=0)
    points = centres + stream(0, "points").standard_normal((60, 6))
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    found, chosen = plots.embed(points, "t-SNE", seed=3)
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002
    assert chosen.tolist() == list(range(60))
    gap = np.linalg.norm(found[:30].mean(axis=0) - found[30:].mean(axis=0))
    assert gap > 2 * max(found[:30].std(), found[30:].std())
    np.testing.assert_array_equal(plots.embed(points, "t-SNE", seed=3)[0], found)


def test_long_lists_are_thinned_evenly():
    found, chosen = plots.embed(np.arange(9000.0)[:, None] * [1.0, 2.0])
    assert len(found) == len(chosen) == 4000
    assert (chosen[0], chosen[-1]) == (0, 8999)
    assert set(np.diff(chosen)) == {2, 3}


def test_windows_of_several_data_sets_share_one_map():
    rng = stream(0, "windows")
    named = {"real": rng.standard_normal((20, 6, 2)) * [1, 1000], "run": rng.standard_normal((10, 6, 2)) * [1, 1000]}
    found, titles, chosen = plots.embed_windows(named)
    assert titles == ["real"] * 20 + ["run"] * 10
    assert chosen.tolist() == [*range(20), *range(10)]
    scaled = np.concatenate(list(named.values())) / named["real"].std(axis=(0, 1))
    np.testing.assert_allclose(found, plots.embed(scaled.reshape(30, -1))[0])


def test_data_sets_share_the_places_on_a_crowded_map():
    named = {"real": np.arange(9000.0).reshape(3000, 3, 1), "few": np.arange(30.0).reshape(10, 3, 1)}
    found, titles, chosen = plots.embed_windows(named)
    assert len(found) == len(titles) == len(chosen) == 2010
    assert (titles.count("real"), titles.count("few")) == (2000, 10)
    assert chosen[1999] == 2999


def test_maps_refuse_what_they_cannot_place():
    with pytest.raises(SettingError, match="No map is called 'UMAP'; there are PCA and t-SNE"):
        plots.embed(np.zeros((9, 2)), "UMAP")
    with pytest.raises(SettingError, match="No map is called 'UMAP'"):
        plots.embed_windows({"real": np.zeros((9, 3, 2))}, "UMAP")
    with pytest.raises(DataError, match="No data set came"):
        plots.embed_windows({})
    with pytest.raises(DataError, match=r"shape \(3, 2\), expected"):
        plots.embed(np.zeros((3, 2)))
    with pytest.raises(DataError, match="missing or infinite"):
        plots.embed(np.full((9, 2), np.inf))


def test_points_carry_their_place_colour_and_label():
    points = stream(0, "points").standard_normal((6, 2))
    trace = plots.latent_map(points, np.arange(6.0), "Volatility", [f"<{i}>" for i in range(6)]).data[0]
    np.testing.assert_array_equal(np.column_stack([trace.x, trace.y]), points)
    np.testing.assert_array_equal(trace.marker.color, np.arange(6.0))
    np.testing.assert_array_equal(trace.customdata, np.arange(6))
    assert trace.text[2] == "&lt;2&gt;"
    assert plots.latent_map(points, np.arange(6.0), "Trend").data[0].text is None


def test_a_sweep_draws_each_path_in_its_own_colour():
    values = np.linspace(-3, 3, 10)
    paths = stream(0, "paths").standard_normal((10, 25))
    fig = plots.latent_sweep(values, paths, 4, "A", "price")
    np.testing.assert_array_equal([trace.y for trace in fig.data[:10]], paths)
    assert fig.data[0].name == "dimension 5 at -3.00"
    assert len({trace.line.color for trace in fig.data[:10]}) == 10
    assert (fig.data[10].marker.cmin, fig.data[10].marker.cmax) == (-3.0, 3.0)
    assert len(plots.latent_sweep([1.0], paths[:1], 0).data) == 2
