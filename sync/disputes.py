"""disputes: what people disagree on, what each answered, and why as far as the answers tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from goldloop.consensus import Annotation, State, counted
from goldloop.disagreement import Why, explain
from goldloop.fields import Field, Value
from store.annotations import annotated_samples
from store.consensus import StoredConsensus, stored_consensus
from store.database import Store
from store.further_annotators import requested_overlaps
from store.tasks import review_project, task_samples
from sync.consensus import read_annotations, rules_in_use
from sync.project import Project


@dataclass(frozen=True, slots=True)
class Dispute:
    """One field of one sample on which no label stands: what was answered, without names."""

    sample_id: str
    state: str
    field: str
    answers: tuple[Value, ...]
    overlap: int
    link: str
    why: Why


def list_disputes(project: Project, db: Store) -> list[Dispute]:
    """Every disputed or ambiguous field of every sample that is held back by one."""
    review = review_project(db)
    held = [c for c in stored_consensus(db) if c.state in (State.DISPUTED, State.AMBIGUOUS)]
    if review is None or not held:
        return []
    tasks = {sample: task for task, sample in task_samples(db, review.project_id).items()}
    annotations = read_annotations(project, db, annotated_samples(db))
    rules = rules_in_use(project, db)
    overlaps = requested_overlaps(db, [one.sample_id for one in held])
    gold = [field for field in rules.fields if field.name in rules.gold_fields]
    found = []
    for field in rules.fields:
        disputed = [one for one in held if field.name in one.disputed]
        causes = explain(gold, annotations, {one.sample_id: field for one in disputed})
        for one in disputed:
            link = f"{review.url}/projects/{review.project_id}/data?task={tasks[one.sample_id]}"
            asked = overlaps.get(one.sample_id, project.settings.label_studio.annotators_per_task)
            found.append(_dispute(one, field, annotations, asked, link, causes[one.sample_id]))
    return sorted(found, key=lambda dispute: dispute.sample_id)


def _dispute(
    held: StoredConsensus,
    field: Field,
    annotations: Mapping[str, Sequence[Annotation]],
    overlap: int,
    link: str,
    why: Why,
) -> Dispute:
    answers = tuple(
        a.answers[field.name]
        for a in counted(annotations[held.sample_id])
        if field.name in a.answers
    )
    return Dispute(held.sample_id, held.state.value, field.name, answers, overlap, link, why)
