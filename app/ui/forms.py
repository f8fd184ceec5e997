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

    Parameters
    ----------
    settings : type of Config
    key : str
        Prefix of the widgets' keys, unique on the page.
    """
    presets = settings.presets()
    if len(presets) > 1:
        st.segmented_control(
            "Start from",
            list(presets),
            default=next(iter(presets)),
            required=True,
            key=f"{key}-preset",
            help="Fills in all fields below; change any of them afterwards.",
            on_change=_apply_preset,
            args=(settings, key),
        )
    start = presets[next(iter(presets))].to_dict()
    plain = [setting for setting in settings.params() if not setting.advanced]
    folded = [setting for setting in settings.params() if setting.advanced]
    values = _controls(plain, start, key)
    if folded:
        with st.expander("More settings"):
            values |= _controls(folded, start, key)
    return {setting.name: values[setting.name] for setting in settings.params()}


def _apply_preset(settings: type[Config], key: str) -> None:
    chosen = settings.presets()[st.session_state[f"{key}-preset"]].to_dict()
    for name, value in chosen.items():
        st.session_state[f"{key}-{name}"] = value


def _controls(fields: Sequence[Param], start: dict[str, Value], key: str) -> dict[str, Value]:
    values: dict[str, Value] = {}
    columns = st.columns(COLUMNS)
    for index, setting in enumerate(fields):
        with columns[index % COLUMNS]:
            values[setting.name] = control(setting, start[setting.name], f"{key}-{setting.name}")
    return values


def control(setting: Param, start: Value, key: str) -> Value:
    """Draw one control and return its value."""
    named = setting.unit and setting.unit not in setting.label.lower()
    label = f"{setting.label} ({setting.unit})" if named else setting.label
    given: dict[str, Any] = {"key": key, "help": setting.help}
    if key not in st.session_state:
        st.session_state[key] = start
    if setting.type is bool:
        return st.toggle(label, **given)
    if setting.choices:
        return str(st.selectbox(label, setting.choices, **given))
    if setting.type is str:
        return str(st.text_input(label, **given))
    if setting.type is int:
        low, high = _whole(setting.ge), _whole(setting.le)
        return int(st.number_input(label, min_value=low, max_value=high, step=_whole_step(setting), **given) or 0)
    return float(
        st.number_input(label, min_value=setting.ge, max_value=setting.le, step=_step(setting), format="%g", **given)
        or 0.0
    )


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
