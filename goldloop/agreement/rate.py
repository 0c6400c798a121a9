"""The agreement rate of a task: the share of its fields on which all annotators agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from goldloop.canonical import normalise_text
from goldloop.fields import Field, FieldKind, Value


def comparable(field: Field, value: Value) -> Value:
    """The form in which two answers to a field are compared: text without case and spacing."""
    if field.kind is FieldKind.TEXT and isinstance(value, str):
        return normalise_text(value)
    return value


def all_equal(field: Field, values: Sequence[Value]) -> bool | None:
    """Whether all answers to one field are the same; None with fewer than two answers."""
    if len(values) < 2:
        return None
    return len({comparable(field, value) for value in values}) == 1


def agreement_rate(votes: Mapping[Field, Sequence[Value]]) -> float | None:
    """The share of fields on which all annotators agree, among the fields with two answers or more.

    None when no field has two.
    """
    verdicts = [all_equal(field, values) for field, values in votes.items()]
    judged = [verdict for verdict in verdicts if verdict is not None]
    return sum(judged) / len(judged) if judged else None
