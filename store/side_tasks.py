"""Side tasks: those of projects beside the review's, and every form of every answer to them.

A task is `planned`, `sending` from just before it is posted, `delivered` when its id is known, and
`deleted` when Label Studio no longer has it. No form of an answer is ever removed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol

from sqlite_utils import Database

from store.database import atomic, to_json, utc_now


@dataclass(frozen=True, slots=True)
class SideTables:
    """Where one kind of side task is kept; `group` is the column that names a task together with
    its sample.
    """

    tasks: str
    answers: str
    group: str


class SideTask(Protocol):
    """A task of one of these tables; `name` is what it is known by in Label Studio."""

    @property
    def key(self) -> tuple[int, str]:
        """Its group and its sample."""

    @property
    def name(self) -> str:
        """Group and sample: two groups may hold the same sample."""

    @property
    def state(self) -> str:
        """How far it came."""

    @property
    def project_id(self) -> int | None:
        """The project that it was sent to."""

    @property
    def task_id(self) -> int | None:
        """Its id in Label Studio."""

    @property
    def sent_at(self) -> str | None:
        """When it was last about to be posted."""


@dataclass(frozen=True, slots=True)
class SideAnswer:
    """One form of an annotation, its result as Label Studio gave it. Times are ISO 8601 in UTC."""

    project_id: int
    annotation_id: int
    updated_at: str
    group: int
    sample_id: str
    task_id: int
    annotator_id: int
    result: Any
    was_cancelled: bool
    lead_time: float | None
    created_at: str


_ANSWER = tuple(one.name for one in fields(SideAnswer))


def _columns(tables: SideTables) -> str:
    return ", ".join(tables.group if name == "group" else name for name in _ANSWER)


@atomic
def mark_side_sending(
    db: Database, tables: SideTables, project_id: int, tasks: Iterable[SideTask]
) -> None:
    """Record that these tasks are about to be posted to a project."""
    now = utc_now()
    db.conn.executemany(
        f"UPDATE {tables.tasks} SET state = 'sending', sent_at = ?, project_id = ?,"  # noqa: S608
        f" task_id = NULL WHERE {tables.group} = ? AND sample_id = ?",
        [(now, project_id, *task.key) for task in tasks],
    )


@atomic
def mark_side_delivered(
    db: Database, tables: SideTables, project_id: int, arrived: Iterable[tuple[SideTask, int]]
) -> None:
    """Record the ids that Label Studio gave these tasks."""
    db.conn.executemany(
        f"UPDATE {tables.tasks} SET state = 'delivered', project_id = ?, task_id = ?"  # noqa: S608
        f" WHERE {tables.group} = ? AND sample_id = ?",
        [(project_id, task_id, *task.key) for task, task_id in arrived],
    )


@atomic
def mark_side_deleted(db: Database, tables: SideTables, tasks: Iterable[SideTask]) -> None:
    """Record that Label Studio no longer has these tasks; what people answered stays."""
    db.conn.executemany(
        f"UPDATE {tables.tasks} SET state = 'deleted', task_id = NULL, sent_at = NULL"  # noqa: S608
        f" WHERE {tables.group} = ? AND sample_id = ?",
        [task.key for task in tasks],
    )


@atomic
def store_side_answers(
    db: Database,
    tables: SideTables,
    project_id: int,
    task_ids: Collection[int],
    answers: Sequence[SideAnswer],
) -> int:
    """Make the store say of these tasks what Label Studio says: an answer that is not among
    `answers` was taken back, one that is stands (again). Idempotent; how many forms changed.
    """
    now = utc_now()
    changed = db.execute(
        f"UPDATE {tables.answers} SET deleted_at = ? WHERE deleted_at IS NULL"  # noqa: S608
        " AND project_id = ? AND task_id IN (SELECT value FROM json_each(?))"
        # On SQLite, Label Studio gives the ids of deleted annotations to new ones.
        " AND task_id || '/' || annotation_id NOT IN (SELECT value FROM json_each(?))",
        [
            now,
            project_id,
            json.dumps(sorted(task_ids)),
            json.dumps([f"{answer.task_id}/{answer.annotation_id}" for answer in answers]),
        ],
    ).rowcount
    written = db.conn.executemany(
        f"INSERT INTO {tables.answers} ({_columns(tables)}, seen_at)"  # noqa: S608
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET deleted_at = NULL WHERE deleted_at IS NOT NULL",
        [(*_row(answer), now) for answer in answers],
    )
    return int(changed) + max(written.rowcount, 0)


def _row(answer: SideAnswer) -> list[Any]:
    row = [getattr(answer, name) for name in _ANSWER]
    row[_ANSWER.index("result")] = to_json(answer.result)
    return row


def standing_side_answers(
    db: Database, tables: SideTables, group: int
) -> dict[str, list[SideAnswer]]:
    """By sample, the answers that stand, skips among them: of each person the latest, in its newest
    form.
    """
    rows = db.execute(
        f"SELECT {_columns(tables)} FROM {tables.answers}"  # noqa: S608
        f" WHERE {tables.group} = ? AND deleted_at IS NULL ORDER BY updated_at, annotation_id",
        [group],
    )
    found: dict[str, dict[int, SideAnswer]] = {}
    for row in rows.fetchall():
        values = dict(zip(_ANSWER, row, strict=True))
        values |= {
            "result": json.loads(values["result"]),
            "was_cancelled": bool(values["was_cancelled"]),
        }
        answer = SideAnswer(**values)
        found.setdefault(answer.sample_id, {})[answer.annotator_id] = answer
    return {sample_id: list(given.values()) for sample_id, given in found.items()}
