from __future__ import annotations

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

import store.inbox
from goldloop.errors import StoreError
from store.database import Store, open_store
from store.inbox import (
    LOOK_AGAIN,
    Backlog,
    Hint,
    add_hint,
    add_look_again,
    backlog,
    finish_hints,
    waiting_hints,
)


def test_hints_wait_in_the_order_of_their_arrival(db: Store, path: Path) -> None:
    add_hint(db, "ANNOTATION_CREATED", 1, [3, 4], [9])
    add_hint(db, "ANNOTATIONS_DELETED", None, [], [8])
    assert waiting_hints(open_store(path)) == [
        Hint(1, "ANNOTATION_CREATED", (3, 4), (9,)),
        Hint(2, "ANNOTATIONS_DELETED", (), (8,)),
    ]


def test_the_oldest_hints_come_first_up_to_the_limit(db: Store) -> None:
    for task_id in range(5):
        add_hint(db, "ANNOTATION_CREATED", 1, [task_id], [])
    assert [hint.task_ids for hint in waiting_hints(db, limit=2)] == [(0,), (1,)]


def test_a_hint_that_was_followed_up_waits_no_more(db: Store) -> None:
    for task_id in range(3):
        add_hint(db, "ANNOTATION_CREATED", 1, [task_id], [])
    finish_hints(db, waiting_hints(db, limit=2))
    assert [hint.task_ids for hint in waiting_hints(db)] == [(2,)]


def test_following_up_nothing_changes_nothing(db: Store) -> None:
    add_hint(db, "ANNOTATION_CREATED", 1, [1], [])
    finish_hints(db, [])
    assert len(waiting_hints(db)) == 1


def test_what_comes_into_a_full_inbox_is_one_look_again_until_there_is_room(
    db: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.inbox, "MAX_WAITING", 2)
    added = [add_hint(db, "ANNOTATION_CREATED", 1, [task_id], []) for task_id in range(4)]
    assert added == [1, 2, 3, None]
    actions = ["ANNOTATION_CREATED"] * 2 + [LOOK_AGAIN]
    assert [hint.action for hint in waiting_hints(db)] == actions
    finish_hints(db, waiting_hints(db, limit=2))
    add_hint(db, "ANNOTATION_CREATED", 1, [9], [])
    assert [hint.task_ids for hint in waiting_hints(db)] == [(), (9,)]


def test_two_who_look_again_at_once_leave_one_hint(db: Store, path: Path) -> None:
    def asked(_: int) -> int | None:
        with closing(open_store(path)) as own:
            return add_look_again(own)

    with ThreadPoolExecutor(8) as threads:
        added = list(threads.map(asked, range(32)))
    assert [one for one in added if one is not None] == [1]
    assert waiting_hints(db) == [Hint(1, LOOK_AGAIN, (), ())]


def test_the_backlog_is_what_waits_and_since_when(db: Store) -> None:
    assert backlog(db) == Backlog(0, None)
    for task_id in range(3):
        add_hint(db, "ANNOTATION_CREATED", 1, [task_id], [])
    finish_hints(db, waiting_hints(db, limit=1))
    [(since,)] = db.execute("SELECT received_at FROM inbox WHERE event_id = 2").fetchall()
    assert backlog(db) == Backlog(2, since)


def test_of_what_was_followed_up_only_the_latest_is_kept(
    db: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.inbox, "KEPT_DONE", 3)
    for task_id in range(10):
        add_hint(db, "ANNOTATION_CREATED", 1, [task_id], [])
    first, *others = waiting_hints(db)
    finish_hints(db, others)
    kept = [row[0] for row in db.execute("SELECT event_id FROM inbox ORDER BY event_id")]
    assert kept == [first.event_id, 8, 9, 10]


def test_a_hint_does_not_wait_long_for_another_writer(db: Store, path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    with pytest.raises(StoreError, match=r"the hint could not be stored: .*locked"):
        add_hint(db, "ANNOTATION_CREATED", 1, [1], [])
    assert time.monotonic() - begun < 10
    other.rollback()
    add_hint(db, "ANNOTATION_CREATED", 1, [1], [])
    assert len(waiting_hints(db)) == 1


def test_the_store_is_as_patient_after_a_hint_as_before(db: Store) -> None:
    before = db.execute("PRAGMA busy_timeout").fetchone()
    add_hint(db, "ANNOTATION_CREATED", 1, [1], [])
    assert db.execute("PRAGMA busy_timeout").fetchone() == before
