"""Tasks: which sample became which task of which Label Studio project, and how far it came.

A task is `planned` when its round is about to be delivered, `sending` from just before its chunk is
posted, `delivered` when its id is known, and `deleted` when Label Studio no longer has it. A chunk
that is `sending` at the start of a push was cut off: it may or may not have arrived.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Literal

from sqlite_utils import Database

from store.database import atomic, utc_now

Role = Literal["review", "expert"]


@dataclass(frozen=True, slots=True)
class ReviewProject:
    """A Label Studio project that people label in, with the interface they were shown.

    In the `review` project everybody labels; in the `expert` project what they dispute is decided.
    """

    project_id: int
    url: str
    title: str
    label_config: str
    role: Role = "review"


def review_project(db: Database) -> ReviewProject | None:
    """The project that push made, or None before the first push."""
    return _project(db, "review", "created_at, project_id")


def expert_project(db: Database) -> ReviewProject | None:
    """The experts' newest project, or None before the first case for them."""
    return _project(db, "expert", "created_at DESC, project_id DESC")


def _project(db: Database, role: Role, order: str) -> ReviewProject | None:
    row = db.execute(
        "SELECT project_id, url, title, label_config, role FROM label_studio_projects "  # noqa: S608
        f"WHERE role = ? ORDER BY {order} LIMIT 1",
        [role],
    ).fetchone()
    return ReviewProject(*row) if row else None


@atomic
def save_review_project(db: Database, project: ReviewProject) -> None:
    """Remember the project, or its new interface."""
    db.execute(
        "INSERT INTO label_studio_projects (project_id, url, title, label_config, role, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (project_id) DO UPDATE SET"
        " label_config = excluded.label_config, title = excluded.title, url = excluded.url",
        [*astuple(project), utc_now()],
    )


@atomic
def plan_tasks(
    db: Database, project_id: int, round_id: int, sample_ids: Sequence[str], chunk_size: int
) -> None:
    """Write down what will be sent, in chunks; what is planned already stays as it is."""
    db.conn.executemany(
        "INSERT OR IGNORE INTO tasks (round_id, sample_id, project_id, chunk, state) "
        "VALUES (?, ?, ?, ?, 'planned')",
        [
            (round_id, sample_id, project_id, index // chunk_size)
            for index, sample_id in enumerate(sample_ids)
        ],
    )


@atomic
def plan_cases(db: Database, expert_id: int, sample_ids: Sequence[str]) -> None:
    """Write down which disputed samples the experts' project gets.

    Each belongs to the round of its first task. What was taken back from the experts is planned
    again; what is planned already stays as it is.
    """
    db.execute(
        "INSERT INTO tasks (round_id, sample_id, project_id, chunk, state) SELECT t.round_id, "
        "t.sample_id, :expert, 0, 'planned' FROM tasks t JOIN label_studio_projects p "
        "USING (project_id) WHERE p.role = 'review' AND t.sample_id IN "
        "(SELECT value FROM json_each(:samples)) ON CONFLICT (project_id, sample_id) DO UPDATE SET "
        "state = 'planned', task_id = NULL, sent_at = NULL WHERE state = 'deleted'",
        {"expert": expert_id, "samples": json.dumps(list(sample_ids))},
    )


@dataclass(frozen=True, slots=True)
class Chunk:
    """Tasks that are sent in one call; `sent_at` is set when an earlier try was cut off."""

    round_id: int
    number: int
    sample_ids: tuple[str, ...]
    sent_at: str | None


def open_chunks(db: Database, round_id: int) -> list[Chunk]:
    """The chunks of a round that have tasks not known to have arrived, in order."""
    rows = db.execute(
        "SELECT chunk, sample_id, sent_at FROM tasks WHERE round_id = ? AND state IN "
        "('planned', 'sending') AND project_id IN (SELECT project_id FROM label_studio_projects "
        "WHERE role = 'review') ORDER BY chunk, rowid",
        [round_id],
    ).fetchall()
    found: dict[int, list[tuple[str, str | None]]] = {}
    for number, sample_id, sent_at in rows:
        found.setdefault(number, []).append((sample_id, sent_at))
    return [
        Chunk(
            round_id,
            number,
            tuple(sample_id for sample_id, _ in members),
            max((sent for _, sent in members if sent), default=None),
        )
        for number, members in found.items()
    ]


def tasks_under_way(db: Database, project_id: int) -> dict[str, str | None]:
    """The samples whose tasks are not known to have arrived: by id, when they were sent."""
    rows = db.execute(
        "SELECT sample_id, sent_at FROM tasks WHERE project_id = ? AND state IN "
        "('planned', 'sending') ORDER BY rowid",
        [project_id],
    )
    return {row[0]: row[1] for row in rows}


@atomic
def mark_sending(db: Database, project_id: int, sample_ids: Iterable[str]) -> None:
    """Record that these tasks are about to be posted."""
    now = utc_now()
    db.conn.executemany(
        "UPDATE tasks SET state = 'sending', sent_at = ? WHERE project_id = ? "
        "AND sample_id = ? AND state IN ('planned', 'sending')",
        [(now, project_id, sample_id) for sample_id in sample_ids],
    )


@atomic
def mark_delivered(db: Database, project_id: int, task_ids: Mapping[str, int]) -> None:
    """Record the task ids that Label Studio gave, by sample id.

    Who had one of these ids before has lost its task: on SQLite, Label Studio gives the ids of
    deleted tasks to new ones.
    """
    now = utc_now()
    db.conn.executemany(
        "UPDATE tasks SET state = 'deleted', task_id = NULL WHERE project_id = ? AND task_id = ? "
        "AND sample_id != ?",
        [(project_id, task_id, sample) for sample, task_id in task_ids.items()],
    )
    db.conn.executemany(
        "UPDATE tasks SET state = 'delivered', task_id = ?, delivered_at = ? "
        "WHERE project_id = ? AND sample_id = ?",
        [(task_id, now, project_id, sample) for sample, task_id in task_ids.items()],
    )


def task_samples(db: Database, project_id: int) -> dict[int, str]:
    """The sample of every task that arrived, by task id."""
    rows = db.execute(
        "SELECT task_id, sample_id FROM tasks WHERE project_id = ? AND task_id IS NOT NULL",
        [project_id],
    )
    return {row[0]: row[1] for row in rows}


def delivered_samples(db: Database, project_id: int) -> set[str]:
    """The samples whose tasks are in the project, as far as we know."""
    rows = db.execute(
        "SELECT sample_id FROM tasks WHERE project_id = ? AND state = 'delivered'", [project_id]
    )
    return {row[0] for row in rows}


def unanswered_cases(db: Database, expert_id: int) -> dict[int, str]:
    """The experts' tasks that nobody has answered, by id: the sample's state of consensus."""
    rows = db.execute(
        "SELECT t.task_id, c.state FROM tasks t JOIN consensus c USING (sample_id) WHERE "
        "t.project_id = :expert AND t.state = 'delivered' AND NOT EXISTS (SELECT 1 FROM "
        "annotations a WHERE a.project_id = t.project_id AND a.task_id = t.task_id)",
        {"expert": expert_id},
    )
    return {row[0]: row[1] for row in rows}


@atomic
def mark_tasks_deleted(db: Database, project_id: int, task_ids: Iterable[int]) -> None:
    """Record that Label Studio no longer has these tasks; what was labelled stays stored."""
    db.conn.executemany(
        "UPDATE tasks SET state = 'deleted' WHERE project_id = ? AND task_id = ?",
        [(project_id, task_id) for task_id in task_ids],
    )


@atomic
def mark_tasks_present(db: Database, project_id: int, task_ids: Iterable[int]) -> None:
    """Record that tasks thought deleted are there after all."""
    db.conn.executemany(
        "UPDATE tasks SET state = 'delivered' WHERE project_id = ? AND task_id = ? "
        "AND state = 'deleted'",
        [(project_id, task_id) for task_id in task_ids],
    )
