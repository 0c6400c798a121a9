"""The page for Prometheus: what happened, what waits, and nothing that a stranger could name."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from project_folder import SIGNED, WEBHOOK_SECRET, Folder, record, tasks_of
from prometheus_client.parser import text_string_to_metric_families

from backend.metrics import ACTIONS, ENDPOINTS, KINDS, REFUSALS
from store.annotations import set_cursor
from store.database import open_store
from store.inbox import finish_hints, set_aside, waiting_hints

EVENT = {"action": "ANNOTATION_CREATED", "annotation": {"id": 5, "task": 3}}
Figures = dict[tuple[str, ...], float]


@pytest.fixture
def client(folder: Folder) -> FlaskClient:
    folder.use_secrets(GOLDLOOP_WEBHOOK_SECRET=WEBHOOK_SECRET)
    return folder.client()


def figures(client: FlaskClient, **sent: Any) -> Figures:
    """Every figure, by its name and the values of its labels."""
    reply = client.get("/metrics", **sent)
    assert reply.status_code == 200
    assert reply.content_type.startswith("text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }


def reconciled(folder: Folder, value: str) -> None:
    with closing(open_store(folder.path / "goldloop.db")) as db:
        set_cursor(db, "reconciled", value)


def test_everything_starts_at_zero(client: FlaskClient) -> None:
    found = figures(client)
    assert all(found["goldloop_events_received_total", action] == 0 for action in ACTIONS)
    assert all(found["goldloop_events_refused_total", reason] == 0 for reason in REFUSALS)
    assert all(found["goldloop_errors_total", kind] == 0 for kind in KINDS.values())
    assert found["goldloop_predictions_served_total",] == 0
    assert found["goldloop_store_up",] == 1
    assert found["process_resident_memory_bytes",] > 0


def test_events_are_counted_by_action_and_refusals_by_reason(
    folder: Folder, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.app.WEBHOOK_BYTES", 1000)
    client.post("/webhook", json=EVENT, headers=SIGNED)
    client.post("/webhook", json=EVENT, headers=SIGNED)
    client.post("/webhook", json={"action": "PROJECT_UPDATED"}, headers=SIGNED)
    client.post("/webhook", json=EVENT)
    client.post("/webhook", json=EVENT, headers={"X-Goldloop-Secret": "wrong"})
    client.post("/webhook", json={}, headers=SIGNED)
    client.post("/webhook", data="text", headers=SIGNED)
    client.post("/webhook", json={**EVENT, "pad": "x" * 1000}, headers=SIGNED)
    with closing(sqlite3.connect(folder.path / "goldloop.db")) as writer:
        writer.execute("BEGIN IMMEDIATE")
        client.post("/webhook", json=EVENT, headers=SIGNED)
    found = figures(client)
    received = {key[1]: n for key, n in found.items() if key[0] == "goldloop_events_received_total"}
    refused = {key[1]: n for key, n in found.items() if key[0] == "goldloop_events_refused_total"}
    assert {k: n for k, n in received.items() if n} == {
        "ANNOTATION_CREATED": 2,
        "other": 1,
        "unsigned": 1,
    }
    assert refused == {"wrong_secret": 1, "malformed": 2, "too_large": 1, "not_stored": 1}
    assert found["goldloop_errors_total", "store"] == 1


def test_what_waits_in_the_inbox_is_seen_with_the_age_of_the_oldest(
    folder: Folder, client: FlaskClient
) -> None:
    assert figures(client)["goldloop_inbox_oldest_pending_seconds",] == 0
    for _ in range(3):
        client.post("/webhook", json=EVENT, headers=SIGNED)
    folder.change("UPDATE inbox SET received_at = '2020-01-01T00:00:00Z' WHERE event_id = 2")
    found = figures(client)
    assert found["goldloop_inbox_pending",] == 3
    since = datetime.now(UTC) - datetime(2020, 1, 1, tzinfo=UTC)
    assert found["goldloop_inbox_oldest_pending_seconds",] == pytest.approx(
        since.total_seconds(), abs=60
    )
    with closing(open_store(folder.path / "goldloop.db")) as db:
        finish_hints(db, waiting_hints(db))
    assert figures(client)["goldloop_inbox_pending",] == 0


def test_how_long_the_worker_took_is_told_in_quantiles(folder: Folder, client: FlaskClient) -> None:
    name = "goldloop_event_processing_seconds"
    assert (name, "0.5") not in figures(client)
    for _ in range(10):
        client.post("/webhook", json=EVENT, headers=SIGNED)
    with closing(open_store(folder.path / "goldloop.db")) as db:
        finish_hints(db, waiting_hints(db))
    folder.change(
        "UPDATE inbox SET received_at = '2020-01-01T00:00:00Z', "
        "done_at = '2020-01-01T00:00:0' || (event_id % 10) || '.000Z'"
    )
    found = figures(client)
    seconds = [found[name, quantile] for quantile in ("0.5", "0.9", "0.99", "1")]
    assert seconds == pytest.approx([5, 9, 9, 9], abs=1e-3)


def test_what_the_worker_could_not_follow_up_is_counted(
    folder: Folder, client: FlaskClient
) -> None:
    assert figures(client)["goldloop_inbox_set_aside",] == 0
    client.post("/webhook", json=EVENT, headers=SIGNED)
    with closing(open_store(folder.path / "goldloop.db")) as db:
        set_aside(db, waiting_hints(db)[0], "why")
    assert figures(client)["goldloop_inbox_set_aside",] == 1


def test_the_reconcile_lag_is_there_once_the_worker_has_reconciled(
    folder: Folder, client: FlaskClient
) -> None:
    lag = ("goldloop_reconcile_lag_seconds",)
    assert lag not in figures(client)
    reconciled(folder, (datetime.now(UTC) - timedelta(seconds=90)).isoformat())
    assert figures(client)[lag] == pytest.approx(90, abs=30)
    # A clock that was set back is no negative lag.
    reconciled(folder, (datetime.now(UTC) + timedelta(days=1)).isoformat())
    assert figures(client)[lag] == 0


@pytest.mark.parametrize("broken", ["gone", "damaged", "no time"])
def test_a_store_that_cannot_be_read_takes_only_its_own_figures_away(
    folder: Folder, client: FlaskClient, broken: str
) -> None:
    client.get("/health")
    if broken == "gone":
        (folder.path / "goldloop.db").unlink()
    elif broken == "damaged":
        folder.change("ALTER TABLE cursors RENAME TO lost")
    else:
        reconciled(folder, "the day before yesterday")
    found = figures(client)
    assert found["goldloop_store_up",] == 0
    assert ("goldloop_inbox_pending",) not in found
    assert found["goldloop_request_seconds_count", "health"] == 1


def test_predictions_are_counted_and_every_request_is_timed_under_its_endpoint(
    folder: Folder, client: FlaskClient
) -> None:
    folder.add(record("a", 0.5))
    client.post("/predict", json={"tasks": tasks_of("a", "unknown")})
    for path in ("/nowhere", "/else/where", "/%0agoldloop_forged 1"):
        client.get(path)
    client.delete("/webhook")
    found = figures(client)
    assert found["goldloop_predictions_served_total",] == 2
    counts = {k[1]: n for k, n in found.items() if k[0] == "goldloop_request_seconds_count"}
    assert counts == {**dict.fromkeys(ENDPOINTS, 0), "predict": 1, "other": 4}


def test_errors_are_counted_by_kind(folder: Folder, log: Callable[[], list[str]]) -> None:
    folder.use_agent("def answer(asked): raise ValueError('no')")
    folder.add(record("a"))
    client = folder.client()
    client.post("/predict", json={"tasks": tasks_of("a")})
    folder.change("ALTER TABLE runs RENAME TO walks")
    client.get("/versions")
    found = figures(client)
    assert found["goldloop_errors_total", "agent"] == 1
    assert found["goldloop_errors_total", "internal"] == 1
    assert len(log()) == 2


def test_nothing_that_is_sent_becomes_a_label(client: FlaskClient) -> None:
    before = set(figures(client))
    for number in range(20):
        client.get(f"/path-{number}")
        client.open("/webhook", method=f"METHOD{number}")
        body = {"action": f"ACTION_{'X' * number}"}
        client.post("/webhook", json=body, headers=SIGNED)
        client.post("/webhook", json=body, headers={"X-Goldloop-Secret": f"wrong-{number}"})
    assert set(figures(client)) == before


def test_two_apps_in_one_process_count_apart(folder: Folder) -> None:
    one, other = folder.client(), folder.client()
    one.post("/predict", json={"tasks": [{}]})
    assert figures(one)["goldloop_predictions_served_total",] == 1
    assert figures(other)["goldloop_predictions_served_total",] == 0


def test_the_figures_ask_for_the_credentials_where_they_are_set(folder: Folder) -> None:
    password = "a-password-nobody-else-has"
    folder.use_secrets(GOLDLOOP_BACKEND_USER="user", GOLDLOOP_BACKEND_PASSWORD=password)
    client = folder.client()
    assert client.get("/metrics").status_code == 401
    assert figures(client, auth=("user", password))["goldloop_store_up",] == 1
