import numpy as np
import pytest

from synthfin_core.plots import style
from synthfin_core.rng import stream


def test_real_data_have_their_own_colours_and_runs_keep_their_order():
    found = style.colours(["Real training", "vae", "real hold-out", "gan"])
    assert found == {
        "Real training": style.REAL,
        "vae": style.RUNS[0],
        "real hold-out": style.HOLDOUT,
        "gan": style.RUNS[1],
    }
    assert style.dash("Real hold-out") == "dot"
    assert style.dash("vae") == "solid"
    assert len(style.colours([f"run {i}" for i in range(20)])) == 20


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("S&P 500", "S&amp;P 500"),
        ("<a href='x'>y</a>", "&lt;a href='x'&gt;y&lt;/a&gt;"),
        ("$x$ and $y$", "&#36;x&#36; and &#36;y&#36;"),
        ("%{customdata}", "&#37;{customdata}"),
        ("two\nlines", "two lines"),
        ("x" * 50, "x" * 39 + "…"),
    ],
)
def test_names_are_shown_letter_by_letter(name, shown):
    assert style.plain(name) == shown


def test_thinning_keeps_extremes_and_ends():
    y = stream(0, "line").standard_normal(100_000)
    y[31_415], y[92_653] = 50.0, -50.0
    y[5:50] = np.nan
    kept = style.thin(y, most=2000)
    assert len(kept) <= 2002
    assert {0, 31_415, 92_653, 99_999} <= set(kept.tolist())
    assert (np.diff(kept) > 0).all()
    for piece in np.array_split(np.arange(100_000), 1000):
        assert np.nanmax(y[piece]) in y[kept]


def test_short_lines_stay_whole():
    assert style.thin(np.arange(2000.0)).tolist() == list(range(2000))


def test_figures_have_no_background_and_leave_colours_of_text_to_the_theme():
    layout = style.figure("Title", "x", "y").to_dict()["layout"]
    assert layout["template"]["layout"]["paper_bgcolor"] == "rgba(0,0,0,0)"
    assert layout["template"]["layout"]["plot_bgcolor"] == "rgba(0,0,0,0)"
    assert "font" not in layout
    assert layout["legend"]["orientation"] == "h"
    assert "width" not in layout
    assert layout["xaxis"]["nticks"] == 6
