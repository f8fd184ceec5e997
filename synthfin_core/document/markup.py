"""HTML written so that no text can become markup."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from synthfin_core.plots.style import VERDICTS


class Markup(str):
    """Text that is HTML already; everything else is escaped where it is put into an element."""

    __slots__ = ()


def element(tag: str, *children: object, **attributes: object) -> Markup:
    """An element; children that are not `Markup` are escaped, and so is every attribute.

    Examples
    --------
    >>> element("p", "a < b", element("b", "c"), class_="note")
    '<p class="note">a &lt; b<b>c</b></p>'
    """
    given = "".join(f' {name.rstrip("_")}="{escape(str(value))}"' for name, value in attributes.items())
    return Markup(f"<{tag}{given}>{''.join(map(text, children))}</{tag}>")


def text(value: object) -> str:
    """A value as HTML."""
    return value if isinstance(value, Markup) else escape(str(value), quote=False)


def join(parts: Iterable[object], between: str = "") -> Markup:
    """Parts one after the other."""
    return Markup(escape(between, quote=False).join(map(text, parts)))


def section(title: str, *children: object, **attributes: object) -> Markup:
    """A part of the page under a heading; nothing where it has no children."""
    return element("section", element("h2", title), *children, **attributes) if children else Markup("")


def listed(items: Iterable[object]) -> Markup:
    """A list with bullets; nothing where there are no items."""
    entries = [element("li", item) for item in items]
    return element("ul", *entries) if entries else Markup("")


def facts(values: Mapping[str, object]) -> Markup:
    """Names and values in two columns; empty values are left out."""
    rows = [element("dt", name) + element("dd", value) for name, value in values.items() if str(value)]
    return element("dl", Markup("".join(rows)))


def table(head: Iterable[object], rows: Iterable[Iterable[object]], class_: str = "") -> Markup:
    """A table that scrolls by itself where the page is narrow; cells may be `td` elements with attributes already."""
    heads = [element("th", each, scope="col") for each in head]
    body = [element("tr", *(each if _is_cell(each) else element("td", each) for each in row)) for row in rows]
    return element(
        "div",
        element("table", element("thead", element("tr", *heads)), element("tbody", *body)),
        class_=f"wide {class_}".strip(),
        tabindex=0,  # so that it can be scrolled from the keyboard
    )


def badge(word: str) -> Markup:
    """A verdict by colour and word; nothing where there is none."""
    return (
        element("span", word, class_="badge", style=f"background:{VERDICTS[word]}") if word in VERDICTS else Markup("")
    )


def number(value: Any) -> str:
    """Three significant digits; empty for a number that does not exist."""
    value = float(value)
    return f"{value:.3g}" if value == value else ""


def _is_cell(value: object) -> bool:
    return isinstance(value, Markup) and value.startswith(("<td", "<th"))
