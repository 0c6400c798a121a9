"""Records: samples and recorded runs as JSON objects, in the shapes that people have them in.

Three shapes are read:

    ours     {"sample_id", "user_input", "conversation", "expected_response",
              "expected_tool_calls", "difficulty", "tags", "source", "cluster_id", "metadata",
              "run": {"agent_version", "messages", "response", "tool_calls", "confidence", ...}}
    chat     {"messages": [OpenAI chat messages], "id"?, "model"?, ...}: a recorded conversation
    tau      {"id", "scenario_id", "user_instruction", "expected_tool_calls", "messages", ...}

Whatever arrives is hostile: types are checked, lengths and depth bounded, and characters that
cannot be stored (NUL, lone surrogates) refused. Errors say which key is wrong and what is expected.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from goldloop.canonical import canonical_json
from goldloop.errors import RecordError
from goldloop.samples import (
    DIFFICULTIES,
    ROLES,
    SOURCES,
    Message,
    Run,
    Sample,
    ToolCall,
    all_tool_calls,
    final_response,
)

MAX_ID = 200
MAX_TEXT = 10_000_000
MAX_DEPTH = 64
_OURS = frozenset(
    [
        "sample_id",
        "user_input",
        "conversation",
        "expected_response",
        "expected_tool_calls",
        "difficulty",
        "tags",
        "source",
        "cluster_id",
        "metadata",
        "run",
    ]
)
_RUN = frozenset(
    [
        "sample_id",
        "agent_version",
        "messages",
        "response",
        "tool_calls",
        "confidence",
        "confidence_method",
        "error",
        "input_tokens",
        "output_tokens",
        "seconds",
        "created_at",
    ]
)


def read_record(record: object) -> tuple[Sample, Run | None]:
    """The sample, and the recorded run where there is one, that a JSON object describes.

    Raises RecordError that names the key at fault.
    """
    if not isinstance(record, Mapping):
        raise RecordError(f"expected a JSON object, got {_kind(record)}")
    check_json(record)
    if "user_instruction" in record:
        return _read_tau(record)
    if "user_input" in record or "sample_id" in record:
        return _read_ours(record)
    if "messages" in record:
        return _read_chat(record)
    raise RecordError(
        "expected user_input (a sample) or messages (a recorded chat), found the keys "
        + ", ".join(sorted(map(str, record))[:10])
    )


def check_json(value: object, where: str = "", depth: int = 0) -> None:
    """Refuse what cannot be stored and given back: NUL, half surrogates, NaN, excess."""
    if depth > MAX_DEPTH:
        raise RecordError(f"{where or 'the record'} is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        _check_text(value, where)
    elif isinstance(value, float) and not math.isfinite(value):
        raise RecordError(f"{where} is {value}, which is not JSON; expected a finite number")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _check_text(str(key), f"a key in {where or 'the record'}")
            check_json(item, f"{where}.{key}" if where else str(key), depth + 1)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            check_json(item, f"{where}[{index}]", depth + 1)


def _check_text(text: str, where: str) -> None:
    if len(text) > MAX_TEXT:
        raise RecordError(f"{where} has {len(text)} characters; at most {MAX_TEXT} are taken")
    if "\x00" in text:
        raise RecordError(f"{where} holds the character NUL (U+0000), which cannot be stored")
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise RecordError(f"{where} holds half a surrogate pair, which is not valid Unicode")


def _read_ours(record: Mapping[str, Any]) -> tuple[Sample, Run | None]:
    _refuse_unknown(record, _OURS, "metadata")
    sample = Sample(
        sample_id="",
        user_input=_text(record, "user_input", needed=True),
        conversation=read_messages(record.get("conversation", ()), "conversation"),
        expected_response=_text(record, "expected_response") or None,
        expected_tool_calls=_expected_calls(record),
        difficulty=_one_of(record, "difficulty", DIFFICULTIES),
        tags=_tags(record),
        source=_one_of(record, "source", SOURCES) or "manual",
        cluster_id=_identifier(record, "cluster_id"),
        metadata=_object(record, "metadata"),
    )
    sample = _identified(sample, _identifier(record, "sample_id"))
    if record.get("run") is None:
        return sample, None
    return sample, read_run(sample, _object(record, "run"))


def _read_chat(record: Mapping[str, Any]) -> tuple[Sample, Run | None]:
    """A recorded chat: the sample is what came before the agent's first turn, the run is all."""
    messages = read_messages(record["messages"], "messages")
    before, user = _opening(messages)
    given = _identifier(record, "id") or _identifier(record, "sample_id")
    sample = Sample(
        sample_id="",
        user_input=user.content or "",
        conversation=before,
        expected_response=_text(record, "expected_response") or None,
        expected_tool_calls=_expected_calls(record),
        difficulty=_one_of(record, "difficulty", DIFFICULTIES),
        tags=_tags(record),
        source="trace",
        cluster_id=_identifier(record, "cluster_id"),
        metadata=_object(record, "metadata"),
    )
    sample = _identified(sample, given)
    if not any(message.role == "assistant" for message in messages):
        return sample, None
    run = {**record, "agent_version": record.get("agent_version") or record.get("model")}
    return sample, read_run(sample, {key: run[key] for key in run if key in _RUN})


def _read_tau(record: Mapping[str, Any]) -> tuple[Sample, Run | None]:
    """A tau-bench trajectory. Its `reward` is the ground truth and is left outside on purpose."""
    messages = read_messages(record.get("messages"), "messages")
    _, user = _opening(messages)
    outputs = record.get("expected_outputs") or ()
    sample = Sample(
        sample_id=_identifier(record, "id") or "",
        user_input=user.content or "",
        expected_tool_calls=_expected_calls(record),
        tags=("tau-bench",),
        source="trace",
        cluster_id=_identifier(record, "scenario_id"),
        metadata={
            "user_instruction": _text(record, "user_instruction", needed=True),
            "expected_outputs": [str(output) for output in outputs],
        },
    )
    if not sample.sample_id:
        raise RecordError("id is missing; expected the trajectory's name")
    return sample, read_run(
        sample, {"agent_version": record.get("agent"), "messages": record["messages"]}
    )


def _opening(messages: Sequence[Message]) -> tuple[tuple[Message, ...], Message]:
    """The turns before, and the last user turn before, the agent first speaks."""
    spoken = next((i for i, m in enumerate(messages) if m.role == "assistant"), len(messages))
    users = [i for i, m in enumerate(messages[:spoken]) if m.role == "user" and m.content]
    if not users:
        raise RecordError("messages has no user turn before the first assistant turn")
    return tuple(messages[: users[-1]]), messages[users[-1]]


def _identified(sample: Sample, given: str | None) -> Sample:
    """The sample with its id: the given one, else one made of what the agent is asked."""
    if given is None:
        turns = [message_record(message) for message in sample.conversation]
        given = "sample-" + sha256(canonical_json([sample.user_input, turns])).hexdigest()[:16]
    return replace(sample, sample_id=given)


def read_run(sample: Sample, record: Mapping[str, Any]) -> Run:
    """A recorded run of `sample`; `messages`, or at least `response`, must be there."""
    _refuse_unknown(record, _RUN, "the sample's metadata", "run.")
    messages = read_messages(record.get("messages", ()), "messages")
    calls = read_tool_calls(record.get("tool_calls", ()), "tool_calls")
    response = _text(record, "response") or final_response(messages)
    error = _text(record, "error") or None
    if response is None and not (messages or calls or error):
        raise RecordError("run has neither messages nor response nor error")
    if not messages:
        messages = (
            *sample.conversation,
            Message("user", sample.user_input),
            Message("assistant", response, calls),
        )
    confidence = _number(record, "confidence", 0.0, 1.0)
    method = _text(record, "confidence_method") or None
    return Run(
        sample_id=sample.sample_id,
        agent_version=_identifier(record, "agent_version") or "recorded",
        messages=messages,
        response=response,
        tool_calls=calls or all_tool_calls(messages),
        confidence=confidence,
        confidence_method=None if confidence is None else method or "recorded",
        error=error,
        input_tokens=_count(record, "input_tokens"),
        output_tokens=_count(record, "output_tokens"),
        seconds=_number(record, "seconds", 0.0, math.inf),
        created_at=_text(record, "created_at") or None,
    )


def read_messages(value: object, where: str) -> tuple[Message, ...]:
    """OpenAI chat messages; content parts of type text are joined, others named in brackets."""
    if not isinstance(value, (list, tuple)):
        raise RecordError(f"{where} must be a list of messages, not {_kind(value)}")
    return tuple(_message(item, f"{where}[{i}]") for i, item in enumerate(value))


def _message(value: object, where: str) -> Message:
    if not isinstance(value, Mapping):
        raise RecordError(f"{where} must be an object with role and content, not {_kind(value)}")
    role = value.get("role")
    if role not in ROLES:
        raise RecordError(f"{where}.role must be one of {', '.join(ROLES)}, not {role!r}")
    return Message(
        role=role,
        content=_content(value.get("content"), where),
        tool_calls=read_tool_calls(value.get("tool_calls") or (), f"{where}.tool_calls"),
        tool_call_id=_text(value, "tool_call_id", where=where) or None,
        name=_text(value, "name", where=where) or None,
    )


def _content(value: object, where: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return "\n".join(_part(part, where) for part in value)
    raise RecordError(f"{where}.content must be a string or a list of parts, not {_kind(value)}")


def _part(part: object, where: str) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        raise RecordError(f"{where}.content has a part that is {_kind(part)}; expected an object")
    text = part.get("text", part.get("refusal"))
    return text if isinstance(text, str) else f"[{part.get('type', 'unknown part')}]"


def read_tool_calls(value: object, where: str) -> tuple[ToolCall, ...]:
    """Tool calls in OpenAI's form or as {"name", "arguments"}."""
    if not isinstance(value, (list, tuple)):
        raise RecordError(f"{where} must be a list of tool calls, not {_kind(value)}")
    return tuple(_tool_call(item, f"{where}[{i}]") for i, item in enumerate(value))


def _tool_call(value: object, where: str) -> ToolCall:
    if not isinstance(value, Mapping):
        raise RecordError(f"{where} must be an object with name and arguments, not {_kind(value)}")
    inner = value.get("function", value)
    if not isinstance(inner, Mapping) or not isinstance(inner.get("name"), str):
        raise RecordError(f"{where}.name must be a string")
    call_id = value.get("id", value.get("call_id"))
    arguments = _arguments(inner.get("arguments", {}), where)
    return ToolCall(inner["name"], arguments, call_id if isinstance(call_id, str) else None)


def _arguments(value: object, where: str) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    if value is None or value == "":
        return {}
    if not isinstance(value, str):
        raise RecordError(f"{where}.arguments must be an object or its JSON, not {_kind(value)}")
    return parse_arguments(value)


def parse_arguments(text: str) -> Mapping[str, Any]:
    """A model's arguments, which come as JSON text; kept as they are where they are not JSON."""
    try:
        parsed = json.loads(text)
        check_json(parsed)
    except (ValueError, RecursionError, RecordError):
        return {"__unparsed__": text}
    return parsed if isinstance(parsed, dict) else {"__unparsed__": text}


def sample_record(sample: Sample) -> dict[str, Any]:
    """The sample as a JSON object in our own shape; `read_sample_record` gives it back."""
    expected = sample.expected_tool_calls
    return {
        "sample_id": sample.sample_id,
        "user_input": sample.user_input,
        "conversation": [message_record(message) for message in sample.conversation],
        "expected_response": sample.expected_response,
        "expected_tool_calls": None if expected is None else [call_record(c) for c in expected],
        "difficulty": sample.difficulty,
        "tags": list(sample.tags),
        "source": sample.source,
        "cluster_id": sample.cluster_id,
        "metadata": dict(sample.metadata),
    }


def read_sample_record(record: Mapping[str, Any]) -> Sample:
    """A sample from `sample_record`, which is trusted: it was checked when it came in."""
    expected = record["expected_tool_calls"]
    return Sample(
        sample_id=record["sample_id"],
        user_input=record["user_input"],
        conversation=read_messages(record["conversation"], "conversation"),
        expected_response=record["expected_response"],
        expected_tool_calls=None if expected is None else read_tool_calls(expected, "expected"),
        difficulty=record["difficulty"],
        tags=tuple(record["tags"]),
        source=record["source"],
        cluster_id=record["cluster_id"],
        metadata=record["metadata"],
    )


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


def _refuse_unknown(
    record: Mapping[str, Any], known: frozenset[str], where_to: str, prefix: str = ""
) -> None:
    unknown = sorted(str(key) for key in record if key not in known)
    if unknown:
        raise RecordError(
            f"unknown key {prefix}{unknown[0]}; put what is yours under {where_to} "
            f"(known: {', '.join(sorted(known))})"
        )


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")


def _text(record: Mapping[str, Any], key: str, needed: bool = False, where: str = "") -> str:
    value = record.get(key)
    name = f"{where}.{key}" if where else key
    if value is None and not needed:
        return ""
    if not isinstance(value, str):
        raise RecordError(f"{name} must be a string, not {_kind(value)}")
    if needed and not value.strip():
        raise RecordError(f"{name} is empty")
    return value


def _identifier(record: Mapping[str, Any], key: str) -> str | None:
    value = record.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_ID:
        raise RecordError(f"{key} must be a string of 1 to {MAX_ID} characters")
    if not value.isprintable():
        raise RecordError(f"{key} holds characters that do not print: {value!r}")
    return value


def _one_of(record: Mapping[str, Any], key: str, allowed: Sequence[str]) -> str | None:
    value = record.get(key)
    if value is not None and value not in allowed:
        raise RecordError(f"{key} must be one of {', '.join(allowed)}, not {value!r}")
    return value


def _tags(record: Mapping[str, Any]) -> tuple[str, ...]:
    value = record.get("tags") or []
    if not isinstance(value, list) or not all(isinstance(t, str) and t.strip() for t in value):
        raise RecordError("tags must be a list of non-empty strings")
    return tuple(sorted(set(value)))


def _object(record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = record.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise RecordError(f"{key} must be an object, not {_kind(value)}")
    return value


def _expected_calls(record: Mapping[str, Any]) -> tuple[ToolCall, ...] | None:
    value = record.get("expected_tool_calls")
    return None if value is None else read_tool_calls(value, "expected_tool_calls")


def _number(record: Mapping[str, Any], key: str, low: float, high: float) -> float | None:
    value = record.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise RecordError(f"{key} must be a number between {low:g} and {high:g}, not {value!r}")
    return float(value)


def _count(record: Mapping[str, Any], key: str) -> int | None:
    value = _number(record, key, 0, 2**53)
    return None if value is None else int(value)
