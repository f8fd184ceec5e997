import math

import numpy as np
import pytest
import torch
from torch import nn

from synthfin_core.errors import TrainingError
from synthfin_core.judges.encoder import (
    Encoder,
    EncoderSize,
    contrast,
    crops,
    encoded,
    hierarchical_loss,
    trained_encoder,
)
from synthfin_core.rng import stream

SMALL = EncoderSize(output=6, hidden=5, depth=3, iterations=4)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def reference(encoder, x):
    """The same network by torch's own layers, every tap of every convolution computed."""
    weights = iter(encoder.weights)

    def layer(h, dilation):
        weight, bias = next(weights), next(weights)
        taps, inputs, outputs = weight.shape
        conv = nn.Conv1d(inputs, outputs, taps, padding=(taps // 2) * dilation, dilation=dilation)
        conv.weight.data, conv.bias.data = weight.permute(2, 1, 0).contiguous(), bias
        return conv(h)

    def block(h, dilation):
        return layer(nn.functional.gelu(layer(nn.functional.gelu(h), dilation)), dilation)

    with torch.random.fork_rng():
        h = layer(x.transpose(1, 2), 1)
        for i in range(encoder.size.depth):
            h = h + block(h, 2**i)
        last = block(h, 2**encoder.size.depth)
        return (last + layer(h, 1)).transpose(1, 2)


@pytest.mark.parametrize("t", [2, 5, 8, 9, 30])
def test_it_is_a_stack_of_dilated_convolutions(t):
    """Also where taps lie beyond the window and are left out."""
    encoder = Encoder(2, SMALL, generator())
    x = torch.randn(3, t, 2, generator=generator(1))
    torch.testing.assert_close(encoder(x), reference(encoder, x))


def loop_contrast(z):
    total, rows = 0.0, z.shape[1]
    for group in z.tolist():
        for i, row in enumerate(group):
            products = [sum(a * b for a, b in zip(row, other, strict=True)) for other in group]
            twin = products[(i + rows // 2) % rows]
            total -= twin - math.log(sum(math.exp(p) for j, p in enumerate(products) if j != i))
    return total / (len(z) * rows)


def test_contrast_agrees_with_a_plain_loop():
    z = torch.randn(3, 8, 4, generator=generator())
    assert float(contrast(z)) == pytest.approx(loop_contrast(z), rel=1e-5)


def test_the_loss_is_the_mean_over_scales_of_both_contrasts():
    first, second = (torch.randn(3, 5, 4, generator=generator(i)) for i in range(2))
    scales = []
    for steps in (5, 2, 1):
        a, b = first, second
        for _ in range({5: 0, 2: 1, 1: 2}[steps]):
            a, b = (torch.stack([v[:, i : i + 2].amax(1) for i in range(0, v.shape[1] - 1, 2)], 1) for v in (a, b))
        assert a.shape[1] == steps
        across = loop_contrast(torch.stack([torch.cat([a[:, i], b[:, i]]) for i in range(steps)]))
        within = loop_contrast(torch.cat([a, b], dim=1)) if steps > 1 else 0.0
        scales.append((across + within) / 2)
    assert float(hierarchical_loss(first, second)) == pytest.approx(sum(scales) / 3, rel=1e-5)


def test_crops_share_the_steps_that_they_say_and_stay_inside():
    x = torch.arange(4 * 20.0).reshape(4, 20, 1)
    noise, lengths = generator(), set()
    for _ in range(200):
        first, second, shared = crops(x, noise)
        torch.testing.assert_close(first[:, -shared:], second[:, :shared])
        for crop in (first, second):
            assert ((crop >= x[:, :1]) & (crop <= x[:, -1:])).all()  # of its own window
        lengths.add(shared)
    assert min(lengths) == 2
    assert max(lengths) == 20


def test_same_seed_same_encoder_and_nothing_outside_changes():
    x = stream(0, "windows").standard_normal((20, 12, 2))
    before, state, threads = x.copy(), torch.get_rng_state(), torch.get_num_threads()
    found = [encoded(trained_encoder(x, SMALL, seed), x) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.allclose(found[0], found[2])
    assert found[0].shape == (20, 6)
    np.testing.assert_array_equal(x, before)
    assert torch.equal(state, torch.get_rng_state())
    assert torch.get_num_threads() == threads


def test_it_learns_to_tell_windows_apart():
    x = stream(0, "windows").standard_normal((64, 12, 1))

    def loss(size):
        encoder, noise = trained_encoder(x, size, 0), generator(5)
        first, second, shared = crops(torch.as_tensor(x, dtype=torch.float32), noise)
        with torch.no_grad():
            return float(hierarchical_loss(encoder(first)[:, -shared:], encoder(second)[:, :shared]))

    sizes = [EncoderSize(output=16, hidden=16, depth=2, iterations=steps) for steps in (1, 120)]
    assert loss(sizes[1]) < loss(sizes[0]) - 0.3


def test_windows_that_overflow_are_refused():
    with pytest.raises(TrainingError, match="overflowed, expected finite weights: scale the windows"):
        trained_encoder(np.full((10, 8, 1), 1e30), SMALL, 0)
