"""Networks on top of the cells: outputs, the gradient of a loss, Adam, batches."""

import numpy as np
import pytest
import torch

from synthfin_core.judges.recurrent import Recurrent, at_once, draw, sigmoid, with_ones


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def networks(count=2, hidden=2, states=3, **more):
    return Recurrent(2, hidden, [np.random.default_rng(i) for i in range(count)], states, **more)


def test_gradient_is_the_difference_quotient(rng):
    nets = networks(dtype=np.float64)
    nets.weights += 0.3 * rng.standard_normal(nets.weights.shape)
    x = rng.standard_normal((5, 2, 3, 4))
    slope = rng.standard_normal((3, 2, 4))
    found = nets.gradient(nets.run(x)[0], slope)
    for network in range(2):
        for at in range(nets.weights.shape[1]):
            values = []
            for step in (1e-6, -2e-6):
                nets.weights[network, at] += step
                values.append((nets.run(x)[1] * slope).sum())
            nets.weights[network, at] += 1e-6
            assert found[network, at] == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-6, abs=1e-8)


def test_steps_are_those_of_adam(rng):
    nets = networks(dtype=np.float64, rate=0.01)
    weights = torch.tensor(nets.weights, requires_grad=True)
    adam = torch.optim.Adam([weights], lr=0.01)
    for _ in range(4):
        trace, z = nets.run(rng.standard_normal((5, 2, 3, 4)))
        weights.grad = torch.from_numpy(nets.gradient(trace, z))
        nets.learn(trace, z)
        adam.step()
    np.testing.assert_allclose(nets.weights, weights.detach().numpy(), rtol=1e-3, atol=1e-6)


def test_outputs_of_all_windows_are_those_of_batches(rng):
    nets = networks()
    x = with_ones(rng.standard_normal((11, 5, 2)))
    found = nets.outputs(1, x, batch=4)
    both = np.stack([x, x]).transpose(2, 0, 3, 1)  # (t, g, d + 1, n)
    np.testing.assert_allclose(found, nets.run(np.ascontiguousarray(both))[1][:, 1].T, rtol=1e-5, atol=1e-6)


def test_a_batch_holds_windows_of_each_set_in_order():
    sets = [[np.full((20, 3, 2), 10.0 * network + which) for which in (1, 2)] for network in range(2)]
    batch = draw(sets, [np.random.default_rng(i) for i in range(2)], 5)
    assert batch.shape == (3, 2, 2, 10)
    assert (batch[:, 0, :, :5] == 1).all()
    assert (batch[:, 1, :, 5:] == 12).all()


def test_no_window_comes_twice_where_there_are_enough():
    x = np.arange(20.0).reshape(20, 1, 1)
    assert len(np.unique(draw([[x]], [np.random.default_rng(0)], 20))) == 20
    assert draw([[x]], [np.random.default_rng(0)], 50).shape == (1, 1, 1, 50)


def test_sigmoid_bears_any_number():
    np.testing.assert_allclose(sigmoid(np.array([-1e9, 0.0, 1.0, 1e9])), [0, 0.5, 1 / (1 + np.exp(-1)), 1])


def test_wide_networks_are_trained_one_by_one():
    assert [at_once(hidden) for hidden in (1, 16, 64, 500)] == [8, 4, 1, 1]
