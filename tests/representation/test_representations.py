import numpy as np
import pytest

from synthfin_core.data.sources import load_bundled
from synthfin_core.data.windows import make_windows
from synthfin_core.errors import DataError, SettingError
from synthfin_core.representation import REPRESENTATIONS, representation_class
from synthfin_core.representation.gaussian import Gaussian

NAMES = list(REPRESENTATIONS)


def heavy(n=300, t=20, d=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_t(3, (n, t, d)) * [0.01, 1.0, 50.0][:d] + [0.0, 5.0, -100.0][:d]


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def test_inverse_is_exact_on_training_and_on_any_other_input(name):
    x = heavy()
    fitted = representation_class(name)().fit(x)
    np.testing.assert_allclose(fitted.inverse(fitted.forward(x)), x, rtol=1e-9, atol=1e-9)
    far = np.array([0.0, 1e-15, -3.0, 1e3, -1e6, 1e9])[None, :, None] * np.ones(3)
    np.testing.assert_allclose(fitted.inverse(fitted.forward(far)), far, rtol=1e-9, atol=1e-9)


def test_map_is_strictly_increasing_in_each_series(name):
    fitted = representation_class(name)().fit(heavy())
    grid = np.linspace(-2000, 2000, 40_001)[None, :, None] * np.ones(3)
    assert (np.diff(fitted.forward(grid), axis=1) > 0).all()
    z = np.linspace(-12, 12, 4001)[None, :, None] * np.ones(3)
    assert (np.diff(fitted.inverse(z), axis=1) > 0).all()


def test_state_is_plain_arrays_and_gives_the_same_bytes(name):
    x = heavy()
    fitted = representation_class(name)().fit(x)
    state = fitted.state()
    assert all(isinstance(array, np.ndarray) and array.dtype == np.float64 for array in state.values())
    again = representation_class(name).load(state)
    np.testing.assert_array_equal(again.forward(x), fitted.forward(x))
    np.testing.assert_array_equal(again.inverse(x), fitted.inverse(x))
    for array in state.values():
        array[:] = 0
    np.testing.assert_array_equal(again.forward(x), fitted.forward(x))


def test_input_is_left_as_found(name):
    x = heavy()
    before = x.copy()
    fitted = representation_class(name)().fit(x)
    fitted.inverse(fitted.forward(x))
    np.testing.assert_array_equal(x, before)
    x.flags.writeable = False
    fitted.fit(x).forward(x)


def test_series_do_not_mix(name):
    x = heavy()
    together = representation_class(name)().fit(x).forward(x)
    for i in range(3):
        alone = x[:, :, i : i + 1]
        apart = representation_class(name)().fit(alone).forward(alone)[..., 0]
        np.testing.assert_allclose(apart, together[..., i], rtol=1e-9, atol=1e-9)


def test_wrong_input_is_refused(name):
    fit = representation_class(name)().fit
    with pytest.raises(DataError, match=r"shape \(4, 5\), expected \(windows, time, series\)"):
        fit(np.zeros((4, 5)))
    x = heavy()
    x[0, 0, 0] = np.nan
    with pytest.raises(DataError, match="hold 1 values that are missing or infinite"):
        fit(x)
    x = heavy()
    x[:, :, 1] = 4.0
    with pytest.raises(DataError, match="Series 1 never changes"):
        fit(x)
    with pytest.raises(DataError, match="fitted to 3 series"):
        fit(heavy()).forward(heavy(d=2))


def test_forms_find_words_for_it(name):
    made = representation_class(name)
    assert made.title
    assert made.help.endswith(".")


def test_standard_and_levels_are_z_scores():
    x = heavy()
    for name in ("standard", "levels"):
        y = representation_class(name)().fit(x).forward(x)
        np.testing.assert_allclose(y.mean(axis=(0, 1)), 0, atol=1e-9)
        np.testing.assert_allclose(y.std(axis=(0, 1)), 1, atol=1e-9)


def test_min_max_is_that_of_scikit_learn():
    from sklearn.preprocessing import MinMaxScaler

    x = heavy()
    table = x.reshape(-1, 3)
    expected = MinMaxScaler().fit_transform(table).reshape(x.shape)
    np.testing.assert_allclose(representation_class("min-max")().fit(x).forward(x), expected, atol=1e-12)


def test_levels_are_said_by_the_class():
    assert [name for name in NAMES if representation_class(name).levels] == ["min-max", "levels"]


def test_unknown_name_lists_what_there_is():
    with pytest.raises(
        SettingError, match="No representation is called 'wavelet'; there are standard, gaussian, min-max"
    ):
        representation_class("wavelet")


def test_gaussian_makes_heavy_tails_normal():
    from scipy import stats

    x = heavy(2000)
    y = Gaussian().fit(x).forward(x)
    for i in range(3):
        assert stats.kstest(y[:, :, i].ravel(), "norm").statistic < 0.01
        assert abs(stats.kurtosis(y[:, :, i], axis=None)) < 0.1
        assert stats.kurtosis(x[:, :, i], axis=None) > 5


def test_gaussian_agrees_with_ranks_in_the_body():
    from scipy import stats

    x = heavy(100, 50, 1)
    y = Gaussian().fit(x).forward(x)
    ranks = stats.norm.ppf((stats.rankdata(x.ravel()) - 0.5) / x.size).reshape(x.shape)
    body = np.abs(ranks) < 1.8
    np.testing.assert_allclose(y[body], ranks[body], atol=0.02)


def test_gaussian_brings_market_tails_back_and_goes_beyond_them():
    from scipy import stats

    x = make_windows(load_bundled("us-indices"), 60).train.x
    z = np.random.default_rng(0).standard_normal((4000, 60, 2))
    drawn = Gaussian().fit(x).inverse(z)
    np.testing.assert_allclose(drawn.std(axis=(0, 1)), x.std(axis=(0, 1)), rtol=0.03)
    real, synthetic = (stats.kurtosis(values.reshape(-1, 2)) for values in (x, drawn))
    assert (synthetic > 0.7 * real).all()
    assert (synthetic < 1.6 * real).all()
    assert (np.abs(drawn).max(axis=(0, 1)) > np.abs(x).max(axis=(0, 1))).all()
    assert np.abs(drawn).max() < 0.5


def test_gaussian_tail_is_the_least_squares_one():
    """Normal data scaled by three: the tail must go on as a straight line of slope three."""
    x = 3 * np.random.default_rng(1).standard_normal((4000, 10, 1))
    fitted = Gaussian().fit(x)
    z = np.array([3.5, 4.0, -3.5, -4.0])[None, :, None]
    np.testing.assert_allclose(fitted.inverse(z), 3 * z, rtol=0.12)


def test_gaussian_takes_many_equal_values():
    x = heavy(50, 20, 1)
    x[np.random.default_rng(0).random(x.shape) < 0.4] = 0.0
    fitted = Gaussian().fit(x)
    np.testing.assert_allclose(fitted.inverse(fitted.forward(x)), x, rtol=1e-9, atol=1e-9)
    few = np.repeat([1.0, 2.0, 2.0, 5.0], 10).reshape(8, 5, 1)
    fitted = Gaussian().fit(few)
    np.testing.assert_allclose(fitted.inverse(fitted.forward(few)), few, rtol=1e-9)
