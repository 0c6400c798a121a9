"""The report on each annotator, for everybody in one pass over the tasks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median

from goldloop.agreement import Interval
from goldloop.annotators.drift import Drift, drift_over_time
from goldloop.annotators.errors_made import FieldErrors, field_errors
from goldloop.annotators.pace import is_hasty
from goldloop.annotators.proportions import wilson_interval
from goldloop.annotators.references import Comparison, comparisons
from goldloop.consensus.states import Annotation
from goldloop.consensus.task import counted
from goldloop.fields import Field
from goldloop.times import instant


@dataclass(frozen=True, slots=True)
class AnnotatorReport:
    """One person's work; a share is in [0, 1], and None where it rests on nothing.

    `with_others` is how often the answers equal the majority of the *other* people's answers
    (leave one out: nobody vouches for themselves), over `compared` answers that have one.
    `with_truth` is how often they equal an annotation that somebody else marked as ground truth,
    over `checked` answers. Both have a 95% interval (Wilson's), for which the answers to one task
    count once together, as if they all went the same way: it is rather too wide than too narrow.
    `median_seconds` is the median lead time, `hasty` the number of answers
    that came faster than anybody reads (under 5 seconds, where the words are not known).
    `mean_confidence` is the person's own. `fields` has the confusions and biases, in the order of
    the fields, and `drift` the agreement with the others over time: there a task counts once, as
    agreed where all its compared answers are, because answers to one task belong together.
    """

    annotator_id: int
    answers: int
    skips: int
    with_others: float | None
    others_interval: Interval | None
    compared: int
    with_truth: float | None
    truth_interval: Interval | None
    checked: int
    median_seconds: float | None
    hasty: int
    mean_confidence: float | None
    fields: tuple[FieldErrors, ...]
    drift: Drift


@dataclass(slots=True)
class _Work:
    """What is gathered of one person."""

    answers: list[tuple[str, Annotation]] = field(default_factory=list)
    skips: int = 0
    compared: list[Comparison] = field(default_factory=list)
    errors: list[FieldErrors] = field(default_factory=list)


def annotator_reports(
    fields: Sequence[Field],
    tasks: Mapping[str, Sequence[Annotation]],
    words: Mapping[str, int] | None = None,
) -> tuple[AnnotatorReport, ...]:
    """A report on everybody who answered or skipped, by annotator id.

    `fields` are the questions that count; `tasks` has all annotations of each task, skips included;
    `words` how many words there are to read of each task, where that is known. Raises RecordError
    for an `updated_at` that is no time.
    """
    standing = {task: counted(annotations) for task, annotations in tasks.items()}
    work = _answered(tasks, standing)
    for question in fields:
        found = list(comparisons(question, standing))
        for one in found:
            work[one.annotation.annotator_id].compared.append(one)
        for person, errors in field_errors(question, found, standing).items():
            work[person].errors.append(errors)
    return tuple(_report(person, work[person], words or {}) for person in sorted(work))


def _answered(
    tasks: Mapping[str, Sequence[Annotation]], standing: Mapping[str, Sequence[Annotation]]
) -> defaultdict[int, _Work]:
    """Everybody's answers, and the number of tasks that they skipped and never answered."""
    work: defaultdict[int, _Work] = defaultdict(_Work)
    for task, answers in standing.items():
        for annotation in answers:
            work[annotation.annotator_id].answers.append((task, annotation))
        answered = {a.annotator_id for a in answers}
        for person in {a.annotator_id for a in tasks[task]} - answered:
            work[person].skips += 1
    return work


def _report(person: int, work: _Work, words: Mapping[str, int]) -> AnnotatorReport:
    others = [
        (_of(one), one.value == one.others) for one in work.compared if one.others is not None
    ]
    truths = [(_of(one), one.value == one.truth) for one in work.compared if one.truth is not None]
    times = [(task, a.lead_time) for task, a in work.answers if a.lead_time is not None]
    confidences = [a.confidence for _, a in work.answers if a.confidence is not None]
    return AnnotatorReport(
        annotator_id=person,
        answers=len(work.answers),
        skips=work.skips,
        with_others=_share(others),
        others_interval=_interval(others),
        compared=len(others),
        with_truth=_share(truths),
        truth_interval=_interval(truths),
        checked=len(truths),
        median_seconds=median(seconds for _, seconds in times) if times else None,
        hasty=sum(is_hasty(seconds, words.get(task, 0)) for task, seconds in times),
        mean_confidence=fmean(confidences) if confidences else None,
        fields=tuple(work.errors),
        drift=_drift(work.compared),
    )


def _of(one: Comparison) -> int:
    """What the answers of one person to one task have in common."""
    return one.annotation.annotation_id


def _share(equal: Sequence[tuple[int, bool]]) -> float | None:
    return fmean(one for _, one in equal) if equal else None


def _interval(equal: Sequence[tuple[int, bool]]) -> Interval | None:
    if not equal:
        return None
    tasks = len({task for task, _ in equal})
    return wilson_interval(tasks * fmean(one for _, one in equal), tasks)


def _drift(compared: Sequence[Comparison]) -> Drift:
    apart: Counter[int] = Counter()
    given: dict[int, Annotation] = {}
    for one in compared:
        if one.others is not None:
            annotation = one.annotation
            given[annotation.annotation_id] = annotation
            apart[annotation.annotation_id] += one.value != one.others
    return drift_over_time(
        [
            (
                instant(a.updated_at, f"updated_at of annotation {a.annotation_id}"),
                not apart[number],
            )
            for number, a in sorted(given.items())
        ]
    )
