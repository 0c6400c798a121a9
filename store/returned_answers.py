"""Returned answers: what experts decided, on its way back to the tasks that were disputed.

A return is written down before Label Studio is asked and confirmed after. Which form of the
expert's answer was returned is kept, so that a later change follows.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database

from store.annotations import RawAnnotation, raw_annotations
from store.database import atomic, utc_now

WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class ExpertAnswer:
    """An answer in the experts' project and where it goes: a task of the review project.

    `stands` is false for one that was deleted or turned into a skip. `returned_id` is its copy
    there, None before the first time.
    """

    annotation: RawAnnotation
    stands: bool
    task_id: int
    returned_id: int | None

    @property
    def form(self) -> str:
        """What tells this form of the answer from an earlier one."""
        return self.annotation.updated_at if self.stands else WITHDRAWN


def answers_to_return(db: Database, review_id: int) -> list[ExpertAnswer]:
    """The experts' answers whose newest form did not go back yet, oldest first."""
    rows = db.execute(
        "SELECT a.annotation_id, a.deleted_at IS NULL AND NOT a.was_cancelled AS stands,"
        " t.task_id, r.returned_id FROM annotations a"
        " JOIN label_studio_projects p USING (project_id)"
        " JOIN tasks t ON t.sample_id = a.sample_id AND t.project_id = ?"
        " LEFT JOIN returned_answers r USING (annotation_id)"
        " WHERE p.role = 'expert' AND CASE WHEN r.form IS NULL THEN stands ELSE"
        " r.confirmed_at IS NULL OR r.form IS NOT iif(stands, a.updated_at, ?) END"
        " ORDER BY a.updated_at, a.annotation_id",
        [review_id, WITHDRAWN],
    ).fetchall()
    found = raw_annotations(db, [row[0] for row in rows])
    return [ExpertAnswer(found[row[0]], bool(row[1]), row[2], row[3]) for row in rows]


@atomic
def plan_return(db: Database, answer: ExpertAnswer, project_id: int, unique_id: str) -> None:
    """Write down that this form is going back."""
    db.execute(
        "INSERT INTO returned_answers (annotation_id, project_id, task_id, unique_id, form,"
        " planned_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (annotation_id) DO UPDATE SET"
        " form = excluded.form, planned_at = excluded.planned_at, confirmed_at = NULL",
        [
            answer.annotation.annotation_id,
            project_id,
            answer.task_id,
            unique_id,
            answer.form,
            utc_now(),
        ],
    )


@atomic
def confirm_return(db: Database, answer: ExpertAnswer, returned_id: int) -> None:
    """Label Studio has it, as this annotation."""
    db.execute(
        "UPDATE returned_answers SET returned_id = ?, confirmed_at = ? WHERE annotation_id = ?",
        [returned_id, utc_now(), answer.annotation.annotation_id],
    )
