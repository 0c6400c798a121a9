"""Hints are claimed, released, set aside and tried again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from store.database import Store, open_store
from store.inbox import (
    LOOK_AGAIN,
    MOST_CLAIMS,
    SUSPECT,
    add_hint,
    add_look_again,
    backlog,
    claim_hints,
    finish_hints,
    hints_set_aside,
    release_hints,
    retry_set_aside,
    set_aside,
    waiting_hints,
)


def fill(db: Store, count: int) -> None:
    for task_id in range(count):
        add_hint(db, "ANNOTATION_CREATED", 1, [task_id], [])


def tasks(hints: object) -> list[int]:
    return [hint.task_ids[0] for hint in hints]  # type: ignore[attr-defined]


def test_a_claimed_hint_is_nobody_elses_until_its_time_is_over(db: Store) -> None:
    fill(db, 3)
    assert tasks(claim_hints(db, 2, 60)) == [0, 1]
    assert tasks(claim_hints(db, 2, 0)) == [2]
    assert [(hint.task_ids[0], hint.attempts) for hint in claim_hints(db, 9, 60)] == [(2, 2)]
    assert claim_hints(db, 9, 60) == []


def test_a_claimed_hint_still_waits_until_it_is_followed_up(db: Store) -> None:
    fill(db, 2)
    claimed = claim_hints(db, 9, 60)
    assert backlog(db).pending == 2
    finish_hints(db, claimed[:1])
    assert tasks(waiting_hints(db)) == [1]


def test_a_released_hint_is_free_after_so_many_seconds(db: Store) -> None:
    fill(db, 2)
    first, second = claim_hints(db, 2, 60)
    release_hints(db, [first], 0)
    release_hints(db, [second], 60)
    assert [(hint.task_ids[0], hint.attempts) for hint in claim_hints(db, 9, 60)] == [(0, 2)]


def test_an_attempt_that_was_no_fault_of_the_hint_is_not_counted(db: Store) -> None:
    fill(db, 1)
    release_hints(db, claim_hints(db, 1, 60), 0, counts=False)
    assert [hint.attempts for hint in claim_hints(db, 1, 60)] == [1]


def test_releasing_leaves_what_was_followed_up_or_set_aside(db: Store) -> None:
    fill(db, 2)
    done, aside = claimed = claim_hints(db, 2, 60)
    finish_hints(db, [done])
    set_aside(db, aside, "it is odd")
    release_hints(db, claimed, 0)
    assert claim_hints(db, 9, 60) == []
    assert [one.attempts for one in hints_set_aside(db)] == [1]


def test_a_hint_that_was_set_aside_waits_no_more_and_is_kept_with_its_reason(db: Store) -> None:
    fill(db, 2)
    first, _ = claim_hints(db, 2, 60)
    set_aside(db, first, "it is odd")
    assert tasks(waiting_hints(db)) == [1]
    [found] = hints_set_aside(db)
    assert (found.event_id, found.action, found.reason) == (1, "ANNOTATION_CREATED", "it is odd")


def test_what_was_set_aside_can_be_tried_again_one_or_all(db: Store) -> None:
    fill(db, 3)
    for hint in claim_hints(db, 3, 60):
        set_aside(db, hint, "it is odd")
    assert retry_set_aside(db, [2, 77]) == [2]
    assert [(hint.event_id, hint.attempts) for hint in claim_hints(db, 9, 60)] == [(2, 1)]
    assert retry_set_aside(db, []) == [1, 3]
    assert hints_set_aside(db) == []


def test_who_looks_again_while_a_worker_looks_is_heard_once_more(db: Store) -> None:
    assert add_look_again(db) == 1
    assert add_look_again(db) is None
    claim_hints(db, 1, 60)
    assert add_look_again(db) == 2
    assert [hint.action for hint in claim_hints(db, 9, 60)] == [LOOK_AGAIN]


def test_several_workers_at_once_claim_each_hint_once(db: Store, path: Path) -> None:
    fill(db, 200)

    def work(_: int) -> list[int]:
        with closing(open_store(path)) as own:
            found: list[int] = []
            while hints := claim_hints(own, 7, 60):
                found += tasks(hints)
                finish_hints(own, hints)
            return found

    with ThreadPoolExecutor(4) as pool:
        found = [task for done in pool.map(work, range(4)) for task in done]
    assert sorted(found) == list(range(200))


def test_what_a_worker_may_have_died_of_is_given_out_alone(db: Store) -> None:
    fill(db, 3)
    for _ in range(SUSPECT):
        assert tasks(claim_hints(db, 9, -1)) == [0, 1, 2]
    assert tasks(claim_hints(db, 9, 60)) == [0]
    fill(db, 1)
    assert len(claim_hints(db, 9, 60)) == 1
    assert tasks(claim_hints(db, 9, 60)) == [1]


def test_a_hint_that_every_worker_died_of_is_set_aside_and_can_be_tried_again(db: Store) -> None:
    fill(db, 2)
    deadly, harmless = claim_hints(db, 9, -1)
    finish_hints(db, [harmless])
    for _ in range(MOST_CLAIMS - 1):
        assert [hint.event_id for hint in claim_hints(db, 9, -1)] == [deadly.event_id]
    assert claim_hints(db, 9, 60) == []
    [aside] = hints_set_aside(db)
    assert (aside.event_id, aside.attempts) == (deadly.event_id, MOST_CLAIMS)
    assert "every worker" in aside.reason
    assert retry_set_aside(db, []) == [deadly.event_id]
    assert [hint.attempts for hint in claim_hints(db, 9, 60)] == [1]
