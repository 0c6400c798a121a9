"""What is remembered of a generation, and how its samples come into the pool."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from goldloop.errors import StoreError
from goldloop.prn import permanent_random_number
from goldloop.samples import Sample
from goldloop.synthesis.values import Rejection
from store.database import Store, project_fact
from store.samples import add_samples, count_samples, get_sample
from store.synthesis import (
    ACCEPTED,
    CHECKING,
    HUMAN_REJECTED,
    KEPT,
    NEEDS_HUMAN,
    REJECTED,
    STOPPED,
    UNCHECKED,
    WRITTEN,
    NewBatch,
    accept_batch,
    accepted_samples,
    candidates_of,
    create_batch,
    decide_candidate,
    get_batch,
    judge_candidates,
    keep_candidates,
    list_batches,
    set_batch_state,
    verified_samples,
)
from tests.store.synthetic import candidate, slot, stored_batch

INCONSISTENT = Rejection("consistency", "different_answer", "one says yes, the other no")


def kept_batch(db: Store, count: int) -> int:
    batch = stored_batch(db, count)
    judge_candidates(db, batch, [(index, 1, KEPT, None) for index in range(count)])
    return batch


def test_a_batch_comes_back_as_it_was_asked_for(db: Store) -> None:
    slots = [slot(0), slot(1, "hard", "returns")]
    inputs, shown = {"task": "shop", "n": 2}, {"refunds": [Sample("s-1", "Give it back.")]}
    new = NewBatch(inputs, slots, "p3", "writer", 99, shown, ["1", "2.5"], {"a": 2.0})
    batch = get_batch(db, create_batch(db, new))
    assert (batch.state, batch.count, batch.seed, batch.how) == ("writing", 2, 99, None)
    assert list(batch.slots) == slots
    assert batch.inputs == {"task": "shop", "n": 2}
    assert batch.examples == shown
    assert batch.price == ["1", "2.5"]
    assert batch.focus == {"a": 2.0}


def test_an_unknown_batch_is_refused_with_those_there_are(db: Store) -> None:
    stored_batch(db, 1)
    with pytest.raises(StoreError, match="no batch 7 of synthetic samples; there are: 1"):
        get_batch(db, 7)


def test_a_candidate_comes_back_as_it_was_written(db: Store) -> None:
    batch = stored_batch(db, 1)
    [found] = candidates_of(db, batch)
    assert found.candidate == candidate(slot(0))
    assert (found.outcome, found.rejection, found.verdict) == (WRITTEN, None, None)
    secret = bytes.fromhex(project_fact(db, "secret"))
    assert found.prn == permanent_random_number(secret, "syn-0-1")


def test_a_call_that_brought_nothing_is_an_attempt_without_a_sample(db: Store) -> None:
    batch = create_batch(db, NewBatch({}, [slot(0)], "1", "writer", 7))
    refusal = Rejection("call", "refused", "I cannot do that")
    keep_candidates(db, batch, [(slot(0), 1, refusal)])
    [found] = candidates_of(db, batch, (REJECTED,))
    assert (found.candidate, found.rejection, found.prn) == (None, refusal, None)
    with pytest.raises(StoreError, match=f"slot 0 of batch {batch} has no sample"):
        _ = found.sample


def test_an_attempt_that_is_stored_stays_as_it_is(db: Store) -> None:
    batch = stored_batch(db, 1)
    other = candidate(slot(0), user_input="Something else entirely.")
    keep_candidates(db, batch, [(slot(0), 1, other)])
    [found] = candidates_of(db, batch)
    assert found.sample.user_input.startswith("Please refund")


def test_a_person_overrules_a_filter_and_both_stay_written(db: Store) -> None:
    batch = stored_batch(db, 2)
    judge_candidates(db, batch, [(i, 1, NEEDS_HUMAN, INCONSISTENT) for i in (0, 1)])
    decide_candidate(db, batch, "syn-0-1", good=True)
    decide_candidate(db, batch, "syn-1-1", good=False, said="wrong amount")
    good, bad = candidates_of(db, batch)
    assert (good.outcome, good.verified, good.rejection) == (KEPT, True, INCONSISTENT)
    assert (bad.outcome, bad.verdict, bad.human_said) == (HUMAN_REJECTED, False, "wrong amount")


def test_the_latest_decision_of_a_person_stands(db: Store) -> None:
    batch = kept_batch(db, 1)
    decide_candidate(db, batch, "syn-0-1", good=False)
    decide_candidate(db, batch, "syn-0-1", good=True)
    assert [one.outcome for one in candidates_of(db, batch)] == [KEPT]


def test_nobody_decides_about_what_the_rules_rejected(db: Store) -> None:
    batch = stored_batch(db, 1)
    judge_candidates(db, batch, [(0, 1, REJECTED, Rejection("rules", "empty"))])
    with pytest.raises(StoreError, match="syn-0-1"):
        decide_candidate(db, batch, "syn-0-1", good=True)


def test_accepting_takes_what_is_kept_into_the_pool_and_marks_it(db: Store) -> None:
    batch = kept_batch(db, 4)
    decide_candidate(db, batch, "syn-0-1", good=True)
    decide_candidate(db, batch, "syn-1-1", good=False)
    judge_candidates(db, batch, [(2, 1, NEEDS_HUMAN, INCONSISTENT)])
    assert accept_batch(db, batch) == 2
    seen, unseen = get_sample(db, "syn-0-1"), get_sample(db, "syn-3-1")
    assert seen is not None
    assert unseen is not None
    assert seen.source == unseen.source == "synthetic"
    marks = {"slot": 0, "accepted": "spot_check", "verified_by_people": True}
    assert seen.metadata["synthesis"] == marks
    assert unseen.metadata["synthesis"]["verified_by_people"] is False
    assert accepted_samples(db) == ["syn-0-1", "syn-3-1"]
    assert verified_samples(db) == {"syn-0-1"}


def test_what_people_decide_after_a_batch_was_accepted_follows(db: Store) -> None:
    batch = kept_batch(db, 2)
    judge_candidates(db, batch, [(1, 1, NEEDS_HUMAN, INCONSISTENT)])
    accepted = [accept_batch(db, batch), accept_batch(db, batch)]
    decide_candidate(db, batch, "syn-1-1", good=True)
    assert [*accepted, accept_batch(db, batch)] == [1, 0, 1]


def test_a_batch_taken_without_a_check_stays_marked_so(db: Store) -> None:
    batch = kept_batch(db, 1)
    accept_batch(db, batch, UNCHECKED)
    accept_batch(db, batch)
    assert get_batch(db, batch).how == UNCHECKED
    sample = get_sample(db, "syn-0-1")
    assert sample is not None
    assert sample.metadata["synthesis"]["accepted"] == UNCHECKED


def test_accepting_is_all_or_nothing(db: Store) -> None:
    batch = kept_batch(db, 2)
    db.executescript(
        "CREATE TRIGGER full BEFORE INSERT ON samples WHEN new.sample_id = 'syn-1-1'"
        " BEGIN SELECT raise(ABORT, 'no room'); END"
    )
    with pytest.raises(StoreError, match="no room"):
        accept_batch(db, batch)
    assert count_samples(db) == 0
    assert get_batch(db, batch).state == CHECKING


def test_a_batch_that_is_being_written_cannot_be_accepted(db: Store) -> None:
    batch = create_batch(db, NewBatch({}, [slot(0)], "1", "writer", 7))
    with pytest.raises(StoreError, match=f"batch {batch} is not finished"):
        accept_batch(db, batch)


def test_an_accepted_batch_cannot_be_stopped_any_more(db: Store) -> None:
    batch = kept_batch(db, 1)
    accept_batch(db, batch)
    set_batch_state(db, batch, STOPPED)
    assert [one.state for one in list_batches(db)] == [ACCEPTED]


def test_a_sample_of_the_pool_stays_as_it_is(db: Store) -> None:
    add_samples(db, [(Sample("syn-0-1", "mine"), None)])
    assert accept_batch(db, kept_batch(db, 2)) == 1
    mine = get_sample(db, "syn-0-1")
    assert mine is not None
    assert mine.user_input == "mine"


def test_the_tables_open_as_they_are(db: Store, path: Path) -> None:
    kept_batch(db, 2)
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT slot, difficulty, json_extract(record, '$.user_input') FROM"
            " synthesis_candidates ORDER BY slot"
        ).fetchall()
    assert [row[:2] for row in rows] == [(0, "easy"), (1, "easy")]
