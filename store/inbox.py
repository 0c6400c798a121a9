"""The inbox: hints from Label Studio's webhooks, for the worker to follow up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from store.database import utc_now

MAX_WAITING = 100_000


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
    everything anyway, and a stranger must not be able to fill the disk.
    """
    db.execute(
        "INSERT INTO inbox (action, project_id, task_ids, annotation_ids, received_at) "
        "SELECT ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM inbox WHERE done_at IS NULL) < ?",
        [
            action,
            project_id,
            json.dumps(list(task_ids)),
            json.dumps(list(annotation_ids)),
            utc_now(),
            MAX_WAITING,
        ],
    )


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


def finish_hints(db: Database, hints: Sequence[Hint]) -> None:
    """Record that these were followed up."""
    now = utc_now()
    db.conn.executemany(
        "UPDATE inbox SET done_at = ? WHERE event_id = ?", [(now, hint.event_id) for hint in hints]
    )
