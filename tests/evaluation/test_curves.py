import numpy as np
import pytest

import synthfin_core.evaluation.curves  # noqa: F401
from synthfin_core.evaluation import METRICS, autocorrelation
from synthfin_core.evaluation.curve import CURVES
from synthfin_core.evaluation.curves import PROBABILITIES
from synthfin_core.rng import stream

NAMES = ["quantiles", "acf", "acf_abs", "acf_square", "leverage", "coarse_fine", "gain_loss", "aggregation"]


@pytest.fixture
def x():
    return stream(0, "test").standard_t(4, (40, 60, 2)) * [0.01, 0.03]


@pytest.mark.parametrize("name", NAMES)
def test_a_curve_has_a_point_at_each_position_and_the_same_positions_for_other_data(name, x):
    each = CURVES[name]
    found = each.function(x)
    other = each.function(2 * x[:17])
    assert found.y.shape == (len(found.at), 2)
    assert np.isfinite(found.y).all()
    assert (np.diff(found.at) > 0).all()
    np.testing.assert_array_equal(found.at, other.at)
    assert each.title
    assert each.function.__doc__


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_windows_does_not_matter_and_inputs_are_left_as_found(name, x):
    x.setflags(write=False)
    mixed = stream(1, "order").permutation(x)
    np.testing.assert_allclose(CURVES[name].function(x).y, CURVES[name].function(mixed).y, atol=1e-12)


def test_quantiles_agree_with_numpy(x):
    found = CURVES["quantiles"].function(x)
    np.testing.assert_allclose(found.y, np.quantile(x.reshape(-1, 2), PROBABILITIES, axis=0))
    assert PROBABILITIES[0] == pytest.approx(1e-4)
    np.testing.assert_allclose(PROBABILITIES + PROBABILITIES[::-1], 1)


def test_curves_show_what_the_scores_measure(x):
    y = stream(2, "other").standard_t(3, (30, 60, 2))
    for score, name in {
        "acf_distance": "acf",
        "acf_abs_distance": "acf_abs",
        "acf_square_distance": "acf_square",
        "leverage_distance": "leverage",
        "coarse_fine_distance": "coarse_fine",
        "gain_loss_distance": "gain_loss",
    }.items():
        assert METRICS[score].figure == name
        gap = CURVES[name].function(y).y - CURVES[name].function(x).y
        np.testing.assert_allclose(METRICS[score](x, y), np.sqrt((gap**2).mean(axis=0)))


def test_positions_are_steps(x):
    assert CURVES["acf"].function(x).at.tolist() == list(range(1, 31))
    assert CURVES["leverage"].function(x).at.tolist() == list(range(1, 21))
    assert CURVES["coarse_fine"].function(x).at.tolist() == [5, 10, 15, 20]
    assert CURVES["aggregation"].function(x).at.tolist() == [1, 2, 5, 10, 20, 50]
    np.testing.assert_array_equal(CURVES["acf_abs"].function(x).y, autocorrelation(x, 30, "abs"))


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_named_by_a_score_of_these_subjects_exists(name):
    assert any(each.figure == name for each in METRICS.values())
