"""The webhook receiver: who is believed, ids in, nothing else, and fast."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from flask.testing import FlaskClient
from project_folder import SIGNED, WEBHOOK_SECRET, Folder

from store.database import PATIENCE_SECONDS, open_store, transaction
from store.inbox import (
    LOOK_AGAIN,
    MAX_WAITING,
    Hint,
    add_hint,
    claim_hints,
    finish_hints,
    waiting_hints,
)

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
CREATED = {
    "action": "ANNOTATION_CREATED",
    "annotation": ANNOTATION,
    "task": TASK,
    "project": PROJECT,
}
AGAIN = (LOOK_AGAIN, (), ())


@pytest.fixture
def client(folder: Folder) -> FlaskClient:
    """A client of a backend that knows the secret of its webhook; it shows none by itself."""
    folder.use_secrets(GOLDLOOP_WEBHOOK_SECRET=WEBHOOK_SECRET)
    return folder.client()


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
    ],
)
def test_every_shape_that_label_studio_sends_leaves_its_ids(
    folder: Folder,
    client: FlaskClient,
    action: str,
    payload: dict[str, Any],
    tasks: tuple[int, ...],
    annotations: tuple[int, ...],
) -> None:
    body = {"action": action, "project": PROJECT, **payload}
    assert client.post("/webhook", json=body, headers=SIGNED).status_code == 202
    assert hints(folder) == [(action, tasks, annotations)]
    assert folder.rows("SELECT project_id FROM inbox") == [(7,)]


def test_the_same_event_twice_is_two_hints(folder: Folder, client: FlaskClient) -> None:
    for _ in range(2):
        client.post("/webhook", json=CREATED, headers=SIGNED)
    assert hints(folder) == [("ANNOTATION_CREATED", (3,), (5,))] * 2


@pytest.mark.parametrize(
    "body",
    [
        {"action": "ANNOTATION_CREATED"},
        {"action": "TASKS_DELETED", "tasks": []},
        {"action": "PROJECT_UPDATED", "project": PROJECT},
        {"action": "START_TRAINING_OF_A_LATER_LABEL_STUDIO", "project": PROJECT},
        {"action": "ANNOTATION_REVIEWED_BY_A_LATER_LABEL_STUDIO", "annotation": ANNOTATION},
        {"action": LOOK_AGAIN, "annotation": ANNOTATION},
    ],
    ids=lambda body: body["action"],
)
def test_what_names_no_ids_or_is_new_to_us_is_worth_one_look_again(
    folder: Folder, client: FlaskClient, body: dict[str, Any]
) -> None:
    for _ in range(3):
        assert client.post("/webhook", json=body, headers=SIGNED).status_code == 202
    assert hints(folder) == [AGAIN]


@pytest.mark.parametrize(
    "sent",
    [
        {"json": CREATED},
        {"json": {"action": LOOK_AGAIN, "tasks": [{"id": 3}]}},
        {"data": b"\xff\xfe not JSON"},
        {"data": b"[" * 100_000, "content_type": "application/json"},
        {},
    ],
    ids=["an event", "look again with ids", "no JSON", "deep", "nothing"],
)
def test_without_the_secret_it_is_one_look_again_whatever_is_in_it(
    folder: Folder, client: FlaskClient, sent: dict[str, Any]
) -> None:
    for _ in range(5):
        assert client.post("/webhook", **sent).status_code == 202
    assert hints(folder) == [AGAIN]
    assert folder.rows("SELECT project_id FROM inbox") == [(None,)]


def test_a_look_again_that_was_followed_up_makes_room_for_the_next(
    folder: Folder, client: FlaskClient
) -> None:
    client.post("/webhook", json=CREATED)
    with closing(open_store(folder.path / "goldloop.db")) as db:
        finish_hints(db, waiting_hints(db))
    client.post("/webhook", json=CREATED)
    assert hints(folder) == [AGAIN]
    assert folder.rows("SELECT count(*) FROM inbox") == [(2,)]


def test_where_no_secret_is_set_every_event_is_one_look_again(folder: Folder) -> None:
    client = folder.client()
    for headers in ({}, SIGNED, {"X-Goldloop-Secret": ""}):
        assert client.post("/webhook", json=CREATED, headers=headers).status_code == 202
    assert hints(folder) == [AGAIN]


@pytest.mark.parametrize(
    "shown",
    [
        "",
        WEBHOOK_SECRET[:-1],
        WEBHOOK_SECRET + "x",
        WEBHOOK_SECRET.upper(),
        f"{WEBHOOK_SECRET},{WEBHOOK_SECRET}",
        "\xe9" * len(WEBHOOK_SECRET),
        "x" * 5000,
    ],
)
def test_a_wrong_secret_is_refused_and_leaves_nothing(
    folder: Folder, client: FlaskClient, shown: str
) -> None:
    reply = client.post("/webhook", json=CREATED, headers={"X-Goldloop-Secret": shown})
    assert reply.status_code == 401
    assert list(reply.get_json()) == ["error"]
    assert hints(folder) == []


def test_the_secret_shown_twice_is_refused(folder: Folder, client: FlaskClient) -> None:
    twice = [("X-Goldloop-Secret", WEBHOOK_SECRET), ("X-Goldloop-Secret", WEBHOOK_SECRET)]
    assert client.post("/webhook", json=CREATED, headers=twice).status_code == 401
    assert hints(folder) == []


def test_the_backends_password_does_not_open_the_webhook(folder: Folder) -> None:
    password = "a-password-nobody-else-has"
    folder.use_secrets(
        GOLDLOOP_BACKEND_USER="label-studio",
        GOLDLOOP_BACKEND_PASSWORD=password,
        GOLDLOOP_WEBHOOK_SECRET=WEBHOOK_SECRET,
    )
    client = folder.client()
    auth = ("label-studio", password)
    assert client.post("/webhook", json=CREATED, auth=auth).status_code == 202
    assert hints(folder) == [AGAIN]
    assert client.get("/versions", headers=SIGNED).status_code == 401


def test_nothing_but_ids_is_kept_or_told(
    folder: Folder, client: FlaskClient, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    client.post("/webhook?token=in-the-query", json=CREATED, headers=SIGNED)
    [line] = lines()
    assert (line["message"], line["status"]) == ("webhook ANNOTATION_CREATED", 202)
    assert (line["event_id"], line["task_ids"], line["annotation_ids"]) == (1, [3], [5])
    kept = [path.read_bytes() for path in folder.path.iterdir() if path.name != ".env"]
    for text in (SECRET_TEXT, WEBHOOK_SECRET, "in-the-query"):
        assert text not in json.dumps(line)
        assert not any(text.encode() in content for content in kept)


def test_a_stranger_cannot_fill_the_log(
    client: FlaskClient, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    for _ in range(50):
        client.post("/webhook", json=CREATED)
        client.post("/webhook", json=CREATED, headers={"X-Goldloop-Secret": "wrong"})
    told = [line["message"] for line in lines()]
    assert told.count("webhook LOOK_AGAIN") == 1
    # One refusal a second, and fifty take less than ten.
    assert 1 <= told.count("refused POST /webhook") < 10


@pytest.mark.parametrize(
    "value",
    [None, "5", 5.0, True, -5, 0, 2**53, 2**64, [5], {"id": "5"}, "5; DROP TABLE inbox", [[5]]],
)
def test_what_is_no_id_is_left_out(folder: Folder, client: FlaskClient, value: Any) -> None:
    body = {
        "action": "ANNOTATION_CREATED",
        "annotation": {"id": value, "task": value},
        "task": [{"id": value}, value, None, {"id": 1}],
        "annotations": value,
        "tasks": {"id": value},
        "project": {"id": value},
    }
    assert client.post("/webhook", json=body, headers=SIGNED).status_code == 202
    assert hints(folder) == [("ANNOTATION_CREATED", (1,), ())]
    assert folder.rows("SELECT project_id FROM inbox") == [(None,)]


def test_ids_beyond_what_label_studio_sends_at_once_are_a_look_again(
    folder: Folder, client: FlaskClient
) -> None:
    body = {"action": "TASKS_DELETED", "tasks": [{"id": number} for number in range(1, 6_001)]}
    assert client.post("/webhook", json=body, headers=SIGNED).status_code == 202
    again, (action, tasks, _) = hints(folder)
    assert again == AGAIN
    assert (action, tasks) == ("TASKS_DELETED", tuple(range(1, 5_001)))


@pytest.mark.parametrize("headers", [SIGNED, {}], ids=["with the secret", "without"])
def test_a_locked_store_is_told_while_label_studio_still_listens(
    folder: Folder, client: FlaskClient, headers: dict[str, str]
) -> None:
    with closing(sqlite3.connect(folder.path / "goldloop.db")) as writer:
        writer.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        reply = client.post("/webhook", json=CREATED, headers=headers)
        assert time.monotonic() - started < 10
    # Label Studio listens for a second; the store's other writers wait for thirty.
    assert PATIENCE_SECONDS < 0.9
    assert reply.status_code == 503
    assert list(reply.get_json()) == ["error"]
    assert hints(folder) == []
    assert client.post("/webhook", json=CREATED, headers=headers).status_code == 202
    assert len(hints(folder)) == 1


def test_a_look_again_that_waits_already_is_answered_however_busy_the_store_is(
    folder: Folder, client: FlaskClient
) -> None:
    client.post("/webhook", json=CREATED)
    with closing(sqlite3.connect(folder.path / "goldloop.db")) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert client.post("/webhook", json=CREATED).status_code == 202


def test_what_does_not_fit_on_the_disk_is_not_acknowledged(
    folder: Folder, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.post("/webhook", json=CREATED, headers=SIGNED).status_code == 202
    served = client.application.extensions["goldloop"].served
    with served.store() as db:
        [(pages,)] = db.execute("PRAGMA page_count").fetchall()
        db.execute(f"PRAGMA max_page_count = {pages}")
        many = [{"id": number} for number in range(1, 5001)]
        reply = client.post(
            "/webhook", json={"action": "TASKS_DELETED", "tasks": many}, headers=SIGNED
        )
    assert reply.status_code == 503
    assert hints(folder) == [("ANNOTATION_CREATED", (3,), (5,))]


def test_a_store_that_was_replaced_gets_the_next_event(folder: Folder, client: FlaskClient) -> None:
    """An event that went into the deleted file would be acknowledged and lost."""
    client.post("/webhook", json=CREATED, headers=SIGNED)
    path = folder.path / "goldloop.db"
    with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(f"{path}.new")) as new:
        old.backup(new)
    path.with_suffix(".db.new").replace(path)
    for left in ("-wal", "-shm"):
        folder.path.joinpath(f"goldloop.db{left}").unlink(missing_ok=True)
    folder.change("DELETE FROM inbox")
    client.post("/webhook", json=CREATED, headers=SIGNED)
    assert hints(folder) == [("ANNOTATION_CREATED", (3,), (5,))]


def test_a_store_that_a_newer_goldloop_migrated_meanwhile_takes_no_event(
    folder: Folder, client: FlaskClient
) -> None:
    assert client.post("/webhook", json=CREATED, headers=SIGNED).status_code == 202
    folder.change("CREATE TABLE of_tomorrow (x)")
    folder.change(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
        "VALUES ('goldloop', 'm999_tomorrow', 'now')"
    )
    assert client.post("/webhook", json=CREATED, headers=SIGNED).status_code == 503


def test_a_writer_who_is_quick_costs_no_hint(folder: Folder, client: FlaskClient) -> None:
    assert client.post("/webhook", json=CREATED, headers=SIGNED).status_code == 202
    with closing(open_store(folder.path / "goldloop.db")) as db:
        assert db.execute("PRAGMA busy_timeout").fetchone() == (30_000,)
        add_hint(db, "TASKS_CREATED", None, [1], [])
        assert db.execute("PRAGMA busy_timeout").fetchone() == (30_000,)


def test_an_inbox_that_is_full_is_worth_one_look_again(folder: Folder, client: FlaskClient) -> None:
    waiting = ((("X", "[]", "[]", "now"),) * MAX_WAITING)[1:]
    with closing(sqlite3.connect(folder.path / "goldloop.db")) as connection, connection:
        connection.executemany(
            "INSERT INTO inbox (action, task_ids, annotation_ids, received_at) VALUES (?,?,?,?)",
            waiting,
        )
    for _ in range(3):
        assert client.post("/webhook", json=CREATED, headers=SIGNED).status_code == 202
    kept = "SELECT action, count(*) FROM inbox WHERE action <> 'X' GROUP BY action"
    assert folder.rows(kept) == [("ANNOTATION_CREATED", 1), (LOOK_AGAIN, 1)]


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


PASSWORD = "a-password-nobody-else-has"
LOGIN = {"GOLDLOOP_BACKEND_USER": "label-studio", "GOLDLOOP_BACKEND_PASSWORD": PASSWORD}
START = {"action": "START_TRAINING", "project": PROJECT}
TRAIN = ("START_TRAINING", (), ())


def test_training_is_asked_for_with_the_backends_password(folder: Folder) -> None:
    folder.use_secrets(**LOGIN, GOLDLOOP_WEBHOOK_SECRET=WEBHOOK_SECRET)
    reply = folder.client().post("/webhook", json=START, auth=("label-studio", PASSWORD))
    assert reply.status_code == 202
    # Label Studio looks for "job" in an object.
    assert isinstance(json.loads(reply.data), dict)
    assert hints(folder) == [TRAIN]
    assert folder.rows("SELECT project_id FROM inbox") == [(7,)]


def test_training_is_asked_for_with_the_webhooks_secret(
    folder: Folder, client: FlaskClient
) -> None:
    client.post("/webhook", json=START, headers=SIGNED)
    assert hints(folder) == [TRAIN]


def test_where_only_this_machine_reaches_the_backend_training_needs_no_password(
    folder: Folder,
) -> None:
    folder.client().post("/webhook", json=START)
    assert hints(folder) == [TRAIN]


@pytest.mark.parametrize(
    "auth", [None, ("label-studio", "wrong"), ("somebody", PASSWORD), ("label-studio", "")]
)
def test_without_the_password_training_is_worth_one_look_again(
    folder: Folder, auth: tuple[str, str] | None
) -> None:
    folder.use_secrets(**LOGIN)
    assert folder.client().post("/webhook", json=START, auth=auth).status_code == 202
    assert hints(folder) == [AGAIN]


def test_the_password_makes_no_other_action_believed(folder: Folder) -> None:
    folder.use_secrets(**LOGIN)
    client, auth = folder.client(), ("label-studio", PASSWORD)
    for body in (CREATED, {"action": "LOOK_AGAIN"}, {"action": ["START_TRAINING"]}, {}):
        assert client.post("/webhook", json=body, auth=auth).status_code == 202
    assert client.post("/webhook", data=b"[1", auth=auth).status_code == 202
    assert hints(folder) == [AGAIN]


def test_training_that_waits_already_is_asked_for_once(folder: Folder) -> None:
    client = folder.client()
    for _ in range(3):
        client.post("/webhook", json=START)
    assert hints(folder) == [TRAIN]
    with closing(open_store(folder.path / "goldloop.db")) as db:
        claim_hints(db, 10, 60)
    client.post("/webhook", json=START)
    assert hints(folder) == [TRAIN, TRAIN]


def test_a_body_too_long_for_training_is_not_read_for_it(folder: Folder) -> None:
    body = {**START, "project": {"id": 7, "label_config": "x" * 2**20}}
    assert folder.client().post("/webhook", json=body).status_code == 202
    assert hints(folder) == [AGAIN]
