import json
import math

import numpy as np
import pytest

from benchmarks import quality, quality_literature, quality_returns, quality_robustness, quality_volumes
from benchmarks.generators_speed import training_speed
from benchmarks.quality_table import Bar, Record, Records, across, at_least, at_most, cell, middle, statements, table
from synthfin_core.evaluation import METRICS


def record(model, seed=0, part="returns", data="returns", error="", **numbers):
    return Record(part, data, model, seed, dict(numbers), {}, error)


def column(text, row, place):
    """A cell of the Markdown table in `text`."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    (found,) = [cells[place] for cells in lines if cells[0] == row]
    return found


def test_bars_include_their_ends_and_refuse_what_is_no_number():
    assert at_most(0.02).passed(0.02)
    assert not at_most(0.02).passed(0.0201)
    assert at_least(0.99).passed(0.99)
    assert not Bar(-0.05, 0.05).passed(-0.06)
    assert not at_most(1.0).passed(math.nan)
    assert [str(bar) for bar in (at_most(0.02), at_least(3), Bar(0.9, 1.1), Bar())] == [
        "at most 0.02", "at least 3", "0.9 to 1.1", ""
    ]  # fmt: skip


def test_the_median_over_seeds_counts_a_missing_number_against_the_model():
    assert middle([3.0, 1.0, 2.0]) == 2.0
    assert middle([3.0, math.nan, 2.0]) == 2.5
    assert math.isnan(middle([3.0, math.nan]))
    assert cell([0.01, 0.02, 0.06], at_most(0.02)) == "0.020 (0.010 to 0.060) pass"
    assert cell([0.01, 0.03, 0.06], at_most(0.02)) == "0.030 (0.010 to 0.060) FAIL"
    assert cell([math.nan], at_most(0.02)) == "none FAIL"


def test_a_table_judges_the_median_and_names_what_was_missed():
    records = [record("good", seed, score=value) for seed, value in enumerate((0.01, 0.02, 0.9))]
    records += [record("bad", seed, score=value) for seed, value in enumerate((0.01, 0.03, 0.9))]
    records += [record("shown", score=5.0), record("broken", error="TrainingError: the loss is no number")]

    def bar_of(model, name):
        return None if model == "shown" else at_most(0.02)

    shown = table("Title", records, ("score",), bar_of)
    assert column(shown.text, "good", 2) == "0.020 (0.010 to 0.900) pass (at most 0.02)"
    assert column(shown.text, "bad", 2) == "0.030 (0.010 to 0.900) FAIL (at most 0.02)"
    assert column(shown.text, "shown", 2) == "5.000"
    assert "broken, seed 0: TrainingError: the loss is no number" in shown.text
    assert shown.missed == ("Title: bad, score", "Title: broken, score")
    turned = across("Title", records, ("score",), bar_of)
    assert column(turned.text, "score", 2) == column(shown.text, "bad", 2)
    assert turned.missed == shown.missed


def test_statements_say_what_speaks_for_or_against_them():
    shown = statements("Must hold", {"one": (True, "vae"), "two": (False, "")})
    assert "- pass: one (vae)" in shown.text
    assert shown.missed == ("Must hold: two",)


def test_records_outlive_an_interruption_and_later_ones_win(tmp_path):
    path = tmp_path / "numbers.jsonl"
    kept = Records(path)
    kept.add(record("vae", 1, score=1.0))
    kept.add(record("vae", 0, score=math.nan))
    kept.add(record("vae", 1, score=2.0))
    with path.open("a") as file:
        file.write('{"part": "returns", "data": "ret')
    read = Records(path).of("returns")
    assert [(each.seed, each.numbers["score"]) for each in read][1] == (1, 2.0)
    assert math.isnan(read[0].numbers["score"])
    assert all(json.loads(line) for line in path.read_text().splitlines()[:3])


def test_what_is_kept_is_made_again_only_with_other_settings_or_after_an_error(tmp_path):
    kept = Records(tmp_path / "numbers.jsonl")
    kept.add(Record("returns", "returns", "vae", 0, {"score": 1.0}, {"epochs": 5, "cell": "gru"}))
    kept.add(Record("returns", "returns", "gan", 0, {}, {"epochs": 5}, "TrainingError: no number"))
    again = Records(tmp_path / "numbers.jsonl")
    assert again.has("returns", "returns", "vae", 0, {"epochs": 5, "cell": "gru"})
    assert not again.has("returns", "returns", "vae", 0, {"epochs": 6, "cell": "gru"})
    assert not again.has("returns", "returns", "vae", 1, {"epochs": 5, "cell": "gru"})
    assert not again.has("returns", "returns", "gan", 0, {"epochs": 5})


@pytest.mark.parametrize(
    ("model", "judge", "high"),
    [("vae", "original judge", 0.02), ("tcn-gan", "strong judge", 0.15), ("gan", "strong judge", None)],
)
def test_bars_of_the_literature_are_those_of_the_issue(model, judge, high):
    bar = quality_literature.bar_of(model, judge)
    assert bar == (None if high is None else at_most(high))


def test_only_networks_have_to_train_in_five_minutes_and_copy_nothing():
    assert quality_literature.bar_of("gan", "training, processor s") == at_most(300)
    assert quality_literature.bar_of("gan", "10-step pieces copied") == at_most(0)
    for model in ("block-bootstrap", "real against real"):
        assert quality_literature.bar_of(model, "training, processor s") is None
        assert quality_literature.bar_of(model, "10-step pieces copied") is None


FLOORS = {"wasserstein, S&P 500": 0.1, "acf_abs_distance, S&P 500": 0.2, "value_at_risk_1, S&P 500": 0.1}


def returns(model, seed=0, wasserstein=0.05, clustering=0.1, risk=1.05):
    numbers = dict(zip(FLOORS, (wasserstein, clustering, risk), strict=True))
    return Record("returns", "returns", model, seed, numbers)


def test_rows_are_losses_over_their_floor():
    found = quality_returns.over_floor(returns("vae", wasserstein=0.05, clustering=0.3, risk=math.exp(-0.2)), FLOORS)
    assert list(found.values()) == pytest.approx([0.5, 1.5, 2.0])
    assert math.isinf(quality_returns.over_floor(record("vae"), FLOORS)["wasserstein, S&P 500"])


def everyone(**changes):
    """Records in which every statement about returns holds, but for the rows of models named in `changes`."""
    rows = {
        "vae": {}, "tcn-gan": {}, "wavelet-diffusion": {},
        quality_returns.GAUSSIAN: {"wasserstein": 0.3, "clustering": 0.9, "risk": 1.5},
        quality_returns.EGARCH: {"wasserstein": 0.15},
    }  # fmt: skip
    rows |= {name.replace("_", "-"): change for name, change in changes.items()}
    return [record(quality_returns.FLOOR, **FLOORS)] + [returns(name, **row) for name, row in rows.items()]


def test_all_statements_about_returns_hold_for_good_models():
    shown = quality_returns.show(everyone())
    assert shown.missed == ()
    assert shown.text.count("- pass") == 5


def test_no_more_is_asked_in_a_group_than_windows_with_real_covariances_give():
    worse = {"gan": {"clustering": 0.95}, quality_returns.COVARIANCES: {"clustering": 0.92}}
    shown = quality_returns.show(everyone(**worse))
    assert shown.missed == ()
    assert "(time left out)" in shown.text
    worse[quality_returns.COVARIANCES] = {"wasserstein": 0.4}
    assert any("in a group" in name for name in quality_returns.show(everyone(**worse)).missed)


def test_windows_with_real_covariances_have_them():
    x = np.random.default_rng(0).standard_normal((3, 4000, 2)) @ np.array([[1.0, 0.8], [0.0, 0.6]]) + 2.0
    x *= np.array([1.0, 3.0, 9.0])[:, None, None]
    drawn = quality_returns.with_covariances(x, 200, 0)
    assert drawn.shape == (200, 4000, 2)
    nearest = np.round(np.log(drawn[:, :, 0].std(axis=1)) / np.log(3)).astype(int)
    assert set(nearest) == {0, 1, 2}
    for window, i in zip(drawn, nearest, strict=True):
        np.testing.assert_allclose(window.mean(axis=0), x[i].mean(axis=0), atol=0.1 * 3**i)
        np.testing.assert_allclose(np.cov(window.T), np.cov(x[i].T), atol=0.1 * 9**i)


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({"vae": {"wasserstein": 0.15, "clustering": 0.3}}, "on two thirds of the rows"),
        ({"tcn_gan": {"clustering": 0.61}}, "beyond three times the floor"),
        ({"gan": {"clustering": 0.95}}, "in a group of scores"),
        ({"gan": {"wasserstein": 0.5, "clustering": 0.95, "risk": 2.0}}, "worse than the i.i.d. Gaussian's"),
        ({name: {"wasserstein": 0.2} for name in ("vae", "tcn_gan", "wavelet_diffusion")}, "beats EGARCH"),
    ],
)
def test_each_statement_about_returns_can_fail(changes, missed):
    found = [name for name in quality_returns.show(everyone(**changes)).missed if name.startswith("Returns: what")]
    assert any(missed in name for name in found)
    assert len(found) == (2 if missed.endswith("Gaussian's") else 1)  # worse everywhere is worse in groups too


def test_statements_about_returns_fail_while_a_recommended_model_is_not_measured():
    records = [each for each in everyone() if each.model != "tcn-gan"]
    assert "not measured: tcn-gan" in quality_returns.show(records).text
    assert len(quality_returns.show(records).missed) == 2


def test_a_seed_without_numbers_counts_against_a_model():
    lost = [record("vae", seed, error="TrainingError: no number") for seed in (1, 2)]
    shown = quality_returns.show(everyone() + lost)
    assert "vae, seed 1: TrainingError: no number" in shown.text
    assert any("two thirds of the rows" in name for name in shown.missed)


def test_lags_of_the_scorecard_are_longer_for_the_benchmark_alone():
    usual = METRICS["acf_abs_distance"]
    x = np.random.default_rng(0).standard_normal((20, 60, 1))
    with quality_returns.long_lags():
        assert METRICS["acf_abs_distance"].prepare(x).shape == (50, 1)
        assert float(METRICS["acf_abs_distance"](x, x)[0]) == 0
    assert METRICS["acf_abs_distance"] is usual


def test_volumes_apart_by_level_alone_are_alike_once_detrended():
    random = np.random.default_rng(1)
    x = np.cumsum(random.standard_normal((400, 64, 1)), axis=1) * 0.1 + 20
    same = quality_volumes.beside(x, x)
    assert same[quality_volumes.GAP] == same[quality_volumes.WHOLE_FAR] == 0
    assert same[quality_volumes.ALIKE] == pytest.approx(1)
    moved = quality_volumes.beside(x, x + 3 * random.standard_normal((400, 1, 1)))
    assert moved[quality_volumes.GAP] == pytest.approx(0, abs=1e-9)
    assert moved[quality_volumes.WHOLE_FAR] > 0.5
    scaled = quality_volumes.unlike(quality_volumes.own_scale(x), quality_volumes.own_scale(7 * x - 100))
    assert scaled[quality_volumes.FAR] == pytest.approx(0, abs=1e-9)
    noise = quality_volumes.beside(x, random.standard_normal((400, 64, 1)))
    assert noise[quality_volumes.GAP] > 0.5


def test_a_model_is_asked_to_be_as_close_to_an_unseen_ticker_as_real_windows_are():
    names = (quality_volumes.GAP, quality_volumes.FAR)

    def of(model, gap, far):
        return Record("volumes", quality_volumes.WITHOUT, model, 0, dict(zip(names, (gap, far), strict=True)))

    found = quality_volumes.stated([of(quality_volumes.OTHERS, 0.1, 0.1), of("vae", 0.1, 0.1), of("gan", 0.1, 0.2)])
    assert [holds for holds, _ in found.values()] == [True, False]


@pytest.mark.parametrize(
    ("ended", "numbers", "error"),
    [
        ("ended well", (1.0, 0.9, 0.9), ""),
        ("NaN", (0.9, math.nan, math.nan), ""),
        ("constant", (1.0, 0.9, 0.01), ""),
        ("stopped and said so", (), "TrainingError: the loss is no number"),
        ("unhandled error", (), "ZeroDivisionError: division by zero"),
    ],
)
def test_endings_of_a_run(ended, numbers, error):
    names = (quality_robustness.FINITE, quality_robustness.SPREAD, quality_robustness.BETWEEN)
    each = Record("robustness", "stocks", "vae", 0, dict(zip(names, numbers, strict=False)), {}, error)
    assert quality_robustness.ending(each) == ended
    assert bool(quality_robustness.show([each]).missed) == (ended in ("NaN", "constant", "unhandled error"))


def test_windows_that_are_all_the_same_have_no_spread_between_them():
    real = np.random.default_rng(2).standard_normal((50, 20, 2))
    same = quality_robustness.spreads(real, np.repeat(real[:1], 50, axis=0))
    assert same[quality_robustness.BETWEEN] == pytest.approx(0, abs=1e-12)
    assert same[quality_robustness.SPREAD] > 0.5
    assert quality_robustness.spreads(real, np.full((5, 20, 2), np.nan))[quality_robustness.FINITE] == 0


def test_a_missing_stocks_file_is_answered_in_one_sentence(tmp_path, capsys):
    missing = tmp_path / "none.csv"
    assert quality.main(["literature", "--generators", "gaussian", "--data", str(missing)]) == 2
    assert "expected a CSV file with the columns" in capsys.readouterr().err


def test_a_kept_file_is_printed_without_training(tmp_path, capsys):
    path = tmp_path / "numbers.jsonl"
    kept = Records(path)
    kept.add(record("vae", part="literature", data="stocks", **{"original judge": 0.3, "strong judge": 0.01}))
    assert quality.main(["--table", str(path)]) == 1
    said = capsys.readouterr().out
    assert "0.300 FAIL (at most 0.02)" in said
    assert "0.010 pass (at most 0.06)" in said
    assert "- The literature's test: Stocks, windows of 24: vae, original judge" in said


def test_a_generator_is_trained_once_for_all_parts_and_an_error_stops_no_other(tmp_path, monkeypatch):
    trained = []

    def train(windows, name, seed, settings):
        trained.append((name, seed))
        if name == "hmm":
            raise ZeroDivisionError("by hand")
        return name

    def part(name):
        return quality.Part(
            name, ("returns",), lambda w, d, m: {"score": 1.0}, lambda w, d, s, k: [], lambda found: None, 2
        )

    monkeypatch.setattr(quality, "train", train)
    monkeypatch.setattr(quality, "DATA", {"returns": lambda stocks: None})
    kept = Records(tmp_path / "numbers.jsonl")
    question = quality.Question([part("one"), part("two")], ["gaussian", "hmm"], None, tmp_path, False, True)
    quality.measure(question, kept)
    assert sorted(trained) == [("gaussian", 0), ("gaussian", 1), ("hmm", 0), ("hmm", 1)]
    assert [each.error for each in kept.of("two")] == ["", "", *["ZeroDivisionError: by hand"] * 2]
    assert {each.model for each in kept.of("one")} == {"gaussian (tiny)", "hmm (tiny)"}
    trained.clear()
    quality.measure(question, Records(tmp_path / "numbers.jsonl"))
    assert sorted(trained) == [("hmm", 0), ("hmm", 1)]


def test_other_settings_than_the_recommended_ones_make_another_model_of_the_table(tmp_path, monkeypatch):
    trained = []

    def train(windows, name, seed, settings):
        trained.append(settings)
        return name

    part = quality.Part(
        "one", ("returns",), lambda w, d, m: {"score": 1.0}, lambda w, d, s, k: [], lambda found: None, 1
    )
    monkeypatch.setattr(quality, "train", train)
    monkeypatch.setattr(quality, "DATA", {"returns": lambda stocks: None})
    monkeypatch.setattr(quality, "PARTS", {"one": part})
    monkeypatch.setattr(quality, "tables", lambda parts, kept: quality.Shown(""))
    path = tmp_path / "numbers.jsonl"
    arguments = ["one", "--generators", "gaussian", "--json", str(path), "--set", "window=12", "cell=gru", "--quick"]
    assert quality.main(arguments) == 0
    assert [(each["window"], each["cell"]) for each in trained] == [(12, "gru")]
    assert [each.model for each in Records(path).of("one")] == ["gaussian (tiny, window=12, cell=gru)"]
    with pytest.raises(SystemExit):
        quality.main(["one", "--set", "window"])


def test_data_that_are_not_there_keep_no_other_data_from_being_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(quality, "train", lambda windows, name, seed, settings: name)
    monkeypatch.setitem(quality.DATA, "returns", lambda stocks: None)
    part = quality.Part(
        "one", ("stocks", "returns"), lambda w, d, m: {"score": 1.0}, lambda w, d, s, k: [], lambda found: None, 1
    )
    kept = Records()
    question = quality.Question([part], ["gaussian"], None, tmp_path / "none.csv", False, False)
    absent = quality.measure(question, kept)
    assert len(absent) == 1
    assert "none.csv, expected a CSV file" in absent[0]
    assert [each.data for each in kept.of("one")] == ["returns"]


def test_steps_a_second_leave_out_the_first_ones_and_a_fit_in_one_go_has_none():
    slow_start = [0.0, 10.0, 20.0, 30.0, 40.0, 40.5, 41.0, 41.5]
    assert training_speed(slow_start, 42.0) == {"training steps a second": pytest.approx(2.0)}
    assert training_speed([], 3.0) == {"fit in one go, seconds": 3.0}
