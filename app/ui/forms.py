"""Forms made from settings: one control a field, with its bounds and its help, whatever the generator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

from synthfin_core.params import Config, Param, Value

COLUMNS = 2


def config_form(settings: type[Config], key: str) -> dict[str, Value]:
    """Draw the controls of `settings` with presets above them and return the values chosen.

    Each preset has controls of its own, so that choosing one shows its values at once and what was changed under
    another is still there.

    Parameters
    ----------
    settings : type of Config
    key : str
        Prefix of the widgets' keys, unique on the page.
    """
    presets = settings.presets()
    preset = next(iter(presets))
    if len(presets) > 1:
        preset = (
            st.segmented_control(
                "Start from",
                list(presets),
                default=preset,
                required=True,
                key=f"{key}-preset",
                persist_state="session",
                help="Fills in all fields below; change any of them afterwards.",
            )
            or preset
        )
    start = presets[preset].to_dict()
    key = f"{key}-{list(presets).index(preset)}"
    plain = [setting for setting in settings.params() if not setting.advanced]
    folded = [setting for setting in settings.params() if setting.advanced]
    values = _controls(plain, start, key)
    if folded:
        with st.expander("More settings"):
            values |= _controls(folded, start, key)
    return {setting.name: values[setting.name] for setting in settings.params()}


def _controls(fields: Sequence[Param], start: dict[str, Value], key: str) -> dict[str, Value]:
    values: dict[str, Value] = {}
    columns = st.columns(COLUMNS)
    for index, setting in enumerate(fields):
        with columns[index % COLUMNS]:
            values[setting.name] = control(setting, start[setting.name], f"{key}-{setting.name}")
    return values


def control(setting: Param, start: Value, key: str, keep: bool = True) -> Value:
    """Draw one control and return its value; `keep` holds what was typed when the page is left."""
    named = setting.unit and setting.unit not in setting.label.lower()
    label = f"{setting.label} ({setting.unit})" if named else setting.label
    given: dict[str, Any] = {"key": key, "help": setting.help, "persist_state": "session" if keep else None}
    if setting.type is bool:
        return st.toggle(label, value=bool(start), **given)
    if setting.choices:
        return str(st.selectbox(label, setting.choices, index=setting.choices.index(str(start)), **given))
    if setting.type is str:
        return str(st.text_input(label, value=str(start), **given))
    if setting.type is int:
        low, high = _whole(setting.ge), _whole(setting.le)
        step = _whole_step(setting)
        return int(st.number_input(label, min_value=low, max_value=high, value=int(start), step=step, **given) or 0)
    bounds: dict[str, Any] = {"min_value": setting.ge, "max_value": setting.le, "step": _step(setting)}
    return float(st.number_input(label, value=float(start), format="%g", **bounds, **given) or 0.0)


def _whole(bound: float | None) -> int | None:
    return None if bound is None else int(bound)


def _whole_step(setting: Param) -> int:
    """One for small numbers, ten for numbers such as epochs."""
    return 10 if isinstance(setting.default, int) and setting.default >= 50 else 1


def _step(setting: Param) -> float:
    """A tenth of the default's power of ten for numbers over decades, a twentieth of the range otherwise."""
    default = float(setting.default) or 0.1
    power = float(10.0 ** math.floor(math.log10(abs(default))))
    return power if setting.log else power / 2
