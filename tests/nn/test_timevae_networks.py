"""The networks of TimeVAE: shapes for any window, and the density of noise around a path."""

from __future__ import annotations

import pytest
import torch

from synthfin_core.nn.observation import Stepwise
from synthfin_core.nn.timevae import (
    Around,
    BlocksDecoder,
    ConvolutionalEncoder,
    Level,
    Residual,
    TimeVAENetwork,
    Trend,
    lengths,
)
from synthfin_core.nn.whole_window import WholeWindow


@pytest.mark.parametrize("t", [1, 2, 7, 24, 60])
@pytest.mark.parametrize("filters", [(3,), (3, 4, 5), (2, 2, 2, 2, 2, 2)])
def test_windows_of_any_length_go_in_and_come_out(t, filters):
    y = torch.randn(5, t, 2)
    mu, logvar = ConvolutionalEncoder(t, 2, 3, filters)(y)
    assert mu.shape == logvar.shape == (5, 3)
    assert Residual(t, 2, 3, filters)(mu).shape == (5, t, 2)


def test_each_convolution_halves_the_steps():
    assert lengths(60, 3) == [60, 30, 15, 8]
    layer = torch.nn.Conv1d(1, 1, 3, 2, padding=1)
    for t in range(1, 30):
        assert layer(torch.zeros(1, 1, t)).shape[-1] == lengths(t, 1)[1]


@pytest.mark.parametrize("observation", [Stepwise(2, 3, heavy=True), WholeWindow(6, 2, rank=0)], ids=["bars", "window"])
def test_noise_lies_around_the_sum_of_the_blocks(observation):
    torch.manual_seed(0)
    blocks = [Level(6, 2, 3), Trend(6, 2, 3, degree=2)]
    decoder = BlocksDecoder(6, 2, 3, blocks, observation.numbers)
    network = TimeVAENetwork(6, 2, ConvolutionalEncoder(6, 2, 3, (4,)), decoder, observation)
    z, y = torch.randn(5, 3), torch.randn(5, 6, 2)
    law = network.given(z)
    assert isinstance(law, Around)
    path = blocks[0](z) + blocks[1](z)
    bare = observation(decoder(z), z)
    torch.testing.assert_close(law.log_density(y), bare.log_density(y - path))
    torch.testing.assert_close(law.mean(), path + bare.mean())
    with torch.inference_mode():
        law = network.given(z)
        torch.testing.assert_close(law.windows(law.residuals(y)), y, atol=1e-4, rtol=1e-4)


def test_the_noise_has_no_location_and_begins_as_it_is_told():
    decoder = BlocksDecoder(6, 2, 3, [Level(6, 2, 3)], 5)
    decoder.start_at(torch.tensor([9.0, 9.0, 1.0, 2.0, 3.0]))
    bars = decoder(torch.randn(500, 3)).detach()
    assert bars.shape == (500, 6, 5)
    assert (bars[..., :2] == 0).all()
    torch.testing.assert_close(bars[..., 2:].mean((0, 1)), torch.tensor([1.0, 2.0, 3.0]), atol=0.1, rtol=0)
