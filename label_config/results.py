"""Write answers as Label Studio results, and read results back as answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from goldloop.errors import PredictionError
from goldloop.fields import Answers, Field, FieldKind, Value
from label_config.interface import Interface
from label_config.values import WIRE, MisfitError, fit, from_wire, quote, to_wire

_MERGED = (FieldKind.MULTIPLE_CHOICE, FieldKind.TAXONOMY, FieldKind.TEXT)


def write_result(interface: Interface, answers: Answers) -> list[dict[str, Any]]:
    """The result items that say `answers`, in the interface's order.

    An item's id is short and depends on its content alone. Raises PredictionError for a field that
    the interface does not ask, and for a value that does not fit its field.
    """
    for name in answers:
        if interface.field(name) is None:
            raise PredictionError(f"the labelling interface has no question {quote(name)}")
    return [
        _write(interface, field, answers[field.name])
        for field in interface.fields
        if field.name in answers
    ]


def read_result(interface: Interface, result: object) -> tuple[dict[str, Value], tuple[str, ...]]:
    """The answers of one annotation by field, and what could not be read, in words.

    Label Studio checks nothing, so neither is taken on trust: an item that does not fit becomes a
    problem and is left out, and nothing raises. An emptied answer (no star, no choice of one, no
    text) is no answer; an emptied set of choices is the empty set. Several items for one text are
    joined by newlines, for a set they are united; for any other kind they must agree.
    """
    found: dict[str, Value] = {}
    problems: list[str] = []
    contradicted: set[str] = set()
    for item in _items(result, problems):
        try:
            field, value = _read(interface, item)
            if value is not None:
                found[field.name] = _join(field, found.get(field.name), value)
        except _ContradictionError as error:
            contradicted.add(error.args[0])
        except MisfitError as error:
            problems.append(str(error))
    for name in sorted(contradicted):
        del found[name]
        problems.append(f"{quote(name)}: several answers that differ, where one is expected")
    return found, tuple(problems)


def field_of(interface: Interface, item: object) -> tuple[Field, object]:
    """The field that a result item answers and the JSON of its answer. Raises MisfitError."""
    if not isinstance(item, Mapping):
        raise MisfitError(f"{quote(item)} where a result item is expected")
    name = item.get("from_name")
    field = interface.field(name) if isinstance(name, str) else None
    if field is None:
        raise MisfitError(f"the labelling interface has no question {quote(name)}")
    kind, key = WIRE[field.kind]
    if item.get("type") != kind:
        raise MisfitError(f"{quote(name)}: type {quote(item.get('type'))}, expected {kind!r}")
    value = item.get("value")
    if not isinstance(value, Mapping) or key not in value:
        raise MisfitError(f"{quote(name)}: its value has no {key!r}")
    return field, value[key]


def target(field: Field) -> str:
    """The `to_name` of a field's results: a Pairwise, which has two targets, names itself."""
    return field.name if field.kind is FieldKind.PAIRWISE else field.to_name


class _ContradictionError(Exception):
    """Two answers where there can be one; the argument is the field's name."""


def _write(interface: Interface, field: Field, value: Value) -> dict[str, Any]:
    kind, key = WIRE[field.kind]
    try:
        wire = to_wire(field, value, field.name in interface.nested)
    except MisfitError as error:
        raise PredictionError(f"{field.name}: {error}") from None
    content = json.dumps([field.name, wire])
    return {
        "id": hashlib.sha256(content.encode()).hexdigest()[:10],
        "from_name": field.name,
        "to_name": target(field),
        "type": kind,
        "value": {key: wire},
    }


def _items(result: object, problems: list[str]) -> list[object]:
    if isinstance(result, list):
        return result
    if result is not None:
        problems.append(f"{quote(result)} where a list of result items is expected")
    return []


def _read(interface: Interface, item: object) -> tuple[Field, Value | None]:
    field, wire = field_of(interface, item)
    if _is_emptied(field, wire):
        return field, None
    try:
        return field, from_wire(field, _loosened(field, wire), field.name in interface.nested)
    except MisfitError as error:
        raise MisfitError(f"{quote(field.name)}: {error}") from None


def _is_emptied(field: Field, wire: object) -> bool:
    """Whether an annotator took the answer back: Label Studio keeps the item, without a value."""
    if wire is None:
        return True
    if field.kind is FieldKind.RATING:
        return isinstance(wire, int | float) and not isinstance(wire, bool) and wire == 0
    if field.kind is FieldKind.PAIRWISE:
        return wire == "none"
    return wire == [] and field.kind in (FieldKind.SINGLE_CHOICE, FieldKind.TEXT)


def _loosened(field: Field, wire: object) -> object:
    # Older versions and scripts write a bare string where Label Studio now writes a list.
    listed = (FieldKind.SINGLE_CHOICE, FieldKind.MULTIPLE_CHOICE, FieldKind.TEXT)
    return [wire] if field.kind in listed and isinstance(wire, str) else wire


def _join(field: Field, before: Value | None, value: Value) -> Value:
    if before is None or before == value:
        return value
    if field.kind not in _MERGED:
        raise _ContradictionError(field.name)
    if isinstance(before, tuple) and isinstance(value, tuple):
        return fit(field, (*before, *value))
    return f"{before}\n{value}"
