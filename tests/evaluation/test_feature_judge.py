import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from test_discrepancy import clustered, shuffled_values
from test_features import moves

from synthfin_core.evaluation.feature_judge import _divided, areas, roc
from synthfin_core.evaluation.features import described, feature_names
from synthfin_core.evaluation.metric import METRICS
from synthfin_core.rng import stream

judge = METRICS["feature_judge"]


def found(real, synthetic):
    return judge.function(described(real), described(synthetic))


def sliding(path, t):
    return np.stack([path[i : i + t] for i in range(len(path) - t + 1)])


def test_areas_agree_with_sklearn():
    draws = stream(0, "areas")
    negative, positive = draws.normal(size=(50, 3)), draws.normal(0.4, 1, size=(70, 3))
    negative[:, 2], positive[:, 2] = negative[:, 2].round(), positive[:, 2].round()  # many equal ones
    truth = np.repeat([0, 1], [50, 70])
    for column, area in enumerate(areas(negative, positive)):
        scores = np.concatenate([negative[:, column], positive[:, column]])
        assert area == pytest.approx(roc_auc_score(truth, scores))
        false, true = roc(negative[:, column], positive[:, column])
        assert np.trapezoid(true, false) == pytest.approx(area)
        assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)


def test_no_window_is_judged_by_what_shares_a_step_with_it():
    side = described(sliding(moves(1, 400, 1)[0], 20))
    judged_once = []
    for fold in range(4):
        judged, learned = _divided(side, fold)
        judged_once += judged.tolist()
        assert np.abs(side.starts[judged][:, None] - side.starts[learned]).min() == 20
    assert judged_once == list(range(381))


def test_it_sees_that_memory_is_missing():
    real = clustered(300, 60, 0)
    good, bad = found(real, clustered(300, 60, 1)), found(real, shuffled_values(real, 2))
    assert good.value < 0.15
    assert bad.value > 0.3
    best = feature_names(1)[int(bad.exhibit["feature"][0])]
    assert best.startswith(("autocorrelation of sizes", "autocorrelation of squares", "excess kurtosis", "mean size"))


def test_its_curve_is_small_rises_and_holds_the_score():
    shown = found(moves(200, 15, 2), 1.3 * moves(200, 15, 2, seed=1))
    false, true = shown.exhibit["false_positive"], shown.exhibit["true_positive"]
    assert len(false) == len(true) == 100
    assert (np.diff(true) >= 0).all()
    assert 2 * np.trapezoid(true, false) - 1 == pytest.approx(shown.value, abs=0.02)
    assert (np.diff(shown.exhibit["separation"]) <= 0).all()


def test_copies_are_no_different_in_any_order():
    x = moves(120, 15, 2)
    assert judge(x, x) == 0
    assert judge(x, stream(1, "order").permutation(x)) == 0


def test_overlap_does_not_tell_sides_apart():
    """Neighbours share nearly all of their steps; a judge that learned from them would know each by heart."""
    real = sliding(stream(3, "path").standard_normal((319, 1)), 20)
    assert judge(real, stream(4, "windows").standard_normal((300, 20, 1))) < 0.25


def test_noise_makes_it_worse():
    x, y = moves(200, 15, 1), moves(200, 15, 1, seed=1)
    scores = [judge(x, y + size * moves(200, 15, 1, seed=2)) for size in (0.0, 0.8, 3.0)]
    assert scores[0] < scores[1] < scores[2]


def test_a_mean_printer_is_always_found():
    x = moves(80, 15, 1)
    assert judge(x, np.tile(x.mean(axis=0), (80, 1, 1))) == pytest.approx(1)


def test_without_windows_apart_from_each_other_there_is_no_score():
    assert math.isnan(judge(sliding(moves(1, 60, 1)[0], 30), moves(40, 30, 1)))


def test_sides_of_unequal_size_are_judged_alike():
    assert judge(moves(400, 15, 1), moves(60, 15, 1, seed=5)) < 0.25
