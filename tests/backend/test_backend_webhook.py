"""The webhook receiver: ids in, nothing else, and fast."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from project_folder import Folder

from store.database import open_store, transaction
from store.inbox import MAX_WAITING, PATIENCE_SECONDS, Hint, add_hint, finish_hints, waiting_hints

SECRET_TEXT = "what the annotator wrote"
PROJECT = {"id": 7, "title": SECRET_TEXT, "label_config": "<View/>"}
TASK = {"id": 3, "data": {"text": SECRET_TEXT}, "overlap": 2, "is_labeled": False}
ANNOTATION = {
    "id": 5,
    "task": 3,
    "project": 7,
    "completed_by": 1,
    "result": [{"value": {"text": [SECRET_TEXT]}}],
    "was_cancelled": False,
}


def hints(folder: Folder) -> list[tuple[Any, ...]]:
    with closing(open_store(folder.path / "goldloop.db")) as db:
        return [(h.action, h.task_ids, h.annotation_ids) for h in waiting_hints(db)]


@pytest.mark.parametrize(
    ("action", "payload", "tasks", "annotations"),
    [
        ("ANNOTATION_CREATED", {"annotation": ANNOTATION, "task": TASK}, (3,), (5,)),
        ("ANNOTATION_UPDATED", {"annotation": ANNOTATION, "task": TASK}, (3,), (5,)),
        (
            "ANNOTATIONS_CREATED",
            {"annotation": [ANNOTATION, {"id": 6, "task": 4}], "task": [TASK, {"id": 4}]},
            (3, 4),
            (5, 6),
        ),
        ("ANNOTATIONS_DELETED", {"annotations": [{"id": 71}, {"id": 72}]}, (), (71, 72)),
        ("TASKS_CREATED", {"tasks": [TASK, {"id": 4}]}, (3, 4), ()),
        ("TASKS_DELETED", {"tasks": [{"id": 9}]}, (9,), ()),
        ("PROJECT_UPDATED", {}, (), ()),
        ("START_TRAINING", {}, (), ()),
    ],
)
def test_every_shape_that_label_studio_sends_leaves_its_ids(
    folder: Folder,
    action: str,
    payload: dict[str, Any],
    tasks: tuple[int, ...],
    annotations: tuple[int, ...],
) -> None:
    reply = folder.client().post("/webhook", json={"action": action, "project": PROJECT, **payload})
    assert reply.status_code == 202
    assert hints(folder) == [(action, tasks, annotations)]
    assert folder.rows("SELECT project_id FROM inbox") == [(7,)]


def test_an_event_without_payload_is_a_hint_too(folder: Folder) -> None:
    assert folder.client().post("/webhook", json={"action": "TASKS_CREATED"}).status_code == 202
    assert hints(folder) == [("TASKS_CREATED", (), ())]


def test_nothing_but_ids_is_kept(folder: Folder, log: Callable[[], list[str]]) -> None:
    body = {"action": "ANNOTATION_CREATED", "annotation": ANNOTATION, "task": TASK}
    folder.client().post("/webhook", json={**body, "project": PROJECT})
    assert log() == []
    kept = [path.read_bytes() for path in folder.path.iterdir()]
    assert not any(SECRET_TEXT.encode() in content for content in kept)


@pytest.mark.parametrize(
    "value",
    [None, "5", 5.0, True, -5, 0, 2**53, 2**64, [5], {"id": "5"}, "5; DROP TABLE inbox", [[5]]],
)
def test_what_is_no_id_is_left_out(folder: Folder, value: Any) -> None:
    body = {
        "action": "ANNOTATION_CREATED",
        "annotation": {"id": value, "task": value},
        "task": [{"id": value}, value, None],
        "annotations": value,
        "tasks": {"id": value},
        "project": {"id": value},
    }
    client = folder.client()
    assert client.post("/webhook", json=body).status_code == 202
    assert hints(folder) == [("ANNOTATION_CREATED", (), ())]
    assert folder.rows("SELECT project_id FROM inbox") == [(None,)]


def test_no_more_ids_are_kept_than_label_studio_sends_at_once(folder: Folder) -> None:
    body = {"action": "TASKS_CREATED", "tasks": [{"id": number} for number in range(1, 6_001)]}
    assert folder.client().post("/webhook", json=body).status_code == 202
    [(_, tasks, _)] = hints(folder)
    assert tasks == tuple(range(1, 5_001))


def test_a_locked_store_is_told_while_label_studio_still_listens(folder: Folder) -> None:
    client = folder.client()
    with closing(sqlite3.connect(folder.path / "goldloop.db")) as writer:
        writer.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        reply = client.post("/webhook", json={"action": "TASKS_CREATED"})
        assert time.monotonic() - started < 10
    # Label Studio listens for a second; the store's other writers wait for thirty.
    assert PATIENCE_SECONDS < 0.9
    assert reply.status_code == 503
    assert list(reply.get_json()) == ["error"]
    assert hints(folder) == []


def test_a_writer_who_is_quick_costs_no_hint(folder: Folder) -> None:
    client = folder.client()
    assert client.post("/webhook", json={"action": "TASKS_CREATED"}).status_code == 202
    with closing(open_store(folder.path / "goldloop.db")) as db:
        assert db.execute("PRAGMA busy_timeout").fetchone() == (30_000,)
        add_hint(db, "TASKS_CREATED", None, [], [])
        assert db.execute("PRAGMA busy_timeout").fetchone() == (30_000,)


def test_a_full_inbox_takes_no_more_and_says_nothing(folder: Folder) -> None:
    waiting = ((("X", "[]", "[]", "now"),) * MAX_WAITING)[1:]
    with closing(sqlite3.connect(folder.path / "goldloop.db")) as connection, connection:
        connection.executemany(
            "INSERT INTO inbox (action, task_ids, annotation_ids, received_at) VALUES (?,?,?,?)",
            waiting,
        )
    client = folder.client()
    for _ in range(2):
        assert client.post("/webhook", json={"action": "LAST_ONE"}).status_code == 202
    assert folder.rows("SELECT count(*), max(action) FROM inbox") == [(MAX_WAITING, "X")]
    assert folder.rows("SELECT count(*) FROM inbox WHERE action = 'LAST_ONE'") == [(1,)]


def test_hints_that_were_followed_up_do_not_pile_up(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.inbox.KEPT_DONE", 3)
    with closing(open_store(folder.path / "goldloop.db")) as db:
        for number in range(1, 11):
            add_hint(db, "TASKS_CREATED", 1, [number], [])
        with transaction(db):
            finish_hints(db, waiting_hints(db, 8))
        assert waiting_hints(db) == [
            Hint(9, "TASKS_CREATED", (9,), ()),
            Hint(10, "TASKS_CREATED", (10,), ()),
        ]
    assert folder.rows("SELECT event_id FROM inbox ORDER BY 1") == [(8,), (9,), (10,)]


def test_the_answer_is_json_that_label_studio_reads_after_start_training(folder: Folder) -> None:
    reply = folder.client().post("/webhook", json={"action": "START_TRAINING", "project": PROJECT})
    # It looks for "job" in an object.
    assert isinstance(json.loads(reply.data), dict)
