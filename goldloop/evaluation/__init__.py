"""Evaluations: what an agent did on every case, what it comes to, and whether it got worse."""

from goldloop.evaluation.values import (
    METRICS,
    PASSED,
    SCHEMA,
    SCORE,
    Attempt,
    Case,
    CaseOutcome,
    Evaluation,
    GraderFacts,
    Outcome,
    attempt_outcome,
    case_outcomes,
)

__all__ = [
    "METRICS",
    "PASSED",
    "SCHEMA",
    "SCORE",
    "Attempt",
    "Case",
    "CaseOutcome",
    "Evaluation",
    "GraderFacts",
    "Outcome",
    "attempt_outcome",
    "case_outcomes",
]
