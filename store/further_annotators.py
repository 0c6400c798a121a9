"""Further annotators: which tasks were given to one more person, because people disagreed.

A request is written down before Label Studio is asked and confirmed after, so that one that was cut
off is asked again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from store.database import atomic, utc_now


@dataclass(frozen=True, slots=True)
class Request:
    """One task is to be answered by `overlap` people in all."""

    sample_id: str
    task_id: int
    overlap: int


@atomic
def plan_request(db: Database, project_id: int, request: Request) -> None:
    """Write down that one more annotator will be asked for."""
    db.conn.execute(
        "INSERT OR IGNORE INTO further_annotators VALUES (?, ?, ?, ?, ?, NULL)",
        [request.sample_id, project_id, request.task_id, request.overlap, utc_now()],
    )


@atomic
def confirm_request(db: Database, request: Request) -> None:
    """Label Studio took it."""
    db.conn.execute(
        "UPDATE further_annotators SET confirmed_at = ? WHERE sample_id = ? AND overlap = ?",
        [utc_now(), request.sample_id, request.overlap],
    )


def count_asked_again(db: Database) -> int:
    """The disputed samples of which one more annotator was asked and has neither answered nor
    skipped.
    """
    row = db.execute(
        "SELECT count(*) FROM consensus c WHERE c.state = 'disputed' AND c.annotators + c.skips <"
        " (SELECT max(overlap) FROM further_annotators f WHERE f.sample_id = c.sample_id)"
    ).fetchone()
    return int(row[0])


def requested_overlaps(db: Database, sample_ids: Sequence[str]) -> dict[str, int]:
    """How many people were asked for in all, for the samples that have a request."""
    rows = db.execute(
        "SELECT sample_id, max(overlap) FROM further_annotators WHERE sample_id IN "
        "(SELECT value FROM json_each(?)) GROUP BY sample_id",
        [json.dumps(sample_ids)],
    )
    return {row[0]: row[1] for row in rows}
