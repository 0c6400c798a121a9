"""Refreshed predictions: tasks that were imported with one model version and need one of another.

Each is recorded before it is sent and confirmed after. What was sent and never confirmed is
uncertain: Label Studio is asked whether it arrived.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlite_utils import Database

from store.database import atomic, utc_now


@dataclass(frozen=True, slots=True)
class OutdatedTask:
    """A task without a prediction of the model version in use, as far as we know.

    It shows the run of `agent_version` on its sample. `sent_at` is set when an earlier try to send
    the prediction was cut off.
    """

    sample_id: str
    task_id: int
    agent_version: str
    sent_at: str | None


def outdated_tasks(db: Database, project_id: int, model_version: str) -> list[OutdatedTask]:
    """The tasks in Label Studio whose prediction is of another version, by id."""
    rows = db.execute(
        "SELECT t.sample_id, t.task_id, o.agent_version, p.sent_at FROM tasks t JOIN rounds o"
        " USING (round_id) LEFT JOIN refreshed_predictions p ON p.project_id = t.project_id AND"
        " p.model_version = :version AND p.task_id = t.task_id AND p.sample_id = t.sample_id"
        " WHERE t.project_id = :project AND t.state = 'delivered' AND p.confirmed_at IS NULL AND"
        " coalesce(o.model_version, o.agent_version) <> :version ORDER BY t.task_id",
        {"project": project_id, "version": model_version},
    )
    return [OutdatedTask(*row) for row in rows]


@atomic
def mark_predictions_sent(
    db: Database, project_id: int, model_version: str, tasks: Iterable[OutdatedTask]
) -> None:
    """Record that predictions of that version are about to be sent for these tasks."""
    now = utc_now()
    db.conn.executemany(
        "INSERT INTO refreshed_predictions VALUES (?, ?, ?, ?, ?, NULL)"
        " ON CONFLICT DO UPDATE SET sent_at = excluded.sent_at",
        [(project_id, model_version, task.sample_id, task.task_id, now) for task in tasks],
    )


@atomic
def confirm_predictions(
    db: Database, project_id: int, model_version: str, tasks: Iterable[OutdatedTask]
) -> None:
    """Record that these tasks have their predictions of that version."""
    now = utc_now()
    db.conn.executemany(
        "UPDATE refreshed_predictions SET confirmed_at = ? WHERE project_id = ? AND"
        " model_version = ? AND task_id = ? AND sample_id = ?",
        [(now, project_id, model_version, task.task_id, task.sample_id) for task in tasks],
    )


def has_model_version(db: Database, project_id: int, model_version: str) -> bool:
    """Whether a task was given a prediction of that version, on import or later."""
    row = db.execute(
        "SELECT EXISTS (SELECT 1 FROM tasks t JOIN rounds o USING (round_id) WHERE t.project_id ="
        " :project AND t.state = 'delivered' AND coalesce(o.model_version, o.agent_version) ="
        " :version) OR EXISTS (SELECT 1 FROM refreshed_predictions WHERE project_id = :project AND"
        " model_version = :version AND confirmed_at IS NOT NULL)",
        {"project": project_id, "version": model_version},
    ).fetchone()
    return bool(row[0])
