"""braintrust: cases as JSON Lines, for Eval(data=...) or the rows of a Braintrust dataset."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from goldloop.versions import Item
from sync.exports.case import chat, facts
from sync.exports.form import Edition, Format, write_lines


def write(edition: Edition, target: Path) -> None:
    """One case a line; its id is the sample's, so that a second upload replaces the first."""
    source = edition.origin
    write_lines(target, (_case(item, source) for item in edition.items))


def _case(item: Item, source: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": item["sample_id"],
        "input": {"messages": chat(item)},
        "expected": expected(item),
        "tags": sorted(set(item.get("tags") or ())),
        "metadata": facts(item, source),
    }


def expected(item: Item) -> dict[str, Any] | None:
    """What is right: {"response", "tool_calls"}; None where nothing is expected."""
    response, calls = item.get("expected_response"), item.get("expected_tool_calls")
    if not response and calls is None:
        return None
    return {"response": response, "tool_calls": calls}


FORMAT = Format("cases of Braintrust: input, expected, tags, ...", ".braintrust.jsonl", write)
