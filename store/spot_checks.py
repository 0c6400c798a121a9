"""Spot checks: which synthetic samples people look at, in which tasks, and what they answered.

What is drawn is written down once and never drawn again. A task is `planned`, `sending` from just
before it is posted, `delivered` when its id is known, and `deleted` when Label Studio no longer has
it. Every form of every answer is kept.
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

Purpose = Literal["drawn", "needs_human"]


@dataclass(frozen=True, slots=True)
class SpotCheckProject:
    """The Label Studio project of the spot checks, with the interface that it shows."""

    project_id: int
    url: str
    title: str
    label_config: str


@dataclass(frozen=True, slots=True)
class SpotCheck:
    """A batch's check: `population` is how many samples the drawn ones stand for, by difficulty;
    `decision` is None as long as it is open.
    """

    batch: int
    population: Mapping[str, int]
    max_rejected: float
    decision: Literal["accepted", "stopped"] | None
    decided_at: str | None
    result: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class SpotCheckTask:
    """A sample that people are to look at, and how far its task came."""

    batch: int
    sample_id: str
    purpose: Purpose
    difficulty: str
    state: str
    project_id: int | None
    task_id: int | None
    sent_at: str | None

    @property
    def key(self) -> tuple[int, str]:
        """Batch and sample: two batches may hold the same sample."""
        return self.batch, self.sample_id

    @property
    def name(self) -> str:
        """What the task is known by in Label Studio."""
        return f"{self.batch}/{self.sample_id}"


_TABLES = SideTables("spot_check_tasks", "spot_check_answers", "batch")


def spot_check_project(db: Database) -> SpotCheckProject | None:
    """The newest project of the spot checks, or None before the first."""
    row = db.execute(
        "SELECT project_id, url, title, label_config FROM spot_check_projects"
        " ORDER BY created_at DESC, project_id DESC LIMIT 1"
    ).fetchone()
    return SpotCheckProject(*row) if row else None


@atomic
def save_spot_check_project(db: Database, project: SpotCheckProject) -> None:
    """Remember the project, or its new address and interface."""
    db.execute(
        "INSERT INTO spot_check_projects (project_id, url, title, label_config, created_at)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (project_id) DO UPDATE SET url = excluded.url,"
        " title = excluded.title, label_config = excluded.label_config",
        [*astuple(project), utc_now()],
    )


def get_spot_check(db: Database, batch: int) -> SpotCheck | None:
    """A batch's check, or None as long as nothing was drawn."""
    row = db.execute(
        "SELECT batch, population, max_rejected, decision, decided_at, result FROM spot_checks"
        " WHERE batch = ?",
        [batch],
    ).fetchone()
    if row is None:
        return None
    found = None if row[5] is None else json.loads(row[5])
    return SpotCheck(row[0], json.loads(row[1]), row[2], row[3], row[4], found)


@atomic
def plan_spot_check(
    db: Database,
    batch: int,
    population: Mapping[str, int],
    max_rejected: float,
    chosen: Iterable[tuple[str, Purpose, str]],
) -> None:
    """Write down what people look at: sample, purpose and difficulty, in the order of the tasks.

    A batch has one check: what was drawn for it before stays.
    """
    added = db.execute(
        "INSERT INTO spot_checks (batch, planned_at, population, max_rejected) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        [batch, utc_now(), to_json(population), max_rejected],
    )
    if added.rowcount:
        db.conn.executemany(
            "INSERT INTO spot_check_tasks (batch, sample_id, purpose, difficulty, state)"
            " VALUES (?, ?, ?, ?, 'planned') ON CONFLICT DO NOTHING",
            [(batch, *one) for one in chosen],
        )


@atomic
def save_decision(db: Database, batch: int, decision: str, result: Mapping[str, Any]) -> None:
    """Write down what was decided, and what from; the first decision stands."""
    db.execute(
        "UPDATE spot_checks SET decision = ?, decided_at = ?, result = ?"
        " WHERE batch = ? AND decision IS NULL",
        [decision, utc_now(), to_json(result), batch],
    )


_TASK = (
    "SELECT batch, sample_id, purpose, difficulty, state, project_id, task_id, sent_at"
    " FROM spot_check_tasks"
)


def spot_check_tasks(db: Database, batch: int | None = None) -> list[SpotCheckTask]:
    """The tasks of a batch's check (of all: None), in the order in which they were planned."""
    where = "WHERE batch = :batch OR :batch IS NULL ORDER BY rowid"
    rows = db.execute(f"{_TASK} {where}", {"batch": batch})
    return [SpotCheckTask(*row) for row in rows.fetchall()]


def mark_spot_checks_sending(db: Database, project_id: int, tasks: Iterable[SpotCheckTask]) -> None:
    """Record that these tasks are about to be posted to a project."""
    mark_side_sending(db, _TABLES, project_id, tasks)


def mark_spot_checks_delivered(
    db: Database, project_id: int, arrived: Iterable[tuple[SpotCheckTask, int]]
) -> None:
    """Record the ids that Label Studio gave these tasks."""
    mark_side_delivered(db, _TABLES, project_id, arrived)


def mark_spot_checks_deleted(db: Database, tasks: Iterable[SpotCheckTask]) -> None:
    """Record that Label Studio no longer has these tasks; what people answered stays."""
    mark_side_deleted(db, _TABLES, tasks)


def store_spot_check_answers(
    db: Database, project_id: int, task_ids: Collection[int], answers: Sequence[SideAnswer]
) -> int:
    """Make the store say of these tasks what Label Studio says; how many forms changed."""
    return store_side_answers(db, _TABLES, project_id, task_ids, answers)


def standing_answers(db: Database, batch: int) -> dict[str, list[SideAnswer]]:
    """By sample, the answers that stand, skips among them: of each person the latest, in its newest
    form.
    """
    return standing_side_answers(db, _TABLES, batch)


def solving_replies(db: Database, batch: int) -> dict[tuple[int, int], list[str]]:
    """What the model wrote when it solved the samples of a batch itself, by slot and attempt."""
    rows = db.execute(
        "SELECT slot, attempt, json_extract(reply, '$.text') FROM synthesis_calls"
        " WHERE batch = ? AND purpose = 'solve' AND status != 'lost' ORDER BY slot, attempt, step",
        [batch],
    )
    found: dict[tuple[int, int], list[str]] = {}
    for slot, attempt, text in rows.fetchall():
        found.setdefault((slot, attempt), []).append(text or "")
    return found


@atomic
def correct_difficulty(db: Database, batch: int, sample_id: str, difficulty: str) -> None:
    """Write the difficulty that people found into a candidate's record; the cell that it was
    written for stays as it was.
    """
    db.execute(
        "UPDATE synthesis_candidates SET record = json_set(record, '$.difficulty', ?)"
        " WHERE batch = ? AND sample_id = ?",
        [difficulty, batch, sample_id],
    )
