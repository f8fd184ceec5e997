"""The temporal networks: nothing of the future, all of the window, and layers whose norm is held."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from synthfin_core.nn.tcn import Causal, PathJudge, TemporalGenerator, memory
from synthfin_core.training import seeded_weights

LENGTH, KERNEL, LAYERS = 10, 3, 2


def generator(wanders=(False, False), layers=LAYERS, length=LENGTH, keeps=(False, False)):
    with seeded_weights(0):
        return TemporalGenerator(torch.tensor(wanders), torch.tensor(keeps), length, 3, 16, KERNEL, layers)


def noise(n, network, seed=0):
    return torch.randn((n, *network.noise_shape), generator=torch.Generator().manual_seed(seed))


def test_causal_is_a_dilated_convolution_that_pads_nothing():
    with seeded_weights(0):
        layer = Causal(4, 5, 3, 2)
    c = torch.randn((2, 12, 4), generator=torch.Generator().manual_seed(0))
    weight = layer.dense.weight.reshape(5, 3, 4).transpose(1, 2)  # (outputs, inputs, kernel)
    expected = functional.conv1d(c.transpose(1, 2), weight, layer.dense.bias, dilation=2).transpose(1, 2)
    torch.testing.assert_close(layer(c), expected)
    assert layer(c).shape == (2, 12 - layer.reach, 5)


@pytest.mark.parametrize("step", [0, 4, 9])
def test_noise_of_a_step_leaves_all_bars_before_it_unchanged(step):
    network = generator()
    z = noise(4, network)
    moved = z.clone()
    moved[:, 1 + memory(KERNEL, LAYERS) + step] += 1.0
    with torch.no_grad():
        change = (network(moved) - network(z)).abs().amax(dim=(0, 2))  # (t,)
        drift = (network.parts(moved)[0] - network.parts(z)[0]).abs().amax(dim=(0, 2))
    assert (change[:step] == 0).all()
    assert change[step] > 0
    assert (drift[: step + 1] == 0).all()  # drift and memory of a step know what came before it alone
    assert (drift[step + 1 :] > 0).all()


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("bar", [0, 7])
def test_a_bar_rests_on_all_of_its_memory_and_on_no_more(bar, layers):
    network = generator(layers=layers)
    z = noise(3, network).requires_grad_()
    network.parts(z)[0][:, bar].sum().backward()
    touched = z.grad.abs().amax(dim=(0, 2)) > 0  # (1 + r + t,)
    r = memory(KERNEL, layers)
    assert r == KERNEL**layers
    assert touched[0]  # what the whole window has in common
    assert touched[1 + bar : 1 + bar + r].all()
    assert not touched[1 + bar + r :].any()
    assert not touched[1 : 1 + bar].any()


def test_the_first_bar_is_as_random_as_the_last():
    network = generator(length=30)
    with torch.no_grad():
        location, log_scale, _ = network.parts(noise(4000, network))
    for part in (location, log_scale):
        spread = part.std(dim=0)  # (t, d)
        torch.testing.assert_close(spread[0], spread[-1], rtol=0.05, atol=0)


def test_a_series_that_wanders_starts_from_the_noise_of_the_window_alone():
    network = generator(wanders=(True, False))
    z = noise(5, network)
    moved = z.clone()
    moved[:, 1:] += 1.0
    with torch.no_grad():
        x, other = network(z), network(moved)
    torch.testing.assert_close(other[:, 0, 0], x[:, 0, 0])
    assert (other[:, 0, 1] != x[:, 0, 1]).all()
    assert (other[:, 1:, 0] != x[:, 1:, 0]).all()
    assert x[:, 0, 0].unique().numel() == 5


def test_a_series_that_keeps_to_its_level_is_a_start_and_distances_from_the_first_value():
    network, plain = generator(keeps=(False, True)), generator()
    plain.load_state_dict(network.state_dict(), strict=False)
    with torch.no_grad():
        network.moved.fill_(0.5)
    z = noise(5, network)
    with torch.no_grad():
        x, free, start = network(z), plain(z), network.start_mix(z[:, 0]) + network.start(network.window(z[:, 0]))
    torch.testing.assert_close(x[:, :, 0], free[:, :, 0])
    torch.testing.assert_close(x[:, 1:, 1], free[:, 1:, 1] - free[:, :1, 1])
    torch.testing.assert_close(x[:, 0, 1], start[:, 1] + 0.5 * free[:, 0, 1])


def judge(spectral, wanders=(True, False), keeps=(False, False)):
    data = torch.randn((60, LENGTH, 2), generator=torch.Generator().manual_seed(1))
    with seeded_weights(0):
        made = PathJudge(data, torch.tensor(wanders), torch.tensor(keeps), 12, spectral)
    with torch.no_grad():
        for layer in layers_of(made):  # as if training had made them large
            (layer.parametrizations.weight.original if spectral else layer.weight).mul_(20)
        for _ in range(100):
            made(data)
    return made, data


def layers_of(made):
    return [*made.judge.layers, made.judge.head[0], made.judge.head[2]]


def norms(made):
    return [np.linalg.svd(layer.weight.detach().numpy(), compute_uv=False)[0] for layer in layers_of(made)]


def test_spectral_normalisation_holds_the_largest_singular_value_at_one():
    np.testing.assert_allclose(norms(judge(spectral=True)[0]), 1.0, rtol=0.01)
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


def test_the_judge_sees_levels_that_are_kept_to_beside_distances():
    made, x = judge(spectral=False, keeps=(False, True))
    seen = made.seen(x)
    distances = torch.cat([torch.zeros(60, 1), x[:, 1:, 1]], dim=1)
    assert seen.shape == (60, LENGTH, 6)
    torch.testing.assert_close(seen[:, :, 1], distances - distances.mean(dim=1, keepdim=True))
    torch.testing.assert_close(seen[:, :, 3], x[:, :1, 1].expand(60, LENGTH))
    torch.testing.assert_close(seen[:, :, 5], distances)
    torch.testing.assert_close(seen[:, :, [0, 2, 4]], judge(spectral=False)[0].seen(x)[:, :, [0, 2, 3]])


def test_the_judge_looks_at_each_window_alone():
    made, x = judge(spectral=False)
    with torch.no_grad():
        torch.testing.assert_close(made(x)[:4], made(x[:4]))
