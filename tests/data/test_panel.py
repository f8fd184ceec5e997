import numpy as np
import pandas as pd
import pytest

from synthfin_core.data.panel import Panel, date_label
from synthfin_core.data.selection import Selection
from synthfin_core.errors import DataError, SettingError


def days(count, start="2020-01-01"):
    return pd.bdate_range(start, periods=count)


def prices(count=30, start="2020-01-01"):
    rng = np.random.default_rng(0)
    walks = 100 * np.exp(np.cumsum(0.01 * rng.standard_normal((count, 2)), axis=0))
    return pd.DataFrame(walks, columns=["A", "B"], index=days(count, start))


def panel_of(frame, kind="price", **kinds):
    return Panel(frame, {c: kinds.get(c, kind) for c in frame.columns}, "test")


def test_frame_given_is_left_as_found_and_not_shared():
    frame = prices()
    before = frame.copy()
    panel = panel_of(frame)
    frame.iloc[0, 0] = -1.0
    assert panel.frame.iloc[0, 0] == before.iloc[0, 0]


def test_kind_is_one_or_mixed():
    assert panel_of(prices()).kind == "price"
    assert panel_of(prices(), B="level").kind == "mixed"


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (pd.DataFrame({"A": []}), "The table is empty"),
        (prices().iloc[::-1], "not in order"),
        (prices().iloc[[0, 0, 1]], "not in order or a date comes twice"),
        (prices().assign(A="x"), "holds text, expected numbers"),
        (prices().assign(A=np.inf), "30 infinite values"),
        (prices().set_axis(["A", "A"], axis=1), "same name"),
        (prices().set_axis([f"r{i}" for i in range(30)], axis=0), "expected dates or row numbers"),
    ],
)
def test_table_that_breaks_the_rules_is_refused(frame, words):
    with pytest.raises(DataError, match=words):
        Panel(frame, dict.fromkeys(frame.columns, "price"), "test")


def test_fingerprint_follows_values_dates_names_and_kinds_only():
    base = panel_of(prices())
    assert Panel(prices(), dict(base.kinds), "other name", ("a note",)).fingerprint == base.fingerprint
    changed = prices()
    changed.iloc[3, 1] += 1e-9
    others = [
        panel_of(changed),
        panel_of(prices(start="2020-01-02")),
        panel_of(prices().rename(columns={"B": "C"})),
        panel_of(prices(), B="level"),
        panel_of(prices().reset_index(drop=True)),
    ]
    assert len({base.fingerprint, *(other.fingerprint for other in others)}) == 6


def test_select_notes_what_was_done_with_counts():
    selected = panel_of(prices()).select(
        Selection(columns=("B",), kinds={"B": "level"}, start="2020-01-08", end="2020-01-31")
    )
    assert selected.columns == ("B",)
    assert selected.kinds == {"B": "level"}
    assert selected.notes == (
        "B is treated as level instead of price.",
        "Kept 1 of 2 columns.",
        "Kept 18 of 30 rows, 2020-01-08 to 2020-01-31.",
    )


def test_select_refuses_what_is_not_there():
    panel = panel_of(prices())
    with pytest.raises(DataError, match="There is no column 'Z'; the data have A, B"):
        panel.select(Selection(columns=("Z",)))
    with pytest.raises(DataError, match="No row lies between 2030-01-01 and the end; the data run from 2020-01-01"):
        panel.select(Selection(start="2030-01-01"))
    with pytest.raises(DataError, match="No column was chosen"):
        panel.select(Selection(columns=()))
    undated = panel_of(prices().reset_index(drop=True))
    with pytest.raises(DataError, match="the data have no dates"):
        undated.select(Selection(start="2020-01-01"))
    with pytest.raises(DataError, match="can't be merged by week"):
        undated.select(Selection(every="week"))


def test_selection_survives_plain_values():
    selection = Selection(columns=["A"], kinds={"A": "level"}, start=pd.Timestamp("2020-01-02"), every="week")
    assert Selection.from_dict(selection.to_dict()) == selection
    with pytest.raises(SettingError, match="Unknown part of a selection 'rows'"):
        Selection.from_dict({"rows": 3})
    with pytest.raises(SettingError, match="start is 'soon', expected a day"):
        Selection(start="soon")
    with pytest.raises(SettingError, match="swap them"):
        Selection(start="2021-01-01", end="2020-01-01")
    with pytest.raises(SettingError, match="every is 'year'"):
        Selection(every="year")


def test_resampling_matches_a_plain_loop():
    frame = pd.DataFrame(
        {"P": np.arange(1.0, 31.0), "R": np.full(30, 0.5), "V": np.full(30, 10.0), "L": np.arange(30.0)}, index=days(30)
    )
    merged = panel_of(frame, P="price", R="return", V="volume", L="level").select(Selection(every="month"))
    for month, date in zip((1, 2), merged.frame.index, strict=True):
        rows = frame[frame.index.month == month]
        assert date == rows.index[-1]
        expected = [rows["P"].iloc[-1], rows["R"].sum(), rows["V"].sum(), rows["L"].iloc[-1]]
        assert merged.frame.loc[date].tolist() == expected
    assert merged.notes == ("Merged 30 rows by month into 2.",)


def test_resampled_bars_keep_their_meaning():
    frame = pd.DataFrame(
        {"Open": [1, 2], "High": [5, 4], "Low": [1, 0.5], "Close": [2, 3]}, index=days(2, "2020-01-06")
    )
    merged = panel_of(frame.astype(float)).select(Selection(every="week"))
    assert merged.frame.iloc[0].tolist() == [1, 5, 0.5, 3]


def test_returns_integrate_back_to_prices():
    panel = panel_of(prices())
    bars, units = panel.units()
    assert units == ("log return", "log return")
    assert list(bars.index) == list(panel.frame.index[1:])
    back = panel.frame.iloc[0].to_numpy() * np.exp(np.cumsum(bars.to_numpy(), axis=0))
    np.testing.assert_allclose(back, panel.frame.iloc[1:].to_numpy(), rtol=1e-12)


def test_units_of_each_kind():
    frame = pd.DataFrame({"P": [1.0, 2, 4], "R": [0.1, 0.2, 0.3], "V": [0.0, 9, 99], "L": [-1.0, 0, 1]}, index=days(3))
    panel = panel_of(frame, P="price", R="return", V="volume", L="level")
    bars, units = panel.units()
    assert units == ("log return", "return", "log volume", "level")
    np.testing.assert_allclose(bars.to_numpy(), [[np.log(2), 0.2, np.log(10), 0], [np.log(2), 0.3, np.log(100), 1]])
    levels, units = panel.units(levels=True)
    assert units == ("level", "return", "log volume", "level")
    assert levels["P"].tolist() == [1, 2, 4]


def test_prices_without_a_logarithm_are_refused():
    frame = prices()
    frame.loc["2020-01-03", "B"] = 0.0
    frame.loc["2020-01-10", "B"] = -5.0
    words = r"B holds 2 zero or negative prices \(first at 2020-01-03\), expected prices above zero.*change its kind"
    with pytest.raises(DataError, match=words):
        panel_of(frame).units()
    panel_of(frame).units(levels=True)
    with pytest.raises(DataError, match="B holds 1 negative volumes"):
        panel_of(frame, kind="volume").units()


def test_missing_rows_are_left_out_and_noted():
    frame = prices()
    frame.iloc[:3, 1] = np.nan
    frame.iloc[28:, 0] = np.nan
    frame.iloc[10, 0] = frame.iloc[12, 1] = np.nan
    complete = panel_of(frame).complete()
    assert len(complete.frame) == 30 - 3 - 2 - 2
    assert complete.notes == (
        "Starts at 2020-01-06, where B begins (3 rows before it left out).",
        "Ends at 2020-02-07, where A ends (2 rows after it left out).",
        "Left out 2 rows in which a value is missing (A 1, B 1).",
    )
    bars, _ = complete.units()
    spanning = np.log(frame["A"].iloc[11] / frame["A"].iloc[9])
    assert bars.loc[frame.index[11], "A"] == pytest.approx(spanning)


def test_series_that_never_meet_are_refused():
    frame = prices()
    frame.iloc[:15, 0] = np.nan
    frame.iloc[15:, 1] = np.nan
    with pytest.raises(DataError, match="No row holds a value for all of A, B"):
        panel_of(frame).units()


def test_gaps_end_segments_and_take_their_return_along():
    frame = pd.concat([prices(20), prices(10, "2020-06-01")])
    panel = panel_of(frame)
    assert panel.segments() == [(0, 20), (20, 30)]
    bars, _ = panel.units()
    assert len(bars) == 28
    assert frame.index[20] not in bars.index
    assert len(panel.units(levels=True)[0]) == 30


def test_ordinary_holidays_are_no_gap():
    week_off = prices().drop(prices().index[10:15])
    assert panel_of(week_off).segments() == [(0, 25)]
    weekly = prices(20).set_axis(pd.date_range("2020-01-03", periods=20, freq="21D"), axis=0)
    assert panel_of(weekly).segments() == [(0, 20)]


def test_describe_counts_by_series():
    frame = prices()
    frame.iloc[0, 0] = np.nan
    table = panel_of(frame, B="level").describe()
    assert table.loc["A", ["kind", "count", "missing"]].tolist() == ["price", 29, 1]
    assert table.loc["A", "first"] == frame.index[1]
    assert table.loc["B", "mean"] == pytest.approx(frame["B"].mean())


def test_labels_of_rows():
    assert date_label(pd.Timestamp("2020-01-02")) == "2020-01-02"
    assert date_label(pd.Timestamp("2020-01-02 09:30")) == "2020-01-02 09:30"
    assert date_label(0) == "row 1"
