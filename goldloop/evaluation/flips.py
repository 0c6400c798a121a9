"""The cases that went from right to wrong, and back: why an agent is worse, case by case."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from goldloop.evaluation.values import (
    PASSED,
    Attempt,
    CaseOutcome,
    Evaluation,
    attempt_outcome,
    case_outcomes,
)
from goldloop.graders.grader import Grade
from goldloop.graders.texts import cut
from goldloop.samples import ToolCall

REGRESSED, RECOVERED = "regressed", "recovered"
LEAST_CHANGE = 0.5
MOST_SCORE_CHANGES = 100
_CLOSE = 1e-9


@dataclass(frozen=True, slots=True)
class FlipSide:
    """What one agent did: the mean over its runs, and the run that shows the change best.

    `attempt` is that run's place among the case's attempts, from 0.
    """

    value: float
    attempt: int
    response: str | None
    tool_calls: tuple[ToolCall, ...]
    grades: tuple[Grade, ...]

    def record(self, longest: int | None = None) -> dict[str, Any]:
        """As JSON values; with `longest`, texts and arguments have so many characters at most."""
        return {
            "value": self.value,
            "attempt": self.attempt,
            "response": _cut(self.response, longest),
            "tool_calls": [
                {
                    "name": call.name,
                    "arguments": {key: _cut(one, longest) for key, one in call.arguments.items()},
                }
                for call in self.tool_calls
            ],
            "grades": [
                {
                    "grader": grade.grader,
                    "score": grade.score,
                    "passed": grade.passed,
                    "reason": _cut(grade.reason, longest),
                }
                for grade in self.grades
            ],
        }


@dataclass(frozen=True, slots=True)
class Flip:
    """A case whose outcome changed; `change` is candidate - baseline, so a regression is below 0.

    What agents, judges and users wrote in it is hostile.
    """

    sample_id: str
    direction: str
    change: float
    user_input: str
    slices: tuple[str, ...]
    task_url: str | None
    baseline: FlipSide
    candidate: FlipSide

    def record(self, longest: int | None = None) -> dict[str, Any]:
        """As JSON values; `longest` as for a side."""
        return {
            "sample_id": self.sample_id,
            "direction": self.direction,
            "change": self.change,
            "user_input": _cut(self.user_input, longest),
            "slices": list(self.slices),
            "task_url": self.task_url,
            "baseline": self.baseline.record(longest),
            "candidate": self.candidate.record(longest),
        }


def _cut(value: Any, longest: int | None) -> Any:
    """A JSON value, or the beginning of its text where that is longer."""
    said = value if longest is None or isinstance(value, str) else repr(value)
    if longest is None or len(said) <= longest:
        return value
    return cut(said, longest)


def flips(
    baseline: Evaluation,
    candidate: Evaluation,
    metric: str = PASSED,
    without: Collection[str] = (),
) -> tuple[Flip, ...]:
    """The cases of both that flipped: regressions first, the largest change first of each.

    By `passed`, all whose share of passed runs changed by a half at least; by `score`, the 100
    largest changes. Cases that came to nothing in either are no flips. Graders in `without` count
    for nothing, but their grades are shown.
    """
    after = {one.case.sample_id: one for one in case_outcomes(candidate, metric, without)}
    pairs = [
        (before, after[before.case.sample_id])
        for before in case_outcomes(baseline, metric, without)
        if before.case.sample_id in after
    ]
    changed = [(b, a) for b, a in pairs if abs(_change(b, a)) >= _least(metric)]
    changed.sort(key=lambda pair: (-abs(_change(*pair)), pair[0].case.sample_id))
    if metric != PASSED:
        changed = changed[:MOST_SCORE_CHANGES]
    found = [_flip(b, a, (baseline, candidate), metric, without) for b, a in changed]
    return tuple(sorted(found, key=lambda flip: flip.direction == RECOVERED))


def _change(before: CaseOutcome, after: CaseOutcome) -> float:
    if before.value is None or after.value is None:
        return 0.0
    return after.value - before.value


def _least(metric: str) -> float:
    return LEAST_CHANGE - _CLOSE if metric == PASSED else _CLOSE


def _flip(
    before: CaseOutcome,
    after: CaseOutcome,
    of: tuple[Evaluation, Evaluation],
    metric: str,
    without: Collection[str],
) -> Flip:
    change = _change(before, after)
    worse = change < 0.0
    case = after.case
    return Flip(
        sample_id=case.sample_id,
        direction=REGRESSED if worse else RECOVERED,
        change=change,
        user_input=case.user_input,
        slices=case.slices,
        task_url=case.task_url or before.case.task_url,
        baseline=_side(before, of[0], metric, without, best=worse),
        candidate=_side(after, of[1], metric, without, best=not worse),
    )


def _side(
    outcome: CaseOutcome, evaluation: Evaluation, metric: str, without: Collection[str], best: bool
) -> FlipSide:
    attempts = outcome.case.attempts
    at = _shown(attempts, evaluation, metric, without, best)
    shown = attempts[at]
    return FlipSide(outcome.value or 0.0, at, shown.response, shown.tool_calls, shown.grades)


def _shown(
    attempts: Sequence[Attempt],
    evaluation: Evaluation,
    metric: str,
    without: Collection[str],
    best: bool,
) -> int:
    """The place of the first of the best (else of the worst) runs that came to something."""
    graders = {facts.name: facts for facts in evaluation.graders}
    values = [
        attempt_outcome(one, graders, evaluation.pass_score, without).value(metric)
        for one in attempts
    ]
    known = [(value, at) for at, value in enumerate(values) if value is not None]
    pick = max if best else min
    return pick(known, key=lambda pair: pair[0])[1]
