"""Invertible maps between windows in their own units and what a network likes, fitted on training windows only."""

from __future__ import annotations

from importlib import import_module

from synthfin_core.errors import SettingError
from synthfin_core.representation.base import Representation

REPRESENTATIONS: dict[str, str] = {
    "standard": "synthfin_core.representation.scale:Standard",
    "gaussian": "synthfin_core.representation.gaussian:Gaussian",
    "min-max": "synthfin_core.representation.scale:MinMax",
    "levels": "synthfin_core.representation.scale:Levels",
}


def representation_class(name: str) -> type[Representation]:
    """The representation registered under `name`.

    Raises
    ------
    SettingError
        If there is none of that name.

    Examples
    --------
    >>> representation_class("min-max").levels
    True
    """
    if name not in REPRESENTATIONS:
        raise SettingError(f"No representation is called {name!r}; there are {', '.join(REPRESENTATIONS)}.")
    module, _, attribute = REPRESENTATIONS[name].partition(":")
    found: type[Representation] = getattr(import_module(module), attribute)
    return found
