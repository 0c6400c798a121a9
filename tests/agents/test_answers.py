from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.answers import about, run_from_answer
from goldloop.errors import AgentError
from goldloop.samples import Message, Run, Sample, ToolCall

SAMPLE = Sample(
    "s-1", "Book it.", conversation=(Message("user", "Hi"), Message("assistant", "Yes?"))
)
ASKED = (*SAMPLE.conversation, Message("user", "Book it."))


def run(answer: object) -> Run:
    return run_from_answer(SAMPLE, "v1", answer, 0.5)


def test_a_text_becomes_the_response_and_ends_the_trace() -> None:
    assert run("Done.") == Run(
        "s-1", "v1", (*ASKED, Message("assistant", "Done.")), "Done.", seconds=0.5
    )


def test_a_mapping_gives_response_calls_confidence_and_tokens() -> None:
    answer = {
        "response": "Done.",
        "tool_calls": [{"name": "book", "arguments": {"id": 1}, "call_id": "c"}],
        "confidence": 1,
        "input_tokens": 5,
        "output_tokens": 0,
        "something_else": object(),
    }
    result = run(answer)
    assert result.tool_calls == (ToolCall("book", {"id": 1}),)
    assert result.tool_calls[0].call_id == "c"
    assert (result.confidence, result.confidence_method) == (1.0, "reported")
    assert (result.input_tokens, result.output_tokens) == (5, 0)
    assert result.messages[-1] == Message("assistant", "Done.", result.tool_calls)


def test_a_run_that_was_stopped_may_be_empty() -> None:
    result = run({"messages": [{"role": "assistant", "content": ""}], "stop_reason": "step_limit"})
    assert (result.response, result.stop_reason) == (None, "step_limit")


NEW_TURNS: list[dict[str, Any]] = [
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "book", "arguments": '{"id": 1}'}}
        ],
    },
    {"role": "tool", "tool_call_id": "c", "name": "book", "content": "ok"},
    {"role": "assistant", "content": "Booked."},
]
WHOLE_TRACE = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Yes?"},
    {"role": "user", "content": "Book it."},
    *NEW_TURNS,
]


@pytest.mark.parametrize("messages", [NEW_TURNS, WHOLE_TRACE], ids=["new turns", "whole trace"])
def test_response_and_calls_are_read_from_messages(messages: object) -> None:
    result = run({"messages": messages})
    assert result.response == "Booked."
    assert result.tool_calls == (ToolCall("book", {"id": 1}),)
    assert result.messages[:3] == ASKED
    assert [m.role for m in result.messages[3:]] == ["assistant", "tool", "assistant"]
    assert (result.messages[4].tool_call_id, result.messages[4].name) == ("c", "book")


def test_what_was_said_before_the_question_is_not_the_response() -> None:
    earlier = [*WHOLE_TRACE[:4], NEW_TURNS[0]]
    assert run({"messages": earlier}).response is None


@pytest.mark.parametrize("arguments", [None, "", {}, "{}"])
def test_a_call_without_arguments_has_none(arguments: object) -> None:
    result = run({"tool_calls": [{"name": "now", "arguments": arguments}]})
    assert result.tool_calls == (ToolCall("now", {}),)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1]",
        "3",
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"é": 1, "e\\u0301": 2}',
        '{"a":' * 250 + "1" + "}" * 250,
        '{"a": ' + "9" * 5000 + "}",
        "[" * 100_000,
    ],
    ids=lambda text: text[:12],
)
def test_arguments_that_are_no_json_object_are_kept_as_text(text: str) -> None:
    result = run({"tool_calls": [{"name": "f", "arguments": text}]})
    assert result.tool_calls == (ToolCall("f", {"__unparsed__": text}),)


def test_large_integers_in_arguments_stay_exact() -> None:
    result = run({"tool_calls": [{"name": "f", "arguments": '{"id": 12345678901234567890}'}]})
    assert result.tool_calls[0].arguments == {"id": 12345678901234567890}


def test_nul_and_lone_surrogates_are_replaced_everywhere() -> None:
    bad, good = "a\x00\ud800b", "a\ufffd\ufffdb"
    result = run(
        {"response": bad, "tool_calls": [{"name": bad, "arguments": {bad: [bad, {"k": bad}]}}]}
    )
    assert result.response == good
    assert result.tool_calls == (ToolCall(good, {good: [good, {"k": good}]}),)


CALL = {"name": "f", "arguments": {}}


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        (None, "NoneType"),
        (["text"], "list"),
        (3, "int"),
        ({}, "neither"),
        ("  \n", "neither"),
        ({"response": ""}, "neither"),
        ({"respones": "typo"}, "neither"),
        ({"response": 3}, "response"),
        ({"response": b"bytes"}, "response"),
        ({"response": "x" * 1_000_001}, "1000000"),
        ({"response": "x", "tool_calls": "f()"}, "tool_calls"),
        ({"response": "x", "tool_calls": ["f"]}, "a tool call"),
        ({"response": "x", "tool_calls": [{"arguments": {}}]}, "no name"),
        ({"response": "x", "tool_calls": [{"name": 1}]}, "name"),
        ({"response": "x", "tool_calls": [{"function": "f"}]}, "function"),
        ({"response": "x", "tool_calls": [CALL] * 201}, "200"),
        ({"response": "x", "tool_calls": [{"name": "f" * 1001}]}, "name"),
        ({"tool_calls": [{"name": "f", "arguments": [1]}]}, "arguments"),
        ({"tool_calls": [{"name": "f", "arguments": {"a": float("nan")}}]}, "arguments"),
        ({"tool_calls": [{"name": "f", "arguments": {1: "a"}}]}, "arguments"),
        ({"tool_calls": [{"name": "f", "arguments": {"a": {1, 2}}}]}, "arguments"),
        ({"tool_calls": [{"name": "f", "arguments": {"\x00": 1, "\ud800": 2}}]}, "two keys"),
        ({"tool_calls": [{"name": "f", "arguments": {"a": ["x" * 999_990] * 2}}]}, "bytes"),
        ({"messages": {}}, "messages"),
        ({"messages": ["hello"]}, "a message"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "role"),
        ({"messages": [{"role": ["user"], "content": "x"}]}, "role"),
        ({"messages": [{"role": "assistant", "content": [{"type": "text"}]}]}, "content"),
        ({"messages": [{"role": "assistant", "content": "x"}] * 1001}, "1000"),
        ({"messages": [{"role": "assistant", "tool_calls": [CALL] * 150}] * 2}, "200"),
        ({"response": "x", "confidence": 1.01}, "confidence"),
        ({"response": "x", "confidence": -0.01}, "confidence"),
        ({"response": "x", "confidence": float("nan")}, "confidence"),
        ({"response": "x", "confidence": True}, "confidence"),
        ({"response": "x", "confidence": "0.9"}, "confidence"),
        ({"response": "x", "input_tokens": -1}, "input_tokens"),
        ({"response": "x", "input_tokens": True}, "input_tokens"),
        ({"response": "x", "output_tokens": 2**53}, "output_tokens"),
        ({"response": "x", "output_tokens": 1.5}, "output_tokens"),
        ({"response": "x", "stop_reason": "bored"}, "stop_reason"),
        ({"response": "x", "stop_reason": ["length"]}, "stop_reason"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_answer_that_does_not_fit_is_refused(answer: object, names: str) -> None:
    with pytest.raises(AgentError, match=names):
        run(answer)


def deep(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def test_arguments_nested_too_deep_are_refused() -> None:
    with pytest.raises(AgentError, match="200 levels"):
        run({"tool_calls": [{"name": "f", "arguments": deep(5000)}]})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
RUN_KEYS = ("response", "tool_calls", "messages", "confidence", "input_tokens", "stop_reason")
KEYS = (*RUN_KEYS, "role", "content", "name", "arguments", "function")
ANSWERS = st.recursive(
    JSON | st.sampled_from(["assistant", "user", "tool", "{}"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(ANSWERS)
def test_any_json_becomes_a_storable_run_or_an_agent_error(answer: object) -> None:
    try:
        result = run(answer)
    except AgentError:
        return
    assert result.response or result.tool_calls or result.stop_reason
    assert result.confidence is None or 0 <= result.confidence <= 1
    arguments = [dict(call.arguments) for call in result.tool_calls]
    assert "\x00" not in json.dumps(arguments, allow_nan=False)


def test_an_error_names_the_sample_on_one_short_line_without_secrets() -> None:
    text = "broke\n with s3cret-value and Bearer abc123 and sk-live-1234567890abcdef " + "x" * 999
    with pytest.raises(AgentError) as caught, about(SAMPLE, ["Token s3cret-value"]):
        raise AgentError(text)
    shown = str(caught.value)
    assert shown.startswith("sample 's-1': broke with ***")
    assert len(shown) < 330
    assert "\n" not in shown
    assert not any(secret in shown for secret in ("s3cret", "abc123", "1234567890"))
