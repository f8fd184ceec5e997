"""Scaling by the real windows, and splits that share no step where they say so."""

import numpy as np
import pytest

from synthfin_core.errors import DataError
from synthfin_core.judges.splits import check_pairs, overlap, split, to_unit_deviation, to_unit_range


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def windows(rows, t, stride=1):
    return np.stack([rows[i : i + t] for i in range(0, len(rows) - t + 1, stride)])


@pytest.mark.parametrize(("stride", "expected"), [(1, 9), (3, 3), (10, 0), (15, 0)])
def test_overlap_is_found_in_the_data(rng, stride, expected):
    assert overlap(windows(rng.standard_normal((400, 2)), 10, stride)) == expected


def test_days_without_trade_are_no_overlap(rng):
    x = rng.standard_normal((300, 10, 1))
    x[rng.random(x.shape) < 0.05] = 0
    assert overlap(x) == 0


def test_blocks_share_no_step_with_what_is_learned(rng):
    x = windows(np.arange(1000.0)[:, None], 20)
    parts = split(x, "blocks", rng)
    assert not set(x[parts.train].ravel()) & set(x[parts.test].ravel())
    assert 0.15 < len(parts.test) / len(x) < 0.25
    assert len(parts.train) > len(x) / 2
    blocks = 1 + (np.diff(parts.test) > 1).sum()
    assert blocks == 5  # spread over time, so that drift alone tells nothing
    assert parts.test[0] < len(x) / 5
    assert parts.test[-1] > 4 * len(x) / 5


def test_blocks_leave_something_to_learn_from_where_windows_are_few(rng):
    parts = split(windows(np.arange(160.0)[:, None], 60), "blocks", rng)
    assert len(parts.train) >= 30
    assert not set(parts.train) & set(parts.test)


def test_random_split_is_the_literatures(rng):
    parts = split(np.zeros((105, 4, 1)), "random", rng)
    assert len(parts.train) == 84
    assert sorted([*parts.train, *parts.test]) == list(range(105))


def test_scales_are_those_of_the_real_windows(rng):
    real, other = rng.normal(3, 2, (50, 6, 2)), rng.normal(3, 4, (50, 6, 2))
    assert to_unit_range(real, real).min() == 0
    assert to_unit_range(real, real).max() == pytest.approx(1, abs=1e-6)
    assert to_unit_range(real, other).max() > 1  # not clipped
    assert to_unit_deviation(real, real).std(axis=(0, 1)) == pytest.approx(1)
    assert np.abs(to_unit_range(real, other * 1e300)).max() == 1e3


@pytest.mark.parametrize(
    ("real", "synthetic", "words"),
    [
        ((9, 5, 2), (9, 6, 2), "expected the same for all"),
        ((9, 5, 2), (9, 5, 1), "expected the same for all"),
        ((4, 5, 2), (9, 5, 2), "at least 5"),
        ((9, 1, 2), (9, 1, 2), "at least 2 steps"),
    ],
)
def test_what_cannot_be_judged_is_refused(real, synthetic, words):
    with pytest.raises(DataError, match=words):
        check_pairs([(np.zeros(real), np.zeros(synthetic))])


def test_no_pairs_are_refused():
    with pytest.raises(DataError, match="no windows"):
        check_pairs([])
