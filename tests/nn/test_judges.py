"""The judges of GANs: what they see of a window, and layers whose norm is held."""

import numpy as np
import torch

from synthfin_core.nn.judges import (
    ConvolutionalJudge,
    PathJudge,
    SpectrumJudge,
    autocovariances,
    neighbours,
    principal_axes,
)
from synthfin_core.training import seeded_weights

LENGTH = 10


def test_neighbours_are_the_windows_of_a_strided_convolution():
    random = torch.Generator().manual_seed(0)
    for t in (1, 2, 7, 8):
        c = torch.randn((3, t, 2), generator=random)
        weight = torch.randn((5, 2, 4), generator=random)
        padded = torch.nn.functional.pad(c.transpose(1, 2), (1, 1 + t % 2))
        expected = torch.nn.functional.conv1d(padded, weight, stride=2).transpose(1, 2)
        torch.testing.assert_close(neighbours(c) @ weight.permute(2, 1, 0).reshape(8, 5), expected)


def test_principal_axes_whiten():
    random = np.random.default_rng(0)
    x = random.standard_normal((50, 20, 3)) @ np.array([[1.0, 0.8, 0.0], [0.0, 0.6, 0.3], [0.0, 0.0, 0.9]])
    seen = (torch.as_tensor(x) @ principal_axes(torch.as_tensor(x))).reshape(-1, 3).numpy()
    np.testing.assert_allclose(np.cov(seen.T), np.eye(3), atol=1e-9)
    same = torch.as_tensor(np.repeat(x[:, :, :1], 2, axis=2))
    assert float(principal_axes(same).abs().max()) < 5  # no difference between them is blown up without bound
    assert principal_axes(same[:, :, :1]).shape == (1, 0)


def test_a_convolutional_judge_looks_at_each_window_alone():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        judge = ConvolutionalJudge(torch.eye(2), 6)
    x = torch.randn((5, 9, 2), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(judge(x)[:2], judge(x[:2]))


def judge(spectral, wanders=(True, False), keeps=(False, False)):
    data = torch.randn((60, LENGTH, 2 + sum(keeps)), generator=torch.Generator().manual_seed(1))
    with seeded_weights(0):
        made = PathJudge(data, torch.tensor(wanders), torch.tensor(keeps), 12, spectral=spectral)
    with torch.no_grad():
        for layer in layers_of(made):  # as if training had made them large
            (layer.parametrizations.weight.original if spectral else layer.weight).mul_(20)
        for _ in range(100):
            made(data)
    return made, data


def layers_of(made):
    own = [] if made.spectrum is None else [made.spectrum.head[0], made.spectrum.head[2]]
    return [*made.judge.layers, made.judge.head[0], made.judge.head[2], *own]


def norms(made):
    return [np.linalg.svd(layer.weight.detach().numpy(), compute_uv=False)[0] for layer in layers_of(made)]


def test_spectral_normalisation_holds_the_largest_singular_value_at_one():
    np.testing.assert_allclose(norms(judge(spectral=True, keeps=(False, True))[0]), 1.0, rtol=0.01)
    assert min(norms(judge(spectral=False)[0])) > 5


def test_the_judge_sees_levels_beside_steps():
    made, x = judge(spectral=False)
    seen = made.seen(x)
    assert seen.shape == (60, LENGTH, 4)
    torch.testing.assert_close(seen[:, 1:, :2], x[:, 1:])
    assert (seen[:, 0, 0] == 0).all()  # a start is no step
    torch.testing.assert_close(seen[:, :, 2], x[:, :1, 0].expand(60, LENGTH))
    torch.testing.assert_close(seen[:, -1, 3], x[:, 1:, 0].sum(dim=1) / LENGTH**0.5)
    plain, x = judge(spectral=False, wanders=(False, False))
    assert plain.seen(x) is x


def test_the_judge_sees_levels_that_are_kept_to_beside_deviations():
    made, x = judge(spectral=False, keeps=(False, True))
    seen = made.seen(x)
    assert seen.shape == (60, LENGTH, 6)
    torch.testing.assert_close(seen[:, :, 1], x[:, :, 1])
    torch.testing.assert_close(seen[:, :, 3], x[:, :, 2])
    torch.testing.assert_close(seen[:, -1, 5], x[:, :, 1].sum(dim=1) / LENGTH**0.5)
    torch.testing.assert_close(seen[:, :, [0, 2, 4]], judge(spectral=False)[0].seen(x[:, :, :2])[:, :, [0, 2, 3]])


def test_the_judge_cannot_tell_deviations_by_their_mean_nor_levels_by_what_follows_their_start():
    made, x = judge(spectral=False, keeps=(False, True))
    moved = x.clone()
    moved[:, :, 1] += 1.0
    moved[:, 1:, 2] += 1.0
    with torch.no_grad():
        torch.testing.assert_close(made(moved), made(x), rtol=1e-4, atol=1e-3)
        moved[:, 0, 2] += 1.0
        assert (made(moved) != made(x)).all()


def test_the_judge_hears_the_spectrum_of_what_keeps_to_its_level():
    with seeded_weights(0):
        made = SpectrumJudge(LENGTH, 1, 12)
    x = torch.randn((4, LENGTH, 1), generator=torch.Generator().manual_seed(2))
    levels = torch.arange(4.0)[:, None]
    power = np.abs(np.fft.rfft(x[:, :, 0].numpy(), axis=1)) ** 2 / LENGTH
    seen = np.concatenate([np.log(power + 0.01) / 2, levels], axis=1)
    expected = made.head(torch.as_tensor(seen, dtype=torch.float32))
    torch.testing.assert_close(made(x, levels), expected)
    torch.testing.assert_close(made(x.roll(3, dims=1), levels), expected)  # where a wave begins is not its business


def test_the_judge_looks_at_each_window_alone():
    made, x = judge(spectral=False)
    with torch.no_grad():
        torch.testing.assert_close(made(x)[:4], made(x[:4]))


def test_autocovariances_are_those_of_a_plain_loop():
    x = torch.randn((3, LENGTH, 2), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    found = autocovariances(x)
    assert found.shape == (3, LENGTH - 1, 2)
    for k in range(1, LENGTH):
        expected = sum(x[:, s] * x[:, s + k] for s in range(LENGTH - k)) / LENGTH**0.5
        torch.testing.assert_close(found[:, k - 1], expected)


def test_a_judge_that_hears_lags_tells_paths_that_share_a_periodogram():
    x = torch.randn((4, LENGTH, 1), generator=torch.Generator().manual_seed(2))
    levels = torch.zeros((4, 1))
    with seeded_weights(0):
        deaf, keen = (SpectrumJudge(LENGTH, 1, 12, lags) for lags in (False, True))
    torch.testing.assert_close(deaf(x, levels), deaf(x.roll(3, dims=1), levels))
    assert ((keen(x, levels) - keen(x.roll(3, dims=1), levels)).abs() > 1e-3).all()
