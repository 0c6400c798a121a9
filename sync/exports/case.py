"""What an item says in the shapes that several formats share: its chat messages, its facts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from goldloop.records import read_sample_record
from goldloop.samples import Message, Sample, ToolCall, asked_turns
from goldloop.verification import verified_by
from goldloop.versions import Item

_EVIDENCE = ("agreement_rate", "annotators", "disputed_fields")


def origin(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The version that an export is made of: its name and both fingerprints."""
    return {
        "dataset": manifest["dataset"],
        "version": manifest["version"],
        "content_fingerprint": manifest["fingerprints"]["content"],
        "labels_fingerprint": manifest["fingerprints"]["labels"],
    }


def selected(item: Item) -> dict[str, Any]:
    """The design's three columns: a mean over the items that counts each by its weight speaks for
    the whole pool. Without a weight an item was labelled by no design; leave it out of such a mean.
    """
    selection = item.get("selection") or {}
    chance = selection.get("inclusion_probability")
    return {
        "inclusion_probability": chance,
        "weight": 1.0 / chance if chance else None,
        "selection_reason": selection.get("reason", "manual" if verified_by(item) else None),
    }


def slices(item: Item) -> list[str]:
    """The slices that an item belongs to, as `difficulty:hard` and `tag:refund`."""
    difficulty = item.get("difficulty")
    named = [f"difficulty:{difficulty}"] if difficulty else []
    return named + [f"tag:{tag}" for tag in item.get("tags") or ()]


def state(item: Item) -> str:
    """How the item's labels came to stand: agreed, adjudicated, or unverified where nobody said."""
    said = (item.get("evidence") or {}).get("state")
    return str(said) if said else "unverified"


def facts(item: Item, source: Mapping[str, Any]) -> dict[str, Any]:
    """All that is known of an item beside what is asked, for a format's free metadata.

    `source` is the version's origin. Who annotated stays at home: only how many they were. The
    item's own metadata is nested under `metadata`, so that no key of it can hide one of ours.
    """
    evidence = item.get("evidence") or {}
    return {
        "sample_id": item["sample_id"],
        "expected_response": item.get("expected_response"),
        "expected_tool_calls": item.get("expected_tool_calls"),
        "labels": item["labels"],
        "difficulty": item.get("difficulty"),
        "tags": list(item.get("tags") or ()),
        "slices": slices(item),
        "source": item.get("source"),
        "cluster_id": item.get("cluster_id"),
        **selected(item),
        "selection_round": (item.get("selection") or {}).get("round"),
        "state": state(item),
        "verified_by": list(verified_by(item)),
        **{key: evidence.get(key) for key in _EVIDENCE},
        **source,
        "metadata": item.get("metadata") or {},
    }


def case_of(item: Item) -> Sample:
    """The item's sample: what is asked and what is expected."""
    return read_sample_record(item)


def turns(item: Item) -> list[Message]:
    """Every turn up to what is asked, each tool call with an id and each answer naming its call.

    Ids that the conversation has are kept. A call without one gets `call_<turn>_<number>`, and an
    answer that names none belongs to the oldest call that nobody answered yet: the chat formats
    want both.
    """
    waiting: list[str] = []
    linked = []
    for number, message in enumerate(asked_turns(case_of(item))):
        calls = tuple(
            replace(call, call_id=call.call_id or f"call_{number}_{i}")
            for i, call in enumerate(message.tool_calls)
        )
        answers = message.tool_call_id
        if message.role == "tool" and answers is None and waiting:
            answers = waiting[0]
        waiting = [one for one in waiting if one != answers]
        waiting += [call.call_id for call in calls if call.call_id]
        linked.append(replace(message, tool_calls=calls, tool_call_id=answers))
    return linked


def chat(item: Item) -> list[dict[str, Any]]:
    """The turns up to what is asked as OpenAI chat messages."""
    return [_chat_message(message) for message in turns(item)]


def _chat_message(message: Message) -> dict[str, Any]:
    content = message.content
    if content is None and not message.tool_calls:
        content = ""
    record: dict[str, Any] = {"role": message.role, "content": content}
    if message.tool_calls:
        record["tool_calls"] = [chat_call(call) for call in message.tool_calls]
    if message.tool_call_id:
        record["tool_call_id"] = message.tool_call_id
    if message.name and message.role != "tool":
        record["name"] = message.name
    return record


def chat_call(call: ToolCall) -> dict[str, Any]:
    """A tool call in OpenAI's form, whose arguments are JSON text.

    >>> chat_call(ToolCall("find", {"id": 7}, "c1"))["function"]
    {'name': 'find', 'arguments': '{"id": 7}'}
    """
    unparsed = call.arguments.get("__unparsed__")
    text = unparsed if isinstance(unparsed, str) else as_json(call.arguments)
    return {
        "id": call.call_id,
        "type": "function",
        "function": {"name": call.name, "arguments": text},
    }


def as_json(value: object) -> str:
    """`value` as JSON on one line, its characters as they are."""
    return json.dumps(value, ensure_ascii=False)


def not_gradable(item: Item) -> str | None:
    """Why nothing can be compared with an answer to this item; None where something can."""
    if item.get("expected_response") or item.get("expected_tool_calls") is not None:
        return None
    return "nothing is expected of them"


def no_expected_response(item: Item) -> str | None:
    """Why an answer's text cannot be compared; None where it can."""
    return None if item.get("expected_response") else "no response is expected of them"


def anything(item: Item) -> str | None:  # noqa: ARG001
    """A format that takes every item."""
    return None
