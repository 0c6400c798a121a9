"""inspect: samples of Inspect AI as JSON Lines, for inspect_ai.dataset.json_dataset(PATH).

The target is the expected response or, where only calls are expected, those calls as JSON, or that
there must be none. A scorer of tool calls reads `expected_tool_calls` in the metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from goldloop.samples import Message
from goldloop.versions import Item
from sync.exports.case import as_json, facts, not_gradable, turns
from sync.exports.form import Edition, Format, write_lines

# Inspect knows the older word alone.
_ROLES = {"developer": "system"}
# An empty target, or one of punctuation alone, is in every answer: it would always be right.
NO_CALL = "no tool call"


def write(edition: Edition, target: Path) -> None:
    """One sample a line."""
    source = edition.origin
    write_lines(target, (_sample(item, source) for item in edition.items))


def _sample(item: Item, source: Mapping[str, Any]) -> dict[str, Any]:
    asked = turns(item)
    calls = item.get("expected_tool_calls")
    return {
        "id": item["sample_id"],
        "input": asked[0].content if len(asked) == 1 else [_message(turn) for turn in asked],
        "target": item.get("expected_response") or (as_json(calls) if calls else NO_CALL),
        "metadata": facts(item, source),
    }


def _message(message: Message) -> dict[str, Any]:
    record: dict[str, Any] = {
        "role": _ROLES.get(message.role, message.role),
        "content": message.content or "",
    }
    if message.tool_calls:
        record["tool_calls"] = [
            {"id": call.call_id, "function": call.name, "arguments": call.arguments}
            for call in message.tool_calls
        ]
    if message.role == "tool":
        record |= {"tool_call_id": message.tool_call_id, "function": message.name}
    return record


FORMAT = Format(
    "samples of Inspect AI, for json_dataset(PATH)", ".inspect.jsonl", write, refuses=not_gradable
)
