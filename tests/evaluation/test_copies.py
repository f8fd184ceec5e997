import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import synthfin_core.evaluation.coverage
import synthfin_core.evaluation.membership
import synthfin_core.evaluation.records  # noqa: F401
from synthfin_core.evaluation import METRICS, copied_pieces
from synthfin_core.evaluation.copies import MOST_ASKED, Pieces
from synthfin_core.evaluation.metric import Context
from synthfin_core.rng import stream


def loop_copied(real, synthetic, length, tolerance):
    """Every piece against every piece."""
    real, synthetic = real / real.std(axis=(0, 1)), synthetic / real.std(axis=(0, 1))
    known = [window[i : i + length] for window in real for i in range(len(window) - length + 1)]
    return [
        [
            any(np.abs(window[i : i + length] - piece).max() <= tolerance for piece in known)
            for i in range(len(window) - length + 1)
        ]
        for window in synthetic
    ]


@pytest.fixture
def real():
    history = stream(0, "history").standard_normal((60, 2)) * [0.01, 3.0]
    return np.stack([history[i : i + 15] for i in range(40)])  # (n, t, d), overlapping


def test_agrees_with_a_plain_loop(real):
    synthetic = stream(1, "synthetic").standard_normal((8, 15, 2)) * [0.01, 3.0]
    synthetic[0, 3:14] = real[5, 1:12]  # eleven steps at another offset: two pieces of ten
    synthetic[1] = real[7] + 0.4e-7 * real.std(axis=(0, 1))  # within the tolerance
    synthetic[2] = real[9] + 3e-7 * real.std(axis=(0, 1))  # beyond it
    synthetic[3, :12] = real[3, :12]
    synthetic[3, 5, 1] += 1.0  # one value of one series differs
    found = copied_pieces(real, synthetic)
    np.testing.assert_array_equal(found, loop_copied(real, synthetic, 10, 1e-7))
    assert found.sum(axis=1).tolist() == [2, 6, 0, 0, 0, 0, 0, 0]


def test_agrees_with_a_plain_loop_where_values_repeat():
    rng = stream(2, "coins")
    real, synthetic = rng.integers(0, 3, (30, 8, 1)) * 1.0, rng.integers(0, 3, (30, 8, 1)) * 1.0
    found = copied_pieces(real, synthetic, length=5)
    np.testing.assert_array_equal(found, loop_copied(real, synthetic, 5, 1e-7))
    assert 0.3 < found.mean() < 1


def test_agrees_with_a_plain_loop_where_many_are_near():
    """With a wide tolerance most candidates on the line turn out to be no copies, and some pieces have many."""
    rng = stream(4, "near")
    real, synthetic = rng.standard_normal((30, 6, 2)), rng.standard_normal((30, 6, 2))
    found = copied_pieces(real, synthetic, length=2, tolerance=0.6)
    np.testing.assert_array_equal(found, loop_copied(real, synthetic, 2, 0.6))
    assert 0.1 < found.mean() < 0.9


def test_share_is_all_of_a_copy_and_none_of_new_data(real):
    share = METRICS["copied_share"]
    assert share(real, real[::-1]) == 1.0
    assert share(real, real.astype(np.float32).astype(np.float64)) == 1.0
    assert share(real, real[:, ::-1]) == 0.0
    assert share(real, np.concatenate([real[:5], -real[:15]])) == pytest.approx(0.25)


def test_levels_far_from_zero_are_found():
    """Prices near 10,000 with moves of a hundredth: rounding on the projection must not hide a copy."""
    real = 10_000 + stream(3, "levels").standard_normal((200, 12, 1)).cumsum(axis=1) * 0.01
    assert copied_pieces(real, real[::-1]).all()


def test_short_windows_are_compared_whole(real):
    assert copied_pieces(real[:, :4], real[:3, :4]).tolist() == [[True]] * 3


# Near copies.


def windows(rows, t=15):
    return sliding_window_view(rows, t, axis=0).transpose(0, 2, 1)


@pytest.fixture(scope="module")
def market():
    rows = stream(5, "market").standard_t(4, (900, 2)) * [0.01, 3.0]
    return windows(rows[:700]), Context(holdout=windows(rows[700:]))


def near(market, synthetic, seed=0):
    real, context = market
    return METRICS["near_copied_share"](real, synthetic, Context(seed=seed, holdout=context.holdout))


def loop_near(real, synthetic, holdout):
    """Every piece against every piece, by their correlation."""

    def distances(x):
        pieces = {window[i : i + 10].tobytes(): window[i : i + 10] for window in x for i in range(len(window) - 9)}
        return [
            min(np.sqrt(2 - 2 * np.mean([np.corrcoef(p[:, s], q[:, s])[0, 1] for s in range(2)])) for q in known)
            for p in pieces.values()
        ]

    known = list({w[i : i + 10].tobytes(): w[i : i + 10] for w in real for i in range(len(w) - 9)}.values())
    threshold = np.quantile(distances(holdout), 0.01)
    return max(0.0, (np.mean(np.array(distances(synthetic)) < threshold) - 0.01) / 0.99)


def test_near_copies_agree_with_a_plain_loop(market):
    real, context = market[0][:40], Context(holdout=market[1].holdout[:30])
    rng = stream(6, "few")
    synthetic = rng.standard_normal((4, 15, 2)) * [0.01, 3.0]
    synthetic[0, 2:13] = real[5, 1:12] + 1e-4 * rng.standard_normal((11, 2)) * [0.01, 3.0]
    found = METRICS["near_copied_share"](real, synthetic, context)
    assert found == pytest.approx(loop_near(real, synthetic, context.holdout))
    assert found > 0.05


def test_copies_are_near_under_noise_shift_and_scaling(market):
    real, _ = market
    rng = stream(7, "noise")
    sd = real.std(axis=(0, 1))
    copies = real[rng.integers(len(real), size=200)]
    assert near(market, copies) == 1
    assert near(market, copies + 1e-6 * sd * rng.standard_normal(copies.shape)) == 1
    assert near(market, copies + 0.05 * sd * rng.standard_normal(copies.shape)) > 0.95
    assert near(market, 3 * copies + [0.02, -5]) == 1
    between = windows(real[::15].reshape(-1, 2))[3::15]  # each begins three days into a real window
    assert METRICS["copied_share"](real, between + 1e-6 * sd) == 0
    assert near(market, between + 1e-6 * sd * rng.standard_normal(between.shape)) == 1


def test_flipped_reversed_and_fresh_data_are_not_near(market):
    real, _ = market
    fresh = stream(8, "fresh").standard_t(4, (300, 15, 2)) * [0.01, 3.0]
    for synthetic in (-real, real[:, ::-1], fresh, 0.01 * fresh, np.zeros_like(fresh), real.mean(axis=0)[None]):
        assert near(market, synthetic) < 0.02
        assert near(market, synthetic, seed=1) < 0.02


def test_a_share_of_copies_is_found_as_that_share(market):
    real, _ = market
    fresh = stream(9, "fresh").standard_t(4, (400, 15, 2)) * [0.01, 3.0]
    fresh[:100] = real[:600:6] * (1 + 1e-6)
    assert near(market, fresh) == pytest.approx(0.25, abs=0.03)  # two thousand of 2,400 pieces are looked up


def test_near_copies_do_not_depend_on_order_where_all_are_looked_up(market):
    real, context = market
    synthetic = np.concatenate([real[:100], stream(10, "fresh").standard_normal((200, 15, 2))])
    assert Pieces(synthetic).count <= MOST_ASKED
    rng = stream(11, "order")
    shuffled = METRICS["near_copied_share"](
        rng.permutation(real), rng.permutation(synthetic), Context(seed=3, holdout=rng.permutation(context.holdout))
    )
    assert near(market, synthetic) == pytest.approx(shuffled)
    assert Pieces(real).known.size == 691  # a piece for each of the 700 rows but the last nine


def test_near_copies_say_what_they_need():
    needs = METRICS["near_copied_share"].needs
    assert needs.holdout == 8
    assert needs.length == 10


# On the S&P 500, all scores of copying together.


@pytest.fixture(scope="module")
def sp500():
    from arch import arch_model
    from arch.data.sp500 import load

    r = np.diff(np.log(load()["Adj Close"].to_numpy()))[:, None]
    split = len(r) * 4 // 5
    model = arch_model(100 * r[:split, 0], mean="Constant", vol="EGARCH", p=1, o=1, q=1, dist="t")
    fitted = model.fit(disp="off").params

    def egarch(seed, n=1200):
        law = arch_model(None, mean="Constant", vol="EGARCH", p=1, o=1, q=1, dist="t")
        law.distribution._generator = stream(seed, "egarch")
        return law.simulate(fitted, n * 60, burn=500)["data"].to_numpy().reshape(n, 60, 1) / 100

    context = Context(holdout=windows(r[split:], 60), control=egarch(0))
    return windows(r[:split], 60), context, egarch


COPYING = ("copied_share", "near_copied_share", "closest_record", "neighbour_ratio", "membership")


def test_scores_of_copying_tell_a_copier_from_a_process(sp500):
    real, context, egarch = sp500
    rng = stream(12, "sp500")
    rows = np.concatenate([real[:, 0], real[-1, 1:]])
    at = np.zeros((1200, 60), dtype=int)
    for i in range(60):  # stationary bootstrap, mean block of 20 days
        begins = rng.random(1200) < (1 / 20 if i else 2)
        at[:, i] = np.where(begins, rng.integers(len(rows), size=1200), at[:, i - 1] + 1) % len(rows)
    copies = real[rng.integers(len(real), size=1200)]
    sets = {
        "egarch": egarch(1),
        "one by one": rows[rng.integers(len(rows), size=(1200, 60))],
        "blocks": rows[at],
        "copier": copies + 1e-6 * rng.standard_normal(copies.shape),
    }
    found = {data: [METRICS[name](real, x, context) for name in COPYING] for data, x in sets.items()}
    assert max(found["egarch"][:4]) < 0.03
    assert max(found["one by one"][:4]) < 0.03
    assert max(found["egarch"][4], found["one by one"][4]) < 0.2
    assert found["blocks"][0] > 0.5
    assert min(found["blocks"][1:4]) > 0.3
    assert found["copier"][0] == 0  # no longer word for word
    assert min(found["copier"][1:4]) > 0.99
    assert found["copier"][4] > 0.45


def test_coverage_on_the_sp500_prefers_a_process_to_shuffled_days(sp500):
    real, _, egarch = sp500
    shuffled = stream(13, "shuffled").choice(real[:, 0], 1200 * 60).reshape(1200, 60, 1)
    coverage, density = METRICS["coverage"], METRICS["density"]
    assert coverage(real, egarch(2)) < 0.1
    assert coverage(real, shuffled) > 0.2
    assert density(real, egarch(2)) == pytest.approx(0.9, abs=0.15)
    assert coverage(real, real.mean(axis=0, keepdims=True).repeat(300, axis=0)) > 0.9
