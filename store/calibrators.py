"""Calibrators: fitted once, kept for ever; the newest of an agent version and a method counts.

All that were fitted together have one number, from 1 for each agent version, and a new number is a
new model version for Label Studio.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlite_utils import Database

from goldloop.calibration import Calibrator, read_calibrator
from goldloop.samples import Run
from goldloop.selection import mid_ranks, needs_ranks
from store.database import atomic, to_json, utc_now

# The method of a run that does not say what gave its confidence.
NO_METHOD = ""


@dataclass(frozen=True, slots=True)
class StoredCalibrator:
    """A calibrator with what it is for, what it was fitted on and how well it does."""

    calibrator_id: int
    agent_version: str
    method: str
    number: int
    calibrator: Calibrator
    report: Mapping[str, Any]
    fingerprint: str
    created_at: str


@dataclass(frozen=True, slots=True)
class Fitted:
    """A calibrator that is to be kept, for one method."""

    method: str
    calibrator: Calibrator
    report: Mapping[str, Any]
    fingerprint: str


def model_version(db: Database, agent_version: str) -> str:
    """What Label Studio calls the predictions of an agent version as it is calibrated now: the
    version itself without a calibrator, else a name that every new calibrator changes.
    """
    row = db.execute(
        "SELECT max(number) FROM calibrators WHERE agent_version = ?", [agent_version]
    ).fetchone()
    return agent_version if row[0] is None else f"{agent_version}+calibrated.{row[0]}"


def _calibrated(run: Run, newest: Mapping[str, StoredCalibrator]) -> Run:
    found = newest.get(run.confidence_method or NO_METHOD)
    if found is None or run.confidence is None:
        return run
    return replace(run, confidence=float(found.calibrator.apply(run.confidence)))


def comparable(db: Database, runs: Sequence[Run]) -> list[Run]:
    """The same runs, each with a confidence that may stand in one ranking of its version's runs.

    It is the calibrated one; but where the version has runs by several methods and not all have a
    calibrator, its mid-rank among the runs by its own method.
    """
    versions = {run.agent_version for run in runs}
    newest = {version: calibrators_in_use(db, version) for version in versions}
    mixed = {one for one in versions if needs_ranks(_methods(db, one), newest[one])}
    by_scale: dict[tuple[str, str], list[int]] = {}
    for place, run in enumerate(runs):
        if run.agent_version in mixed and run.confidence is not None:
            by_scale.setdefault(_scale(run), []).append(place)
    found = [_calibrated(run, newest[run.agent_version]) for run in runs]
    for scale, places in by_scale.items():
        own = np.array([runs[place].confidence for place in places], dtype=np.float64)
        # Runs that are not stored yet have nothing else to be compared with, perhaps.
        among = _confidences(db, *scale) or own.tolist()
        for place, rank in zip(places, mid_ranks(own, among).tolist(), strict=True):
            found[place] = replace(runs[place], confidence=rank)
    return found


def _scale(run: Run) -> tuple[str, str]:
    """What a confidence must share with another to be compared with it as it is."""
    return run.agent_version, run.confidence_method or NO_METHOD


def _methods(db: Database, agent_version: str) -> list[str]:
    """The methods that gave the version's runs a confidence, each found by one look into the index,
    however many runs there are.
    """
    rows = db.execute(
        "WITH RECURSIVE methods (name) AS (SELECT min(coalesce(confidence_method, '')) FROM runs"
        " WHERE agent_version = :version AND confidence IS NOT NULL UNION ALL SELECT (SELECT"
        " min(coalesce(confidence_method, '')) FROM runs WHERE agent_version = :version AND"
        " coalesce(confidence_method, '') > name AND confidence IS NOT NULL) FROM methods"
        " WHERE name IS NOT NULL) SELECT name FROM methods WHERE name IS NOT NULL",
        {"version": agent_version},
    )
    return [row[0] for row in rows]


def _confidences(db: Database, agent_version: str, method: str) -> list[float]:
    """All confidences by one method, in rising order."""
    rows = db.execute(
        "SELECT confidence FROM runs WHERE agent_version = ? AND coalesce(confidence_method, '')"
        " = ? AND confidence IS NOT NULL ORDER BY confidence",
        [agent_version, method],
    )
    return [row[0] for row in rows]


def calibrators_in_use(db: Database, agent_version: str) -> dict[str, StoredCalibrator]:
    """The newest calibrator of each method of an agent version."""
    # SQLite gives the other columns of the row that holds the maximum.
    rows = db.execute(
        "SELECT calibrator_id, agent_version, method, max(number), kind, parameters, report,"
        " fingerprint, created_at FROM calibrators WHERE agent_version = ? GROUP BY method",
        [agent_version],
    )
    return {row[2]: _stored(row) for row in rows}


def read_calibrators(db: Database, numbers: Sequence[int]) -> dict[str, Calibrator]:
    """The calibrators of these ids, by the method that each is for."""
    rows = db.execute(
        "SELECT method, kind, parameters FROM calibrators WHERE calibrator_id IN"
        " (SELECT value FROM json_each(?))",
        [json.dumps(list(numbers))],
    )
    return {row[0]: read_calibrator(row[1], json.loads(row[2])) for row in rows}


def _stored(row: Sequence[Any]) -> StoredCalibrator:
    number, version, method, generation, kind, parameters, report, fingerprint, created_at = row
    return StoredCalibrator(
        calibrator_id=number,
        agent_version=version,
        method=method,
        number=generation,
        calibrator=read_calibrator(kind, json.loads(parameters)),
        report=json.loads(report),
        fingerprint=fingerprint,
        created_at=created_at,
    )


@atomic
def save_calibrators(db: Database, agent_version: str, fitted: Sequence[Fitted]) -> int:
    """Keep what was fitted together, under a new number, which is returned."""
    row = db.execute(
        "SELECT coalesce(max(number), 0) + 1 FROM calibrators WHERE agent_version = ?",
        [agent_version],
    ).fetchone()
    number, now = int(row[0]), utc_now()
    db.conn.executemany(
        "INSERT INTO calibrators (agent_version, method, number, kind, parameters, report,"
        " fingerprint, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                agent_version,
                one.method,
                number,
                one.calibrator.kind,
                to_json(one.calibrator.parameters()),
                to_json(one.report),
                one.fingerprint,
                now,
            )
            for one in fitted
        ],
    )
    return number
