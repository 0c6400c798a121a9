"""Make a Label Studio task's data of a sample and its run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from goldloop.errors import InterfaceError
from goldloop.samples import Message, Run, Sample
from label_config.interface import Interface
from label_config.trace import render_text, render_tool_calls, render_trace

_DEPTH = 20


# Label Studio's own name for data without a key: it refuses a whole import for it.
REFUSED_KEY = "$undefined$"


def task_data(sample: Sample, run: Run | None) -> dict[str, Any]:
    """The data of one task: our own keys, then the sample's metadata under keys that are free.

    Values are JSON and never None, which Label Studio refuses. `conversation` is a list of
    {"author", "text"} for a Paragraphs tag; the `_html` keys are escaped HTML for HyperText tags.
    Without a run, the turns of the sample are shown and the response reads as not recorded.
    """
    messages = _messages(sample, run)
    data = _texts(sample, run, messages) | _html(sample, run, messages)
    for key, value in sample.metadata.items():
        if key == REFUSED_KEY:
            continue
        data.setdefault(_storable(str(key)), "" if value is None else _json_value(value))
    return data


def check_task_data(interface: Interface, data: Mapping[str, Any]) -> None:
    """Raise InterfaceError where the interface shows a key that the task's data does not have."""
    missing = [key for key in interface.data_keys if data.get(key) is None]
    if missing:
        named = ", ".join(f"${key}" for key in missing)
        present = ", ".join(sorted(key for key, value in data.items() if value is not None))
        raise InterfaceError(
            f"the labelling interface shows {named}, but the task's data has no such key; "
            f"it has: {present or 'nothing'}. Change the interface, or add the key to the "
            "metadata of every sample."
        )


def _messages(sample: Sample, run: Run | None) -> tuple[Message, ...]:
    if run is not None and run.messages:
        return run.messages
    asked = (*sample.conversation, Message("user", sample.user_input))
    if run is not None and (run.response or run.tool_calls):
        return (*asked, Message("assistant", run.response, run.tool_calls))
    return asked


def _texts(sample: Sample, run: Run | None, messages: tuple[Message, ...]) -> dict[str, Any]:
    texts = {
        "user_input": sample.user_input,
        "response": run.response if run else None,
        "expected_response": sample.expected_response,
        "tags": ", ".join(sample.tags),
        "difficulty": sample.difficulty,
        "source": sample.source,
    }
    turns = [
        {"author": message.name or message.role, "text": message.content or ""}
        for message in messages
    ]
    stored = {key: _storable(text or "") for key, text in texts.items()}
    return {"sample_id": sample.sample_id, **stored, "conversation": _json_value(turns)}


def _html(sample: Sample, run: Run | None, messages: tuple[Message, ...]) -> dict[str, str]:
    no_response = "No response recorded."
    if run is not None and run.error:
        no_response = f"The agent failed: {run.error[:2_000]}"
    return {
        "trace_html": render_trace(messages),
        "response_html": render_text(run.response if run else None, no_response),
        "expected_html": render_text(sample.expected_response, "No expected response recorded."),
        "tool_calls_html": render_tool_calls(run.tool_calls if run else None),
        "expected_tool_calls_html": render_tool_calls(sample.expected_tool_calls),
    }


def _json_value(value: Any, depth: int = _DEPTH) -> Any:
    """`value` as JSON that any server can store; what nests too deep is shown as text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth and isinstance(value, Mapping):
        return {_storable(str(key)): _json_value(item, depth - 1) for key, item in value.items()}
    if depth and isinstance(value, list | tuple):
        return [_json_value(item, depth - 1) for item in value]
    return _storable(str(value))


def _storable(text: str) -> str:
    # PostgreSQL refuses NUL, and a lone surrogate cannot be sent as UTF-8.
    return text.replace("\x00", "\u2400").encode("utf-8", "replace").decode("utf-8")
