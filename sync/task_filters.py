"""Filters of Label Studio's Data Manager, and lists that fit into an address."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

FILTER_BYTES = 2000


def task_filter(column: str, operator: str, kind: str, value: object) -> Mapping[str, object]:
    """A filter of the Data Manager."""
    return {
        "filter": f"filter:tasks:{column}",
        "operator": operator,
        "type": kind,
        "value": value,
    }


def in_parts(texts: Iterable[str]) -> Iterator[list[str]]:
    """The texts in lists that are short in an address."""
    part: list[str] = []
    size = 0
    for text in texts:
        weight = len(quote(json.dumps(text))) + 6
        if part and size + weight > FILTER_BYTES:
            yield part
            part, size = [], 0
        part.append(text)
        size += weight
    if part:
        yield part
