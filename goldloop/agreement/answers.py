"""Answers to one field: rows from outside, brought into a form in which they can be compared."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from goldloop.agreement.counts import CountTable, count_table, is_missing, ordered
from goldloop.agreement.rate import comparable
from goldloop.errors import RecordError
from goldloop.fields import Field, FieldKind
from goldloop.times import instant

MOST_RATINGS = 1_000
_DAY = 86_400.0


class Answer(NamedTuple):
    """One person's answer to one task, in its comparable form, and when it was given."""

    task: Hashable
    annotator: Hashable
    value: Any
    time: datetime | None = None


def read_answers(field: Field, rows: Iterable[Sequence[Any]]) -> tuple[Answer, ...]:
    """The answers that count, ordered by task and annotator, from rows in any order.

    A row is (task, annotator, value) or (task, annotator, value, time), the time in ISO 8601. Rows
    without a value are left out. Of several answers of one person to one task the latest counts.
    Raises RecordError for a row of another length, a value that the field cannot have, a time that
    is none, and different answers of one person to one task when no time tells which is the later.
    """
    held: dict[tuple[Hashable, Hashable], Answer] = {}
    for row in rows:
        answer = _read(field, row)
        if answer is None:
            continue
        key = (answer.task, answer.annotator)
        held[key] = _later(field, held[key], answer) if key in held else answer
    tasks = {task: place for place, task in enumerate(ordered({task for task, _ in held}))}
    people = {who: place for place, who in enumerate(ordered({who for _, who in held}))}
    return tuple(
        sorted(held.values(), key=lambda answer: (tasks[answer.task], people[answer.annotator]))
    )


def by_task(answers: Sequence[Answer]) -> dict[Hashable, tuple[Answer, ...]]:
    """The answers to each task, in the order of `read_answers`."""
    return {task: tuple(same) for task, same in groupby(answers, key=attrgetter("task"))}


def table_of(field: Field, answers: Iterable[Answer]) -> CountTable:
    """The count table of answers, with the field's own options as its first columns.

    Ratings beyond the scale are sorted in, so that the order of the options is that of the ratings.
    """
    pairs = [(answer.task, answer.value) for answer in answers]
    options = scale(field)
    if options is not None and field.kind is FieldKind.RATING:
        options = ordered({*options, *(rating for _, rating in pairs)})
    return count_table(pairs, options)


def scale(field: Field) -> Sequence[Any] | None:
    """The answers that a field offers, in order; None where any may be given.

    A rating with more than 1,000 steps counts as one where any may be given.
    """
    if field.kind is FieldKind.PAIRWISE:
        return ("left", "right")
    if field.kind is FieldKind.SINGLE_CHOICE:
        return field.options
    if field.kind is FieldKind.RATING and 1 <= (field.maximum or 0) <= MOST_RATINGS:
        return tuple(range(1, int(field.maximum or 0) + 1))
    return None


def _read(field: Field, row: Sequence[Any]) -> Answer | None:
    if isinstance(row, str | Mapping) or len(row) not in (3, 4):
        raise RecordError(f"expected (task, annotator, value) or a time as well; got {row!r:.80}")
    task, annotator, value = row[:3]
    if is_missing(value):
        return None
    where = f"field {field.name}, task {task!r:.80}, annotator {annotator!r:.80}"
    try:
        form = _form(field, value)
    except (TypeError, ValueError, OverflowError):
        raise RecordError(f"{where}: {value!r:.80} is no answer to a {field.kind} field") from None
    time = row[3] if len(row) == 4 else None
    return Answer(task, annotator, form, None if time is None else _moment(time, where))


def _form(field: Field, value: Any) -> Any:
    """The value as it is compared: dates in days since 1970, sets sorted, texts folded."""
    if field.kind in (FieldKind.RATING, FieldKind.NUMBER):
        return _number(float(value))
    if field.kind is FieldKind.DATE:
        return instant(value).timestamp() / _DAY
    if field.kind is FieldKind.MULTIPLE_CHOICE:
        return tuple(sorted(set(_several(value))))
    if field.kind is FieldKind.TAXONOMY:
        return tuple(sorted({tuple(_several(path)) for path in _several(value)}))
    if not isinstance(value, str):
        raise TypeError("expected text")
    return comparable(field, value)


def _number(value: float) -> float | int:
    if not math.isfinite(value):
        raise ValueError("expected a finite number")
    return int(value) if value.is_integer() else value


def _several(value: Any) -> Any:
    if isinstance(value, str):
        raise TypeError("expected several values, not a text")
    return value


def _moment(time: Any, where: str) -> datetime:
    if isinstance(time, datetime):
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    if not isinstance(time, str):
        raise RecordError(f"{where}: the time is {time!r:.80}; expected ISO 8601")
    return instant(time, f"{where}: the time")


def _later(field: Field, held: Answer, answer: Answer) -> Answer:
    if held.time is not None and answer.time is not None and held.time != answer.time:
        return max(held, answer, key=lambda one: one.time or datetime.min.replace(tzinfo=UTC))
    if held.value == answer.value:
        return held
    raise RecordError(
        f"field {field.name}: annotator {answer.annotator!r:.80} answered task {answer.task!r:.80} "
        "twice, differently; give each answer its time, or only the one that counts"
    )
