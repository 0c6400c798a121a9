"""The whole flow in numbers, for status."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from sqlite_utils import Database

from store.runs import agent_versions

# Everybody who answered, by one look into the index for each of them: there may be a million rows.
_PEOPLE = (
    "WITH RECURSIVE people (id) AS (SELECT min(annotator_id) FROM annotations UNION ALL SELECT"
    " (SELECT min(annotator_id) FROM annotations WHERE annotator_id > people.id) FROM people"
    " WHERE people.id IS NOT NULL)"
)
_REVIEW = "SELECT project_id FROM label_studio_projects WHERE role = 'review'"
_SKIPPED = "was_cancelled = 1 AND deleted_at IS NULL"
_ANSWERED = "was_cancelled = 0 AND deleted_at IS NULL"
# Both values of was_cancelled are named so that the index is used up to the time.
_DELETED = "was_cancelled IN (0, 1) AND deleted_at IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Summary:
    """How much there is at each step of the loop.

    `annotators` has for each person: name, answers, skips, and median seconds for an answer.
    """

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


def summarise(db: Database, *, people: bool = True) -> Summary:
    """Count everything in one go; without `people`, `annotators` is empty, which is quicker."""
    samples = _count(db, "samples")
    skips, deleted = _of_people(db, _SKIPPED), _of_people(db, _DELETED)
    failed = _by(db, "SELECT agent_version, count(*) FROM runs WHERE error IS NOT NULL GROUP BY 1")
    return Summary(
        samples=samples,
        pool=samples - _picked(db),
        runs=_without_failed(agent_versions(db), failed),
        failed_runs=sum(failed.values()),
        rounds=_count(db, "rounds"),
        undelivered_rounds=_count(db, "rounds WHERE delivered_at IS NULL"),
        tasks=_by_state(db, "tasks", f"project_id IN ({_REVIEW})", usual="delivered"),
        annotations=_reviewed(db) - skips - deleted,
        skips=skips,
        deleted=deleted,
        annotators=_annotators(db) if people else [],
        consensus=_by_state(db, "consensus", "", usual="agreed"),
        waiting_hints=_count(db, "waiting_hints"),
        hints_set_aside=_count(db, "inbox WHERE set_aside_at IS NOT NULL"),
        unchecked_batches=_count(db, "synthesis_batches WHERE state = 'checking'"),
    )


def _count(db: Database, source: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM {source}").fetchone()[0])  # noqa: S608


def _by(db: Database, sql: str) -> dict[str, int]:
    return {row[0]: row[1] for row in db.execute(sql)}


def _by_state(db: Database, table: str, which: str, *, usual: str) -> dict[str, int]:
    """How many rows are in each state: an index has those that are not in the usual one."""
    everything = _count(db, f"{table} WHERE {which}" if which else table)
    found = _by(
        db,
        f"SELECT state, count(*) FROM {table} WHERE state != '{usual}'"  # noqa: S608
        # The plus keeps the index on the state in use.
        f"{' AND +' + which if which else ''} GROUP BY 1",
    )
    found[usual] = everything - sum(found.values())
    return {state: found[state] for state in sorted(found) if found[state]}


def _picked(db: Database) -> int:
    return int(db.execute("SELECT count(DISTINCT sample_id) FROM picks").fetchone()[0])


def _without_failed(runs: dict[str, int], failed: dict[str, int]) -> dict[str, int]:
    """The versions that have a run that succeeded, by name."""
    good = {version: number - failed.get(version, 0) for version, number in runs.items()}
    return {version: good[version] for version in sorted(good) if good[version]}


def _reviewed(db: Database) -> int:
    """All annotations of the review: SQLite counts a whole table without looking at its rows."""
    elsewhere = _count(
        db,
        "annotations WHERE project_id IN"
        " (SELECT project_id FROM label_studio_projects WHERE role != 'review')",
    )
    return _count(db, "annotations") - elsewhere


def _of_people(db: Database, which: str) -> int:
    """The annotations of the review, of a kind that there are few of."""
    sql = f"{_PEOPLE} SELECT coalesce(sum({_number(which)}), 0) FROM people"  # noqa: S608
    return int(db.execute(sql).fetchone()[0])


def _annotators(db: Database) -> list[tuple[str, int, int, float | None]]:
    """Everybody with answers or skips that stand, by name."""
    rows = db.execute(
        f"{_PEOPLE} SELECT people.id, coalesce(nullif(p.name, ''), p.email, 'annotator ' ||"  # noqa: S608
        f" people.id), {_number(_ANSWERED)}, {_number(_SKIPPED)},"
        f" {_number(_ANSWERED + ' AND lead_time IS NOT NULL')}"
        " FROM people LEFT JOIN annotators p ON p.annotator_id = people.id"
        " WHERE people.id IS NOT NULL ORDER BY 2, 1"
    ).fetchall()
    return [
        (name, answers, skips, _median_seconds(db, annotator_id, timed))
        for annotator_id, name, answers, skips, timed in rows
        if answers or skips
    ]


def _number(which: str) -> str:
    return (
        "(SELECT count(*) FROM review_annotations a WHERE a.annotator_id = people.id"  # noqa: S608
        f" AND {which})"
    )


def _median_seconds(db: Database, annotator_id: int, timed: int) -> float | None:
    """The middle one of so many times, or the mean of the middle two: the index has their order."""
    if not timed:
        return None
    rows = db.execute(
        "SELECT lead_time FROM review_annotations WHERE annotator_id = ? AND lead_time IS NOT NULL"  # noqa: S608
        f" AND {_ANSWERED} ORDER BY lead_time LIMIT ? OFFSET ?",
        [annotator_id, 2 - timed % 2, (timed - 1) // 2],
    )
    return float(median(row[0] for row in rows))
