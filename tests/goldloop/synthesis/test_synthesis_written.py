"""How a model's reply is read."""

from __future__ import annotations

import json

import pytest

from goldloop.samples import Message, ToolCall
from goldloop.synthesis.values import Candidate, Cell, Provenance, Rejection, Slot
from goldloop.synthesis.written import read_solution, read_written

SLOT = Slot(7, Cell("medium", "find_order", "a student", "terse", "clear"))
PROVENANCE = Provenance(
    "1-abc", "writer", {"seeds": [3]}, ("req-1",), ("easy", "medium"), usd="0.1"
)
GOOD = {
    "user_input": "Where is my order LM-204418?",
    "conversation": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}],
    "expected_response": "It left on Monday.",
    "key_points": ["left on Monday", " "],
    "expected_tool_calls": [{"name": "find_order", "arguments_json": '{"order_id": "LM-204418"}'}],
    "difficulty": "hard",
}


def read(text):
    return read_written(text, SLOT, 2, PROVENANCE, batch=4)


def good(**other):
    return json.dumps({**GOOD, **other})


def test_a_reply_becomes_a_candidate_with_its_sample():
    found = read(good())
    assert isinstance(found, Candidate)
    sample = found.sample
    assert (found.slot, found.attempt, found.key_points) == (SLOT, 2, ("left on Monday",))
    assert sample.conversation == (Message("user", "Hi"), Message("assistant", "Hello"))
    assert sample.expected_tool_calls == (ToolCall("find_order", {"order_id": "LM-204418"}),)
    assert (sample.source, sample.difficulty) == ("synthetic", "medium")
    assert sample.tags == ("find_order", "intent:clear")


def test_the_metadata_say_where_a_sample_comes_from():
    own = read(good()).sample.metadata["synthesis"]
    assert (own["batch"], own["slot"], own["attempt"]) == (4, 7, 2)
    assert own["cell"]["persona"] == "a student"
    assert own["key_points"] == ["left on Monday"]
    assert own["stated_difficulty"] == "hard"
    assert (own["prompt_version"], own["model"], own["usd"]) == ("1-abc", "writer", "0.1")
    assert own["request_ids"] == ["req-1"]
    assert own["steps"] == ["easy", "medium"]
    json.dumps(own)


def test_the_id_is_of_what_is_asked_and_expected_and_nothing_else():
    one = read(good()).sample.sample_id
    assert one == read(good(key_points=[], difficulty="easy")).sample.sample_id
    assert one != read(good(expected_response="Nobody knows.")).sample.sample_id
    assert one.startswith("syn-")
    assert len(one) == 24


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{good()}\n```",
        f"Here it is:\n```\n{good()}\n```\nBye",
        f"Sure! {{not this}} {good()} Anything else?",
        f'{{"thought": "hm"}} {good()}',
        f"\n  {good()}  ",
    ],
)
def test_words_and_code_blocks_around_the_object_do_not_matter(text):
    assert read(text).sample == read(good()).sample


def test_arguments_may_stand_as_an_object():
    call = {"name": "find_order", "arguments_json": {"order_id": "LM-204418"}}
    assert read(good(expected_tool_calls=[call])).sample.sample_id == read(good()).sample.sample_id


@pytest.mark.parametrize("text", ["{broken", "[1]", '"text"', '{"a": NaN}'])
def test_arguments_that_are_no_object_are_kept_as_they_were_written(text):
    found = read(good(expected_tool_calls=[{"name": "find_order", "arguments_json": text}]))
    assert found.sample.expected_tool_calls == (ToolCall("find_order", {"__unparsed__": text}),)
    assert found.arguments == (text,)


def test_a_tool_that_there_is_not_is_left_for_the_rules():
    found = read(good(expected_tool_calls=[{"name": "sing", "arguments_json": "{}"}]))
    assert found.sample.expected_tool_calls[0].name == "sing"


def test_an_empty_input_is_left_for_the_rules():
    assert read(good(user_input="")).sample.user_input == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no JSON object with user_input"),
        ("I would rather not.", "holds no JSON object"),
        (good()[:60], "holds no JSON object"),
        ("[" * 100_000, "holds no JSON object"),
        ("{" * 100_000, "holds no JSON object"),
        (" " * 500_000, "500000 characters; at most"),
        (good(user_input=None), "user_input must be a text, not null"),
        (good(user_input="a\x00b"), "NUL"),
        (good(user_input="\ud800"), "surrogate"),
        (good(expected_response=["x"]), "expected_response must be a text"),
        (good(expected_tool_calls=None), "expected_tool_calls must be a list"),
        (good(expected_tool_calls=["find_order"]), "tool call 1 must be an object"),
        (good(expected_tool_calls=[{"arguments_json": "{}"}]), "name must be a tool's name"),
        (good(expected_tool_calls=[{"name": "a", "arguments_json": 7}]), "must be a text"),
        (good(expected_tool_calls=[{"name": "a", "arguments_json": "{}"}] * 65), "at most 64"),
        (good(conversation={"role": "user"}), "conversation must be a list"),
        (good(conversation=[{"role": "system", "content": "x"}]), "must be user or assistant"),
        (good(conversation=[{"role": "user", "content": None}]), "content must be a text"),
        (good(key_points=[1]), "key_points must be a list of texts"),
        (good(extra=float("nan")), "holds no JSON object"),
    ],
)
def test_what_is_malformed_is_rejected_in_words(text, said):
    found = read(text)
    assert isinstance(found, Rejection)
    assert (found.stage, found.reason) == ("call", "malformed")
    assert said in found.said
    assert len(found.said) <= 300


def test_a_solution_is_read():
    found = read_solution(
        '{"response": null, "tool_calls": [{"name": "a", "arguments_json": "{}"}]}'
    )
    assert (found.calls, found.response, found.error) == ((ToolCall("a", {}),), None, None)


@pytest.mark.parametrize("text", ["no", '{"response": "x"}', '{"tool_calls": "x"}'])
def test_a_malformed_solution_has_an_error(text):
    assert read_solution(text).error.startswith("the reply is malformed")
