"""The JSON Schema of an item of a dataset version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from goldloop.fields import Field, FieldKind
from goldloop.samples import DIFFICULTIES, ROLES, SOURCES

_TEXT, _TEXT_OR_NULL = {"type": "string"}, {"type": ["string", "null"]}
_NUMBER_OR_NULL = {"type": ["number", "null"]}
_CALLS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["name", "arguments"],
        "properties": {"name": _TEXT, "arguments": {"type": "object"}},
    },
}
_MESSAGE = {
    "type": "object",
    "required": ["role"],
    "properties": {"role": {"enum": list(ROLES)}, "content": _TEXT_OR_NULL},
}


def item_schema(fields: Iterable[Field]) -> dict[str, Any]:
    """What every line of the data is, with the answers that the labelling interface allows.

    It follows draft 2020-12. A label may be missing: nothing stands there. Keys that are not named
    are allowed, so that it also holds for what a newer version says of an item.
    """
    labels = {field.name: _label(field) for field in fields}
    properties = {
        "sample_id": {"type": "string", "minLength": 1},
        "user_input": _TEXT,
        "conversation": {"type": "array", "items": _MESSAGE},
        "expected_response": _TEXT_OR_NULL,
        "expected_tool_calls": {"anyOf": [_CALLS, {"type": "null"}]},
        "difficulty": {"enum": [*DIFFICULTIES, None]},
        "tags": {"type": "array", "items": _TEXT},
        "source": {"enum": list(SOURCES)},
        "cluster_id": _TEXT_OR_NULL,
        "metadata": {"type": "object"},
        "labels": {"type": "object", "properties": labels},
        "evidence": _evidence(),
        "selection": {"anyOf": [_selection(), {"type": "null"}]},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An item of a Goldloop dataset version",
        "type": "object",
        "required": list(properties),
        "properties": properties,
    }


def _evidence() -> Mapping[str, Any]:
    return {
        "description": "How the labels came about; no part of a fingerprint.",
        "type": "object",
        "required": ["state"],
        "properties": {
            "state": _TEXT,
            "agreement_rate": _NUMBER_OR_NULL,
            "annotators": {"type": "integer", "minimum": 0},
            "mean_confidence": _NUMBER_OR_NULL,
            "disputed_fields": {"type": "array", "items": _TEXT},
            "methods": {"type": "object", "additionalProperties": _TEXT},
            "annotations": {"type": "array", "items": {"type": "object"}},
        },
    }


def _selection() -> Mapping[str, Any]:
    return {
        "description": "Why it was labelled; a mean that counts each item by its weight speaks for"
        " the whole pool.",
        "type": "object",
        "properties": {
            "round": {"type": "integer", "minimum": 1},
            "reason": _TEXT,
            "inclusion_probability": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
            "weight": _NUMBER_OR_NULL,
        },
    }


def _label(field: Field) -> Mapping[str, Any]:
    match field.kind:
        case FieldKind.SINGLE_CHOICE:
            return {"enum": list(field.options)} if field.options else _TEXT
        case FieldKind.MULTIPLE_CHOICE:
            return {"type": "array", "items": _TEXT, "uniqueItems": True}
        case FieldKind.TAXONOMY:
            return {"type": "array", "items": {"type": "array", "items": _TEXT}}
        case FieldKind.RATING | FieldKind.NUMBER:
            return {"type": "number"}  # the mean of several people's
        case FieldKind.PAIRWISE:
            return {"enum": ["left", "right"]}
    return _TEXT
