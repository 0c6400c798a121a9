"""How an answer is held to its form, what its request is called, and the seed."""

from __future__ import annotations

from typing import Any

import pytest

from agents.asking import Ask
from agents.retry import CallError
from goldloop.synthesis.prompts import SAMPLE_SCHEMA
from tests.agents.conftest import Make
from tests.agents.openai_server import Behaviour, OpenAIServer, fails, refuses_key, says, sends_raw

HI = [{"role": "user", "content": "Hi, in JSON"}]
Way = dict[str, Any]


def form(body: Any) -> str | None:
    """The form that a request asks for."""
    asked = (body.get("text") or {}).get("format") or body.get("response_format") or {}
    found: str | None = asked.get("type")
    return found


def only(*forms: str | None, says_so: str = "") -> Behaviour:
    """Answers requests for one of the forms, and 400 to others."""

    def behave(body: Any) -> Any:
        key = "text.format" if "input" in body else "response_format"
        if form(body) not in forms:
            return fails(400, says_so or f"Invalid parameter: '{key}'")(body)
        return says("{}")(body)

    return behave


def test_a_schema_of_the_strict_kind_is_asked_for_strictly(
    make_model: Make, server: OpenAIServer, way: Way
) -> None:
    found = make_model(says("{}"), **way).complete(Ask(HI, schema=SAMPLE_SCHEMA))
    body = server.requests[0].body
    asked = body["text"]["format"] if "text" in body else body["response_format"]["json_schema"]
    assert (asked["strict"], found.structured) == (True, "schema")


@pytest.mark.parametrize("says_so", ["", "Bad request"])
def test_an_endpoint_without_schemas_is_asked_for_an_object(
    make_model: Make, server: OpenAIServer, way: Way, says_so: str
) -> None:
    model = make_model(only("json_object", says_so=says_so), **way)
    assert model.complete(Ask(HI, schema=SAMPLE_SCHEMA, logprobs=False)).structured == "json"
    asked = len(server.requests)
    assert model.complete(Ask(HI, schema=SAMPLE_SCHEMA, logprobs=False)).structured == "json"
    assert len(server.requests) == asked + 1


def test_an_endpoint_without_either_has_the_prompt_alone(
    make_model: Make, server: OpenAIServer, way: Way
) -> None:
    model = make_model(only(None), **way)
    assert model.complete(Ask(HI, schema=SAMPLE_SCHEMA)).structured == "prompt"
    assert [form(request.body) for request in server.requests] == [
        "json_schema",
        "json_object",
        None,
    ]


def test_an_answer_of_no_form_has_none(make_model: Make) -> None:
    assert make_model(says("Hello")).complete(Ask(HI)).structured is None


def test_a_schema_that_is_wrong_in_itself_is_told_and_not_dropped(make_model: Make) -> None:
    model = make_model(fails(400, "Invalid schema for response_format 'answer'"))
    with pytest.raises(CallError, match="Invalid schema"):
        model.complete(Ask(HI, schema={"type": "thing"}))


def test_the_seed_is_sent_where_the_interface_has_one(
    make_model: Make, server: OpenAIServer, way: Way
) -> None:
    make_model(says("Hello"), **way).complete(Ask(HI, seed=5))
    assert server.requests[0].body.get("seed") == (5 if way["api"] == "chat" else None)


def test_an_endpoint_that_refuses_seeds_is_asked_without(
    make_model: Make, server: OpenAIServer
) -> None:
    model = make_model(refuses_key("seed", says("Hello")))
    assert model.complete(Ask(HI, seed=5)).text == "Hello"
    assert "seed" not in server.requests[-1].body


def test_log_probabilities_that_nobody_wants_are_not_asked_for(
    make_model: Make, server: OpenAIServer, way: Way
) -> None:
    make_model(says("Hello"), **way).complete(Ask(HI, logprobs=False))
    assert "logprobs" not in server.requests[0].body
    assert "include" not in server.requests[0].body


def test_a_request_is_called_as_its_answers_body_says(make_model: Make, way: Way) -> None:
    name = make_model(says("Hello"), **way).complete(Ask(HI)).request_id
    assert name == ("chatcmpl-1" if way["api"] == "chat" else "resp_1")


@pytest.mark.parametrize(("header", "name"), [("req-7", "req-7"), ("r" * 201, None)])
def test_the_header_goes_before_the_body(make_model: Make, header: str, name: str | None) -> None:
    body = b'{"id": "own", "choices": [{"message": {"content": "Hello"}}]}'
    model = make_model(sends_raw(body, x_request_id=header))
    assert model.complete(Ask(HI)).request_id == name
