"""An evaluation as one JSON object, out and in.

What is read may come from anywhere: types are checked, lengths and counts bounded, and errors name
the place. What was written comes back equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from goldloop.errors import RecordError
from goldloop.evaluation.values import SCHEMA, Attempt, Case, Evaluation, GraderFacts
from goldloop.graders.grader import Grade
from goldloop.json_values import (
    Object,
    check_json,
    count_at,
    identifier_at,
    kind,
    number_at,
    object_at,
    place,
    refuse_unknown,
    shown,
    text_at,
    texts_at,
    time_at,
)
from goldloop.messages import call_record, read_tool_calls

MAX_CASES = 100_000
MAX_ATTEMPTS = 100
MAX_GRADERS = 100
MAX_NOTES = 1_000
MAX_SECONDS = 1e9
MAX_WEIGHT = 1e9
MAX_USD = Decimal(10) ** 12
_FAMILY = "goldloop-evaluation-"
_EVALUATION = frozenset(Evaluation.__dataclass_fields__) | {"schema"}
_CASE = frozenset(Case.__dataclass_fields__)
_ATTEMPT = frozenset(Attempt.__dataclass_fields__)
_GRADE = frozenset(Grade.__dataclass_fields__)
_FACTS = frozenset(GraderFacts.__dataclass_fields__)

T = TypeVar("T")


def evaluation_record(evaluation: Evaluation) -> dict[str, Any]:
    """The evaluation as JSON values; `read_evaluation` gives it back."""
    return {
        "schema": SCHEMA,
        **{key: getattr(evaluation, key) for key in Evaluation.__dataclass_fields__},
        "agent": dict(evaluation.agent),
        "graders": [asdict(facts) for facts in evaluation.graders],
        "cases": [_case_record(case) for case in evaluation.cases],
        "notes": list(evaluation.notes),
    }


def _case_record(case: Case) -> dict[str, Any]:
    return {
        **{key: getattr(case, key) for key in Case.__dataclass_fields__},
        "tags": list(case.tags),
        "attempts": [_attempt_record(attempt) for attempt in case.attempts],
    }


def _attempt_record(attempt: Attempt) -> dict[str, Any]:
    return {
        **{key: getattr(attempt, key) for key in Attempt.__dataclass_fields__},
        "tool_calls": [call_record(call) for call in attempt.tool_calls],
        "grades": [_grade_record(grade) for grade in attempt.grades],
    }


def _grade_record(grade: Grade) -> dict[str, Any]:
    known = {key: getattr(grade, key) for key in Grade.__dataclass_fields__}
    return {**known, "details": dict(grade.details)}


def read_evaluation(record: object, where: str) -> Evaluation:
    """The evaluation that `evaluation_record` wrote, or somebody else did.

    Raises RecordError that begins with `where` and names the key at fault.
    """
    try:
        return _evaluation(record)
    except RecordError as error:
        raise RecordError(f"{where}: {error}") from None


def _evaluation(value: object) -> Evaluation:
    record = _object(value, "the evaluation")
    _check_schema(record)
    check_json(record)
    refuse_unknown(record, _EVALUATION)
    graders = _each(record, "graders", MAX_GRADERS, _facts)
    _refuse_doubles([facts.name for facts in graders], "graders", "grader")
    cases = _each(record, "cases", MAX_CASES, _case)
    _refuse_doubles([case.sample_id for case in cases], "cases", "case")
    _refuse_strangers(cases, {facts.name for facts in graders})
    return Evaluation(
        evaluation_id=_needed(identifier_at(record, "evaluation_id"), "evaluation_id"),
        dataset=_needed(identifier_at(record, "dataset"), "dataset"),
        version=_needed(identifier_at(record, "version"), "version"),
        content_fingerprint=_string(record, "content_fingerprint"),
        labels_fingerprint=_string(record, "labels_fingerprint"),
        agent_version=_needed(identifier_at(record, "agent_version"), "agent_version"),
        graders=graders,
        cases=tuple(sorted(cases, key=lambda case: case.sample_id)),
        runs_per_case=_runs_per_case(record),
        pass_score=number_at(record, "pass_score", 0.0, 1.0),
        agent=dict(object_at(record, "agent")),
        branch=text_at(record, "branch"),
        created_at=time_at(record, "created_at"),
        seconds=number_at(record, "seconds", 0.0, MAX_SECONDS),
        made_by=text_at(record, "made_by") or "goldloop",
        notes=_each(record, "notes", MAX_NOTES, _note),
    )


def _check_schema(record: Object) -> None:
    found = record.get("schema")
    if found == SCHEMA:
        return
    if isinstance(found, str) and found.startswith(_FAMILY):
        raise RecordError(
            f"schema {shown(found)} was written by a newer Goldloop; upgrade, then read it"
        )
    raise RecordError(f"schema must be {SCHEMA!r}, not {shown(found)}; this is no evaluation file")


def _runs_per_case(record: Object) -> int:
    found = count_at(record, "runs_per_case")
    if found is None:
        return 1
    if not 1 <= found <= MAX_ATTEMPTS:
        raise RecordError(f"runs_per_case must be from 1 to {MAX_ATTEMPTS}, not {found}")
    return found


def _facts(value: object, where: str) -> GraderFacts:
    record = _object(value, where)
    refuse_unknown(record, _FACTS, where)
    weight = number_at(record, "weight", 0.0, MAX_WEIGHT, where)
    threshold = number_at(record, "threshold", 0.0, 1.0, where)
    return GraderFacts(
        name=_needed(identifier_at(record, "name", where), place(where, "name")),
        kind=_needed(identifier_at(record, "kind", where), place(where, "kind")),
        version=_needed(identifier_at(record, "version", where), place(where, "version")),
        weight=1.0 if weight is None else weight,
        threshold=1.0 if threshold is None else threshold,
        model=text_at(record, "model", where),
    )


def _case(value: object, where: str) -> Case:
    record = _object(value, where)
    refuse_unknown(record, _CASE, where)
    chance = number_at(record, "inclusion_probability", 0.0, 1.0, where)
    if chance == 0.0:
        raise RecordError(f"{place(where, 'inclusion_probability')} must be above 0")
    return Case(
        sample_id=_needed(identifier_at(record, "sample_id", where), place(where, "sample_id")),
        content=_string(record, "content", where),
        attempts=_each(record, "attempts", MAX_ATTEMPTS, _attempt, where),
        user_input=_string(record, "user_input", where),
        cluster_id=identifier_at(record, "cluster_id", where),
        tags=texts_at(record, "tags", where),
        difficulty=text_at(record, "difficulty", where),
        source=text_at(record, "source", where),
        inclusion_probability=chance,
        task_url=text_at(record, "task_url", where),
    )


def _attempt(value: object, where: str) -> Attempt:
    record = _object(value, where)
    refuse_unknown(record, _ATTEMPT, where)
    grades = _each(record, "grades", MAX_GRADERS, _grade, where)
    _refuse_doubles([grade.grader for grade in grades], place(where, "grades"), "grader")
    return Attempt(
        grades=grades,
        error=_text(record, "error", where),
        response=_text(record, "response", where),
        tool_calls=read_tool_calls(record.get("tool_calls"), place(where, "tool_calls")),
        seconds=number_at(record, "seconds", 0.0, MAX_SECONDS, where),
        input_tokens=count_at(record, "input_tokens", where),
        output_tokens=count_at(record, "output_tokens", where),
        usd=_usd(record, where),
    )


def _grade(value: object, where: str) -> Grade:
    record = _object(value, where)
    refuse_unknown(record, _GRADE, where)
    passed, score = record.get("passed"), number_at(record, "score", 0.0, 1.0, where)
    if passed not in (True, False, None) or isinstance(passed, int | float) != (score is not None):
        raise RecordError(f"{place(where, 'passed')} must be true or false, and null without score")
    error = _text(record, "error", where)
    if score is None and error is None:
        raise RecordError(f"{where} has neither a score nor an error; expected one of them")
    return Grade(
        grader=_needed(identifier_at(record, "grader", where), place(where, "grader")),
        score=score,
        passed=None if passed is None else bool(passed),
        reason=_string(record, "reason", where),
        details=dict(object_at(record, "details", where)),
        error=error,
    )


def _usd(record: Object, where: str) -> str | None:
    text = text_at(record, "usd", where)
    if text is None:
        return None
    try:
        amount = Decimal(text[:100])
    except InvalidOperation:
        amount = Decimal("NaN")
    if not (amount.is_finite() and 0 <= amount <= MAX_USD) or len(text) > 100:
        raise RecordError(f"{place(where, 'usd')} must be an amount such as '0.0025'")
    return text


def _note(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise RecordError(f"{where} must be a string, not {kind(value)}")
    return value


def _text(record: Object, key: str, where: str) -> str | None:
    """A text, which may be empty: an agent may say nothing."""
    value = record.get(key)
    if value is not None and not isinstance(value, str):
        raise RecordError(f"{place(where, key)} must be a string, not {kind(value)}")
    return value


def _string(record: Object, key: str, where: str = "") -> str:
    return _text(record, key, where) or ""


def _object(value: object, what: str) -> Object:
    if not isinstance(value, Mapping):
        raise RecordError(f"{what} must be an object, not {kind(value)}")
    return value


def _needed(value: str | None, key: str) -> str:
    if value is None:
        raise RecordError(f"{key} is missing")
    return value


def _each(
    record: Object, key: str, most: int, read: Callable[[object, str], T], where: str = ""
) -> tuple[T, ...]:
    """What `read` makes of each value of a list, which it gets with its place."""
    values = record.get(key)
    if values is None:
        return ()
    if not isinstance(values, list | tuple):
        raise RecordError(f"{place(where, key)} must be a list, not {kind(values)}")
    if len(values) > most:
        raise RecordError(f"{place(where, key)} has {len(values)} entries; at most {most} are read")
    return tuple(read(one, f"{place(where, key)}[{number}]") for number, one in enumerate(values))


def _refuse_doubles(names: Sequence[str], where: str, what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise RecordError(f"{where}: {what} {shown(name)} is there twice; expected it once")
        seen.add(name)


def _refuse_strangers(cases: Sequence[Case], known: set[str]) -> None:
    for case in cases:
        for attempt in case.attempts:
            for grade in attempt.grades:
                if grade.grader not in known:
                    raise RecordError(
                        f"case {shown(case.sample_id)} has a grade of {shown(grade.grader)}, which "
                        "is not among graders"
                    )
