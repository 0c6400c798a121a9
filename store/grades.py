"""Grades: what people said of each run that a round gave them, and what became of the rest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from sqlite_utils import Database

from goldloop.consensus import STANDING
from goldloop.fields import Value
from store.consensus import value_from_json

Outcome = Literal["answered", "disputed", "skipped", "waiting", "deleted"]
_STANDING = json.dumps([state.value for state in STANDING])


@dataclass(frozen=True, slots=True)
class Grade:
    """One picked sample: the version whose run was shown, and the label of one field.

    `value` is None unless the outcome is `answered`. `disputed` was answered, and nothing stands;
    `skipped` was given back without an answer by all who have seen it; `deleted` is no longer in
    Label Studio; `waiting` is everything else that has too few answers.
    """

    sample_id: str
    agent_version: str
    outcome: Outcome
    value: Value | None


def grades(db: Database, field: str) -> list[Grade]:
    """Of every sample that a round picked, by id, what people said to `field`."""
    rows = db.execute(
        "SELECT p.sample_id, o.agent_version, CASE WHEN f.value IS NOT NULL AND f.state IN"
        " (SELECT value FROM json_each(:standing)) THEN 'answered'"
        " WHEN f.state IN ('disputed', 'ambiguous', 'unanswered') THEN 'disputed'"
        # Found once for all picks: no index leads from a sample to its tasks.
        " WHEN p.sample_id IN (SELECT t.sample_id FROM tasks t JOIN label_studio_projects l"
        "  USING (project_id) WHERE l.role = 'review' AND t.state = 'deleted')"
        "  THEN 'deleted' WHEN c.skips > 0 AND c.annotators = 0 THEN 'skipped' ELSE 'waiting' END,"
        " f.value FROM picks p JOIN rounds o USING (round_id)"
        " LEFT JOIN consensus c USING (sample_id)"
        " LEFT JOIN field_consensus f ON f.sample_id = p.sample_id AND f.field = :field"
        " ORDER BY p.sample_id, p.round_id",
        {"field": field, "standing": _STANDING},
    )
    return [
        Grade(
            sample_id,
            version,
            outcome,
            value_from_json(json.loads(value)) if outcome == "answered" else None,
        )
        for sample_id, version, outcome, value in rows
    ]


def graded_without_a_round(db: Database, field: str) -> list[str]:
    """The samples with a label that stands which no round picked, by id: nobody knows how likely
    they were to be labelled.
    """
    rows = db.execute(
        "SELECT f.sample_id FROM field_consensus f WHERE f.field = ? AND f.value IS NOT NULL AND"
        " f.state IN (SELECT value FROM json_each(?)) AND NOT EXISTS"
        " (SELECT 1 FROM picks p WHERE p.sample_id = f.sample_id) ORDER BY 1",
        [field, _STANDING],
    )
    return [row[0] for row in rows]


def lead_times(db: Database) -> list[tuple[str, float]]:
    """How many seconds each answer took, with its sample; skips and deleted answers left out."""
    rows = db.execute(
        "SELECT sample_id, lead_time FROM review_annotations WHERE deleted_at IS NULL"
        " AND NOT was_cancelled AND lead_time > 0 ORDER BY annotation_id"
    )
    return [(row[0], row[1]) for row in rows]


def same_as_shown(db: Database, agent_version: str) -> set[str]:
    """The picked samples on which this version's run says and does just what the shown one did."""
    rows = db.execute(
        "SELECT p.sample_id FROM picks p JOIN rounds o USING (round_id)"
        " JOIN runs shown ON shown.sample_id = p.sample_id"
        "  AND shown.agent_version = o.agent_version"
        " JOIN runs own ON own.sample_id = p.sample_id AND own.agent_version = :version"
        " WHERE own.error IS NULL AND own.response IS shown.response"
        " AND own.tool_calls = shown.tool_calls",
        {"version": agent_version},
    )
    return {row[0] for row in rows}
