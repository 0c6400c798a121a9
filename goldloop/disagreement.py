"""Disagreement: why people disagree on a field of a task, as far as their answers tell.

Looked for in this order: one annotator who is far from the others everywhere; two options that
reliable annotators confuse again and again, which is the guideline's fault; a hard case, on which
people are unsure or slow. The thresholds are judgement, not measurement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from statistics import fmean, quantiles

from goldloop.agreement.rate import comparable
from goldloop.annotators import AnnotatorReport, annotator_reports
from goldloop.consensus.states import Annotation
from goldloop.consensus.task import counted
from goldloop.fields import Field, FieldKind, Value

FAR, NEAR = 0.6, 0.7
FEWEST_COMPARED = 10
CONFUSED_TASKS = 3
UNSURE = 0.5
SLOW_DECILE = 9
EXAMPLES = 5
_OPTIONS = (FieldKind.SINGLE_CHOICE, FieldKind.PAIRWISE)


class Cause(StrEnum):
    """What lies behind a disagreement."""

    ANNOTATOR = "annotator"
    GUIDELINE = "guideline"
    HARD_CASE = "hard_case"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Why:
    """The cause of one disagreement, and what speaks for it.

    `annotators` are the ids of the people who are far from the others; `options` the two that are
    confused, and `examples` some of the tasks where they are.
    """

    cause: Cause
    annotators: tuple[int, ...] = ()
    options: tuple[Value, ...] = ()
    examples: tuple[str, ...] = ()


def explain(
    fields: Sequence[Field],
    tasks: Mapping[str, Sequence[Annotation]],
    disputed: Mapping[str, Field],
) -> dict[str, Why]:
    """Why each task of `disputed` (task to field) is so, by task, given all annotations."""
    reports = {one.annotator_id: one for one in annotator_reports(fields, tasks)}
    standing = {task: counted(annotations) for task, annotations in tasks.items()}
    slow = _slow(standing)
    confused = {field: _confusions(field, standing, reports) for field in set(disputed.values())}
    return {
        task: _why(field, standing[task], reports, confused[field], slow)
        for task, field in disputed.items()
    }


def _why(
    field: Field,
    answers: Sequence[Annotation],
    reports: Mapping[int, AnnotatorReport],
    confused: Mapping[frozenset[Value], Sequence[str]],
    slow: float | None,
) -> Why:
    people = [a.annotator_id for a in answers if field.name in a.answers]
    far = tuple(person for person in people if _share(reports[person], FAR) is False)
    if far and any(_share(reports[person], NEAR) for person in people):
        return Why(Cause.ANNOTATOR, annotators=far)
    given = {comparable(field, a.answers[field.name]) for a in answers if field.name in a.answers}
    for pair in combinations(sorted(given, key=str), 2):
        examples = confused.get(frozenset(pair), ())
        if len(examples) >= CONFUSED_TASKS:
            return Why(Cause.GUIDELINE, options=pair, examples=tuple(examples[:EXAMPLES]))
    return Why(Cause.HARD_CASE if _is_hard(answers, slow) else Cause.UNKNOWN)


def _share(report: AnnotatorReport, threshold: float) -> bool | None:
    """Whether somebody agrees with the others at least that often; None when too little tells."""
    if report.with_others is None or report.compared < FEWEST_COMPARED:
        return None
    return report.with_others >= threshold


def _confusions(
    field: Field,
    standing: Mapping[str, Sequence[Annotation]],
    reports: Mapping[int, AnnotatorReport],
) -> dict[frozenset[Value], list[str]]:
    """For each two options: the tasks on which two people who are not far from the others gave
    one each, in the order of their ids.
    """
    found: defaultdict[frozenset[Value], list[str]] = defaultdict(list)
    if field.kind not in _OPTIONS:
        return found
    for task in sorted(standing):
        given = {
            a.answers[field.name]
            for a in standing[task]
            if field.name in a.answers and _share(reports[a.annotator_id], FAR) is not False
        }
        for pair in combinations(sorted(given, key=str), 2):
            found[frozenset(pair)].append(task)
    return found


def _slow(standing: Mapping[str, Sequence[Annotation]]) -> float | None:
    """The mean time of a task above which it is among the slowest tenth; None with few tasks."""
    times = [time for answers in standing.values() if (time := _mean_time(answers)) is not None]
    return quantiles(times, n=10)[SLOW_DECILE - 1] if len(times) >= FEWEST_COMPARED else None


def _mean_time(answers: Sequence[Annotation]) -> float | None:
    times = [a.lead_time for a in answers if a.lead_time is not None]
    return fmean(times) if times else None


def _is_hard(answers: Sequence[Annotation], slow: float | None) -> bool:
    sure = [a.confidence for a in answers if a.confidence is not None]
    time = _mean_time(answers)
    unsure = bool(sure) and fmean(sure) <= UNSURE
    return unsure or (slow is not None and time is not None and time > slow)
