"""Choosing other data: bundled, uploaded, by ticker, made up, or loaded earlier."""

from __future__ import annotations

import datetime
import hashlib

import streamlit as st

from app.ui import cached, figures, state
from app.ui.forms import config_form
from app.ui.messages import escape, flash, plainly
from synthfin_core.data.panel import Panel, Selection
from synthfin_core.data.reading import FORMATS, Reading, ReadingHints, read_table
from synthfin_core.data.sources import SOURCES, MockSettings, mock_panel
from synthfin_core.data.tickers import load_tickers
from synthfin_core.data.windows import WindowSpec
from synthfin_core.errors import SynthFinError
from synthfin_core.spec import Setup


def choose_source() -> None:
    """Draw the ways to other data; each ends in a button that makes them the data being worked on."""
    bundled, upload, tickers, mock, earlier = st.tabs(["Bundled", "Upload", "Tickers", "Mock", "Loaded earlier"])
    with bundled:
        _bundled()
    with upload:
        _upload()
    with tickers:
        _tickers()
    with mock:
        _mock()
    with earlier:
        _earlier()


def use_panel_id(panel_id: str) -> None:
    """Make a stored panel the data being worked on, in the recommended windows."""
    setup = Setup(panel_id=panel_id, selection=Selection(), windows=_fitting(cached.panel(panel_id)))
    state.studio().setup_id = cached.store().save_setup(setup)


def _fitting(panel: Panel) -> WindowSpec:
    """Windows of 60 rows, or shorter ones where the data are short."""
    rows = len(panel.frame)
    return WindowSpec(length=60 if rows >= 400 else max(5, min(60, rows // 12)))


def _use(panel: Panel) -> None:
    try:
        use_panel_id(cached.store().save_panel(panel))
    except SynthFinError as error:
        flash(str(error), icon=":material/error:")
        return
    flash(f"Now working on {panel.name}.")


def _bundled() -> None:
    name = st.selectbox(
        "Data set",
        list(SOURCES),
        format_func=lambda key: SOURCES[key].title,
        key="source-bundled",
        help="Real market data that come with the installed packages; no network is needed.",
    )
    st.markdown(SOURCES[name].help)
    st.button("Use these data", key="use-bundled", type="primary", on_click=_use_bundled, args=(name,))


def _use_bundled(name: str) -> None:
    with plainly():
        use_panel_id(cached.bundled(name))
        flash(f"Now working on {SOURCES[name].title}.")


def _upload() -> None:
    file = st.file_uploader(
        "CSV, Parquet or Excel file",
        type=list(FORMATS),
        key="source-upload",
        help="With dates or without; wide, long or OHLCV; decimal comma or point; newest first or last.",
    )
    if file is None:
        st.markdown(
            "Prices, returns, volumes or levels, as your system exports them. What is done to them is said here first."
        )
        return
    content = file.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    with plainly(), st.spinner("Reading the file"):
        hints = _answers(digest)
        reading = _reading(digest, hints, file.name, content)
        _ask(reading, digest)
        for note in reading.notes:
            st.markdown(f"- {escape(note)}")
        figures.rows(reading.panel.frame.head(8), alt="First rows as they were read")
        st.button("Use these data", key="use-upload", type="primary", on_click=_use, args=(reading.panel,))


@st.cache_resource(show_spinner=False, max_entries=4)
def _reading(digest: str, hints: ReadingHints, _name: str, _content: bytes) -> Reading:
    return read_table(_name, _content, hints)


def _answers(digest: str) -> ReadingHints:
    prefix = f"answer-{digest[:12]}-"
    given = {
        str(key).removeprefix(prefix): value for key, value in st.session_state.items() if str(key).startswith(prefix)
    }
    return ReadingHints.from_answers(given)


def _ask(reading: Reading, digest: str) -> None:
    for question in reading.questions:
        st.selectbox(
            question.text,
            question.choices,
            index=question.choices.index(question.assumed),
            key=f"answer-{digest[:12]}-{question.key}",
            help="The file allows more than one reading. Change the guess and it is read again.",
        )


def _tickers() -> None:
    text = st.text_input(
        "Tickers",
        placeholder="AAPL MSFT ^GSPC",
        key="source-tickers",
        help="Symbols as Yahoo Finance writes them, with spaces or commas between. Needs a network connection.",
    )
    today = datetime.date.today()
    with st.container(horizontal=True):
        start = st.date_input(
            "From",
            datetime.date(2010, 1, 1),
            max_value=today,
            key="source-ticker-from",
            help="First day to load.",
            width=180,
        )
        end = st.date_input("To", today, max_value=today, key="source-ticker-to", help="Last day to load.", width=180)
        field = st.selectbox(
            "Field",
            ["Close", "Volume"],
            key="source-ticker-field",
            help="Adjusted closing prices, or volumes.",
            width=160,
        )
    if st.button("Load", key="use-tickers", type="primary", disabled=not text.strip()):
        with plainly(), st.spinner("Asking Yahoo Finance"):
            names = text.replace(",", " ").split()
            panel = load_tickers(names, str(start), str(end), field=field)
            use_panel_id(cached.store().save_panel(panel))
            flash(f"Now working on {panel.name}.")
            st.rerun()


def _mock() -> None:
    st.markdown("Correlated random walks with drift, as in the notebook that this studio grew out of.")
    with plainly():
        values = config_form(MockSettings, key="source-mock")
        panel = mock_panel(MockSettings.from_dict(values))
        st.button("Use these data", key="use-mock", type="primary", on_click=_use, args=(panel,))


def _earlier() -> None:
    stored = {info.id: info for info in cached.store().panels()}
    if not stored:
        st.markdown("Nothing yet. Data that you load are kept here.")
        return
    chosen = st.selectbox(
        "Data set",
        list(stored),
        format_func=lambda panel_id: f"{stored[panel_id].name} ({stored[panel_id].rows:,} rows)",
        key="source-earlier",
        help="Everything that was loaded on this installation.",
    )
    st.button("Use these data", key="use-earlier", type="primary", on_click=use_panel_id, args=(chosen,))
