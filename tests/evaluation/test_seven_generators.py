"""The scorecard tells good from bad: seven ways to make up the S&P 500, and the verdict that each deserves.

Every second window of 60 days is scored, with windows drawn in the same number for each generator.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import synthfin_core as sf
from benchmarks.verdicts import BOOTSTRAP, COPIER, DRAWN, EGARCH, GAUSSIAN, MEAN, REVERSED, SHUFFLED, made_up
from synthfin_core.data.panel import Panel
from synthfin_core.evaluation import METRICS, evaluate, floors, measure_floors
from synthfin_core.evaluation.baselines import ORACLE, fitted_baseline
from synthfin_core.evaluation.verdict import CLOSE, COPIES, FAR, NEAR, WITHIN

LENGTH, STRIDE = 60, 2

MEMORY = ("acf_abs_distance", "acf_square_distance")
DIRECTION = ("leverage_distance", "coarse_fine_distance", "gain_loss_distance")
MARGINAL = ("mean_difference", "spread_ratio", "skewness_difference", "ks_statistic", "wasserstein")


@pytest.fixture(scope="module")
def report():
    windows = sf.make_windows(sf.load("sp500"), length=LENGTH, stride=STRIDE)
    return evaluate(windows, made_up(windows), floors=measure_floors(windows, "quick", DRAWN))


@pytest.fixture(scope="module")
def words(report):
    """The verdict on each number, by data set and score; empty where there is none."""
    table = report.table()
    return {
        data: {row.score: row.verdict for row in table[table.data == data].itertuples() if row.better != "none"}
        for data in report.data
    }


def test_an_independent_gaussian_has_neither_tails_nor_memory(report, words):
    found, verdict = words[GAUSSIAN], report.verdict(GAUSSIAN)
    assert [found[score] for score in (*MEMORY, "tail_index_left", "tail_index_right")] == [FAR] * 4
    assert found["ks_statistic"] == FAR
    assert found["expected_shortfall_1"] != WITHIN
    assert found["volatility_forecast"] == FAR
    assert verdict.word == FAR
    assert (verdict.groups["time"], verdict.flags) == (FAR, ())
    assert verdict.groups["tails"] in (NEAR, FAR)


@pytest.mark.parametrize("data", [BOOTSTRAP, SHUFFLED])
def test_bars_in_disorder_have_the_right_values_and_no_memory(report, words, data):
    found, verdict = words[data], report.verdict(data)
    assert [found[score] for score in MARGINAL] == [WITHIN] * len(MARGINAL)
    assert [found[score] for score in MEMORY] == [FAR, FAR]
    assert found["volatility_forecast"] == FAR
    assert found["drawdown_distance"] != WITHIN
    assert verdict.word == FAR
    assert verdict.groups["time"] == FAR
    assert verdict.groups["tails"] == WITHIN
    assert verdict.flags == ()


def test_reversed_time_shows_in_what_has_a_direction_and_nowhere_else_in_time(report, words):
    found, verdict = words[REVERSED], report.verdict(REVERSED)
    assert [found[score] for score in (*MARGINAL, "acf_distance", *MEMORY)] == [WITHIN] * 8
    assert all(found[score] != WITHIN for score in DIRECTION)
    assert verdict.groups["time"] == NEAR
    assert verdict.word != WITHIN
    assert verdict.flags == (CLOSE,)


def test_a_copier_is_flagged(report, words):
    found, verdict = words[COPIER], report.verdict(COPIER)
    alarms = [name for name, each in METRICS.items() if each.alarm and found.get(name) == FAR]
    assert alarms == ["near_copied_share", "closest_record", "neighbour_ratio", "membership"]
    assert verdict.word == COPIES
    assert verdict.flags == (COPIES, CLOSE)
    assert [verdict.groups[group] for group in ("one series", "time", "tails", "judges")] == [WITHIN] * 4
    assert "copies the training data" in verdict.sentence


def test_a_mean_printer_is_far_in_everything(report):
    verdict = report.verdict(MEAN)
    assert verdict.word == FAR
    assert set(verdict.groups.values()) == {FAR}
    assert verdict.missing > 0
    assert verdict.within < verdict.judged / 4
    assert "the synthetic series S&P 500 is constant" in report.left_out["acf_distance"]


def test_a_true_model_is_within_nine_tenths_of_its_floors(report):
    verdict = report.verdict(EGARCH)
    assert verdict.within >= 0.9 * verdict.judged
    assert verdict.word == WITHIN
    assert verdict.flags == ()
    assert [verdict.groups[group] for group in ("one series", "time", "tails", "utility")] == [WITHIN] * 4


def test_only_the_copier_is_called_one(report):
    assert [data for data in report.data if COPIES in report.verdict(data).flags] == [COPIER]


def test_the_order_of_models(report):
    """Who copies, or turns round, is realistic all the same; of the honest ones the true model leads."""
    order = list(report.ranking()["model"])
    honest = [data for data in order if data not in (COPIER, REVERSED)]
    assert honest[0] == EGARCH
    assert honest[-1] == MEAN


def test_draws_of_a_process_are_within_the_floors_that_its_own_history_sets(monkeypatch):
    """Real data that are themselves a path of the process: draws of it are perfect samples, and nothing else is wrong.

    Numbers of one history move together, so the share is taken over three of them, of every tenth window.
    """
    monkeypatch.setattr(floors, "REFITS", 2)
    market = sf.load("sp500")
    process = fitted_baseline(ORACLE, sf.make_windows(market, length=LENGTH, stride=10)).processes[0]
    verdicts = []
    for seed in range(3):
        bars = process.simulate(len(market.frame), 1, seed)[0]
        history = Panel(pd.DataFrame(bars, market.frame.index, ["index"]), {"index": "return"}, "a path")
        windows = sf.make_windows(history, length=LENGTH, stride=10)
        drawn = process.simulate(LENGTH, len(windows.train), seed + 100)
        verdicts.append(evaluate(windows, drawn, floors=True).verdict())
    assert np.mean([verdict.within / verdict.judged for verdict in verdicts]) >= 0.85
    assert FAR not in [verdict.word for verdict in verdicts]
    assert not any(verdict.flags for verdict in verdicts)
