"""Figures of a report: the numbers drawn are the report's, and names from data stay text."""

from __future__ import annotations

import numpy as np
import pytest
from made_report import OVERALL, REAL, SERIES, VALUES, made_report

from synthfin_core.errors import SettingError
from synthfin_core.evaluation import CURVES, METRICS, Report
from synthfin_core.evaluation.strategies import STRATEGIES
from synthfin_core.evaluation.verdict import FAR, NEAR, WITHIN
from synthfin_core.plots import style
from synthfin_core.plots.exhibits import exhibit_figure
from synthfin_core.plots.looks import looks, series_names
from synthfin_core.plots.scorecard import (
    BAND,
    curve_figure,
    figure_name,
    ranking_figure,
    report_figures,
    verdict_figure,
)


@pytest.fixture(scope="module")
def report():
    return made_report()


def traces(fig, name):
    return [trace for trace in fig.data if trace.name == name]


def test_a_report_gives_all_its_figures_in_the_order_of_its_table(report):
    figures = report.figures()
    assert list(figures)[:3] == ["verdicts", "ranking", "quantiles"]
    assert set(figures) == {"verdicts", "ranking", *report.curves, *OVERALL}
    assert {figure_name(score) for score in (*VALUES, *OVERALL)} >= set(figures) - {"verdicts", "ranking"}
    assert all(fig.data and fig.layout.title.text for fig in figures.values())


def test_curves_and_exhibits_never_share_a_key():
    assert set(CURVES) & set(METRICS) == set()


def test_a_report_that_was_stored_gives_the_same_figures(report):
    again = report_figures(Report.from_dict(report.to_dict()))
    assert {name: fig.to_json() for name, fig in again.items()} == {
        name: fig.to_json() for name, fig in report_figures(report).items()
    }


def test_without_floors_and_with_one_data_set_there_is_less(report):
    figures = report_figures(made_report(data=("vae",), floors=False))
    assert set(figures) == {*report.curves, *OVERALL}
    assert not traces(figures["acf"], BAND)


@pytest.mark.parametrize("name", ["acf", "leverage", "tail_left"])
def test_lines_and_bands_are_those_of_the_report(report, name):
    fig = curve_figure(report, name)
    for data in (*REAL, "vae", "gan"):
        drawn = traces(fig, data)
        assert [trace.showlegend for trace in drawn] == [True, False]
        for column, trace in enumerate(drawn):
            np.testing.assert_array_equal(trace.x, report.curves[name][data].at)
            np.testing.assert_array_equal(trace.y, report.curves[name][data].y[:, column])
    band = report.floors.bands[name]
    for column, trace in enumerate(traces(fig, BAND)):
        half = len(trace.x) // 2
        assert trace.fill == "toself"
        np.testing.assert_array_equal(trace.y[:half], band.low[:, column])
        np.testing.assert_array_equal(trace.y[half:][::-1], band.high[:, column])
    assert [each.text for each in fig.layout.annotations] == list(SERIES)
    assert fig.layout.yaxis.type == ("log" if CURVES[name].y_log else None)


def test_quantiles_are_drawn_against_the_real_ones(report):
    fig = curve_figure(report, "quantiles")
    real, sets = report.curves["quantiles"]["real training"], report.curves["quantiles"]
    assert not traces(fig, "real training")
    for column in range(2):
        for data in ("real hold-out", "vae"):
            np.testing.assert_array_equal(traces(fig, data)[column].x, real.y[:, column])
            np.testing.assert_array_equal(traces(fig, data)[column].y, sets[data].y[:, column])
        diagonal, band = traces(fig, "perfect fit")[column], traces(fig, BAND)[column]
        np.testing.assert_array_equal(diagonal.x, diagonal.y)
        np.testing.assert_array_equal(band.x[: len(real.at)], real.y[:, column])


def test_series_are_chosen_by_name_and_limited(report):
    fig = curve_figure(report, "acf", series=["two"])
    np.testing.assert_array_equal(traces(fig, "vae")[0].y, report.curves["acf"]["vae"].y[:, 1])
    assert len(traces(curve_figure(made_report(series=tuple("abcdefgh")), "acf"), "vae")) == 6
    with pytest.raises(SettingError, match=r"series asked for is 'x', but the curve has one, two"):
        curve_figure(report, "acf", series=["x"])
    with pytest.raises(SettingError, match=r"no curve 'gone'; it has quantiles"):
        curve_figure(report, "gone")


def test_curves_of_returns_alone_are_called_after_them(report):
    assert series_names(report, 2) == SERIES
    beside = made_report(series=("price", "volume"))
    rows = tuple(r for r in beside.rows if not (METRICS[r.score].needs.returns and r.series == "volume"))
    assert series_names(Report(rows, beside.moments, series=beside.series), 1) == ("price",)
    assert series_names(Report((), beside.moments, series=beside.series), 1) == ("series 1",)


def test_values_below_zero_are_left_out_of_a_band_on_a_logarithmic_axis(report):
    report.floors.bands["tail_left"].low[0] = -1.0
    band = traces(curve_figure(report, "tail_left"), BAND)[0]
    assert (np.asarray(band.y) > 0).all()
    assert len(band.x) == 2 * (len(report.floors.bands["tail_left"].at) - 1)


def test_each_data_set_looks_the_same_everywhere():
    report = made_report(data=("a", "b"))
    every = looks(report)
    for fig in (curve_figure(report, "acf"), exhibit_figure(report, "feature_judge")):
        assert [traces(fig, name)[0].line.color for name in "ab"] == [every[name].colour for name in "ab"]
    assert every["real hold-out"] == (style.HOLDOUT, "dot")
    many = Report(tuple(report.rows[0].__class__(f"run {i}", "wasserstein", "one", 1.0) for i in range(14)),
                  report.moments)  # fmt: skip
    assert len({each for name, each in looks(many).items() if name not in REAL}) == 14


def test_the_verdict_map_has_a_colour_and_a_word_in_each_cell(report):
    (tiles,) = verdict_figure(report).data
    table = report.table()
    order = (WITHIN, NEAR, FAR)
    judged = list(dict.fromkeys(table.loc[table["verdict"] != "", "score"]))
    assert list(tiles.y) == [METRICS[score].title for score in judged]
    assert "kurtosis_ratio" not in judged
    for i, score in enumerate(judged):
        for j, data in enumerate(("vae", "gan")):
            words = table.loc[(table["score"] == score) & (table["data"] == data), "verdict"]
            worst = max(words, key=order.index)
            assert (tiles.text[i][j], order[int(tiles.z[i][j])]) == (worst.split()[0], worst)
    assert dict(zip(order, tiles.colorscale[::2], strict=True)) == {
        word: (i / 3, style.VERDICTS[word]) for i, word in enumerate(order)
    }


def test_a_cell_without_a_verdict_is_empty(report):
    rows = tuple(row for row in report.rows if (row.data, row.score) != ("gan", "wasserstein"))
    (tiles,) = verdict_figure(Report(rows, report.moments, floors=report.floors)).data
    place = list(tiles.y).index(METRICS["wasserstein"].title)
    assert (tiles.text[place][1], np.isnan(tiles.z[place][1])) == ("", True)


def test_words_are_readable_on_every_verdict_colour():
    def light(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    for colour in style.VERDICTS.values():
        assert (light(colour) + 0.05) / (light(style.VERDICT_INK) + 0.05) > 4.5  # WCAG AA


def test_the_order_of_models_has_its_intervals(report):
    models = {"vae": "model", "gan": "model"}
    order = Report(report.rows, report.moments, floors=report.floors, models=models).ranking()
    (points,) = ranking_figure(order).data
    assert list(points.y) == ["model"]
    assert points.x[0] + points.error_x.array[0] == pytest.approx(order["high"][0])
    assert points.x[0] - points.error_x.arrayminus[0] == pytest.approx(order["low"][0])


def test_exhibits_are_drawn_as_they_were_found(report):
    roc = exhibit_figure(report, "feature_judge")
    np.testing.assert_array_equal(traces(roc, "gan")[0].y, report.exhibits["feature_judge"]["gan"]["true_positive"])
    strategies = traces(exhibit_figure(report, "strategy_ranking"), "vae")[0]
    assert tuple(strategies.text) == STRATEGIES
    np.testing.assert_array_equal(strategies.x, report.exhibits["strategy_ranking"]["vae"]["real"])
    nearest = exhibit_figure(report, "closest_record")
    for column in range(2):
        real, ours = nearest.data[2 * column : 2 * column + 2]
        np.testing.assert_array_equal(real.y, report.exhibits["closest_record"]["vae"]["real"][:, column])
        np.testing.assert_array_equal(ours.y, report.exhibits["closest_record"]["vae"]["synthetic"][:, column])
    for score, name in (("min_variance_cosine", "gan"), ("volatility_forecast", "gan")):
        drawn = traces(exhibit_figure(report, score), name)[0]
        np.testing.assert_array_equal(drawn.y, report.exhibits[score]["gan"]["synthetic"])
    maps = exhibit_figure(report, "lower_tail_dependence").data
    np.testing.assert_array_equal(maps[3].z, report.exhibits["lower_tail_dependence"]["gan"]["synthetic"])
    attack = exhibit_figure(report, "membership").data[0]
    assert (attack.x[0], attack.x[0] + attack.error_x.array[0]) == pytest.approx((0.6, 0.8))


def test_exhibits_that_are_empty_or_unknown_are_passed_over(report):
    found = {"feature_judge": {"vae": {}}, "correlation_distance": {"vae": {"a": np.ones(2)}}}
    bare = Report(report.rows, report.moments, exhibits=found, series=SERIES)
    assert exhibit_figure(bare, "feature_judge") is None
    assert exhibit_figure(bare, "correlation_distance") is None
    assert exhibit_figure(bare, "closest_record") is None


def test_names_from_data_are_never_markup():
    evil = "<img src=x onerror=alert(1)>"
    for fig in report_figures(made_report(data=(evil, "%{x} $a$"), series=("<b>one", "two"))).values():
        text = fig.to_json().replace("\\u003c", "<")
        assert "<img" not in text
        assert "<b>one" not in text
        assert "%{x} " not in text
