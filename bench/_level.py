"""Whether a store says exactly what Label Studio says, and its consensus what follows from that."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from bench._site import Site
from store.annotations import get_cursor
from store.consensus import stored_consensus
from store.database import Store, transaction
from store.inbox import hints_set_aside
from sync.consensus import update_consensus
from sync.project import Project

# In which the worker writes when it last had everything.
RECONCILED = "reconciled"


@dataclass(frozen=True, slots=True)
class Difference:
    """What is not as it should be; all empty when the store is level.

    `missing`: annotations of Label Studio that do not stand in the store. `left_over`: those that
    stand in the store alone. `otherwise`: result, skip, ground truth, author or task differ.
    `doubled`: annotations with the same form twice in their history. `revived`: annotations that
    the store took for deleted, and which stand. `consensus`: samples decided otherwise than afresh
    from the same annotations. `set_aside`: hints that could not be followed up.
    """

    missing: list[int]
    left_over: list[int]
    otherwise: list[int]
    doubled: list[int]
    revived: list[int]
    consensus: list[str]
    set_aside: list[int]

    def __bool__(self) -> bool:
        return any(getattr(self, one.name) for one in fields(self))


def difference(site: Site) -> Difference:
    """How the store differs from Label Studio now."""
    project = site.project
    with project.client() as client:
        there = {
            one["id"]: _form(task["id"], one)
            for task in client.export(site.project_id)
            for one in task["annotations"]
        }
    with site.store() as db:
        here = _standing(db, site.project_id)
        return Difference(
            missing=sorted(there.keys() - here.keys()),
            left_over=sorted(here.keys() - there.keys()),
            otherwise=sorted(one for one in there.keys() & here if there[one] != here[one]),
            doubled=_doubled(db),
            revived=_revived(db),
            consensus=decided_otherwise(project, db),
            set_aside=[one.event_id for one in hints_set_aside(db)],
        )


def after_a_reconcile(site: Site, seconds: float = 60.0) -> None:
    """Wait until the worker has reconciled, from a moment that is not before now."""
    # The one that ends next may have begun before.
    for _ in range(2):
        with site.store() as db:
            before = get_cursor(db, RECONCILED)
            end = time.monotonic() + seconds
            while get_cursor(db, RECONCILED) == before:
                assert time.monotonic() < end, f"no reconciliation within {seconds} s"
                time.sleep(0.05)


def remember_what_is_done(site: Site) -> None:
    """Keep in a table `followed` every time that a hint was recorded as followed up: the inbox
    itself forgets. Before the programs start: they open a store anew that changed its shape.
    """
    with site.store() as db, db.conn:
        db.execute("CREATE TABLE followed (event_id INTEGER)")
        db.execute(
            "CREATE TRIGGER follows AFTER UPDATE OF done_at ON inbox "
            "BEGIN INSERT INTO followed VALUES (new.event_id); END"
        )


def decided_otherwise(project: Project, db: Store) -> list[str]:
    """The samples whose consensus is another one when it is computed afresh, on a copy."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = replace(project, folder=Path(scratch))
        with closing(sqlite3.connect(copy.path(project.settings.store.path))) as file:
            db.conn.backup(file)
        fresh = copy.open_store()
        try:
            with transaction(fresh):
                for table in ("consensus", "field_consensus", "field_models", "stale_samples"):
                    fresh.conn.execute(f"DELETE FROM {table}")  # noqa: S608
                fresh.conn.execute("DELETE FROM cursors WHERE name LIKE 'consensus:%'")
            update_consensus(copy, fresh)
            one, other = _consensus(db), _consensus(fresh)
        finally:
            fresh.close()
    return sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))


def _form(task_id: int, raw: dict[str, Any]) -> tuple[Any, ...]:
    author = raw["completed_by"]
    given = json.dumps(raw["result"] or [], sort_keys=True)
    return task_id, given, bool(raw["was_cancelled"]), bool(raw["ground_truth"]), author


def _standing(db: Store, project_id: int) -> dict[int, tuple[Any, ...]]:
    rows = db.execute(
        "SELECT annotation_id, task_id, result, was_cancelled, ground_truth, annotator_id FROM"
        " annotations WHERE project_id = ? AND deleted_at IS NULL",
        [project_id],
    )
    return {
        row[0]: (
            row[1],
            json.dumps(json.loads(row[2]), sort_keys=True),
            bool(row[3]),
            bool(row[4]),
            row[5],
        )
        for row in rows
    }


def _doubled(db: Store) -> list[int]:
    rows = db.execute(
        "SELECT DISTINCT annotation_id FROM annotation_history GROUP BY annotation_id,"
        " annotator_id, updated_by, result, was_cancelled, ground_truth, lead_time, updated_at,"
        " deleted_at HAVING count(*) > 1"
    )
    return sorted(row[0] for row in rows)


def _revived(db: Store) -> list[int]:
    # Label Studio never gives the id of a deleted annotation to another.
    rows = db.execute(
        "SELECT DISTINCT annotation_id FROM annotation_history WHERE deleted_at IS NOT NULL"
    )
    return sorted(row[0] for row in rows)


def _consensus(db: Store) -> dict[str, Any]:
    return {one.sample_id: replace(one, updated_at="") for one in stored_consensus(db)}
