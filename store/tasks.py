"""Tasks: which sample became which task of which Label Studio project, and how far it came.

A task is `planned` when its round is about to be delivered, `sending` from just before its chunk is
posted, `delivered` when its id is known, and `deleted` when Label Studio no longer has it. A chunk
that is `sending` at the start of a push was cut off: it may or may not have arrived.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from store.database import atomic, utc_now


@dataclass(frozen=True, slots=True)
class ReviewProject:
    """The Label Studio project that people label in, with the interface they were shown."""

    project_id: int
    url: str
    title: str
    label_config: str


def review_project(db: Database) -> ReviewProject | None:
    """The project that push made, or None before the first push."""
    row = db.execute(
        "SELECT project_id, url, title, label_config FROM label_studio_projects "
        "ORDER BY created_at LIMIT 1"
    ).fetchone()
    return ReviewProject(*row) if row else None


@atomic
def save_review_project(db: Database, project: ReviewProject) -> None:
    """Remember the project, or its new interface."""
    db.execute(
        "INSERT INTO label_studio_projects VALUES (?, ?, ?, ?, ?) ON CONFLICT (project_id) "
        "DO UPDATE SET label_config = excluded.label_config, title = excluded.title, "
        "url = excluded.url",
        [project.project_id, project.url, project.title, project.label_config, utc_now()],
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
        "('planned', 'sending') ORDER BY chunk, rowid",
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
    """Record the task ids that Label Studio gave, by sample id."""
    now = utc_now()
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
