"""Messages and tool calls as JSON: OpenAI's chat form in, a plain form in and out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from goldloop.errors import RecordError
from goldloop.json_values import check_json, kind, place, shown, text_at
from goldloop.samples import ROLES, Message, ToolCall

# The deepest place of a tool call's arguments in a record, with a level to spare: arguments that
# come as text must not make the record too deep to be read again.
_AROUND_ARGUMENTS = 8


def read_messages(value: object, where: str) -> tuple[Message, ...]:
    """OpenAI chat messages; none for null.

    Of a content in parts, the texts are joined by newlines and other parts named in brackets.
    Raises RecordError that names the place.
    """
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise RecordError(f"{where} must be a list of messages, not {kind(value)}")
    return tuple(_message(item, f"{where}[{i}]") for i, item in enumerate(value))


def _message(value: object, where: str) -> Message:
    if not isinstance(value, Mapping):
        raise RecordError(f"{where} must be an object with role and content, not {kind(value)}")
    role = value.get("role")
    if role not in ROLES:
        raise RecordError(f"{where}.role must be one of {', '.join(ROLES)}, not {shown(role)}")
    return Message(
        role=role,
        content=_content(value.get("content"), f"{where}.content"),
        tool_calls=read_tool_calls(value.get("tool_calls"), f"{where}.tool_calls"),
        tool_call_id=text_at(value, "tool_call_id", where),
        name=text_at(value, "name", where),
    )


def _content(value: object, where: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return "\n".join(_part(part, f"{where}[{i}]") for i, part in enumerate(value))
    raise RecordError(f"{where} must be a string or a list of parts, not {kind(value)}")


def _part(part: object, where: str) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        raise RecordError(f"{where} must be an object with type and text, not {kind(part)}")
    text = part.get("text", part.get("refusal"))
    return text if isinstance(text, str) else f"[{part.get('type', 'unknown part')}]"


def read_tool_calls(value: object, where: str) -> tuple[ToolCall, ...]:
    """Tool calls in OpenAI's form or as {"name", "arguments", "id"}; none for null.

    Raises RecordError that names the place.
    """
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise RecordError(f"{where} must be a list of tool calls, not {kind(value)}")
    return tuple(_tool_call(item, f"{where}[{i}]") for i, item in enumerate(value))


def _tool_call(value: object, where: str) -> ToolCall:
    if not isinstance(value, Mapping):
        raise RecordError(f"{where} must be an object with name and arguments, not {kind(value)}")
    call = value.get("function", value)
    if not isinstance(call, Mapping):
        raise RecordError(f"{place(where, 'function')} must be an object, not {kind(call)}")
    name = call.get("name")
    if not isinstance(name, str) or not name:
        raise RecordError(f"{where}.name must be the tool's name, not {shown(name)}")
    call_id = text_at(value, "id", where) or text_at(value, "call_id", where)
    return ToolCall(name, _arguments(call.get("arguments"), f"{where}.arguments"), call_id)


def _arguments(value: object, where: str) -> Mapping[str, Any]:
    """The arguments of a call; models that call a tool without any send "" or nothing at all."""
    if isinstance(value, Mapping):
        return value
    if value is None or value == "":
        return {}
    if not isinstance(value, str):
        raise RecordError(f"{where} must be an object or its JSON, not {kind(value)}")
    return parse_arguments(value)


def parse_arguments(text: str) -> Mapping[str, Any]:
    """A model's arguments, which come as JSON text; what is no JSON object is kept as it came.

    >>> parse_arguments('{"id": 7}'), parse_arguments('{"id": ')
    ({'id': 7}, {'__unparsed__': '{"id": '})
    """
    try:
        parsed = json.loads(text)
        check_json(parsed, "arguments", _AROUND_ARGUMENTS)
    except (ValueError, RecursionError, RecordError):
        return {"__unparsed__": text}
    return parsed if isinstance(parsed, dict) else {"__unparsed__": text}


def message_record(message: Message) -> dict[str, Any]:
    """A message as a JSON object, without the keys that are empty."""
    record: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        record["tool_calls"] = [call_record(call) for call in message.tool_calls]
    if message.tool_call_id:
        record["tool_call_id"] = message.tool_call_id
    if message.name:
        record["name"] = message.name
    return record


def call_record(call: ToolCall) -> dict[str, Any]:
    """A tool call as a JSON object."""
    record: dict[str, Any] = {"name": call.name, "arguments": call.arguments}
    if call.call_id:
        record["id"] = call.call_id
    return record
