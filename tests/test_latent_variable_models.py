"""The notebook on latent variable models runs as it is stored and shows what it says."""

import re
from pathlib import Path

import pytest
from notebooks import check_ran_clean, check_stored_light, figures, printed, run

NOTEBOOK = Path(__file__).parents[1] / "examples" / "latent_variable_models.ipynb"


@pytest.fixture(scope="module")
def ran():
    return run(NOTEBOOK)


def numbers(text):
    return [float(found) for found in re.findall(r"-?\d+(?:\.\d+)?", text)]


def test_it_is_stored_light_and_runs_without_complaint(ran):
    check_stored_light(NOTEBOOK)
    check_ran_clean(ran)
    assert figures(ran) == 7


def test_equal_noise_misleads_neither_model_and_unequal_noise_probabilistic_pca(ran):
    assert numbers(printed(ran, "equal")) == [10, 10]
    by_equal, by_unequal = numbers(printed(ran, "unequal"))
    assert by_unequal == 10 < 20 <= by_equal


def test_missing_values_cost_little_and_guessing_them_more(ran):
    whole, missing, filled = map(float, re.findall(r"covariance (0\.\d+)", printed(ran, "missing")))
    assert whole < missing < 1.3 * whole < filled


def test_one_factor_moves_the_technology_shares(ran):
    text = printed(ran, "parts")
    assert text.startswith("1 factor is likeliest")
    assert all(25 < float(share) < 85 for share in re.findall(r"(\d+)% of the variance", text))


def test_several_components_are_likelier_than_one(ran):
    one, two, four = map(float, re.findall(r": +(-?\d+\.\d)", printed(ran, "mixture")))
    assert one + 5 < two < four


def test_regimes_of_a_hidden_markov_model_last(ran):
    mixture, hmm = (float(found) for found in re.findall(r"(\d+\.\d) changes a year", printed(ran, "regimes")))
    assert mixture > 5 * hmm
    criteria = {
        name: float(bic.replace(",", "")) for name, bic in re.findall(r"(\S+): .*BIC +([\d,]+)", printed(ran, "bic"))
    }
    assert criteria["Student-t"] < criteria["Gaussian"] < criteria["mixture"] - 500


def test_the_bound_rises_with_the_draws(ran):
    elbo, ten, hundred = map(float, re.findall(r": +(-?\d+\.\d+) nats", printed(ran, "bound")))
    assert elbo < ten < hundred
