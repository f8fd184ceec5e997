"""The report as one HTML file: it says what the report says, needs nothing else, and no name becomes markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np
import pytest
from browser import find_browser
from made_report import made_report
from studio_server import CHROME_FLAGS

from synthfin_core.data.windows import make_windows
from synthfin_core.document import html_report
from synthfin_core.document.markup import element
from synthfin_core.evaluation import METRICS
from synthfin_core.evaluation.verdict import FAR, NEAR, WITHIN
from synthfin_core.version import CODE_VERSION

EVIL = "<script>alert(1)</script>\"'&"
RUN = {"run": "vae-walks-w10-0123abcd", "generator": "vae", "config": {"epochs": 20, "beta": 0.5}, "seed": 7,
       "setup": "walks-w10-89abcdef", "version": CODE_VERSION}  # fmt: skip


class Reader(HTMLParser):
    """What a browser would see: elements, text, and tables as rows of cells."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.words, self.scripts, self.open, self.rows = [], [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in ("meta", "br", "link", "img"):
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif "style" not in self.open:
            self.words.append(data)
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data

    @property
    def text(self):
        return " ".join(self.words)


@pytest.fixture(scope="module")
def report():
    return made_report(series=("one", "two"))


@pytest.fixture(scope="module")
def html(report, windows):
    made = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
    return html_report(report, windows=windows, about={"vae": RUN}, record={"evaluation seed": 3}, created=made)


@pytest.fixture(scope="module")
def read(html):
    return Reader(html)


def test_every_element_is_closed_and_every_id_is_unique(read):
    assert read.open == []
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {attributes["href"] for tag, attributes in read.elements if tag == "a"}
    assert links <= {f"#{each}" for each in ids}
    assert "#figure-quantiles" in links


def test_nothing_is_fetched_and_only_its_own_scripts_run(read, html):
    for tag, attributes in read.elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form")
        assert not {name for name in attributes if name.startswith("on")} | {"src", "srcset", "action"} & set(
            attributes
        )
    assert "@import" not in html[: html.index("</style>")]
    assert "url(" not in html[: html.index("</style>")]
    (policy,) = (each["content"] for tag, each in read.elements if "http-equiv" in each)
    plotly, draw = read.scripts[1:]
    for script in (plotly, draw):
        assert f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy.replace("style-src 'unsafe-inline'", "")
    assert html.count("plotly.js v") == 1


def test_each_number_stands_with_its_verdict_and_its_floor(read, report):
    table = report.table()
    for place, data in enumerate(report.data):
        for row in table[table["data"] == data].itertuples():
            heading = row.title + METRICS[row.score].help
            (start,) = (i for i, cells in enumerate(read.rows) if cells[0].startswith(heading))
            cells = next(cells for cells in read.rows[start + 1 :] if cells[0] == row.series)
            assert cells[1 + place] == f"{row.value:.3g} {row.verdict}"
            floor = {"lower": "up to 1", "one": "0.368 to 2.72", "none": ""}[row.better]
            assert cells[3:] == [floor, "" if np.isnan(row.reference) else "0.8"]
    assert {WITHIN, NEAR, FAR} <= set(table["verdict"])


def test_it_says_what_was_scored_and_how_it_was_made(read, report, windows):
    for words in (
        "Scorecard of walks", "2026-11-21", "300 rows, 2015-01-01 to 2016-02-24", "one (price), two (price)",
        f"{len(windows.train)} windows of 10 bars", f"{len(windows.holdout)} windows, the last 20% of the history",
        "epochs 20, beta 0.5", "no settings came with these data", "A note.", windows.panel.fingerprint,
        "run vae-walks-w10-0123abcd, setup walks-w10-89abcdef, seed 7", "numpy", "plotly", "torch", "Evaluation seed",
        f"{METRICS['wasserstein_100'].title}: windows are too short.", "length 10, stride 1",
    ):  # fmt: skip
        assert words in read.text, words
    for data, sentence in zip(report.data, report.sentences, strict=True):
        said = sentence.removeprefix(f"{data}: ")
        assert said[:1].upper() + said[1:] in read.text


def test_the_figures_are_those_of_the_report(read, report):
    drawn = json.loads(read.scripts[0])["figures"]
    places = {attributes.get("id") for _, attributes in read.elements}
    assert set(drawn) == {f"plot-{name}" for name in report.figures() if name != "verdicts"}
    assert set(drawn) <= places
    first = next(each for each in drawn["plot-acf"]["data"] if each["name"] == "gan")
    y = np.frombuffer(base64.b64decode(first["y"]["bdata"]), dtype=first["y"]["dtype"])
    np.testing.assert_array_equal(y, report.curves["acf"]["gan"].y[:, 0])


def test_no_name_becomes_markup(panel):
    evil = panel.frame.rename(columns={"one": EVIL})
    walks = replace(panel, frame=evil, kinds={EVIL: "price", "two": "price"}, name=EVIL, notes=(EVIL,))
    report = replace(made_report(data=(EVIL, "gan"), series=(EVIL, "two")), notes=(EVIL,), left_out={"mmd": EVIL})
    about = {EVIL: {EVIL: EVIL, "config": {EVIL: [EVIL]}}}
    text = html_report(report, windows=make_windows(walks, 10), title=EVIL, about=about, record={EVIL: EVIL})
    read = Reader(text)
    assert read.open == []
    assert len(read.scripts) == 3
    assert "alert(1)" not in "".join(read.scripts[1:])
    assert "<script>alert" not in text
    assert EVIL in read.text


def test_without_floors_or_figures_it_is_still_a_page(windows):
    report = made_report(data=("vae",), floors=False)
    read = Reader(html_report(replace(report, curves={}, exhibits={}), windows=windows))
    assert not {attributes.get("class") for _, attributes in read.elements} & {"badge", "figures"}
    assert read.scripts == []
    assert "Zero is perfect" in read.text
    assert "scores are as close to the real training data as the real hold-out" in read.text


def test_children_and_attributes_are_escaped():
    assert element("p", "<b>", element("i", "&"), title='"') == '<p title="&quot;">&lt;b&gt;<i>&amp;</i></p>'


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_it_opens_in_a_browser_without_a_word_on_the_console(html, tmp_path, width, scheme):
    from playwright.sync_api import sync_playwright

    (tmp_path / "report.html").write_bytes(html.encode())
    said, asked = [], []
    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=find_browser(), args=CHROME_FLAGS)
        page = chrome.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((tmp_path / "report.html").as_uri())
        page.wait_for_selector("body[data-drawn=all]", timeout=60_000)
        drawn = page.locator(".js-plotly-plot .main-svg").count()
        visible = [page.get_by_text(word, exact=True).first.is_visible() for word in (WITHIN, NEAR, FAR)]
        wide = page.evaluate("document.documentElement.scrollWidth")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        chrome.close()
    assert said == []
    assert [url for url in asked if not re.match("file:|data:|blob:", url)] == []
    assert drawn > 10
    assert all(visible)
    assert wide == width
    assert ground == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(18, 22, 28)")
