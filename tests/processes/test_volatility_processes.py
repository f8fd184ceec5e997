"""EGARCH and GARCH against `arch`, and against the markets that they are fitted to."""

import time
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
from arch.univariate import EGARCH as ArchEGARCH
from arch.univariate import GARCH as ArchGARCH
from arch.univariate import HARX, Normal, SkewStudent
from scipy import stats

from synthfin_core.errors import DataWarning, SettingError
from synthfin_core.processes import egarch as egarch_module
from synthfin_core.processes import series as series_module
from synthfin_core.processes.egarch import EGARCH
from synthfin_core.processes.garch import GARCH
from synthfin_core.processes.series import LAGS, autoregress, mean_lags, stable


def market(name):
    return import_module(f"arch.data.{name}").load()


@pytest.fixture(scope="module")
def returns():
    columns = [np.diff(np.log(market(name)["Adj Close"].to_numpy())) for name in ("sp500", "nasdaq")]
    return np.column_stack(columns)  # log return, per day, 1999-2018


@pytest.fixture(scope="module")
def fitted(returns):
    return EGARCH.fit([returns])


@pytest.fixture(scope="module")
def paths(fitted):
    return fitted.simulate(5000, 60, seed=0)


def acf(x, lag):
    x = x - x.mean(axis=-1, keepdims=True)
    return (x[..., lag:] * x[..., :-lag]).sum(axis=-1) / (x**2).sum(axis=-1)


def test_parameters_are_those_of_arch(returns, fitted):
    for i, r in enumerate(returns.T):
        y = (r - r.mean()) / r.std()
        model = HARX(y, lags=[1], volatility=ArchEGARCH(1, 1, 1), distribution=SkewStudent(), rescale=False)
        found = model.fit(disp="off").params.to_numpy()
        assert fitted.ar[i, 0] == pytest.approx(found[1], abs=2e-3)
        np.testing.assert_allclose(fitted.volatility[i], found[2:6], atol=2e-3)
        np.testing.assert_allclose(fitted.shapes[i], found[6:], rtol=0.01)
    assert fitted.fallback == ""


def test_a_path_is_that_of_arch_for_the_same_innovations(fitted):
    e = np.random.default_rng(0).standard_normal(600)
    wide = np.array([-50.0, 50.0])
    got = egarch_module._series(e[None], fitted.ar[0], fitted.volatility[0], wide)[0]
    noise, _ = ArchEGARCH(1, 1, 1).simulate(fitted.volatility[0], 600, lambda n: e[:n], burn=0)
    want = np.zeros(600)
    for t in range(600):
        want[t] = noise[t] + (fitted.ar[0, 0] * want[t - 1] if t else 0.0)
    np.testing.assert_allclose(got, want, rtol=1e-9)


def test_paths_have_the_moments_of_those_of_arch(returns, fitted, paths):
    parameters = np.concatenate([[0.0, fitted.ar[0, 0]], fitted.volatility[0], fitted.shapes[0]])
    model = HARX(None, lags=[1], volatility=ArchEGARCH(1, 1, 1), distribution=SkewStudent(seed=0), rescale=False)
    theirs = np.stack([model.simulate(parameters, 5000)["data"].to_numpy() for _ in range(12)])
    ours = (paths[..., 0] - fitted.mean[0]) / fitted.sd[0]
    assert ours.std(axis=1).mean() == pytest.approx(theirs.std(axis=1).mean(), rel=0.06)
    for lag in (1, 10):
        assert acf(np.abs(ours), lag).mean() == pytest.approx(acf(np.abs(theirs), lag).mean(), abs=0.04)
    np.testing.assert_allclose(
        np.quantile(ours, [0.01, 0.05, 0.95, 0.99]), np.quantile(theirs, [0.01, 0.05, 0.95, 0.99]), rtol=0.06
    )


@pytest.mark.parametrize("innovations", ["skewed t", "resampled"])
def test_paths_look_like_the_market(returns, innovations):
    x = EGARCH.fit([returns], innovations).simulate(5000, 60, seed=0)
    for i, r in enumerate(returns.T):
        path = x[..., i]
        assert path.std(axis=1).mean() == pytest.approx(r.std(), rel=0.15)
        low, high = np.quantile(stats.kurtosis(path, axis=1), [0.05, 0.95])
        assert low < stats.kurtosis(r) < high
        assert 0.2 < acf(np.abs(path), 1).mean() < 0.33
        assert acf(np.abs(path), 20).mean() > 0.1
        squares = path[:, 1:] ** 2 - (path**2).mean(axis=1, keepdims=True)
        leverage = (path[:, :-1] * squares).mean(axis=1) / path.std(axis=1) / (path**2).std(axis=1)
        assert leverage.mean() < -0.03
        assert np.abs(path).max() < 8 * np.abs(r).max()
    simulated = np.mean([np.corrcoef(path, rowvar=False)[0, 1] for path in x])
    assert simulated == pytest.approx(np.corrcoef(returns, rowvar=False)[0, 1], abs=0.03)


def test_resampled_innovations_are_whole_residual_vectors(returns):
    process = EGARCH.fit([returns], "resampled")
    real = {tuple(row) for row in process.residuals}
    drawn = process._innovations(50, 3, seed=0).reshape(-1, 2)
    assert all(tuple(row) in real for row in drawn)
    np.testing.assert_allclose(process.residuals.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(process.residuals.std(axis=0), 1)


def test_levels_get_a_long_memory():
    volume = np.log(market("sp500")["Volume"].to_numpy())
    assert mean_lags([volume]) == (1, 5, 20)
    assert mean_lags([np.diff(volume)]) == (1,)
    process = EGARCH.fit([volume[:, None]])
    x = process.simulate(5000, 40, seed=0)[..., 0]
    for lag in (1, 5, 20):  # a plain first-order mean would have 0.36 at lag 20
        assert acf(x, lag).mean() == pytest.approx(acf(volume, lag), abs=0.12)
    assert np.diff(x, axis=1).std() == pytest.approx(np.diff(volume).std(), rel=0.15)
    assert x.mean() == pytest.approx(volume.mean(), abs=0.1)


def test_unstable_means_are_pulled_in():
    ar = np.zeros(LAGS)
    ar[:2] = 1.5, -0.4
    roots = np.abs(np.roots(np.concatenate([[1.0], -stable(ar)])))
    assert roots.max() == pytest.approx(0.995)
    calm = np.zeros(LAGS)
    calm[0] = 0.5
    np.testing.assert_array_equal(stable(calm), calm)
    noise = np.random.default_rng(0).standard_normal((2, 50))
    want = np.zeros((2, 50))
    for t in range(50):
        want[:, t] = noise[:, t] + sum(ar[j] * want[:, t - 1 - j] for j in range(2) if t - 1 - j >= 0)
    np.testing.assert_allclose(autoregress(ar, noise), want)


def test_simpler_processes_say_so():
    rng = np.random.default_rng(0)
    short = EGARCH.fit([rng.standard_normal((100, 1))])
    assert "fewer than 250 bars" in short.fallback
    drifting = np.concatenate([rng.standard_normal(1000), 10 * rng.standard_normal(1000)])[:, None]
    for process in (EGARCH, GARCH):
        made = process.fit([drifting])
        assert (
            made.fallback
            == "Series 1 has a volatility that drifts, so it was made to revert to that of the whole history."
        )
        x = made.simulate(2000, 30, seed=0)
        assert 1 / 3 < np.median(x.std(axis=1)) / drifting.std() < 3
    with pytest.warns(DataWarning, match="independent and normal"):
        EGARCH.fit([np.arange(300.0)[:, None]])
    with pytest.raises(SettingError, match="expected one of skewed t, resampled, normal"):
        EGARCH.fit([drifting], innovations="laplace")


def test_a_search_gone_astray_begins_again(returns, monkeypatch):
    straight = EGARCH.fit([returns[-1500:, :1]])
    search = series_module._search

    def astray(y, lags, volatility, skewed, start=None):
        result = search(y, lags, volatility, skewed, start)
        if start is None and isinstance(volatility, ArchEGARCH):
            return SimpleNamespace(loglikelihood=-1e4, params=None)
        return result

    monkeypatch.setattr(series_module, "_search", astray)
    again = EGARCH.fit([returns[-1500:, :1]])
    np.testing.assert_allclose(again.volatility, straight.volatility, atol=5e-3)
    assert again.fallback == ""


def test_short_histories_give_paths_of_their_size(returns):
    """In about one of ten histories of 250 bars, the search from the usual start ends below constant volatility."""
    for start in range(0, 4750, 950):
        process = EGARCH.fit([returns[start : start + 250, :1]])
        x = process.simulate(250, 40, seed=0)
        assert 0.4 < np.median(x.std(axis=1)) / returns[start : start + 250, 0].std() < 2.5


def test_garch_is_that_of_arch(returns):
    process = GARCH.fit([returns])
    for i, r in enumerate(returns.T):
        y = (r - r.mean()) / r.std()
        model = HARX(y, volatility=ArchGARCH(1, 0, 1), distribution=Normal(), rescale=False)
        np.testing.assert_allclose(process.volatility[i], model.fit(disp="off").params.to_numpy()[1:], atol=2e-3)
    omega, alpha, beta = process.volatility.T
    x = process.simulate(4000, 60, seed=0)
    np.testing.assert_allclose(
        x.std(axis=(0, 1)), process.sd * np.sqrt(omega / (1 - alpha - beta)), rtol=0.04
    )  # the closed form
    square = (alpha**2 * 3 + 2 * alpha * beta + beta**2)[0]
    kurtosis = 3 * (1 - (alpha[0] + beta[0]) ** 2) / (1 - square) if square < 1 else np.inf
    assert kurtosis > stats.kurtosis(x[..., 0], axis=1, fisher=False).mean() > 3.3


def test_it_is_fast(returns):
    rows = returns[-4000:]
    began = time.process_time()
    process = EGARCH.fit([rows])
    fit = time.process_time() - began
    process.simulate(5000, 60, seed=0)
    simulate = time.process_time() - began - fit
    assert fit < 2
    assert simulate < 2
