"""Evaluations as lists and pages show them: how each scored, what changed, and what failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from goldloop.evaluation import Attempt, CaseOutcome, Evaluation, attempt_outcome, case_outcomes
from goldloop.evaluation.summary import Part, Summary, summarise
from goldloop.printable import printable
from store.database import Store
from store.evaluations import (
    StoredEvaluation,
    evaluations_of,
    get_evaluation,
    stored_evaluation,
)

MOST_SLICES = 10
_REASON = 160


@dataclass(frozen=True, slots=True)
class Listed:
    """An evaluation in the list; `change` is to the one before on the same cases by content and
    labels, graded alike, None where there is none.
    """

    stored: StoredEvaluation
    whole: Part
    change: float | None

    def record(self) -> dict[str, Any]:
        """As JSON values."""
        return {**stored_record(self.stored), **asdict(self.whole), "change": self.change}


def stored_record(stored: StoredEvaluation) -> dict[str, Any]:
    """What is known of an evaluation beside its cases, as JSON values."""
    record = asdict(stored)
    cases = record.pop("cases")
    return {
        "id": record.pop("evaluation_id"),
        **record,
        "graders": [asdict(facts) for facts in stored.graders],
        "notes": list(stored.notes),
        "finished": stored.finished_at is not None,
        "of_cases": cases,
    }


def listed(found: Sequence[tuple[StoredEvaluation, Evaluation]]) -> list[Listed]:
    """Evaluations with how each scored, and what changed since the one before of its kind."""
    return with_changes((stored, summarise(evaluation).whole) for stored, evaluation in found)


def with_changes(found: Iterable[tuple[StoredEvaluation, Part]]) -> list[Listed]:
    """The same for evaluations whose figures are known; the oldest first."""
    last: dict[tuple[Any, ...], float] = {}
    rows = []
    for stored, whole in found:
        kind = kind_of(stored)
        before = last.get(kind)
        change = None if before is None or whole.mean is None else whole.mean - before
        rows.append(Listed(stored, whole, change))
        if whole.mean is not None and stored.finished_at is not None:
            last[kind] = whole.mean
    return rows


def kind_of(stored: StoredEvaluation) -> tuple[Any, ...]:
    """What is the same for evaluations that compare: cases, labels and graders."""
    return (
        stored.content_fingerprint,
        stored.labels_fingerprint,
        stored.graders,
        stored.cases,
    )


def judge_tokens(evaluation: Evaluation) -> dict[str, tuple[int, int]]:
    """The tokens that each judge's model took, in and out, as far as they were counted; they are
    not among the agent's.
    """
    found: dict[str, tuple[int, int]] = {}
    for case in evaluation.cases:
        for attempt in case.attempts:
            for grade in attempt.grades:
                usage = grade.details.get("usage")
                if isinstance(usage, Mapping):
                    sent, came = found.get(str(usage.get("model")), (0, 0))
                    more = [_count(usage.get(f"{way}_tokens")) for way in ("input", "output")]
                    found[str(usage.get("model"))] = (sent + more[0], came + more[1])
    return found


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def worst_slices(summary: Summary) -> list[Part]:
    """The slices below the whole, the worst first."""
    below = [
        part
        for part in summary.slices
        if part.mean is not None and summary.whole.mean is not None
        if part.mean < summary.whole.mean
    ]
    return sorted(below, key=lambda part: part.mean or 0.0)[:MOST_SLICES]


def failed_cases(evaluation: Evaluation) -> Iterator[dict[str, Any]]:
    """The cases that did not pass each time, or came to nothing, as JSON values."""
    for one in case_outcomes(evaluation):
        if one.case.attempts and one.passes < len(one.case.attempts):
            yield {
                "sample_id": one.case.sample_id,
                "user_input": one.case.user_input,
                "slices": list(one.case.slices),
                "passed": f"{one.passes} of {len(one.case.attempts)}",
                "error": one.error,
                "reason": _reason(evaluation, one),
                "task_url": one.case.task_url,
            }


def evaluations_of_sample(db: Store, sample_id: str) -> list[dict[str, Any]]:
    """What every evaluation made of one sample, oldest first, as JSON values; `finished` may be
    false, and `runs` 0 where none is complete yet.
    """
    return [
        _of_sample(stored, evaluation)
        for number in evaluations_of(db, sample_id)
        if (stored := stored_evaluation(db, number))
        and (evaluation := get_evaluation(db, number, sample_id))
    ]


def _of_sample(stored: StoredEvaluation, evaluation: Evaluation) -> dict[str, Any]:
    [outcome] = case_outcomes(evaluation)
    return {
        "evaluation_id": stored.evaluation_id,
        "dataset": stored.dataset,
        "version": stored.version,
        "agent_version": stored.agent_version,
        "created_at": stored.created_at,
        "finished": stored.finished_at is not None,
        "runs": len(outcome.case.attempts),
        "passed": outcome.passes,
        "graded": outcome.graded,
        "errors": outcome.errors,
        "error": outcome.error,
        "reason": _reason(evaluation, outcome),
    }


def _reason(evaluation: Evaluation, outcome: CaseOutcome) -> str:
    """What graders said of the first run that did not pass."""
    graders = {facts.name: facts for facts in evaluation.graders}
    for attempt in outcome.case.attempts:
        if attempt_outcome(attempt, graders, evaluation.pass_score).passed is False:
            return _said(attempt)
    return ""


def _said(attempt: Attempt) -> str:
    failed = [grade for grade in attempt.grades if grade.passed is False]
    said = (f"{grade.grader}: {grade.reason}" for grade in failed or attempt.grades)
    return printable("; ".join(said), _REASON)
