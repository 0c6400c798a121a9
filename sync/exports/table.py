"""A version as a table: its columns, their types, and a row for each item.

Columns that tables have no type for (the item's own metadata, all labels at once, the arguments of
a tool call) are JSON text. Each question of the labelling interface also has a column of its own,
`label_<question>`, in the type of its answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from goldloop.errors import InterfaceError
from goldloop.fields import Field, FieldKind
from goldloop.versions import Item
from label_config.values import MisfitError, fit
from sync.exports.case import as_json, facts
from sync.exports.form import Edition


class Column(StrEnum):
    """What a column holds; any value may be null."""

    TEXT = "text"
    TEXTS = "list of texts"
    PATHS = "list of lists of texts"
    INTEGER = "whole number"
    NUMBER = "number"
    CALLS = "list of {name, arguments, id}"
    TURNS = "list of {role, content, tool_calls, tool_call_id, name}"


BEFORE_LABELS: Mapping[str, Column] = {
    "sample_id": Column.TEXT,
    "user_input": Column.TEXT,
    "conversation": Column.TURNS,
    "expected_response": Column.TEXT,
    "expected_tool_calls": Column.CALLS,
    "difficulty": Column.TEXT,
    "tags": Column.TEXTS,
    "slices": Column.TEXTS,
    "source": Column.TEXT,
    "cluster_id": Column.TEXT,
    "metadata": Column.TEXT,
    "labels": Column.TEXT,
}
AFTER_LABELS: Mapping[str, Column] = {
    "state": Column.TEXT,
    "agreement_rate": Column.NUMBER,
    "annotators": Column.INTEGER,
    "disputed_fields": Column.TEXTS,
    "inclusion_probability": Column.NUMBER,
    "weight": Column.NUMBER,
    "selection_reason": Column.TEXT,
    "selection_round": Column.INTEGER,
    "dataset": Column.TEXT,
    "version": Column.TEXT,
    "content_fingerprint": Column.TEXT,
    "labels_fingerprint": Column.TEXT,
}
_ANSWERS = {
    FieldKind.MULTIPLE_CHOICE: Column.TEXTS,
    FieldKind.TAXONOMY: Column.PATHS,
    FieldKind.RATING: Column.INTEGER,
    FieldKind.NUMBER: Column.NUMBER,
}


def questions(edition: Edition) -> tuple[Field, ...]:
    """The questions that get a column; none of an interface that cannot be read any more."""
    try:
        return edition.interface.fields
    except InterfaceError:
        return ()


def columns(fields: tuple[Field, ...]) -> dict[str, Column]:
    """Every column and its type, in order."""
    labels = {f"label_{field.name}": _ANSWERS.get(field.kind, Column.TEXT) for field in fields}
    return {**BEFORE_LABELS, **labels, **AFTER_LABELS}


def row(item: Item, source: Mapping[str, Any], fields: tuple[Field, ...]) -> dict[str, Any]:
    """An item by column. A label that its question does not allow is only in `labels`."""
    known = facts(item, source)
    labels = {f"label_{field.name}": _answer(field, item["labels"]) for field in fields}
    expected = item.get("expected_tool_calls")
    return {
        **known,
        **labels,
        "user_input": item.get("user_input"),
        "conversation": [_turn(turn) for turn in item.get("conversation") or ()],
        "expected_tool_calls": None if expected is None else [_call(call) for call in expected],
        "metadata": as_json(known["metadata"]),
        "labels": as_json(item["labels"]),
        "disputed_fields": list(known["disputed_fields"] or ()),
    }


def _answer(field: Field, labels: Mapping[str, Any]) -> Any:
    value = labels.get(field.name)
    if value is None:
        return None
    try:
        return fit(field, value)
    except MisfitError:
        return None


def _turn(turn: Mapping[str, Any]) -> dict[str, Any]:
    calls = [_call(call) for call in turn.get("tool_calls") or ()]
    return {**turn, "tool_calls": calls}


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    return {**call, "arguments": as_json(call["arguments"])}
