"""The consensus of one task: every field voted on, and what that means for the task."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from statistics import fmean
from typing import TYPE_CHECKING

from goldloop.agreement.rate import agreement_rate, all_equal
from goldloop.consensus.majority import majority_vote
from goldloop.consensus.states import Annotation, FieldConsensus, Rules, State, TaskConsensus
from goldloop.fields import Field, Value
from goldloop.times import instant

if TYPE_CHECKING:
    from goldloop.consensus.by_kind import FieldModel

UNLEARNED = "nothing was learned of this field's annotators yet: the votes are counted"


def counted(annotations: Iterable[Annotation]) -> tuple[Annotation, ...]:
    """The annotations that count: each person once, with the latest answer that is not a skip.

    Ordered by annotator, so that nothing after depends on the order of arrival. Raises RecordError
    when two by one person must be compared and an `updated_at` is no time.
    """
    latest: dict[int, Annotation] = {}
    for annotation in annotations:
        if annotation.was_cancelled:
            continue
        held = latest.get(annotation.annotator_id)
        if held is None or _age(annotation) > _age(held):
            latest[annotation.annotator_id] = annotation
    return tuple(latest[annotator] for annotator in sorted(latest))


def _age(annotation: Annotation) -> tuple[datetime, int]:
    what = f"updated_at of annotation {annotation.annotation_id}"
    return instant(annotation.updated_at, what), annotation.annotation_id


def task_consensus(
    rules: Rules,
    annotations: Sequence[Annotation],
    models: Mapping[str, FieldModel] | None = None,
) -> TaskConsensus:
    """What stands for one task, given all its annotations (skipped ones too).

    `models` are what was learned of each field's annotators, by field; a field without one (it was
    added later, or is of another kind now) is decided by majority vote. The task waits until
    `min_annotators` people answered and every gold field has its votes; it is disputed when a gold
    field is, and ambiguous when `max_annotators` people have answered by then; else it is agreed.
    An annotation marked as ground truth decides every field that it answers, whatever the votes;
    of several the latest does.
    """
    answers = counted(annotations)
    votes: dict[Field, dict[int | str, Value]] = {
        field: {a.annotator_id: a.answers[field.name] for a in answers if field.name in a.answers}
        for field in rules.fields
    }
    learned = models or {}
    truth = max((a for a in answers if a.ground_truth), key=_age, default=None)
    fields = tuple(
        _adjudicated(_voted(rules, field, given, learned.get(field.name), len(answers)), truth)
        for field, given in votes.items()
    )
    answered = {annotation.annotator_id for annotation in answers}
    skipped = {a.annotator_id for a in annotations if a.was_cancelled} - answered
    confidences = [a.confidence for a in answers if a.confidence is not None]
    return TaskConsensus(
        state=_task_state(rules, fields, len(answers)),
        fields=fields,
        agreement_rate=agreement_rate({f: list(given.values()) for f, given in votes.items()}),
        annotators=len(answers),
        skips=len(skipped),
        mean_confidence=fmean(confidences) if confidences else None,
        labels={f.field: f.value for f in fields if f.value is not None},
    )


def _voted(
    rules: Rules,
    field: Field,
    votes: Mapping[int | str, Value],
    model: FieldModel | None,
    annotators: int,
) -> FieldConsensus:
    if model is None or model.kind is not field.kind:
        counted = majority_vote(field, list(votes.values()), rules.min_annotators)
        result = replace(counted, reason=UNLEARNED)
    else:
        result = _decided(rules, field, votes, model)
    optional = field.name not in rules.gold_fields
    if result.state is State.WAITING and optional and annotators >= rules.min_annotators:
        # Nobody will vote on it any more.
        return replace(result, state=State.UNANSWERED)
    if result.state is State.DISPUTED and annotators >= (rules.max_annotators or math.inf):
        return replace(result, state=State.AMBIGUOUS)
    return result


def _decided(
    rules: Rules, field: Field, votes: Mapping[int | str, Value], model: FieldModel
) -> FieldConsensus:
    # Imported here because scipy loads slowly and most commands decide nothing.
    from goldloop.consensus.by_kind import decide

    outcome = decide(model, votes)
    doubtful = outcome.method == "hierarchical" and (outcome.confidence or 0) < rules.min_confidence
    if len(votes) < rules.min_annotators:
        state = State.WAITING
    elif outcome.value is None or outcome.tied or outcome.far_apart or doubtful:
        state = State.DISPUTED
    else:
        state = State.AGREED
    return FieldConsensus(
        field=field.name,
        state=state,
        value=outcome.value if state is State.AGREED else None,
        votes=len(votes),
        share=outcome.share,
        agreement=all_equal(field, list(votes.values())),
        method=outcome.method,
        method_version=outcome.method_version,
        confidence=outcome.confidence,
        posterior=outcome.posterior,
        vote=outcome.vote,
        spread=outcome.spread,
        reason=outcome.reason,
        warnings=outcome.warnings,
    )


def _adjudicated(result: FieldConsensus, truth: Annotation | None) -> FieldConsensus:
    if truth is None or result.field not in truth.answers:
        return result
    value = truth.answers[result.field]
    return replace(
        result,
        state=State.ADJUDICATED,
        value=value,
        method="ground_truth",
        method_version=1,
        confidence=1.0,
        posterior=((value, 1.0),),
        reason="an annotation was marked as the ground truth",
        warnings=(),
    )


def _task_state(rules: Rules, fields: Iterable[FieldConsensus], annotators: int) -> State:
    states = {f.state for f in fields if f.field in rules.gold_fields}
    if states == {State.ADJUDICATED}:
        return State.ADJUDICATED
    if annotators < rules.min_annotators or State.WAITING in states:
        return State.WAITING
    for state in (State.DISPUTED, State.AMBIGUOUS):
        if state in states:
            return state
    return State.AGREED
