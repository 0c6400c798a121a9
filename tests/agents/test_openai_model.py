"""What a model behind an OpenAI-compatible endpoint does, whichever interface it is asked by."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents.asking import FEATURES, refused_features, strict
from agents.retry import CallError
from goldloop.errors import SettingsError
from tests.agents.conftest import Make
from tests.agents.openai_server import (
    Behaviour,
    OpenAIServer,
    answers,
    completion,
    fails,
    refuses,
    refuses_key,
    says,
    sends,
)
from tests.agents.wire import Answer

HI = [{"role": "user", "content": "Hi"}]
SCHEMA = {"type": "object", "properties": {"sure": {"type": "number"}}}
Way = dict[str, Any]


def test_a_model_answers_with_a_text_its_tokens_and_what_it_took(
    make_model: Make, way: Way
) -> None:
    completion = make_model(says("Hello there", [-0.1, -0.2]), **way).ask(HI)
    assert completion.text == "Hello there"
    assert completion.tokens == (("Hello ", -0.1), ("there", -0.2))
    assert (completion.usage, completion.spent) == ((7, 3), (7, 3))


def test_what_is_asked_for_is_sent(make_model: Make, server: OpenAIServer, way: Way) -> None:
    model = make_model(says('{"sure": 1}'), max_tokens=50, **way)
    model.ask(HI, temperature=1.5, schema=SCHEMA)
    body = server.requests[0].body
    limit = body["max_completion_tokens" if way["api"] == "chat" else "max_output_tokens"]
    asked = body["text"]["format"] if "text" in body else body["response_format"]["json_schema"]
    assert (body["temperature"], limit) == (1.5, 50)
    assert (asked["schema"], asked["strict"], asked["name"]) == (SCHEMA, False, "answer")


def test_a_refusal_is_marked(make_model: Make, way: Way) -> None:
    completion = make_model(refuses("No."), **way).ask(HI)
    assert (completion.text, completion.refused) == ("No.", True)


def test_text_and_refusal_together_are_no_refusal(make_model: Make) -> None:
    both = completion({"content": "Well.", "refusal": "No."})
    assert not make_model(both).ask(HI).refused


@pytest.mark.parametrize("status", [400, 422])
def test_an_endpoint_that_refuses_log_probabilities_is_asked_without_and_remembered(
    make_model: Make, server: OpenAIServer, status: int, way: Way
) -> None:
    model = make_model(fails(status, "unknown"), says("Yes", [-1.0]), **way)
    assert model.ask(HI).tokens == ()
    model.ask(HI)
    asked = ["logprobs" in json.dumps(request.body) for request in server.requests]
    assert asked == [True, False, False]


def test_a_request_that_is_bad_for_another_reason_does_not_turn_the_question_off(
    make_model: Make, server: OpenAIServer, way: Way
) -> None:
    long = fails(400, "context too long")
    model = make_model(long, long, says("Yes", [-1.0]), **way)
    with pytest.raises(CallError, match="context too long"):
        model.ask(HI)
    assert model.ask(HI).tokens
    asked = ["logprobs" in json.dumps(request.body) for request in server.requests]
    assert asked == [True, False, True]


def test_a_reasoning_model_is_asked_without_what_it_refuses(
    make_model: Make, server: OpenAIServer, way: Way
) -> None:
    thinks = refuses_key("logprobs", refuses_key("temperature", says("Yes")))
    model = make_model(thinks, **way)
    for _ in range(2):
        assert model.ask(HI, temperature=0.7).text == "Yes"
    bodies = [json.dumps(request.body) for request in server.requests]
    assert ["temperature" in body for body in bodies] == [True, True, False, False]


REFUSED = ["response_format", "stream_options", "max_completion_tokens"]


@pytest.mark.parametrize("key", REFUSED)
def test_an_older_endpoint_is_asked_without_what_it_does_not_know(
    make_model: Make, server: OpenAIServer, key: str
) -> None:
    model = make_model(refuses_key(key, says("Yes")), stream=True, max_tokens=9)
    assert model.ask(HI, schema=SCHEMA).text == "Yes"
    sent = server.requests[-1].body
    assert key not in sent
    assert "logprobs" in sent
    assert set(REFUSED) - {key} <= sent.keys()
    if key == "max_completion_tokens":
        assert sent["max_tokens"] == 9


def test_a_schema_that_is_wrong_in_itself_is_an_error(
    make_model: Make, server: OpenAIServer
) -> None:
    model = make_model(fails(400, "Invalid schema for response_format 'answer'"))
    with pytest.raises(CallError, match="Invalid schema"):
        model.ask(HI, schema=SCHEMA)
    assert len(server.requests) == 1


def test_attempts_that_failed_count_where_they_said_what_they_took(make_model: Make) -> None:
    model = make_model(
        sends({"error": {"code": "server_error"}, "usage": {"prompt_tokens": 5}}),
        fails(500),
        sends({"error": {"code": 502}, "usage": {"prompt_tokens": 4, "completion_tokens": 1}}),
        says("Yes"),
    )
    completion = model.ask(HI)
    assert completion.usage == (7, 3)
    assert completion.spent == (16, None)


def test_an_error_says_what_all_attempts_took(make_model: Make) -> None:
    half = {"usage": {"prompt_tokens": 4, "completion_tokens": 1}}
    model = make_model(sends({"error": {"code": 502}, **half}), sends({"choices": [], **half}))
    with pytest.raises(CallError, match="no choices") as caught:
        model.ask(HI)
    assert caught.value.usage == (8, 2)


def test_an_unknown_interface_is_a_settings_error(make_model: Make) -> None:
    with pytest.raises(SettingsError, match="expected chat or responses, got 'soap'"):
        make_model(says("x"), api="soap")


def test_two_interfaces_of_one_endpoint_are_asked_at_their_own_paths(
    make_model: Make, server: OpenAIServer, way: Way
) -> None:
    make_model(says("Yes"), **way).ask(HI)
    [path] = [request.path for request in server.requests]
    assert path == ("/v1/chat/completions" if way["api"] == "chat" else "/v1/responses")


@pytest.mark.parametrize("behaviour", [says("Yes"), answers(Answer("Yes", finish="length"))])
def test_an_endpoint_that_does_not_stream_is_understood_all_the_same(
    make_model: Make, server: OpenAIServer, way: Way, behaviour: Behaviour
) -> None:
    def plain(body: Any) -> Any:
        return behaviour({key: value for key, value in body.items() if key != "stream"})

    assert make_model(plain, **way).ask(HI).text == "Yes"


def test_what_a_refusal_names_is_dropped_and_nothing_twice() -> None:
    assert refused_features("'include' is not allowed", set()) == {"logprobs", "reasoning"}
    assert refused_features("Encrypted content is not supported", set()) == {"reasoning"}
    assert refused_features("temperature and LOGPROBS", {"logprobs"}) == {"temperature"}
    assert refused_features("whatever", set(FEATURES)) == set()


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, True),
        ({"type": "object"}, False),
        ({"type": "object", "properties": {}, "additionalProperties": False}, True),
        (SCHEMA, False),
        ({**SCHEMA, "required": ["sure"], "additionalProperties": False}, True),
        ({"type": "array", "items": SCHEMA}, False),
        ({"anyOf": [{"type": "null"}, SCHEMA]}, False),
    ],
)
def test_a_model_is_held_to_a_schema_only_where_openai_can(schema: Any, expected: bool) -> None:
    assert strict(schema) is expected


def test_the_model_that_answered_is_named(make_model: Make, way: Way) -> None:
    model = make_model(says("Hello"), **way)
    assert (model.model, model.ask(HI).model) == ("m-1", "test-model")


@pytest.mark.parametrize("name", ["", "two\nlines", "x" * 201, 7, None])
def test_a_name_of_a_model_that_is_none_is_left_out(make_model: Make, name: object) -> None:
    choice = {"index": 0, "finish_reason": "stop", "message": {"content": "Hi"}}
    assert make_model(sends({"model": name, "choices": [choice]})).ask(HI).model is None
