"""The whole flow in numbers, for status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Summary:
    """How much there is at each step of the loop."""

    samples: int
    pool: int
    runs: dict[str, int]
    failed_runs: int
    rounds: int
    undelivered_rounds: int
    tasks: dict[str, int]
    annotations: int
    skips: int
    deleted: int
    annotators: list[tuple[str, int, int, float | None]]
    consensus: dict[str, int]
    waiting_hints: int
    hints_set_aside: int
    unchecked_batches: int


def summarise(db: Database) -> Summary:
    """Count everything in one go."""
    return Summary(
        samples=_count(db, "samples"),
        pool=_count(
            db,
            "samples s WHERE NOT EXISTS (SELECT 1 FROM picks p WHERE p.sample_id = s.sample_id)",
        ),
        runs=_by(db, "SELECT agent_version, count(*) FROM runs WHERE error IS NULL GROUP BY 1"),
        failed_runs=_count(db, "runs WHERE error IS NOT NULL"),
        rounds=_count(db, "rounds"),
        undelivered_rounds=_count(db, "rounds WHERE delivered_at IS NULL"),
        tasks=_by(
            db,
            "SELECT t.state, count(*) FROM tasks t JOIN label_studio_projects p USING (project_id) "
            "WHERE p.role = 'review' GROUP BY 1",
        ),
        annotations=_count(db, "review_annotations WHERE deleted_at IS NULL AND NOT was_cancelled"),
        skips=_count(db, "review_annotations WHERE deleted_at IS NULL AND was_cancelled"),
        deleted=_count(db, "review_annotations WHERE deleted_at IS NOT NULL"),
        annotators=_annotators(db),
        consensus=_by(db, "SELECT state, count(*) FROM consensus GROUP BY 1"),
        waiting_hints=_count(db, "waiting_hints"),
        hints_set_aside=_count(db, "inbox WHERE set_aside_at IS NOT NULL"),
        unchecked_batches=_count(db, "synthesis_batches WHERE state = 'checking'"),
    )


def _count(db: Database, source: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM {source}").fetchone()[0])  # noqa: S608


def _by(db: Database, sql: str) -> dict[str, int]:
    return {row[0]: row[1] for row in db.execute(sql)}


def _annotators(db: Database) -> list[tuple[str, int, int, float | None]]:
    """For each person: name, answers, skips, and median seconds for an answer."""
    rows = db.execute(
        "SELECT a.annotator_id, coalesce(nullif(p.name, ''), p.email, 'annotator ' ||"
        " a.annotator_id), a.was_cancelled, a.lead_time FROM review_annotations a"
        " LEFT JOIN annotators p USING (annotator_id) WHERE a.deleted_at IS NULL ORDER BY 2, 1"
    )
    return [
        _annotator(name, [(bool(row[2]), row[3]) for row in own])
        for (_, name), own in groupby(rows, key=lambda row: (row[0], row[1]))
    ]


def _annotator(
    name: str, own: Sequence[tuple[bool, float | None]]
) -> tuple[str, int, int, float | None]:
    skips = sum(skipped for skipped, _ in own)
    times = [seconds for skipped, seconds in own if not skipped and seconds is not None]
    return name, len(own) - skips, skips, median(times) if times else None
