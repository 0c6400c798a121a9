"""Audit: what happened to annotations besides that their authors wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from sqlite_utils import Database

# What experts decided is written to its task by us, in their names.
_NOT_OURS = (
    "annotation_id NOT IN (SELECT returned_id FROM returned_answers WHERE returned_id IS NOT NULL)"
)

_TOUCHED = (
    "(a.annotation_id IN (SELECT annotation_id FROM annotation_history) OR a.deleted_at IS NOT NULL"
    " OR a.updated_by != a.annotator_id)"
)


@dataclass(frozen=True, slots=True)
class Form:
    """An annotation as it stood from `updated_at` on (ISO 8601). `changed_by` is who wrote this
    form, None where Label Studio does not say; `before` the form that it replaced, None for the
    first that we saw.
    """

    annotation_id: int
    project_id: int
    task_id: int
    sample_id: str
    annotator_id: int
    changed_by: int | None
    result: str
    was_cancelled: bool
    ground_truth: bool
    lead_time: float | None
    updated_at: str
    deleted_at: str | None
    before: Form | None = None


_COLUMNS = (
    "a.annotation_id, a.project_id, a.task_id, a.sample_id,"
    " coalesce({0}.annotator_id, a.annotator_id), {0}.updated_by, {0}.result, {0}.was_cancelled,"
    " {0}.ground_truth, {0}.lead_time, {0}.updated_at, {0}.deleted_at"
)


def touched_forms(db: Database) -> Iterator[Form]:
    """Every known form of the annotations that were changed, deleted or written by another hand
    than their author's; by annotation, oldest first.
    """
    rows = db.execute(
        f"SELECT {_COLUMNS.format('h')}, h.history_id AS place FROM annotation_history h"  # noqa: S608
        f" JOIN annotations a USING (annotation_id) WHERE {_TOUCHED} AND a.{_NOT_OURS}"
        f" UNION ALL SELECT {_COLUMNS.format('a')}, 9e18 FROM annotations a"
        f" WHERE {_TOUCHED} AND a.{_NOT_OURS} ORDER BY 1, place"
    )
    for _, forms in groupby(rows, key=lambda row: row[0]):
        before: Form | None = None
        for row in forms:
            before = _form(row, before)
            yield before


def standing_truths(db: Database) -> list[Form]:
    """The annotations that stand and are marked as ground truth, without those of the experts that
    we brought back.
    """
    rows = db.execute(
        f"SELECT {_COLUMNS.format('a')} FROM annotations a WHERE a.deleted_at IS NULL AND"  # noqa: S608
        f" a.ground_truth AND a.{_NOT_OURS} ORDER BY a.annotation_id"
    )
    return [_form(row, None) for row in rows]


def timed_answers(db: Database) -> Iterator[Form]:
    """The answers that stand and whose lead time is known, without those that we brought back."""
    rows = db.execute(
        f"SELECT {_COLUMNS.format('a')} FROM annotations a WHERE a.deleted_at IS NULL AND NOT"  # noqa: S608
        f" a.was_cancelled AND a.lead_time IS NOT NULL AND a.{_NOT_OURS} ORDER BY a.annotation_id"
    )
    return (_form(row, None) for row in rows)


def _form(row: tuple[Any, ...], before: Form | None) -> Form:
    # Only the one before is kept, not the whole chain.
    earlier = replace(before, before=None) if before else None
    values = [*row[:7], bool(row[7]), bool(row[8]), *row[9:12], earlier]
    return Form(*values)
