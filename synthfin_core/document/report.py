"""The whole document: what is on the page and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from synthfin_core.document.facts import data_facts, model_facts, record_facts
from synthfin_core.document.markup import Markup, badge, element, facts, join, listed, section
from synthfin_core.document.page import page
from synthfin_core.document.scores import how_to_read, moments, ranks, scorecard
from synthfin_core.evaluation.curve import CURVES
from synthfin_core.evaluation.metric import GROUPS, METRICS
from synthfin_core.plots.scorecard import figure_name, report_figures

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from synthfin_core.data.windows import Windows
    from synthfin_core.evaluation.report import Report


def html_report(
    report: Report,
    *,
    windows: Windows,
    title: str = "",
    about: Mapping[str, Mapping[str, Any]] | None = None,
    record: Mapping[str, Any] | None = None,
    created: datetime | None = None,
) -> str:
    """A report as one HTML file that needs nothing else: no network, no fonts, no other files.

    Parameters
    ----------
    report : Report
    windows : Windows
        The real windows that were scored against.
    title : str
        "Scorecard of" and the name of the data when empty.
    about : dict of str to dict, optional
        By the name of a data set, how it was made, as plain values: for example a run's spec, with its id as "run"
        and that of its setup as "setup".
    record : dict, optional
        More lines for the generation record, for example the seed of the evaluation.
    created : datetime, optional
        When the report was made; now when None.

    Returns
    -------
    str
        To be written as UTF-8. Names and notes come from users and files, and stand in it letter by letter.
    """
    about = about or {}
    title = title or f"Scorecard of {windows.panel.name}"
    created = created or datetime.now(UTC)
    figures = report_figures(report)
    figures.pop("verdicts", None)  # the scorecard says the same, and can be read on a phone and by a screen reader
    ranking = figures.get("ranking")
    content = join(
        [
            element("h1", title),
            element("p", f"Synthetic against real data, {created:%Y-%m-%d}.", class_="soft"),
            element("div", *(_card(report, data) for data in report.data), class_="cards"),
            element("div", listed(report.notes), class_="help"),
            section(
                "The real data", facts(data_facts(windows)), element("div", listed(windows.panel.notes), class_="help")
            ),
            section("What was scored", *(_model(data, about.get(data)) for data in report.data)),
            section("Order of the models", ranks(report), _place("ranking")) if ranking else "",
            section("Scorecard", how_to_read(report), *scorecard(report, figures), *_left_out(report)),
            section("Figures", *_figures(report, figures)) if set(figures) - {"ranking"} else "",
            section("Moments", moments(report)),
            section("Generation record", facts(record_facts(windows, about, created, record or {})), class_="record"),
        ]
    )
    return page(title, content, {f"plot-{name}": figure for name, figure in figures.items()})


def _card(report: Report, data: str) -> Markup:
    """The verdict on one data set."""
    verdict = report.verdict(data)
    badges = [badge(word) for word in dict.fromkeys([verdict.word, *verdict.flags])]
    groups = [
        join([element("span", words), badge(verdict.groups[group])])
        for group, words in GROUPS.items()
        if group in verdict.groups
    ]
    sentence = dict(zip(report.data, report.sentences, strict=True))[data].removeprefix(f"{data}: ")
    return element(
        "div",
        element("h3", data),
        join(badges, " "),
        element("p", sentence[:1].upper() + sentence[1:]),
        element("div", *groups, class_="groups") if groups else "",
        class_="card",
    )


def _model(data: str, about: Mapping[str, Any] | None) -> Markup:
    return join([element("h3", data), facts(model_facts(data, about))])


def _left_out(report: Report) -> list[Markup]:
    if not report.left_out:
        return []
    reasons = (f"{METRICS[name].title}: {why}." for name, why in report.left_out.items() if name in METRICS)
    return [element("h3", "Left out"), listed(reasons)]


def _place(name: str) -> Markup:
    """Where a figure is drawn."""
    return element("div", id=f"plot-{name}")


def _figures(report: Report, figures: Mapping[str, Figure]) -> list[Markup]:
    """The figures by group of scores, each with the scores that measure what it shows."""
    scores = list(dict.fromkeys(row.score for row in report.rows))
    parts: list[Markup] = []
    for group, words in GROUPS.items():
        shown: dict[str, list[str]] = {}
        for score in scores:
            if METRICS[score].group == group and figure_name(score) in figures:
                shown.setdefault(figure_name(score), []).append(METRICS[score].title)
        drawn = [element("figure", _place(name), _caption(name, titles), id=f"figure-{name}")
                 for name, titles in shown.items() if not any(f'"plot-{name}"' in part for part in parts)]  # fmt: skip
        if drawn:
            parts += [element("h3", words), element("div", *drawn, class_="figures")]
    return parts


def _caption(name: str, titles: list[str]) -> Markup:
    what = "Measured by" if name in CURVES else "Found by"
    return element("figcaption", f"{what}: {', '.join(titles)}.")
