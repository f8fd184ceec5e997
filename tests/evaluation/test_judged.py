"""Recurrent judges as registered scores: what they need, what they show, and that the seed decides."""

import dataclasses

import numpy as np
import pytest

import synthfin_core.evaluation.judged
import synthfin_core.judges.discriminate
import synthfin_core.judges.predict
from synthfin_core.evaluation.metric import METRICS, Context

NAMES = ("discriminative_score", "strong_judge", "predictive_score")


@pytest.fixture
def quick(monkeypatch):
    """The judges with a few iterations, which take longer steps."""
    judges, predict = synthfin_core.judges.discriminate, synthfin_core.judges.predict.predict
    for name, iterations in (("LITERATURE", 300), ("STRONG", 60)):
        monkeypatch.setattr(judges, name, dataclasses.replace(getattr(judges, name), iterations=iterations, rate=0.02))
    monkeypatch.setattr(
        synthfin_core.judges.predict, "predict", lambda pairs, seed: predict(pairs, iterations=600, seed=seed)
    )


def normal(seed, n=200, mean=0.0, d=2):
    return np.random.default_rng(seed).normal(mean, 1, (n, 6, d))


def test_they_are_learned_judges():
    for name in NAMES:
        metric = METRICS[name]
        assert (metric.group, metric.learned, metric.together, metric.context) == ("judges", True, True, True)
        assert metric.better == "lower"


@pytest.mark.parametrize("name", NAMES)
def test_too_few_windows_are_left_out_with_the_reason(name):
    reason = METRICS[name].needs.unmet(normal(0), normal(1, 99), ["a", "b"])
    assert reason == "it needs at least 100 windows on each side, and there are 99"
    assert METRICS[name].needs.unmet(normal(0), normal(1, 100), ["a", "b"]) is None


def test_a_constant_real_series_is_left_out():
    real = normal(0)
    real[:, :, 1] = 3
    for name in NAMES:
        assert METRICS[name].needs.unmet(real, normal(1), ["a", "b"]) == "the real series b is constant"


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("d", [1, 2])
def test_one_process_is_near_zero_and_another_is_far(d):
    real = normal(0, d=d)
    pairs = [(real, normal(1, d=d)), (real, normal(2, d=d, mean=2.0))]
    for name, least in (("discriminative_score", 0.3), ("strong_judge", 0.3), ("predictive_score", 0.01)):
        near, far = (each.value for each in METRICS[name].function(pairs, Context(seed=1)))
        assert far > least
        assert near < far / 3


@pytest.mark.usefixtures("quick")
def test_the_seed_decides_and_a_constant_synthetic_series_is_judged():
    real, flat = normal(0), np.zeros((150, 6, 2))
    for name in NAMES:
        found = [METRICS[name].function([(real, flat)], Context(seed=seed))[0].value for seed in (1, 1)]
        assert found[0] == found[1]
        assert np.isfinite(found[0])


@pytest.mark.usefixtures("quick")
def test_curves_show_the_two_rates():
    pair = (normal(0), normal(1, mean=2.0))
    for name in NAMES[:2]:
        assert METRICS[name].figure == "roc"
        exhibit = METRICS[name].function([pair], Context())[0].exhibit
        false, true = exhibit["false_positive"], exhibit["true_positive"]
        assert false.shape == true.shape == (100,)
        assert (np.diff(true) >= 0).all()
        assert (true[-1], np.trapezoid(true, false) > 0.9) == (1, True)
    errors = METRICS["predictive_score"].function([pair], Context())[0]
    learned_from_synthetic, learned_from_real = errors.exhibit["mean_absolute_error"]
    assert errors.value == pytest.approx(learned_from_synthetic - learned_from_real)
