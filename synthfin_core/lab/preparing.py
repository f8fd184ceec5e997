"""The lab's data: mock prices, scaled and cut into windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from synthfin_core.data.sources import MockSettings, mock_panel
from synthfin_core.errors import DataError, SettingError

Array = NDArray[np.float64]

SCALERS = ("minmax", "standard")


def generate_mock_financial_time_series_data(
    num_assets: int = 5,
    num_days: int = 252,
    seed: int = 42,
    *,
    drift: float = 0.08,
    volatility: float = 0.2,
    correlation: float = 0.3,
) -> pd.DataFrame:
    """Daily closing prices of made-up assets: random walks with a drift, correlated with each other.

    Parameters
    ----------
    num_assets, num_days : int
        Columns, and business days from 2 January 2023 on.
    seed : int
        The same seed makes the same prices.
    drift, volatility : float
        Mean growth and standard deviation of the log return, both per year.
    correlation : float
        Of the log returns of any two assets.

    Returns
    -------
    DataFrame (num_days, num_assets)
        Columns ``Asset_1_Price``, ``Asset_2_Price`` and so on; the index holds the dates.

    See Also
    --------
    synthfin_core.data.sources.mock_panel : The walk itself, and its equation.
    """
    settings = MockSettings(
        assets=num_assets, days=num_days, drift=drift, volatility=volatility, correlation=correlation, seed=seed
    )
    return mock_panel(settings).frame.copy()


def preprocess_financial_data(
    data: pd.DataFrame | ArrayLike,
    sequence_length: int,
    scaler_type: str = "minmax",
    *,
    feature_range: tuple[float, float] = (0.0, 1.0),
) -> tuple[Array, Any]:
    """Scale each series and cut every run of `sequence_length` rows out of it.

    The scaler is fitted on all rows, as the lab asks. A fair test on later data needs one that has seen the training
    rows only: `synthfin_core.make_windows` splits first.

    Parameters
    ----------
    data : DataFrame or array (rows, d)
        One column a series, in its own units.
    sequence_length : int
        Rows in a window.
    scaler_type : str
        ``"minmax"`` takes each series to `feature_range`; ``"standard"`` to mean 0 and standard deviation 1.
    feature_range : tuple of float
        Ends of the min-max range. A generator that ends in a tanh wants ``(-0.9, 0.9)``: it never reaches 1, and it
        covers as much below zero as above.

    Returns
    -------
    sequences : ndarray (rows - sequence_length + 1, sequence_length, d)
        Scaled windows, each starting one row after the one before.
    scaler : MinMaxScaler or StandardScaler
        Fitted; `inverse_transform` gives the data's own units back.

    Raises
    ------
    DataError
        If the table has another shape, holds missing values or is shorter than a window.
    SettingError
        If `scaler_type` is unknown or `sequence_length` is below one.
    """
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    values = _table(data, sequence_length)
    if scaler_type not in SCALERS:
        raise SettingError(f"scaler_type is {scaler_type!r}, expected one of {', '.join(SCALERS)}.")
    scaler = MinMaxScaler(feature_range=feature_range) if scaler_type == "minmax" else StandardScaler()
    scaled = scaler.fit_transform(values)  # (rows, d)
    windows = sliding_window_view(scaled, sequence_length, axis=0)  # (n, d, t)
    return np.ascontiguousarray(windows.transpose(0, 2, 1)), scaler


def inverse_scale(sequences: ArrayLike, scaler: Any) -> Array:
    """Scaled windows `(n, t, d)` back in the data's own units, same shape."""
    x = np.asarray(sequences, dtype=np.float64)
    restored: Array = scaler.inverse_transform(x.reshape(-1, x.shape[-1])).reshape(x.shape)
    return restored


def feature_table(data: pd.DataFrame | ArrayLike, feature_names: Sequence[str]) -> pd.DataFrame:
    """One column a feature: a table's columns of those names, or an array's last axis in that order.

    Raises
    ------
    DataError
        If a column is missing, or an array's last axis does not fit the names.
    """
    names = list(feature_names)
    if isinstance(data, pd.DataFrame):
        missing = [name for name in names if name not in data.columns]
        if missing:
            raise DataError(f"No column is called {missing[0]!r}; there are {', '.join(map(str, data.columns))}.")
        return data[names].astype(float)
    values = np.asarray(data, dtype=np.float64)
    values = values.reshape(-1, values.shape[-1] if values.ndim > 1 else 1)
    if values.shape[1] != len(names):
        raise DataError(
            f"Data have {values.shape[1]} columns, but {len(names)} names were given: name each column once."
        )
    return pd.DataFrame(values, columns=names)


def _table(data: pd.DataFrame | ArrayLike, sequence_length: int) -> Array:
    values = np.asarray(data, dtype=np.float64)
    if values.ndim != 2:
        raise DataError(f"Data have shape {values.shape}, expected a table (rows, series): add the missing axis.")
    if sequence_length < 1:
        raise SettingError(f"sequence_length is {sequence_length}, expected a whole number of at least 1.")
    if len(values) < sequence_length:
        raise DataError(
            f"Data have {len(values)} rows, but a window takes {sequence_length}: choose a shorter window or more data."
        )
    missing = int((~np.isfinite(values)).sum())
    if missing:
        raise DataError(f"Data hold {missing} values that are missing or infinite, expected none: clean them first.")
    return values
