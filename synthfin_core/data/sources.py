"""Data that need no network: two packages bring real market data, and a random walk is made here.

The S&P 500 and NASDAQ tables come inside the `arch` package, the technology shares inside `plotly`. The packaged
files are read where they lie, so neither package is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from synthfin_core.data.panel import Panel
from synthfin_core.errors import SettingError, SourceError
from synthfin_core.params import Config, param
from synthfin_core.rng import stream

_CLOSE_NOTE = "Closing prices; for an index they equal the adjusted close."


@dataclass(frozen=True)
class Source:
    """A data set that is always there.

    Attributes
    ----------
    title : str
        For example ``"S&P 500 and NASDAQ, daily closes"``.
    help : str
        One plain sentence.
    load : callable
        Makes the panel.
    """

    title: str
    help: str
    load: Callable[[], Panel]


@dataclass(frozen=True)
class MockSettings(Config):
    """Settings of the random walk; the defaults are the notebook's 5 assets by 252 days."""

    assets: int = param(5, "Number of made-up assets.", ge=1, le=100)
    days: int = param(252, "Trading days; a year has about 252.", ge=10, le=100_000, unit="days")
    drift: float = param(0.08, "Average growth per year, 0.08 for 8 %.", ge=-2.0, le=2.0, unit="per year")
    volatility: float = param(0.2, "Standard deviation of a year's log return.", ge=0.001, le=5.0, unit="per year")
    correlation: float = param(0.3, "Correlation between the returns of any two assets.", ge=-0.99, le=0.99)
    start_price: float = param(100.0, "Price of every asset on the first day.", ge=0.01, le=1e9)
    seed: int = param(0, "The same seed makes the same data.", ge=0, le=2**31 - 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.assets > 1 and self.correlation <= -1 / (self.assets - 1):
            least = -1 / (self.assets - 1)
            raise SettingError(
                f"correlation is {self.correlation}, but {self.assets} assets can't all be that negatively correlated: "
                f"expected more than {least:.3g}, or fewer assets."
            )


def mock_panel(settings: MockSettings | None = None) -> Panel:
    r"""Correlated random walks on business days, columns ``Asset_1_Price`` and so on.

    Each log return is :math:`(\mu - \sigma^2/2)\,h + \sigma\sqrt{h}\,\epsilon` with :math:`h = 1/252` years, and
    :math:`\epsilon` normal with the same correlation between any two assets.

    Parameters
    ----------
    settings : MockSettings, optional
        The notebook's set by default.
    """
    made = MockSettings() if settings is None else settings
    correlation = np.full((made.assets, made.assets), made.correlation)
    np.fill_diagonal(correlation, 1.0)
    noise = stream(made.seed, "mock").standard_normal((made.days - 1, made.assets)) @ np.linalg.cholesky(correlation).T
    h = 1 / 252
    returns = (made.drift - made.volatility**2 / 2) * h + made.volatility * np.sqrt(h) * noise  # (days - 1, assets)
    paths = np.vstack([np.zeros(made.assets), np.cumsum(returns, axis=0)])
    names = [f"Asset_{i + 1}_Price" for i in range(made.assets)]
    frame = pd.DataFrame(
        made.start_price * np.exp(paths), columns=names, index=pd.bdate_range("2023-01-02", periods=made.days)
    )
    note = f"Made-up prices: random walks of {made.assets} assets over {made.days} days, seed {made.seed}."
    return Panel(frame, dict.fromkeys(names, "price"), "mock", (note,))


def load_bundled(name: str) -> Panel:
    """The bundled data set called `name`.

    Raises
    ------
    SourceError
        If there is none of that name, or its package is not installed as expected.
    """
    if name not in SOURCES:
        raise SourceError(f"No data set is called {name!r}; bundled ones are {', '.join(SOURCES)}.")
    return SOURCES[name].load()


def _index(name: str) -> pd.DataFrame:
    return _packaged("arch", f"data/{name}/{name}.csv.gz", "Date")


def _closes(name: str, title: str) -> Panel:
    return Panel(_index(name)[["Close"]].set_axis([title], axis=1), {title: "price"}, name, (_CLOSE_NOTE,))


def _both(column: str) -> pd.DataFrame:
    parts = {"S&P 500": _index("sp500")[column], "NASDAQ": _index("nasdaq")[column]}
    return pd.DataFrame(parts).dropna()


def _us_indices() -> Panel:
    frame = _both("Close")
    note = f"{len(frame)} days on which both indices have a close."
    return Panel(frame, dict.fromkeys(frame.columns, "price"), "us-indices", (_CLOSE_NOTE, note))


def _us_volumes() -> Panel:
    frame = _both("Volume")
    traded = frame[(frame > 0).all(axis=1)]
    note = f"Shares traded in a day; left out {len(frame) - len(traded)} days that report zero, which means missing."
    return Panel(traded, dict.fromkeys(frame.columns, "volume"), "us-volumes", (note,))


def _sp500_ohlcv() -> Panel:
    frame = _index("sp500")[["Open", "High", "Low", "Close", "Volume"]]
    kinds = {column: "volume" if column == "Volume" else "price" for column in frame.columns}
    return Panel(frame, kinds, "sp500-ohlcv", (_CLOSE_NOTE,))


def _tech_weekly() -> Panel:
    frame = _packaged("plotly", "package_data/datasets/stocks.csv.gz", "date")
    note = "Weekly prices, each divided by its first one, so that all start at 1."
    return Panel(frame, dict.fromkeys(frame.columns, "price"), "tech-weekly", (note,))


def _packaged(package: str, path: str, dates: str) -> pd.DataFrame:
    spec = find_spec(package)
    folder = Path(spec.origin).parent if spec is not None and spec.origin else None
    if folder is None or not (folder / path).is_file():
        raise SourceError(f"The data inside the package {package} were not found: install {package}, or upload a file.")
    return pd.read_csv(folder / path, index_col=dates, parse_dates=[dates]).sort_index()


SOURCES: dict[str, Source] = {
    "us-indices": Source(
        "S&P 500 and NASDAQ, daily closes", "Two US stock indices day by day, 1999 to 2018.", _us_indices
    ),
    "sp500": Source(
        "S&P 500, daily closes",
        "The US stock index of 500 large companies, 1999 to 2018.",
        lambda: _closes("sp500", "S&P 500"),
    ),
    "nasdaq": Source(
        "NASDAQ, daily closes",
        "The US stock index of the NASDAQ exchange, 1999 to 2018.",
        lambda: _closes("nasdaq", "NASDAQ"),
    ),
    "sp500-ohlcv": Source(
        "S&P 500, daily bars", "Open, high, low, close and volume day by day, 1999 to 2018.", _sp500_ohlcv
    ),
    "us-volumes": Source(
        "S&P 500 and NASDAQ, daily volume", "Shares traded in two US indices day by day, 1999 to 2018.", _us_volumes
    ),
    "tech-weekly": Source(
        "Six technology shares, weekly",
        "Apple, Alphabet, Amazon, Facebook, Netflix and Microsoft, 2018 and 2019.",
        _tech_weekly,
    ),
    "mock": Source(
        "Made-up prices", "Correlated random walks of five assets over one year, made on the spot.", mock_panel
    ),
}
