"""An evaluation: what an agent did on every case of a dataset version, and how it was graded."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum
from typing import Any

from goldloop.graders.grader import JUDGES, Grade
from goldloop.samples import ToolCall

SCHEMA = "goldloop-evaluation-1"
PASSED, SCORE = "passed", "score"
METRICS = (PASSED, SCORE)


@dataclass(frozen=True, slots=True)
class GraderFacts:
    """What is remembered of a grader: by equal versions, two evaluations were graded alike.

    `model` is the pinned model of a judge, else None.
    """

    name: str
    kind: str
    version: str
    weight: float = 1.0
    threshold: float = 1.0
    model: str | None = None

    @property
    def is_judge(self) -> bool:
        """Whether it is a model's opinion."""
        return self.kind in JUDGES


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a case and its grades; `error` says why there is none, which is no failure.

    `usd` is an exact decimal as text; it and the tokens are of the run alone, without its graders.
    """

    grades: tuple[Grade, ...] = ()
    error: str | None = None
    response: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    seconds: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    usd: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A case with its K attempts.

    `content` is the SHA-256 of the item's content: cases of two versions are the same when it is.
    `inclusion_probability` is None where no design picked it. `task_url` opens it in Label Studio.
    """

    sample_id: str
    content: str
    attempts: tuple[Attempt, ...]
    user_input: str = ""
    cluster_id: str | None = None
    tags: tuple[str, ...] = ()
    difficulty: str | None = None
    source: str | None = None
    inclusion_probability: float | None = None
    task_url: str | None = None

    @property
    def slices(self) -> tuple[str, ...]:
        """The slices that it belongs to, as `tag:refund`, `difficulty:hard`, `source:trace`."""
        named = [f"tag:{tag}" for tag in self.tags]
        named += [f"difficulty:{self.difficulty}"] if self.difficulty else []
        return (*named, *([f"source:{self.source}"] if self.source else []))


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An agent version on a dataset version, case by case, in the order of sample ids.

    `evaluation_id` names it ("7", or a file's name). `made_by` is goldloop, promptfoo or inspect.
    `pass_score` is the weighted mean score from which on a case passes; None: it passes when each
    of its graders does. `agent` describes the agent without a secret. `created_at` is ISO 8601.
    """

    evaluation_id: str
    dataset: str
    version: str
    content_fingerprint: str
    labels_fingerprint: str
    agent_version: str
    graders: tuple[GraderFacts, ...]
    cases: tuple[Case, ...]
    runs_per_case: int = 1
    pass_score: float | None = None
    agent: Mapping[str, Any] = field(default_factory=dict)
    branch: str | None = None
    created_at: str | None = None
    seconds: float | None = None
    made_by: str = "goldloop"
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What was evaluated on what, for a heading."""
        return f"{self.agent_version} on {self.dataset}@{self.version}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to: its weighted mean score and whether it passed, both None where the
    agent or a grader that counts failed (`error` says which) or where nothing graded it.
    """

    score: float | None
    passed: bool | None
    error: str | None = None

    def value(self, metric: str) -> float | None:
        """The attempt as a number in [0, 1], by one of `METRICS`."""
        if metric == SCORE:
            return self.score
        return None if self.passed is None else float(self.passed)


UNGRADED = Outcome(None, None, "no grader applies to it")


def attempt_outcome(
    attempt: Attempt,
    graders: Mapping[str, GraderFacts],
    pass_score: float | None = None,
    without: Collection[str] = (),
) -> Outcome:
    """What an attempt came to by the graders named, but for those in `without`.

    >>> facts = {"tools": GraderFacts("tools", "tool_calls", "v"), "tone": GraderFacts("tone",
    ...     "judge", "v", weight=3.0)}
    >>> attempt = Attempt((Grade("tools", 1.0, True), Grade("tone", 0.5, False)))
    >>> attempt_outcome(attempt, facts)
    Outcome(score=0.625, passed=False, error=None)
    >>> attempt_outcome(attempt, facts, pass_score=0.6).passed
    True
    >>> attempt_outcome(attempt, facts, without=["tone"])
    Outcome(score=1.0, passed=True, error=None)
    """
    if attempt.error is not None:
        return Outcome(None, None, attempt.error)
    counted = [
        (graders[grade.grader], grade)
        for grade in attempt.grades
        if grade.grader in graders
        and grade.grader not in without
        and graders[grade.grader].weight > 0.0
    ]
    if not counted:
        return UNGRADED
    failed = next((one for _, one in counted if one.score is None), None)
    if failed is not None:
        return Outcome(None, None, f"grader {failed.grader}: {failed.error}")
    total = fsum(facts.weight for facts, _ in counted)
    score = fsum(facts.weight * (grade.score or 0.0) for facts, grade in counted) / total
    if pass_score is None:
        return Outcome(score, all(grade.passed for _, grade in counted))
    return Outcome(score, score >= pass_score - 1e-9)


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """A case's attempts taken together.

    `value` is the mean of those that came to something, in [0, 1], and None where none did;
    `passes` of `graded` attempts passed; `errors` attempts came to nothing, for the first `error`
    (that no grader applies only where there is no other).
    """

    case: Case
    value: float | None
    passes: int
    graded: int
    errors: int
    error: str | None = None

    @property
    def always(self) -> bool | None:
        """pass^k: whether all of its attempts passed; None where one came to nothing."""
        return None if self.errors or not self.graded else self.passes == self.graded


def case_outcomes(
    evaluation: Evaluation, metric: str = PASSED, without: Collection[str] = ()
) -> list[CaseOutcome]:
    """What every case came to, in the order of the cases."""
    graders = {facts.name: facts for facts in evaluation.graders}
    return [
        _case_outcome(
            case,
            [attempt_outcome(a, graders, evaluation.pass_score, without) for a in case.attempts],
            metric,
        )
        for case in evaluation.cases
    ]


def _case_outcome(case: Case, outcomes: Sequence[Outcome], metric: str) -> CaseOutcome:
    values = [value for one in outcomes if (value := one.value(metric)) is not None]
    errors = [one.error for one in outcomes if one.error]
    known = [error for error in errors if error != UNGRADED.error]
    return CaseOutcome(
        case=case,
        value=fsum(values) / len(values) if values else None,
        passes=sum(one.passed is True for one in outcomes),
        graded=len(values),
        errors=len(outcomes) - len(values),
        error=next(iter(known or errors), None),
    )
