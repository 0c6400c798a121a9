"""Annotations as they came from Label Studio, and every form that they had before."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import groupby
from operator import itemgetter
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
_REPLACE = (
    f"INSERT OR REPLACE INTO annotations ({_COLUMNS}, stored_at) "  # noqa: S608
    f"VALUES ({', '.join(f':{name}' for name in _NAMES)}, :stored_at)"
)


@atomic
def store_task_annotations(
    db: Database,
    present: Mapping[tuple[int, int], Sequence[RawAnnotation]],
    asked_at: str = "",
) -> set[str]:
    """Make the store say of these tasks what Label Studio says.

    `present` maps (project_id, task_id) to all annotations that the task has now: what the store
    has beyond them was deleted there. Idempotent. An older form never replaces a newer one, and
    every form that is replaced or deleted goes to the history. Returns the samples that changed,
    which are stale until their consensus is saved anew.
    `asked_at` is when Label Studio was asked, by `utc_now`: what another process has stored or
    deleted since is newer than the answer, and stays.
    Raises RecordError for an `updated_at` that is no time.
    """
    held = _held(db, present)
    standing = [one for given in present.values() for one in given]
    written = [
        row for one in standing if (row := _newer(one, held.get(one.annotation_id), asked_at))
    ]
    since = {key for key, row in held.items() if asked_at and (row["stored_at"] or "") > asked_at}
    kept = {one.annotation_id for one in standing} | since
    gone = [row for key, row in held.items() if key not in kept and row["deleted_at"] is None]
    _archive(db, (row["annotation_id"] for row in (*written, *gone)))
    _delete(db, (row["annotation_id"] for row in gone))
    now = utc_now()
    db.conn.executemany(_REPLACE, ({**row, "stored_at": now} for row in written))
    before = [held[row["annotation_id"]] for row in written if row["annotation_id"] in held]
    changed = {str(row["sample_id"]) for row in (*before, *written, *gone)}
    db.conn.executemany(
        "INSERT OR IGNORE INTO stale_samples VALUES (?)", [(sample_id,) for sample_id in changed]
    )
    return changed


def _held(db: Database, tasks: Iterable[tuple[int, int]]) -> dict[int, dict[str, Any]]:
    """The annotations of these tasks as they are stored, deleted ones too, by id."""
    found: dict[int, dict[str, Any]] = {}
    for project_id, some in groupby(sorted(tasks), key=itemgetter(0)):
        # Label Studio on SQLite gives the id of a deleted task to a new one; what people answered
        # to the old one stands.
        cursor = db.execute(
            f"SELECT {_COLUMNS}, deleted_at, stored_at FROM annotations a"  # noqa: S608
            " WHERE project_id = :project"
            " AND task_id IN (SELECT value FROM json_each(:tasks)) AND sample_id = coalesce((SELECT"
            " t.sample_id FROM tasks t WHERE t.project_id = :project AND t.task_id = a.task_id),"
            " a.sample_id)",
            {"project": project_id, "tasks": json.dumps([task_id for _, task_id in some])},
        )
        names = [column[0] for column in cursor.description]
        rows = (dict(zip(names, row, strict=True)) for row in cursor)
        found |= {row["annotation_id"]: row for row in rows}
    return found


def _newer(
    annotation: RawAnnotation, held: Mapping[str, Any] | None, asked_at: str
) -> dict[str, Any] | None:
    """The row to store, or None where the stored one says the same or is newer, or was deleted
    since we asked.
    """
    row = _row(annotation)
    # One that moved to this task from another is stored as if it were new.
    if held is not None and held["task_id"] == row["task_id"]:
        same = all(held[key] == row[key] for key in _FORM)
        deleted_since = bool(asked_at) and (held["deleted_at"] or "") > asked_at
        if (same and held["deleted_at"] is None) or deleted_since:
            return None
        if _moment(held) > _moment(row):
            return None
    return row


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


def _archive(db: Database, annotation_ids: Iterable[int]) -> None:
    """Keep the forms that these annotations have; those that are new have none."""
    now = utc_now()
    db.conn.executemany(
        "INSERT INTO annotation_history (annotation_id, annotator_id, updated_by, result,"
        " was_cancelled, ground_truth, lead_time, updated_at, deleted_at, replaced_at) SELECT"
        " annotation_id, annotator_id, updated_by, result, was_cancelled, ground_truth, lead_time,"
        " updated_at, deleted_at, ? FROM annotations WHERE annotation_id = ?",
        ((now, annotation_id) for annotation_id in annotation_ids),
    )


def _delete(db: Database, annotation_ids: Iterable[int]) -> None:
    now = utc_now()
    db.conn.executemany(
        "UPDATE annotations SET deleted_at = ? WHERE annotation_id = ?",
        ((now, annotation_id) for annotation_id in annotation_ids),
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
    # By the few samples that were checked, not by all annotations in their order.
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM check_answers WHERE deleted_at IS NULL AND sample_id IN"  # noqa: S608
        " (SELECT sample_id FROM gold_checks) ORDER BY +annotation_id"
    )
    found: dict[str, list[RawAnnotation]] = {}
    for row in rows:
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
    # Sample by sample, through the indexes: to read a million annotations takes seconds.
    rows = db.execute(
        "SELECT sample_id FROM samples s WHERE EXISTS"
        " (SELECT 1 FROM consensus c WHERE c.sample_id = s.sample_id) OR EXISTS"
        " (SELECT 1 FROM review_annotations a WHERE a.sample_id = s.sample_id) ORDER BY 1"
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
