"""Turn what an agent sent into a run: the one place where it is checked.

An answer is a text, or a mapping with any of

    response        text; by default the last thing that the assistant says in `messages`
    tool_calls      list of calls; by default all calls in `messages` that came after the question
    messages        list of chat messages {"role", "content", "tool_calls", "tool_call_id", "name"}:
                    the new turns alone, or the whole trace
    confidence      number from 0 to 1
    input_tokens    whole number, 0 or more
    output_tokens   whole number, 0 or more
    stop_reason     why it ended before it was done: step_limit, length or content_filter

and other keys are ignored. A call is `{"name", "arguments", "call_id"}`, or as OpenAI writes it
`{"id", "function": {"name", "arguments"}}`. Arguments are a JSON object or its text; a text that is
no JSON object is kept as `{"__unparsed__": text}`.

Bounds: 1,000,000 characters for each text and for the arguments of each call, 200 calls, 1,000
messages. NUL and lone surrogates become U+FFFD. Whatever else does not fit is an `AgentError`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import dropwhile
from typing import Any, TypeVar

from agents.questions import UNPARSED
from agents.texts import clean_text, short_text
from goldloop.canonical import MAX_DEPTH, canonical_json
from goldloop.confidence import REPORTED
from goldloop.errors import AgentError, RecordError
from goldloop.samples import (
    ROLES,
    STOP_REASONS,
    Message,
    Run,
    Sample,
    ToolCall,
    all_tool_calls,
    asked_turns,
    final_response,
)

MAX_TEXT = 1_000_000
MAX_NAME = 1_000
MAX_CALLS = 200
MAX_MESSAGES = 1_000

T = TypeVar("T")


@contextmanager
def about(sample: Sample, secrets: Sequence[str] = ()) -> Iterator[None]:
    """Let an `AgentError` out with the sample's id, on one short line, free of the secrets."""
    try:
        yield
    except AgentError as error:
        text = short_text(str(error), secrets)
        sample_id = short_text(sample.sample_id)
        told = AgentError(f"sample {sample_id!r}: {text}")
        told.outage = error.outage
        raise told from error.__cause__


class FailedRunError(AgentError):
    """A run that failed on the way; `run` is what there was until then."""

    def __init__(self, text: str, run: Run) -> None:
        super().__init__(text)
        self.run = run


def failed_run(sample: Sample, version: str, error: AgentError) -> Run:
    """The run that records a failure: the error, and what the agent did until then where it says.

    >>> failed_run(Sample("s", "Hi"), "v", AgentError("no answer")).error
    'no answer'
    """
    run = error.run if isinstance(error, FailedRunError) else Run(sample.sample_id, version)
    return replace(run, error=str(error), response=None)


def run_from_answer(sample: Sample, version: str, answer: object, seconds: float | None) -> Run:
    """The run that an answer describes. See the top of this module for what an answer may be.

    Its `messages` begin at the first turn that is not the system's; turns that the answer leaves
    out are taken from the sample. Raises `AgentError` when the answer breaks a bound, has a value
    of the wrong type, or holds neither a text nor a tool call, although nothing stopped it.
    """
    record = _mapping({"response": answer} if isinstance(answer, str) else answer, "the answer")
    given = _each(record.get("messages"), "messages", MAX_MESSAGES, message_from)
    own = _own_turns(sample, given)
    response = _text(record.get("response"), "response") or final_response(own)
    calls = all_tool_calls(own)
    if record.get("tool_calls") is not None:
        calls = calls_from(record["tool_calls"])
    if len(calls) > MAX_CALLS:
        raise AgentError(f"messages: expected at most {MAX_CALLS} tool calls, got {len(calls)}")
    stop_reason = _stop_reason(record.get("stop_reason"))
    if not (calls or stop_reason or (response or "").strip()):
        raise AgentError("answered with neither a text nor a tool call")
    confidence = _confidence(record.get("confidence"))
    return Run(
        sample_id=sample.sample_id,
        agent_version=version,
        messages=trace(sample, given or (Message("assistant", response, calls),)),
        response=response or None,
        tool_calls=calls,
        confidence=confidence,
        confidence_method=None if confidence is None else REPORTED,
        input_tokens=_count(record.get("input_tokens"), "input_tokens"),
        output_tokens=_count(record.get("output_tokens"), "output_tokens"),
        seconds=seconds,
        stop_reason=stop_reason,
    )


def message_from(value: object) -> Message:
    """One chat message. Raises `AgentError`."""
    record = _mapping(value, "a message")
    role = record.get("role")
    if role not in ROLES:
        raise AgentError(f"role: expected one of {', '.join(ROLES)}, got {str(role)[:40]!r}")
    return Message(
        role=str(role),
        content=_text(record.get("content"), "content"),
        tool_calls=calls_from(record.get("tool_calls")),
        tool_call_id=_text(record.get("tool_call_id"), "tool_call_id", MAX_NAME),
        name=_text(record.get("name"), "name", MAX_NAME),
    )


def calls_from(value: object) -> tuple[ToolCall, ...]:
    """A list of tool calls, in either spelling; None is no call. Raises `AgentError`."""
    return _each(value, "tool_calls", MAX_CALLS, _call)


def _call(value: object) -> ToolCall:
    record = _mapping(value, "a tool call")
    call = _mapping(record.get("function", record), "function")
    name = _text(call.get("name"), "name", MAX_NAME)
    if not name:
        raise AgentError("a tool call has no name")
    call_id = _text(record.get("call_id", record.get("id")), "call_id", MAX_NAME)
    return ToolCall(name, _arguments(call.get("arguments")), call_id)


def _arguments(value: object) -> Mapping[str, Any]:
    """The arguments of a call; models that call a tool without any send "" or nothing at all."""
    if value is None or value == "":
        return {}
    if not isinstance(value, str):
        return _json_object(_mapping(value, "arguments"))
    text = _text(value, "arguments") or ""
    try:
        return _json_object(json.loads(text))
    except (ValueError, RecursionError, AgentError):
        return {UNPARSED: text}


def _json_object(value: object) -> Mapping[str, Any]:
    cleaned = _clean(value, 0)
    try:
        size = len(canonical_json(cleaned))
    except RecordError as error:
        raise AgentError(f"arguments: expected a JSON object, {error}") from None
    if not isinstance(cleaned, dict) or size > MAX_TEXT:
        raise AgentError(f"arguments: expected a JSON object of at most {MAX_TEXT} bytes")
    return cleaned


def _clean(value: object, depth: int) -> object:
    if isinstance(value, str):
        return clean_text(value)
    if depth > MAX_DEPTH:
        raise AgentError(f"arguments: nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, list | tuple):
        return [_clean(item, depth + 1) for item in value]
    if not isinstance(value, Mapping):
        return value
    cleaned = {
        clean_text(key) if isinstance(key, str) else key: _clean(item, depth + 1)
        for key, item in value.items()
    }
    if len(cleaned) != len(value):
        raise AgentError("arguments: two keys are the same")
    return cleaned


def _own_turns(sample: Sample, given: tuple[Message, ...]) -> tuple[Message, ...]:
    """The turns after the question: a trace may repeat the conversation that it answers."""
    asked, turns = _without_system(asked_turns(sample)), _without_system(given)
    return turns[len(asked) :] if turns[: len(asked)] == asked else turns


def trace(sample: Sample, turns: tuple[Message, ...]) -> tuple[Message, ...]:
    """A whole trace out of the turns of an answer: from what was asked on, without the system's."""
    if not any(turn.role == "user" for turn in turns):
        turns = (*asked_turns(sample), *turns)
    return _without_system(turns)


def _without_system(turns: tuple[Message, ...]) -> tuple[Message, ...]:
    return tuple(dropwhile(lambda turn: turn.role in ("system", "developer"), turns))


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise AgentError(f"{what}: expected an object, got {type(value).__name__}")
    return value


def _each(value: object, what: str, most: int, read: Callable[[object], T]) -> tuple[T, ...]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple) or len(value) > most:
        raise AgentError(f"{what}: expected a list of at most {most}")
    return tuple(read(item) for item in value)


def _text(value: object, what: str, most: int = MAX_TEXT) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise AgentError(f"{what}: expected a text, got {type(value).__name__}")
    if len(value) > most:
        raise AgentError(f"{what}: expected at most {most} characters, got {len(value)}")
    return clean_text(value)


def _confidence(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise AgentError(f"confidence: expected a number from 0 to 1, got {str(value)[:40]}")
    return float(value)


def _stop_reason(value: object) -> str | None:
    if value is not None and value not in STOP_REASONS:
        raise AgentError(
            f"stop_reason: expected one of {', '.join(STOP_REASONS)}, got {str(value)[:40]!r}"
        )
    return None if value is None else str(value)


def _count(value: object, what: str) -> int | None:
    """A count that fits an SQLite integer and a JSON number."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise AgentError(
            f"{what}: expected a whole number of 0 or more, got {type(value).__name__}"
        )
    return value
