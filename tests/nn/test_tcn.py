"""The temporal network: nothing of the future, all of the window."""

import pytest
import torch
from torch.nn import functional

from synthfin_core.nn.tcn import Causal, TemporalGenerator, memory
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


def test_a_series_that_keeps_to_its_level_has_one_from_the_noise_of_the_window_and_deviations_without_mean():
    network = generator(keeps=(False, True))
    z = noise(5, network)
    moved = z.clone()
    moved[:, 1:] += 1.0
    with torch.no_grad():
        x, other = network(z), network(moved)
        m, s, shock = network.parts(z)
    free = m + s.exp() * shock
    assert x.shape == (5, LENGTH, 3)
    torch.testing.assert_close(x[:, :, 0], free[:, :, 0])
    torch.testing.assert_close(x[:, :, 1], free[:, :, 1] - free[:, :, 1].mean(dim=1, keepdim=True))
    torch.testing.assert_close(x[:, :, 2], x[:, :1, 2].expand(5, LENGTH))
    torch.testing.assert_close(other[:, :, 2], x[:, :, 2])
    assert x[:, 0, 2].unique().numel() == 5
