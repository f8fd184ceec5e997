import sys
import types

import numpy as np
import pandas as pd
import pytest

from synthfin_core.data.tickers import MOST_TICKERS, check_tickers, load_tickers
from synthfin_core.errors import SettingError, SourceError

FIELDS = ("Close", "High", "Low", "Open", "Volume")


def answer(tickers, start="2020-01-02", periods=5, zone=None):
    """A table as yfinance gives it: dates by (Price, Ticker), fields outermost."""
    columns = pd.MultiIndex.from_product([FIELDS, tickers], names=["Price", "Ticker"])
    values = 100 + np.arange(periods * len(columns), dtype=float).reshape(periods, -1)
    index = pd.bdate_range(start, periods=periods, name="Date", tz=zone)
    return pd.DataFrame(values, index=index, columns=columns)


@pytest.fixture
def yahoo(monkeypatch):
    """Stands in for yfinance: keeps what was asked, and answers what `reply` gives."""
    asked = types.SimpleNamespace(calls=[], reply=lambda tickers, **_: answer(tickers))

    def download(tickers, **settings):
        asked.calls.append((tickers, settings))
        return asked.reply(tickers, **settings)

    monkeypatch.setitem(sys.modules, "yfinance", types.SimpleNamespace(download=download))
    return asked


def test_closes_become_columns_in_the_order_asked_for(yahoo):
    panel = load_tickers("msft, aapl", "2020-01-02", "2020-01-08")
    assert panel.columns == ("MSFT", "AAPL")
    assert panel.kind == "price"
    assert panel.name == "MSFT AAPL"
    np.testing.assert_array_equal(panel.frame["AAPL"], answer(["MSFT", "AAPL"])["Close"]["AAPL"])
    (tickers, settings) = yahoo.calls[0]
    assert tickers == ["MSFT", "AAPL"]
    assert (settings["start"], settings["end"]) == ("2020-01-02", "2020-01-09")  # yfinance leaves the last day out
    assert settings["auto_adjust"] is True
    assert panel.notes == ("Close of MSFT, AAPL from Yahoo Finance, adjusted for splits and dividends.",)


def test_volume_is_volume_and_all_history_is_asked_for_without_dates(yahoo):
    panel = load_tickers(["^GSPC"], field="Volume")
    assert panel.kinds == {"^GSPC": "volume"}
    assert yahoo.calls[0][1]["period"] == "max"
    assert "adjusted" not in panel.notes[0]


@pytest.mark.parametrize("shape", ["flat", "by ticker", "zone"])
def test_answers_in_other_shapes(yahoo, shape):
    table = {
        "flat": answer(["AAPL"]).droplevel("Ticker", axis=1),
        "by ticker": answer(["AAPL"]).swaplevel(axis=1),
        "zone": answer(["AAPL"], zone="America/New_York"),
    }[shape]
    yahoo.reply = lambda *_, **__: table
    panel = load_tickers("AAPL")
    assert panel.columns == ("AAPL",)
    assert panel.frame.index[0] == pd.Timestamp("2020-01-02")
    assert panel.frame["AAPL"].iloc[0] == 100


def test_a_ticker_without_answer_is_left_out_and_noted(yahoo):
    table = answer(["AAPL", "NONE"])
    table.loc[:, (slice(None), "NONE")] = np.nan
    yahoo.reply = lambda *_, **__: table
    panel = load_tickers("AAPL NONE")
    assert panel.columns == ("AAPL",)
    assert "Nothing came for 1 ticker: NONE." in panel.notes


def refuse(*_, **__):
    raise ConnectionError("no route to host")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (refuse, r"could not be reached \(ConnectionError\): check the network; the bundled data sets, made-up prices"),
        (
            lambda *_, **__: pd.DataFrame(),
            "Nothing came from Yahoo Finance for AAPL: check the symbols and the network",
        ),
        (lambda *_, **__: None, "Nothing came from Yahoo Finance"),
        (lambda *_, **__: answer(["AAPL"]) * np.nan, "has nothing for AAPL in that time"),
        (lambda *_, **__: answer(["AAPL"]).drop(columns="Close"), "sent no Close for AAPL"),
    ],
)
def test_failures_are_one_sentence_that_names_other_ways(yahoo, reply, words):
    yahoo.reply = reply
    with pytest.raises(SourceError, match=words) as caught:
        load_tickers("AAPL")
    assert "file uploads work without a network." in str(caught.value)


def test_missing_package_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "yfinance", None)
    with pytest.raises(SourceError, match="Tickers need the package yfinance: install it"):
        load_tickers("AAPL")


@pytest.mark.parametrize(
    ("tickers", "words"),
    [
        ("", "No ticker was given"),
        ("AAPL ../x", "'../X' is no ticker"),
        (["A" * 60], "is no ticker"),
        ([f"T{i}" for i in range(MOST_TICKERS + 1)], "51 tickers were given, expected at most 50"),
    ],
)
def test_wrong_symbols_are_refused_before_asking(yahoo, tickers, words):
    with pytest.raises(SettingError, match=words):
        load_tickers(tickers)
    assert yahoo.calls == []


def test_other_settings_are_checked():
    with pytest.raises(SettingError, match="field is 'Adj', expected one of Close, Open"):
        load_tickers("AAPL", field="Adj")
    with pytest.raises(SettingError, match="start is 'soon', expected a day"):
        load_tickers("AAPL", start="soon")
    assert check_tickers(["brk-b", "EURUSD=X", "BRK-B"]) == ["BRK-B", "EURUSD=X"]
