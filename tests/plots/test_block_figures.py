"""Figures of windows that are sums of parts."""

from __future__ import annotations

import numpy as np

from synthfin_core.plots.blocks import paths_beside, stacked_parts
from synthfin_core.rng import stream


def test_each_part_has_a_chart_and_the_last_is_their_sum():
    draws = stream(0, "parts")
    parts = {"level": np.full(9, 2.0), "trend": np.arange(9.0), "noise": draws.standard_normal(9)}
    figure = stacked_parts(parts, "S&P", "log return")
    lines = figure.data[1::2]
    assert [trace.name for trace in lines] == ["level", "trend", "noise", "sum"]
    for trace, part in zip(lines, parts.values(), strict=False):
        np.testing.assert_array_equal(trace.y, part)
    np.testing.assert_allclose(lines[-1].y, sum(parts.values()))
    assert [note.text for note in figure.layout.annotations] == ["level", "trend", "noise", "sum"]
    assert figure.layout.title.text == "S&amp;P, log return"


def test_paths_share_a_scale_and_a_colour_for_each_window():
    left, right = stream(0, "left").standard_normal((7, 5)), stream(0, "right").standard_normal((7, 5))
    figure = paths_beside(left, right, ("so", "and so"), "<b>", "")
    assert figure.layout.yaxis2.matches == "y"
    assert [trace.line.color for trace in figure.data[:7]] == [trace.line.color for trace in figure.data[7:]]
    np.testing.assert_array_equal(figure.data[8].y, right[1])
    assert figure.layout.yaxis.title.text == "&lt;b&gt;"
