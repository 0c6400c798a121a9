"""The inbox: hints from Label Studio's webhooks, for the worker to follow up.

A hint that was added outlives the process that added it, killed or not: in WAL mode a commit is in
the operating system's hands when it returns. It is not waited for until it is on the disk
(synchronous = NORMAL), so a power failure can take the hints of the last moments, and never more:
the file stays whole, and what the hints were about is found when the worker reconciles.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlite_utils import Database

from store.database import atomic, impatiently, transaction, utc_now

# Whoever can send hints must not be able to fill the disk.
MAX_WAITING = 10_000
KEPT_DONE = 1_000
WHAT = "the hint"
# Who claims a hint counts the attempt, and takes it back where it was no fault of the hint; so many
# are left only by workers that died of it.
SUSPECT, MOST_CLAIMS = 3, 20
DEADLY = "every worker that tried it ended before it was done; see their logs"
_FREE = "SELECT event_id FROM waiting_hints WHERE (claimed_until IS NULL OR claimed_until < ?)"
# The action of a hint without ids: something happened, and only Label Studio knows what.
LOOK_AGAIN = "LOOK_AGAIN"


@dataclass(frozen=True, slots=True)
class Hint:
    """Something happened to these tasks or annotations; what, Label Studio will say.

    `attempts` counts how often it was claimed.
    """

    event_id: int
    action: str
    task_ids: tuple[int, ...]
    annotation_ids: tuple[int, ...]
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many hints wait, and when the oldest of them came (ISO 8601; None when none waits)."""

    pending: int
    oldest: str | None


def add_hint(
    db: Database,
    action: str,
    project_id: int | None,
    task_ids: Sequence[int],
    annotation_ids: Sequence[int],
) -> int | None:
    """Append a hint and give its event id. Past `MAX_WAITING` it becomes a hint to look again, as
    by `add_look_again`.

    Raises StoreError when it could not be written within `PATIENCE_SECONDS`, because an annotator
    waits for the answer; then it is not in the inbox, and must not be acknowledged.
    """
    values = [
        action,
        project_id,
        json.dumps(list(task_ids)),
        json.dumps(list(annotation_ids)),
        utc_now(),
        MAX_WAITING,
    ]
    with impatiently(db, WHAT):
        added = db.execute(
            "INSERT INTO inbox (action, project_id, task_ids, annotation_ids, received_at) "
            "SELECT ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM waiting_hints) < ?",
            values,
        )
    return added.lastrowid if added.rowcount else add_look_again(db)


def add_look_again(db: Database) -> int | None:
    """Append a hint without ids and give its event id; None where one waits already that no worker
    has begun with, which is worth as much.

    Raises StoreError as `add_hint` does.
    """
    waits = "SELECT 1 FROM waiting_hints WHERE action = ? AND claimed_until IS NULL LIMIT 1"
    with impatiently(db, WHAT):
        # Asked before as well, because reading needs no lock and waits for nobody.
        if db.execute(waits, [LOOK_AGAIN]).fetchone():
            return None
        added = db.execute(
            "INSERT INTO inbox (action, task_ids, annotation_ids, received_at) "
            "SELECT ?1, '[]', '[]', ?2 WHERE NOT EXISTS "
            "(SELECT 1 FROM waiting_hints WHERE action = ?1 AND claimed_until IS NULL)",
            [LOOK_AGAIN, utc_now()],
        )
    return added.lastrowid if added.rowcount else None


def backlog(db: Database) -> Backlog:
    """What waits in the inbox."""
    row = db.execute("SELECT count(*), min(received_at) FROM waiting_hints").fetchone()
    return Backlog(row[0], row[1])


def seconds_to_done(db: Database) -> list[float]:
    """How long the latest hints took from their coming until they were followed up, in order."""
    rows = db.execute(
        "SELECT (julianday(done_at) - julianday(received_at)) * 86400 FROM inbox "
        "WHERE done_at IS NOT NULL ORDER BY 1"
    )
    return [max(0.0, row[0]) for row in rows]


def waiting_hints(db: Database, limit: int = 1000) -> list[Hint]:
    """The oldest hints that are not followed up yet, claimed ones too."""
    rows = db.execute(
        "SELECT event_id, action, task_ids, annotation_ids, attempts FROM waiting_hints "
        "ORDER BY event_id LIMIT ?",
        [limit],
    )
    return [_hint(row) for row in rows]


def claim_hints(db: Database, limit: int, seconds: float) -> list[Hint]:
    """The oldest hints that no other worker has claimed, claimed for so many seconds.

    Who claims them follows them up, and then calls `finish_hints`, `release_hints` or `set_aside`;
    when it dies instead, they are free again after that time. Whichever it died of: what was
    claimed `SUSPECT` times is given out alone, and set aside when that was `MOST_CLAIMS` times.
    """
    now = datetime.now(UTC)
    # Asked before, because this is looked for many times a second and reading waits for nobody.
    if not db.execute(f"{_FREE} LIMIT 1", [_iso(now)]).fetchone():
        return []
    with transaction(db):
        _set_aside_deadly(db, now)
        chosen = db.execute(
            f"{_FREE} AND attempts < ? ORDER BY event_id LIMIT ?", [_iso(now), SUSPECT, limit]
        ).fetchall()
        chosen = chosen or db.execute(f"{_FREE} ORDER BY event_id LIMIT 1", [_iso(now)]).fetchall()
        rows = db.execute(
            "UPDATE inbox SET claimed_until = ?, attempts = attempts + 1 WHERE event_id IN "
            "(SELECT value FROM json_each(?)) "
            "RETURNING event_id, action, task_ids, annotation_ids, attempts",
            [_iso(now + timedelta(seconds=seconds)), json.dumps([row[0] for row in chosen])],
        ).fetchall()
    return sorted(map(_hint, rows), key=lambda hint: hint.event_id)


def _set_aside_deadly(db: Database, now: datetime) -> None:
    db.execute(
        "UPDATE inbox SET claimed_until = NULL, set_aside_at = ?, reason = ? "  # noqa: S608
        f"WHERE event_id IN ({_FREE} AND attempts >= ?)",
        [utc_now(), DEADLY, _iso(now), MOST_CLAIMS],
    )


def _hint(row: Sequence[Any]) -> Hint:
    return Hint(row[0], row[1], tuple(json.loads(row[2])), tuple(json.loads(row[3])), row[4])


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


@atomic
def release_hints(
    db: Database, hints: Sequence[Hint], seconds: float, *, counts: bool = True
) -> None:
    """They could not be followed up now: whoever claims them next may, after so many seconds. The
    attempt is not counted where it was no fault of theirs.
    """
    until = _iso(datetime.now(UTC) + timedelta(seconds=seconds))
    db.conn.executemany(
        "UPDATE inbox SET claimed_until = ?, attempts = attempts - ? WHERE event_id = ?"
        " AND done_at IS NULL AND set_aside_at IS NULL",
        [(until, 0 if counts else 1, hint.event_id) for hint in hints],
    )


@atomic
def set_aside(db: Database, hint: Hint, reason: str) -> None:
    """Follow it up no more, and keep it with the reason."""
    db.execute(
        "UPDATE inbox SET claimed_until = NULL, set_aside_at = ?, reason = ? WHERE event_id = ?",
        [utc_now(), reason, hint.event_id],
    )


@dataclass(frozen=True, slots=True)
class SetAside:
    """A hint that could not be followed up, and why. Times are ISO 8601."""

    event_id: int
    action: str
    received_at: str
    set_aside_at: str
    attempts: int
    reason: str


def hints_set_aside(db: Database) -> list[SetAside]:
    """The hints that were set aside, oldest first."""
    rows = db.execute(
        "SELECT event_id, action, received_at, set_aside_at, attempts, reason FROM inbox "
        "WHERE set_aside_at IS NOT NULL ORDER BY event_id"
    )
    return [SetAside(*row) for row in rows]


@atomic
def retry_set_aside(db: Database, event_ids: Sequence[int]) -> list[int]:
    """Let workers try these hints again, or all without any; which of them were set aside."""
    rows = db.execute(
        "UPDATE inbox SET set_aside_at = NULL, reason = NULL, attempts = 0 WHERE set_aside_at IS "
        "NOT NULL AND (?1 = '[]' OR event_id IN (SELECT value FROM json_each(?1))) "
        "RETURNING event_id",
        [json.dumps(list(event_ids))],
    ).fetchall()
    return sorted(row[0] for row in rows)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
