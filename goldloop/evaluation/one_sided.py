"""What only one of two evaluations graded: an error of the other, and no case left out in peace."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from goldloop.evaluation.summary import is_ungraded
from goldloop.evaluation.values import CaseOutcome

NO_ATTEMPT = "no attempt was made"
NO_GRADE = "it has no grade, but the other evaluation's has"


def told_errors(
    before: Sequence[CaseOutcome], after: Sequence[CaseOutcome]
) -> tuple[list[CaseOutcome], list[CaseOutcome]]:
    """Both, where a case without any attempt is an error, and so is one without a grade that has
    one in the other.

    Both ask the same graders of the same cases, so what one of them graded applied to the other
    too. Without this, an evaluation that was stopped halfway would pass on the half that was made.
    """
    return _told(before, _graded(after)), _told(after, _graded(before))


def _graded(outcomes: Sequence[CaseOutcome]) -> set[str]:
    return {one.case.sample_id for one in outcomes if one.value is not None}


def _told(outcomes: Sequence[CaseOutcome], elsewhere: Collection[str]) -> list[CaseOutcome]:
    return [_with_error(one, elsewhere) if is_ungraded(one) else one for one in outcomes]


def _with_error(outcome: CaseOutcome, elsewhere: Collection[str]) -> CaseOutcome:
    if not outcome.case.attempts:
        return replace(outcome, error=NO_ATTEMPT)
    if outcome.case.sample_id in elsewhere:
        return replace(outcome, error=NO_GRADE)
    return outcome
