"""What an agent did in one run and how it was graded, bounded, as pages show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from backend.dashboard.trace import SHORT, Call, Text, calls_of, text_of
from goldloop.evaluation import Attempt, Evaluation, Outcome, attempt_outcome
from goldloop.graders import Grade
from goldloop.prices import shown_usd
from goldloop.samples import ToolCall

FEW_CALLS = 20
MOST_GRADES = 50


@dataclass(frozen=True, slots=True)
class Graded:
    """One run: what it came to ("right", "80% right", "error", ...), what the agent did, and what
    each grader says of it. `error` is why it came to nothing.
    """

    came_to: str
    answer: Text | None
    calls: tuple[Call, ...]
    more_calls: int
    grades: tuple[Grade, ...]
    error: str | None = None
    attempt: Attempt | None = None

    @property
    def is_right(self) -> bool | None:
        """Whether it passed; None where that is not known."""
        return {"right": True, "wrong": False}.get(self.came_to)


def graded_attempts(
    attempts: Sequence[Attempt], evaluation: Evaluation, limit: int = SHORT
) -> list[Graded]:
    """The attempts of a case, in their order."""
    graders = {facts.name: facts for facts in evaluation.graders}
    return [
        _graded(one, attempt_outcome(one, graders, evaluation.pass_score), limit)
        for one in attempts
    ]


def _graded(attempt: Attempt, outcome: Outcome, limit: int) -> Graded:
    right = {True: "right", False: "wrong", None: "not graded"}[outcome.passed]
    failed = attempt.error or (outcome.error if _grader_failed(attempt) else None)
    return Graded(
        came_to="error" if failed else right,
        answer=text_of(attempt.response, limit) if attempt.response else None,
        calls=calls_of(attempt.tool_calls[:FEW_CALLS], limit),
        more_calls=max(len(attempt.tool_calls) - FEW_CALLS, 0),
        grades=attempt.grades[:MOST_GRADES],
        error=failed,
        attempt=attempt,
    )


def _grader_failed(attempt: Attempt) -> bool:
    return any(grade.score is None for grade in attempt.grades)


def graded_side(side: Mapping[str, Any], limit: int = SHORT) -> Graded:
    """One side of a flipped case, as a gate's record has it."""
    calls = [ToolCall(one["name"], one["arguments"]) for one in side["tool_calls"]]
    value = side["value"]
    right = "right" if value else "wrong"
    return Graded(
        came_to=right if value in (0.0, 1.0) else f"{value:.0%} right",
        answer=text_of(side["response"], limit) if side["response"] else None,
        calls=calls_of(calls[:FEW_CALLS], limit),
        more_calls=max(len(calls) - FEW_CALLS, 0),
        grades=tuple(
            Grade(one["grader"], one["score"], one["passed"], one["reason"] or "")
            for one in side["grades"][:MOST_GRADES]
        ),
    )


def money(usd: str | None) -> str | None:
    """An amount with all of its digits; nothing where it is not known.

    >>> money("0.0025"), money(None)
    ('$0.0025', None)
    """
    return None if usd is None else f"${shown_usd(Decimal(usd))}"
