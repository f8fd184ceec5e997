import numpy as np
import pytest

from synthfin_core.data.kinds import check_kind, guess_kind
from synthfin_core.errors import SettingError

RNG = np.random.default_rng(0)
RETURNS = 0.01 * RNG.standard_normal(500)
PRICES = 100 * np.exp(np.cumsum(RETURNS))
VOLUMES = np.round(1e6 * np.exp(0.3 * RNG.standard_normal(500)))


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("Adj Close", PRICES, "price"),
        ("Volume", VOLUMES, "volume"),
        ("Vol.", VOLUMES, "volume"),
        ("vol", 0.2 + 0.01 * np.abs(RETURNS), "price"),  # a volatility is not a volume
        ("Change %", RETURNS, "return"),
        ("log_ret", RETURNS, "return"),
        ("10Y yield", PRICES, "level"),
        ("VIX", PRICES, "level"),
        ("Close", PRICES - PRICES.mean(), "level"),  # what goes below zero is no price
        ("x", PRICES, "price"),
        ("x", RETURNS, "return"),
        ("x", VOLUMES, "volume"),
        ("x", np.cumsum(RETURNS), "level"),
        ("x", np.full(5, np.nan), "level"),
    ],
)
def test_kind_is_guessed(name, values, kind):
    assert guess_kind(name, values) == kind


def test_unknown_kind_is_refused():
    with pytest.raises(SettingError, match="The kind of 'A' is 'prices', expected one of price, return, volume, level"):
        check_kind("prices", "A")
