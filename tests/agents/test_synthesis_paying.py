"""What calls cost: nothing is paid twice, and nothing beyond the limit."""

from __future__ import annotations

import asyncio
import threading
from decimal import Decimal
from typing import Any

import pytest

from agents.asking import Ask
from agents.synthesis import Call, MemoryJournal, Purse, write_samples
from goldloop.errors import AgentError, SettingsError
from goldloop.prices import Price
from goldloop.synthesis.values import Candidate
from tests.agents.openai_server import OpenAIServer, Reply, answers, fails, resets, says
from tests.agents.synthetic import PRICE, TASK, asker, assignments, listed, sample_text, written
from tests.agents.wire import Answer


def test_what_the_journal_has_is_not_asked_again(server: OpenAIServer) -> None:
    server.script = [says(sample_text())]
    journal = MemoryJournal()
    first = written(asker(server, journal), assignments(5, "hard"), evolve=True)
    asked = len(server.requests)
    assert written(asker(server, journal), assignments(5, "hard"), evolve=True) == first
    assert (asked, len(server.requests)) == (15, 15)


def test_refusals_and_malformed_answers_are_kept_as_well(server: OpenAIServer) -> None:
    server.script = [answers(Answer("no sample", finish="length"))]
    journal = MemoryJournal()
    for _ in range(2):
        written(asker(server, journal), assignments(3))
    assert len(server.requests) == 3


def test_another_seed_slot_or_attempt_is_another_call(server: OpenAIServer) -> None:
    server.script = [says(sample_text())]
    journal = MemoryJournal()
    written(asker(server, journal), assignments(2), seed=1)
    written(asker(server, journal), assignments(2), seed=2)
    assert len(server.requests) == len(journal.replies) == 4


def test_a_key_depends_on_everything_that_is_asked(server: OpenAIServer) -> None:
    made = asker(server)
    hi, bye = ([{"role": "user", "content": text}] for text in ("Hi", "Bye"))
    calls = [
        Call("write", 0, 1, 0, Ask(hi)),
        Call("write", 0, 1, 0, Ask(bye)),
        Call("write", 0, 1, 0, Ask(hi, 0.5)),
        Call("write", 0, 1, 0, Ask(hi, seed=1)),
        Call("write", 0, 1, 0, Ask(hi, max_tokens=9)),
        Call("write", 1, 1, 0, Ask(hi)),
        Call("write", 0, 2, 0, Ask(hi)),
        Call("write", 0, 1, 1, Ask(hi)),
        Call("solve", 0, 1, 0, Ask(hi)),
    ]
    assert len({made.key(call) for call in calls}) == len(calls)
    assert made.key(calls[0]) == made.key(Call("write", 0, 1, 0, Ask(list(hi))))


def test_calls_that_are_cut_short_are_kept_when_their_answers_arrive(
    server: OpenAIServer,
) -> None:
    begun, release = threading.Event(), threading.Event()

    def slowly(body: Any) -> Reply:
        if len(server.requests) >= 4:
            begun.set()
        release.wait(5)
        return says(sample_text())(body)

    server.script = [slowly]
    journal = MemoryJournal()

    async def cut_short() -> None:
        async with asker(server, journal) as made:
            results = write_samples(made, TASK, assignments(9), batch=1, seed=1, temperature=0.9)
            task = asyncio.create_task(listed(results))
            await asyncio.to_thread(begun.wait, 5)
            task.cancel()
            asyncio.get_running_loop().call_later(0.05, release.set)
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(cut_short())
    assert len(journal.replies) == len(server.requests) == 4
    written(asker(server, journal), assignments(9))
    assert len(server.requests) == 9


def test_the_sum_never_exceeds_the_limit(server: OpenAIServer) -> None:
    # Every call takes all the output that it may, and as many tokens as it has bytes at most.
    def greedy(body: Any) -> Reply:
        sent = sum(len(turn["content"].encode()) for turn in body["messages"])
        return answers(Answer(sample_text(), usage=(sent, 100)))(body)

    server.script = [greedy]
    purse = Purse(Decimal("0.1"), PRICE)
    found = written(asker(server, purse=purse, concurrency=8), assignments(200))
    assert purse.refused is not None
    assert purse.spent <= Decimal("0.1") < purse.spent + purse.refused
    assert 0 < len(found) == len(server.requests) < 200


def test_a_purse_waits_for_what_others_give_back(server: OpenAIServer) -> None:
    server.script = [says(sample_text())]
    # Enough for one call at a time, and for all that they cost in truth.
    purse = Purse(Decimal("0.01"), PRICE)
    found = written(asker(server, purse=purse, concurrency=8), assignments(30))
    assert (len(found), purse.refused) == (30, None)
    assert purse.spent == Decimal("0.0003")


def test_nothing_is_asked_where_nothing_is_left(server: OpenAIServer) -> None:
    server.script = [says(sample_text())]
    purse = Purse(Decimal("0.01"), PRICE, spent=Decimal("0.0099"))
    assert written(asker(server, purse=purse), assignments(3)) == {}
    assert server.requests == []


def test_a_refusal_costs_nothing_and_a_broken_answer_what_it_may_have_cost(
    server: OpenAIServer,
) -> None:
    server.script = [fails(429), resets, says(sample_text())]
    journal, purse = MemoryJournal(), Purse(Decimal(1), PRICE)
    written(asker(server, journal, purse), assignments(1))
    [lost] = journal.lost
    assert (lost["purpose"], lost["slot"], lost["attempt"], lost["step"]) == ("write", 0, 1, 0)
    [kept] = journal.replies.values()
    assert Decimal(kept["usd"]) == Decimal("0.00001")
    assert purse.spent == Decimal(lost["usd"]) + Decimal(kept["usd"])


def test_no_price_is_no_cost(server: OpenAIServer) -> None:
    server.script = [says(sample_text())]
    found = written(asker(server), assignments(1))[0]
    assert isinstance(found, Candidate)
    assert found.provenance.usd is None


def test_a_limit_needs_a_price_and_a_bounded_answer() -> None:
    with pytest.raises(SettingsError, match="needs a price"):
        Purse(Decimal(1))
    with pytest.raises(SettingsError, match="max_output above 0"):
        Purse(Decimal(1), PRICE).most(Ask([]))


def test_the_most_that_a_call_can_cost_counts_a_token_for_every_byte() -> None:
    price = Price(Decimal(1_000_000), Decimal(0))
    turns = [{"role": "user", "content": "é" * 1000}]
    assert Purse(price=price).most(Ask(turns, max_tokens=1)) > 2000


def test_a_question_that_nobody_took_costs_nothing(server: OpenAIServer) -> None:
    journal, purse = MemoryJournal(), Purse(Decimal(1), PRICE)
    made = asker(server, journal, purse, base_url="http://127.0.0.1:9/v1", attempts=2)
    with pytest.raises(AgentError, match="ConnectError"):
        written(made, assignments(1))
    assert (journal.lost, purse.spent) == ([], 0)
