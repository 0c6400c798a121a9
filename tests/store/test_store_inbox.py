from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

import store.inbox
from goldloop.errors import StoreError
from store.database import Store, open_store
from store.inbox import Hint, add_hint, finish_hints, waiting_hints


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


def test_a_full_inbox_drops_what_comes_until_there_is_room(
    db: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.inbox, "MAX_WAITING", 2)
    for task_id in range(4):
        add_hint(db, "ANNOTATION_CREATED", 1, [task_id], [])
    assert [hint.task_ids for hint in waiting_hints(db)] == [(0,), (1,)]
    finish_hints(db, waiting_hints(db, limit=1))
    add_hint(db, "ANNOTATION_CREATED", 1, [9], [])
    assert [hint.task_ids for hint in waiting_hints(db)] == [(1,), (9,)]


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
