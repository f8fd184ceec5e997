"""Wild windows are shown oftener and drawn as seldom as they are."""

import numpy as np
import pytest

from synthfin_core.generators.emphasis import MOST, Emphasis


def spread(x):
    return x.std(axis=(1, 2))


@pytest.fixture(scope="module")
def x():
    """One window in a hundred swings five times as far."""
    random = np.random.default_rng(0)
    return random.standard_normal((4000, 8, 1)) * np.where(random.random((4000, 1, 1)) < 0.01, 5.0, 1.0)


def test_a_window_is_shown_as_often_as_its_weight_says(x):
    emphasis = Emphasis.of(x, spread)
    weights = np.maximum(1.0, spread(x) / np.sqrt((spread(x) ** 2).mean()))
    rows = emphasis.shown(x, np.random.default_rng(1))
    assert len(rows) == len(x)
    shown = np.bincount(rows, minlength=len(x))
    expected = weights * len(x) / weights.sum()
    assert (np.abs(shown - expected) < 1).all()


def test_what_is_kept_of_what_was_shown_has_the_law_of_all(x):
    emphasis = Emphasis.of(x, spread)
    shown = x[emphasis.shown(x, np.random.default_rng(1))]
    kept = shown[emphasis.kept(shown, np.random.default_rng(2))]
    wild = [(spread(each) > 3).mean() for each in (x, shown, kept)]
    assert wild[1] > 2.5 * wild[0]
    assert wild[2] == pytest.approx(wild[0], rel=0.25)
    np.testing.assert_allclose(
        np.quantile(spread(kept), [0.1, 0.5, 0.9]), np.quantile(spread(x), [0.1, 0.5, 0.9]), rtol=0.03
    )


def test_windows_that_explode_are_kept_now_and_then_and_those_without_numbers_always(x):
    emphasis = Emphasis.of(x, spread)
    assert emphasis.kept(1e9 * x, np.random.default_rng(0)).mean() == pytest.approx(1 / MOST, rel=0.2)
    with np.errstate(invalid="ignore"):
        assert emphasis.kept(np.full_like(x, np.nan), np.random.default_rng(0)).all()


def test_the_first_windows_do_not_depend_on_how_many_are_asked_for(x):
    emphasis = Emphasis.of(x, spread)

    def drawn(n):
        return emphasis.thinned(n, iter(np.split(x, 40)), np.random.default_rng(3))

    assert len(drawn(350)) == 350
    np.testing.assert_array_equal(drawn(350)[:20], drawn(20))
