"""One evaluation: its figures, slices and graders, and every case with what the agent did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from werkzeug.exceptions import NotFound

from backend.dashboard.choices import choice, options, words
from backend.dashboard.graded import graded_attempts, money
from backend.dashboard.paging import page_of
from goldloop.evaluation import CaseOutcome, Evaluation, Summary, case_outcomes, summarise
from goldloop.evaluation.summary import is_ungraded
from store.database import Store
from store.evaluations import StoredEvaluation, get_evaluation, stored_evaluation
from store.gates import list_gates
from views import gate_words
from views.evaluations import judge_tokens, worst_slices
from views.flips import address
from views.project import Project

SIZE = 25
FEW_SLICES, MOST_SLICES = 10, 200
FAILED, ERRORED, PASSED, UNGRADED, MISSING = "failed", "errored", "passed", "ungraded", "missing"
# How a case went: what it is called, and what is meant.
KINDS: Mapping[str, tuple[str, str]] = {
    "all": ("all", "every case of the dataset version"),
    FAILED: ("failed", "cases of which at least one run was graded and did not pass"),
    ERRORED: ("errors", "cases of which at least one run came to nothing: no failure of the agent"),
    PASSED: ("passed", "cases that passed in every run"),
    UNGRADED: ("not graded", "cases that no grader applies to"),
    MISSING: ("not run", "cases that are still to be run"),
}
_SORTS = {
    "worst": "worst first",
    "sample": "sample",
    "slowest": "slowest",
}
USUAL = {"show": "all", "sort": "worst"}


def one(
    project: Project,  # noqa: ARG001
    db: Store,
    arguments: Mapping[str, str],
    evaluation_id: int,
) -> Mapping[str, Any]:
    """The evaluation, and those of its cases that the query asks for."""
    stored, evaluation = stored_and_read(db, evaluation_id)
    summary = summarise(evaluation)
    outcomes = case_outcomes(evaluation)
    asked = read_query(arguments, evaluation)
    found = wanted(outcomes, asked)
    pages = page_of(arguments, len(found), SIZE)
    return {
        "stored": stored,
        "evaluation": evaluation,
        "summary": summary,
        "worst": {part.name for part in worst_slices(summary)},
        "judges": judge_tokens(evaluation),
        "gates": list_gates(db, evaluation_id=evaluation_id),
        "asked": asked,
        "query": query_of(asked),
        **_choices(outcomes, summary),
        "cases": [
            (outcome, graded_attempts(outcome.case.attempts, evaluation))
            for outcome in found[pages.rows]
        ],
        "table": pages,
        "address": address,
        "words": gate_words,
        "money": money,
    }


def _choices(outcomes: Sequence[CaseOutcome], summary: Summary) -> dict[str, Any]:
    """The slices, the worst first, and what there is to choose from."""
    counts = Counter(kind for outcome in outcomes for kind in kinds_of(outcome))
    return {
        "parts": sorted(summary.slices, key=lambda one: (one.mean is None, one.mean or 0.0)),
        "few": FEW_SLICES,
        "most": MOST_SLICES,
        "counts": [(kind, *KINDS[kind], counts[kind]) for kind in KINDS if counts[kind]],
        "slices": [(part.name, part.name, part.cases) for part in summary.slices],
        "graders": options(part.facts.name for part in summary.graders),
        "sorts": options(_SORTS),
    }


def stored_and_read(db: Store, evaluation_id: int) -> tuple[StoredEvaluation, Evaluation]:
    """An evaluation that the address names, without and with its cases."""
    stored, evaluation = stored_evaluation(db, evaluation_id), get_evaluation(db, evaluation_id)
    if stored is None or evaluation is None:
        raise NotFound(f"there is no evaluation {evaluation_id}")
    return stored, evaluation


def kinds_of(outcome: CaseOutcome) -> list[str]:
    """How a case went; one of several runs may have failed and another broken."""
    if not outcome.case.attempts:
        return ["all", MISSING]
    if is_ungraded(outcome):
        return ["all", UNGRADED]
    failed = [FAILED] if outcome.passes < outcome.graded else []
    errored = [ERRORED] if outcome.errors else []
    return ["all", *(failed + errored or [PASSED])]


def read_query(arguments: Mapping[str, str], evaluation: Evaluation) -> dict[str, str]:
    """Which cases the query asks for; BadRequest for what there cannot be."""
    slices = {name for one in evaluation.cases for name in one.slices}
    graders = [facts.name for facts in evaluation.graders]
    return {
        "show": choice(arguments, "show", KINDS, USUAL["show"]),
        "slice": choice(arguments, "slice", slices),
        "grader": choice(arguments, "grader", graders),
        "q": words(arguments, "q"),
        "sort": choice(arguments, "sort", _SORTS, USUAL["sort"]),
    }


def query_of(asked: Mapping[str, str]) -> dict[str, str]:
    """The same as a link carries it, without what is as usual."""
    return {key: value for key, value in asked.items() if value != USUAL.get(key, "")}


def wanted(outcomes: Sequence[CaseOutcome], asked: Mapping[str, str]) -> list[CaseOutcome]:
    """The cases that a query asks for, in its order."""
    found = [one for one in outcomes if _fits(one, asked)]
    if asked["sort"] == "worst":
        found.sort(key=lambda one: (one.value is None, one.value or 0.0))
    elif asked["sort"] == "slowest":
        found.sort(key=lambda one: -max((a.seconds or 0.0 for a in one.case.attempts), default=0))
    return found


def _fits(outcome: CaseOutcome, asked: Mapping[str, str]) -> bool:
    case = outcome.case
    return (
        asked["show"] in kinds_of(outcome)
        and (not asked["slice"] or asked["slice"] in case.slices)
        and (not asked["grader"] or _is_failed_by(outcome, asked["grader"]))
        and (not asked["q"] or _holds(outcome, asked["q"].casefold()))
    )


def _is_failed_by(outcome: CaseOutcome, grader: str) -> bool:
    grades = (grade for attempt in outcome.case.attempts for grade in attempt.grades)
    return any(grade.grader == grader and grade.passed is False for grade in grades)


def _holds(outcome: CaseOutcome, text: str) -> bool:
    case = outcome.case
    said = (attempt.response or attempt.error or "" for attempt in case.attempts)
    return any(text in one.casefold() for one in (case.sample_id, case.user_input, *said))
