"""What all figures share: colours, a layout that works on light and dark and on a phone, safe names, thinning.

Colours of text and grid stand in the template, where the page's theme may replace them; nothing has a background
of its own.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from itertools import cycle, pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from synthfin_core.evaluation.verdict import CLOSE, COPIES, FAR, NEAR, WITHIN

Array = NDArray[np.float64]

#: Passed to whatever draws a figure: no logo, and the tool bar only while the mouse is over it.
CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "displayModeBar": "hover",
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
    "responsive": True,
}

#: Real data are grey, readable on white and on near-black.
REAL, HOLDOUT = "#7d8896", "#b0976a"
#: Okabe and Ito's colours, told apart with any colour vision, without those that vanish on white or black.
RUNS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
#: By verdict, told apart with any colour vision; `VERDICT_INK` is readable on each, on a light and on a dark page.
VERDICTS = {
    WITHIN: "#56B4E9",
    NEAR: "#E69F00",
    FAR: "#D55E00",
    CLOSE: "#CC79A7",
    COPIES: "#CC79A7",
}
VERDICT_INK = "#10151c"
#: For numbers along a scale, and for numbers around zero.
SEQUENTIAL, DIVERGING = "Viridis", "RdBu"

#: Most points of one line; screens show fewer.
MOST_POINTS = 2000

_REAL_NAMES = {"real": REAL, "real data": REAL, "real training": REAL, "real hold-out": HOLDOUT}
_INK, _GRID = "#7d8896", "rgba(125, 136, 150, 0.22)"
_AXIS = {"gridcolor": _GRID, "zeroline": False, "linecolor": _GRID, "tickcolor": _GRID}

TEMPLATE = go.layout.Template(
    layout={
        "font": {"color": _INK, "size": 13},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": RUNS,
        "xaxis": _AXIS,
        "yaxis": _AXIS,
        "hoverlabel": {"namelength": 40},
    }
)


def figure(
    title: str = "", x: str = "", y: str = "", height: int = 340, rows: int = 1, columns: int = 1, **subplots: Any
) -> go.Figure:
    """An empty figure in the house style.

    Parameters
    ----------
    title, x, y : str
        Words for the figure and its axes, safe as they are: put names from data through `plain` first.
    height : int
        In pixels; the width is that of the page.
    rows, columns : int
        Panels; the axis titles go to the lowest row and to each first column.
    **subplots
        Passed to `plotly.subplots.make_subplots`.
    """
    fig = make_subplots(rows=rows, cols=columns, **subplots) if (rows, columns) != (1, 1) or subplots else go.Figure()
    fig.update_layout(
        template=TEMPLATE,
        title={"text": title, "x": 0, "xanchor": "left", "font": {"size": 15}},
        height=height,
        margin={"l": 8, "r": 8, "t": 44 if title or subplots.get("subplot_titles") else 12, "b": 8},
        legend={"orientation": "h", "x": 0, "y": 0, "xanchor": "left", "yanchor": "bottom", "yref": "container"},
        hovermode="closest",
    )
    fig.update_xaxes(nticks=6, automargin=True, title_standoff=6, title_font_size=13)
    fig.update_yaxes(nticks=6, automargin=True, title_standoff=6, title_font_size=13)
    if rows > 1 or columns > 1:
        fig.update_xaxes(title_text=x, row=rows)
        fig.update_yaxes(title_text=y, col=1)
    else:
        fig.update_layout(xaxis_title_text=x, yaxis_title_text=y)
    fig.update_annotations(font_size=13)
    return fig


def colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each data set: grey and sand for real training and hold-out, the runs in their order."""
    shelf = cycle(RUNS)
    return {name: _REAL_NAMES.get(name.casefold()) or next(shelf) for name in names}


def dash(name: str) -> str:
    """Line style of a data set: the real hold-out is dotted, all others are whole."""
    return "dot" if _REAL_NAMES.get(name.casefold()) == HOLDOUT else "solid"


def plain(name: object, most: int = 40) -> str:
    """A name from data as text that a figure shows letter by letter.

    Plotly reads a little HTML, formulas between dollar signs and ``%{...}`` in its texts; none of these may come
    from data. Names longer than `most` are shortened.

    Examples
    --------
    >>> plain("<b>S&P</b>")
    '&lt;b&gt;S&amp;P&lt;/b&gt;'
    """
    text = " ".join(str(name).split())
    text = text if len(text) <= most else text[: most - 1] + "…"
    return html.escape(text, quote=False).replace("$", "&#36;").replace("%{", "&#37;{")


def faint(colour: str, opacity: float) -> str:
    """A ``#rrggbb`` colour with an opacity."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def thin(y: Sequence[float] | Array, most: int = MOST_POINTS) -> NDArray[np.intp]:
    """Positions of at most about `most` values that keep the look of a long line.

    The line is cut into equal pieces, and of each the lowest and the highest value stay, so that no spike is
    lost; the ends stay too. Missing values are passed over.

    Examples
    --------
    >>> thin([0, 0, 9, 0, 0, 0, -9, 0, 0, 0], most=4)
    array([0, 2, 5, 6, 9])
    """
    values = np.asarray(y, dtype=np.float64)
    if len(values) <= most:
        return np.arange(len(values))
    edges = np.linspace(0, len(values), most // 2 + 1).astype(int)
    known = np.isfinite(values)
    low, high = np.where(known, values, np.inf), np.where(known, values, -np.inf)
    kept = {0, len(values) - 1}
    for a, b in pairwise(edges):
        kept |= {a + int(low[a:b].argmin()), a + int(high[a:b].argmax())}
    return np.array(sorted(kept), dtype=np.intp)


def log_axis(fig: go.Figure) -> None:
    """Make the upright axes logarithmic, with labels that suit how many decades they span."""
    values = np.concatenate([np.asarray(trace.y, dtype=np.float64) for trace in fig.data])
    values = values[values > 0]
    decades = np.log10(values.max() / values.min()) if values.size else 0
    fig.update_yaxes(type="log")
    if decades > 1:
        fig.update_yaxes(dtick="D2" if decades < 2 else 1)  # 1, 2, 5, 10, or 1, 10, 100


def name_cells(fig: go.Figure, side: str = "bottom") -> None:
    """Give a map a name to every row and column, the first row on top."""
    fig.update_yaxes(autorange="reversed", showgrid=False, nticks=0, type="category")
    fig.update_xaxes(showgrid=False, nticks=0, type="category", side=side)


def words(*parts: str) -> str:
    """The parts that are not empty, made safe, with commas between: the title of an axis."""
    return ", ".join(plain(part) for part in parts if part)


def line(
    x: Any, y: Any, name: str, colour: str, width: float = 1.5, style: str = "solid", opacity: float = 1.0, **more: Any
) -> go.Scatter:
    """A line; `name` is made safe here, and long lines are thinned."""
    y = np.asarray(y, dtype=np.float64)
    kept = thin(y)
    return go.Scatter(
        x=np.asarray(x)[kept],
        y=y[kept],
        name=plain(name),
        mode="lines",
        line={"color": colour, "width": width, "dash": style},
        opacity=opacity,
        **more,
    )
