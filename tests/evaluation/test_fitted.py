"""Processes fitted to windows: the bars that they are fitted to, and histories cut as the real ones are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from conftest import made_panel

from synthfin_core.data.panel import Panel
from synthfin_core.data.windows import make_windows
from synthfin_core.errors import DataError
from synthfin_core.evaluation.dataset import frame_of
from synthfin_core.evaluation.fitted import FittedProcess, training_rows
from synthfin_core.rng import stream


@dataclass(frozen=True)
class Counted:
    """Paths that count their bars: bar `b` of path `p` is `1000 p + b` in every series, plus a thousandth a series."""

    series: int

    def simulate(self, bars, paths, seed):
        count = 1000.0 * np.arange(paths)[:, None, None] + np.arange(bars)[:, None]
        return count + 0.001 * np.arange(self.series)


def counted(strips):
    return Counted(strips[0].shape[1])


def fitted(windows, fit=counted):
    return FittedProcess.fit(windows, frame_of(windows), fit)


def log_returns(panel):
    return np.diff(np.log(panel.frame.to_numpy()), axis=0)


def with_a_gap(kinds, first, last, rows=300):
    """A panel whose first series lacks some rows in the middle."""
    frame = made_panel(kinds, rows=rows).frame.copy()
    frame.iloc[first:last, 0] = np.nan
    return Panel(frame, kinds, "gap")


# The bars.


@pytest.mark.parametrize("stride", [1, 4, 10])
def test_training_rows_are_the_bars_of_the_panel(panel, stride):
    windows = make_windows(panel, length=10, stride=stride)
    (bars,) = training_rows(windows.train, 0)
    np.testing.assert_array_equal(bars, log_returns(panel)[: len(bars)])
    assert len(bars) == windows.train.rows[-1] - windows.train.rows[0] + 10


def test_windows_further_apart_than_they_are_long_leave_stretches(panel):
    windows = make_windows(panel, length=10, stride=15)
    strips = training_rows(windows.train, 0)
    assert len(strips) == len(windows.train)
    for strip, x in zip(strips, windows.train.x, strict=True):
        np.testing.assert_array_equal(strip, x)


def test_a_long_gap_leaves_two_stretches():
    gap = with_a_gap({"one": "return", "two": "return"}, 100, 120)
    values = gap.frame.to_numpy()
    for windows, columns in ((make_windows(gap, length=10, pool=True), [0]), (make_windows(gap, length=10), [0, 1])):
        before, after = training_rows(windows.train, 0)
        np.testing.assert_array_equal(before, values[:100, columns])
        np.testing.assert_array_equal(after, values[120 : 120 + len(after), columns])
    (whole,) = training_rows(make_windows(gap, length=10, pool=True).train, 1)
    np.testing.assert_array_equal(whole[:, 0], values[: len(whole), 1])


@pytest.mark.parametrize("stride", [1, 3, 10])
def test_a_short_gap_is_passed_over_and_no_bar_comes_twice(stride):
    gap = with_a_gap({"one": "return", "two": "return"}, 100, 103)
    windows = make_windows(gap, length=10, stride=stride, pool=True)
    values = gap.frame["one"].dropna().to_numpy()
    strips = training_rows(windows.train, 0)
    np.testing.assert_array_equal(np.concatenate(strips)[:, 0], values[: sum(map(len, strips))])
    assert len(strips) == 1 or stride == 10


def test_levels_are_fitted_as_steps_and_drawn_as_levels_from_one_that_was_seen():
    """A log volume beside them stays as it is."""
    windows = make_windows(made_panel({"one": "price", "volume": "volume"}), length=10, representation="levels")
    assert frame_of(windows).kinds == ("level", "volume")
    seen = []

    def fit(strips):
        seen.extend(strips)
        return Counted(2)

    process = fitted(windows, fit)
    (bars,) = training_rows(windows.train, 0)
    np.testing.assert_array_equal(seen[0], np.stack([np.diff(bars[:, 0]), bars[1:, 1]], axis=1))
    drawn = process.draw(5, seed=3)
    np.testing.assert_allclose(np.diff(drawn[2, :, 0]), 2000 + np.arange(1, 10))
    np.testing.assert_allclose(drawn[2, :, 1], 2000.001 + np.arange(10))
    starts = drawn[:, 0, 0] - 1000 * np.arange(5)  # less the first step
    assert all(np.isclose(windows.train.x[:, 0, 0], start, rtol=1e-9).any() for start in starts)


# What is drawn.


def test_a_path_is_cut_as_the_real_history_is(windows):
    train, holdout = windows.train, windows.holdout
    paths = fitted(windows).paths(3)
    assert len(paths) == 3
    for p, path in enumerate(paths):
        assert path.train.shape == train.x.shape
        assert path.holdout.shape == holdout.x.shape
        np.testing.assert_allclose(path.train[:, :, 0], 1000 * p + train.rows[:, None] - train.rows[0] + np.arange(10))
        np.testing.assert_allclose(
            path.holdout[:, :, 1], 1000 * p + holdout.rows[:, None] - train.rows[0] + np.arange(10) + 0.001
        )


def test_paths_of_pooled_windows_have_the_real_number_of_each_series():
    gap = with_a_gap({"one": "return", "two": "return", "three": "return"}, 100, 103)
    windows = make_windows(gap, length=10, stride=3, pool=True)
    (path,) = fitted(windows).paths(1)
    assert path.train.shape == windows.train.x.shape
    assert path.holdout.shape == windows.holdout.x.shape
    assert len(fitted(windows).processes) == 3


def test_many_pooled_series_share_six_processes():
    panel = made_panel({f"s{i}": "return" for i in range(14)}, rows=200)
    windows = make_windows(panel, length=10, pool=True)
    process = fitted(windows)
    assert len(process.processes) == 5  # every third of fourteen
    assert process.draw(12).shape == (12, 10, 1)
    (path,) = process.paths(1)
    assert path.train.shape == windows.train.x.shape


def test_no_hold_out_gives_paths_without_one(panel):
    windows = make_windows(panel, length=10, holdout=0.0)
    (path,) = fitted(windows).paths(1)
    assert path.train.shape == windows.train.x.shape
    assert path.holdout.shape == (0, 10, 2)


@pytest.mark.parametrize("n", [1, 7, 8])
def test_windows_are_drawn_each_from_a_history_of_its_own(panel, n):
    pooled = make_windows(panel, length=10, pool=True)
    assert fitted(pooled).draw(n).shape == (n, 10, 1)
    drawn = fitted(make_windows(panel, length=10)).draw(n)
    np.testing.assert_array_equal(drawn[:, 0, 0], 1000 * np.arange(n))


def test_seeds_decide_what_a_real_process_draws(windows):
    from synthfin_core.evaluation.baselines import BASELINES

    process = fitted(windows, BASELINES["gaussian"].fit)
    np.testing.assert_array_equal(process.draw(6, seed=1), process.draw(6, seed=1))
    assert not np.array_equal(process.draw(6, seed=1), process.draw(6, seed=2))
    first, again, other = process.paths(2, 5), process.paths(2, 5), process.paths(2, 6)
    np.testing.assert_array_equal(first[1].train, again[1].train)
    assert not np.array_equal(first[0].train, first[1].train)
    assert not np.array_equal(first[0].train, other[0].train)


def test_histories_of_pooled_series_that_share_a_process_differ():
    from synthfin_core.evaluation.baselines import BASELINES

    windows = make_windows(made_panel({f"s{i}": "return" for i in range(8)}, rows=200), length=10, pool=True)
    (path,) = fitted(windows, BASELINES["gaussian"].fit).paths(1)
    first = [path.train[windows.train.series == series][0] for series in range(8)]
    assert len({each.tobytes() for each in first}) == 8


def test_the_real_windows_are_left_as_found(windows):
    frozen = replace(windows.train, x=windows.train.x.copy())
    frozen.x.setflags(write=False)
    process = fitted(replace(windows, train=frozen))
    process.paths(2)
    process.draw(3)


def test_too_short_a_history_is_refused():
    bars = pd.DataFrame({"a": stream(0, "short").standard_normal(60)}, pd.bdate_range("2020-01-01", periods=60))
    windows = make_windows(Panel(bars, {"a": "return"}, "short"), length=5)
    with pytest.raises(DataError, match=r"The training data have \d\d bars, expected at least 60 to fit a process to"):
        fitted(windows)
