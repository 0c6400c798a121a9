"""Annotators: how each person answers, against the others and against the ground truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from goldloop.agreement import all_equal
from goldloop.consensus.majority import majority_vote
from goldloop.consensus.states import Annotation, State
from goldloop.consensus.task import counted
from goldloop.fields import Field

# Nobody reads an agent's run, and judges it, in less.
FASTEST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class AnnotatorReport:
    """One person's work; a share is in [0, 1], and None where it rests on nothing.

    `with_others` is how often the answers equal the majority of the *other* people's answers
    (leave one out: nobody vouches for themselves), over `compared` answers that have one.
    `with_truth` is how often they equal an annotation that somebody else marked as ground truth,
    over `checked` answers. `median_seconds` is the median lead time, `hasty` the number of answers
    under 5 seconds. `mean_confidence` is the person's own.
    """

    annotator_id: int
    answers: int
    skips: int
    with_others: float | None
    compared: int
    with_truth: float | None
    checked: int
    median_seconds: float | None
    hasty: int
    mean_confidence: float | None


def annotator_reports(
    fields: Sequence[Field], tasks: Mapping[str, Sequence[Annotation]]
) -> tuple[AnnotatorReport, ...]:
    """A report on everybody who answered or skipped, by annotator id.

    `fields` are the questions that count; `tasks` has all annotations of each task, skips included.
    """
    people = {a.annotator_id for annotations in tasks.values() for a in annotations}
    standing = {task: counted(annotations) for task, annotations in tasks.items()}
    skips = {
        task: {a.annotator_id for a in annotations if a.was_cancelled}
        for task, annotations in tasks.items()
    }
    return tuple(_report(person, fields, standing, skips) for person in sorted(people))


def _report(
    person: int,
    fields: Sequence[Field],
    standing: Mapping[str, Sequence[Annotation]],
    skips: Mapping[str, set[int]],
) -> AnnotatorReport:
    own = [a for answers in standing.values() for a in answers if a.annotator_id == person]
    compared = [v for answers in standing.values() for v in _with_others(person, fields, answers)]
    checked = [v for answers in standing.values() for v in _with_truth(person, fields, answers)]
    times = [a.lead_time for a in own if a.lead_time is not None]
    confidences = [a.confidence for a in own if a.confidence is not None]
    skipped = [
        task
        for task, who in skips.items()
        if person in who and all(a.annotator_id != person for a in standing[task])
    ]
    return AnnotatorReport(
        annotator_id=person,
        answers=len(own),
        skips=len(skipped),
        with_others=fmean(compared) if compared else None,
        compared=len(compared),
        with_truth=fmean(checked) if checked else None,
        checked=len(checked),
        median_seconds=median(times) if times else None,
        hasty=sum(time < FASTEST_SECONDS for time in times),
        mean_confidence=fmean(confidences) if confidences else None,
    )


def _with_others(
    person: int, fields: Sequence[Field], answers: Sequence[Annotation]
) -> Iterable[bool]:
    """Whether each answer equals what most of the others said, where most said one thing."""
    for own in (a for a in answers if a.annotator_id == person):
        for field in fields:
            others = [
                a.answers[field.name]
                for a in answers
                if a.annotator_id != person and field.name in a.answers
            ]
            vote = majority_vote(field, others, min_votes=1)
            if vote.state is State.AGREED and vote.value is not None and field.name in own.answers:
                yield bool(all_equal(field, [own.answers[field.name], vote.value]))


def _with_truth(
    person: int, fields: Sequence[Field], answers: Sequence[Annotation]
) -> Iterable[bool]:
    """Whether each answer equals the ground truth that somebody else gave."""
    truths = [a for a in answers if a.ground_truth and a.annotator_id != person]
    for own in (a for a in answers if a.annotator_id == person):
        for truth in truths[-1:]:
            for field in fields:
                if field.name in own.answers and field.name in truth.answers:
                    values = [own.answers[field.name], truth.answers[field.name]]
                    yield bool(all_equal(field, values))
