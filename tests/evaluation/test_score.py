import json
import math
import time

import numpy as np
import pandas as pd
import pytest

from synthfin_core.data.panel import Panel
from synthfin_core.data.windows import make_windows
from synthfin_core.errors import DataError, SettingError
from synthfin_core.evaluation import GROUPS, METRICS, evaluate, metric
from synthfin_core.evaluation.dataset import DataSet, Frame, Pair
from synthfin_core.evaluation.score import MOST_WINDOWS
from synthfin_core.evaluation.scoring import score_pairs
from synthfin_core.rng import stream

SCORED = [name for name, each in METRICS.items() if each.better != "none"]


def returns(seed, *shape):
    """Skewed, heavy-tailed, correlated and with calm and wild windows."""
    rng = stream(seed, "returns")
    x = rng.standard_t(5, shape) + 0.3 * rng.exponential(1, shape)
    x[..., 1:] += 0.8 * x[..., :1]
    return x * 0.01 * np.exp(0.5 * rng.standard_normal((shape[0],) + (1,) * (len(shape) - 1)))


def panel(rows=700, seed=0, columns=("A", "B")):
    rng = stream(seed, "panel")
    bars = rng.standard_t(5, (rows, len(columns))) * 0.01 * np.exp(np.sin(np.arange(rows) / 40))[:, None]
    frame = pd.DataFrame(bars, index=pd.bdate_range("2015-01-01", periods=rows), columns=list(columns))
    return Panel(frame, dict.fromkeys(columns, "return"), "test")


@pytest.fixture(scope="module")
def windows():
    return make_windows(panel(), length=20, holdout=0.3)


# What every score must do.


@pytest.mark.parametrize("name", SCORED)
def test_identical_data_are_perfect(name):
    x = returns(0, 60, 20, 2)
    perfect = {"lower": 0.0, "one": 1.0}[METRICS[name].better] if name != "copied_share" else 1.0
    np.testing.assert_allclose(METRICS[name](x, x.copy()), perfect, atol=1e-9)


@pytest.mark.parametrize("name", list(METRICS))
def test_order_of_windows_does_not_matter(name):
    real, synthetic = returns(0, 60, 20, 2), returns(1, 50, 20, 2)
    shuffled = METRICS[name](stream(2, "order").permutation(real), stream(3, "order").permutation(synthetic))
    np.testing.assert_allclose(METRICS[name](real, synthetic), shuffled, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in SCORED if name not in ("mean_difference", "copied_share")])
def test_noise_makes_it_worse(name):
    real = returns(0, 300, 20, 2)
    noise = stream(4, "noise").standard_normal(real.shape) * real.std(axis=(0, 1))
    scores = np.array([METRICS[name](real, real + size * noise) for size in (0.3, 1.0, 3.0)])
    assert (np.diff(scores, axis=0) > 0).all()  # the spread ratio begins at one and grows


@pytest.mark.parametrize("name", list(METRICS))
def test_inputs_are_left_as_found(name):
    real, synthetic = returns(0, 20, 12, 2), returns(1, 20, 12, 2)
    real.setflags(write=False)
    synthetic.setflags(write=False)
    METRICS[name](real, synthetic)


@pytest.mark.parametrize("each", METRICS.values(), ids=list(METRICS))
def test_every_score_says_what_it_is(each):
    assert each.title
    assert each.help.endswith((".", "verdict."))
    assert each.function.__doc__
    assert each.group in GROUPS


# The report.


def test_value_and_reference_are_the_scores_against_training(windows):
    synthetic = returns(1, 80, 20, 2)
    table = evaluate(windows, synthetic).table()
    assert list(table.columns) == ["data", "score", "title", "group", "series", "value", "reference", "better", "unit"]
    for name in METRICS:
        rows = table[table["score"] == name]
        value = np.atleast_1d(METRICS[name](windows.train.x, synthetic))
        reference = np.atleast_1d(METRICS[name](windows.train.x, windows.holdout.x))
        np.testing.assert_allclose(rows["value"], value)
        np.testing.assert_allclose(rows["reference"], reference)
    assert set(table["series"]) == {"A", "B", "all"}


def test_chosen_scores_only_and_in_that_order(windows):
    table = evaluate(windows, returns(1, 30, 20, 2), scores=["wasserstein", "spread_ratio"]).table()
    assert list(dict.fromkeys(table["score"])) == ["wasserstein", "spread_ratio"]


def test_several_data_sets_stand_side_by_side(windows):
    runs = {"calm": returns(1, 30, 20, 2) * 0.1, "wild": returns(2, 30, 20, 2) * 10}
    report = evaluate(windows, runs, scores=["spread_ratio", "correlation_distance"])
    beside = report.side_by_side()
    assert list(beside.columns) == ["score", "title", "series", "calm", "wild", "reference"]
    spread = beside[beside["score"] == "spread_ratio"]
    assert (spread["calm"] < 1).all()
    assert (spread["wild"] > 1).all()
    assert list(dict.fromkeys(report.moments["data"])) == ["real training", "real hold-out", "calm", "wild"]


def test_a_data_set_may_have_any_name(windows):
    x = returns(1, 30, 20, 2)
    report = evaluate(windows, {"score": x, "<script>": x}, scores=["spread_ratio"])
    assert list(report.side_by_side().columns) == ["score", "title", "series", "score", "<script>", "reference"]
    assert "<script>" not in report._repr_html_()
    assert "&lt;script&gt;" in report._repr_html_()


def test_report_is_json_and_reads_well(windows):
    report = evaluate(windows, {"run": returns(1, 30, 20, 2)})
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert len(plain["rows"]) == len(report.rows)
    assert plain["rows"][0]["data"] == "run"
    judged = [row for row in report.rows if METRICS[row.score].better != "none"]
    within = sum(bool(row.within) for row in judged)
    assert f"run: {within} of {len(judged)} scores are as close" in report.summary
    assert "Wasserstein distance" in repr(report)


def test_within_compares_with_the_reference_by_direction(windows):
    report = evaluate(windows, windows.train.x[::-1], scores=["spread_ratio", "ks_statistic", "kurtosis_ratio"])
    assert [row.within for row in report.rows] == [True, True, True, True, None, None]
    far = evaluate(windows, 5 + windows.train.x, scores=["spread_ratio", "ks_statistic"])
    assert [row.within for row in far.rows] == [True, True, False, False]
    small = evaluate(windows, windows.train.x / 10, scores=["spread_ratio"])
    assert [row.within for row in small.rows] == [False, False]


def test_many_windows_are_sampled_and_the_report_says_so():
    windows = make_windows(panel(4000), length=10, holdout=0.2)
    synthetic = returns(1, 3000, 10, 2)
    first, again = evaluate(windows, synthetic), evaluate(windows, synthetic)
    other = evaluate(windows, synthetic, seed=1)
    pd.testing.assert_frame_equal(first.table(), again.table())
    assert not first.table().equals(other.table())
    assert any(f"Of synthetic, {MOST_WINDOWS:,} of 3,000 windows were scored" in note for note in first.notes)
    assert any(f"Of real training, {MOST_WINDOWS:,} of" in note for note in first.notes)


def test_copies_are_sought_in_all_training_windows():
    windows = make_windows(panel(4000), length=10, holdout=0.2)
    report = evaluate(windows, windows.train.x[:2000], scores=["copied_share"])
    assert report.rows[0].value == 1.0
    assert report.rows[0].reference == 0.0


def test_five_runs_are_scored_within_seconds():
    windows = make_windows(panel(3500), length=60)
    runs = {f"run {i}": returns(i, 2500, 60, 2) for i in range(5)}
    begin = time.process_time()
    evaluate(windows, runs)
    assert time.process_time() - begin < 10  # about 2 on an idle core


# Wrong input.


def test_what_cannot_be_computed_is_left_out_by_name(windows):
    flat = returns(1, 30, 20, 2)
    flat[:, :, 1] = 0.1
    report = evaluate(windows, flat)
    assert set(report.left_out) == {
        "skewness_difference",
        "kurtosis_ratio",
        "acf_distance",
        "acf_abs_distance",
        "correlation_distance",
    }
    assert all(why == "the synthetic series B is constant" for why in report.left_out.values())
    assert {row.score for row in report.rows} == set(METRICS) - set(report.left_out)
    assert all(math.isfinite(row.value) for row in report.rows)
    assert "Correlation distance was left out: the synthetic series B is constant" in report._repr_html_()


def test_only_the_collapsed_run_is_left_out(windows):
    report = evaluate(windows, {"good": returns(1, 30, 20, 2), "flat": np.full((30, 20, 2), 0.01)}, ["acf_distance"])
    assert report.left_out == {"acf_distance": "flat: the synthetic series A is constant"}
    assert [row.data for row in report.rows] == ["good", "good"]
    assert report.side_by_side()["good"].notna().all()


def test_one_series_has_no_correlation():
    windows = make_windows(panel(columns=("A",)), length=20)
    report = evaluate(windows, returns(1, 30, 20, 1))
    assert report.left_out == {"correlation_distance": "it needs at least 2 series, and there is one"}


@pytest.mark.parametrize("n", [1, 3])
def test_few_windows_leave_all_out_but_copies(windows, n):
    report = evaluate(windows, returns(1, n, 20, 2))
    assert set(report.left_out) == set(METRICS) - {"copied_share"}
    assert all(f"needs at least 8 windows on each side, and there are {n}" in why for why in report.left_out.values())


def test_no_holdout_means_no_reference(windows):
    whole = make_windows(panel(), length=20, holdout=0.0)
    report = evaluate(whole, returns(1, 30, 20, 2))
    assert all(math.isnan(row.reference) and row.within is None for row in report.rows)
    assert any("no hold-out windows" in note for note in report.notes)
    assert "no real hold-out to read the scores against" in report.summary


def test_undefined_numbers_are_named():
    thin = stream(0, "thin").uniform(-1, 1, (40, 10, 1))
    heavy = returns(0, 40, 10, 1)
    real = np.concatenate([thin, heavy], axis=2)
    frame = Frame(("thin", "heavy"), ("return", "return"))
    (scores,) = score_pairs([METRICS["kurtosis_ratio"]], [Pair(DataSet(real), DataSet(real))], frame)
    assert scores.missing == {"kurtosis_ratio": "it is not defined for thin"}
    assert scores.found == {("kurtosis_ratio", "heavy"): pytest.approx(1.0)}


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros((30, 20, 3)), "synthetic has 3 series, the real data have 2"),
        (np.zeros((30, 19, 2)), "synthetic has 19 steps a window, the real data have 20"),
        (np.zeros((30, 40)), r"synthetic has shape \(30, 40\), expected \(windows, time, series\)"),
        (np.zeros((0, 20, 2)), "at least one of each"),
        (np.full((30, 20, 2), np.nan), "synthetic holds 1200 values that are missing or infinite"),
        ([["a", "b"]], "synthetic came as list, expected numbers"),
        ({}, "No synthetic data came"),
        ({"my run": np.zeros((30, 20, 3))}, "my run has 3 series"),
    ],
)
def test_data_that_do_not_fit_are_refused(windows, samples, words):
    with pytest.raises(DataError, match=words):
        evaluate(windows, samples)


def test_other_series_and_units_are_refused(windows):
    class Named:
        x = returns(1, 30, 20, 2)
        names = ("A", "C")
        units = ("return", "return")

    with pytest.raises(DataError, match="synthetic has the names A, C, the real data have A, B"):
        evaluate(windows, Named())
    Named.names, Named.units = ("A", "B"), ("level", "level")
    with pytest.raises(DataError, match="the units level, level, the real data have return, return"):
        evaluate(windows, Named())
    Named.units = windows.units
    assert evaluate(windows, Named(), ["ks_statistic"]).rows


def test_unknown_score_is_refused(windows):
    with pytest.raises(SettingError, match="No score is called 'beauty'; there are mean_difference, "):
        evaluate(windows, returns(1, 30, 20, 2), scores=["beauty"])


def test_a_new_score_is_one_decorated_function(windows):
    @metric(name="largest", title="Largest move", group="one series", better="none", help="The largest move.")
    def largest(real, synthetic):
        return np.abs(synthetic).max(axis=(0, 1))

    try:
        rows = evaluate(windows, np.ones((30, 20, 2)), scores=["largest"]).rows
    finally:
        METRICS.pop("largest")
    assert [(row.series, row.value) for row in rows] == [("A", 1.0), ("B", 1.0)]
