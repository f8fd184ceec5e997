"""What a reader says about a file: notes on what it did, and questions where the file allows two readings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from synthfin_core.errors import SettingError

#: Answer for `ReadingHints.date_column` when no column holds dates.
NO_DATES = "no dates"

_ANSWERS = {"date_order": ("day first", "month first"), "decimal": ("point", "comma"), "layout": ("wide", "long")}


@dataclass(frozen=True)
class ReadingHints:
    """Answers to a reader's questions; what is None is decided from the file.

    Attributes
    ----------
    date_column : str or None
        Name of the column with the dates, or ``"no dates"``.
    date_order : str or None
        ``"day first"`` or ``"month first"``, for dates such as 03/04/2020.
    decimal : str or None
        ``"point"`` or ``"comma"``, for numbers such as 1,234.
    layout : str or None
        ``"wide"`` for one column a series, ``"long"`` for one row a date and series.
    value_column : str or None
        The column or price field to use where each series has several.

    Raises
    ------
    SettingError
        If an answer is not one of those.
    """

    date_column: str | None = None
    date_order: str | None = None
    decimal: str | None = None
    layout: str | None = None
    value_column: str | None = None

    def __post_init__(self) -> None:
        for name, allowed in _ANSWERS.items():
            value = getattr(self, name)
            if value is not None and value not in allowed:
                raise SettingError(f"{name} is {value!r}, expected one of {', '.join(allowed)}.")

    @classmethod
    def from_answers(cls, answers: Mapping[str, str]) -> Self:
        """Hints from answers by the questions' keys.

        Raises
        ------
        SettingError
            If a key is unknown or an answer is none of the choices.
        """
        known = [part.name for part in dataclasses.fields(cls)]
        unknown = sorted(set(answers) - set(known))
        if unknown:
            raise SettingError(f"There is no question {unknown[0]!r}; there are {', '.join(known)}.")
        return cls(**answers)


@dataclass(frozen=True)
class Question:
    """Something that the file leaves open.

    Attributes
    ----------
    key : str
        Name of the field of `ReadingHints` that answers it.
    text : str
        The question in plain words.
    choices : tuple of str
    assumed : str
        The choice that the reading rests on, the user's own once there is one.
    """

    key: str
    text: str
    choices: tuple[str, ...]
    assumed: str


@dataclass
class Findings:
    """Notes and questions, gathered while a file is read; `held` is what all columns hold, where a header says so."""

    hints: ReadingHints = field(default_factory=ReadingHints)
    notes: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    held: str = ""

    def note(self, text: str) -> None:
        """Say what was done, once."""
        if text not in self.notes:
            self.notes.append(text)

    def ask(self, key: str, text: str, choices: tuple[str, ...], guess: str) -> str:
        """Ask what the file leaves open; gives the user's answer where there is one, else the guess."""
        answer = getattr(self.hints, key)
        assumed = answer if answer in choices else guess
        if all(question.key != key for question in self.questions):
            self.questions.append(Question(key, text, choices, assumed))
        return assumed


def counted(count: int, thing: str) -> str:
    """A count with its noun, for example ``"1 row"`` or ``"1,200 rows"``.

    Examples
    --------
    >>> counted(1200, "row")
    '1,200 rows'
    """
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"
