"""Annotations as they came from Label Studio, and every form that they had before."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from goldloop.times import instant
from store.database import atomic, to_json, utc_now


@dataclass(frozen=True, slots=True)
class RawAnnotation:
    """One annotation, with its result just as Label Studio gave it. Times are ISO 8601 in UTC."""

    annotation_id: int
    project_id: int
    task_id: int
    sample_id: str
    annotator_id: int
    updated_by: int | None
    result: Any
    was_cancelled: bool
    ground_truth: bool
    lead_time: float | None
    created_at: str
    updated_at: str


_NAMES = tuple(field.name for field in fields(RawAnnotation))
_COLUMNS = ", ".join(_NAMES)
# What makes two forms of an annotation different; the rest is identity.
_FORM = (
    "annotator_id",
    "updated_by",
    "result",
    "was_cancelled",
    "ground_truth",
    "lead_time",
    "updated_at",
)


@atomic
def store_task_annotations(
    db: Database, present: Mapping[tuple[int, int], Sequence[RawAnnotation]]
) -> set[str]:
    """Make the store say of these tasks what Label Studio says.

    `present` maps (project_id, task_id) to all annotations that the task has now: what the store
    has beyond them was deleted there. Idempotent. An older form never replaces a newer one, and
    every form that is replaced or deleted goes to the history. Returns the samples that changed,
    which are stale until their consensus is saved anew.
    Raises RecordError for an `updated_at` that is no time.
    """
    changed: set[str] = set()
    for (project_id, task_id), standing in present.items():
        held = _held(db, project_id, task_id)
        for annotation in standing:
            if _store(db, annotation, held.pop(annotation.annotation_id, None)):
                changed.add(annotation.sample_id)
        for row in held.values():
            if row["deleted_at"] is None:
                _archive(db, row["annotation_id"])
                _delete(db, row["annotation_id"])
                changed.add(row["sample_id"])
    db.conn.executemany(
        "INSERT OR IGNORE INTO stale_samples VALUES (?)", [(sample_id,) for sample_id in changed]
    )
    return changed


def _held(db: Database, project_id: int, task_id: int) -> dict[int, dict[str, Any]]:
    # Label Studio on SQLite gives the id of a deleted task to a new one; what people answered to
    # the old one stands.
    cursor = db.execute(
        f"SELECT {_COLUMNS}, deleted_at FROM annotations a WHERE project_id = :project"  # noqa: S608
        " AND task_id = :task AND sample_id = coalesce((SELECT t.sample_id FROM tasks t WHERE"
        " t.project_id = :project AND t.task_id = :task), a.sample_id)",
        {"project": project_id, "task": task_id},
    )
    names = [column[0] for column in cursor.description]
    rows = (dict(zip(names, row, strict=True)) for row in cursor)
    return {row["annotation_id"]: row for row in rows}


def _store(db: Database, annotation: RawAnnotation, held: dict[str, Any] | None) -> bool:
    row = _row(annotation)
    if held is not None:
        same = all(held[key] == row[key] for key in _FORM)
        if same and held["deleted_at"] is None:
            return False
        if _moment(held) > _moment(row):
            return False
    _archive(db, annotation.annotation_id)
    db.conn.execute(
        f"INSERT OR REPLACE INTO annotations ({_COLUMNS}) VALUES "  # noqa: S608
        f"({', '.join(f':{name}' for name in _NAMES)})",
        row,
    )
    return True


def _moment(row: Mapping[str, Any]) -> datetime:
    return instant(row["updated_at"], f"updated_at of annotation {row['annotation_id']}")


def _row(annotation: RawAnnotation) -> dict[str, Any]:
    return {
        "annotation_id": annotation.annotation_id,
        "project_id": annotation.project_id,
        "task_id": annotation.task_id,
        "sample_id": annotation.sample_id,
        "annotator_id": annotation.annotator_id,
        "updated_by": annotation.updated_by,
        "result": to_json(annotation.result),
        "was_cancelled": int(annotation.was_cancelled),
        "ground_truth": int(annotation.ground_truth),
        "lead_time": annotation.lead_time,
        "created_at": annotation.created_at,
        "updated_at": annotation.updated_at,
    }


def _archive(db: Database, annotation_id: int) -> None:
    """Keep the form that the annotation has, if it has one."""
    db.conn.execute(
        "INSERT INTO annotation_history (annotation_id, annotator_id, updated_by, result,"
        " was_cancelled, ground_truth, lead_time, updated_at, deleted_at, replaced_at) SELECT"
        " annotation_id, annotator_id, updated_by, result, was_cancelled, ground_truth, lead_time,"
        " updated_at, deleted_at, ? FROM annotations WHERE annotation_id = ?",
        [utc_now(), annotation_id],
    )


def _delete(db: Database, annotation_id: int) -> None:
    db.conn.execute(
        "UPDATE annotations SET deleted_at = ? WHERE annotation_id = ?", [utc_now(), annotation_id]
    )


def annotations_of(db: Database, sample_ids: Sequence[str]) -> dict[str, list[RawAnnotation]]:
    """The annotations that stand (not deleted) in the review project and count, by sample.

    An expert's answer is among them once it went back to its task there; answers to gold checks
    are not.
    """
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM votes WHERE deleted_at IS NULL AND sample_id IN "  # noqa: S608
        "(SELECT value FROM json_each(?)) ORDER BY annotation_id",
        [json.dumps(sample_ids)],
    )
    found: dict[str, list[RawAnnotation]] = {}
    for row in rows:
        found.setdefault(row[3], []).append(_raw(row))
    return found


def _raw(row: Sequence[Any]) -> RawAnnotation:
    values = dict(zip(_NAMES, row, strict=True))
    values["result"] = json.loads(values["result"])
    values["was_cancelled"] = bool(values["was_cancelled"])
    values["ground_truth"] = bool(values["ground_truth"])
    return RawAnnotation(**values)


def check_answers(db: Database) -> dict[str, list[RawAnnotation]]:
    """The answers to gold checks that stand, by sample."""
    sql = f"SELECT {_COLUMNS} FROM check_answers WHERE deleted_at IS NULL ORDER BY annotation_id"  # noqa: S608
    found: dict[str, list[RawAnnotation]] = {}
    for row in db.execute(sql):
        found.setdefault(row[3], []).append(_raw(row))
    return found


def raw_annotations(db: Database, annotation_ids: Sequence[int]) -> dict[int, RawAnnotation]:
    """Annotations by id, of any project and deleted ones too."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM annotations WHERE annotation_id IN "  # noqa: S608
        "(SELECT value FROM json_each(?))",
        [json.dumps(annotation_ids)],
    )
    return {row[0]: _raw(row) for row in rows}


def count_annotations(db: Database) -> int:
    """How many annotations stand (not deleted, not skipped)."""
    sql = "SELECT count(*) FROM review_annotations WHERE deleted_at IS NULL AND NOT was_cancelled"
    return int(db.execute(sql).fetchone()[0])


def stale_samples(db: Database) -> list[str]:
    """The samples whose annotations changed since their consensus was saved."""
    rows = db.execute("SELECT sample_id FROM stale_samples ORDER BY sample_id")
    return [row[0] for row in rows]


def tasks_of(db: Database, annotation_ids: Iterable[int]) -> dict[int, int]:
    """The task of each of these annotations that we know, deleted ones too."""
    rows = db.execute(
        "SELECT annotation_id, task_id FROM annotations WHERE annotation_id IN "
        "(SELECT value FROM json_each(?))",
        [json.dumps(list(annotation_ids))],
    )
    return {row[0]: row[1] for row in rows}


def annotated_samples(db: Database) -> list[str]:
    """Every sample that has, or had, an annotation or a consensus."""
    rows = db.execute(
        "SELECT sample_id FROM review_annotations UNION SELECT sample_id FROM consensus ORDER BY 1"
    )
    return [row[0] for row in rows]


@atomic
def save_annotators(db: Database, people: Iterable[tuple[int, str, str]]) -> None:
    """Remember who annotates: id, e-mail address and name."""
    db.conn.executemany(
        "INSERT INTO annotators VALUES (?, ?, ?) ON CONFLICT (annotator_id) DO UPDATE SET "
        "email = excluded.email, name = excluded.name",
        people,
    )


_OURSELVES = "user of the token"


@atomic
def save_token_user(db: Database, annotator_id: int) -> None:
    """Remember which of Label Studio's users our token belongs to."""
    set_cursor(db, _OURSELVES, str(annotator_id))


def token_user(db: Database) -> int | None:
    """The user that our token belongs to, as of the last pull."""
    found = get_cursor(db, _OURSELVES)
    return int(found) if found else None


def people(db: Database) -> dict[int, str]:
    """Everybody in Label Studio as of the last pull: by id, the name or else the e-mail address."""
    rows = db.execute("SELECT annotator_id, coalesce(nullif(name, ''), email) FROM annotators")
    return {row[0]: row[1] for row in rows}


def people_by_email(db: Database) -> dict[str, int]:
    """Everybody in Label Studio as of the last pull: ids by e-mail address in lower case."""
    rows = db.execute("SELECT lower(email), annotator_id FROM annotators")
    return {row[0]: row[1] for row in rows}


def get_cursor(db: Database, name: str) -> str | None:
    """Where an incremental pull stopped, or None before the first one."""
    row = db.execute("SELECT value FROM cursors WHERE name = ?", [name]).fetchone()
    return str(row[0]) if row else None


@atomic
def set_cursor(db: Database, name: str, value: str) -> None:
    """Remember where an incremental pull stopped."""
    db.conn.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", [name, value])
