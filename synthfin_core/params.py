"""Settings as frozen dataclasses: one declaration makes the form, the flag, the JSON and the documentation.

Each field is declared with `param`: a default, bounds, a unit and one plain sentence of help.

>>> from dataclasses import dataclass
>>> @dataclass(frozen=True)
... class Example(Config):
...     epochs: int = param(60, "Passes over the training windows.", ge=1, le=10_000)
>>> Example(epochs=5).to_dict()
{'epochs': 5}
>>> Example(epochs=0)
Traceback (most recent call last):
synthfin_core.errors.SettingError: epochs is 0, expected a whole number from 1 to 10000.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Self, get_type_hints

from synthfin_core.errors import SettingError

Value = int | float | str | bool


@dataclass(frozen=True)
class Param:
    """One setting: what a form, a flag or a document needs to know about it.

    Attributes
    ----------
    name, label : str
        The field's name and the words shown for it.
    type : type
        `int`, `float`, `str` or `bool`.
    default : int, float, str or bool
    help : str
        One plain sentence.
    ge, le : float or None
        Smallest and largest value allowed, both included.
    choices : tuple of str
        Allowed values of a `str` setting.
    most_numbers : int
        A `str` setting that lists whole numbers between `ge` and `le`, such as ``"5, 21"``, holds at most so many.
    unit : str
        For example ``"epochs"``; empty when the number has none.
    log : bool
        The useful values span decades: show them on a logarithmic scale.
    advanced : bool
        Shown folded away.
    """

    name: str
    label: str
    type: type
    default: Value
    help: str
    ge: float | None = None
    le: float | None = None
    choices: tuple[str, ...] = ()
    most_numbers: int = 0
    unit: str = ""
    log: bool = False
    advanced: bool = False

    def expected(self) -> str:
        """The allowed values in words."""
        if self.type is bool:
            return "true or false"
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.most_numbers:
            return f"nothing, or up to {self.most_numbers} whole numbers from {self.ge} to {self.le} between commas"
        kind = {int: "a whole number", float: "a number", str: "text"}[self.type]
        if self.ge is not None and self.le is not None:
            return f"{kind} from {self.ge} to {self.le}"
        if self.ge is not None:
            return f"{kind} of at least {self.ge}"
        if self.le is not None:
            return f"{kind} of at most {self.le}"
        return kind

    def check(self, value: object) -> Value:
        """Return `value` as this setting's type, or raise.

        Raises
        ------
        SettingError
            If the type is wrong or the value is out of bounds.
        """
        if self.type is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if self.type is int and isinstance(value, float) and value.is_integer():
            value = int(value)
        right_type = isinstance(value, self.type) and not (self.type is not bool and isinstance(value, bool))
        if not right_type or not self._within(value):
            raise SettingError(f"{self.name} is {value!r}, expected {self.expected()}.")
        return value  # type: ignore[return-value]

    def _within(self, value: object) -> bool:
        if self.choices:
            return value in self.choices
        if self.most_numbers and self.ge is not None and self.le is not None:
            try:
                numbers = whole_numbers(str(value))
            except ValueError:
                return False
            return len(numbers) <= self.most_numbers and all(self.ge <= number <= self.le for number in numbers)
        if isinstance(value, float) and not math.isfinite(value):
            return False
        if isinstance(value, int | float) and not isinstance(value, bool):
            return (self.ge is None or value >= self.ge) and (self.le is None or value <= self.le)
        return True


def whole_numbers(text: str) -> tuple[int, ...]:
    """The numbers of a setting that lists them.

    Examples
    --------
    >>> whole_numbers("5, 21")
    (5, 21)
    >>> whole_numbers("")
    ()
    """
    return tuple(int(part) for part in text.split(",")) if text.strip() else ()


def param(
    default: Value,
    help: str,
    *,
    label: str = "",
    ge: float | None = None,
    le: float | None = None,
    choices: tuple[str, ...] = (),
    most_numbers: int = 0,
    unit: str = "",
    log: bool = False,
    advanced: bool = False,
) -> Any:
    """Declare one field of a `Config`; see `Param` for the meaning of the arguments."""
    extra = dict(
        help=help, label=label, ge=ge, le=le, choices=choices, most_numbers=most_numbers, unit=unit, log=log,
        advanced=advanced,
    )  # fmt: skip
    return dataclasses.field(default=default, metadata={"param": extra})


@dataclass(frozen=True)
class Config:
    """Base of every generator's settings: checked when made, made from and turned into plain values."""

    def __post_init__(self) -> None:
        for setting in self.params():
            object.__setattr__(self, setting.name, setting.check(getattr(self, setting.name)))

    @classmethod
    def params(cls) -> list[Param]:
        """The settings in the order in which they were declared."""
        return list(_declared(cls))  # type: ignore[arg-type]  # mypy reads the hash of instances

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Make a config from plain values.

        Raises
        ------
        SettingError
            If a name is unknown or a value is out of bounds.
        """
        known = [setting.name for setting in cls.params()]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise SettingError(f"Unknown setting {unknown[0]!r}; {cls.__name__} has {', '.join(known)}.")
        return cls(**values)

    def to_dict(self) -> dict[str, Value]:
        """The settings as plain values, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def tiny(cls) -> Self:
        """Settings that fit in about a second, for tests."""
        return cls()

    @classmethod
    def presets(cls) -> dict[str, Self]:
        """Named settings to start from; the first one is what is recommended."""
        return {"recommended": cls()}


@cache
def _declared(config: type[Config]) -> tuple[Param, ...]:
    hints = get_type_hints(config)
    found = []
    for field in dataclasses.fields(config):
        extra = dict(field.metadata["param"])
        label = extra.pop("label") or field.name.replace("_", " ").capitalize()
        found.append(Param(name=field.name, label=label, type=hints[field.name], default=_default(field), **extra))
    return tuple(found)


def _default(field: dataclasses.Field[Any]) -> Value:
    if field.default is dataclasses.MISSING:
        raise TypeError(f"setting {field.name} was declared without param()")
    return field.default  # type: ignore[no-any-return]
