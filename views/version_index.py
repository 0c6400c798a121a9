"""The items of a version as a table to look through: what each asks, and what it is sorted by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from goldloop.printable import printable
from goldloop.versions import Item
from views.diff_rows import value_text

ASKED, LABEL, SEARCHED = 160, 80, 2_000


@dataclass(frozen=True, slots=True)
class IndexedItem:
    """A line of the table.

    `asked` and `labels` are bounded; `searched` is what a search looks through, in lower case: the
    id, and the first 2,000 characters of what is asked, expected and labelled.
    """

    sample_id: str
    asked: str
    tags: tuple[str, ...]
    difficulty: str | None
    source: str | None
    state: str | None
    agreement_rate: float | None
    annotators: int | None
    labels: tuple[tuple[str, str], ...]
    searched: str


def index_items(items: Iterable[Item]) -> list[IndexedItem]:
    """The items of a version, in their order."""
    known: dict[Any, Any] = {}
    return [_indexed(item, known) for item in items]


def _indexed(item: Item, known: dict[Any, Any]) -> IndexedItem:
    asked, evidence = value_text(item.get("user_input")), item.get("evidence")
    evidence = evidence if isinstance(evidence, Mapping) else {}
    labels = _labels(item["labels"])
    tags = tuple(map(str, item.get("tags") or ()))
    return IndexedItem(
        str(item["sample_id"]),
        printable(asked[: ASKED * 4], ASKED),
        # Few tags and labels, and many items: each is held once.
        known.setdefault(tags, tags),
        item.get("difficulty"),
        item.get("source"),
        evidence.get("state"),
        evidence.get("agreement_rate"),
        evidence.get("annotators"),
        known.setdefault(labels, labels),
        _searched(item, asked),
    )


def _labels(labels: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (printable(name, LABEL), printable(value_text(value)[: LABEL * 4], LABEL))
        for name, value in sorted(labels.items())
    )


def _searched(item: Item, asked: str) -> str:
    """One text after the other; a line break keeps a search from reaching over two of them."""
    texts = (str(item["sample_id"]), asked, str(item.get("expected_response") or ""))
    given = " ".join(value_text(value) for value in item["labels"].values())
    return "\n".join(text[:SEARCHED] for text in (*texts, given)).casefold()
