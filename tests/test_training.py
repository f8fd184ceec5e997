"""The training loop on a model of one number: batches, seeds, stopping, resuming, refusing NaN."""

import numpy as np
import pytest
import torch

from synthfin_core import training
from synthfin_core.errors import TrainingError


class Counter:
    """A model that learns the mean of its windows and writes down which windows it saw."""

    def __init__(self):
        self.module = torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.zeros_(self.module.weight)
        self.adam = torch.optim.Adam(self.module.parameters(), lr=0.1)
        self.seen = []
        self.moments = []

    def step(self, x, moment):
        self.seen.append(x[:, 0, 0].tolist())
        self.moments.append((moment.step, moment.steps, moment.epoch))
        self.adam.zero_grad()
        loss = (self.module.weight + training.normal((1,), moment.noise) - x.mean()).square().mean()
        loss.backward()
        self.adam.step()
        return {"loss": loss.detach()}

    def trainee(self):
        return training.Trainee({"mean": self.module}, {"adam": self.adam}, self.step)


def windows(n=10):
    return torch.arange(n, dtype=torch.float32).view(n, 1, 1)


def train(counter, x, **changes):
    return training.train(counter.trainee(), x, **({"epochs": 3, "batch_size": 4, "seed": 0} | changes))


@pytest.mark.parametrize(("n", "sizes"), [(8, [4, 4]), (9, [4, 5]), (10, [4, 4, 2]), (3, [3])])
def test_an_epoch_visits_every_window_once(n, sizes):
    counter = Counter()
    train(counter, windows(n), epochs=2)
    assert [len(batch) for batch in counter.seen] == sizes * 2
    first, second = counter.seen[: len(sizes)], counter.seen[len(sizes) :]
    for epoch in (first, second):
        assert sorted(i for batch in epoch for i in batch) == list(range(n))
    assert first != second or n == 3


def test_an_epoch_of_a_large_set_takes_other_windows_every_time():
    counter, small = Counter(), Counter()
    done = train(counter, windows(1000), epochs=100, epoch_windows=10)
    assert done.step == 300
    assert [len(batch) for batch in counter.seen[:3]] == [4, 4, 2]
    seen = np.unique([i for batch in counter.seen for i in batch])
    assert len(seen) == pytest.approx(1000 * (1 - 0.99**100), rel=0.05)
    train(small, windows(), epoch_windows=10)
    plain = Counter()
    train(plain, windows())
    assert small.seen == plain.seen


def test_order_depends_on_the_seed_alone():
    counters = [Counter(), Counter(), Counter()]
    for counter, seed in zip(counters, [1, 1, 2], strict=True):
        torch.manual_seed(seed * 100 + id(counter) % 7)
        train(counter, windows(), seed=seed)
    assert counters[0].seen == counters[1].seen
    assert counters[0].seen != counters[2].seen


def test_progress_and_moments_count_right():
    counter, told = Counter(), []
    done = train(counter, windows(), on_step=told.append)
    assert done == training.Trained(9, finished=True)
    assert [(p.step, p.steps, p.epoch, p.epochs) for p in told][::4] == [(1, 9, 1, 3), (5, 9, 2, 3), (9, 9, 3, 3)]
    assert counter.moments[4] == (4, 9, pytest.approx(4 / 3))
    assert set(told[0].losses) == {"loss"}


@pytest.mark.parametrize("stop_after", [0, 1, 4, 8])
def test_stopped_and_resumed_ends_in_the_same_bytes(stop_after):
    whole = Counter()
    train(whole, windows())
    first = Counter()
    done = train(first, windows(), should_stop=lambda: len(first.seen) >= stop_after)
    assert done == training.Trained(stop_after, finished=False)
    arrays = training.pack(first.trainee(), done.step)
    assert all(isinstance(value, np.ndarray) for value in arrays.values())
    second = Counter()
    step = training.unpack(second.trainee(), arrays)
    assert step == stop_after
    train(second, windows(), start_step=step)
    assert torch.equal(whole.module.weight, second.module.weight)
    assert whole.seen[stop_after:] == second.seen


def test_a_checkpoint_is_a_copy():
    counter = Counter()
    train(counter, windows(), epochs=1)
    arrays = training.pack(counter.trainee(), 3)
    before = {name: value.copy() for name, value in arrays.items()}
    train(counter, windows(), epochs=1)
    assert all((arrays[name] == before[name]).all() for name in arrays)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_refuses_a_loss_that_is_no_number(bad):
    trainee = training.Trainee({}, {}, lambda x, moment: {"loss": bad if moment.step == 1 else 0.0})
    with pytest.raises(TrainingError, match=r"stopped at step 2: loss became (nan|inf), expected a finite number"):
        training.train(trainee, windows(), epochs=1, batch_size=4, seed=0)


def test_a_checkpoint_never_holds_weights_that_are_no_numbers():
    module = torch.nn.Linear(2, 1)
    trainee = training.Trainee({"network": module}, {}, lambda batch, moment: {})
    training.pack(trainee, 3)
    module.weight.data[0, 1] = float("nan")
    with pytest.raises(TrainingError, match="diverged by step 4: the weights are no longer finite"):
        training.pack(trainee, 4)


def test_threads_come_back_after_an_error():
    before = torch.get_num_threads()

    def fail():
        with training.threads(before + 1):
            assert torch.get_num_threads() == before + 1
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        fail()
    assert torch.get_num_threads() == before


def test_first_weights_come_from_the_seed_and_leave_the_global_state():
    before = torch.random.get_rng_state()
    made = []
    for seed in (1, 1, 2):
        with training.seeded_weights(seed):
            made.append(torch.nn.Linear(3, 3).weight)
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])
    assert torch.equal(before, torch.random.get_rng_state())


def test_weights_go_out_and_in():
    source, target = torch.nn.Linear(2, 3), torch.nn.Linear(2, 3)
    training.load_weights(target, training.weights(source))
    assert torch.equal(source.weight, target.weight)
