"""Writing evaluations: begun once, an attempt at a time, and never changed when finished."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlite_utils import Database

from goldloop.evaluation import Case, GraderFacts
from goldloop.graders import Grade, Grader
from goldloop.messages import call_record, message_record
from goldloop.samples import Run
from store.database import atomic, to_json, utc_now

# As the agent wrote it: the order of a call's arguments is kept, for people to read.
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """An evaluation before it begins.

    `key` is the same for what may go on as one evaluation. `specs` are the whole graders that the
    facts are of; those of cases are with the cases. The cases have no attempts yet.
    """

    key: str
    dataset: str
    version: str
    content_fingerprint: str
    labels_fingerprint: str
    agent_version: str
    graders: tuple[GraderFacts, ...]
    graders_fingerprint: str
    cases: tuple[Case, ...]
    runs_per_case: int = 1
    pass_score: float | None = None
    specs: tuple[Grader, ...] = ()
    agent: Mapping[str, Any] = field(default_factory=dict)
    branch: str | None = None
    message: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredAttempt:
    """How far an attempt is: `graded` names the graders that gave a grade (or failed to), and
    `complete` says that no other is to come.
    """

    sample_id: str
    attempt: int
    error: str | None
    complete: bool
    graded: frozenset[str]


@atomic
def begin_evaluation(db: Database, plan: EvaluationPlan, like: int | None = None) -> int:
    """A new evaluation, with what came to something in the evaluation `like` of the same plan."""
    values = {
        "plan": plan.key,
        "dataset": plan.dataset,
        "version": plan.version,
        "content_fingerprint": plan.content_fingerprint,
        "labels_fingerprint": plan.labels_fingerprint,
        "agent_version": plan.agent_version,
        "agent": to_json(dict(plan.agent)),
        "graders": to_json(_grader_records(plan)),
        "graders_fingerprint": plan.graders_fingerprint,
        "pass_score": plan.pass_score,
        "runs_per_case": plan.runs_per_case,
        "branch": plan.branch,
        "message": plan.message,
        "notes": to_json(list(plan.notes)),
        "created_at": utc_now(),
    }
    marks = ", ".join("?" for _ in values)
    sql = f"INSERT INTO evaluations ({', '.join(values)}) VALUES ({marks})"  # noqa: S608
    evaluation_id = int(db.execute(sql, list(values.values())).lastrowid or 0)
    _insert_cases(db, evaluation_id, plan.cases)
    if like is not None:
        _copy_attempts(db, evaluation_id, like)
        forget_errors(db, evaluation_id)
    return evaluation_id


def _grader_records(plan: EvaluationPlan) -> list[dict[str, Any]]:
    """The whole graders, so that it can be read what graded."""
    specs = {grader.name: asdict(grader) for grader in plan.specs}
    return [{**specs.get(facts.name, {}), **asdict(facts)} for facts in plan.graders]


def _insert_cases(db: Database, evaluation_id: int, cases: Iterable[Case]) -> None:
    db.conn.executemany(
        "INSERT INTO evaluation_cases (evaluation_id, sample_id, content, user_input, cluster_id,"
        " tags, difficulty, source, inclusion_probability, task_url)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                evaluation_id,
                case.sample_id,
                case.content,
                case.user_input,
                case.cluster_id,
                to_json(list(case.tags)),
                case.difficulty,
                case.source,
                case.inclusion_probability,
                case.task_url,
            )
            for case in cases
        ),
    )


def _copy_attempts(db: Database, to: int, of: int) -> None:
    run = "sample_id, attempt, response, tool_calls, messages, error, stop_reason, seconds"
    run += ", input_tokens, output_tokens, usd, created_at, graded_at"
    grade = "sample_id, attempt, grader, score, passed, reason, details, error"
    for table, columns in (("evaluation_attempts", run), ("evaluation_grades", grade)):
        db.execute(
            f"INSERT INTO {table} (evaluation_id, {columns}) SELECT ?, {columns} FROM {table}"  # noqa: S608
            " WHERE evaluation_id = ?",
            [to, of],
        )


@atomic
def forget_errors(db: Database, evaluation_id: int) -> int:
    """Take attempts that failed, and failed grades, out of an unfinished evaluation, to be made
    again; how many attempts that touches.
    """
    values = {"evaluation": evaluation_id}
    of_attempt = (
        "evaluation_id = :evaluation AND EXISTS (SELECT 1 FROM evaluation_attempts a WHERE"
        " a.evaluation_id = g.evaluation_id AND a.sample_id = g.sample_id AND"
        " a.attempt = g.attempt AND a.error IS NOT NULL)"
    )
    db.execute(f"DELETE FROM evaluation_grades AS g WHERE {of_attempt}", values)  # noqa: S608
    gone = db.execute(
        "DELETE FROM evaluation_attempts WHERE evaluation_id = :evaluation AND error IS NOT NULL",
        values,
    ).rowcount
    again = db.execute(
        "UPDATE evaluation_attempts AS a SET graded_at = NULL WHERE evaluation_id = :evaluation"
        " AND EXISTS (SELECT 1 FROM evaluation_grades g WHERE g.evaluation_id = a.evaluation_id"
        " AND g.sample_id = a.sample_id AND g.attempt = a.attempt AND g.score IS NULL)",
        values,
    ).rowcount
    db.execute(
        "DELETE FROM evaluation_grades WHERE evaluation_id = :evaluation AND score IS NULL", values
    )
    return gone + again


def find_unfinished(db: Database, key: str) -> int | None:
    """The newest evaluation of a plan that has attempts left."""
    return _newest(db, key, "finished_at IS NULL")


def find_finished(db: Database, key: str) -> int | None:
    """The newest evaluation of a plan that has none left."""
    return _newest(db, key, "finished_at IS NOT NULL")


def _newest(db: Database, key: str, where: str) -> int | None:
    sql = f"SELECT max(evaluation_id) FROM evaluations WHERE plan = ? AND {where}"  # noqa: S608
    found = db.execute(sql, [key]).fetchone()[0]
    return None if found is None else int(found)


def stored_attempts(db: Database, evaluation_id: int) -> list[StoredAttempt]:
    """How far every attempt is that there is."""
    rows = db.execute(
        "SELECT a.sample_id, a.attempt, a.error, a.graded_at IS NOT NULL,"
        " json_group_array(g.grader) FROM evaluation_attempts a LEFT JOIN evaluation_grades g"
        " USING (evaluation_id, sample_id, attempt) WHERE a.evaluation_id = ?"
        " GROUP BY a.sample_id, a.attempt",
        [evaluation_id],
    )
    return [
        StoredAttempt(row[0], row[1], row[2], bool(row[3]), frozenset(json.loads(row[4])) - {None})
        for row in rows
    ]


@atomic
def save_attempt(
    db: Database, evaluation_id: int, attempt: int, run: Run, usd: str | None = None
) -> None:
    """Store what the agent did; there is nothing to grade where it failed."""
    now = utc_now()
    db.execute(
        "INSERT INTO evaluation_attempts (evaluation_id, sample_id, attempt, response, tool_calls,"
        " messages, error, stop_reason, seconds, input_tokens, output_tokens, usd, created_at,"
        " graded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            evaluation_id,
            run.sample_id,
            attempt,
            run.response,
            _json([call_record(call) for call in run.tool_calls]),
            _json([message_record(message) for message in run.messages]),
            run.error,
            run.stop_reason,
            run.seconds,
            run.input_tokens,
            run.output_tokens,
            usd,
            run.created_at or now,
            now if run.error is not None else None,
        ],
    )


@atomic
def save_grades(
    db: Database,
    evaluation_id: int,
    sample_id: str,
    attempt: int,
    grades: Iterable[Grade],
    *,
    complete: bool,
) -> None:
    """Store grades of an attempt; `complete` says that they are the last ones."""
    db.conn.executemany(
        "INSERT INTO evaluation_grades (evaluation_id, sample_id, attempt, grader, score, passed,"
        " reason, details, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                evaluation_id,
                sample_id,
                attempt,
                one.grader,
                one.score,
                one.passed,
                one.reason,
                to_json(dict(one.details)),
                one.error,
            )
            for one in grades
        ),
    )
    if complete:
        db.execute(
            "UPDATE evaluation_attempts SET graded_at = ? WHERE evaluation_id = ?"
            " AND sample_id = ? AND attempt = ?",
            [utc_now(), evaluation_id, sample_id, attempt],
        )


@atomic
def add_seconds(db: Database, evaluation_id: int, seconds: float) -> None:
    """Count in how long an unfinished evaluation was worked at."""
    db.execute(
        "UPDATE evaluations SET seconds = seconds + ? WHERE evaluation_id = ?",
        [seconds, evaluation_id],
    )


@atomic
def finish_evaluation(db: Database, evaluation_id: int) -> None:
    """Every attempt is there: from now on nothing in it can be changed."""
    db.execute(
        "UPDATE evaluations SET finished_at = ? WHERE evaluation_id = ?", [utc_now(), evaluation_id]
    )
