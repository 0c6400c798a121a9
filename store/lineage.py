"""Lineage: everything that is stored of one sample, and what is asked of all of them at once."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlite_utils import Database


def _records(
    db: Database, sql: str, values: Sequence[Any] | dict[str, Any]
) -> list[dict[str, Any]]:
    cursor = db.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def entry(db: Database, sample_id: str) -> dict[str, Any] | None:
    """When a sample entered the pool (`created_at`), with which permanent random number (`prn`);
    None for an unknown sample.
    """
    sql = "SELECT created_at, prn FROM samples WHERE sample_id = ?"
    found = _records(db, sql, [sample_id])
    return found[0] if found else None


def rounds_of(db: Database, sample_id: str) -> list[dict[str, Any]]:
    """Every round that picked the sample or left it out as a near-duplicate, oldest first.

    `reason`, `rank` and the numbers are None where it was left out, and `duplicate_of` where it was
    picked.
    """
    return _records(
        db,
        "SELECT o.round_id, o.agent_version, o.mode, o.batch_size, o.pool_size, o.cutoff,"
        " o.created_at, o.delivered_at, p.reason, p.rank, p.confidence, p.novel, p.uncertainty,"
        " p.inclusion_probability, n.duplicate_of FROM rounds o"
        " LEFT JOIN picks p ON p.round_id = o.round_id AND p.sample_id = :sample"
        " LEFT JOIN near_duplicates n ON n.round_id = o.round_id AND n.sample_id = :sample"
        " WHERE p.sample_id IS NOT NULL OR n.sample_id IS NOT NULL ORDER BY o.round_id",
        {"sample": sample_id},
    )


def tasks_of_sample(db: Database, sample_id: str) -> list[dict[str, Any]]:
    """The sample's tasks in Label Studio, the review project's first."""
    return _records(
        db,
        "SELECT t.project_id, p.role, p.url, p.title, t.task_id, t.state, t.round_id, t.sent_at,"
        " t.delivered_at FROM tasks t JOIN label_studio_projects p USING (project_id)"
        " WHERE t.sample_id = ? ORDER BY p.role != 'review', t.project_id",
        [sample_id],
    )


def forms_of_answers(db: Database, sample_id: str) -> list[dict[str, Any]]:
    """Every form of every annotation of the sample, by annotation, the newest form first.

    Deleted and skipped ones too, of the review and of the experts' project. `replaced_at` is None
    for the form that is there now, or was last; `role` tells the project, `counts` whether the
    consensus goes by the annotation, `is_check` whether it answers a gold check, and
    `returned_from` is the expert's answer that it is a copy of.
    """
    found = _records(
        db,
        "SELECT a.annotation_id, a.project_id, p.role, a.task_id, a.annotator_id, a.updated_by,"
        " a.result, a.was_cancelled, a.ground_truth, a.lead_time, a.created_at, a.updated_at,"
        " a.deleted_at, NULL AS replaced_at, EXISTS (SELECT 1 FROM votes v WHERE v.annotation_id ="
        " a.annotation_id) AS counts, EXISTS (SELECT 1 FROM check_answers k WHERE k.annotation_id ="
        " a.annotation_id) AS is_check, (SELECT r.annotation_id FROM returned_answers r WHERE"
        " r.returned_id = a.annotation_id) AS returned_from FROM annotations a"
        " JOIN label_studio_projects p USING (project_id) WHERE a.sample_id = ?"
        " ORDER BY a.annotation_id",
        [sample_id],
    )
    older = _earlier_forms(db, sample_id)
    return [one for form in found for one in _with_earlier(form, older)]


def _earlier_forms(db: Database, sample_id: str) -> list[dict[str, Any]]:
    return _records(
        db,
        "SELECT h.annotation_id, coalesce(h.annotator_id, a.annotator_id) AS annotator_id,"
        " h.updated_by, h.result, h.was_cancelled, h.ground_truth, h.lead_time, h.updated_at,"
        " h.deleted_at, h.replaced_at FROM annotation_history h"
        " JOIN annotations a USING (annotation_id) WHERE a.sample_id = ?"
        " ORDER BY h.history_id DESC",
        [sample_id],
    )


def _with_earlier(
    form: dict[str, Any], older: Sequence[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    own = [one for one in older if one["annotation_id"] == form["annotation_id"]]
    for one in (form, *({**form, **earlier} for earlier in own)):
        yield {
            **one,
            "result": json.loads(one["result"]),
            **{
                key: bool(one[key])
                for key in ("was_cancelled", "ground_truth", "counts", "is_check")
            },
        }


def further_asked(db: Database, sample_id: str) -> list[dict[str, Any]]:
    """When the sample was given to one more annotator, and to how many in all by then."""
    return _records(
        db,
        "SELECT overlap, planned_at, confirmed_at FROM further_annotators WHERE sample_id = ?"
        " ORDER BY overlap",
        [sample_id],
    )


def check_of(db: Database, sample_id: str) -> dict[str, Any] | None:
    """The gold check that the settled sample was made, or None."""
    found = _records(
        db,
        "SELECT round_id, overlap, voters, planned_at, confirmed_at FROM gold_checks"
        " WHERE sample_id = ?",
        [sample_id],
    )
    return {**found[0], "voters": json.loads(found[0]["voters"])} if found else None


def sample_ids(db: Database) -> list[str]:
    """The id of every sample, in order."""
    return [row[0] for row in db.execute("SELECT sample_id FROM samples ORDER BY sample_id")]


def tools_called(db: Database) -> dict[str, set[str]]:
    """The tools that the agent called in the runs that annotators were given, by sample.

    A sample whose run called nothing has an empty set.
    """
    rows = db.execute(
        "SELECT p.sample_id, json_extract(c.value, '$.name') FROM picks p JOIN rounds o"
        " USING (round_id) JOIN runs r ON r.sample_id = p.sample_id AND r.agent_version ="
        " o.agent_version LEFT JOIN json_each(r.tool_calls) c"
    )
    found: dict[str, set[str]] = {}
    for sample_id, tool in rows:
        found.setdefault(sample_id, set())
        if tool is not None:
            found[sample_id].add(str(tool))
    return found


def samples_in_states(db: Database, states: Collection[str]) -> dict[str, list[str]]:
    """The samples whose consensus is in one of these states, by state and in order."""
    rows = db.execute(
        "SELECT state, sample_id FROM consensus WHERE state IN (SELECT value FROM json_each(?))"
        " ORDER BY state, sample_id",
        [json.dumps(list(states))],
    )
    found: dict[str, list[str]] = {}
    for state, sample_id in rows:
        found.setdefault(state, []).append(sample_id)
    return found
