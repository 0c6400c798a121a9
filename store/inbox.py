"""The inbox: hints from Label Studio's webhooks, for the worker to follow up."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlite_utils import Database

from goldloop.errors import StoreError
from store.database import atomic, utc_now

# A stranger may send hints, and must not be able to fill the disk.
MAX_WAITING = 10_000
KEPT_DONE = 1_000
PATIENCE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Hint:
    """Something happened to these tasks or annotations; what, Label Studio will say."""

    event_id: int
    action: str
    task_ids: tuple[int, ...]
    annotation_ids: tuple[int, ...]


def add_hint(
    db: Database,
    action: str,
    project_id: int | None,
    task_ids: Sequence[int],
    annotation_ids: Sequence[int],
) -> None:
    """Append a hint. Past `MAX_WAITING` it is dropped: the worker's next reconciliation finds
    everything anyway.

    Raises StoreError when it could not be written within `PATIENCE_SECONDS`, because an annotator
    waits for the answer.
    """
    values = [
        action,
        project_id,
        json.dumps(list(task_ids)),
        json.dumps(list(annotation_ids)),
        utc_now(),
        MAX_WAITING,
    ]
    with _impatiently(db):
        db.execute(
            "INSERT INTO inbox (action, project_id, task_ids, annotation_ids, received_at) "
            "SELECT ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM inbox WHERE done_at IS NULL) < ?",
            values,
        )


@contextmanager
def _impatiently(db: Database) -> Iterator[None]:
    """Wait only shortly for another writer while the block runs."""
    before = db.execute("PRAGMA busy_timeout").fetchone()[0]
    db.execute(f"PRAGMA busy_timeout = {PATIENCE_SECONDS * 1000:.0f}")
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StoreError(f"the hint could not be stored: {error}") from error
    finally:
        db.execute(f"PRAGMA busy_timeout = {int(before)}")


def waiting_hints(db: Database, limit: int = 1000) -> list[Hint]:
    """The oldest hints that nobody followed up."""
    rows = db.execute(
        "SELECT event_id, action, task_ids, annotation_ids FROM inbox WHERE done_at IS NULL "
        "ORDER BY event_id LIMIT ?",
        [limit],
    )
    return [
        Hint(row[0], row[1], tuple(json.loads(row[2])), tuple(json.loads(row[3]))) for row in rows
    ]


@atomic
def finish_hints(db: Database, hints: Sequence[Hint]) -> None:
    """Record that these were followed up, and forget all but the latest that were."""
    now = utc_now()
    db.conn.executemany(
        "UPDATE inbox SET done_at = ? WHERE event_id = ?", [(now, hint.event_id) for hint in hints]
    )
    db.execute(
        "DELETE FROM inbox WHERE done_at IS NOT NULL AND event_id <= "
        "(SELECT max(event_id) FROM inbox) - ?",
        [KEPT_DONE],
    )
