"""Rounds: one selection each, a sampling design with the scores of everything that could have been
picked, and of what was labelled already. What is written of a round never changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from goldloop.errors import StoreError
from goldloop.selection import Round, mid_ranks, needs_ranks
from store.calibrators import StoredCalibrator, calibrators_in_use
from store.database import atomic, to_json, utc_now
from store.round_columns import (
    Column,
    columns_digest,
    frame_fingerprint,
    insert_columns,
    insert_frame,
    read_columns,
    read_frame,
)


@dataclass(frozen=True, slots=True)
class ScoredSamples:
    """Every sample that has a successful run by one agent version, ordered by id.

    The arrays have one entry a sample. `raw` is the confidence as the run has it, `confidence` is
    calibrated where it can be, both NaN where the run has none; `in_pool` is false for what was
    picked in an earlier round, or answered without one. `comparable` is the confidence that a
    ranking may go by: with `by_rank`, its mid-rank among the runs by the same method. `method`
    counts from 0 in `methods`, and `calibrators` holds the id of each method's calibrator, where it
    has one.
    """

    ids: list[str]
    in_pool: NDArray[np.bool_]
    raw: NDArray[np.float64]
    confidence: NDArray[np.float64]
    comparable: NDArray[np.float64]
    by_rank: bool
    method: NDArray[np.uint8]
    methods: list[str]
    calibrators: dict[str, int]
    prn: NDArray[np.float64]

    def fingerprint(self) -> str:
        """SHA-256 over the ids of the pool, in order."""
        return frame_fingerprint([self.ids[i] for i in np.flatnonzero(self.in_pool)])


def scored_samples(db: Database, agent_version: str) -> ScoredSamples:
    """The samples and the runs that a selection goes by."""
    rows = db.execute(
        "SELECT s.sample_id, s.prn, r.confidence, coalesce(r.confidence_method, '')"
        " FROM samples s JOIN runs r USING (sample_id)"
        " WHERE r.agent_version = ? AND r.error IS NULL",
        [agent_version],
    ).fetchall()
    # Not by SQLite, which would look up every row by its id: samples often come in that order.
    rows.sort(key=itemgetter(0))
    ids, prn, confidences, methods = map(list, zip(*rows, strict=True)) if rows else ([],) * 4
    # What was answered without a round, too: it is no longer a question for people.
    given = {
        row[0]
        for row in db.execute("SELECT sample_id FROM picks UNION SELECT sample_id FROM consensus")
    }
    raw = np.array(confidences, dtype=np.float64)
    names = sorted(set(methods))
    method = _numbers(methods, names)
    in_use = calibrators_in_use(db, agent_version)
    with_confidence = {names[code] for code in np.unique(method[~np.isnan(raw)])}
    by_rank = needs_ranks(with_confidence, in_use)
    confidence = by_method(raw, method, names, _calibrating(in_use))
    return ScoredSamples(
        ids=ids,
        in_pool=np.array([one not in given for one in ids], dtype=np.bool_),
        raw=raw,
        confidence=confidence,
        comparable=by_method(raw, method, names, ranks) if by_rank else confidence,
        by_rank=by_rank,
        method=method,
        methods=names,
        calibrators={name: one.calibrator_id for name, one in in_use.items()},
        prn=np.array(prn, dtype=np.float64),
    )


def _numbers(methods: Sequence[str], names: Sequence[str]) -> NDArray[np.uint8]:
    if len(names) > np.iinfo(np.uint8).max:
        raise StoreError(f"runs by {len(names)} methods of confidence cannot be compared")
    if len(names) < 2:
        return np.zeros(len(methods), dtype=np.uint8)
    code = {name: number for number, name in enumerate(names)}
    return np.array([code[name] for name in methods], dtype=np.uint8)


def by_method(
    raw: NDArray[np.float64],
    method: NDArray[np.uint8],
    methods: Sequence[str],
    change: Callable[[NDArray[np.float64], str], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Confidences, changed method by method; `method` counts from 0 in `methods`."""
    changed = raw.copy()
    for code, name in enumerate(methods):
        own = method == code
        changed[own] = change(raw[own], name)
    return changed


def _calibrating(
    in_use: Mapping[str, StoredCalibrator],
) -> Callable[[NDArray[np.float64], str], NDArray[np.float64]]:
    def calibrate(own: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        found = in_use.get(name)
        return own if found is None else found.calibrator.apply(own)

    return calibrate


def ranks(own: NDArray[np.float64], _: str) -> NDArray[np.float64]:
    """The confidences of one method as mid-ranks among themselves."""
    return mid_ranks(own, own)


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What a selection went by, for every scored sample; arrays in the order of their ids.

    `uncertainty` is the final score, with the boost for what is `novel`. `more` holds further
    columns, such as the novelty of a text, by which the score can be worked out again.
    """

    novel: NDArray[np.bool_]
    uncertainty: NDArray[np.float64]
    more: Mapping[str, Column] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pick:
    """One sample of a batch and why it is there."""

    sample_id: str
    round_id: int
    reason: str
    rank: int
    confidence: float | None
    novel: bool
    uncertainty: float
    inclusion_probability: float


@dataclass(frozen=True, slots=True)
class StoredRound:
    """What is recorded of a round beside its columns and picks.

    `settings` are those of the selection, `calibrators` the ids of those in use, `methods` the
    names that the column `method` counts. `cutoff`, `cutoff_tie`, `prn_level` and `scale` are what
    `goldloop.selection.Round` says. `fingerprint` covers all of it, columns and picks too,
    and is None where an older Goldloop wrote the round.
    """

    round_id: int
    agent_version: str
    batch_size: int
    mode: str
    settings: Mapping[str, Any]
    pool_size: int
    pool_fingerprint: str
    cutoff: float | None
    cutoff_tie: float | None
    prn_level: float | None
    scale: float | None
    calibrators: Sequence[int]
    methods: Sequence[str]
    frame: str
    created_at: str
    fingerprint: str | None


_ROUND = (
    "round_id, agent_version, batch_size, mode, settings, pool_size, pool_fingerprint, cutoff,"
    " cutoff_tie, prn_level, scale, calibrators, methods, frame, created_at, fingerprint"
)
_JSON = ("settings", "calibrators", "methods")
_PICK = "sample_id, round_id, reason, rank, confidence, novel, uncertainty, inclusion_probability"


@atomic
def write_round(
    db: Database,
    agent_version: str,
    batch_size: int,
    settings: Mapping[str, Any],
    samples: ScoredSamples,
    scores: Scores,
    drawn: Round,
    duplicate_of: Mapping[str, str] | None = None,
) -> int:
    """Record a round, with the calibrators that it was made with.

    `duplicate_of` names by id what was passed over, and the pick that it resembles.
    Belongs in one transaction with `scored_samples`, so that two rounds never share a sample.
    """
    columns, frame = _columns(samples, scores, drawn), insert_frame(db, samples.ids)
    row = StoredRound(
        round_id=_next_round(db),
        agent_version=agent_version,
        batch_size=batch_size,
        mode=settings.get("mode", "hard"),
        settings=settings,
        pool_size=int(samples.in_pool.sum()),
        pool_fingerprint=frame if samples.in_pool.all() else samples.fingerprint(),
        cutoff=drawn.cutoff,
        cutoff_tie=drawn.cutoff_tie,
        prn_level=drawn.prn_level,
        scale=drawn.scale,
        calibrators=sorted(samples.calibrators.values()),
        methods=samples.methods,
        frame=frame,
        created_at=utc_now(),
        fingerprint=None,
    )
    picks, twins = picks_of(samples, scores, drawn, row.round_id), dict(duplicate_of or {})
    _insert_round(db, row, round_fingerprint(row, columns, picks, twins))
    insert_columns(db, row.round_id, columns)
    db.conn.executemany(
        f"INSERT INTO picks ({_PICK}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        [tuple(asdict(pick).values()) for pick in picks],
    )
    db.conn.executemany(
        "INSERT INTO near_duplicates VALUES (?, ?, ?)",
        [(row.round_id, *pair) for pair in twins.items()],
    )
    return row.round_id


def _next_round(db: Database) -> int:
    return int(db.execute("SELECT coalesce(max(round_id), 0) + 1 FROM rounds").fetchone()[0])


def _insert_round(db: Database, row: StoredRound, fingerprint: str) -> None:
    values = asdict(row) | {"fingerprint": fingerprint}
    for name in _JSON:
        values[name] = json.dumps(values[name], sort_keys=True)
    marks = ", ".join(f":{name.strip()}" for name in _ROUND.split(","))
    db.conn.execute(f"INSERT INTO rounds ({_ROUND}) VALUES ({marks})", values)  # noqa: S608


def _columns(samples: ScoredSamples, scores: Scores, drawn: Round) -> dict[str, Column]:
    """Everything that the selection went by; what equals another column is left out."""
    columns: dict[str, Column] = {
        "in_pool": samples.in_pool.astype(np.uint8),
        "raw_confidence": samples.raw,
        "novel": scores.novel.astype(np.uint8),
        "uncertainty": scores.uncertainty,
        "level": drawn.design.level,
        "certain": drawn.certain.astype(np.uint8),
        "inclusion_probability": drawn.inclusion_probability,
        **scores.more,
    }
    if len(samples.methods) > 1:
        columns["method"] = samples.method
    if not np.array_equal(samples.confidence, samples.raw, equal_nan=True):
        columns["confidence"] = samples.confidence
    if samples.by_rank:
        columns["comparable"] = samples.comparable
    return columns


def picks_of(samples: ScoredSamples, scores: Scores, drawn: Round, round_id: int) -> list[Pick]:
    """The batch, by rank from 1."""
    return [
        Pick(
            sample_id=samples.ids[place],
            round_id=round_id,
            reason=reason,
            rank=rank,
            confidence=_known(float(samples.confidence[place])),
            novel=bool(scores.novel[place]),
            uncertainty=float(scores.uncertainty[place]),
            inclusion_probability=float(drawn.inclusion_probability[place]),
        )
        for rank, (place, reason) in enumerate(
            zip(drawn.picks.tolist(), drawn.reasons, strict=True), start=1
        )
    ]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def round_fingerprint(
    row: StoredRound, columns: Mapping[str, Column], picks: Sequence[Pick], twins: Mapping[str, str]
) -> str:
    """SHA-256 over everything that is recorded of a round, except for the fingerprint itself."""
    facts = asdict(row)
    del facts["fingerprint"]
    rest = [facts, columns_digest(columns), [asdict(pick) for pick in picks], sorted(twins.items())]
    return sha256(to_json(rest).encode()).hexdigest()


def get_round(db: Database, round_id: int) -> StoredRound | None:
    """What is recorded of a round, or None."""
    found = [one for one in get_rounds(db) if one.round_id == round_id]
    return found[0] if found else None


def get_rounds(db: Database) -> list[StoredRound]:
    """Every round, oldest first."""
    rows = db.execute(f"SELECT {_ROUND} FROM rounds ORDER BY round_id")  # noqa: S608
    return [_round(row) for row in rows]


def _round(row: Sequence[Any]) -> StoredRound:
    values = dict(zip((name.strip() for name in _ROUND.split(",")), row, strict=True))
    return StoredRound(**values | {name: json.loads(values[name]) for name in _JSON})


def round_frame(db: Database, row: StoredRound) -> list[str]:
    """The ids of the samples that the round scored, in the order of its columns."""
    return read_frame(db, row.frame)


def round_scores(db: Database, row: StoredRound, names: Sequence[str] = ()) -> dict[str, Column]:
    """The columns of a round by name, all or those named, as far as they are kept."""
    return read_columns(db, row.round_id, names)


def round_near_duplicates(db: Database, round_id: int) -> dict[str, str]:
    """By id: what a round left out, drawn or not, and the pick that it resembles."""
    rows = db.execute(
        "SELECT sample_id, duplicate_of FROM near_duplicates WHERE round_id = ? ORDER BY 1",
        [round_id],
    )
    return dict(rows.fetchall())


def near_duplicates(db: Database) -> dict[str, str]:
    """By id: whatever a round left out, and the pick that it resembles; that of the last round."""
    rows = db.execute("SELECT sample_id, duplicate_of FROM near_duplicates ORDER BY round_id")
    return dict(rows.fetchall())


def _pick(row: Sequence[Any]) -> Pick:
    values = dict(zip((name.strip() for name in _PICK.split(",")), row, strict=True))
    return Pick(**{**values, "novel": bool(values["novel"])})


def round_picks(db: Database, round_id: int) -> list[Pick]:
    """The batch of a round, by rank."""
    rows = db.execute(f"SELECT {_PICK} FROM picks WHERE round_id = ? ORDER BY rank", [round_id])  # noqa: S608
    return [_pick(row) for row in rows]


def pick_counts(db: Database) -> dict[int, dict[str, int]]:
    """For every round: how many picks were taken for being uncertain (some only by the boost for
    what is novel) and at random, and how many of all are novel.
    """
    rows = db.execute(
        "SELECT round_id, count(*), sum(reason != 'random'), sum(reason = 'random'), sum(novel)"
        " FROM picks GROUP BY 1"
    )
    names = ("picks", "uncertain", "random", "novel")
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}


def picks_by_sample(db: Database) -> dict[str, Pick]:
    """For every sample that was ever picked, the first round's pick."""
    rows = db.execute(f"SELECT {_PICK} FROM picks ORDER BY round_id DESC")  # noqa: S608
    return {row[0]: _pick(row) for row in rows}


def first_rounds(db: Database) -> dict[str, int]:
    """For every sample that was ever picked, the first round that did."""
    return dict(db.execute("SELECT sample_id, min(round_id) FROM picks GROUP BY 1").fetchall())


def undelivered_rounds(db: Database) -> list[tuple[int, str]]:
    """Rounds that push still has to deliver, oldest first, each with its agent version."""
    rows = db.execute(
        "SELECT round_id, agent_version FROM rounds WHERE delivered_at IS NULL ORDER BY round_id"
    )
    return [(row[0], row[1]) for row in rows]


def count_undelivered(db: Database) -> int:
    """How many picks of those rounds have no task yet."""
    return int(
        db.execute(
            "SELECT count(*) FROM rounds r JOIN picks p USING (round_id)"
            " WHERE r.delivered_at IS NULL AND NOT EXISTS (SELECT 1 FROM tasks t"
            " WHERE t.round_id = r.round_id AND t.sample_id = p.sample_id"
            " AND t.state = 'delivered')"
        ).fetchone()[0]
    )


@atomic
def keep_model_version(db: Database, round_id: int, model_version: str) -> str:
    """The model version of the predictions that the round's tasks are imported with: this one, or
    the one that an earlier, unfinished delivery began with.
    """
    db.execute(
        "UPDATE rounds SET model_version = coalesce(model_version, ?) WHERE round_id = ?",
        [model_version, round_id],
    )
    row = db.execute("SELECT model_version FROM rounds WHERE round_id = ?", [round_id]).fetchone()
    return str(row[0])


@atomic
def finish_round(db: Database, round_id: int) -> None:
    """Every task of the round has arrived."""
    db.execute("UPDATE rounds SET delivered_at = ? WHERE round_id = ?", [utc_now(), round_id])
