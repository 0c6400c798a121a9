"""Samples and the runs that were recorded with them, as they come in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from goldloop.errors import RecordError
from goldloop.json_values import check_json
from goldloop.messages import read_messages
from goldloop.novelty import sample_text
from goldloop.prn import permanent_random_number
from goldloop.records import read_sample_record, sample_record
from goldloop.samples import Run, Sample
from store.database import atomic, project_fact, utc_now
from store.runs import insert_runs, shown_runs, stored_runs

# Of a version, and whether a run that failed counts as none.
_WITHOUT_RUN = (
    "FROM samples s WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.sample_id = s.sample_id "
    "AND r.agent_version = ? AND (r.error IS NULL OR NOT ?))"
)


@dataclass(frozen=True, slots=True)
class Conflict:
    """A sample or run that is in the store already, with other content."""

    sample_id: str
    reason: str


@atomic
def add_samples(
    db: Database, batch: Sequence[tuple[Sample, Run | None]], update: bool = False
) -> tuple[Counter[str], list[Conflict]]:
    """Put samples and their recorded runs into the pool.

    Idempotent by `sample_id`: what is there with the same content stays as it is. Other content
    under the same id, or another run by the same version, is a conflict, unless `update` replaces
    it; a sample or a run that was given to annotators is never replaced. Returns counts of added,
    unchanged, updated and runs. Raises RecordError for a sample that cannot be stored.
    """
    held = _held(db, [sample.sample_id for sample, _ in batch])
    counts: Counter[str] = Counter()
    conflicts: list[Conflict] = []
    fresh: dict[str, tuple[Sample, str]] = {}
    runs: list[Run] = []
    for sample, run in batch:
        record = _record(sample)
        known, picked = held.get(sample.sample_id, (None, False))
        if known is not None and known != record and (picked or not update):
            conflicts.append(Conflict(sample.sample_id, _why(picked)))
            continue
        counts["added" if known is None else "unchanged" if known == record else "updated"] += 1
        if known != record:
            fresh[sample.sample_id] = sample, record
            held[sample.sample_id] = record, picked
        if run is not None:
            runs.append(run)
    _write(db, fresh.values())
    run_counts, run_conflicts = _add_runs(db, runs, update)
    return counts + run_counts, conflicts + run_conflicts


def _record(sample: Sample) -> str:
    """The sample as it is stored; raises RecordError, with its id, for what cannot be stored."""
    record = sample_record(sample)
    text = json.dumps(record, ensure_ascii=False, sort_keys=True)
    # What was read is checked already; this is for samples made by hand.
    if not text.isascii() or "\\u0000" in text:
        try:
            check_json(record)
        except RecordError as error:
            raise RecordError(f"sample {sample.sample_id!a}: {error}") from None
    return text


def _why(given: bool) -> str:
    if given:
        return "is with annotators or labelled, and its content may not change; use a new sample_id"
    return "is in the store with other content; replace it with --update, or use a new sample_id"


def _held(db: Database, ids: Sequence[str]) -> dict[str, tuple[str, bool]]:
    """By id: the record that is stored, and whether the sample was ever picked."""
    rows = db.execute(
        "SELECT sample_id, record, EXISTS (SELECT 1 FROM picks p WHERE "
        "p.sample_id = s.sample_id) FROM samples s "
        "WHERE sample_id IN (SELECT value FROM json_each(?))",
        [json.dumps(ids)],
    )
    return {row[0]: (row[1], bool(row[2])) for row in rows}


def _write(db: Database, samples: Iterable[tuple[Sample, str]]) -> None:
    secret, now = bytes.fromhex(project_fact(db, "secret")), utc_now()
    db.conn.executemany(
        "INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sample_id) DO UPDATE "
        "SET user_input = excluded.user_input, difficulty = excluded.difficulty, "
        "tags = excluded.tags, source = excluded.source, cluster_id = excluded.cluster_id, "
        "record = excluded.record",
        (
            (
                sample.sample_id,
                sample.user_input,
                sample.difficulty,
                json.dumps(sample.tags, ensure_ascii=False),
                sample.source,
                sample.cluster_id,
                permanent_random_number(secret, sample.sample_id),
                record,
                now,
            )
            for sample, record in samples
        ),
    )


def _add_runs(
    db: Database, runs: Sequence[Run], update: bool
) -> tuple[Counter[str], list[Conflict]]:
    held = stored_runs(db, [run.sample_id for run in runs])
    shown = shown_runs(db, [run.sample_id for run in runs])
    conflicts, fresh = [], []
    for run in runs:
        key = run.sample_id, run.agent_version
        if key in held and _says_the_same(run, held[key]):
            continue
        if key in held and (key in shown or not update):
            why = _why_not_run(run.agent_version, key in shown)
            conflicts.append(Conflict(run.sample_id, why))
            continue
        fresh.append(run)
        held[key] = run
    insert_runs(db, fresh)
    return Counter(runs=len(fresh)), conflicts


def _says_the_same(run: Run, known: Run) -> bool:
    """Whether a run says nothing new: what it leaves out may have been filled in meanwhile."""
    if run.created_at is None:
        run = replace(run, created_at=known.created_at)
    if run.confidence is None:
        method = known.confidence_method
        run = replace(run, confidence=known.confidence, confidence_method=method)
    if not run.estimates:
        run = replace(run, estimates=known.estimates)
    return run == known


def _why_not_run(agent_version: str, shown: bool) -> str:
    if shown:
        return f"has a run by {agent_version} that annotators were given, and it may not change"
    return (
        f"has another run by {agent_version}; replace it with --update, or give the record a "
        "sample_id of its own"
    )


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


@dataclass(frozen=True, slots=True)
class Slices:
    """The tags and the difficulty of a sample."""

    tags: tuple[str, ...]
    difficulty: str | None


def slices_of_samples(db: Database, ids: Sequence[str]) -> list[Slices]:
    """The slices of each of these samples, in the order given; samples alike share one object."""
    known: dict[tuple[str, str | None], Slices] = {}
    found = {}
    for sample_id, tags, difficulty in db.execute(
        "SELECT sample_id, tags, difficulty FROM samples"
    ):
        if (tags, difficulty) not in known:
            known[tags, difficulty] = Slices(tuple(json.loads(tags)), difficulty)
        found[sample_id] = known[tags, difficulty]
    return [found[one] for one in ids]


def random_samples(db: Database, at_most: int) -> list[Sample]:
    """Those with the lowest permanent random numbers: always the same, and of every kind."""
    rows = db.execute("SELECT sample_id FROM samples ORDER BY prn LIMIT ?", [at_most])
    ids = [row[0] for row in rows]
    found = get_samples(db, ids)
    return [found[one] for one in ids]


def sample_texts(db: Database, ids: Sequence[str] | None = None) -> dict[str, str]:
    """What each sample says, by id, as `goldloop.novelty` compares it; of all where no ids are
    given.
    """
    sql = (
        "SELECT sample_id, user_input, CASE WHEN json_array_length(record, '$.conversation') THEN"
        " json_extract(record, '$.conversation') END FROM samples"
    )
    if ids is None:
        rows = db.execute(sql)
    else:
        sql += " WHERE sample_id IN (SELECT value FROM json_each(?))"
        rows = db.execute(sql, [json.dumps(list(ids))])
    return {
        sample_id: sample_text(
            text, () if turns is None else read_messages(json.loads(turns), "conversation")
        )
        for sample_id, text, turns in rows
    }


def prn_of_samples(db: Database, ids: Sequence[str]) -> NDArray[np.float64]:
    """The permanent random number of each of these samples, in the order given."""
    found = dict(db.execute("SELECT sample_id, prn FROM samples").fetchall())
    return np.array([found[one] for one in ids], dtype=np.float64)


def samples_without_run(db: Database, agent_version: str, retry: bool) -> Iterator[Sample]:
    """Every sample without a run by that version; with `retry`, also those whose run failed."""
    rows = db.execute(f"SELECT sample_id {_WITHOUT_RUN} ORDER BY prn", [agent_version, retry])
    ids = [row[0] for row in rows]
    for start in range(0, len(ids), 500):
        chunk = ids[start : start + 500]
        found = get_samples(db, chunk)
        yield from (found[sample_id] for sample_id in chunk if sample_id in found)


def count_without_run(db: Database, agent_version: str, retry: bool) -> int:
    """How many samples `samples_without_run` gives: a sample has one run by a version at most."""
    runs, failed = (
        db.execute(f"SELECT count(*) FROM runs WHERE agent_version = ?{also}", [agent_version])  # noqa: S608
        for also in ("", " AND error IS NOT NULL")
    )
    given = int(runs.fetchone()[0]) - (int(failed.fetchone()[0]) if retry else 0)
    return count_samples(db) - given


def count_samples(db: Database) -> int:
    """How many samples there are."""
    return int(db.execute("SELECT count(*) FROM samples").fetchone()[0])
