"""Evaluations: what an agent did on every case, what it comes to, and whether it got worse."""

from goldloop.evaluation.changes import blocked
from goldloop.evaluation.flips import Flip, FlipSide, flips
from goldloop.evaluation.gate import gate
from goldloop.evaluation.holm import holm
from goldloop.evaluation.judges import (
    JudgeCheck,
    SliceKappa,
    check_judge,
    read_judge_check,
    unproven,
)
from goldloop.evaluation.paired import Paired, paired
from goldloop.evaluation.power import Power, power
from goldloop.evaluation.records import evaluation_record, read_evaluation
from goldloop.evaluation.rules import Rules
from goldloop.evaluation.summary import (
    GraderPart,
    Part,
    PoolEstimate,
    Summary,
    Usage,
    summarise,
)
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
from goldloop.evaluation.verdict import (
    STATUSES,
    CaseError,
    GraderChange,
    Side,
    SliceChange,
    Verdict,
)

__all__ = [
    "METRICS",
    "PASSED",
    "SCHEMA",
    "SCORE",
    "STATUSES",
    "Attempt",
    "Case",
    "CaseError",
    "CaseOutcome",
    "Evaluation",
    "Flip",
    "FlipSide",
    "GraderChange",
    "GraderFacts",
    "GraderPart",
    "JudgeCheck",
    "Outcome",
    "Paired",
    "Part",
    "PoolEstimate",
    "Power",
    "Rules",
    "Side",
    "SliceChange",
    "SliceKappa",
    "Summary",
    "Usage",
    "Verdict",
    "attempt_outcome",
    "blocked",
    "case_outcomes",
    "check_judge",
    "evaluation_record",
    "flips",
    "gate",
    "holm",
    "paired",
    "power",
    "read_evaluation",
    "read_judge_check",
    "summarise",
    "unproven",
]
