from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from agents.openai_chat import OpenAIAgent
from agents.retry import Retry
from goldloop.errors import AgentError, SettingsError
from goldloop.samples import Message, Sample, ToolCall
from tests.agents.openai_server import (
    Behaviour,
    OpenAIServer,
    calls,
    completion,
    drops,
    echoes,
    fails,
    hangs,
    refuses_logprobs,
    says,
    sends,
    sends_raw,
    streams,
    trickles,
)

KEY = "sk-test-0123456789abcdefghij"
SAMPLE = Sample(
    "s-1",
    "Book it.",
    conversation=(
        Message("user", "Hi"),
        Message("assistant", None, (ToolCall("find", {"id": 1}, "c1"),)),
        Message("tool", "found", (), "c1", "find"),
        Message("assistant", "Found it."),
    ),
)
TOOL = {"name": "book", "description": "Book a seat", "parameters": {"type": "object"}}
Make = Callable[..., OpenAIAgent]


@pytest.fixture
def make(server: OpenAIServer, waits: list[float]) -> Iterator[Make]:
    made: list[OpenAIAgent] = []

    def build(*script: Behaviour, attempts: int = 4, **settings: Any) -> OpenAIAgent:
        server.script = list(script)
        settings = {"api_key": KEY, "timeout": 5.0, "answers": 1, **settings}
        retry = Retry(attempts=attempts, sleep=waits.append)
        agent = OpenAIAgent("m-1", "v1", base_url=server.url, retry=retry, **settings)
        made.append(agent)
        return agent

    yield build
    for agent in made:
        agent.close()


def test_an_answer_becomes_a_run_with_tokens_and_seconds(make: Make) -> None:
    run = make(says("Done.")).answer(SAMPLE)
    assert (run.sample_id, run.agent_version, run.response) == ("s-1", "v1", "Done.")
    assert run.messages == (
        *SAMPLE.conversation,
        Message("user", "Book it."),
        Message("assistant", "Done."),
    )
    assert (run.input_tokens, run.output_tokens, run.error) == (7, 3, None)
    assert run.seconds is not None
    assert run.seconds > 0


def test_the_prompt_the_turns_the_tools_and_the_key_are_sent(
    make: Make, server: OpenAIServer
) -> None:
    make(says("Done."), system_prompt="Be brief.", tools=[TOOL], temperature=0.2).answer(SAMPLE)
    [request] = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    sent = request.body
    assert [turn["role"] for turn in sent["messages"]] == (
        ["system", "user", "assistant", "tool", "assistant", "user"]
    )
    assert sent["messages"][0]["content"] == "Be brief."
    assert sent["messages"][2]["tool_calls"][0]["function"]["name"] == "find"
    assert sent["messages"][3]["tool_call_id"] == "c1"
    assert sent["tools"] == [{"type": "function", "function": TOOL}]
    assert (sent["model"], sent["temperature"], sent["logprobs"]) == ("m-1", 0.2, True)


def test_what_is_not_set_is_not_sent(make: Make, server: OpenAIServer) -> None:
    make(says("Done.")).answer(Sample("s", "Hi"))
    assert set(server.requests[0].body) == {"model", "messages", "logprobs"}


def test_tool_calls_are_recorded_and_not_executed(make: Make, server: OpenAIServer) -> None:
    run = make(calls(("book", '{"seat": "1A"}'), ("pay", ""))).answer(SAMPLE)
    assert run.tool_calls == (ToolCall("book", {"seat": "1A"}), ToolCall("pay", {}))
    assert run.tool_calls[0].call_id == "call_0"
    assert run.response is None
    assert len(server.requests) == 1


def test_malformed_tool_arguments_are_kept_as_text(make: Make) -> None:
    run = make(calls(("book", '{"seat": '))).answer(SAMPLE)
    assert run.tool_calls == (ToolCall("book", {"__unparsed__": '{"seat": '}),)


def test_a_refusal_is_the_response(make: Make) -> None:
    run = make(completion({"refusal": "I cannot help with that."})).answer(SAMPLE)
    assert run.response == run.messages[-1].content == "I cannot help with that."


@pytest.mark.parametrize("usage", [{"prompt_tokens": None}, {"prompt_tokens": -4}, "none", 1.5])
def test_strange_token_counts_are_left_out(make: Make, usage: object) -> None:
    run = make(completion({"content": "Done."}, usage=usage)).answer(SAMPLE)
    assert (run.response, run.input_tokens) == ("Done.", None)


@pytest.mark.parametrize(
    ("behaviour", "says_so"),
    [
        (completion({"content": "half"}, finish="length"), "cut off at the token limit"),
        (completion({"content": ""}, finish="content_filter"), "content filter"),
        (completion({"content": None}), "neither a text nor a tool call"),
        (completion({"content": ["x"]}), "content: expected a text"),
        (completion({"tool_calls": [{"function": {}}]}), "no name"),
        (completion({"tool_calls": {"a": 1}}), "tool_calls: expected a list"),
        (sends({"choices": []}), "no choices"),
        (sends({"choices": [None]}), "no choices"),
        (sends({"choices": [{"message": "hi"}]}), "no message"),
        (sends({"choices": None}), "is this address OpenAI's API"),
        (sends(["choices"]), "is this address OpenAI's API"),
        (sends("hello"), "is this address OpenAI's API"),
        (sends_raw(b'{"choices": ['), "not JSON"),
        (sends_raw(b"<html>login</html>"), "not JSON, it begins with '<html>"),
        (sends_raw(b'"' + b"x" * 10_000_000 + b'"'), "larger than"),
        (sends_raw(b"", 302, Location="http://127.0.0.1:9/"), "HTTP 302: redirects"),
        (streams("not asked for"), "not JSON, it begins with 'data:"),
        (fails(401, "Incorrect API key provided"), "HTTP 401.*Incorrect API key"),
        (fails(404, "no such model"), "HTTP 404.*no such model"),
        (fails(429, "pay", code="insufficient_quota"), "HTTP 429.*insufficient_quota"),
    ],
    ids=lambda value: str(value)[:25],
)
def test_what_makes_no_sense_is_an_agent_error_at_once(
    make: Make, server: OpenAIServer, behaviour: Behaviour, says_so: str
) -> None:
    with pytest.raises(AgentError, match=f"sample 's-1': .*{says_so}"):
        make(behaviour).answer(SAMPLE)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "fault", [fails(429), fails(500), fails(503), drops], ids=["429", "500", "503", "dropped"]
)
def test_what_may_pass_is_tried_again_by_us_alone(
    make: Make, server: OpenAIServer, waits: list[float], fault: Behaviour
) -> None:
    assert make(fault, fault, says("Done.")).answer(SAMPLE).response == "Done."
    assert len(server.requests) == 3
    assert len(waits) == 2
    assert waits[1] >= 1.0


def test_the_endpoint_says_how_long_to_wait(make: Make, waits: list[float]) -> None:
    make(fails(429, Retry_After="9"), says("Done.")).answer(SAMPLE)
    assert 9 <= waits[0] <= 10


def test_an_endpoint_that_stays_down_is_an_agent_error(make: Make, server: OpenAIServer) -> None:
    with pytest.raises(AgentError, match=r"HTTP 503: .*overloaded"):
        make(fails(503, "overloaded"), attempts=3).answer(SAMPLE)
    assert len(server.requests) == 3


@pytest.mark.parametrize("behaviour", [hangs, trickles], ids=["silent", "trickling"])
def test_a_slow_endpoint_times_out_as_a_whole(make: Make, behaviour: Behaviour) -> None:
    with pytest.raises(AgentError, match=r"Timeout|timed out"):
        make(behaviour, timeout=0.3, attempts=2).answer(SAMPLE)


def test_nobody_there_is_an_agent_error(waits: list[float]) -> None:
    retry = Retry(attempts=2, sleep=waits.append)
    agent = OpenAIAgent("m", "v", base_url="http://127.0.0.1:9/v1", api_key=KEY, retry=retry)
    with pytest.raises(AgentError, match=r"http://127.0.0.1:9/v1: ConnectError"):
        agent.answer(SAMPLE)
    agent.close()


def test_confidence_is_the_token_probability_where_there_is_one(
    make: Make, server: OpenAIServer
) -> None:
    run = make(says("Yes", [math.log(0.25), 0.0]), answers=3).answer(SAMPLE)
    assert run.confidence == pytest.approx(0.5)
    assert run.confidence_method == "token_probability"
    assert len(server.requests) == 1


def test_without_log_probabilities_it_is_the_agreement_of_three_answers(
    make: Make, server: OpenAIServer
) -> None:
    agent = make(says("Yes"), says(" yes "), says("No"), answers=3, temperature=0.0)
    run = agent.answer(SAMPLE)
    assert (run.response, run.confidence, run.confidence_method) == ("Yes", 0.5, "agreement")
    assert [request.body["temperature"] for request in server.requests] == [0.0, 0.7, 0.7]
    assert (run.input_tokens, run.output_tokens) == (7, 3)


@pytest.mark.parametrize("logprobs", [[math.nan], [None], ["-1"], [math.inf], []])
def test_log_probabilities_that_are_no_numbers_count_as_missing(
    make: Make, logprobs: list[Any]
) -> None:
    run = make(says("Yes", logprobs), says("Yes"), answers=2).answer(SAMPLE)
    assert (run.confidence, run.confidence_method) == (1.0, "agreement")


def test_tool_calls_are_compared_since_their_tokens_have_no_probability(make: Make) -> None:
    first = completion(
        {
            "content": "Ok",
            "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}],
        },
        logprobs=[-0.1],
    )
    run = make(first, calls(("f", "{}")), calls(("g", "{}")), answers=3).answer(SAMPLE)
    assert (run.confidence, run.confidence_method) == (0.5, "agreement")


def test_answers_that_fail_are_left_out_of_the_agreement(make: Make) -> None:
    run = make(says("Yes"), fails(400), fails(400), says("yes"), answers=3).answer(SAMPLE)
    assert run.confidence == 1.0


@pytest.mark.parametrize("answers", [1, 2])
def test_no_other_answer_means_no_confidence(make: Make, answers: int) -> None:
    run = make(says("Yes"), fails(404), answers=answers).answer(SAMPLE)
    assert (run.confidence, run.confidence_method) == (None, None)


@pytest.mark.parametrize("status", [400, 422])
def test_an_endpoint_that_refuses_log_probabilities_is_asked_without_and_remembered(
    make: Make, server: OpenAIServer, status: int
) -> None:
    agent = make(fails(status, "unknown"), says("Yes"), says("Yes"), says("No"), answers=2)
    assert agent.answer(SAMPLE).confidence == 1.0
    agent.answer(SAMPLE)
    asked = ["logprobs" in request.body for request in server.requests]
    assert asked == [True, False, False, False, False]


def test_a_request_that_is_bad_for_another_reason_does_not_turn_the_question_off(
    make: Make, server: OpenAIServer
) -> None:
    agent = make(fails(400, "context too long"), fails(400, "context too long"), says("Yes"))
    with pytest.raises(AgentError, match="context too long"):
        agent.answer(SAMPLE)
    agent.answer(SAMPLE)
    assert ["logprobs" in request.body for request in server.requests] == [True, False, True]


def execute(name: str, arguments: Mapping[str, Any]) -> str:
    if name == "pay":
        raise LookupError("no card")
    return f"{name} of {json.dumps(arguments)} is done"


def test_tools_are_executed_when_asked_for_and_the_model_hears_of_it(
    make: Make, server: OpenAIServer
) -> None:
    script = [calls(("book", '{"seat": 1}'), ("pay", "{}"), ("book", "{")), says("Booked.")]
    run = make(*script, execute=execute).answer(SAMPLE)
    assert run.response == "Booked."
    assert [call.name for call in run.tool_calls] == ["book", "pay", "book"]
    assert (run.input_tokens, run.output_tokens) == (14, 6)
    results = [turn for turn in server.requests[1].body["messages"] if turn["role"] == "tool"][1:]
    assert [turn["content"] for turn in results] == [
        'book of {"seat": 1} is done',
        "error: LookupError: no card",
        "error: the arguments are not a JSON object",
    ]
    assert [turn["tool_call_id"] for turn in results] == ["call_0", "call_1", "call_2"]
    assert [turn.role for turn in run.messages[-5:]] == ["assistant", *["tool"] * 3, "assistant"]


def test_a_model_that_never_stops_calling_tools_is_stopped(
    make: Make, server: OpenAIServer
) -> None:
    with pytest.raises(AgentError, match="still calling tools after 10 steps"):
        make(calls(("book", "{}")), execute=execute).answer(SAMPLE)
    assert len(server.requests) == 10


def test_a_tool_that_returns_no_text_is_an_agent_error(make: Make) -> None:
    with pytest.raises(AgentError, match="tool 'book' returned dict"):
        make(calls(("book", "{}")), execute=lambda *_: {}).answer(SAMPLE)


def test_keys_of_the_endpoints_own_are_sent_back_to_it(make: Make, server: OpenAIServer) -> None:
    first = completion(
        {"tool_calls": [{"id": "a", "function": {"name": "f"}, "extra": 1}], "thought": "sig"}
    )
    make(first, says("Done."), execute=execute).answer(Sample("s", "Hi"))
    turn = server.requests[1].body["messages"][1]
    assert (turn["thought"], turn["tool_calls"][0]["extra"]) == ("sig", 1)


@pytest.mark.parametrize(
    "behaviour",
    [
        fails(401, f"Incorrect API key provided: {KEY}."),
        fails(400, KEY * 100),
        fails(500, f"Authorization: Bearer {KEY}"),
        sends_raw(f"<html>{KEY}</html>".encode()),
        completion({"content": "x", "tool_calls": [{"function": KEY}]}),
        drops,
    ],
    ids=["401", "400", "500", "html", "shape", "dropped"],
)
def test_the_key_shows_in_no_error_repr_or_log(
    make: Make, behaviour: Behaviour, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    agent = make(behaviour, attempts=2)
    with pytest.raises(AgentError) as caught:
        agent.answer(SAMPLE)
    shown = f"{caught.value!r} {caught.value.__cause__!r} {agent!r} {caplog.text}"
    assert KEY not in shown
    assert KEY[3:15] not in shown


def test_one_agent_may_be_asked_from_eight_threads(make: Make, server: OpenAIServer) -> None:
    agent = make(refuses_logprobs(echoes), answers=2)
    samples = [Sample(f"s-{n}", f"question {n}") for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(agent.answer, samples))
    assert [(run.sample_id, run.response) for run in runs] == [
        (f"s-{n}", f"question {n}") for n in range(40)
    ]
    assert all(run.confidence == 1.0 for run in runs)
    assert sum("logprobs" in request.body for request in server.requests) <= 8


def test_openai_itself_needs_a_key() -> None:
    with pytest.raises(SettingsError, match="OPENAI_API_KEY is not set"):
        OpenAIAgent("m", "v")


def test_an_endpoint_of_ones_own_needs_no_key_and_the_environment_is_not_asked(
    make: Make, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/")
    make(says("Done."), api_key=None).answer(SAMPLE)
    assert KEY not in str(server.requests[0].headers)


@pytest.mark.parametrize("key", [f"{KEY}\n", f"{KEY}é"])
def test_a_key_that_http_cannot_carry_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(SettingsError, match="OPENAI_API_KEY") as caught:
        OpenAIAgent("m", "v", api_key=key)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "tool", ["book", {}, {"type": "function"}, {"function": "book"}, {"name": 3}]
)
def test_a_tool_without_a_name_is_a_settings_error(tool: Any) -> None:
    with pytest.raises(SettingsError, match="agent tools"):
        OpenAIAgent("m", "v", api_key=KEY, tools=[tool])
