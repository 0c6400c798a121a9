"""Records: samples and recorded runs as JSON objects, in the shapes that people have them in.

Three shapes are read:

    ours     {"sample_id", "user_input", "conversation", "expected_response",
              "expected_tool_calls", "difficulty", "tags", "source", "cluster_id", "metadata",
              "run": {"agent_version", "messages", "response", "tool_calls", "confidence", ...}}
    chat     {"messages": [OpenAI chat messages], "id"?, "model"?, ...}: a recorded conversation
    tau      {"id", "scenario_id", "user_instruction", "expected_tool_calls", "messages", ...}

A key that is null counts as one that is not there. Whatever arrives is hostile: types are checked,
lengths and depth bounded, and characters that cannot be stored (NUL, lone surrogates) refused.
Errors say which key is wrong and what is expected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from hashlib import sha256
from typing import Any

from goldloop.canonical import canonical_json
from goldloop.errors import RecordError
from goldloop.json_values import (
    Object,
    check_json,
    choice_at,
    count_at,
    identifier_at,
    kind,
    number_at,
    object_at,
    refuse_unknown,
    text_at,
    texts_at,
    time_at,
)
from goldloop.messages import call_record, message_record, read_messages, read_tool_calls
from goldloop.samples import (
    DIFFICULTIES,
    SOURCES,
    STOP_REASONS,
    Message,
    Run,
    Sample,
    ToolCall,
    all_tool_calls,
    asked_turns,
    final_response,
    own_turns,
)

_OURS = frozenset(field.name for field in fields(Sample)) | {"run"}
# Estimates and what they cost are ours to make.
_MADE = {"estimates", "spent_input_tokens", "spent_output_tokens"}
_RUN = frozenset(field.name for field in fields(Run)) - _MADE
# What a recorded chat says of its run beside its messages. Its `stop_reason` is the endpoint's own.
_CHAT_RUN = _RUN - {"sample_id", "agent_version", "messages", "stop_reason"}


def read_record(record: object) -> tuple[Sample, Run | None]:
    """The sample, and the recorded run where there is one, that a JSON object describes.

    Raises RecordError that names the key at fault.
    """
    if not isinstance(record, Mapping):
        raise RecordError(f"expected a JSON object, got {kind(record)}")
    check_json(record)
    if "user_instruction" in record:
        return _read_tau(record)
    if "user_input" in record or "conversation" in record:
        return _read_ours(record)
    if "messages" in record:
        return _read_chat(record)
    found = ", ".join(sorted(key[:40] for key in record)[:10]) or "nothing"
    raise RecordError(
        f"expected user_input (a sample) or messages (a recorded chat), found: {found}"
    )


def _read_ours(record: Object) -> tuple[Sample, Run | None]:
    refuse_unknown(record, _OURS)
    turns = read_messages(record.get("conversation"), "conversation")
    asked = text_at(record, "user_input")
    if asked is None:
        turns, asked = _last_asked(turns)
    if not asked.strip():
        raise RecordError("user_input is blank; expected what the agent is asked")
    given = identifier_at(record, "sample_id")
    source = choice_at(record, "source", SOURCES) or "manual"
    sample = _sample(record, given, turns, asked, source)
    if record.get("run") is None:
        return sample, None
    return sample, read_run(sample, object_at(record, "run"))


def _last_asked(turns: tuple[Message, ...]) -> tuple[tuple[Message, ...], str]:
    """A conversation that ends with what the agent is asked, as the turns before and the asking."""
    if not turns or turns[-1].role != "user":
        raise RecordError(
            "user_input is missing; give it, or end the conversation with the user's turn"
        )
    return turns[:-1], turns[-1].content or ""


def _read_chat(record: Object) -> tuple[Sample, Run | None]:
    """A recorded chat: the sample is what came before the agent's first turn, the run is all."""
    messages = read_messages(record["messages"], "messages")
    turns, asked = _opening(messages)
    given = identifier_at(record, "sample_id") or identifier_at(record, "id")
    sample = _sample(record, given, turns, asked, "trace")
    if not any(message.role == "assistant" for message in messages):
        return sample, None
    version = identifier_at(record, "agent_version") or identifier_at(record, "model")
    facts = {key: record[key] for key in record.keys() & _CHAT_RUN}
    return sample, _run(sample, facts, messages, version, "")


def _read_tau(record: Object) -> tuple[Sample, Run | None]:
    """A tau-bench trajectory. Its `reward` is the ground truth and is left outside on purpose."""
    messages = read_messages(record.get("messages"), "messages")
    turns, asked = _opening(messages)
    instruction = text_at(record, "user_instruction")
    outputs = record.get("expected_outputs") or []
    if not isinstance(outputs, list | tuple):
        raise RecordError(f"expected_outputs must be a list, not {kind(outputs)}")
    sample = Sample(
        sample_id=_needed(identifier_at(record, "id"), "id", "the trajectory's name"),
        user_input=asked,
        conversation=turns,
        expected_tool_calls=_expected_calls(record),
        tags=("tau-bench",),
        source="trace",
        cluster_id=identifier_at(record, "scenario_id"),
        metadata={
            "user_instruction": _needed(instruction, "user_instruction", "the user's task"),
            "expected_outputs": [str(output) for output in outputs],
        },
    )
    return sample, _run(sample, {}, messages, identifier_at(record, "agent"), "")


def _needed(value: str | None, key: str, what: str) -> str:
    if value is None:
        raise RecordError(f"{key} is missing; expected {what}")
    return value


def _opening(messages: Sequence[Message]) -> tuple[tuple[Message, ...], str]:
    """The turns before, and the words of, the last user turn before the agent first speaks."""
    spoken = next((i for i, m in enumerate(messages) if m.role == "assistant"), len(messages))
    for i in reversed(range(spoken)):
        content = messages[i].content
        if messages[i].role == "user" and content and content.strip():
            return tuple(messages[:i]), content
    raise RecordError("messages has no user turn with a text before the first assistant turn")


def _sample(
    record: Object, given: str | None, turns: tuple[Message, ...], asked: str, source: str
) -> Sample:
    """A sample of ours or of a chat; without a given id it gets one made of what is asked."""
    return Sample(
        sample_id=given or _content_id(turns, asked),
        user_input=asked,
        conversation=turns,
        expected_response=text_at(record, "expected_response"),
        expected_tool_calls=_expected_calls(record),
        difficulty=choice_at(record, "difficulty", DIFFICULTIES),
        tags=texts_at(record, "tags"),
        source=source,
        cluster_id=identifier_at(record, "cluster_id"),
        metadata=object_at(record, "metadata"),
    )


def _content_id(turns: Sequence[Message], asked: str) -> str:
    content = canonical_json([asked, [message_record(turn) for turn in turns]])
    return "sample-" + sha256(content).hexdigest()[:16]


def _expected_calls(record: Object) -> tuple[ToolCall, ...] | None:
    value = record.get("expected_tool_calls")
    return None if value is None else read_tool_calls(value, "expected_tool_calls")


def read_run(sample: Sample, record: Object) -> Run:
    """A recorded run of `sample`; its `messages`, or at least `response`, must be there.

    `messages` may be the whole trace or only what the agent added to it. Raises RecordError.
    """
    refuse_unknown(record, _RUN, "run")
    given = identifier_at(record, "sample_id", "run")
    if given not in (None, sample.sample_id):
        raise RecordError(f"run.sample_id is {given}, but the sample is {sample.sample_id}")
    messages = read_messages(record.get("messages"), "run.messages")
    version = identifier_at(record, "agent_version", "run")
    return _run(sample, record, messages, version, "run")


def _run(
    sample: Sample,
    record: Object,
    messages: tuple[Message, ...],
    version: str | None,
    where: str,
) -> Run:
    own = own_turns(sample, messages)
    error = text_at(record, "error", where)
    response = text_at(record, "response", where) or final_response(own)
    calls = read_tool_calls(record.get("tool_calls"), f"{where}.tool_calls".lstrip("."))
    calls = calls or all_tool_calls(own)
    if not (response or calls or error or any(turn.role == "assistant" for turn in own)):
        raise RecordError("run has no assistant message, response, tool_calls or error")
    confidence = number_at(record, "confidence", 0.0, 1.0, where)
    method = text_at(record, "confidence_method", where) or "recorded"
    return Run(
        sample_id=sample.sample_id,
        agent_version=version or "recorded",
        messages=_trace(sample, messages, response, calls),
        response=None if error else response,
        tool_calls=calls,
        confidence=confidence,
        confidence_method=None if confidence is None else method,
        error=error,
        input_tokens=count_at(record, "input_tokens", where),
        output_tokens=count_at(record, "output_tokens", where),
        seconds=number_at(record, "seconds", 0.0, 1e9, where),
        created_at=time_at(record, "created_at", where),
        stop_reason=choice_at(record, "stop_reason", STOP_REASONS, where),
    )


def _trace(
    sample: Sample,
    messages: tuple[Message, ...],
    response: str | None,
    calls: tuple[ToolCall, ...],
) -> tuple[Message, ...]:
    """The whole trace, from what was recorded of it."""
    if any(message.role == "user" for message in messages):
        return messages
    if not messages and (response or calls):
        messages = (Message("assistant", response, calls),)
    return (*asked_turns(sample), *messages)


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


def read_sample_record(record: Object) -> Sample:
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
