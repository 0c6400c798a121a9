"""How slots are filled by a model."""

from __future__ import annotations

import json
import threading
from decimal import Decimal
from typing import Any

import pytest

from agents.synthesis import Assignment, MemoryJournal, OutageError, Purse
from goldloop.errors import AgentError
from goldloop.samples import Sample
from goldloop.synthesis.prompts import PROMPT_VERSION, SAMPLE_SCHEMA
from goldloop.synthesis.values import Candidate, Rejection
from tests.agents.conftest import WAYS
from tests.agents.openai_server import (
    PASSING,
    OpenAIServer,
    Reply,
    answers,
    fails,
    hangs,
    refuses,
    says,
    sends_raw,
)
from tests.agents.synthetic import PRICE, asker, assignments, sample_text, written
from tests.agents.wire import Answer


def candidate(came: Candidate | Rejection) -> Candidate:
    assert isinstance(came, Candidate), came
    return came


def reasons(found: dict[int, Any]) -> dict[int, str]:
    return {index: came.reason for index, came in found.items() if isinstance(came, Rejection)}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_each_slot_gets_a_sample_with_its_provenance(
    server: OpenAIServer, way: dict[str, Any]
) -> None:
    server.script = [says(sample_text())]
    found = written(asker(server, purse=Purse(price=PRICE), **way), assignments(3))
    assert sorted(found) == [0, 1, 2]
    own = candidate(found[0]).provenance
    assert (own.prompt_version, own.model, own.structured) == (PROMPT_VERSION, "m-1", "schema")
    assert (own.input_tokens, own.output_tokens, own.usd) == (7, 3, "0.000010")
    assert own.parameters["temperature"] == 0.9
    assert len(own.request_ids) == 1


def test_what_is_sent_is_the_schema_the_temperature_and_a_seed_of_its_own(
    server: OpenAIServer,
) -> None:
    server.script = [says(sample_text())]
    written(asker(server), assignments(3))
    bodies = [request.body for request in server.requests]
    assert {body["temperature"] for body in bodies} == {0.9}
    assert len({body["seed"] for body in bodies}) == 3
    assert all(body["response_format"]["json_schema"]["schema"] == SAMPLE_SCHEMA for body in bodies)


def test_a_hard_sample_is_made_out_of_easier_ones(server: OpenAIServer) -> None:
    def counted(body: Any) -> Reply:
        return says(sample_text(f"number {len(server.requests)}"))(body)

    server.script = [counted]
    found = candidate(written(asker(server), assignments(1, "hard"), evolve=True)[0])
    assert (found.sample.user_input, found.sample.difficulty) == ("number 3", "hard")
    assert found.provenance.steps == ("easy", "medium", "hard")
    assert (found.provenance.input_tokens, found.provenance.output_tokens) == (21, 9)
    last = server.requests[-1].body["messages"][-1]["content"]
    assert "number 2" in last
    assert "What is to be added:" in last


def test_the_examples_and_the_last_fault_are_told(server: OpenAIServer) -> None:
    server.script = [says(sample_text())]
    [plain] = assignments(1)
    example = Sample("s-1", "An example of the pool")
    written(asker(server), [Assignment(plain.slot, 2, (example,), "it is too short")])
    asked = server.requests[0].body["messages"][-1]["content"]
    assert "An example of the pool" in asked
    assert "it is too short" in asked


def test_refused_truncated_and_malformed_answers_are_told_apart(server: OpenAIServer) -> None:
    kinds = [
        refuses("I will not."),
        answers(Answer(sample_text(), finish="length")),
        answers(Answer(sample_text(), finish="content_filter")),
        says("not a sample"),
        sends_raw(b'{"choices": ['),
    ]
    for behave, reason in zip(
        kinds, ["refused", "truncated", "refused", "malformed", "failed"], strict=True
    ):
        server.script = [behave]
        assert reasons(written(asker(server), assignments(1))) == {0: reason}


def test_a_fault_on_the_way_to_a_hard_sample_ends_it(server: OpenAIServer) -> None:
    server.script = [says(sample_text()), says("not a sample")]
    found = written(asker(server), assignments(1, "hard"), evolve=True)
    assert reasons(found) == {0: "malformed"}
    assert len(server.requests) == 2


def test_no_more_calls_are_under_way_than_allowed(server: OpenAIServer) -> None:
    lock, now, most = threading.Lock(), [0], [0]
    full = threading.Event()

    def counted(body: Any) -> Reply:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
            if now[0] == 3:
                full.set()
        full.wait(5)
        with lock:
            now[0] -= 1
        return says(sample_text())(body)

    server.script = [counted]
    assert len(written(asker(server, concurrency=3), assignments(12))) == 12
    assert most == [3]


@pytest.mark.parametrize("fault", PASSING[:-1])
def test_what_passes_is_tried_again(server: OpenAIServer, fault: Any) -> None:
    server.script = [fault, fault, says(sample_text())]
    assert reasons(written(asker(server), assignments(1))) == {}
    assert len(server.requests) == 3


def test_a_time_out_is_tried_again(server: OpenAIServer) -> None:
    server.script = [hangs, says(sample_text())]
    assert reasons(written(asker(server, timeout=0.3), assignments(1))) == {}


def test_one_slot_that_fails_does_not_hold_up_the_others(server: OpenAIServer) -> None:
    def by_seed(body: Any) -> Reply:
        first = body["seed"] == server.requests[0].body["seed"]
        return (fails(400, "content policy") if first else says(sample_text()))(body)

    server.script = [by_seed]
    found = written(asker(server, concurrency=1), assignments(4))
    assert list(reasons(found).values()) == ["failed"]
    assert len(found) == 4


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_endpoint_that_refuses_everybody_is_asked_no_more(
    server: OpenAIServer, status: int
) -> None:
    server.script = [fails(status, "no")]
    with pytest.raises(OutageError, match=f"HTTP {status}.*run the same command again"):
        written(asker(server), assignments(100))
    assert len(server.requests) <= 4


def test_an_outage_ends_the_run_and_fails_no_slot(server: OpenAIServer) -> None:
    server.script = [says(sample_text()), fails(500, "down")]
    journal = MemoryJournal()
    with pytest.raises(OutageError, match="HTTP 500"):
        written(asker(server, journal, attempts=2), assignments(100))
    assert len(server.requests) < 40
    assert len(journal.replies) == 1


def test_a_few_slots_that_all_fail_are_an_outage_too(server: OpenAIServer) -> None:
    server.script = [fails(503, "down")]
    with pytest.raises(AgentError, match="every call failed: HTTP 503"):
        written(asker(server, attempts=1), assignments(2))


def test_a_key_is_in_no_rejection(server: OpenAIServer) -> None:
    def repeats(body: Any) -> Reply:
        return fails(400, "key sk-test-0123456789abcdefghij is odd")(body)

    server.script = [repeats]
    found = written(asker(server), assignments(1))
    assert "0123456789" not in json.dumps([came.said for came in found.values()])  # type: ignore[union-attr]


def test_an_endpoint_that_counts_nothing_leaves_tokens_open(server: OpenAIServer) -> None:
    server.script = [answers(Answer(sample_text(), usage=None))]
    purse = Purse(Decimal(1), PRICE)
    own = candidate(written(asker(server, purse=purse), assignments(1))[0]).provenance
    assert (own.input_tokens, own.output_tokens) == (None, None)
    # What it cost is what it can have cost at most: more than the 100 tokens of the answer.
    assert Decimal(own.usd or 0) == purse.spent > Decimal("0.0001")
