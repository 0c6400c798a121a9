from __future__ import annotations

import json

from agents.questions import chat_messages, question
from goldloop.samples import Message, Sample, ToolCall

SAMPLE = Sample(
    "s-1",
    "Book it.",
    conversation=(
        Message("user", "Hi"),
        Message("assistant", None, (ToolCall("find", {"id": 1}), ToolCall("look", {}))),
        Message("tool", "found", name="find"),
        Message("tool", "seen"),
        Message("assistant", "Yes?"),
    ),
    expected_response="GOLD",
    expected_tool_calls=(ToolCall("GOLD", {}),),
    tags=("GOLD",),
    metadata={"reward": "GOLD"},
)


def test_the_expected_behaviour_never_leaves() -> None:
    assert "GOLD" not in json.dumps(question(SAMPLE))


def test_the_messages_end_with_what_the_user_asks() -> None:
    asked = question(SAMPLE)
    assert (asked["sample_id"], asked["user_input"]) == ("s-1", "Book it.")
    assert asked["messages"][-1] == {"role": "user", "content": "Book it."}


def test_calls_and_tool_answers_without_ids_are_given_ids_that_match() -> None:
    _, asking, first, second, *_ = question(SAMPLE)["messages"]
    ids = [call["id"] for call in asking["tool_calls"]]
    assert len(set(ids)) == 2
    assert [first["tool_call_id"], second["tool_call_id"]] == ids


def test_ids_that_are_there_are_kept() -> None:
    turns = [Message("assistant", None, (ToolCall("f", {}, "a"),)), Message("tool", "x", (), "a")]
    asking, answer = chat_messages(turns)
    assert asking["tool_calls"][0]["id"] == answer["tool_call_id"] == "a"


def test_arguments_are_json_text_and_unparsed_ones_go_back_as_they_came() -> None:
    turn = Message("assistant", "", (ToolCall("f", {"é": 1}), ToolCall("g", {"__unparsed__": "{"})))
    calls = chat_messages([turn])[0]["tool_calls"]
    assert json.loads(calls[0]["function"]["arguments"]) == {"é": 1}
    assert calls[1]["function"]["arguments"] == "{"


def test_what_cannot_be_sent_as_utf_8_is_replaced() -> None:
    asked = question(Sample("s", "a\ud800\x00"))
    assert asked["user_input"] == asked["messages"][0]["content"] == "a\ufffd\ufffd"
