"""Agents that are asked again, and models that are asked about them, over real HTTP."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Any

import pytest

from agents.answers import FailedRunError
from agents.estimating import EstimatingAgent, Estimation
from agents.http_json import HttpAgent
from agents.python_callable import PythonAgent
from goldloop.errors import AgentError
from goldloop.samples import Message, Run, Sample, ToolCall
from tests.agents.conftest import Make
from tests.agents.openai_server import Behaviour, OpenAIServer, calls, fails, says, sends

SAMPLE = Sample("s-1", "Is it open on Sunday?", expected_response="The secret right answer")
USED = (7, 3)  # what the server says that each answer took

Estimating = Callable[..., EstimatingAgent]


@pytest.fixture
def estimating(make: Make, make_model: Make, server: OpenAIServer) -> Estimating:
    """An agent with what is asked about it; all of them at the server, which follows the script."""

    def build(
        *script: Behaviour, model: bool = False, judge: bool = False, agent: Any = None, **plan: Any
    ) -> EstimatingAgent:
        models = {
            "model": make_model(attempts=1) if model else None,
            "judge": make_model(attempts=1) if judge else None,
        }
        asked = agent or make(attempts=1)
        server.script = list(script)
        return EstimatingAgent(asked, Estimation(**models, **plan))

    return build


def only(*names: str) -> frozenset[str]:
    return frozenset(names)


def test_the_default_asks_twice_again_and_once_how_sure_it_is(
    estimating: Estimating, server: OpenAIServer
) -> None:
    agent = estimating(
        says("Yes", [math.log(0.25), 0.0]),
        says(" yes "),
        says("No"),
        says('{"probability": 0.9}'),
        model=True,
    )
    run = agent.answer(SAMPLE)
    assert dict(run.estimates) == {
        "logprob": pytest.approx(0.5),
        "agreement": 0.5,
        "verbalized": 0.9,
        "combined:agreement+logprob+verbalized": pytest.approx(1.9 / 3),
    }
    assert run.confidence == pytest.approx(1.9 / 3)
    assert run.confidence_method == "combined:agreement+logprob+verbalized"
    assert len(server.requests) == 4


def test_the_run_is_that_of_the_first_answer_and_everything_asked_is_counted_as_spent(
    estimating: Estimating,
) -> None:
    agent = estimating(
        says("Yes"), says("No"), says("Perhaps"), says('{"probability": 0.9}'), model=True
    )
    run = agent.answer(SAMPLE)
    assert run.response == "Yes"
    assert (run.input_tokens, run.output_tokens) == USED
    assert (run.spent_input_tokens, run.spent_output_tokens) == (4 * 7, 4 * 3)


def test_what_is_spent_is_not_known_where_an_endpoint_does_not_count(
    estimating: Estimating, make: Make
) -> None:
    uncounted = sends({"choices": [{"message": {"role": "assistant", "content": "Yes"}}]})
    run = estimating(says("Yes"), uncounted, says("Yes")).answer(SAMPLE)
    assert (run.input_tokens, run.spent_input_tokens) == (7, None)


def test_tool_calls_are_compared_whatever_is_said_beside_them(estimating: Estimating) -> None:
    agent = estimating(
        calls(("find", '{"a": 1, "b": 2}'), ("pay", "{}"), content="Paying"),
        calls(("pay", ""), ("find", '{"b": 2.0, "a": 1}')),
        calls(("find", '{"a": 1}')),
    )
    run = agent.answer(SAMPLE)
    assert run.estimates["agreement"] == 0.5
    assert run.confidence_method == "combined:agreement+process"


def test_the_order_of_calls_counts_where_it_is_asked_to(estimating: Estimating) -> None:
    script = [calls(("a", "{}"), ("b", "{}")), calls(("b", "{}"), ("a", "{}"))]
    run = estimating(*script, ordered=True, answers=2, method="agreement").answer(SAMPLE)
    assert (run.confidence, run.confidence_method) == (0.5, "ordered_agreement")


def test_entropy_is_made_of_the_same_answers(estimating: Estimating, server: OpenAIServer) -> None:
    agent = estimating(
        says("yes"), says("yes"), says("no"), estimators=only("agreement", "entropy")
    )
    run = agent.answer(SAMPLE)
    assert run.estimates["entropy"] == pytest.approx(2 / 3 * math.log(2) / math.log(3))
    assert run.confidence_method == "combined:agreement"
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("plan", "asked"),
    [
        ({"estimators": only()}, 1),
        ({"estimators": only("logprob", "process")}, 1),
        ({"estimators": only("agreement"), "answers": 1}, 1),
        ({"estimators": only("agreement"), "answers": 5}, 5),
        ({"estimators": only("verbalized")}, 2),
        ({"estimators": only(), "method": "verbalized"}, 2),
        ({"estimators": only(), "method": "entropy"}, 3),
    ],
)
def test_only_what_is_estimated_is_asked_for(
    estimating: Estimating, server: OpenAIServer, plan: dict[str, Any], asked: int
) -> None:
    estimating(says("0.5"), model=True, **plan).answer(SAMPLE)
    assert len(server.requests) == asked


def test_a_log_probability_that_nobody_wants_is_left_out(estimating: Estimating) -> None:
    run = estimating(says("Yes", [-0.1]), estimators=only("process")).answer(SAMPLE)
    assert (dict(run.estimates), run.confidence) == ({}, None)


def test_the_temperature_of_further_answers_lets_them_differ(
    make: Make, estimating: Estimating, server: OpenAIServer
) -> None:
    agent = estimating(says("Yes"), agent=make(temperature=0.0), estimators=only("agreement"))
    agent.answer(SAMPLE)
    assert [request.body["temperature"] for request in server.requests] == [0.0, 0.7, 0.7]


def test_answers_that_fail_are_left_out_and_the_first_is_told(
    estimating: Estimating, caplog: pytest.LogCaptureFixture
) -> None:
    agent = estimating(says("Yes"), fails(404, "no sk-test-0123456789abcdefghij"), says("yes"))
    with caplog.at_level(logging.WARNING, "goldloop.agents"):
        first = agent.answer(SAMPLE)
    assert first.estimates["agreement"] == 1.0
    assert "s-1: another answer failed" in caplog.text
    assert "sk-test" not in caplog.text
    assert len(caplog.records) == 1


def test_each_kind_of_failure_is_told_once(
    estimating: Estimating, caplog: pytest.LogCaptureFixture
) -> None:
    agent = estimating(says("Yes"), fails(404), model=True)
    with caplog.at_level(logging.WARNING, "goldloop.agents"):
        agent.answer(SAMPLE)
    assert len(caplog.records) == 2


def test_without_any_other_answer_there_is_no_agreement(estimating: Estimating) -> None:
    run = estimating(says("Yes"), fails(404)).answer(SAMPLE)
    assert (dict(run.estimates), run.confidence, run.confidence_method) == ({}, None, None)
    assert (run.spent_input_tokens, run.spent_output_tokens) == USED


def test_an_answer_that_fails_raises_and_nothing_more_is_asked(
    estimating: Estimating, server: OpenAIServer
) -> None:
    agent = estimating(fails(404), says("0.9"), model=True)
    with pytest.raises(FailedRunError):
        agent.answer(SAMPLE)
    assert len(server.requests) == 1


def test_a_further_answer_that_was_paid_for_and_makes_no_sense_is_counted(
    estimating: Estimating,
) -> None:
    run = estimating(says("Yes"), says("  "), says("Yes")).answer(SAMPLE)
    assert run.estimates["agreement"] == 1.0
    assert (run.spent_input_tokens, run.spent_output_tokens) == (21, 9)


class Scripted:
    """An agent that answers with runs, in order, and cannot be asked otherwise."""

    version = "v1"

    def __init__(self, *runs: Run) -> None:
        self.runs = list(runs)
        self.closed = False

    def answer(self, sample: Sample) -> Run:
        if not self.runs:
            raise AgentError("nothing more to say")
        return self.runs.pop(0)

    def close(self) -> None:
        self.closed = True


def test_an_agent_that_cannot_be_asked_again_is_asked_the_same_way(estimating: Estimating) -> None:
    agent = Scripted(Run("s-1", "v1", response="a"), Run("s-1", "v1", response="a"))
    run = estimating(agent=agent).answer(SAMPLE)
    assert run.estimates["agreement"] == 1.0
    assert agent.runs == []


def test_an_agent_that_reports_a_confidence_is_believed_and_asked_no_more(
    estimating: Estimating, server: OpenAIServer
) -> None:
    told = Run("s-1", "v1", response="a", confidence=0.3, confidence_method="reported")
    agent = Scripted(told, told)
    run = estimating(says("0.9"), agent=agent, model=True).answer(SAMPLE)
    assert (run.confidence, run.confidence_method) == (0.3, "reported")
    assert dict(run.estimates) == {"reported": 0.3}
    assert (len(agent.runs), server.requests) == (1, [])


def test_where_another_method_is_named_the_reported_confidence_is_only_kept(
    estimating: Estimating,
) -> None:
    told = Run("s-1", "v1", response="a", confidence=0.3, confidence_method="reported")
    run = estimating(agent=Scripted(told, told, told), method="combined").answer(SAMPLE)
    assert (run.confidence, run.confidence_method) == (1.0, "combined:agreement")
    assert run.estimates["reported"] == 0.3


def test_what_happened_on_the_way_is_estimated_without_asking(estimating: Estimating) -> None:
    call = ToolCall("find", {}, "1")
    trace = (
        Message("user", SAMPLE.user_input),
        Message("assistant", None, (call,)),
        Message("tool", "Error: gone", tool_call_id="1"),
        Message("assistant", "Sorry."),
    )
    run = Run("s-1", "v1", messages=trace, tool_calls=(call,), response="Sorry.")
    found = estimating(agent=Scripted(run), estimators=only("process")).answer(SAMPLE)
    # 2 - 0.5 ln 2 - ln 2 = 0.96028
    assert found.estimates["process"] == pytest.approx(1 / (1 + math.exp(-0.96028)), abs=1e-5)
    assert found.confidence_method == "combined:process"


def test_http_and_python_agents_are_estimated_too(
    estimating: Estimating, server: OpenAIServer
) -> None:
    http = HttpAgent(f"{server.url}/chat/completions", "v1")
    run = estimating(sends("a"), sends("b"), sends("a"), agent=http).answer(SAMPLE)
    assert (run.confidence, run.confidence_method) == (0.5, "combined:agreement")
    assert run.spent_input_tokens is None
    http.close()
    python = PythonAgent("json:dumps", "v1")
    assert estimating(agent=python).answer(SAMPLE).estimates["agreement"] == 1.0


def test_closing_closes_the_agent(estimating: Estimating) -> None:
    agent = Scripted()
    wrapped = estimating(agent=agent, model=True, judge=True)
    wrapped.close()
    assert agent.closed
    assert wrapped.version == "v1"
