import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from synthfin_core.data.load import load
from synthfin_core.data.sources import SOURCES, MockSettings, load_bundled, mock_panel
from synthfin_core.errors import DataError, SettingError, SourceError


@pytest.mark.parametrize("name", list(SOURCES))
def test_every_bundled_set_loads_clean(name):
    panel = load(name)
    assert panel.name == name
    assert panel.dated
    assert panel.notes
    assert not panel.frame.isna().any(axis=None)
    bars, _ = panel.units()
    assert np.isfinite(bars.to_numpy()).all()
    assert panel.fingerprint == load_bundled(name).fingerprint


def test_indices_are_those_that_arch_brings():
    from arch.data import nasdaq, sp500

    panel = load("us-indices")
    assert panel.columns == ("S&P 500", "NASDAQ")
    assert len(panel.frame) == 5031
    np.testing.assert_array_equal(panel.frame["S&P 500"], sp500.load()["Close"])
    np.testing.assert_array_equal(panel.frame["NASDAQ"], nasdaq.load()["Adj Close"])


def test_ohlcv_knows_its_kinds():
    panel = load("sp500-ohlcv")
    assert panel.kinds == {"Open": "price", "High": "price", "Low": "price", "Close": "price", "Volume": "volume"}


def test_volume_days_of_zero_are_left_out_and_noted():
    panel = load("us-volumes")
    assert panel.frame.to_numpy().min() > 0
    assert "left out 2 days" in panel.notes[0]


def test_mock_is_the_notebook_s_set_by_default():
    panel = mock_panel()
    assert panel.frame.shape == (252, 5)
    assert panel.columns[0] == "Asset_1_Price"
    assert (panel.frame.iloc[0] == 100).all()
    assert set(panel.frame.index.day_of_week) <= set(range(5))
    assert mock_panel(MockSettings(seed=1)).fingerprint != panel.fingerprint


def test_mock_follows_its_settings():
    settings = MockSettings(assets=3, days=20_000, drift=0.1, volatility=2.0, correlation=-0.4, start_price=50.0)
    returns = mock_panel(settings).units()[0].to_numpy()
    h = 1 / 252
    np.testing.assert_allclose(returns.std(axis=0), 2.0 * np.sqrt(h), rtol=0.03)
    error = 2.0 * np.sqrt(h) / np.sqrt(20_000)
    np.testing.assert_allclose(returns.mean(axis=0), (0.1 - 2.0) * h, atol=4 * error)
    np.testing.assert_allclose(np.corrcoef(returns.T)[np.triu_indices(3, 1)], -0.4, atol=0.03)


def test_impossible_correlation_is_refused():
    with pytest.raises(
        SettingError, match=r"5 assets can't all be that negatively correlated: expected more than -0.25"
    ):
        MockSettings(correlation=-0.3)
    MockSettings(assets=1, correlation=-0.9)


def test_unknown_name_lists_what_there_is():
    with pytest.raises(
        SourceError, match="'sp600' is neither a file nor a bundled data set; bundled ones are us-indices"
    ):
        load("sp600")
    with pytest.raises(SourceError, match="No data set is called 'x'"):
        load_bundled("x")
    with pytest.raises(DataError, match="Data came as int, expected a bundled name, a path or a DataFrame"):
        load(3)


def test_kind_can_be_said():
    panel = load("sp500", kind="level")
    assert panel.kind == "level"
    with pytest.raises(SettingError, match="The kind of 'S&P 500' is 'prices'"):
        load("sp500", kind="prices")


def test_load_takes_frames_and_paths(tmp_path):
    frame = pd.DataFrame({"A": [1.0, 2.0, 3.0]}, index=pd.to_datetime(["2020-01-03", "2020-01-02", "2020-01-06"]))
    panel = load(frame)
    assert panel.frame["A"].tolist() == [2, 1, 3]
    frame.to_csv(tmp_path / "mine.csv")
    again = load(tmp_path / "mine.csv")
    assert again.name == "mine"
    assert again.fingerprint == panel.fingerprint == load(str(tmp_path / "mine.csv")).fingerprint


def test_data_import_nothing_heavy():
    code = (
        "import sys, synthfin_core.data.load, synthfin_core.data.windows, synthfin_core.data.reading as r\n"
        "synthfin_core.data.load.load('us-indices')\n"
        "print([m for m in ('torch', 'scipy.stats', 'sklearn', 'plotly', 'arch', 'yfinance') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
