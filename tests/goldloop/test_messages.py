from __future__ import annotations

import json
from typing import Any

import pytest

from goldloop.errors import RecordError
from goldloop.messages import (
    call_record,
    message_record,
    parse_arguments,
    read_messages,
    read_tool_calls,
)
from goldloop.samples import Message, ToolCall


def message(**keys: Any) -> Message:
    (read,) = read_messages([{"role": "assistant", **keys}], "messages")
    return read


def call(**keys: Any) -> ToolCall:
    (read,) = read_tool_calls([keys], "calls")
    return read


def test_messages_that_are_null_are_none() -> None:
    assert read_messages(None, "messages") == ()


def test_the_text_parts_of_a_content_are_joined_and_others_named() -> None:
    parts = [
        {"type": "text", "text": "one"},
        {"type": "image_url", "image_url": {"url": "data:..."}},
        "two",
        {"type": "refusal", "refusal": "no"},
        {},
    ]
    assert message(content=parts).content == "one\n[image_url]\ntwo\nno\n[unknown part]"


@pytest.mark.parametrize("role", ["robot", None, "", 1, ["user"], "x" * 10_000])
def test_an_unknown_role_is_refused_with_the_known_ones(role: Any) -> None:
    with pytest.raises(RecordError, match=r"^m\[0\]\.role must be one of system, .*tool") as caught:
        read_messages([{"role": role}], "m")
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "^m must be a list of messages, not an object"),
        ("x", "^m must be a list of messages, not a string"),
        (["hi"], r"^m\[0\] must be an object with role and content, not a string"),
        ([{"role": "user", "content": 1}], r"^m\[0\]\.content must be a string or a list of parts"),
        ([{"role": "user", "content": [1]}], r"^m\[0\]\.content\[0\] must be an object"),
        ([{"role": "tool", "tool_call_id": 7}], r"^m\[0\]\.tool_call_id must be a string"),
        ([{"role": "tool", "name": []}], r"^m\[0\]\.name must be a string, not a list"),
        (
            [{"role": "assistant", "tool_calls": {}}],
            r"^m\[0\]\.tool_calls must be a list of tool calls, not an object",
        ),
        (
            [{"role": "user"}, {"role": "assistant", "tool_calls": [{"function": {}}]}],
            r"^m\[1\]\.tool_calls\[0\]\.name must be the tool's name, not null",
        ),
    ],
)
def test_a_malformed_message_is_refused_by_its_place(value: Any, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        read_messages(value, "m")


def test_openai_and_plain_calls_are_the_same_call() -> None:
    openai = call(id="c1", type="function", function={"name": "find", "arguments": '{"id": 7}'})
    plain = call(name="find", arguments={"id": 7}, call_id="c1")
    assert openai == plain == ToolCall("find", {"id": 7})
    assert openai.call_id == plain.call_id == "c1"


@pytest.mark.parametrize("arguments", [{}, "", None, "{}"])
def test_a_call_without_arguments_has_an_empty_object(arguments: Any) -> None:
    assert call(name="find", arguments=arguments).arguments == {}


@pytest.mark.parametrize(
    "text",
    [
        '{"id": ',
        "[1, 2]",
        '"text"',
        "null",
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": "\\u0000"}',
        '{"a": "\\ud800"}',
        '{"a": ' + "9" * 5_000 + "}",
        "[" * 100_000,
        '{"a":' * 60 + "1" + "}" * 60,
    ],
    ids=lambda text: text[:12],
)
def test_arguments_that_are_no_storable_json_object_are_kept_as_they_came(text: str) -> None:
    assert parse_arguments(text) == {"__unparsed__": text}


def test_large_whole_numbers_in_arguments_stay_exact() -> None:
    assert parse_arguments('{"id": 12345678901234567890123}') == {"id": 12345678901234567890123}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (["find"], r"^calls\[0\] must be an object with name and arguments"),
        ([{"name": ""}], r"^calls\[0\]\.name must be the tool's name, not ''"),
        ([{"name": 5}], r"^calls\[0\]\.name must be the tool's name, not 5"),
        ([{"function": "find"}], r"^calls\[0\]\.function must be an object, not a string"),
        ([{"name": "f", "arguments": [1]}], r"^calls\[0\]\.arguments must be an object or its"),
        ([{"name": "f", "arguments": 1}], r"^calls\[0\]\.arguments .* not a number"),
        ([{"name": "f", "id": 3}], r"^calls\[0\]\.id must be a string"),
    ],
)
def test_a_malformed_call_is_refused_by_its_place(value: Any, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        read_tool_calls(value, "calls")


@pytest.mark.parametrize(
    "value",
    [
        Message("user", ""),
        Message("assistant", None, (ToolCall("f", {"a": [1]}, "c1"), ToolCall("g", {}))),
        Message("tool", "{}", tool_call_id="c1", name="f"),
    ],
)
def test_a_message_comes_back_from_its_record(value: Message) -> None:
    record = json.loads(json.dumps(message_record(value)))
    assert read_messages([record], "messages") == (value,)


def test_a_call_keeps_its_id_in_its_record() -> None:
    assert call_record(ToolCall("f", {"a": 1}, "c1")) == {
        "name": "f",
        "arguments": {"a": 1},
        "id": "c1",
    }
