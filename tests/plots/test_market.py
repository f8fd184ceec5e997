import numpy as np
import pandas as pd
import pytest
from scipy import stats

from synthfin_core import plots
from synthfin_core.data.panel import Panel
from synthfin_core.errors import DataError
from synthfin_core.evaluation import autocorrelation
from synthfin_core.rng import stream

DAYS = pd.bdate_range("2020-01-01", periods=300)


def panel(dated=True, **kinds):
    rng = stream(0, "panel")
    columns = {}
    for name, kind in kinds.items():
        r = rng.standard_normal(300) * 0.01
        columns[name] = {"price": 50 * np.exp(r.cumsum()), "return": r, "volume": 1e6 * np.exp(r)}.get(kind, r.cumsum())
    frame = pd.DataFrame(columns, index=DAYS if dated else pd.RangeIndex(300))
    return Panel(frame, kinds, "test")


def lines(fig):
    return {trace.name: np.asarray(trace.y) for trace in fig.data if trace.mode == "lines"}


def test_one_price_is_drawn_as_it_is():
    data = panel(A="price")
    fig = plots.price_chart(data)
    np.testing.assert_array_equal(fig.data[0].y, data.frame["A"])
    np.testing.assert_array_equal(pd.DatetimeIndex(fig.data[0].x), DAYS)
    assert fig.layout.title.text == "History of A"


def test_several_prices_begin_at_one_hundred():
    data = panel(A="price", B="price", V="volume")
    fig = plots.price_chart(data)
    found = lines(fig)
    assert list(found) == ["A", "B"]
    for name in found:
        np.testing.assert_allclose(found[name], data.frame[name] / data.frame[name].iloc[0] * 100)
    assert fig.layout.yaxis.type == "log"


def test_levels_below_zero_are_not_indexed():
    data = panel(A="level", B="level")
    np.testing.assert_array_equal(lines(plots.price_chart(data))["B"], data.frame["B"])


def test_returns_alone_are_added_up_and_volumes_alone_are_drawn():
    data = panel(A="return")
    np.testing.assert_allclose(lines(plots.price_chart(data))["A"], data.frame["A"].cumsum())
    assert plots.price_chart(panel(V="volume")).layout.title.text == "Volume per bar"


@pytest.mark.parametrize("dated", [True, False])
def test_the_holdout_is_shaded_from_the_split(dated):
    data = panel(dated, A="price")
    split = data.frame.index[240]
    fig = plots.price_chart(data, split_date=split)
    shade = next(shape for shape in fig.layout.shapes if shape.type == "rect")
    assert (shade.x0, shade.x1) == (split, data.frame.index[-1])
    assert [note.text for note in fig.layout.annotations] == ["hold-out"]


def test_returns_are_log_returns_of_prices_and_returns_as_they_are():
    data = panel(A="price", R="return", V="volume")
    found = lines(plots.returns_chart(data))
    np.testing.assert_allclose(found["A"], np.diff(np.log(data.frame["A"])))
    np.testing.assert_allclose(found["R"], data.frame["R"][1:])
    assert "V" not in found


def test_charts_say_when_they_have_nothing_to_draw():
    with pytest.raises(DataError, match="expected a price or a return"):
        plots.returns_chart(panel(V="volume"))
    with pytest.raises(DataError, match="hold no volume"):
        plots.volume_chart(panel(A="price"))


def test_volume_is_drawn_on_a_log_axis_without_zeros():
    data = panel(V="volume")
    frame = data.frame.copy()
    frame.iloc[7] = 0
    fig = plots.volume_chart(Panel(frame, data.kinds, "test"))
    assert np.isnan(fig.data[0].y[7])
    np.testing.assert_array_equal(np.delete(fig.data[0].y, 7), np.delete(frame["V"].to_numpy(), 7))
    assert fig.layout.yaxis.type == "log"


def test_qq_agrees_with_scipy():
    x = stream(1, "test").standard_t(5, 150) * 0.02
    normal, student, fit = plots.qq_plot(x, "A", degrees=5).data
    theory, ordered = stats.probplot(x, fit=False)
    np.testing.assert_allclose(normal.x, theory, atol=0.2)  # scipy puts its levels a little differently
    np.testing.assert_allclose(normal.x, stats.norm.ppf((np.arange(1, 151) - 0.5) / 150))
    np.testing.assert_allclose(student.x, stats.t.ppf((np.arange(1, 151) - 0.5) / 150, 5) * np.sqrt(3 / 5))
    z = (ordered - ordered.mean()) / ordered.std()
    np.testing.assert_allclose(normal.y, z)
    np.testing.assert_array_equal(student.y, normal.y)
    np.testing.assert_array_equal(fit.x, fit.y)


def test_qq_of_a_long_series_keeps_the_tails_whole():
    x = stream(1, "test").standard_normal(20_000)
    trace = plots.qq_plot(x, "A").data[0]
    assert len(trace.x) == 200
    np.testing.assert_allclose(trace.x[:3], stats.norm.ppf((np.arange(1, 4) - 0.5) / 20_000))
    np.testing.assert_allclose(trace.y[-3:], np.sort((x - x.mean()) / x.std())[-3:])
    np.testing.assert_allclose(trace.x[40:160], trace.y[40:160], atol=0.1)


def test_acf_is_that_of_the_whole_series_with_its_band():
    x = stream(2, "test").standard_t(5, 400)
    fig = plots.acf_plot(np.append(x, np.nan), "A", lags=12)
    for trace, of in zip(fig.data[:2], ("r", "abs"), strict=True):
        np.testing.assert_allclose(trace.y, autocorrelation(x[None, :, None], 12, of)[:, 0])
        np.testing.assert_array_equal(trace.x, np.arange(1, 13))
    band = fig.layout.shapes[0]
    assert (band.y0, band.y1) == (pytest.approx(-1.96 / 20), pytest.approx(1.96 / 20))


@pytest.mark.parametrize("draw", [plots.qq_plot, plots.acf_plot])
def test_tails_and_memory_need_values_that_vary(draw):
    with pytest.raises(DataError, match="A has one value only, expected at least 10"):
        draw(np.ones(50), "A")
    with pytest.raises(DataError, match="A has 4 values, expected at least 10"):
        draw(np.arange(4.0), "A")


def test_heat_map_shows_the_matrix():
    table = pd.DataFrame([[1.0, 0.3], [0.3, 1.0]], index=["A", "<b>"], columns=["A", "<b>"])
    tiles = plots.correlation_heatmap(table).data[0]
    np.testing.assert_array_equal(tiles.z, table)
    assert list(tiles.x) == list(tiles.y) == ["A", "&lt;b&gt;"]


def test_the_panel_is_left_as_found():
    data = panel(A="price", V="volume", R="return")
    before = data.frame.copy()
    for draw in (plots.price_chart, plots.returns_chart, plots.volume_chart):
        draw(data)
    pd.testing.assert_frame_equal(data.frame, before)
