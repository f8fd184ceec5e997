import numpy as np
import pytest

from synthfin_core.evaluation import METRICS, copied_pieces
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
