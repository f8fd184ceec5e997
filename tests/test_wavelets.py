import numpy as np
import pytest
import pywt

from synthfin_core.errors import DataError, SettingError
from synthfin_core.rng import stream
from synthfin_core.wavelets import KINDS, WAVELETS, Wavelets, deepest

LENGTHS = {2: 1, 24: 3, 32: 5, 60: 2, 64: 6, 128: 7}
EVERY = [(kind, wavelet) for kind in KINDS for wavelet in WAVELETS]


def heavy(n=40, t=64, d=2):
    return stream(0, "heavy").standard_t(3, (n, t, d)) * [0.01, 50.0][:d] + 3.0


@pytest.mark.parametrize(("kind", "wavelet"), EVERY)
@pytest.mark.parametrize("length", LENGTHS)
def test_inverse_is_exact(kind, wavelet, length):
    for levels in range(1, deepest(length) + 1):
        wavelets = Wavelets(kind, wavelet, levels, length)
        x = heavy(t=length)
        image = wavelets.forward(x)
        assert image.shape == (40, levels + 1, length, 2)
        np.testing.assert_allclose(wavelets.inverse(image), x, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("wavelet", WAVELETS)
def test_energy_is_kept(wavelet):
    x = heavy()
    energy = (x**2).sum(axis=1)
    stationary = Wavelets("stationary", wavelet, 6, 64)
    np.testing.assert_allclose((stationary.forward(x) ** 2).sum(axis=(1, 2)), energy, rtol=1e-9)
    orthonormal = Wavelets("orthonormal", wavelet, 6, 64)
    image = orthonormal.forward(x)
    np.testing.assert_allclose((orthonormal.pack(image) ** 2).sum(axis=1), energy, rtol=1e-9)
    for wavelets in (stationary, orthonormal):
        shares = wavelets.energy(wavelets.forward(x))
        assert shares.shape == (7, 2)
        np.testing.assert_allclose(shares.sum(axis=0), (x**2).mean(axis=(0, 1)), rtol=1e-9)


def test_rows_hold_what_swings_at_their_own_time_scale():
    bars = np.arange(64)
    for kind in KINDS:
        wavelets = Wavelets(kind, "haar", 6, 64)
        for row in range(1, 7):
            scale = wavelets.scales[row]
            swing = np.where(bars % scale < scale // 2, 1.0, -1.0)[None, :, None]
            shares = wavelets.energy(wavelets.forward(swing))[:, 0]
            assert shares.argmax() == row
        flat = wavelets.energy(wavelets.forward(np.ones((1, 64, 1))))[:, 0]
        np.testing.assert_allclose(flat, [1, 0, 0, 0, 0, 0, 0], atol=1e-9)


@pytest.mark.parametrize("wavelet", WAVELETS)
@pytest.mark.parametrize("levels", [1, 3, 6])
def test_stationary_is_what_pywavelets_says(wavelet, levels):
    wavelets = Wavelets("stationary", wavelet, levels, 64)
    x = heavy(n=3)
    image = wavelets.forward(x)
    other = stream(0, "no window's image").standard_normal(image.shape)
    for i in range(3):
        for j in range(2):
            rows = pywt.swt(x[i, :, j], wavelet, level=levels, norm=True, trim_approx=True)
            np.testing.assert_allclose(image[i, :, :, j], rows, rtol=0, atol=1e-9)
            back = pywt.iswt(list(other[i, :, :, j]), wavelet, norm=True)
            np.testing.assert_allclose(wavelets.inverse(other)[i, :, j], back, rtol=0, atol=1e-9)


@pytest.mark.parametrize("wavelet", WAVELETS)
@pytest.mark.parametrize("levels", [1, 3])
def test_orthonormal_is_what_pywavelets_says(wavelet, levels):
    wavelets = Wavelets("orthonormal", wavelet, levels, 64)
    x = heavy(n=3)
    image = wavelets.forward(x)
    packed = wavelets.pack(image)
    for i in range(3):
        rows = pywt.wavedec(x[i, :, 0], wavelet, mode="periodization", level=levels)
        np.testing.assert_allclose(packed[i, :, 0], np.concatenate(rows), rtol=0, atol=1e-9)
        for row, scale in zip(range(levels + 1), wavelets.scales, strict=True):
            np.testing.assert_allclose(image[i, row, :, 0], np.repeat(rows[row], scale), rtol=0, atol=1e-9)


def test_packing_keeps_the_free_coefficients_in_the_rows_they_belong_to():
    wavelets = Wavelets("orthonormal", "haar", 3, 8)
    assert wavelets.scales.tolist() == [8, 8, 4, 2]
    assert wavelets.row_of.tolist() == [0, 1, 2, 2, 3, 3, 3, 3]
    coefficients = stream(0, "coefficients").standard_normal((5, 8, 3))
    image = wavelets.unpack(coefficients)
    np.testing.assert_allclose(wavelets.pack(image), coefficients, rtol=0, atol=1e-12)
    assert (image[:, 2, :4] == coefficients[:, 2:3]).all()


def test_haar_rows_are_averages_and_their_differences():
    x = heavy(n=4, t=8, d=1)
    image = Wavelets("orthonormal", "haar", 3, 8).forward(x)
    np.testing.assert_allclose(image[:, 0, 0, 0], x.sum(axis=(1, 2)) / np.sqrt(8), rtol=1e-9)
    halves = x[:, :4].sum(axis=(1, 2)) - x[:, 4:].sum(axis=(1, 2))
    np.testing.assert_allclose(image[:, 1, 0, 0], halves / np.sqrt(8), rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_inverse_gives_the_window_with_the_nearest_image(kind):
    wavelets = Wavelets(kind, "db4", 4, 16)
    image = stream(0, "image").standard_normal((1, 5, 16, 1))
    columns = wavelets.forward(np.eye(16)[:, :, None]).reshape(16, -1).T  # the image of each unit window
    nearest, *_ = np.linalg.lstsq(columns, image.ravel(), rcond=None)
    np.testing.assert_allclose(wavelets.inverse(image).ravel(), nearest, rtol=0, atol=1e-9)
    again = wavelets.forward(wavelets.inverse(image))
    np.testing.assert_allclose(wavelets.forward(wavelets.inverse(again)), again, rtol=0, atol=1e-9)


@pytest.mark.parametrize("levels", [2, 6])
def test_stationary_inverse_cuts_what_is_independent(levels):
    wavelets = Wavelets("stationary", "haar", levels, 64)
    draws = stream(0, "independent").standard_normal((4000, levels + 1, 64, 1))
    # Equal errors in every coefficient: one part in as many as there are rows comes back.
    assert (wavelets.inverse(draws) ** 2).sum() / (draws**2).sum() == pytest.approx(1 / (levels + 1), rel=0.02)
    # White noise has variance 1 / scale in its rows. Drawn with that variance but independently of each other,
    # the rows come back with the sum of 1 / scale ** 2 instead of the sum of 1 / scale, which is one: 0.33 of it.
    windows = stream(0, "white").standard_normal((4000, 64, 1))
    image = wavelets.forward(windows)
    np.testing.assert_allclose(image.var(axis=(0, 2, 3)), 1 / wavelets.scales, rtol=0.1)
    incoherent = draws / np.sqrt(wavelets.scales)[:, None, None]
    kept = (1 / wavelets.scales.astype(float) ** 2).sum()
    assert kept == pytest.approx((1 + 2 * 4.0**-levels) / 3)
    assert wavelets.inverse(incoherent).var() == pytest.approx(kept, rel=0.02)
    # The orthonormal transform gives such draws back whole.
    whole = Wavelets("orthonormal", "haar", levels, 64)
    assert whole.inverse(whole.unpack(draws[:, 0])).var() == pytest.approx(1.0, rel=0.02)


def test_windows_and_series_do_not_mix_and_input_is_left_as_found():
    x = heavy()
    before = x.copy()
    x.flags.writeable = False
    for kind in KINDS:
        wavelets = Wavelets(kind, "sym4", 6, 64)
        image = wavelets.forward(x)
        np.testing.assert_allclose(wavelets.forward(x[7:8, :, 1:]), image[7:8, ..., 1:], rtol=0, atol=1e-9)
        image.flags.writeable = False
        wavelets.inverse(image)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("length", LENGTHS)
def test_deepest(length):
    assert deepest(length) == LENGTHS[length]


def test_deepest_of_what_is_no_length():
    assert deepest(61) == deepest(1) == deepest(0) == deepest(-4) == 0


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("stationery", "haar", 6, 64), "kind is 'stationery', expected one of orthonormal, stationary"),
        (("stationary", "db5", 6, 64), "wavelet is 'db5', expected one of haar, db4, sym4"),
        (("stationary", "haar", 7, 64), "7 wavelet levels came for windows of 64 bars, .* 6 times: choose 1 to 6 "),
        (("stationary", "haar", 3, 60), "3 wavelet levels came for windows of 60 bars, .* 2 times: .* a longer window"),
        (("stationary", "haar", 2, 62), "which can be halved 1 time: choose 1 to 1"),
        (("orthonormal", "haar", 0, 64), "0 wavelet levels came"),
        (("orthonormal", "haar", 1, 61), "Windows of 61 bars can't be halved, expected an even length"),
    ],
)
def test_what_cannot_be_is_refused(asked, words):
    with pytest.raises(SettingError, match=words):
        Wavelets(*asked)


def test_wrong_shapes_are_refused():
    stationary, orthonormal = (Wavelets(kind, "haar", 2, 8) for kind in ("stationary", "orthonormal"))
    with pytest.raises(DataError, match=r"shape \(5, 9, 1\), expected \(windows, 8, series\)"):
        stationary.forward(np.zeros((5, 9, 1)))
    with pytest.raises(DataError, match=r"shape \(5, 4, 8, 1\), expected \(windows, 3, 8, series\)"):
        orthonormal.inverse(np.zeros((5, 4, 8, 1)))
    with pytest.raises(SettingError, match="pack was asked of the stationary transform"):
        stationary.pack(np.zeros((5, 3, 8, 1)))
    with pytest.raises(SettingError, match="unpack was asked of the stationary transform"):
        stationary.unpack(np.zeros((5, 8, 1)))
