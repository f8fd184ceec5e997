"""The volumes notebook runs from top to bottom without a network, and shows what it says; few epochs are enough."""

import re
from pathlib import Path

import nbformat
import pytest
from notebooks import check_ran_clean, check_stored_light, figures, printed, run

NOTEBOOK = Path(__file__).parents[1] / "examples" / "volumes.ipynb"


@pytest.fixture(scope="module")
def ran():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nobody answers there, so nothing is downloaded
        return run(NOTEBOOK, epochs="epochs = 2")


def numbers(text):
    return [float(found) for found in re.findall(r"-?\d+\.\d+", text)]


def test_it_is_stored_light_with_its_seven_steps():
    check_stored_light(NOTEBOOK)
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    headings = [int(step) for cell in cells for step in re.findall(r"^## Step (\d)", cell.source, re.MULTILINE)]
    assert headings == [1, 2, 3, 4, 5, 6, 7]
    assert sum(cell.source.count("**Wrong: ") for cell in cells) == 6


def test_it_runs_without_complaint_and_without_a_network(ran):
    check_ran_clean(ran)
    assert figures(ran) == 5
    assert "No network, or no answer" in printed(ran, "download")
    assert "no further tickers" in printed(ran, "further")


def test_glued_tickers_make_windows_that_no_market_made(ran):
    assert printed(ran, "crossing").startswith("63 windows cross")
    crossing, others, widest = numbers(printed(ran, "crossing"))
    assert crossing > widest > others
    assert numbers(printed(ran, "pooled"))[0] <= widest


def test_clipping_takes_the_tails_and_a_projection_the_variance(ran):
    real, kurtosis, clipped, left = numbers(printed(ran, "clipped"))
    assert clipped < 0.8 * real
    assert left < 0.1 * kurtosis
    variance, redundant, free = numbers(printed(ran, "projection"))
    assert redundant == pytest.approx(variance / 3, abs=0.03)
    assert free == pytest.approx(variance, abs=0.02)


def test_the_recipes_inverse_is_none(ran):
    recipes, true = numbers(printed(ran, "inverse"))
    assert recipes < 0.5
    assert true == 1.0


def test_flattened_windows_let_noise_pass_and_windows_by_themselves_do_not(ran):
    flattened, within = numbers(printed(ran, "pretenders"))[:2]
    assert flattened < 0.1
    assert within > 0.4


def test_the_model_draws_new_levels_and_swings_like_the_real_ones(ran):
    assert printed(ran, "levels").startswith("0%")
    gap, correlation, swings, levels = numbers(printed(ran, "validation").splitlines()[1])
    assert gap < 0.1
    assert correlation > 0.97
    assert swings < 0.2
    assert levels < 0.1


def test_few_steps_and_temperatures(ran):
    (full, *_, slow), (few, *_, quick) = (numbers(line) for line in printed(ran, "samplers").splitlines())
    assert few == pytest.approx(full, rel=0.1)
    assert quick < slow / 5
    cold, _, one, real, hot, _ = numbers(re.sub(r"temperature \d\.\d", "", printed(ran, "temperature")))
    assert cold < one < hot
    assert one == pytest.approx(real, rel=0.2)


def test_a_ticker_left_out_is_about_as_far_as_its_neighbour(ran):
    _, _, synthetic, real = printed(ran, "left out").splitlines()
    assert numbers(synthetic)[0] < 0.12
    assert numbers(real)[0] < 0.12
