"""Fields: the questions that annotators answer, free of Label Studio's wire format.

The value of an answer by kind:

    single_choice    str, one of `options`
    multiple_choice  tuple of str, sorted and without repeats, each one of `options`
    rating           int, 1 to `maximum`
    number           float, within `minimum` and `maximum` where they are set
    text             str
    pairwise         str, "left" or "right"
    taxonomy         tuple of paths, each a tuple of str from the root down, sorted
    date             str, ISO 8601
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Value: TypeAlias = str | int | float | tuple[str, ...] | tuple[tuple[str, ...], ...]
Answers: TypeAlias = Mapping[str, Value]


class FieldKind(StrEnum):
    """What sort of answer a field takes."""

    SINGLE_CHOICE = "single_choice"
    MULTIPLE_CHOICE = "multiple_choice"
    RATING = "rating"
    NUMBER = "number"
    TEXT = "text"
    PAIRWISE = "pairwise"
    TAXONOMY = "taxonomy"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Field:
    """One question of the labelling interface.

    `name` and `to_name` are the control tag's name and the object tag that it is bound to.
    `options` are the values that may be chosen (an alias where the interface gives one), in the
    interface's order. `required` is what the interface enforces on the annotator's screen.
    `conditional` is true when the question is shown only after certain answers to another one.
    """

    name: str
    kind: FieldKind
    to_name: str
    options: tuple[str, ...] = ()
    required: bool = False
    conditional: bool = False
    minimum: float | None = None
    maximum: float | None = None
