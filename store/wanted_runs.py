"""Wanted runs: samples that somebody waits for a run on, and who is at it.

Whoever is about to ask the agent claims the sample first, so that of several threads, processes
and commands only one asks; the others wait for its run. A claim is a lease that its holder renews;
it is void as soon as it has run out, or its holder is seen to be gone from this machine.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex

from sqlite_utils import Database

from goldloop.samples import Run
from store.database import atomic, impatiently, transaction, utc_now
from store.runs import get_runs, insert_runs

# A claim that is not renewed for so long is nobody's.
LEASE_SECONDS = 60.0
WHAT = "what is wanted"


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of claiming a sample: it is `ours` to run now, or there is its `run` already;
    neither while another is at it. `attempts` counts how often it was begun, this time included.
    """

    ours: bool
    run: Run | None = None
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many runs are wanted and not there, how many of them somebody is at, and since when the
    oldest is wanted (ISO 8601; None when none is).
    """

    pending: int
    claimed: int
    oldest: str | None


def claimant() -> str:
    """A new name to claim under, by which it can be seen whether this process still runs.

    Make it after a fork: each process needs one of its own.
    """
    return f"{_machine()}/{os.getpid()}/{token_hex(4)}"


def _machine() -> str:
    """Where process ids mean the same: this machine, or this container on it."""
    try:
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        space = ""
    return f"{socket.gethostname()}:{space}"


def _is_gone(name: str) -> bool:
    """Whether that claimant's process has ended, as far as can be seen from here; in doubt no."""
    machine, process, _ = name.rsplit("/", 2)
    if machine != _machine():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _is_zombie(int(process))


def _is_zombie(process: int) -> bool:
    """Whether it was killed and only waits to be noticed by its parent."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[:1] == ["Z"]


def lacking_runs(db: Database, agent_version: str, sample_ids: Sequence[str]) -> list[str]:
    """Those of the ids that are in the pool and have no run by that version, once each."""
    rows = db.execute(
        "SELECT s.sample_id FROM json_each(?) j JOIN samples s ON s.sample_id = j.value "
        "WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.sample_id = s.sample_id "
        "AND r.agent_version = ?) GROUP BY 1 ORDER BY min(j.key)",
        [_listed(sample_ids), agent_version],
    )
    return [row[0] for row in rows]


def _listed(sample_ids: Sequence[str]) -> str:
    """The ids as JSON, once each. SQLite would cut an id at a NUL, and find another sample."""
    return json.dumps([one for one in dict.fromkeys(sample_ids) if "\x00" not in one])


def want_runs(db: Database, agent_version: str, sample_ids: Sequence[str], most: int) -> list[str]:
    """Write down that runs on these samples are wanted; those that did not fit, in their order.

    At most `most` runs of the version wait at a time. What is wanted already stays in its place;
    ids that are not in the pool are passed over. Raises StoreError when it could not be written
    within `PATIENCE_SECONDS`, because an annotator waits; then none of them is written down.
    """
    with impatiently(db, WHAT):
        return _want(db, agent_version, _listed(sample_ids), most)


@atomic
def _want(db: Database, agent_version: str, ids: str, most: int) -> list[str]:
    given = {"version": agent_version, "ids": ids, "now": utc_now()}
    # Late ones had their run; that it is wanted again means that it was taken away since.
    db.execute(
        "UPDATE wanted_runs SET queued = 1, late_at = NULL WHERE agent_version = :version AND "
        "sample_id IN (SELECT value FROM json_each(:ids)) AND (NOT queued OR late_at IS NOT NULL)",
        given,
    )
    room = most - int(db.execute(_COUNT_QUEUED, given).fetchone()[0])
    db.execute(
        "INSERT INTO wanted_runs (sample_id, agent_version, queued, wanted_at) "
        "SELECT j.value, :version, 1, :now FROM json_each(:ids) j JOIN samples s "
        "ON s.sample_id = j.value WHERE NOT EXISTS (SELECT 1 FROM wanted_runs w WHERE "
        "w.agent_version = :version AND w.sample_id = j.value) ORDER BY j.key LIMIT :room",
        {**given, "room": max(room, 0)},
    )
    rows = db.execute(
        "SELECT j.value FROM json_each(:ids) j JOIN samples s ON s.sample_id = j.value "
        "WHERE NOT EXISTS (SELECT 1 FROM wanted_runs w WHERE w.agent_version = :version "
        "AND w.sample_id = j.value) ORDER BY j.key",
        given,
    )
    return [row[0] for row in rows]


_COUNT_QUEUED = (
    "SELECT count(*) FROM wanted_runs WHERE agent_version = :version AND queued AND late_at IS NULL"
)


def wanted_samples(
    db: Database, agent_version: str, most: int, besides: Collection[str] = ()
) -> list[str]:
    """The samples longest wanted that nobody is at, at most so many, without those `besides`."""
    rows = db.execute(
        "SELECT sample_id FROM wanted_runs WHERE agent_version = ? AND queued AND late_at IS NULL "
        "AND (claimed_until IS NULL OR claimed_until < ?) AND sample_id NOT IN "
        "(SELECT value FROM json_each(?)) ORDER BY wanted_id LIMIT ?",
        [agent_version, _now(), json.dumps(list(besides)), most],
    )
    return [row[0] for row in rows]


def claim_run(
    db: Database,
    sample_id: str,
    agent_version: str,
    by: str,
    *,
    seconds: float = LEASE_SECONDS,
    retry: bool = False,
) -> Turn:
    """Take the sample for oneself, unless there is a run on it or another is at it.

    Who gets it asks the agent and then calls `keep_run`, or `release_claims` when there is no run
    after all, and `renew_claims` in between. A run that failed is a run, but not with `retry`. A
    claim of one's own is renewed and counts as another attempt.
    """
    # Asked before, because reading waits for nobody.
    run = _standing(db, sample_id, agent_version, retry)
    return Turn(False, run) if run else _claim(db, sample_id, agent_version, by, seconds, retry)


def _standing(db: Database, sample_id: str, agent_version: str, retry: bool) -> Run | None:
    run = get_runs(db, [sample_id], agent_version).get(sample_id)
    return None if run is None or (retry and run.error is not None) else run


@atomic
def _claim(
    db: Database, sample_id: str, agent_version: str, by: str, seconds: float, retry: bool
) -> Turn:
    run = _standing(db, sample_id, agent_version, retry)
    if run is not None:
        return Turn(False, run)
    row = db.execute(
        "SELECT claimed_by FROM wanted_runs WHERE agent_version = ? AND sample_id = ? "
        "AND claimed_by IS NOT NULL AND claimed_by <> ? AND claimed_until >= ?",
        [agent_version, sample_id, by, _now()],
    ).fetchone()
    if row is not None and not _is_gone(row[0]):
        return Turn(False)
    taken = db.execute(
        "INSERT INTO wanted_runs (sample_id, agent_version, queued, wanted_at, claimed_by, "
        "claimed_until, attempts) VALUES (?, ?, 0, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET "
        "claimed_by = excluded.claimed_by, claimed_until = excluded.claimed_until, "
        "attempts = attempts + 1, late_at = NULL RETURNING attempts",
        [sample_id, agent_version, utc_now(), by, _now(seconds)],
    ).fetchall()
    return Turn(True, attempts=taken[0][0])


@atomic
def renew_claims(db: Database, by: str, seconds: float = LEASE_SECONDS) -> int:
    """Hold on to everything claimed under that name; how many there are."""
    return int(
        db.execute(
            "UPDATE wanted_runs SET claimed_until = ? WHERE claimed_by = ?", [_now(seconds), by]
        ).rowcount
    )


@atomic
def keep_run(db: Database, run: Run) -> Run:
    """Store the run, so that the sample is wanted no more; the run that stands.

    That is another one where one was stored meanwhile that did not fail: annotators may have been
    shown it.
    """
    known = get_runs(db, [run.sample_id], run.agent_version).get(run.sample_id)
    if known is not None and known.error is None:
        run = known
    else:
        insert_runs(db, [run])
    key = [run.agent_version, run.sample_id]
    db.execute(
        "DELETE FROM wanted_runs WHERE agent_version = ? AND sample_id = ? AND NOT shown_empty", key
    )
    db.execute(
        "UPDATE wanted_runs SET claimed_by = NULL, claimed_until = NULL, late_at = ? "
        "WHERE agent_version = ? AND sample_id = ?",
        [utc_now(), *key],
    )
    return run


@atomic
def release_claims(
    db: Database,
    by: str,
    sample_ids: Sequence[str] | None = None,
    *,
    seconds: float = 0.0,
    counts: bool = True,
) -> int:
    """Let go of what is claimed under that name, or of these samples of it; how many it were.

    What is wanted apart from that may be claimed again after so many seconds, and the attempt is
    not counted where it was no fault of the sample's; what nobody else wants is forgotten.
    """
    given = {
        "by": by,
        "ids": None if sample_ids is None else json.dumps(list(sample_ids)),
        "until": _now(seconds),
        "uncounted": 0 if counts else 1,
    }
    mine = "claimed_by = :by AND (:ids IS NULL OR sample_id IN (SELECT value FROM json_each(:ids)))"
    gone = db.execute(f"DELETE FROM wanted_runs WHERE {mine} AND NOT queued", given)  # noqa: S608
    kept = db.execute(
        "UPDATE wanted_runs SET claimed_by = NULL, claimed_until = :until, "  # noqa: S608
        f"attempts = attempts - :uncounted WHERE {mine}",
        given,
    )
    return int(gone.rowcount + kept.rowcount)


def free_dead_claims(db: Database) -> int:
    """Void the claims of those who are seen to have ended; how many claimants that were."""
    names = db.execute(
        "SELECT DISTINCT claimed_by FROM wanted_runs WHERE claimed_by IS NOT NULL"
    ).fetchall()
    gone = [name for (name,) in names if _is_gone(name)]
    for name in gone:
        release_claims(db, name)
    return len(gone)


def show_empty(db: Database, agent_version: str, sample_ids: Sequence[str]) -> None:
    """Record that Label Studio gets an empty prediction for those of them of which the run is
    wanted. Raises StoreError as `want_runs` does.
    """
    with impatiently(db, WHAT), transaction(db):
        db.execute(
            "UPDATE wanted_runs SET shown_empty = 1 WHERE agent_version = ? AND late_at IS NULL "
            "AND sample_id IN (SELECT value FROM json_each(?))",
            [agent_version, json.dumps(list(sample_ids))],
        )


def late_runs(db: Database, agent_version: str, most: int = 1000) -> list[str]:
    """Samples whose run came after Label Studio had been given an empty prediction, the longest
    wanted first. Whoever puts that right calls `settle_late_runs`.
    """
    rows = db.execute(
        "SELECT sample_id FROM wanted_runs WHERE agent_version = ? AND late_at IS NOT NULL "
        "ORDER BY wanted_id LIMIT ?",
        [agent_version, most],
    )
    return [row[0] for row in rows]


@atomic
def settle_late_runs(db: Database, agent_version: str, sample_ids: Sequence[str]) -> None:
    """Label Studio has the predictions of these runs now."""
    db.execute(
        "DELETE FROM wanted_runs WHERE agent_version = ? AND late_at IS NOT NULL AND sample_id IN "
        "(SELECT value FROM json_each(?))",
        [agent_version, json.dumps(list(sample_ids))],
    )


@atomic
def withdraw_failures(db: Database, agent_version: str, sample_ids: Sequence[str]) -> None:
    """Take back that the agent failed on these samples: it was the agent that was down. Their runs
    are wanted again.
    """
    given = {"version": agent_version, "ids": json.dumps(list(sample_ids)), "now": utc_now()}
    failed = (
        "FROM runs WHERE agent_version = :version AND error IS NOT NULL AND sample_id IN "
        "(SELECT value FROM json_each(:ids))"
    )
    db.execute(
        "INSERT INTO wanted_runs (sample_id, agent_version, queued, wanted_at) "
        f"SELECT sample_id, agent_version, 1, :now {failed} ON CONFLICT DO UPDATE SET "
        "queued = 1, late_at = NULL",
        given,
    )
    db.execute(f"DELETE {failed}", given)


def wanted(db: Database) -> Wanted:
    """What is wanted and not there, of all agent versions."""
    row = db.execute(
        "SELECT count(*), count(claimed_by), min(wanted_at) FROM wanted_runs "
        "WHERE queued AND late_at IS NULL"
    ).fetchone()
    return Wanted(*row)


def _now(later: float = 0.0) -> str:
    moment = datetime.now(UTC) + timedelta(seconds=later)
    return moment.isoformat(timespec="microseconds")
