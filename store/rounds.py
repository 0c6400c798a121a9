"""Rounds: one selection each, with the scores of everything that could have been picked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from goldloop.novelty import ToolPath
from goldloop.selection import Selection, mid_ranks, needs_ranks
from store.calibrators import StoredCalibrator, calibrators_in_use
from store.database import atomic, utc_now


@dataclass(frozen=True, slots=True)
class ScoredSamples:
    """Every sample that has a successful run by one agent version, ordered by id.

    The arrays have one entry a sample. `confidence` is calibrated where it can be, and NaN where
    the run has none; `in_pool` is false for what was picked in an earlier round. `comparable` is
    the confidence that a ranking may go by: with `by_rank`, its mid-rank among the runs by the same
    method. `calibrators` holds the id of each method's calibrator, where it has one.
    """

    ids: list[str]
    in_pool: NDArray[np.bool_]
    confidence: NDArray[np.float64]
    comparable: NDArray[np.float64]
    by_rank: bool
    calibrators: dict[str, int]
    prn: NDArray[np.float64]
    paths: list[ToolPath]

    def fingerprint(self) -> str:
        """SHA-256 over the ids of the pool, in order."""
        pool = (self.ids[i] for i in np.flatnonzero(self.in_pool))
        return sha256("\n".join(pool).encode()).hexdigest()


def scored_samples(db: Database, agent_version: str) -> ScoredSamples:
    """The samples and the runs that a selection goes by."""
    rows = db.execute(
        "SELECT s.sample_id, s.prn, r.confidence, r.tool_path, NOT EXISTS (SELECT 1 FROM "
        "round_scores p WHERE p.sample_id = s.sample_id AND p.reason IS NOT NULL), "
        "coalesce(r.confidence_method, '') FROM samples s JOIN runs r USING (sample_id) "
        "WHERE r.agent_version = ? AND r.error IS NULL ORDER BY s.sample_id",
        [agent_version],
    ).fetchall()
    paths: dict[str, ToolPath] = {row[3]: tuple(json.loads(row[3])) for row in rows}
    raw = np.array([row[2] for row in rows], dtype=np.float64)
    methods = np.array([row[5] for row in rows], dtype=np.str_)
    in_use = calibrators_in_use(db, agent_version)
    by_rank = needs_ranks(set(methods[~np.isnan(raw)].tolist()), in_use)
    confidence = _by_method(raw, methods, lambda own, name: _applied(in_use.get(name), own))
    return ScoredSamples(
        ids=[row[0] for row in rows],
        in_pool=np.array([row[4] for row in rows], dtype=np.bool_),
        confidence=confidence,
        comparable=_by_method(raw, methods, _ranks) if by_rank else confidence,
        by_rank=by_rank,
        calibrators={name: one.calibrator_id for name, one in in_use.items()},
        prn=np.array([row[1] for row in rows], dtype=np.float64),
        paths=[paths[row[3]] for row in rows],
    )


def _by_method(
    raw: NDArray[np.float64],
    methods: NDArray[np.str_],
    change: Callable[[NDArray[np.float64], str], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Confidences, changed method by method."""
    changed = raw.copy()
    for name in np.unique(methods):
        own = methods == name
        changed[own] = change(raw[own], str(name))
    return changed


def _applied(found: StoredCalibrator | None, own: NDArray[np.float64]) -> NDArray[np.float64]:
    return own if found is None else found.calibrator.apply(own)


def _ranks(own: NDArray[np.float64], _: str) -> NDArray[np.float64]:
    return mid_ranks(own, own)


@dataclass(frozen=True, slots=True)
class Scores:
    """What the selection made of each sample; arrays in the order of `ScoredSamples.ids`."""

    novel: NDArray[np.bool_]
    uncertainty: NDArray[np.float64]


@atomic
def write_round(
    db: Database,
    agent_version: str,
    batch_size: int,
    settings: Mapping[str, Any],
    samples: ScoredSamples,
    scores: Scores,
    selection: Selection,
) -> int:
    """Record a round, with the calibrators that it was made with; `selection` speaks of the pool
    alone.

    Belongs in one transaction with `scored_samples`, so that two rounds never share a sample.
    """
    cursor = db.conn.execute(
        "INSERT INTO rounds (agent_version, batch_size, settings, pool_size, pool_fingerprint,"
        " cutoff, prn_level, calibrators, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            agent_version,
            batch_size,
            json.dumps(settings, sort_keys=True),
            int(samples.in_pool.sum()),
            samples.fingerprint(),
            selection.cutoff,
            selection.prn_level,
            json.dumps(sorted(samples.calibrators.values())),
            utc_now(),
        ],
    )
    round_id = int(cursor.lastrowid or 0)
    db.conn.executemany(
        "INSERT INTO round_scores VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        _score_rows(round_id, samples, scores, selection),
    )
    return round_id


def _score_rows(
    round_id: int, samples: ScoredSamples, scores: Scores, selection: Selection
) -> Iterator[tuple[Any, ...]]:
    """One row a sample; SQLite keeps NaN as NULL."""
    pool = np.flatnonzero(samples.in_pool)
    probability = np.full(len(samples.ids), np.nan)
    probability[pool] = selection.inclusion_probability
    picked = _picked(pool, selection)
    columns = zip(
        samples.ids,
        samples.in_pool.astype(int).tolist(),
        samples.confidence.tolist(),
        scores.novel.astype(int).tolist(),
        scores.uncertainty.tolist(),
        probability.tolist(),
        strict=True,
    )
    for position, values in enumerate(columns):
        yield (round_id, *values, *picked.get(position, (None, None)))


def _picked(pool: NDArray[np.intp], selection: Selection) -> dict[int, tuple[str, int]]:
    """By position: the reason and the rank within the batch, from 1."""
    order = [(int(pool[i]), "uncertain") for i in selection.uncertain]
    order += [(int(pool[i]), "random") for i in selection.random]
    return {position: (reason, rank) for rank, (position, reason) in enumerate(order, start=1)}


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


_PICK = "sample_id, round_id, reason, rank, confidence, novel, uncertainty, inclusion_probability"


def _pick(row: Sequence[Any]) -> Pick:
    values = dict(zip((name.strip() for name in _PICK.split(",")), row, strict=True))
    return Pick(**{**values, "novel": bool(values["novel"])})


def round_picks(db: Database, round_id: int) -> list[Pick]:
    """The batch of a round, by rank."""
    rows = db.execute(
        f"SELECT {_PICK} FROM round_scores WHERE round_id = ? AND reason IS NOT NULL ORDER BY rank",  # noqa: S608
        [round_id],
    )
    return [_pick(row) for row in rows]


def picks_by_sample(db: Database) -> dict[str, Pick]:
    """For every sample that was ever picked, the first round's pick."""
    rows = db.execute(
        f"SELECT {_PICK} FROM round_scores WHERE reason IS NOT NULL ORDER BY round_id DESC"  # noqa: S608
    )
    return {row[0]: _pick(row) for row in rows}


def undelivered_rounds(db: Database) -> list[tuple[int, str]]:
    """Rounds that push still has to deliver, oldest first, each with its agent version."""
    rows = db.execute(
        "SELECT round_id, agent_version FROM rounds WHERE delivered_at IS NULL ORDER BY round_id"
    )
    return [(row[0], row[1]) for row in rows]


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


def labelled_paths(db: Database, agent_version: str) -> set[ToolPath]:
    """The tool paths of the runs that were given to people in any round."""
    rows = db.execute(
        "SELECT DISTINCT r.tool_path FROM runs r JOIN round_scores p USING (sample_id) "
        "WHERE p.reason IS NOT NULL AND r.agent_version = ?",
        [agent_version],
    )
    return {tuple(json.loads(row[0])) for row in rows}
