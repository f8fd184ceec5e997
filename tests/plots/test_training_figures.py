import numpy as np
import pytest

from synthfin_core import plots
from synthfin_core.errors import SettingError
from synthfin_core.plots.training import smoothed
from synthfin_core.rng import stream


def test_curves_hold_the_losses_given():
    fig = plots.loss_curves({"reconstruction": [3.0, 2.0, 1.0], "kl": [0.1, 0.2, 0.3]}, steps=[10, 20, 30])
    assert {trace.name: trace.y.tolist() for trace in fig.data} == {
        "reconstruction": [3.0, 2.0, 1.0],
        "kl": [0.1, 0.2, 0.3],
    }
    assert fig.data[0].x.tolist() == [10, 20, 30]


def test_smoothing_agrees_with_its_definition():
    values = stream(0, "loss").standard_normal(30)
    a = 0.8
    expected = [
        sum(a ** (i - j) * values[j] for j in range(i + 1)) / sum(a ** (i - j) for j in range(i + 1)) for i in range(30)
    ]
    np.testing.assert_allclose(smoothed(values, a), expected)
    np.testing.assert_array_equal(smoothed(values, 0.0), values)


def test_smoothing_passes_over_missing_values():
    np.testing.assert_allclose(smoothed(np.array([np.nan, 1.0, np.nan, 3.0]), 0.5), [np.nan, 1, 1, (0.5 + 3) / 1.5])


def test_raw_curve_stands_behind_the_smooth_one():
    raw, smooth = plots.loss_curves({"loss": [4.0, 0.0, 4.0]}, smoothing=0.5).data
    np.testing.assert_array_equal(raw.y, [4.0, 0.0, 4.0])
    np.testing.assert_allclose(smooth.y, smoothed(np.array([4.0, 0.0, 4.0]), 0.5))
    assert raw.opacity < 0.5
    assert raw.showlegend is False


def test_log_axis_leaves_gaps_where_there_is_no_logarithm():
    fig = plots.loss_curves({"critic": [1.0, -1.0, 10.0]}, log=True)
    np.testing.assert_array_equal(fig.data[0].y, [1.0, np.nan, 10.0])
    assert fig.layout.yaxis.type == "log"
    assert plots.loss_curves({"critic": [-1.0, -2.0]}, log=True).layout.yaxis.type == "log"


@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_smoothing_out_of_bounds_is_refused(smoothing):
    with pytest.raises(SettingError, match="expected a number from 0 to below 1"):
        plots.loss_curves({"loss": [1.0]}, smoothing=smoothing)


def test_progress_records_become_curves():
    records = [
        {"step": 5, "epoch": 1, "losses": {"loss": 3.0}},
        {"step": 9, "epoch": 1, "losses": {"loss": 2.0, "kl": 0.5}},
    ]
    steps, history = plots.by_name(iter(records))
    assert steps.tolist() == [5, 9]
    np.testing.assert_array_equal(history["kl"], [np.nan, 0.5])
    assert plots.by_name([])[1] == {}


def test_paths_are_drawn_as_given_with_one_legend_entry_a_kind():
    paths, real = stream(1, "paths").standard_normal((3, 8)), stream(2, "real").standard_normal((2, 8))
    fig = plots.sample_paths(paths, real, "A <i>", "log return")
    np.testing.assert_array_equal([trace.y for trace in fig.data], [*real, *paths])
    assert [trace.name for trace in fig.data] == ["real"] * 2 + ["synthetic"] * 3
    assert sum(trace.showlegend for trace in fig.data) == 2
    assert fig.layout.yaxis.title.text == "A &lt;i&gt;, log return"
    assert len(plots.sample_paths(paths).data) == 3
