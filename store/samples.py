"""Samples and the runs that were recorded with them, as they come in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from goldloop.prn import permanent_random_number
from goldloop.records import read_sample_record, sample_record
from goldloop.samples import Run, Sample
from store.database import project_fact, utc_now
from store.runs import insert_runs, stored_runs


@dataclass(frozen=True, slots=True)
class Conflict:
    """A sample or run that is in the store already, with other content."""

    sample_id: str
    reason: str


def add_samples(
    db: Database, batch: Sequence[tuple[Sample, Run | None]], update: bool = False
) -> tuple[Counter[str], list[Conflict]]:
    """Put samples and their recorded runs into the pool; the caller holds the transaction.

    Idempotent by `sample_id`: what is there with the same content stays as it is. Other content
    under the same id is a conflict, unless `update` replaces it; a sample that was given to
    annotators is never replaced. Returns counts of added, unchanged, updated and runs.
    """
    secret = bytes.fromhex(project_fact(db, "secret"))
    counts: Counter[str] = Counter()
    conflicts: list[Conflict] = []
    held = _held(db, [sample.sample_id for sample, _ in batch])
    rows, runs = [], []
    for sample, run in batch:
        record = json.dumps(sample_record(sample), ensure_ascii=False, sort_keys=True)
        known = held.get(sample.sample_id)
        if known is not None and known[0] != record:
            if known[1] or not update:
                conflicts.append(Conflict(sample.sample_id, _why(known[1])))
                continue
            counts["updated"] += 1
        else:
            counts["unchanged" if known else "added"] += 1
        if known is None or known[0] != record:
            rows.append(_row(sample, record, secret))
            held[sample.sample_id] = (record, known[1] if known else False)
        if run is not None:
            runs.append(run)
    _write(db, rows)
    run_counts, run_conflicts = _add_runs(db, runs, update)
    return counts + run_counts, conflicts + run_conflicts


def _why(given: bool) -> str:
    if given:
        return "is with annotators or labelled, and its content may not change; use a new sample_id"
    return "is in the store with other content; replace it with --update, or use a new sample_id"


def _held(db: Database, ids: Sequence[str]) -> dict[str, tuple[str, bool]]:
    """By id: the record that is stored, and whether the sample was ever picked."""
    rows = db.execute(
        "SELECT sample_id, record, EXISTS (SELECT 1 FROM round_scores p WHERE "
        "p.sample_id = s.sample_id AND p.reason IS NOT NULL) FROM samples s "
        "WHERE sample_id IN (SELECT value FROM json_each(?))",
        [json.dumps(ids)],
    )
    return {row[0]: (row[1], bool(row[2])) for row in rows}


def _row(sample: Sample, record: str, secret: bytes) -> tuple[Any, ...]:
    return (
        sample.sample_id,
        sample.user_input,
        sample.difficulty,
        json.dumps(sample.tags, ensure_ascii=False),
        sample.source,
        sample.cluster_id,
        permanent_random_number(secret, sample.sample_id),
        record,
        utc_now(),
    )


def _write(db: Database, rows: Iterable[tuple[Any, ...]]) -> None:
    db.conn.executemany(
        "INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sample_id) DO UPDATE "
        "SET user_input = excluded.user_input, difficulty = excluded.difficulty, "
        "tags = excluded.tags, source = excluded.source, cluster_id = excluded.cluster_id, "
        "record = excluded.record",
        rows,
    )


def _add_runs(
    db: Database, runs: Sequence[Run], update: bool
) -> tuple[Counter[str], list[Conflict]]:
    counts: Counter[str] = Counter()
    conflicts, fresh = [], []
    held = stored_runs(db, [run.sample_id for run in runs])
    for run in runs:
        known = held.get((run.sample_id, run.agent_version))
        if known is not None and known.messages != run.messages and not update:
            why = f"has another run by {run.agent_version}; replace it with --update"
            conflicts.append(Conflict(run.sample_id, why))
        elif known is None or known.messages != run.messages:
            fresh.append(run)
            held[run.sample_id, run.agent_version] = run
    insert_runs(db, fresh)
    counts["runs"] = len(fresh)
    return counts, conflicts


def get_sample(db: Database, sample_id: str) -> Sample | None:
    """The sample of that id, or None."""
    return get_samples(db, [sample_id]).get(sample_id)


def get_samples(db: Database, ids: Sequence[str]) -> dict[str, Sample]:
    """The samples of those ids, by id; unknown ids are left out."""
    rows = db.execute(
        "SELECT record FROM samples WHERE sample_id IN (SELECT value FROM json_each(?))",
        [json.dumps(ids)],
    )
    samples = (read_sample_record(json.loads(row[0])) for row in rows)
    return {sample.sample_id: sample for sample in samples}


def samples_without_run(db: Database, agent_version: str, retry: bool) -> Iterator[Sample]:
    """Every sample without a run by that version; with `retry`, also those whose run failed."""
    rows = db.execute(
        "SELECT sample_id FROM samples s WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE "
        "r.sample_id = s.sample_id AND r.agent_version = ? AND (r.error IS NULL OR NOT ?)) "
        "ORDER BY prn",
        [agent_version, retry],
    )
    ids = [row[0] for row in rows]
    for start in range(0, len(ids), 500):
        chunk = ids[start : start + 500]
        found = get_samples(db, chunk)
        yield from (found[sample_id] for sample_id in chunk if sample_id in found)


def count_samples(db: Database) -> int:
    """How many samples there are."""
    return int(db.execute("SELECT count(*) FROM samples").fetchone()[0])
