"""Errors as one sentence on the page, never as a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from synthfin_core.errors import SynthFinError


@contextmanager
def plainly(stop: bool = False) -> Iterator[None]:
    """Show a `SynthFinError` raised inside as a sentence, and end the page there when `stop` is set."""
    try:
        yield
    except SynthFinError as error:
        st.error(escape(str(error)), icon=":material/error:")
        if stop:
            st.stop()


def flash(sentence: str, icon: str = ":material/check:") -> None:
    """Keep a sentence for the next run of the page, for callbacks that cannot draw."""
    st.session_state.setdefault("flashes", []).append((sentence, icon))


def show_flashes() -> None:
    """Show what callbacks had to say."""
    for sentence, icon in st.session_state.pop("flashes", []):
        st.toast(escape(sentence), icon=icon)


def escape(text: str) -> str:
    """Text from data or errors, safe inside Streamlit's Markdown."""
    for mark in "\\`*_{}[]<>#|$~:":
        text = text.replace(mark, "\\" + mark)
    return text
