"""What an agent is asked: the turns of a sample, in the chat form that agents know.

Only the question leaves: what was expected, the tags and the metadata stay here.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from agents.texts import clean_text
from goldloop.samples import Message, Sample, ToolCall, asked_turns

UNPARSED = "__unparsed__"


def question(sample: Sample) -> dict[str, Any]:
    """What a callable or an HTTP endpoint is given: JSON, and none of the expected behaviour.

    `messages` ends with the user's input, so it can be passed to a model as it is.
    """
    return {
        "sample_id": sample.sample_id,
        "user_input": clean_text(sample.user_input),
        "messages": chat_messages(asked_turns(sample)),
    }


def chat_messages(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """The messages as OpenAI's chat completions take them.

    Tool calls without an id get one, and tool answers without one take the ids of the calls before
    them in order, because endpoints refuse turns that do not fit together.
    """
    records = []
    open_ids: deque[str] = deque()
    for number, message in enumerate(messages):
        record: dict[str, Any] = {"role": message.role, "content": _content(message.content)}
        if message.tool_calls:
            calls = [_call(call, f"call_{number}_{n}") for n, call in enumerate(message.tool_calls)]
            open_ids = deque(call["id"] for call in calls)
            record["tool_calls"] = calls
        if message.role == "tool":
            record["tool_call_id"] = message.tool_call_id or _next(open_ids, f"call_{number}")
        if message.name:
            record["name"] = clean_text(message.name)
        records.append(record)
    return records


def _content(content: str | None) -> str | None:
    return None if content is None else clean_text(content)


def _next(open_ids: deque[str], otherwise: str) -> str:
    return open_ids.popleft() if open_ids else otherwise


def _call(call: ToolCall, otherwise: str) -> dict[str, Any]:
    function = {"name": clean_text(call.name), "arguments": _arguments(call.arguments)}
    return {"id": call.call_id or otherwise, "type": "function", "function": function}


def _arguments(arguments: Mapping[str, Any]) -> str:
    """JSON text; what could not be parsed goes back as it came."""
    if set(arguments) == {UNPARSED}:
        return str(arguments[UNPARSED])
    return json.dumps(dict(arguments), default=dict)
