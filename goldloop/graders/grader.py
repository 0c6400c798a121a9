"""Graders: what scores one run of a case, and the grade that it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from goldloop.canonical import canonical_json

# Each with the version of its code: it is part of a grader's identity, so raise it whenever the
# same settings may give another score.
KINDS: Mapping[str, int] = {
    "contains": 2,
    "exact": 2,
    "regex": 1,
    "json_schema": 1,
    "tool_calls": 1,
    "judge": 1,
    "judge_pair": 1,
    "python": 1,
}
JUDGES = ("judge", "judge_pair")


@dataclass(frozen=True, slots=True)
class When:
    """The cases that a grader is for: those that have one of each that is named; empty: all."""

    tags: tuple[str, ...] = ()
    difficulty: tuple[str, ...] = ()
    source: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grader:
    """What scores one run of a case.

    `settings` are those of its kind, checked and complete. A score of at least `threshold` passes.
    A grader of weight 0 is shown and counts for nothing.
    """

    name: str
    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    weight: float = 1.0
    threshold: float = 1.0
    when: When = When()

    @property
    def version(self) -> str:
        """Twelve hexadecimal digits that change with whatever may change a grade."""
        content = [self.kind, KINDS[self.kind], dict(self.settings), self.threshold]
        return sha256(canonical_json(content)).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Grade:
    """What one grader says of one run.

    `score` is in [0, 1] and None where the grader itself failed; `error` then says why, and it is
    no failure of the agent. `reason` is one sentence for people; it may quote the agent and the
    judge, so it is hostile. `details` are JSON values (criteria, calls that are missing, ...).
    """

    grader: str
    score: float | None
    passed: bool | None
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None


def grade_of(
    grader: Grader, score: float, reason: str, details: Mapping[str, Any] | None = None
) -> Grade:
    """A grade that passes when it reaches the grader's threshold (but for rounding)."""
    passed = score >= grader.threshold - 1e-9
    return Grade(grader.name, float(score), passed, reason, details or {})


def failed_grade(grader: Grader, error: str) -> Grade:
    """No grade, because the grader failed."""
    return Grade(grader.name, None, None, error=error)
