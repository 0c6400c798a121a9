"""The journal of calls: what was paid for once is never asked again."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from store.database import Store, open_store
from store.synthesis_calls import costs_by_purpose
from tests.store.synthetic import journal_of, stored_batch

REPLY = {
    "purpose": "write",
    "slot": 0,
    "attempt": 1,
    "step": 0,
    "text": '{"user_input": "hi \ud800 \x00"}',
    "refused": False,
    "stop_reason": "stop",
    "request_id": "req-1",
    "input_tokens": 100,
    "output_tokens": 20,
    "usd": "0.1",
}


def test_a_reply_is_there_for_the_next_process_as_it_came(db: Store, path: Path) -> None:
    batch = stored_batch(db, 1)
    journal_of(db, batch).put("k1", REPLY)
    other = open_store(path)
    journal = journal_of(other, batch)
    assert journal.get("k1") == REPLY
    assert journal.get("k2") is None
    other.close()


def test_the_first_reply_to_a_question_stays(db: Store) -> None:
    journal = journal_of(db, stored_batch(db, 1))
    journal.put("k1", REPLY)
    journal.put("k1", {**REPLY, "text": "{}", "usd": "9"})
    assert journal.get("k1") == REPLY
    assert [cost.calls for cost in costs_by_purpose(db)] == [1]


def test_a_batch_does_not_live_on_the_replies_of_another(db: Store) -> None:
    one, other = (journal_of(db, stored_batch(db, 1)) for _ in range(2))
    one.put("k1", REPLY)
    assert other.get("k1") is None
    other.put("k1", {**REPLY, "text": "another"})
    assert other.get("k1") == {**REPLY, "text": "another"}


def test_a_lost_try_costs_and_answers_nothing(db: Store) -> None:
    journal = journal_of(db, stored_batch(db, 1))
    for _ in range(2):
        journal.lose("k1", {"purpose": "write", "slot": 0, "attempt": 1, "usd": "0.1"})
    assert journal.get("k1") is None
    journal.put("k1", REPLY)
    [cost] = costs_by_purpose(db)
    assert (cost.calls, cost.usd, cost.uncounted) == (3, Decimal("0.3"), 2)
    assert cost.statuses == {"answered": 1, "lost": 2}


def test_costs_are_exact_sums_by_purpose_and_batch(db: Store) -> None:
    one, other = stored_batch(db, 1), stored_batch(db, 1)
    journal = journal_of(db, one)
    for number in range(3):
        journal.put(f"w{number}", REPLY)
    journal.put("s", {**REPLY, "purpose": "solve", "refused": True})
    journal.put("t", {**REPLY, "purpose": "solve", "stop_reason": "length"})
    journal_of(db, other).put("o", REPLY)
    solve, write = costs_by_purpose(db, one)
    assert (write.calls, write.input_tokens, write.usd) == (3, 300, Decimal("0.3"))
    assert (solve.purpose, solve.statuses) == ("solve", {"refused": 1, "truncated": 1})
    assert sum(cost.calls for cost in costs_by_purpose(db)) == 6


def test_what_nobody_counted_is_in_no_sum(db: Store) -> None:
    journal = journal_of(db, stored_batch(db, 1))
    journal.put("k1", REPLY)
    journal.put("k2", {**REPLY, "input_tokens": None, "usd": None})
    [cost] = costs_by_purpose(db)
    assert (cost.calls, cost.uncounted, cost.unpriced) == (2, 1, 1)
    assert (cost.input_tokens, cost.output_tokens, cost.usd) == (100, 20, Decimal("0.1"))
