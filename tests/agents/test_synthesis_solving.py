"""How samples are solved a second and a third time, and what the comparison says."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from agents.synthesis import Asker, MemoryJournal, check_consistency, solve_twice
from goldloop.errors import AgentError
from goldloop.samples import ToolCall
from goldloop.synthesis.values import Candidate, Rejection
from tests.agents.openai_server import Behaviour, OpenAIServer, Reply, fails, refuses, says
from tests.agents.synthetic import TASK, asker, assignments, listed, sample_text, using, written

FIND = {"name": "find_order", "arguments_json": '{"order_id": "7"}'}
OTHER = {"name": "find_order", "arguments_json": '{"order_id": "8"}'}


@pytest.fixture
def candidate(server: OpenAIServer) -> Candidate:
    """Expects a call and a text."""
    server.script = [says(sample_text(expected_tool_calls=[FIND]))]
    [came] = written(asker(server), assignments(1)).values()
    assert isinstance(came, Candidate)
    server.requests.clear()
    return came


def solution(response: str | None, *calls: dict[str, str]) -> str:
    return json.dumps({"response": response, "tool_calls": list(calls)})


def script(first: str, second: str, groups: object = (1, 1, 1)) -> Behaviour:
    """Solves first and then again, and judges."""
    solutions = [first, second]
    lock = threading.Lock()

    def behave(body: Any) -> Reply:
        if "groups" in body["messages"][0]["content"]:
            return says(json.dumps({"groups": groups}))(body)
        with lock:
            return says(solutions.pop(0))(body)

    return behave


def verdict(made: Asker, candidate: Candidate, **more: Any) -> Rejection | None:
    async def work(opened: Asker) -> list[tuple[Candidate, Rejection | None]]:
        return await listed(check_consistency(opened, opened, TASK, [candidate], seed=1, **more))

    [(same, found)] = using(made, work)
    assert same == candidate
    return found


def reason(found: Rejection | None) -> str | None:
    return found.reason if found else None


def test_two_solutions_differ_in_seed_temperature_and_order(
    server: OpenAIServer, candidate: Candidate
) -> None:
    server.script = [script(solution("a", FIND), solution(None, OTHER))]
    first, second = using(
        asker(server), lambda opened: solve_twice(opened, TASK, candidate, seed=1)
    )
    assert (first.calls, first.response) == ((ToolCall("find_order", {"order_id": "7"}),), "a")
    assert (second.calls, second.response) == ((ToolCall("find_order", {"order_id": "8"}),), None)
    one, other = (request.body for request in server.requests)
    assert one["seed"] != other["seed"]
    assert one["temperature"] != other["temperature"]
    assert one["messages"][1]["content"] != other["messages"][1]["content"]


@pytest.mark.parametrize(
    ("first", "second", "groups", "expected"),
    [
        (solution("Soon.", FIND), solution("It comes.", FIND), (1, 1, 1), None),
        (solution("Soon.", FIND), solution("Never.", FIND), (1, 1, 2), "different_answer"),
        (solution("No.", FIND), solution("Nope.", FIND), (1, 2, 2), "unexpected_answer"),
        (solution("Soon.", FIND), solution("Soon.", OTHER), (1, 1, 1), "different_calls"),
        (solution("Soon.", OTHER), solution("Soon.", OTHER), (1, 1, 1), "unexpected_calls"),
        (solution("Soon.", FIND), "nonsense", (1, 1, 1), "unsolved"),
        (solution("Soon.", FIND), solution("It comes.", FIND), "nonsense", "unsolved"),
    ],
)
def test_the_verdict_is_by_calls_and_then_by_what_the_judge_says(
    server: OpenAIServer,
    candidate: Candidate,
    first: str,
    second: str,
    groups: object,
    expected: str | None,
) -> None:
    server.script = [script(first, second, groups)]
    assert reason(verdict(asker(server), candidate)) == expected


def test_no_judge_is_asked_where_the_calls_decide(
    server: OpenAIServer, candidate: Candidate
) -> None:
    server.script = [script(solution("Soon.", FIND), solution("Soon.", OTHER))]
    verdict(asker(server), candidate)
    assert len(server.requests) == 2


@pytest.mark.parametrize(("second", "expected"), [("near", None), ("far", "different_answer")])
def test_an_embedding_may_take_the_judges_place(
    server: OpenAIServer, candidate: Candidate, second: str, expected: str | None
) -> None:
    server.script = [script(solution("near", FIND), solution(second, FIND))]
    found = verdict(
        asker(server),
        candidate,
        embed=lambda texts: [[text == "far", 1] for text in texts],
        same=0.9,
    )
    assert reason(found) == expected
    assert len(server.requests) == 2


def test_a_refusal_to_solve_is_no_verdict(server: OpenAIServer, candidate: Candidate) -> None:
    server.script = [refuses("I will not.")]
    assert reason(verdict(asker(server), candidate)) == "unsolved"


def test_a_call_that_fails_for_good_is_no_verdict(
    server: OpenAIServer, candidate: Candidate
) -> None:
    server.script = [fails(413, "too long")]
    assert reason(verdict(asker(server), candidate)) == "unsolved"


def test_an_outage_gives_no_verdicts(server: OpenAIServer, candidate: Candidate) -> None:
    server.script = [fails(401, "no")]
    with pytest.raises(AgentError, match="HTTP 401"):
        verdict(asker(server), candidate)


def test_solutions_and_judgements_are_journalled(
    server: OpenAIServer, candidate: Candidate
) -> None:
    server.script = [script(solution("Soon.", FIND), solution("It comes.", FIND))]
    journal = MemoryJournal()
    for _ in range(2):
        assert verdict(asker(server, journal), candidate) is None
    assert len(server.requests) == 3
    purposes = sorted(reply["purpose"] for reply in journal.replies.values())
    assert purposes == ["judge", "solve", "solve"]
