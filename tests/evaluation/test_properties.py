"""What every registered score and curve must do, whatever it measures."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import synthfin_core.judges.discriminate
import synthfin_core.judges.encoder
import synthfin_core.judges.predict
from synthfin_core.evaluation import CURVES, GROUPS, METRICS
from synthfin_core.evaluation.dataset import DataSet, Frame, Pair
from synthfin_core.evaluation.metric import RETURNS
from synthfin_core.evaluation.scoring import score_pairs
from synthfin_core.rng import stream

QUICK = [each for each in METRICS.values() if not each.learned]
LEARNED = [each for each in METRICS.values() if each.learned]
QUICK_NAMES = [each.name for each in QUICK]
T = 100

#: Copies score one here, or nearly: these measure that data are not new.
OF_COPIES = {"copied_share", "near_copied_share", "closest_record", "neighbour_ratio"}

#: On identical data these say how the training years stand to the hold-out's, or what the real data are like.
OF_OTHER_YEARS = {
    *("exceptions_1", "exceptions_5", "kupiec_1", "kupiec_5", "kupiec_p_value_1", "kupiec_p_value_5"),
    *("christoffersen_p_value_5", "acerbi_szekely_1", "acerbi_szekely_2_5", "acerbi_szekely_p_value_2_5"),
    *("joint_losses_over_gaussian", "real_joint_losses_over_gaussian"),
}

#: What the others say of identical data where that is neither zero, nor one for a ratio. Density counts the fifth
#: neighbour and the window itself, six where five are expected; half is certainty that the windows were trained on.
OF_IDENTICAL = {"ks_p_value": 1.0, "kurtosis_ratio": 1.0, "mmd_p_value": 1.0, "density": 1.2, "membership": 0.5}

#: Scores that see in which order the steps of a window come.
SEE_THE_DIRECTION_OF_TIME = {
    *("leverage_distance", "coarse_fine_distance", "gain_loss_distance"),
    *("mmd", "mmd_p_value", "volatility_forecast", "strategy_ranking", "volume_volatility_distance"),
    *("copied_share", "near_copied_share", "closest_record", "neighbour_ratio", "membership"),
}


def market(seed: int, n: int, t: int = T, d: int = 2) -> np.ndarray:
    """Independent windows `(n, t, d + 1)` of volatile, skewed returns with leverage, and a log volume that follows."""
    random = stream(seed, "market")
    shocks = 0.6 * random.standard_normal((n, t, 1)) + 0.8 * random.standard_t(5, (n, t, d))
    shocks -= 0.2 * (random.exponential(1, (n, t, d)) - 1)
    variance = np.exp(random.standard_normal((n, d)))
    r = np.empty((n, t, d))
    for step in range(t):
        r[:, step] = np.sqrt(variance) * shocks[:, step]
        variance = 0.1 + 0.85 * variance + 0.05 * r[:, step] ** 2 - 0.15 * np.sqrt(variance) * r[:, step]
        variance = np.clip(variance, 0.05, 50)
    volume = np.log(1 + np.abs(r[:, :, :1])) + 0.3 * random.standard_t(4, (n, t, 1))
    return np.concatenate([0.01 * r + 0.0003, volume], axis=2)


def scores_of(real, synthetic, holdout, control, metrics=QUICK, names=("A", "B", "V")):
    """Every score of one pair."""
    kinds = tuple("volume" if name == "V" else "return" for name in names)
    data = (None if x is None else DataSet(x[:, :, : len(names)]) for x in (real, synthetic, holdout, control))
    pair = Pair(*data)
    return score_pairs(metrics, [pair], Frame(names, kinds))[0]


@pytest.fixture(scope="module")
def data():
    """Real, other, hold-out and control windows, none of which may be written to."""
    made = [market(seed, n) for seed, n in ((0, 120), (1, 110), (2, 90), (3, 120))]
    for each in made:
        each.setflags(write=False)
    return made


@pytest.fixture(scope="module")
def scored(data):
    """Scores of the situations that the tests compare."""
    real, other, holdout, control = data
    mix = stream(5, "order").permutation
    half = np.concatenate([other[:55], real[:55]])  # partly copies, so that scores of novelty have something to see
    noise = stream(4, "noise").standard_normal(real.shape) * real.std(axis=(0, 1)) * (0.5, 1.5, 1)
    flat = np.broadcast_to(real.mean(axis=(0, 1)), real.shape)
    return {
        "same": scores_of(real, real.copy(), holdout, control),
        "other": scores_of(real, other, holdout, control),
        "shuffled": scores_of(mix(real), mix(other), mix(holdout), mix(control)),
        "half": scores_of(real, half, holdout, control),
        "reversed": scores_of(real, half[:, ::-1].copy(), holdout, control),
        "a little noise": scores_of(real, real + 0.3 * noise, holdout, control),
        "much noise": scores_of(real, real + 3 * noise, holdout, control),
        "one series": scores_of(real, other, holdout, control, names=("A",)),
        "flat": scores_of(real, flat, holdout, control),
        "three windows": scores_of(real, other[:3], holdout, control),
        "one window": scores_of(real, other[:1], holdout, control),
        "no hold-out": scores_of(real, other, None, control),
    }


def numbers(scores, name):
    """The numbers of one score, over its series."""
    assert name not in scores.missing, scores.missing.get(name)
    return np.array([value for (score, _), value in scores.found.items() if score == name])


def losses(scores, name):
    return np.array([METRICS[name].loss(value) for value in numbers(scores, name)])


@pytest.mark.parametrize("each", METRICS.values(), ids=list(METRICS))
def test_a_score_says_what_it_is(each):
    assert each.title
    assert not each.title.endswith(".")
    assert each.help.endswith(".")
    assert each.function.__doc__
    assert each.group in GROUPS
    assert each.better in ("lower", "one", "none")
    assert not each.alarm or each.group == "novelty"


def test_scores_stand_in_the_order_of_their_groups():
    groups = [each.group for each in METRICS.values()]
    assert sorted(groups, key=list(GROUPS).index) == groups
    assert set(groups) == set(GROUPS)
    assert len({each.title for each in METRICS.values()}) == len(METRICS)


@pytest.mark.parametrize("name", QUICK_NAMES)
def test_all_numbers_are_finite_and_each_series_that_it_sees_has_one(scored, name):
    found = [series for score, series in scored["other"].found if score == name]
    each = METRICS[name]
    seen = [series for series, kind in zip("ABV", ("return", "return", "volume"), strict=True)
            if kind in RETURNS or not each.needs.returns]  # fmt: skip
    assert found in (["all"], seen)
    assert np.isfinite(numbers(scored["other"], name)).all()


@pytest.mark.parametrize("name", QUICK_NAMES)
def test_identical_data_are_perfect(scored, name):
    if name in OF_OTHER_YEARS:
        return
    perfect = {"lower": 0.0, "one": 1.0, "none": 0.0}[METRICS[name].better]
    expected = 1.0 if name in OF_COPIES else OF_IDENTICAL.get(name, perfect)
    np.testing.assert_allclose(numbers(scored["same"], name), expected, atol=1e-9)


@pytest.mark.parametrize("name", QUICK_NAMES)
def test_the_order_of_windows_does_not_matter(scored, name):
    """Windows that share no step; a p-value by permutations and a share of pieces drawn differ by their chance."""
    tolerance = {"mmd_p_value": 0.1, "near_copied_share": 0.005}.get(name, 1e-9)
    np.testing.assert_allclose(numbers(scored["shuffled"], name), numbers(scored["other"], name), atol=tolerance)


@pytest.mark.parametrize("name", QUICK_NAMES)
def test_reversed_time_changes_exactly_the_scores_that_see_its_direction(scored, name):
    change = np.abs(numbers(scored["reversed"], name) - numbers(scored["half"], name)).max()
    assert (change > 1e-3) == (name in SEE_THE_DIRECTION_OF_TIME), change


REALISM = [each.name for each in QUICK if each.better != "none" and (each.group != "novelty" or not each.alarm)]


@pytest.mark.parametrize("name", REALISM)
def test_noise_makes_realism_worse(scored, name):
    none, little, much = (losses(scored[key], name) for key in ("same", "a little noise", "much noise"))
    assert (much > little).any()
    assert (much > none).any()


@pytest.mark.parametrize("name", sorted(OF_COPIES | {"membership"}))
def test_noise_makes_copies_new(scored, name):
    assert (losses(scored["much noise"], name) < losses(scored["same"], name)).all()


@pytest.mark.parametrize("name", QUICK_NAMES)
def test_one_series_is_enough_where_none_is_compared_with_another(scored, name):
    needs = METRICS[name].needs
    if needs.volume:
        assert scored["one series"].missing[name].startswith("it needs a volume beside a price or a return")
    elif needs.series > 1:
        assert scored["one series"].missing[name] == "it needs at least 2 series, and there is one"
    else:
        assert np.isfinite(numbers(scored["one series"], name)).all()


@pytest.mark.parametrize("name", QUICK_NAMES)
def test_a_constant_series_is_left_out_or_imperfect(scored, name):
    """The mean of a constant may be right, and it holds no copy: these alone may call it perfect."""
    each, scores = METRICS[name], scored["flat"]
    if name in scores.missing:
        assert "is constant" in scores.missing[name] or "it is not defined" in scores.missing[name]
    elif each.better != "none" and name != "mean_difference" and not each.alarm:
        assert (losses(scores, name) > 0).any()


@pytest.mark.parametrize("name", QUICK_NAMES)
@pytest.mark.parametrize(("situation", "n"), [("three windows", 3), ("one window", 1)])
def test_few_windows_are_left_out_with_the_reason(scored, name, situation, n):
    least = METRICS[name].needs.windows
    if least > n:
        assert scored[situation].missing[name] == f"it needs at least {least} windows on each side, and there are {n}"
    else:
        assert name == "copied_share"


@pytest.mark.parametrize("name", QUICK_NAMES)
def test_scores_of_the_hold_out_are_left_out_without_one(scored, name):
    needed = METRICS[name].needs.holdout
    assert (name in scored["no hold-out"].missing) == (needed > 0)
    if needed:
        assert scored["no hold-out"].missing[name] == f"it needs at least {needed} hold-out windows, and there are 0"


@pytest.mark.parametrize("name", QUICK_NAMES)
def test_a_call_by_hand_gives_the_number_of_the_report(data, scored, name):
    each = METRICS[name]
    kinds = ("return", "return", "volume")
    columns = each.needs.columns(kinds)
    context = synthfin_core.evaluation.Context(
        tuple(kinds[i] for i in columns), holdout=data[2][:, :, columns], control=data[3][:, :, columns]
    )
    value = each(data[0][:, :, columns], data[1][:, :, columns], context)
    np.testing.assert_allclose(np.atleast_1d(value), numbers(scored["other"], name), atol=1e-9)


# Scores that train a network.


@pytest.fixture(scope="module")
def small():
    """The judges with networks and times that are good enough for windows of a few steps."""
    patch = pytest.MonkeyPatch()
    judges, predict = synthfin_core.judges.discriminate, synthfin_core.judges.predict.predict
    for name, iterations in (("LITERATURE", 150), ("STRONG", 40)):
        patch.setattr(judges, name, dataclasses.replace(getattr(judges, name), iterations=iterations, rate=0.02))
    patch.setattr(synthfin_core.judges.predict, "predict", lambda x, seed: predict(x, iterations=300, seed=seed))
    size = synthfin_core.judges.encoder.EncoderSize(output=8, hidden=8, depth=2, iterations=20)
    patch.setattr(synthfin_core.judges.encoder, "EncoderSize", lambda **_: size)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def learned(small):
    """Scores of a sample of the same process, of another process, and with one series."""
    real, same, holdout, control = (market(seed, 160, t=8) for seed in range(4))
    for x in (real, same):
        x.setflags(write=False)
    other = same + 3 * real.std(axis=(0, 1))
    found = [scores_of(real, x, holdout, control, LEARNED) for x in (same, same, other)]
    found.append(scores_of(real, same, holdout, control, LEARNED, ("A",)))
    found.append(scores_of(real[:9], same[:9], holdout, control, LEARNED))
    return dict(zip(("same", "again", "other", "one series", "nine windows"), found, strict=True))


@pytest.mark.parametrize("name", [each.name for each in LEARNED])
def test_a_judge_tells_good_from_bad(learned, name):
    assert (losses(learned["other"], name) > 1.5 * losses(learned["same"], name)).all()
    assert numbers(learned["same"], name) == numbers(learned["again"], name)
    assert np.isfinite(numbers(learned["one series"], name)).all()
    assert "windows on each side, and there are 9" in learned["nine windows"].missing[name]


# Figures.


@pytest.mark.parametrize("each", [each for each in METRICS.values() if each.figure], ids=lambda each: each.name)
def test_a_figure_that_is_named_is_a_curve_or_shows_what_a_score_found(scored, learned, each):
    shown = {METRICS[name].figure for scores in (scored["other"], learned["same"]) for name in scores.exhibits}
    assert each.figure in CURVES or each.figure in shown


def test_exhibits_are_small_arrays_of_numbers(scored, learned):
    for scores in (scored["other"], learned["same"]):
        for exhibit in scores.exhibits.values():
            assert all(np.asarray(array, dtype=np.float64).size <= 2000 for array in exhibit.values())


@pytest.mark.parametrize("each", CURVES.values(), ids=list(CURVES))
def test_a_curve_has_one_line_a_series_over_the_same_positions(data, each):
    real, other = (x[:, :, :2] for x in data[:2])
    at, y = each.function(real)
    assert y.shape == (len(at), 2)
    assert np.isfinite(y).any(axis=0).all()
    assert len(set(np.sign(np.diff(at)))) == 1
    np.testing.assert_array_equal(at, each.function(other[: len(real)]).at)
    mixed = each.function(stream(6, "order").permutation(real))
    np.testing.assert_allclose(mixed.y, y, atol=1e-9)
    assert each.function(real[:, :, :1]).y.shape == (len(at), 1)
    assert each.title
    assert each.x_title
    assert each.y_title
    assert each.name in {metric.figure for metric in METRICS.values()}
