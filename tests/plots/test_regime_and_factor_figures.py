"""Figures of regimes and of factor models."""

import numpy as np
import pandas as pd
import pytest

from synthfin_core.plots.factors import (
    covariance_parts,
    likelihood_by_factors,
    loadings_over_window,
    shares_over_window,
    variance_shares,
)
from synthfin_core.plots.regimes import criterion, regimes, state_laws, state_names, transitions


@pytest.fixture
def posterior():
    random = np.random.default_rng(0)
    raw = random.random((300, 3))
    return raw / raw.sum(axis=1, keepdims=True)


def test_states_are_drawn_behind_the_bars_and_sum_to_one(posterior):
    index = pd.bdate_range("2000-01-03", periods=300)
    bars = np.random.default_rng(1).standard_normal(300)
    fig = regimes(index, 100 + bars.cumsum(), bars, posterior, "<b>S&P</b>", bars_unit="% a bar")
    (strip,) = [trace for trace in fig.data if trace.type == "heatmap"]
    np.testing.assert_array_equal(strip.z[0], posterior.argmax(axis=1))
    areas = [trace for trace in fig.data if trace.type == "scatter" and trace.stackgroup]
    assert [trace.name for trace in areas] == state_names(3)
    np.testing.assert_allclose(np.sum([trace.y for trace in areas], axis=0), 1, atol=2e-3)
    (points,) = [trace for trace in fig.data if trace.type == "scattergl"]
    np.testing.assert_array_equal(points.y, bars)
    assert "<b>" not in fig.to_json()


def test_a_series_without_a_price_has_two_panels(posterior):
    fig = regimes(np.arange(300), None, np.arange(300.0), posterior)
    assert {trace.yaxis for trace in fig.data} == {"y", "y2"}
    assert regimes(np.arange(300), None, np.zeros(300), np.ones((300, 1))).data[-1].name == "one state"


def test_the_criterion_marks_what_is_shown():
    fig = criterion((1, 2, 3), np.array([30.0, 10.0, 12.0]), 3)
    assert fig.data[0].y.tolist() == [20, 0, 2]
    assert (fig.data[1].x[0], fig.data[1].y[0]) == (3, 2)


def test_transitions_and_laws():
    matrix = np.array([[0.9, 0.1], [0.2, 0.8]])
    np.testing.assert_array_equal(transitions(matrix).data[0].z, matrix)
    x = np.linspace(-1, 1, 5)
    fig = state_laws({"calm": (x, np.exp(-(x**2))), "wild": (x, np.ones(5))}, "S&P", "%")
    assert [trace.name for trace in fig.data] == ["calm", "wild"]
    assert fig.layout.yaxis.type == "log"


def test_the_best_number_of_factors_is_marked():
    equal = np.array([[-5.0, -5.0], [-3.0, -3.2], [-4.0, -4.0]])
    fig = likelihood_by_factors((0, 1, 5), equal, equal[::-1], np.array([-3.5, -3.7]), truth=1)
    names = [trace.name for trace in fig.data]
    assert names.count("best: 1") == 2
    np.testing.assert_allclose(fig.data[0].y, [-5, -3.1, -4])
    np.testing.assert_allclose(fig.data[-1].y, [-3.6, -3.6])
    assert fig.layout.shapes[0].x0 == 1


def test_a_covariance_in_two_parts_on_one_scale():
    systematic, own = np.array([[0.5, 0.4], [0.4, 0.3]]), np.diag([0.5, 0.7])
    fig = covariance_parts(systematic, own, ("a", "b"))
    np.testing.assert_array_equal(fig.data[0].z, systematic)
    np.testing.assert_array_equal(fig.data[1].z, own)
    assert (fig.layout.coloraxis.cmin, fig.layout.coloraxis.cmax) == (-1, 1)
    bars = variance_shares(np.array([0.5, 0.3]), ("a", "b")).data
    np.testing.assert_allclose(np.asarray(bars[0].x) + bars[1].x, 1)
    wide = covariance_parts(np.eye(20), np.eye(20), [str(i) for i in range(20)])
    assert not wide.layout.xaxis.visible


def test_factors_along_a_window():
    loadings = np.random.default_rng(0).standard_normal((12, 2, 6))
    fig = loadings_over_window(loadings, ("a", "b"), most=4)
    assert len(fig.data) == 8
    np.testing.assert_array_equal(fig.data[3].y, loadings[:, 1, 1])
    share = shares_over_window(np.full((12, 2), 0.4), ("a", "b"))
    assert [trace.name for trace in share.data] == ["a", "b"]
