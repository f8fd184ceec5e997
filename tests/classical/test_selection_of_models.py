"""How many factors, components and states: the chapter's figures on simulated data, in small."""

from __future__ import annotations

import numpy as np
import pytest

from synthfin_core.classical.factor import FactorModel
from synthfin_core.classical.hmm import HMM
from synthfin_core.classical.selection import (
    choose_components,
    choose_factors,
    choose_states,
    contiguous_folds,
    rows_to_fit,
)
from synthfin_core.errors import SettingError


def low_rank(noise: np.ndarray, rank: int = 3, n: int = 500) -> np.ndarray:
    """Rows of low rank in as many dimensions as there are noises."""
    loadings = np.random.default_rng(0).standard_normal((len(noise), rank))
    return FactorModel(np.zeros(len(noise)), loadings, noise).draw(n, seed=1)


COUNTS = (0, 1, 2, 3, 4, 6, 8)


def test_with_equal_noise_both_find_the_rank():
    choice = choose_factors(low_rank(np.full(20, 1.0)), COUNTS)
    assert choice.best_equal == 3
    assert choice.best_unequal == 3
    assert (choice.equal.mean(axis=1)[3] > choice.ledoit_wolf).mean() > 0.5


def test_with_unequal_noise_factor_analysis_alone_finds_the_rank():
    noise = np.random.default_rng(5).uniform(0.1, 6.0, 20)
    choice = choose_factors(low_rank(noise), COUNTS)
    assert choice.best_unequal == 3
    assert choice.best_equal > 3
    assert choice.unequal.mean(axis=1).max() > choice.equal.mean(axis=1).max() + 1


def test_scores_are_those_of_fits_by_hand():
    rows, told = low_rank(np.full(6, 1.0), rank=2, n=120), []
    choice = choose_factors(rows, (2,), folds=3, on_fit=lambda done, fits: told.append((done, fits)))
    held = np.arange(40, 80)
    train = np.delete(rows, held, axis=0)
    model = FactorModel.fit(train, 2, tolerance=1e-4)
    assert choice.unequal[0, 1] == pytest.approx(model.log_likelihood(rows[held]).mean())
    from sklearn.covariance import LedoitWolf

    assert choice.ledoit_wolf[1] == pytest.approx(LedoitWolf().fit(train).score(rows[held]), rel=1e-9)
    assert told == [(done, 6) for done in range(1, 7)]


def test_values_may_be_missing():
    rows = low_rank(np.full(8, 1.0), rank=2, n=300)
    rows[np.random.default_rng(0).random(rows.shape) < 0.1] = np.nan
    choice = choose_factors(rows, (0, 2), folds=3)
    assert choice.best_unequal == choice.best_equal == 2
    assert choice.ledoit_wolf is None


def test_folds_are_contiguous_and_cover_all_rows():
    folds = list(contiguous_folds(11, 3))
    assert [held.tolist() for _, held in folds] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]
    assert all(sorted([*train, *held]) == list(range(11)) for train, held in folds)
    with pytest.raises(SettingError, match="1 folds were asked for, expected 2 to 5 for 11 rows"):
        next(contiguous_folds(11, 1))


NOISE = np.random.default_rng(0).standard_normal((100, 2))


@pytest.mark.parametrize(
    ("choose", "words"),
    [
        (lambda told: choose_factors(NOISE, (0, 2), on_fit=told), "2 factors .* for rows of 2 numbers, .* at most 1"),
        (
            lambda told: choose_factors(NOISE.reshape(10, 20), (1, 8), folds=3, on_fit=told),
            "8 factors are too many for 6 rows of 20 numbers, expected at most 5: .* a longer history",
        ),
        (lambda told: choose_factors(NOISE, (-1, 1), on_fit=told), r"compare are \[-1, 1\], .* at least 0"),
        (
            lambda told: choose_components(NOISE, (1, 4), on_fit=told),
            "4 components are too many for 100 rows, expected at most 3 of at least 30 rows each",
        ),
        (lambda told: choose_components(NOISE.reshape(5, 40), (1,), on_fit=told), "at most 0 of at least 41 rows"),
        (lambda told: choose_components(NOISE, (), on_fit=told), r"compare are \[\], expected one or more"),
        (
            lambda told: choose_states([NOISE[:40], NOISE[40:]], (4, 1), on_fit=told),
            "4 states are too many for 100 bars, expected at most 3 of at least 30 bars each",
        ),
    ],
)
def test_more_than_the_data_bear_is_refused_before_anything_is_fitted(choose, words):
    told = []
    with pytest.raises(SettingError, match=words):
        choose(lambda *at: told.append(at))
    assert told == []


@pytest.mark.parametrize(("n", "folds"), [(11, 3), (40, 2), (100, 7)])
def test_rows_to_fit_are_those_of_the_smallest_fold(n, folds):
    assert rows_to_fit(n, folds) == min(len(train) for train, _ in contiguous_folds(n, folds))


def test_as_many_as_the_data_bear_are_fitted():
    assert choose_components(NOISE, (3,), restarts=1).best == 3
    assert choose_states([NOISE], (3,), "gaussian", restarts=1).best == 3
    assert choose_factors(NOISE.reshape(10, 20), (5,), folds=3).best_equal == 5


def test_the_criterion_counts_components_and_states():
    scatters = np.array([0.3, 6.0])[:, None, None]
    chain = HMM(np.full(2, 0.5), np.array([[0.97, 0.03], [0.05, 0.95]]), np.zeros((2, 1)), scatters, np.full(2, np.inf))
    path = chain.simulate(1500, 1, seed=0)[0]
    told = []
    states = choose_states([path], (1, 2, 3), "gaussian", restarts=3, on_fit=lambda *at: told.append(at))
    assert states.best == 2
    assert states.bic[1] == pytest.approx(states.model(2).bic([path]))
    assert told == [(1, 3), (2, 3), (3, 3)]
    components = choose_components(path, (1, 2, 3))
    assert components.best == 2
    assert components.model(2).shares.shape == (2,)
    assert states.bic.min() < components.bic.min()  # it knows that regimes last
