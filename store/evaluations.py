"""Evaluations as they are read: what an agent did on each case and how it was graded; and gates."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from goldloop.evaluation import Attempt, Case, Evaluation, GraderFacts
from goldloop.graders import Grade
from goldloop.messages import read_messages, read_tool_calls
from goldloop.samples import Run, ToolCall
from store.database import atomic, to_json, utc_now

_FACTS = ("name", "kind", "version", "weight", "threshold", "model")


@dataclass(frozen=True, slots=True)
class StoredEvaluation:
    """An evaluation without its cases; `finished_at` is None while attempts are missing."""

    evaluation_id: int
    dataset: str
    version: str
    content_fingerprint: str
    labels_fingerprint: str
    agent_version: str
    agent: Mapping[str, Any]
    graders: tuple[GraderFacts, ...]
    graders_fingerprint: str
    pass_score: float | None
    runs_per_case: int
    branch: str | None
    message: str | None
    notes: tuple[str, ...]
    created_at: str
    finished_at: str | None
    seconds: float
    cases: int


@dataclass(frozen=True, slots=True)
class StoredGate:
    """What a gate said of a candidate; `record` is the verdict's. No baseline: it was a file."""

    gate_id: int
    candidate_id: int
    baseline_id: int | None
    status: str
    record: Mapping[str, Any]
    created_at: str


_EVALUATION = (
    "SELECT evaluation_id, dataset, version, content_fingerprint, labels_fingerprint,"
    " agent_version, agent, graders, graders_fingerprint, pass_score, runs_per_case, branch,"
    " message, notes, created_at, finished_at, seconds, (SELECT count(*) FROM evaluation_cases c"
    " WHERE c.evaluation_id = e.evaluation_id) AS cases FROM evaluations e"
)


def list_evaluations(
    db: Database,
    dataset: str | None = None,
    agent_version: str | None = None,
    branch: str | None = None,
) -> list[StoredEvaluation]:
    """Every evaluation, or those of one dataset, agent version or branch; oldest first."""
    rows = db.execute(
        f"{_EVALUATION} WHERE (?1 IS NULL OR dataset = ?1) AND (?2 IS NULL OR agent_version = ?2)"
        " AND (?3 IS NULL OR branch = ?3) ORDER BY evaluation_id",
        [dataset, agent_version, branch],
    )
    return [_stored(row) for row in rows]


def count_evaluations(db: Database) -> tuple[int, int]:
    """How many evaluations are finished, and how many are not."""
    row = db.execute(
        "SELECT count(finished_at), count(*) - count(finished_at) FROM evaluations"
    ).fetchone()
    return int(row[0]), int(row[1])


def was_evaluated(db: Database, dataset: str, version: str) -> bool:
    """Whether an evaluation on that version has ended."""
    rows = db.execute(
        "SELECT 1 FROM evaluations WHERE dataset = ? AND version = ? AND finished_at IS NOT NULL"
        " LIMIT 1",
        [dataset, version],
    )
    return rows.fetchone() is not None


def stored_evaluation(db: Database, evaluation_id: int) -> StoredEvaluation | None:
    """One of them."""
    # SQLite has no larger numbers, and refuses to compare with one.
    if not 0 < evaluation_id < 2**63:
        return None
    row = db.execute(f"{_EVALUATION} WHERE evaluation_id = ?", [evaluation_id]).fetchone()
    return None if row is None else _stored(row)


def _stored(row: Sequence[Any]) -> StoredEvaluation:
    record = list(row)
    record[6] = json.loads(row[6])
    record[7] = tuple(
        GraderFacts(**{key: one[key] for key in _FACTS}) for one in json.loads(row[7])
    )
    record[13] = tuple(json.loads(row[13]))
    return StoredEvaluation(*record)


def evaluations_of(db: Database, sample_id: str) -> list[int]:
    """The evaluations that have this sample among their cases, oldest first."""
    rows = db.execute(
        "SELECT evaluation_id FROM evaluations e WHERE EXISTS (SELECT 1 FROM evaluation_cases c"
        " WHERE c.evaluation_id = e.evaluation_id AND c.sample_id = ?) ORDER BY evaluation_id",
        [sample_id],
    )
    return [int(row[0]) for row in rows]


def get_evaluation(
    db: Database, evaluation_id: int, sample_id: str | None = None
) -> Evaluation | None:
    """An evaluation with its cases, or one of them alone, and the attempts that are complete."""
    found = stored_evaluation(db, evaluation_id)
    if found is None:
        return None
    unfinished = () if found.finished_at else ("it is not finished",)
    return Evaluation(
        evaluation_id=str(evaluation_id),
        dataset=found.dataset,
        version=found.version,
        content_fingerprint=found.content_fingerprint,
        labels_fingerprint=found.labels_fingerprint,
        agent_version=found.agent_version,
        graders=found.graders,
        cases=_cases(db, _Which(evaluation_id, sample_id)),
        runs_per_case=found.runs_per_case,
        pass_score=found.pass_score,
        agent=found.agent,
        branch=found.branch,
        created_at=found.created_at,
        seconds=found.seconds,
        notes=(*found.notes, *unfinished),
    )


@dataclass(frozen=True, slots=True)
class _Which:
    """All cases of an evaluation, or one."""

    evaluation_id: int
    sample_id: str | None

    @property
    def where(self) -> str:
        return "evaluation_id = ?" + (" AND sample_id = ?" if self.sample_id is not None else "")

    @property
    def values(self) -> list[int | str]:
        return [self.evaluation_id, *([] if self.sample_id is None else [self.sample_id])]


def _cases(db: Database, which: _Which) -> tuple[Case, ...]:
    attempts = _attempts(db, which)
    rows = db.execute(
        "SELECT sample_id, content, user_input, cluster_id, tags, difficulty, source,"  # noqa: S608
        f" inclusion_probability, task_url FROM evaluation_cases WHERE {which.where}"
        " ORDER BY sample_id",
        which.values,
    )
    return tuple(
        Case(
            sample_id=row[0],
            content=row[1],
            attempts=tuple(attempts.get(row[0], ())),
            user_input=row[2],
            cluster_id=row[3],
            tags=tuple(json.loads(row[4])),
            difficulty=row[5],
            source=row[6],
            inclusion_probability=row[7],
            task_url=row[8],
        )
        for row in rows
    )


def _attempts(db: Database, which: _Which) -> dict[str, list[Attempt]]:
    grades = _grades(db, which)
    rows = db.execute(
        "SELECT sample_id, attempt, error, response, tool_calls, seconds, input_tokens,"  # noqa: S608
        f" output_tokens, usd FROM evaluation_attempts WHERE {which.where}"
        " AND graded_at IS NOT NULL ORDER BY sample_id, attempt",
        which.values,
    )
    found: dict[str, list[Attempt]] = {}
    for sample_id, attempt, error, response, calls, *measured in rows:
        made = tuple(grades.get((sample_id, attempt), ()))
        found.setdefault(sample_id, []).append(
            Attempt(made, error, response, _calls(calls), *measured)
        )
    return found


def _calls(text: str) -> tuple[ToolCall, ...]:
    return read_tool_calls(json.loads(text), "tool_calls")


def _grades(db: Database, which: _Which) -> dict[tuple[str, int], list[Grade]]:
    rows = db.execute(
        "SELECT sample_id, attempt, grader, score, passed, reason, details, error"  # noqa: S608
        f" FROM evaluation_grades WHERE {which.where} ORDER BY sample_id, attempt, grader",
        which.values,
    )
    found: dict[tuple[str, int], list[Grade]] = {}
    for sample_id, attempt, grader, score, passed, reason, details, error in rows:
        said = None if passed is None else bool(passed)
        grade = Grade(grader, score, said, reason, json.loads(details), error)
        found.setdefault((sample_id, attempt), []).append(grade)
    return found


def attempt_run(db: Database, evaluation_id: int, sample_id: str, attempt: int) -> Run | None:
    """What the agent did in one attempt (from 0), with its whole trace."""
    row = db.execute(
        "SELECT e.agent_version, a.response, a.tool_calls, a.messages, a.error, a.stop_reason,"
        " a.seconds, a.input_tokens, a.output_tokens, a.created_at FROM evaluation_attempts a"
        " JOIN evaluations e USING (evaluation_id) WHERE evaluation_id = ? AND sample_id = ?"
        " AND attempt = ?",
        [evaluation_id, sample_id, attempt],
    ).fetchone()
    if row is None:
        return None
    return Run(
        sample_id=sample_id,
        agent_version=row[0],
        response=row[1],
        tool_calls=_calls(row[2]),
        messages=read_messages(json.loads(row[3]), "messages"),
        error=row[4],
        stop_reason=row[5],
        seconds=row[6],
        input_tokens=row[7],
        output_tokens=row[8],
        created_at=row[9],
    )


@atomic
def save_gate(
    db: Database,
    candidate_id: int,
    baseline_id: int | None,
    status: str,
    record: Mapping[str, Any],
) -> int:
    """Keep what a gate said; its number."""
    made = db.execute(
        "INSERT INTO gates (candidate_id, baseline_id, status, record, created_at)"
        " VALUES (?, ?, ?, ?, ?)",
        [candidate_id, baseline_id, status, to_json(dict(record)), utc_now()],
    )
    return int(made.lastrowid or 0)


def newest_gate(db: Database, candidate_id: int) -> StoredGate | None:
    """The last gate that an evaluation went through."""
    row = db.execute(
        "SELECT gate_id, candidate_id, baseline_id, status, record, created_at FROM gates"
        " WHERE candidate_id = ? ORDER BY gate_id DESC LIMIT 1",
        [candidate_id],
    ).fetchone()
    if row is None:
        return None
    number, candidate, baseline, status, record, created_at = row
    return StoredGate(number, candidate, baseline, status, json.loads(record), created_at)
