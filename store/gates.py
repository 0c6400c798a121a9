"""Gates as they are read: a list with the figures to look at first, and one whole."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlite_utils import Database

from store.evaluations import StoredGate


@dataclass(frozen=True, slots=True)
class ListedGate:
    """A gate in a list; `change` has a 95% interval, and with `p` and `pairs` is None where no case
    was compared. `baseline_id` is None where the baseline was a file.
    """

    gate_id: int
    candidate_id: int
    baseline_id: int | None
    status: str
    created_at: str
    sentence: str
    policy: str
    candidate: str
    baseline: str
    change: float | None
    low: float | None
    high: float | None
    p: float | None
    pairs: int | None
    smallest_drop: float | None


_LISTED = (
    "sentence",
    "rules.policy",
    "candidate.agent_version",
    "baseline.agent_version",
    "paired.change",
    "paired.low",
    "paired.high",
    "paired.p",
    "paired.pairs",
    "power.smallest_drop",
)
_WHERE = (
    " WHERE (:status IS NULL OR status = :status) AND (:evaluation IS NULL"
    " OR candidate_id = :evaluation OR baseline_id = :evaluation)"
)


def count_gates(db: Database, status: str | None = None) -> int:
    """How many gates there were, or how many with such a verdict."""
    sql = f"SELECT count(*) FROM gates {_WHERE}"  # noqa: S608
    return int(db.execute(sql, {"status": status, "evaluation": None}).fetchone()[0])


def blocked_evaluation(db: Database) -> int | None:
    """The newest finished evaluation, where its last gate found a regression."""
    row = db.execute(
        "SELECT candidate_id, status FROM gates WHERE candidate_id = (SELECT max(evaluation_id)"
        " FROM evaluations WHERE finished_at IS NOT NULL) ORDER BY gate_id DESC LIMIT 1"
    ).fetchone()
    return None if row is None or row[1] != "regression" else int(row[0])


def list_gates(
    db: Database,
    status: str | None = None,
    evaluation_id: int | None = None,
    start: int = 0,
    most: int = 100,
) -> list[ListedGate]:
    """Gates from the newest on, all or those with a verdict or of an evaluation on either side."""
    parts = ", ".join(f"'$.{key}'" for key in _LISTED)
    rows = db.execute(
        # All at once, for each reads the whole record with its flips.
        "SELECT gate_id, candidate_id, baseline_id, status, created_at,"  # noqa: S608
        f" json_extract(record, {parts})"
        f" FROM gates {_WHERE} ORDER BY gate_id DESC LIMIT :most OFFSET :start",
        {"status": status, "evaluation": evaluation_id, "start": start, "most": most},
    )
    return [ListedGate(*row, *json.loads(listed)) for *row, listed in rows]


def get_gate(db: Database, gate_id: int) -> StoredGate | None:
    """One of them."""
    # SQLite has no larger numbers, and refuses to compare with one.
    if not 0 < gate_id < 2**63:
        return None
    row = db.execute(
        "SELECT gate_id, candidate_id, baseline_id, status, record, created_at FROM gates"
        " WHERE gate_id = ?",
        [gate_id],
    ).fetchone()
    if row is None:
        return None
    number, candidate, baseline, status, record, created_at = row
    return StoredGate(number, candidate, baseline, status, json.loads(record), created_at)
