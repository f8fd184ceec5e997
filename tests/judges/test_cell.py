"""The cell is TensorFlow 1's, proved by a plain loop; its gradient is torch's."""

import numpy as np
import pytest
import torch

from synthfin_core.judges.cell import Cells, backward, forward, initial_cells

T, G, D, B = 7, 3, 2, 4


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def streams(count=G):
    return [np.random.default_rng(i) for i in range(count)]


def cells_of(hidden, random_bias=False):
    cells = initial_cells(D, hidden, streams())
    if random_bias:
        cells.inputs[:, :, D] = np.random.default_rng(9).normal(size=cells.inputs.shape[:2])
    return cells


def batch_of(rng):
    x = rng.standard_normal((T, G, D + 1, B))
    x[:, :, D] = 1
    return x


def by_the_equations(cells, x, cell, window):
    """GRUCell.call of TensorFlow 1.15, one window and one number at a time; kernels act on inputs and state joined."""
    h = cells.candidate.shape[1]
    kernel = np.concatenate([cells.inputs[cell, : 2 * h, :D], cells.gates[cell]], axis=1).T  # (d + h, 2 h)
    candidate = np.concatenate([cells.inputs[cell, 2 * h :, :D], cells.candidate[cell]], axis=1).T
    bias, state, states = cells.inputs[cell, :, D], np.zeros(h), []
    for row in x[:, cell, :D, window]:
        value = 1 / (1 + np.exp(-(np.concatenate([row, state]) @ kernel + bias[: 2 * h])))
        r, u = np.split(value, 2)
        c = np.tanh(np.concatenate([row, r * state]) @ candidate + bias[2 * h :])
        state = u * state + (1 - u) * c
        states.append(state)
    return np.array(states)


@pytest.mark.parametrize("hidden", [1, 2, 5])
def test_states_follow_tensorflows_equations(rng, hidden):
    cells, x = cells_of(hidden, random_bias=True), batch_of(rng)
    state = forward(cells, x).state
    for cell in range(G):
        for window in range(B):
            expected = by_the_equations(cells, x, cell, window)
            np.testing.assert_allclose(state[1:, :, cell, window], expected, rtol=1e-12, atol=1e-14)


def torch_gru(cells, x, cell):
    """torch's own GRU with the same weights; its update gate has the same sense, its rows are r, z, n."""
    h = cells.candidate.shape[1]
    gru = torch.nn.GRU(D, h, dtype=torch.float64)
    with torch.no_grad():
        gru.weight_ih_l0[:] = torch.from_numpy(cells.inputs[cell, :, :D])
        gru.bias_ih_l0[:] = torch.from_numpy(cells.inputs[cell, :, D])
        gru.weight_hh_l0[:] = torch.from_numpy(np.concatenate([cells.gates[cell], cells.candidate[cell]]))
        gru.bias_hh_l0[:] = 0
        return gru(torch.from_numpy(x[:, cell, :D].swapaxes(1, 2).copy()))[0].numpy()


def test_it_differs_from_torchs_cell_by_the_reset_gate_alone(rng):
    cells, x = cells_of(4), batch_of(rng)
    ours = forward(cells, x).state[1:, :, 0].swapaxes(1, 2)
    assert np.abs(ours - torch_gru(cells, x, 0)).max() > 1e-3
    np.testing.assert_allclose(ours[0], torch_gru(cells, x, 0)[0], rtol=1e-12)  # there is no state to reset yet
    cells.inputs[:, :4, D] = 50  # nothing is reset, so before or after is the same
    ours = forward(cells, x).state[1:, :, 0].swapaxes(1, 2)
    np.testing.assert_allclose(ours, torch_gru(cells, x, 0), rtol=1e-12)


def test_initial_weights_are_tensorflows():
    hidden, d = 30, 20
    cells = initial_cells(d, hidden, streams(1))
    assert (cells.inputs[0, : 2 * hidden, d] == 1).all()
    assert (cells.inputs[0, 2 * hidden :, d] == 0).all()
    for rows, parts in (
        (2 * hidden, (cells.inputs[0, : 2 * hidden, :d], cells.gates[0])),
        (hidden, (cells.inputs[0, 2 * hidden :, :d], cells.candidate[0])),
    ):
        limit = (6 / (d + hidden + rows)) ** 0.5
        values = np.concatenate([part.ravel() for part in parts])
        assert 0.98 * limit < np.abs(values).max() <= limit
        assert values.std() == pytest.approx(limit / 3**0.5, rel=0.05)


@pytest.mark.parametrize("hidden", [1, 2, 5])
@pytest.mark.parametrize("read", [1, 3, T])
def test_gradient_is_that_of_torch(rng, hidden, read):
    cells, x = cells_of(hidden, random_bias=True), batch_of(rng)
    slope = rng.standard_normal((read, hidden, G, B))
    found = backward(cells, forward(cells, x), slope)

    leaves = Cells(*(torch.tensor(each, requires_grad=True) for each in cells))
    state, states = torch.zeros(G, hidden, B, dtype=torch.float64), []
    for row in torch.from_numpy(x):
        summed = leaves.inputs @ row
        r, u = torch.sigmoid(summed[:, : 2 * hidden] + leaves.gates @ state).split(hidden, dim=1)
        c = torch.tanh(summed[:, 2 * hidden :] + leaves.candidate @ (r * state))
        state = u * state + (1 - u) * c
        states.append(state)
    (torch.stack(states[-read:]) * torch.from_numpy(slope).transpose(1, 2)).sum().backward()
    for ours, leaf in zip(found, leaves, strict=True):
        np.testing.assert_allclose(ours, leaf.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_cells_do_not_see_each_other(rng):
    cells, x = cells_of(2), batch_of(rng)
    together = forward(cells, x)
    slope = rng.standard_normal((1, 2, G, B))
    gradient = backward(cells, together, slope)
    one = Cells(*(each[1:2] for each in cells))
    alone = forward(one, np.ascontiguousarray(x[:, 1:2]))
    np.testing.assert_allclose(alone.state[:, :, 0], together.state[:, :, 1], rtol=1e-13)
    for mine, all_of_them in zip(backward(one, alone, slope[:, :, 1:2]), gradient, strict=True):
        np.testing.assert_allclose(mine[0], all_of_them[1], rtol=1e-10, atol=1e-14)


def test_memory_used_again_changes_nothing(rng):
    cells = cells_of(2)
    slope = rng.standard_normal((1, 2, G, B))
    first = forward(cells, batch_of(rng))
    backward(cells, first, slope)
    x = batch_of(rng)
    fresh, again = forward(cells, x), forward(cells, x, first)
    assert again.state is first.state
    assert (again.state == fresh.state).all()
    for mine, other in zip(backward(cells, again, slope), backward(cells, fresh, slope), strict=True):
        assert (mine == other).all()
