"""Samples, messages, tool calls and runs: the values that the whole loop is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Why a run ended before the agent had come to its end.
STOP_REASONS = ("step_limit", "length", "content_filter")
DIFFICULTIES = ("easy", "medium", "hard")
SOURCES = ("synthetic", "trace", "manual")
ROLES = ("system", "developer", "user", "assistant", "tool")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool: its name and its arguments as a JSON object.

    `call_id` links it to the tool's answer and carries no meaning of its own. Arguments that a
    model sent as unparsable JSON are kept as `{"__unparsed__": "<text>"}`, so nothing is lost.
    """

    name: str
    arguments: Mapping[str, Any]
    call_id: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: `role` is one of `ROLES`; `name` is the tool's name in a tool's answer."""

    role: str
    content: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One case of the evaluation set.

    `user_input` is what the agent is asked. `conversation` holds the turns before it, when there
    are any. `expected_tool_calls` is None where nobody said, and empty where the right answer is
    to call nothing. `cluster_id` groups samples that are not independent of each other (the same
    scenario, template or conversation).
    """

    sample_id: str
    user_input: str
    conversation: tuple[Message, ...] = ()
    expected_response: str | None = None
    expected_tool_calls: tuple[ToolCall, ...] | None = None
    difficulty: str | None = None
    tags: tuple[str, ...] = ()
    source: str = "manual"
    cluster_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """What one version of an agent did on one sample.

    `messages` is the whole trace, from what the agent was asked on. `response` and `tool_calls` are
    what the agent itself said last and called, not what the conversation held before. `confidence`
    is in [0, 1], higher is surer, and None where the run gives no ground for one;
    `confidence_method` names what gave it, and `estimates` holds what each estimator of confidence
    said, by its name and in [0, 1]. `error` is set when the agent failed, and then `response` is
    None. `stop_reason` is one of `STOP_REASONS`, or None for an agent that came to its own end.
    The tokens are those of the run itself; the `spent` ones are of everything that was asked for
    it, its confidence included; each None where it is not known. `seconds` is wall time.
    `created_at` is ISO 8601, given by whoever ran the agent.
    """

    sample_id: str
    agent_version: str
    messages: tuple[Message, ...] = ()
    response: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    confidence: float | None = None
    confidence_method: str | None = None
    error: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    seconds: float | None = None
    created_at: str | None = None
    estimates: Mapping[str, float] = field(default_factory=dict)
    spent_input_tokens: int | None = None
    spent_output_tokens: int | None = None
    stop_reason: str | None = None


def asked_turns(sample: Sample) -> tuple[Message, ...]:
    """The conversation so far, and then the user's input."""
    return (*sample.conversation, Message("user", sample.user_input))


def own_turns(sample: Sample, messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """What a trace adds to the turns that were asked; all of it where it does not begin with them.

    >>> hello, answer = Message("user", "Hello"), Message("assistant", "Hi")
    >>> own_turns(Sample("s", "Hello"), (hello, answer)) == (answer,)
    True
    """
    asked = asked_turns(sample)
    return messages[len(asked) :] if messages[: len(asked)] == asked else messages


def final_response(messages: tuple[Message, ...]) -> str | None:
    """The content of the last assistant message that says something; None when there is none."""
    for message in reversed(messages):
        if message.role == "assistant" and message.content:
            return message.content
    return None


def all_tool_calls(messages: tuple[Message, ...]) -> tuple[ToolCall, ...]:
    """Every tool call of the trace, in order."""
    return tuple(call for message in messages for call in message.tool_calls)
