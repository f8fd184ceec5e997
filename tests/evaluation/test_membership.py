import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from synthfin_core.errors import DataError
from synthfin_core.evaluation.membership import auc, auc_interval, membership, stretches
from synthfin_core.evaluation.metric import METRICS, Context
from synthfin_core.evaluation.records import Records
from synthfin_core.rng import stream

T = 12


def windows(rows):
    return sliding_window_view(rows, T, axis=0).transpose(0, 2, 1)


@pytest.fixture(scope="module")
def world():
    rows = stream(0, "rows").standard_t(4, (1200, 2)) * 0.01
    control = stream(1, "control").standard_t(4, (600, T, 2)) * 0.01
    return windows(rows[:900]), Context(holdout=windows(rows[900:]), control=control)


def found(real, synthetic, context):
    context = Context(holdout=Records(context.holdout), control=Records(context.control))
    return membership(Records(real), Records(synthetic), context)


def test_copies_give_members_away(world):
    real, context = world
    rng = stream(2, "copies")
    copies = real[rng.integers(len(real), size=600)]
    for synthetic in (copies, copies + 1e-6 * rng.standard_normal(copies.shape), 2 * copies):
        value, exhibit = found(real, synthetic, context)
        assert value > 0.48
        assert exhibit["auc"] - 0.5 == pytest.approx(value)
        assert exhibit["low"] > 0.5
        assert exhibit["high"] <= 1
        assert [exhibit["members"][0], exhibit["others"][0]] == [50, 17]
    noisy = copies + 0.005 * rng.standard_normal(copies.shape)
    assert found(real, noisy, context).value > 0.4


def test_fresh_and_flipped_data_give_nothing_away(world):
    real, context = world
    fresh = stream(3, "fresh").standard_t(4, (600, T, 2)) * 0.01
    for synthetic in (fresh, -real[::2], real[::2, ::-1], np.zeros((50, T, 2))):
        value, exhibit = found(real, synthetic, context)
        assert value < 0.15
        assert exhibit["low"] < 0.5


def test_copies_of_the_hold_out_are_not_the_training_data(world):
    real, context = world
    value, exhibit = found(real, context.holdout[:100], context)
    assert value == 0
    assert exhibit["auc"] < 0.3


def test_a_calmer_hold_out_is_not_taken_for_strangers(world):
    """Scale is taken out, and the control is as near to one side as to the other."""
    real, context = world
    fresh = stream(4, "fresh").standard_t(4, (600, T, 2)) * 0.01
    calm = Context(holdout=context.holdout * 0.2, control=context.control)
    assert found(real, fresh, calm).value == pytest.approx(found(real, fresh, context).value, abs=0.01)


def test_a_hold_out_of_rare_shapes_is_not_taken_for_strangers():
    """Windows with one great move are near to each other, even ones far from all: without the control an alarm."""
    rng = stream(5, "wild")
    wild, even = rng.standard_t(1.5, (900, 2)), rng.standard_normal((400, 2))
    fresh, control = rng.standard_t(1.5, (2, 600, T, 2))
    known = [Records(windows(wild)), Records(windows(even))]
    near = [Records(fresh).nearest(each, 0, 1000).back for each in known]
    assert auc(-near[0], -near[1]) > 0.7
    assert found(windows(wild), fresh, Context(holdout=windows(even), control=control)).value < 0.2


def test_order_of_synthetic_windows_does_not_matter(world):
    real, context = world
    synthetic = np.concatenate([real[::5], stream(6, "fresh").standard_t(4, (300, T, 2))])
    shuffled = stream(7, "order").permutation(synthetic)
    assert found(real, synthetic, context).value == pytest.approx(found(real, shuffled, context).value)


def test_few_stretches_are_refused(world):
    real, context = world
    short = Context(holdout=context.holdout[:50], control=context.control)
    with pytest.raises(DataError, match=r"at least 4 stretches .*, and there are 50 and 3"):
        METRICS["membership"](real, real, short)


def test_stretches_share_no_step():
    rng = stream(8, "starts")
    for starts in (np.arange(100), np.arange(0, 300, 7), np.sort(rng.choice(400, 80, replace=False)), np.array([3])):
        number = stretches(starts, T)
        steps = [
            {step for start in starts[number == k] for step in range(start, start + T)} for k in range(number.max() + 1)
        ]
        assert all(steps)
        assert sum(map(len, steps)) == len(set().union(*steps))
        assert all(max(each) - min(each) < 1.5 * T for each in steps)
    assert stretches(np.arange(0, 120, T), T).tolist() == list(range(10))  # windows apart stand for themselves


def test_auc_agrees_with_a_plain_loop_and_scikit_learn():
    from sklearn.metrics import roc_auc_score

    rng = stream(9, "auc")
    members, others = rng.integers(0, 9, 30) + 1.0, rng.integers(0, 9, 20) * 1.0
    pairs = [(a > b) + (a == b) / 2 for a in members for b in others]
    assert auc(members, others) == pytest.approx(np.mean(pairs))
    labels = np.repeat([1, 0], [30, 20])
    assert auc(members, others) == pytest.approx(roc_auc_score(labels, np.concatenate([members, others])))


def test_interval_solves_its_equation_and_covers():
    from statsmodels.stats.proportion import proportion_confint

    for hits, n in ((9, 12), (12, 12), (6, 12)):
        low, high = auc_interval(hits / n, n, n + 30)
        assert (low, high) == pytest.approx(proportion_confint(hits, n, method="wilson"), abs=1e-4)
    rng = stream(10, "coverage")
    covered = 0
    for _ in range(400):
        low, high = auc_interval(auc(rng.standard_normal(40) + 1, rng.standard_normal(8)), 40, 8)
        covered += low <= 0.7602 <= high  # P(N(1, 2) > 0) = Phi(1 / sqrt 2)
    assert covered / 400 > 0.95
