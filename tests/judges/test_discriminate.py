"""Judges tell what differs, can only guess where nothing does, and do not look at each other's pairs."""

import numpy as np
import pytest

from synthfin_core.judges.discriminate import (
    LITERATURE,
    Settings,
    _judgement,
    discriminate,
    discriminative_score,
    strong_judge,
)

QUICK = Settings(hidden=4, iterations=80, batch=32, rate=1e-2, scale="deviation", split="blocks")


def normal(seed, n=400, t=6, d=2, mean=0.0):
    return np.random.default_rng(seed).normal(mean, 1, (n, t, d))


def test_the_literatures_settings():
    assert Settings(None, 2000, 128, 1e-3, "range", "random", 1) == LITERATURE


@pytest.mark.parametrize("d", [2, 4])
def test_a_shifted_sample_is_told_apart(d):
    real = normal(0, d=d)
    far, near = (discriminative_score(real, normal(1, d=d, mean=mean), iterations=1000) for mean in (1.5, 0))
    assert far > 0.3
    assert near < 0.12  # four standard errors of 160 test windows would be 0.16
    assert strong_judge(real, normal(1, d=d, mean=1.5), hidden=4, iterations=80, batch=32, rate=0.01) > 0.4


def test_a_single_series_has_a_judge_of_one_unit():
    judged = discriminate([(normal(0, d=1), normal(1, d=1, mean=2.0))], Settings(None, 300, rate=0.02), seed=1)[0]
    assert judged.score > 0.3


def test_more_difference_is_seen_better():
    pairs = [(normal(0), normal(1, mean=mean)) for mean in (0, 0.3, 1)]
    scores = [each.score for each in discriminate(pairs, QUICK)]
    assert scores == sorted(scores)
    assert scores[2] > scores[0] + 0.3


def test_reversed_time_is_seen():
    steps = np.random.default_rng(3).standard_normal((400, 8, 1))
    walk = np.cumsum(steps, axis=1)
    backwards = walk[:, ::-1]
    own, reversed_ = discriminate([(walk, np.cumsum(normal(4, 400, 8, 1), axis=1)), (walk, backwards)], QUICK)
    assert reversed_.score > own.score + 0.1


def test_a_pair_does_not_depend_on_the_others():
    real = normal(0, 150)
    pairs = [(real, normal(i, 150 + 20 * i, mean=0.2 * i)) for i in range(1, 4)]
    for settings in (QUICK, Settings(None, 40)):
        together = discriminate(pairs, settings, seed=3)
        for pair, expected in zip(pairs, together, strict=True):
            alone = discriminate([pair], settings, seed=3)[0]
            np.testing.assert_allclose(alone.real, expected.real, rtol=1e-3, atol=1e-4)
            np.testing.assert_allclose(alone.synthetic, expected.synthetic, rtol=1e-3, atol=1e-4)


def test_seeds_and_repeats():
    pair = (normal(0, 150), normal(1, 150))
    settings = Settings(2, 20, repeats=3)
    first, again, other = (discriminate([pair], settings, seed)[0] for seed in (1, 1, 2))
    assert (first.real == again.real).all()
    assert (first.real != other.real).any()
    assert len(first.real) == 3 * 30
    assert len({*first.real[:30]} & {*first.real[30:60]}) == 0  # each repeat has weights of its own


def test_identical_windows_are_never_told_apart():
    real = normal(0)
    judged = discriminate([(real, real)], QUICK)[0]
    assert judged.accuracy == 0.5
    assert judged.score == 0


def test_score_and_accuracy_count_both_sides_alike():
    real, synthetic = np.array([1.0, 2.0, -1.0, 3.0]), np.array([-1.0, 0.0])
    found = _judgement([(real, synthetic)], "random")
    assert found.accuracy == (3 / 4 + 2 / 2) / 2
    assert found.score == found.accuracy - 0.5
    wrong = [(-real[:2], 1 - synthetic)]
    assert _judgement(wrong, "random").score == 0.5
    assert _judgement(wrong, "blocks").score == 0  # copies of held back windows are called synthetic: no difference


def test_inputs_and_global_randomness_are_left_alone():
    real, synthetic = normal(0, 120), normal(1, 120)
    kept, state = (real.copy(), synthetic.copy()), np.random.get_state()[1].copy()  # noqa: NPY002
    discriminate([(real, synthetic)], Settings(1, 5))
    assert (real == kept[0]).all()
    assert (synthetic == kept[1]).all()
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002
