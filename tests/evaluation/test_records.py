import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from synthfin_core.evaluation.metric import METRICS, Context
from synthfin_core.evaluation.records import Records, asked_count, closest_record, excess
from synthfin_core.rng import stream

T = 20


def history(seed, rows, d=1):
    """Returns whose volatility wanders."""
    rng = stream(seed, "history")
    log_volatility = np.zeros(rows)
    shock = rng.standard_normal(rows)
    for i in range(1, rows):
        log_volatility[i] = 0.97 * log_volatility[i - 1] + 0.15 * shock[i]
    return 0.01 * np.exp(log_volatility)[:, None] * rng.standard_normal((rows, d))


def windows(rows):
    return sliding_window_view(rows, T, axis=0).transpose(0, 2, 1)


def fresh(seed, n, d=1):
    """Windows of the same law, each from a history of its own."""
    return history(seed, n * T, d).reshape(n, T, d)


@pytest.fixture(scope="module")
def world():
    rows = history(0, 1500)
    return windows(rows[:1200]), Context(holdout=windows(rows[1200:]), control=fresh(1, 800))


SCORES = ("closest_record", "neighbour_ratio")


def loop_share(ratio, control, chance=0.05):
    """Counted one by one."""
    at = sorted(control)
    position = chance * (len(at) - 1)
    low = int(position)
    threshold = at[low] + (position - low) * (at[low + 1] - at[low])
    return max(0.0, (sum(value < threshold for value in ratio) / len(ratio) - chance) / (1 - chance))


def distances(asked, known):
    u, v = ((x - x.mean(axis=1, keepdims=True)) for x in (asked[:, :, 0], known[:, :, 0]))
    u, v = (x / np.sqrt((x * x).sum(axis=1, keepdims=True)) for x in (u, v))
    return np.array([[np.sqrt(((a - b) ** 2).sum()) for b in v] for a in u])


def test_agree_with_a_plain_loop(world):
    real, context = world
    real, context = real[:150], Context(holdout=context.holdout[:60], control=context.control[:50])
    synthetic = np.concatenate([fresh(2, 30), real[::15] + 1e-4 * stream(3, "noise").standard_normal((10, T, 1))])
    ratio, single = [], []
    for x in (synthetic, context.control):
        near = np.sort(distances(x, real), axis=1)
        ratio.append(near[:, 0] / distances(x, context.holdout).min(axis=1))
        single.append(near[:, 0] / near[:, 1])
    assert METRICS["closest_record"](real, synthetic, context) == pytest.approx(loop_share(*ratio))
    assert METRICS["neighbour_ratio"](real, synthetic, context) == pytest.approx(loop_share(*single))
    assert loop_share(*ratio) > 0.15
    exhibit = closest_record(Records(real), Records(synthetic), prepared(context)).exhibit
    assert exhibit["share"] == pytest.approx((ratio[0] < 1).mean())
    assert exhibit["control_share"] == pytest.approx((ratio[1] < 1).mean())


def prepared(context):
    return Context(holdout=Records(context.holdout), control=Records(context.control))


@pytest.mark.parametrize("name", SCORES)
def test_fresh_data_are_no_copies(world, name):
    real, context = world
    found = [METRICS[name](real, fresh(seed, 800), context) for seed in (4, 5, 6)]
    assert max(found) < 0.04


@pytest.mark.parametrize("name", SCORES)
def test_copies_are_seen_under_noise_and_scaling(world, name):
    real, context = world
    noise = stream(7, "noise").standard_normal((700, T, 1)) * real.std()
    copies = real[stream(8, "copies").integers(len(real), size=700)]
    score = METRICS[name]
    assert score(real, copies, context) == 1
    assert score(real, copies * 3, context) == 1
    assert score(real, copies + 1e-6 * noise, context) == 1
    assert score(real, copies + 0.1 * noise, context) > 0.95
    assert 0.2 < score(real, np.concatenate([copies[:200], fresh(9, 600)]), context) < 0.3


@pytest.mark.parametrize("name", SCORES)
def test_flipped_and_reversed_windows_are_no_copies(world, name):
    real, context = world
    assert METRICS[name](real, -real[:800], context) < 0.05
    assert METRICS[name](real, real[:800, ::-1], context) < 0.05


@pytest.mark.parametrize("name", SCORES)
def test_printing_one_and_the_same_window_is_no_copy(world, name):
    real, context = world
    average = np.repeat(real.mean(axis=0, keepdims=True), 100, axis=0)
    assert METRICS[name](real, average, context) == 0
    assert METRICS[name](real, np.zeros((100, T, 1)), context) == 0


@pytest.mark.parametrize("name", SCORES)
def test_order_of_windows_and_seed_do_not_matter_where_all_are_asked(world, name):
    real, context = world
    synthetic = np.concatenate([fresh(10, 300), real[::10]])
    score = METRICS[name]
    want = score(real, synthetic, context)
    rng = stream(11, "order")
    other = Context(seed=5, holdout=rng.permutation(context.holdout), control=rng.permutation(context.control))
    assert score(rng.permutation(real), rng.permutation(synthetic), other) == pytest.approx(want)


def test_the_exhibit_holds_the_nearest_pair(world):
    real, context = world
    synthetic = fresh(12, 1500)
    synthetic[1234] = 2 * real[77]
    for seed in range(30):  # a thousand are drawn, this one among them
        data = Records(synthetic)
        if 1234 in data.asked(seed, asked_count(Records(real))):
            break
    context = prepared(context)
    found = closest_record(Records(real), data, Context(seed=seed, holdout=context.holdout, control=context.control))
    np.testing.assert_array_equal(found.exhibit["synthetic"], synthetic[1234])
    np.testing.assert_array_equal(found.exhibit["real"], real[77])
    assert found.exhibit["distance"].shape == (1,)
    assert found.exhibit["distance"][0] < 1e-3


def test_more_training_windows_mean_fewer_looked_up():
    counts = [asked_count(Records(np.zeros((n, 2, 1)))) for n in (10, 10_000, 100_000)]
    assert counts == [1000, 500, 200]


def test_excess_is_zero_for_the_control_and_one_for_all_below():
    control = np.linspace(1, 2, 1001)
    assert excess(control, control) == pytest.approx(0, abs=1e-3)
    assert excess(control + 1, control) == 0
    assert excess(np.zeros(5), control) == 1


def test_needs(world):
    for name in SCORES:
        needs = METRICS[name].needs
        assert needs.control
        assert needs.length == 5
        assert METRICS[name].all_windows
    assert METRICS["closest_record"].needs.holdout == 8
