"""Curves: what a data set looks like on one axis, so that scores can be seen as well as read.

A curve is one decorated function of one data set. The report draws it for real and synthetic data over the band that
the oracle's own paths cover.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from synthfin_core.evaluation.metric import Array, Needs


class Points(NamedTuple):
    """A curve of one data set: positions `at (k,)`, the same for every data set of the same shape, and `y (k, d)`."""

    at: Array
    y: Array


@dataclass(frozen=True)
class Curve:
    """A registered curve.

    Attributes
    ----------
    name, title, x_title, y_title : str
        The key in `CURVES`, and the words in the figure.
    x_log, y_log : bool
        Logarithmic axes.
    function : callable
        `f(x (n, t, d)) -> Points`.
    needs : Needs
        Which series it shows, and the shortest window.
    """

    name: str
    title: str
    x_title: str
    y_title: str
    x_log: bool
    y_log: bool
    function: Callable[[Array], Points]
    needs: Needs = field(default_factory=Needs)


CURVES: dict[str, Curve] = {}


def curve(
    *,
    name: str,
    title: str,
    x_title: str,
    y_title: str,
    x_log: bool = False,
    y_log: bool = False,
    needs: Needs | None = None,
) -> Callable[[Callable[[Array], Points]], Callable[[Array], Points]]:
    """Register the decorated function under `name`; see `Curve` for the meaning of the arguments."""

    def register(function: Callable[[Array], Points]) -> Callable[[Array], Points]:
        CURVES[name] = Curve(name, title, x_title, y_title, x_log, y_log, function, needs or Needs())
        return function

    return register
