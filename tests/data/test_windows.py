import numpy as np
import pandas as pd
import pytest

from synthfin_core.data.panel import Panel
from synthfin_core.data.sources import load_bundled
from synthfin_core.data.windows import WindowSpec, make_windows
from synthfin_core.errors import DataError, SettingError
from synthfin_core.representation import REPRESENTATIONS, representation_class


def panel_of(frame, kind="price"):
    return Panel(frame, dict.fromkeys(frame.columns, kind), "test")


def walk(count, start="2020-01-01", seed=0, columns=("A", "B")):
    rng = np.random.default_rng(seed)
    prices = 100 * np.exp(np.cumsum(0.01 * rng.standard_normal((count, len(columns))), axis=0))
    return pd.DataFrame(prices, columns=list(columns), index=pd.bdate_range(start, periods=count))


def rows_used(windows, part):
    t = windows.spec.length
    return {(int(s), int(r) + k) for s, r in zip(part.series, part.rows, strict=True) for k in range(t)}


@pytest.mark.parametrize("stride", [1, 3, 20])
@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize("representation", [None, "min-max"])
@pytest.mark.parametrize("gap", [False, True])
def test_windows_match_a_plain_loop(stride, pool, representation, gap):
    frame = pd.concat([walk(130), walk(140, "2021-01-01", seed=1)]) if gap else walk(270)
    panel = panel_of(frame)
    t = 12
    windows = make_windows(panel, t, stride=stride, representation=representation, pool=pool)
    first_bar = 0 if representation else 1
    segments = [(0, 130), (130, 270)] if gap else [(0, 270)]
    values = frame.to_numpy() if representation else np.diff(np.log(frame.to_numpy()), axis=0, prepend=np.nan)
    expected = {"train": [], "holdout": []}
    for column in ([0], [1]) if pool else ([0, 1],):
        for first, last in segments:
            begins = first + first_bar
            starts = [r for r in range(begins, windows.split - t + 1, stride) if r + t <= min(last, windows.split)]
            expected["train"] += [values[r : r + t, column] for r in starts]
            starts = range(max(begins, windows.split), last - t + 1, stride)
            expected["holdout"] += [values[r : r + t, column] for r in starts]
    for name in ("train", "holdout"):
        np.testing.assert_array_equal(getattr(windows, name).x, np.array(expected[name]))
    assert not rows_used(windows, windows.train) & rows_used(windows, windows.holdout)


def test_split_keeps_time_order_and_embargo():
    windows = make_windows(load_bundled("us-indices"), 60)
    assert windows.train.x.shape == (3965, 60, 2)
    assert windows.train.dates.max() < windows.holdout.dates.min()
    assert windows.holdout.rows.min() - (windows.train.rows.max() + 60) == 0
    assert windows.split_date == pd.Timestamp(windows.holdout.dates[0, 0])
    share = (5031 - windows.split) / 5031
    assert share == pytest.approx(0.2, abs=1e-3)


def test_windows_integrate_from_their_start_to_real_prices():
    panel = load_bundled("us-indices")
    windows = make_windows(panel, 30, stride=7)
    for part in (windows.train, windows.holdout):
        prices = part.start[:, None] * np.exp(np.cumsum(part.x, axis=1))
        real = panel.frame.to_numpy()[part.rows[:, None] + np.arange(30)]
        np.testing.assert_allclose(prices, real, rtol=1e-12)
        np.testing.assert_array_equal(part.dates, panel.frame.index.to_numpy()[part.rows[:, None] + np.arange(30)])
    np.testing.assert_array_equal(windows.default_start, panel.frame.iloc[-1])


def test_no_window_crosses_a_gap():
    frame = pd.concat([walk(60), walk(70, "2021-01-01", seed=1)])
    windows = make_windows(panel_of(frame), 10, holdout=0.2)
    for part in (windows.train, windows.holdout):
        steps = np.diff(part.dates, axis=1)
        assert steps.max() <= np.timedelta64(4, "D")
        before = frame.index.to_numpy()[part.rows - 1]
        assert (part.dates[:, 0] - before).max() <= np.timedelta64(4, "D")


def test_pooled_series_keep_their_own_history():
    frame = walk(200)
    frame.iloc[:50, 1] = np.nan
    frame.iloc[120, 0] = np.nan
    windows = make_windows(panel_of(frame), 10, pool=True)
    assert windows.names == ("series",)
    assert windows.units == ("log return",)
    assert windows.default_start.tolist() == [100.0]
    assert windows.train.x.shape[2] == 1
    assert (windows.train.series == 0).sum() == 160 - 2 - 10 + 1
    assert (windows.train.series == 1).sum() == 110 - 1 - 10 + 1
    assert windows.train.rows[windows.train.series == 1].min() == 51
    starts = windows.train.start[windows.train.series == 1, 0]
    np.testing.assert_array_equal(starts, frame["B"].to_numpy()[windows.train.rows[windows.train.series == 1] - 1])


def test_joint_series_note_what_was_left_out():
    frame = walk(200)
    frame.iloc[:50, 1] = np.nan
    windows = make_windows(panel_of(frame), 10)
    assert len(windows.panel.frame) == 150
    assert "where B begins (50 rows before it left out)" in windows.panel.notes[0]


def test_notebook_workload_has_its_243_windows():
    windows = make_windows(load_bundled("mock"), 10, representation="min-max", holdout=0)
    assert windows.train.x.shape == (243, 10, 5)
    assert len(windows.holdout) == 0
    assert windows.holdout.x.shape == (0, 10, 5)
    assert windows.split_date is None
    assert windows.units == ("level",) * 5
    assert np.isnan(windows.train.start).all()
    assert np.isnan(windows.default_start).all()


def test_undated_data_and_volumes():
    frame = walk(100).reset_index(drop=True)
    windows = make_windows(panel_of(frame.round(0), kind="volume"), 10)
    assert windows.units == ("log volume", "log volume")
    assert windows.split_date is None
    np.testing.assert_allclose(np.expm1(windows.train.x[0]), frame.round(0).to_numpy()[:10])
    assert windows.train.dates[0].tolist() == list(range(10))


@pytest.mark.parametrize(("length", "stride", "expected"), [(10, 1, 19), (10, 3, 16), (10, 10, 19), (10, 15, 13)])
def test_independent_windows_do_not_overlap(length, stride, expected):
    windows = make_windows(panel_of(walk(201)), length, stride=stride, holdout=0.0625)
    rows, counted, free = windows.train.rows, 0, -1
    for row in rows:
        if row >= free:
            counted, free = counted + 1, row + length
    assert windows.independent == counted
    assert counted in range(expected - 1, expected + 1)


def test_arrays_are_writable_contiguous_and_apart_from_the_panel():
    panel = panel_of(walk(100), kind="level")
    windows = make_windows(panel, 10)
    assert windows.train.x.flags.c_contiguous
    before = panel.frame.copy()
    windows.train.x[:] = 0
    pd.testing.assert_frame_equal(panel.frame, before)


@pytest.mark.parametrize(
    ("frame", "settings", "words"),
    [
        (walk(40), {"length": 60}, "A window takes 60 bars, but the data have only 39: choose a shorter window"),
        (walk(40), {"length": 30}, "Only 2 training windows of 30 bars fit into the first 32 of 40 rows.*at least 8"),
        (
            walk(100),
            {"length": 20, "holdout": 0.1},
            "A hold-out share of 0.1 leaves 10 rows from 2020-05-06 on, but a window takes 20 bars: raise the share",
        ),
        (walk(100).assign(B=7.0), {"length": 10}, "B never changes in the training rows.*leave it out"),
        (walk(100).assign(B=7.0), {"length": 10, "pool": True}, "B never changes in the training rows"),
        (walk(100).assign(B=-7.0), {"length": 10}, "B holds 100 zero or negative prices"),
        (
            pd.concat([walk(20), walk(20, "2021-01-01"), walk(20, "2022-01-01")]),
            {"length": 30},
            "the longest stretch without a gap has only 19",
        ),
    ],
)
def test_windows_that_cannot_be_cut_are_refused_in_words(frame, settings, words):
    with pytest.raises(DataError, match=words):
        make_windows(panel_of(frame), **settings)


def test_pooled_series_must_be_of_one_kind():
    with pytest.raises(DataError, match="Pooled series must be of one kind, but these are price, volume"):
        make_windows(load_bundled("sp500-ohlcv"), 60, pool=True)


def test_windows_that_would_fill_the_memory_are_refused(monkeypatch):
    monkeypatch.setattr("synthfin_core.data.windows.LARGEST_BYTES", 1000)
    with pytest.raises(DataError, match="use a larger stride"):
        make_windows(panel_of(walk(200)), 20)


def test_spec_is_checked_and_survives_plain_values():
    spec = WindowSpec(length=30, representation=None, pool=True)
    assert spec.representation == ""
    assert WindowSpec.from_dict(spec.to_dict()) == spec
    with pytest.raises(SettingError, match="length is 1, expected a whole number from 2"):
        WindowSpec(length=1)
    with pytest.raises(SettingError, match="representation is 'zscore', expected one of"):
        make_windows(panel_of(walk(100)), 10, representation="zscore")


@pytest.mark.parametrize("name", list(REPRESENTATIONS))
def test_levels_stay_where_the_representation_wants_them(name):
    windows = make_windows(panel_of(walk(100)), 10, representation=name)
    assert windows.representation == name
    assert (windows.units[0] == "level") == representation_class(name).levels
