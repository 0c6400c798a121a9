from __future__ import annotations

import json
import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from agents.answers import FailedRunError
from agents.openai_agent import OpenAIAgent
from agents.openai_model import OpenAIModel
from agents.tools import executed_tools, recorded_tools
from goldloop.errors import AgentError, SettingsError
from goldloop.samples import Message, Run, Sample, ToolCall
from goldloop.schemas import Schema
from tests.agents.conftest import KEY, Make
from tests.agents.openai_server import (
    Behaviour,
    OpenAIServer,
    answers,
    calls,
    completion,
    drops,
    echoes,
    ends_early,
    fails,
    hangs,
    refuses,
    refuses_key,
    resets,
    says,
    sends,
    sends_raw,
    stalls,
    trickles,
)
from tests.agents.wire import Answer

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
ASKED = (*SAMPLE.conversation, Message("user", "Book it."))
TOOL = {"name": "book", "description": "Book a seat", "parameters": {"type": "object"}}
Way = dict[str, Any]


def failed(agent: OpenAIAgent, match: str = "") -> Run:
    with pytest.raises(FailedRunError, match=match) as caught:
        agent.answer(SAMPLE)
    return caught.value.run


def test_an_answer_becomes_a_run_with_tokens_and_seconds(make: Make, way: Way) -> None:
    run = make(says("Done."), **way).answer(SAMPLE)
    assert (run.sample_id, run.agent_version, run.response) == ("s-1", "v1", "Done.")
    assert run.messages == (*ASKED, Message("assistant", "Done."))
    assert (run.input_tokens, run.output_tokens) == (7, 3)
    assert (run.spent_input_tokens, run.spent_output_tokens) == (7, 3)
    assert (run.error, run.stop_reason, run.confidence, run.estimates) == (None, None, None, {})
    assert run.seconds > 0


def test_the_prompt_the_turns_the_tools_and_the_key_are_sent(
    make: Make, server: OpenAIServer
) -> None:
    tools = recorded_tools([TOOL])
    make(says("Done."), system_prompt="Be brief.", tools=tools, temperature=0.2).answer(SAMPLE)
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


def test_the_responses_interface_gets_items_and_is_to_store_nothing(
    make: Make, server: OpenAIServer
) -> None:
    tools = recorded_tools([TOOL])
    agent = make(says("Done."), api="responses", system_prompt="Be brief.", tools=tools)
    agent.answer(SAMPLE)
    [request] = server.requests
    assert request.body == {
        "model": "m-1",
        "store": False,
        "include": ["message.output_text.logprobs"],
        "tools": [{"type": "function", "strict": False, **TOOL}],
        "input": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
            {"type": "function_call", "call_id": "c1", "name": "find", "arguments": '{"id": 1}'},
            {"type": "function_call_output", "call_id": "c1", "output": "found"},
            {"role": "assistant", "content": "Found it."},
            {"role": "user", "content": "Book it."},
        ],
    }


def test_what_is_not_set_is_not_sent(make: Make, server: OpenAIServer) -> None:
    make(says("Done.")).answer(Sample("s", "Hi"))
    make(says("Done."), stream=True).answer(Sample("s", "Hi"))
    plain, streamed = (set(request.body) for request in server.requests)
    assert plain == {"model", "messages", "logprobs"}
    assert streamed == plain | {"stream", "stream_options"}


def test_tool_calls_are_recorded_and_not_executed(
    make: Make, server: OpenAIServer, way: Way
) -> None:
    run = make(calls(("book", '{"seat": "1A"}'), ("pay", "")), **way).answer(SAMPLE)
    assert run.tool_calls == (ToolCall("book", {"seat": "1A"}), ToolCall("pay", {}))
    assert [call.call_id for call in run.tool_calls] == ["call_0", "call_1"]
    assert (run.response, run.stop_reason) == (None, None)
    assert len(server.requests) == 1


def test_malformed_tool_arguments_are_kept_as_text(make: Make, way: Way) -> None:
    run = make(calls(("book", '{"seat": ')), **way).answer(SAMPLE)
    assert run.tool_calls == (ToolCall("book", {"__unparsed__": '{"seat": '}),)


def test_a_refusal_is_the_response(make: Make, way: Way) -> None:
    run = make(refuses("I cannot help with that."), **way).answer(SAMPLE)
    assert run.response == run.messages[-1].content == "I cannot help with that."
    assert run.error is None


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_an_answer_that_was_cut_off_is_kept_with_the_reason(
    make: Make, way: Way, reason: str
) -> None:
    run = make(says("The half of", finish=reason), **way).answer(SAMPLE)
    assert (run.response, run.stop_reason, run.error) == ("The half of", reason, None)


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_an_answer_that_was_held_back_altogether_is_a_run_without_a_response(
    make: Make, way: Way, reason: str
) -> None:
    run = make(answers(Answer(None, finish=reason)), **way).answer(SAMPLE)
    assert (run.response, run.stop_reason, run.error) == (None, reason, None)


def test_an_endpoint_that_does_not_count_leaves_the_tokens_open(make: Make, way: Way) -> None:
    run = make(says("Done.", usage=None), **way).answer(SAMPLE)
    assert (run.input_tokens, run.output_tokens) == (None, None)
    assert (run.spent_input_tokens, run.spent_output_tokens) == (None, None)


@pytest.mark.parametrize(
    "usage", [{"prompt_tokens": None}, {"prompt_tokens": -4}, {"prompt_tokens": True}, "none", 1.5]
)
def test_strange_token_counts_are_left_out(make: Make, usage: object) -> None:
    run = make(completion({"content": "Done."}, usage=usage)).answer(SAMPLE)
    assert (run.response, run.input_tokens, run.spent_input_tokens) == ("Done.", None, None)


@pytest.mark.parametrize(
    ("behaviour", "says_so"),
    [
        (completion({"content": None}), "neither a text nor a tool call"),
        (completion({"content": ["x"]}), "content: expected a text"),
        (completion({"tool_calls": [{"function": {}}]}), "no name"),
        (completion({"tool_calls": {"a": 1}}), "tool_calls: expected a list"),
        (sends({"choices": []}), "no choices"),
        (sends({"choices": [None]}), "no choices"),
        (sends({"choices": [{"message": "hi"}]}), "no message"),
        (sends({"choices": None}), "is this address OpenAI's API"),
        (sends({"error": {"message": "no such deployment"}}), "failed: no such deployment"),
        (sends(["choices"]), "is this address OpenAI's API"),
        (sends("hello"), "is this address OpenAI's API"),
        (sends_raw(b'{"choices": ['), "not JSON"),
        (sends_raw(b"<html>login</html>"), "not JSON, it begins with '<html>"),
        (sends_raw(b'"' + b"x" * 10_000_000 + b'"'), "larger than"),
        (sends_raw(b"", 302, Location="http://127.0.0.1:9/"), "HTTP 302: redirects"),
        (fails(401, "Incorrect API key provided"), "HTTP 401.*Incorrect API key"),
        (fails(404, "no such model"), "HTTP 404.*no such model"),
        (fails(429, "pay", code="insufficient_quota"), "HTTP 429.*insufficient_quota"),
        (sends_raw(b"x" * 9_000_000, 400), "HTTP 400: x"),
    ],
    ids=lambda value: str(value)[:25],
)
def test_what_makes_no_sense_is_an_error_at_once(
    make: Make, server: OpenAIServer, behaviour: Behaviour, says_so: str
) -> None:
    run = failed(make(behaviour, api="chat"), f"sample 's-1': .*{says_so}")
    assert len(server.requests) == (2 if "400" in says_so else 1)
    assert run.messages[: len(ASKED)] == ASKED


@pytest.mark.parametrize(
    "fault",
    [fails(429), fails(500), sends_raw(b"<html>", 503), drops, resets],
    ids=["429", "500", "503", "dropped", "reset"],
)
def test_what_may_pass_is_tried_again_by_us_alone(
    make: Make, server: OpenAIServer, waits: list[float], fault: Behaviour, way: Way
) -> None:
    assert make(fault, fault, says("Done."), **way).answer(SAMPLE).response == "Done."
    assert len(server.requests) == 3
    assert len(waits) == 2
    assert waits[1] >= 1.0


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_stream_that_ends_in_the_middle_is_asked_for_again(
    make: Make, server: OpenAIServer, api: str
) -> None:
    run = make(ends_early, says("Done."), api=api, stream=True).answer(SAMPLE)
    assert run.response == "Done."
    with pytest.raises(AgentError, match="the stream ended before the"):
        make(ends_early, attempts=2, api=api, stream=True).answer(SAMPLE)


@pytest.mark.parametrize(
    ("fault", "outage"),
    [(fails(503), True), (fails(401), True), (fails(400), False), (sends({"choices": []}), False)],
    ids=["503", "401", "400", "nonsense"],
)
def test_an_error_says_whether_the_sample_had_a_part_in_it(
    make: Make, fault: Behaviour, outage: bool
) -> None:
    with pytest.raises(AgentError) as caught:
        make(fault, attempts=1).answer(SAMPLE)
    assert caught.value.outage is outage


def test_the_endpoint_says_how_long_to_wait(make: Make, waits: list[float]) -> None:
    make(fails(429, Retry_After="9"), says("Done.")).answer(SAMPLE)
    assert 9 <= waits[0] <= 10


def test_an_endpoint_that_stays_down_is_an_error(make: Make, server: OpenAIServer) -> None:
    failed(make(fails(503, "overloaded"), attempts=3), r"HTTP 503: .*overloaded")
    assert len(server.requests) == 3


@pytest.mark.parametrize("behaviour", [hangs, trickles, stalls])
def test_a_slow_endpoint_times_out_as_a_whole(make: Make, behaviour: Behaviour, way: Way) -> None:
    failed(make(behaviour, timeout=0.3, attempts=2, **way), "timed out")


def test_nobody_there_is_an_error(make: Make) -> None:
    agent = make(says("x"), base_url="http://127.0.0.1:9/v1", attempts=2)
    failed(agent, r"http://127.0.0.1:9/v1: ConnectError")


def test_the_estimate_is_the_probability_of_the_answers_tokens(make: Make, way: Way) -> None:
    run = make(says("Yes indeed", [math.log(0.25), 0.0]), **way).answer(SAMPLE)
    assert run.estimates == {"logprob": pytest.approx(0.5)}


@pytest.mark.parametrize("logprobs", [[math.nan], [None], ["-1"], [math.inf], [True], []])
def test_log_probabilities_that_are_no_numbers_count_as_missing(
    make: Make, logprobs: list[Any], way: Way
) -> None:
    assert make(says("Yes", logprobs), **way).answer(SAMPLE).estimates == {}


def test_a_turn_that_calls_tools_has_no_estimate(make: Make, way: Way) -> None:
    answer = Answer("Ok", calls=[("f", "{}")], logprobs=[-0.1])
    assert make(answers(answer), **way).answer(SAMPLE).estimates == {}


@pytest.mark.parametrize(("set_to", "sent"), [(0.0, 0.7), (0.7, 0.7), (1.2, 1.2), (None, None)])
def test_asked_again_the_model_is_at_least_warm(
    make: Make, server: OpenAIServer, set_to: float | None, sent: float | None
) -> None:
    agent = make(says("Yes"), temperature=set_to)
    agent.answer(SAMPLE)
    assert agent.answer_again(SAMPLE).response == "Yes"
    assert [r.body.get("temperature") for r in server.requests] == [set_to, sent]


TURNS: list[Behaviour] = [
    answers(
        Answer(
            "Let me see.",
            calls=[("book", '{"seat": 1}'), ("pay", "{}"), ("book", "{")],
            finish="tool_calls",
        )
    ),
    says("Booked it.", [-0.5, -0.25]),
]


def execute(name: str, arguments: Mapping[str, Any]) -> str:
    if name == "pay":
        raise LookupError("no card")
    return f"{name} of {json.dumps(arguments)} is done"


EXECUTED = executed_tools((), execute, "tools")


def test_the_same_conversation_gives_the_same_run_plain_and_streamed(
    make: Make, server: OpenAIServer
) -> None:
    runs = []
    for api in ("chat", "responses"):
        for stream in (False, True):
            agent = make(*TURNS, api=api, stream=stream, tools=EXECUTED)
            server.requests.clear()
            runs.append(agent.answer(SAMPLE))
    assert len({json.dumps(shape(run)) for run in runs}) == 1
    assert runs[0].estimates["logprob"] == pytest.approx(math.exp(-0.375))


def shape(run: Run) -> list[Any]:
    calls = [(call.name, call.arguments, call.call_id) for call in run.tool_calls]
    turns = [(turn.role, turn.content, turn.name, turn.tool_call_id) for turn in run.messages]
    counts = (run.input_tokens, run.output_tokens, run.spent_input_tokens, run.stop_reason)
    return [run.response, calls, turns, counts, dict(run.estimates)]


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_tools_are_executed_in_order_and_the_model_hears_of_it(
    make: Make, server: OpenAIServer, api: str
) -> None:
    run = make(*TURNS, api=api, tools=EXECUTED).answer(SAMPLE)
    assert run.response == "Booked it."
    assert [call.name for call in run.tool_calls] == ["book", "pay", "book"]
    assert (run.input_tokens, run.output_tokens) == (14, 6)
    results = [turn for turn in run.messages[len(ASKED) :] if turn.role == "tool"]
    assert [turn.content for turn in results] == [
        'book of {"seat": 1} is done',
        "error: LookupError: no card",
        "error: the arguments are not a JSON object",
    ]
    sent = server.requests[1].body
    if api == "chat":
        ids = [turn["tool_call_id"] for turn in sent["messages"][-3:]]
    else:
        assert [item["type"] for item in sent["input"][-7:-3]] == ["message"] + [
            "function_call"
        ] * 3
        ids = [item["call_id"] for item in sent["input"][-3:]]
    assert ids == ["call_0", "call_1", "call_2"]


def test_reasoning_is_asked_for_in_a_form_that_can_go_back_and_goes_back(
    make: Make, server: OpenAIServer, way: Way
) -> None:
    thought = {"id": "rs_1", "encrypted_content": "gAAA"}
    lost = {"id": "rs_2"}
    first = Answer(None, calls=[("book", "{}")], reasoning=[thought, lost])
    make(answers(first), says("Done."), tools=EXECUTED, **way).answer(SAMPLE)
    if way["api"] == "responses":
        asked, again = (request.body for request in server.requests)
        assert "reasoning.encrypted_content" in asked["include"]
        thoughts = [item for item in again["input"] if item.get("type") == "reasoning"]
        assert thoughts == [{"type": "reasoning", "summary": [], **thought}]


def test_calls_without_an_id_get_one_that_their_results_name(
    make: Make, server: OpenAIServer
) -> None:
    first = completion({"tool_calls": [{"function": {"name": "book", "arguments": "{}"}}] * 2})
    make(first, says("Done."), tools=EXECUTED).answer(Sample("s", "Hi"))
    _, asking, *results = server.requests[1].body["messages"]
    ids = [call["id"] for call in asking["tool_calls"]]
    assert [turn["tool_call_id"] for turn in results] == ids == ["call_1_0", "call_1_1"]


@pytest.mark.parametrize("most", [1, 3])
def test_at_the_step_limit_the_run_is_kept_and_says_so(
    make: Make, server: OpenAIServer, way: Way, most: int
) -> None:
    run = make(calls(("book", "{}")), tools=EXECUTED, max_steps=most, **way).answer(SAMPLE)
    assert (run.stop_reason, run.error, run.response) == ("step_limit", None, None)
    assert len(run.tool_calls) == len(server.requests) == most
    assert run.messages[-1].tool_calls
    executed = [turn for turn in run.messages[len(ASKED) :] if turn.role == "tool"]
    assert len(executed) == most - 1


def test_calls_of_an_answer_that_was_cut_off_are_not_executed(make: Make, way: Way) -> None:
    def never(name: str, arguments: Mapping[str, Any]) -> str:
        raise AssertionError

    first = Answer("I will", calls=[("book", '{"se')], finish="length")
    run = make(answers(first), tools=executed_tools((), never, "tools"), **way).answer(SAMPLE)
    assert run.stop_reason == "length"
    assert run.messages[-1].role == "assistant"


def test_a_run_that_fails_on_the_way_keeps_its_trace_and_what_it_took(make: Make, way: Way) -> None:
    run = failed(make(calls(("book", "{}")), fails(404), tools=EXECUTED, **way), "HTTP 404")
    assert [turn.role for turn in run.messages[len(ASKED) :]] == ["assistant", "tool"]
    assert (run.spent_input_tokens, run.spent_output_tokens) == (7, 3)


def test_keys_of_the_endpoints_own_are_sent_back_to_it(make: Make, server: OpenAIServer) -> None:
    first = completion(
        {"tool_calls": [{"id": "a", "function": {"name": "f"}, "extra": 1}], "thought": "sig"}
    )
    make(first, says("Done."), tools=EXECUTED).answer(Sample("s", "Hi"))
    turn = server.requests[1].body["messages"][1]
    assert (turn["thought"], turn["tool_calls"][0]["extra"]) == ("sig", 1)


SHAPE = Schema(
    {
        "type": "object",
        "properties": {"verdict": {"enum": ["yes", "no"]}},
        "required": ["verdict"],
        "additionalProperties": False,
    },
    "the schema",
)


def test_an_answer_that_fits_the_schema_is_a_run(
    make: Make, server: OpenAIServer, way: Way
) -> None:
    run = make(says('{"verdict": "yes"}'), schema=SHAPE, **way).answer(SAMPLE)
    assert run.response == '{"verdict": "yes"}'
    body = server.requests[0].body
    asked = body["text"]["format"] if "text" in body else body["response_format"]["json_schema"]
    assert (asked["schema"], asked["strict"]) == (SHAPE.schema, True)


@pytest.mark.parametrize(
    ("text", "says_so"),
    [
        ("yes", "it is not JSON"),
        ('{"verdict": NaN}', "it is not JSON"),
        ("{}", r"at \$: 'verdict' is a required property"),
        ('{"verdict": "maybe"}', r"at \$.verdict: 'maybe' is not one of"),
        ('{"verdict": "' + "x" * 9999 + '"}', "at .*verdict: it breaks 'enum'"),
        ("[" * 20000 + "]" * 20000, "it is not JSON|nested|type"),
    ],
    ids=lambda value: value[:20],
)
def test_an_answer_that_does_not_fit_is_an_error_with_its_trace(
    make: Make, way: Way, text: str, says_so: str
) -> None:
    match = f"does not fit the response schema: ({says_so})"
    run = failed(make(says(text), schema=SHAPE, **way), match)
    assert run.messages[-1] == Message("assistant", text)
    assert run.spent_output_tokens == 3


@pytest.mark.parametrize(
    "behaviour", [refuses("No."), says("{", finish="length"), calls(("f", "{}"))]
)
def test_refusals_cut_answers_and_calls_need_not_fit_the_schema(
    make: Make, way: Way, behaviour: Behaviour
) -> None:
    assert make(behaviour, schema=SHAPE, **way).answer(SAMPLE).error is None


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


def test_one_agent_may_be_asked_from_eight_threads(
    make: Make, server: OpenAIServer, way: Way
) -> None:
    agent = make(refuses_key("logprobs", echoes), **way)
    samples = [Sample(f"s-{n}", f"question {n}") for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(agent.answer, samples))
    assert [(run.sample_id, run.response) for run in runs] == [
        (f"s-{n}", f"question {n}") for n in range(40)
    ]
    assert sum("logprobs" in json.dumps(request.body) for request in server.requests) <= 8


def test_openai_itself_needs_a_key() -> None:
    with pytest.raises(SettingsError, match="OPENAI_API_KEY is not set"):
        OpenAIModel("m")


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
        OpenAIModel("m", api_key=key)
    assert KEY not in str(caught.value)
