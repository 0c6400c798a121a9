"""Streams of events as hostile or careless endpoints send them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.bodies import Done, read_events
from agents.chat import ChatCompletions
from agents.responses import Responses
from agents.retry import CallError
from tests.agents.conftest import Make
from tests.agents.openai_server import OpenAIServer, sends_events

HI = [{"role": "user", "content": "Hi"}]


def events(*chunks: bytes) -> list[object]:
    return list(read_events(chunks, lambda: 0.0, 1.0))


def delta(**keys: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": keys}]}


END = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


def test_events_are_read_however_they_are_cut() -> None:
    whole = b': hi\r\n\r\nevent: x\ndata: {"a":\ndata:  1}\nid: 7\n\ndata: 2\r\n\r\ndata: [DONE]\n'
    for size in (1, 2, 3, 7, 100):
        found = events(*(whole[n : n + size] for n in range(0, len(whole), size)))
        assert found[:2] == [{"a": 1}, 2]
        assert isinstance(found[2], Done)


def test_an_event_that_the_end_cuts_off_is_left_out() -> None:
    assert events(b'data: 1\n\ndata: {"a"') == [1]


def test_nothing_after_the_end_is_read() -> None:
    assert len(events(b"data: [DONE]\n\ndata: garbage\n\n")) == 1


@pytest.mark.parametrize(
    ("chunks", "says_so"),
    [
        ([b"data: {oops\n\n"], "an event of the stream is not JSON, it begins with '{oops'"),
        ([b"data: " + b"[" * 100_000 + b"\n\n"], "not JSON"),
        ([b"x" * 1_000_000] * 11, "larger than 10000000 bytes"),
    ],
)
def test_garbage_is_an_error(chunks: list[bytes], says_so: str) -> None:
    with pytest.raises(CallError, match=says_so) as caught:
        events(*chunks)
    assert not caught.value.again


def test_a_stream_that_trickles_beyond_its_time_may_be_asked_for_again() -> None:
    clock = iter([0.5, 1.5])
    with pytest.raises(CallError, match="timed out") as caught:
        list(read_events([b"a", b"b"], lambda: next(clock), 1.0))
    assert caught.value.again


@pytest.mark.parametrize(
    ("parts", "arguments"),
    [
        (
            [
                {"id": "a", "function": {"name": "f", "arguments": "{"}},
                {"function": {"arguments": "}"}},
            ],
            ["{}"],
        ),
        (
            [
                {"id": "a", "function": {"name": "f", "arguments": "1"}},
                {"id": "b", "function": {"name": "f", "arguments": "2"}},
            ],
            ["1", "2"],
        ),
        (
            [
                {"index": 1, "id": "b", "function": {"name": "f", "arguments": "2"}},
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": "1"}},
                {"index": 1, "function": {"arguments": "3"}},
            ],
            ["23", "1"],
        ),
    ],
    ids=["without an index", "told apart by their ids", "interleaved"],
)
def test_calls_are_put_together_by_what_marks_them(
    make_model: Make, parts: list[dict[str, Any]], arguments: list[str]
) -> None:
    chunks = [delta(tool_calls=[part]) for part in parts]
    answer = make_model(sends_events(*chunks, END), stream=True).ask(HI)
    found = [call["function"]["arguments"] for call in answer.message["tool_calls"]]
    assert found == arguments
    assert not any("index" in call for call in answer.message["tool_calls"])


def test_a_stream_may_end_by_its_reason_alone(make_model: Make) -> None:
    behaviour = sends_events(delta(content="Yes"), END, end=b"")
    assert make_model(behaviour, stream=True).ask(HI).text == "Yes"


def test_keys_of_the_endpoints_own_are_put_together_too(make_model: Make) -> None:
    behaviour = sends_events(delta(thought="a"), delta(thought="b", content="Yes"), END)
    assert make_model(behaviour, stream=True).ask(HI).message["thought"] == "ab"


def test_items_of_a_response_are_those_of_their_own_events(make_model: Make) -> None:
    item = {"type": "message", "content": [{"type": "output_text", "text": "Yes"}]}
    done = {"type": "response.output_item.done", "output_index": 0, "item": item}
    end = {"type": "response.completed", "response": {"status": "completed", "output": []}}
    model = make_model(sends_events(done, end), api="responses", stream=True)
    assert model.ask(HI).text == "Yes"


CHAT_FAULTS = [
    (delta(tool_calls=[7]), "a tool call in the stream is no object"),
    (delta(tool_calls=[{"index": n} for n in range(201)]), "calls more than 200 tools"),
    ([], "a chunk of the stream is no object"),
    ({"error": {"message": "bad luck"}}, "failed: bad luck"),
    (b"data: [DONE]\n\n", "no choices"),
    (b"garbage\n\n", "no choices"),
]
RESPONSE_FAULTS = [
    ([], "an event of the stream is no object"),
    ({"type": "error", "message": "bad luck"}, "failed: bad luck"),
    ({"type": "response.completed", "response": {}}, "with `output`"),
    ({"type": "response.completed", "response": {"output": [1]}}, "no object"),
    (
        {"type": "response.completed", "response": {"output": [{"type": "message"}]}},
        "expected a list of parts",
    ),
    (
        {"type": "response.failed", "response": {"error": {"code": "x", "message": "bad"}}},
        "failed: x bad",
    ),
    ({"type": "response.failed", "response": {"status": "failed"}}, "does not say why"),
]


@pytest.mark.parametrize(
    ("api", "event", "says_so"),
    [("chat", *fault) for fault in CHAT_FAULTS]
    + [("responses", *fault) for fault in RESPONSE_FAULTS],
    ids=lambda value: str(value)[:30],
)
def test_an_event_that_makes_no_sense_is_an_error_at_once(
    make_model: Make, server: OpenAIServer, api: str, event: object, says_so: str
) -> None:
    model = make_model(sends_events(event), api=api, stream=True)
    with pytest.raises(CallError, match=says_so):
        model.ask(HI)
    assert len(server.requests) == 1


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("code", ["server_error", "rate_limit_exceeded", 503])
def test_a_stream_that_fails_as_a_busy_server_does_is_asked_for_again(
    make_model: Make, server: OpenAIServer, api: str, code: object
) -> None:
    broken = sends_events({"type": "error", "error": {"code": code, "message": "busy"}})
    with pytest.raises(CallError, match="busy"):
        make_model(broken, attempts=3, api=api, stream=True).ask(HI)
    assert len(server.requests) == 3


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
KEYS = (
    *("type", "response", "output", "item", "content", "status", "text", "output_index", "role"),
    *("choices", "delta", "index", "tool_calls", "function", "name", "arguments", "id", "usage"),
    *("message", "finish_reason", "logprobs", "error", "code", "refusal", "content_index"),
)
WORDS = (
    *("message", "function_call", "output_text", "refusal", "reasoning", "length", "stop"),
    *("response.completed", "response.failed", "response.output_item.done", "error"),
    "response.output_text.done",
)
BODIES = st.recursive(
    JSON | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=15,
)


@pytest.mark.parametrize("interface", [ChatCompletions(), Responses()], ids=["chat", "responses"])
@given(body=BODIES, stream=st.lists(BODIES, max_size=4))
def test_any_json_is_a_completion_or_a_call_error(interface: Any, body: Any, stream: Any) -> None:
    for make in (lambda: body, lambda: interface.assembled(iter([*stream, Done()]))):
        try:
            completion = interface.completion(make())
        except CallError:
            continue
        assert completion.message["role"] == "assistant"
        assert isinstance(completion.text, str)
        json.dumps(completion.message)
