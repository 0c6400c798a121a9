"""Gold checks: settled tasks that were given to further people, to see how well they answer.

A check is written down before Label Studio is asked and confirmed after. `voters` are the people
who had answered before: only their answers count to the sample's consensus.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from store.database import atomic, utc_now


@dataclass(frozen=True, slots=True)
class GoldCheck:
    """A settled sample's task, to be answered by `overlap` people in all."""

    sample_id: str
    task_id: int
    overlap: int
    voters: frozenset[int]
    confirmed: bool = False


@atomic
def plan_checks(db: Database, project_id: int, round_id: int, checks: Iterable[GoldCheck]) -> None:
    """Write down the checks that go out with a round."""
    db.conn.executemany(
        "INSERT INTO gold_checks (sample_id, project_id, task_id, round_id, overlap, voters,"
        " planned_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                check.sample_id,
                project_id,
                check.task_id,
                round_id,
                check.overlap,
                json.dumps(sorted(check.voters)),
                utc_now(),
            )
            for check in checks
        ],
    )


@atomic
def confirm_check(db: Database, check: GoldCheck) -> None:
    """Label Studio took it."""
    db.execute(
        "UPDATE gold_checks SET confirmed_at = ? WHERE sample_id = ?", [utc_now(), check.sample_id]
    )


def rounds_with_checks(db: Database) -> set[int]:
    """The rounds that checks were picked for already."""
    return {row[0] for row in db.execute("SELECT DISTINCT round_id FROM gold_checks")}


@atomic
def end_checks(db: Database, sample_ids: Sequence[str]) -> list[str]:
    """These samples are settled no more: what was answered to their checks counts as any answer.

    The samples that had a check.
    """
    rows = db.execute(
        "DELETE FROM gold_checks WHERE sample_id IN (SELECT value FROM json_each(?))"
        " RETURNING sample_id",
        [json.dumps(list(sample_ids))],
    )
    return [row[0] for row in rows.fetchall()]


def gold_checks(db: Database) -> dict[str, GoldCheck]:
    """Every check, by sample."""
    rows = db.execute(
        "SELECT sample_id, task_id, overlap, voters, confirmed_at IS NOT NULL FROM gold_checks "
        "ORDER BY sample_id"
    )
    return {
        row[0]: GoldCheck(row[0], row[1], row[2], frozenset(json.loads(row[3])), bool(row[4]))
        for row in rows
    }


def settled_samples(
    db: Database, gold_fields: Sequence[str]
) -> list[tuple[str, float, bool, frozenset[int]]]:
    """What a check can be made of: (sample, permanent random number, adjudicated, who saw it).

    Samples whose label stands because somebody decided it or all agree on the gold fields; which
    were never a check; and on which nobody has two annotations, since Label Studio's queue would
    count both.
    """
    rows = db.execute(
        "SELECT c.sample_id, s.prn, c.state = 'adjudicated', json_group_array(a.annotator_id)"
        " FROM consensus c JOIN samples s USING (sample_id) JOIN review_annotations a"
        " USING (sample_id) WHERE a.deleted_at IS NULL AND (c.state = 'adjudicated' OR"
        " c.state = 'agreed' AND NOT EXISTS (SELECT 1 FROM field_consensus f WHERE f.sample_id ="
        " c.sample_id AND f.agreement = 0 AND f.field IN (SELECT value FROM json_each(?))))"
        " AND c.sample_id NOT IN (SELECT sample_id FROM gold_checks) GROUP BY c.sample_id"
        " HAVING count(*) = count(DISTINCT a.annotator_id)",
        [json.dumps(list(gold_fields))],
    )
    return [(row[0], row[1], bool(row[2]), frozenset(json.loads(row[3]))) for row in rows]


def active_annotators(db: Database) -> set[int]:
    """Everybody who answered in the review project itself, not only as an expert, and is still
    known: deleted users have ids below 0.
    """
    rows = db.execute(
        "SELECT DISTINCT annotator_id FROM review_annotations WHERE annotator_id > 0 AND"
        " deleted_at IS NULL AND NOT was_cancelled AND annotation_id NOT IN (SELECT returned_id"
        " FROM returned_answers WHERE returned_id IS NOT NULL)"
    )
    return {row[0] for row in rows}
