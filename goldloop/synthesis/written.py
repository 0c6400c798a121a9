"""What a model wrote, read as a candidate or as a solution: hostile text, bounded on the way in.

Where a strict schema held the reply to its form it is plain JSON. Elsewhere there may be words or a
code block around it, and arguments may stand as an object instead of its text.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, NoReturn

from goldloop.canonical import canonical_json
from goldloop.errors import RecordError
from goldloop.json_values import check_json, kind, shown
from goldloop.messages import call_record, message_record, parse_arguments
from goldloop.samples import DIFFICULTIES, Message, Sample, ToolCall
from goldloop.synthesis.consistency import Solution
from goldloop.synthesis.values import CALL, Candidate, Provenance, Rejection, Slot

MAX_REPLY = 400_000
MAX_TURNS = 60
MAX_CALLS = 64
MAX_POINTS = 40
MAX_SAID = 300
# How many beginnings of an object are tried in a reply that has words around it.
MAX_TRIES = 40
_BLOCK = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL | re.IGNORECASE)
_DECODER = json.JSONDecoder(parse_constant=lambda constant: _no_json(constant))
_MAX_NAME = 200


def read_written(
    text: str, slot: Slot, attempt: int, provenance: Provenance, batch: int
) -> Candidate | Rejection:
    """The candidate that a reply holds, or why it is malformed.

    A call of a tool that there is not and arguments that do not fit are kept, for the rules to
    judge; arguments that are no JSON object stand as `{"__unparsed__": text}`.
    """
    try:
        value = reply_object(text, "user_input")
        calls, arguments = _calls(_list(value, "expected_tool_calls", MAX_CALLS))
        conversation = tuple(_turn(turn) for turn in _list(value, "conversation", MAX_TURNS))
        points = tuple(_points(value))
        sample = Sample(
            sample_id="",
            user_input=_required_text(value, "user_input"),
            conversation=conversation,
            expected_response=_text_or_none(value, "expected_response"),
            expected_tool_calls=calls,
        )
        sample_id = synthetic_id(sample)
    except RecordError as error:
        return Rejection(CALL, "malformed", str(error)[:MAX_SAID])
    stated = value.get("difficulty")
    own = {
        "batch": batch,
        "slot": slot.index,
        "attempt": attempt,
        "cell": asdict(slot.cell),
        "key_points": list(points),
        "stated_difficulty": stated if stated in DIFFICULTIES else None,
        **_provenance_record(provenance),
    }
    sample = Sample(
        sample_id=sample_id,
        user_input=sample.user_input,
        conversation=conversation,
        expected_response=sample.expected_response,
        expected_tool_calls=calls,
        difficulty=slot.cell.difficulty,
        tags=tuple(sorted({slot.cell.capability, f"intent:{slot.cell.intent}"})),
        source="synthetic",
        metadata={"synthesis": own},
    )
    return Candidate(slot, attempt, sample, provenance, points, arguments)


def read_solution(text: str) -> Solution:
    """The solution that a reply holds; one that is malformed has an `error`."""
    try:
        value = reply_object(text, "tool_calls")
        calls, _ = _calls(_list(value, "tool_calls", MAX_CALLS))
        return Solution(calls, _text_or_none(value, "response"))
    except RecordError as error:
        return Solution(error=f"the reply is malformed: {error}"[:MAX_SAID])


def synthetic_id(sample: Sample) -> str:
    """ "syn-" and the first 20 hexadecimal digits of the SHA-256 of the canonical JSON of what the
    sample asks and expects: the same text is the same sample.
    """
    content = {
        "user_input": sample.user_input,
        "conversation": [message_record(turn) for turn in sample.conversation],
        "expected_response": sample.expected_response,
        "expected_tool_calls": [call_record(call) for call in sample.expected_tool_calls or ()],
    }
    return f"syn-{hashlib.sha256(canonical_json(content)).hexdigest()[:20]}"


def reply_object(text: str, key: str) -> Mapping[str, Any]:
    """The JSON object of a reply that has the key. Raises RecordError where there is none, and for
    what cannot be stored.

    >>> reply_object('Here it is: {"user_input": "Hi"} Bye', "user_input")
    {'user_input': 'Hi'}
    """
    if len(text) > MAX_REPLY:
        raise RecordError(f"the reply has {len(text)} characters; at most {MAX_REPLY} are read")
    pieces = [text.strip(), *(block.strip() for block in _BLOCK.findall(text)[:MAX_TRIES])]
    for piece in pieces:
        value = _parsed(piece)
        if isinstance(value, dict) and key in value:
            return _checked(value)
    return _checked(_within(text, key))


def _parsed(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_no_json)
    except (ValueError, RecursionError):
        return None


def _within(text: str, key: str) -> dict[str, Any]:
    """The first object with the key that stands somewhere in the text."""
    start = text.find("{")
    for _ in range(MAX_TRIES):
        if start < 0:
            break
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            if isinstance(value, dict) and key in value:
                return value
        start = text.find("{", end)
    raise RecordError(f"the reply holds no JSON object with {key}")


def _no_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _checked(value: dict[str, Any]) -> dict[str, Any]:
    check_json(value, "the reply")
    return value


def _list(value: Mapping[str, Any], key: str, most: int) -> Sequence[Any]:
    """A list; null is an empty one, but the expected calls must have been said."""
    found = value.get(key)
    if found is None and not key.endswith("tool_calls"):
        return ()
    if not isinstance(found, list):
        raise RecordError(f"{key} must be a list, not {kind(found)}")
    if len(found) > most:
        raise RecordError(f"{key} has {len(found)} entries; at most {most} are taken")
    return found


def _calls(value: Sequence[Any]) -> tuple[tuple[ToolCall, ...], tuple[str, ...]]:
    """The calls, and the text of each one's arguments as it was written."""
    texts: list[str] = []
    calls: list[ToolCall] = []
    for n, item in enumerate(value):
        named = item.get("function", item) if isinstance(item, Mapping) else item
        if not isinstance(named, Mapping):
            raise RecordError(f"tool call {n + 1} must be an object, not {kind(named)}")
        name = named.get("name")
        if not isinstance(name, str) or not name or len(name) > _MAX_NAME:
            raise RecordError(f"tool call {n + 1}: name must be a tool's name, not {shown(name)}")
        texts.append(_arguments(named.get("arguments_json", named.get("arguments")), n))
        calls.append(ToolCall(name, parse_arguments(texts[-1]) if texts[-1].strip() else {}))
    return tuple(calls), tuple(texts)


def _arguments(value: object, n: int) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    if not isinstance(value, str):
        raise RecordError(f"tool call {n + 1}: arguments_json must be a text, not {kind(value)}")
    return value


def _turn(value: object) -> Message:
    if not isinstance(value, Mapping):
        raise RecordError(f"a turn of the conversation must be an object, not {kind(value)}")
    role, content = value.get("role"), value.get("content")
    if role not in ("user", "assistant"):
        raise RecordError(f"a turn's role must be user or assistant, not {shown(role)}")
    if not isinstance(content, str):
        raise RecordError(f"a turn's content must be a text, not {kind(content)}")
    return Message(role, content)


def _points(value: Mapping[str, Any]) -> Sequence[str]:
    points = _list(value, "key_points", MAX_POINTS)
    if not all(isinstance(point, str) for point in points):
        raise RecordError("key_points must be a list of texts")
    return [point for point in points if point.strip()]


def _required_text(value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    if not isinstance(found, str):
        raise RecordError(f"{key} must be a text, not {kind(found)}")
    return found


def _text_or_none(value: Mapping[str, Any], key: str) -> str | None:
    return None if value.get(key) is None else _required_text(value, key) or None


def _provenance_record(provenance: Provenance) -> dict[str, Any]:
    return {
        "prompt_version": provenance.prompt_version,
        "model": provenance.model,
        "parameters": dict(provenance.parameters),
        "structured": provenance.structured,
        "request_ids": list(provenance.request_ids),
        "steps": list(provenance.steps),
        "usage": {
            "input_tokens": provenance.input_tokens,
            "output_tokens": provenance.output_tokens,
        },
        "usd": provenance.usd,
    }
