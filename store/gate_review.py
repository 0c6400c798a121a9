"""Gate reviews: the flipped cases that people look at, in which tasks, and what they answered.

A task shows one attempt of a candidate's evaluation on a case, so it is named by evaluation and
sample. It is written down whole: the case may not be in the pool, nor its version's folder at hand
when it is sent again. Every form of every answer is kept.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Literal

from sqlite_utils import Database

from store.database import atomic, to_json, utc_now
from store.side_tasks import (
    SideAnswer,
    SideTables,
    mark_side_deleted,
    mark_side_delivered,
    mark_side_sending,
    standing_side_answers,
    store_side_answers,
)

Direction = Literal["regressed", "recovered"]
_TABLES = SideTables("gate_review_tasks", "gate_review_answers", "evaluation_id")


@dataclass(frozen=True, slots=True)
class GateReviewProject:
    """The Label Studio project of the gate reviews, with the interface that it shows."""

    project_id: int
    url: str
    title: str
    label_config: str


@dataclass(frozen=True, slots=True)
class FlippedCase:
    """A case to be shown to people: the gate that found it, which attempt of the candidate they
    see (from 0), and the task as Label Studio imports it.
    """

    sample_id: str
    direction: Direction
    attempt: int
    task: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GateReviewTask:
    """A flipped case that people are to look at, and how far its task came."""

    evaluation_id: int
    sample_id: str
    gate_id: int
    direction: Direction
    attempt: int
    state: str
    project_id: int | None
    task_id: int | None
    sent_at: str | None

    @property
    def key(self) -> tuple[int, str]:
        """Evaluation and sample: two candidates may have failed on the same sample."""
        return self.evaluation_id, self.sample_id

    @property
    def name(self) -> str:
        """What the task is known by in Label Studio."""
        return f"{self.evaluation_id}/{self.sample_id}"


def gate_review_project(db: Database) -> GateReviewProject | None:
    """The newest project of the gate reviews, or None before the first."""
    row = db.execute(
        "SELECT project_id, url, title, label_config FROM gate_review_projects"
        " ORDER BY created_at DESC, project_id DESC LIMIT 1"
    ).fetchone()
    return GateReviewProject(*row) if row else None


@atomic
def save_gate_review_project(db: Database, project: GateReviewProject) -> None:
    """Remember the project, or its new address and interface."""
    db.execute(
        "INSERT INTO gate_review_projects (project_id, url, title, label_config, created_at)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (project_id) DO UPDATE SET url = excluded.url,"
        " title = excluded.title, label_config = excluded.label_config",
        [*astuple(project), utc_now()],
    )


@atomic
def plan_gate_review(
    db: Database, evaluation_id: int, gate_id: int, cases: Iterable[FlippedCase]
) -> None:
    """Write down the cases that a gate sends to people, in the order of the tasks; those that an
    earlier gate of the same evaluation sent stay as they are.
    """
    now = utc_now()
    db.conn.executemany(
        "INSERT INTO gate_review_tasks (evaluation_id, sample_id, gate_id, direction, attempt,"
        " task, planned_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, 'planned') ON CONFLICT DO NOTHING",
        [
            (
                evaluation_id,
                one.sample_id,
                gate_id,
                one.direction,
                one.attempt,
                to_json(one.task),
                now,
            )
            for one in cases
        ],
    )


def gate_review_tasks(db: Database, evaluation_id: int | None = None) -> list[GateReviewTask]:
    """The tasks of a candidate's evaluation (of all: None), in the order of their planning."""
    # SQLite has no larger numbers, and refuses to compare with one.
    if evaluation_id is not None and evaluation_id >= 2**63:
        return []
    rows = db.execute(
        "SELECT evaluation_id, sample_id, gate_id, direction, attempt, state, project_id, task_id,"
        " sent_at FROM gate_review_tasks WHERE evaluation_id = :evaluation OR :evaluation IS NULL"
        " ORDER BY rowid",
        {"evaluation": evaluation_id},
    )
    return [GateReviewTask(*row) for row in rows.fetchall()]


def planned_task(db: Database, task: GateReviewTask) -> dict[str, Any]:
    """A task as it was written down, to be imported."""
    row = db.execute(
        "SELECT task FROM gate_review_tasks WHERE evaluation_id = ? AND sample_id = ?",
        list(task.key),
    ).fetchone()
    found: dict[str, Any] = json.loads(row[0])
    return found


def mark_gate_reviews_sending(
    db: Database, project_id: int, tasks: Iterable[GateReviewTask]
) -> None:
    """Record that these tasks are about to be posted to a project."""
    mark_side_sending(db, _TABLES, project_id, tasks)


def mark_gate_reviews_delivered(
    db: Database, project_id: int, arrived: Iterable[tuple[GateReviewTask, int]]
) -> None:
    """Record the ids that Label Studio gave these tasks."""
    mark_side_delivered(db, _TABLES, project_id, arrived)


def mark_gate_reviews_deleted(db: Database, tasks: Iterable[GateReviewTask]) -> None:
    """Record that Label Studio no longer has these tasks; what people answered stays."""
    mark_side_deleted(db, _TABLES, tasks)


def store_gate_review_answers(
    db: Database, project_id: int, task_ids: Collection[int], answers: Sequence[SideAnswer]
) -> int:
    """Make the store say of these tasks what Label Studio says; how many forms changed."""
    return store_side_answers(db, _TABLES, project_id, task_ids, answers)


def gate_review_answers(db: Database, evaluation_id: int) -> dict[str, list[SideAnswer]]:
    """By sample, the answers that stand, skips among them: of each person the latest, in its newest
    form.
    """
    return standing_side_answers(db, _TABLES, evaluation_id)
