"""Verdicts from floors and losses made by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from synthfin_core.evaluation import METRICS
from synthfin_core.evaluation.floors import Floor, Floors
from synthfin_core.evaluation.verdict import CAP, CLOSE, COPIES, FAR, NEAR, WITHIN, Judge, Verdict, judge

TIME = ("acf_distance", "acf_abs_distance", "acf_square_distance", "leverage_distance")
VALUES = ("mean_difference", "ks_statistic", "wasserstein", "skewness_difference")
ALARMS = tuple(name for name, each in METRICS.items() if each.alarm)
PATHS = 11


def key(score):
    return (score, "A")


def floors(*scores, low=1.0, high=3.0):
    """Paths whose losses are `low` to `high` on every score, all in the same order."""
    losses = {key(score): np.linspace(low, high, PATHS) for score in scores}
    spread = map(float, np.percentile(np.linspace(low, high, PATHS), (10, 50, 90)))
    floor = Floor(*spread)
    return Floors(oracle=dict.fromkeys(losses, floor), losses=losses)


def verdict(values, scores=None, made=None):
    """The verdict on losses by score, where `scores` have floors of 1.2, 2 and 2.8."""
    scores = tuple(values) if scores is None else scores
    return Judge(made or floors(*scores), scores).verdict({key(score): value for score, value in values.items()})


@pytest.mark.parametrize(
    ("loss", "word"),
    [(0.0, WITHIN), (3.0, WITHIN), (3.01, NEAR), (6.0, NEAR), (6.01, FAR), (math.inf, FAR), (math.nan, "")],
)
def test_one_number(loss, word):
    assert judge(loss, Floor(1.0, 2.0, 3.0)) == word
    assert judge(loss, None) == ""


def test_a_floor_of_zero_forgives_nothing():
    assert judge(0.0, Floor(0.0, 0.0, 0.0)) == WITHIN
    assert judge(1e-9, Floor(0.0, 0.0, 0.0)) == FAR
    assert verdict(dict.fromkeys(TIME, 0.0), made=floors(*TIME, low=0.0, high=0.0)).groups == {"time": WITHIN}


def test_all_within():
    found = verdict(dict.fromkeys(TIME, 2.0))
    assert (found.word, found.groups, found.flags) == (WITHIN, {"time": WITHIN}, ())
    assert (found.within, found.near, found.far, found.missing, found.close, found.judged) == (4, 0, 0, 0, 0, 4)
    assert found.sentence == "within the floor: 4 of 4 numbers are within the floor, 0 far"


def test_one_far_number_does_not_make_a_group_far_and_two_of_four_do():
    rest = dict.fromkeys(TIME, 2.0)
    assert verdict(rest | {TIME[0]: 99.0}).word == NEAR
    assert verdict(rest | {TIME[0]: 99.0, TIME[1]: 99.0}).word == FAR


def test_a_quarter_far_makes_a_group_far():
    scores = ("tail_index_left", "tail_index_right", "value_at_risk_1", "value_at_risk_5", "expected_shortfall_1",
              "expected_shortfall_5", "drawdown_distance", "kupiec_1", "kupiec_5")  # fmt: skip
    two_far = dict.fromkeys(scores, 2.0) | dict.fromkeys(scores[:2], 99.0)
    assert verdict(two_far).groups == {"tails": NEAR}
    assert verdict({score: two_far[score] for score in scores[:8]}).groups == {"tails": FAR}


def test_a_group_of_one_number_has_the_word_of_that_number():
    assert verdict({"mmd": 2.0}).groups == {"judges": WITHIN}
    assert verdict({"mmd": 4.0}).groups == {"judges": NEAR}
    assert verdict({"mmd": 6.0}).groups == {"judges": FAR}


def test_a_group_of_one_or_two_numbers_has_no_say():
    found = verdict(dict.fromkeys(TIME, 2.0) | {"mmd": 99.0, "strategy_ranking": 99.0, "sanity_gate": 99.0})
    assert found.groups == {"time": WITHIN, "judges": FAR, "utility": FAR}
    assert (found.word, found.far) == (WITHIN, 3)
    assert found.sentence.endswith("3 far; far in two-sample judges, use")


def test_where_there_are_only_small_groups_the_worst_of_them_counts():
    assert verdict({"mmd": 99.0, "strategy_ranking": 2.0}).word == FAR


def test_the_worst_group_decides():
    good, bad = dict.fromkeys(VALUES, 0.0), dict.fromkeys(TIME, 99.0)
    assert verdict(good | bad).word == FAR
    assert verdict(good | bad).groups == {"one series": WITHIN, "time": FAR}
    assert verdict(good | dict.fromkeys(TIME, 4.0)).word == NEAR


def test_the_index_of_a_group_is_judged_by_that_of_the_paths():
    """All four at 0.999 of their floor: each is within, but all together are so in one path of ten only."""
    made = floors(*TIME)
    shift = {score: np.roll(np.linspace(1.0, 3.0, PATHS), place * 3) for place, score in enumerate(TIME)}
    mixed = Floors(oracle=made.oracle, losses={key(score): each for score, each in shift.items()})
    high = made.oracle[key(TIME[0])].high
    usual = np.sqrt(np.mean([np.minimum(each / high, CAP) ** 2 for each in shift.values()], axis=0))
    assert np.percentile(usual, 90) < 0.999
    assert verdict(dict.fromkeys(TIME, 0.999 * high), made=mixed).groups == {"time": NEAR}
    assert verdict(dict.fromkeys(TIME, 0.999 * high), made=made).groups == {"time": WITHIN}
    exactly = float(np.percentile(usual, 90)) * high
    assert verdict(dict.fromkeys(TIME, exactly * (1 - 1e-9)), made=mixed).groups == {"time": WITHIN}
    assert verdict(dict.fromkeys(TIME, exactly * (1 + 1e-9)), made=mixed).groups == {"time": NEAR}


def test_numbers_that_do_not_exist_count_as_far():
    found = verdict({TIME[0]: 2.0, TIME[1]: 2.0}, scores=TIME)
    assert (found.word, found.within, found.far, found.missing) == (FAR, 2, 0, 2)
    assert found.sentence == (
        "far: 2 of 4 numbers are within the floor, 0 far; 2 could not be computed; far in dependence in time"
    )


def test_scores_that_were_not_asked_for_do_not_count():
    made = floors(*TIME, *VALUES)
    found = Judge(made, TIME).verdict({key(score): 2.0 for score in TIME})
    assert (found.judged, found.groups) == (4, {"time": WITHIN})


def test_too_good_to_be_true():
    """The paths have none under the 10th percentile but the first two, which have all eight there."""
    scores = (*TIME, *VALUES)
    made = floors(*scores)
    even = {each: np.where(np.arange(PATHS) < 2, 2.0, losses) for each, losses in made.losses.items()}
    calm = Floors(oracle=made.oracle, losses=even)
    few, many = dict.fromkeys(scores, 2.0), dict.fromkeys(scores, 2.0)
    few.update(dict.fromkeys(scores[:2], 0.0))
    many.update(dict.fromkeys(scores[:3], 0.0))
    assert (verdict(few, made=calm).close, verdict(few, made=calm).flags) == (2, ())
    assert (verdict(many, made=calm).close, verdict(many, made=calm).flags) == (3, (CLOSE,))
    assert verdict(many, made=calm).sentence.endswith("suspiciously close in 3")
    assert verdict(many, made=calm).word == WITHIN
    assert verdict(many, made=made).flags == ()  # perfect samples are that close together in one case of ten


def test_few_numbers_are_never_suspicious():
    assert verdict({TIME[0]: 0.0, TIME[1]: 0.0}).flags == ()


def test_two_alarms_make_a_copier_and_one_does_not():
    rest = dict.fromkeys(VALUES, 2.0) | dict.fromkeys(ALARMS, 2.0)
    one = verdict(rest | {ALARMS[0]: 99.0})
    two = verdict(rest | dict.fromkeys(ALARMS[:2], 99.0))
    assert (one.word, one.flags) == (WITHIN, ())
    assert (two.word, two.flags) == (COPIES, (COPIES,))
    assert two.sentence.startswith("copies the training data: 7 of 9 numbers")
    assert two.sentence.endswith("far in novelty")


def test_an_alarm_that_some_path_of_the_oracle_rings_too_is_no_alarm():
    """Far from the 90th percentile, and still not above the worst of the paths."""
    made = floors(*VALUES, *ALARMS)
    for name in ALARMS:
        made.losses[key(name)][-1] = 50.0
    values = dict.fromkeys(VALUES, 2.0)
    assert verdict(values | dict.fromkeys(ALARMS, 49.0), made=made).flags == ()
    assert verdict(values | dict.fromkeys(ALARMS, 51.0), made=made).flags == (COPIES,)


def test_novelty_and_what_lacks_floors_do_not_make_data_unrealistic():
    scores = (*VALUES, "coverage", "density", ALARMS[0])
    found = verdict(dict.fromkeys(VALUES, 2.0) | {"coverage": 99.0, "density": 99.0, ALARMS[0]: 2.0}, scores)
    assert (found.groups["novelty"], found.word) == (FAR, WITHIN)


def test_without_floors_there_is_no_verdict():
    found = Judge(Floors(), TIME).verdict({key(TIME[0]): 0.0})
    assert found == Verdict()
    assert found.sentence == "there is no noise floor to judge it by"


def test_a_score_that_some_paths_lack_is_judged_but_does_not_calibrate():
    made = floors(*TIME)
    made.losses[key(TIME[0])] = np.array([99.0, 99.0])
    found = verdict(dict.fromkeys(TIME, 2.0), made=made)
    assert (found.word, found.within) == (WITHIN, 4)
