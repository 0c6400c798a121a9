"""disputes: what people disagree on, what each answered, and why as far as the answers tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from goldloop.consensus import Annotation, State, counted
from goldloop.disagreement import Why, explain
from goldloop.fields import Field, Value
from goldloop.routing import Step
from store.annotations import annotated_samples
from store.consensus import stored_consensus
from store.database import Store
from store.tasks import ReviewProject, expert_project, review_project, task_samples
from views.answers import read_annotations, rules_in_use
from views.project import Project
from views.routing import steps


@dataclass(frozen=True, slots=True)
class Dispute:
    """One field of one sample on which no label stands: what was answered, without names.

    `next` is what routing does about the sample, `overlap` how many people were asked in all.
    `link` is the task in Label Studio: the experts' one when the sample is `with_experts`.
    """

    sample_id: str
    state: str
    field: str
    answers: tuple[Value, ...]
    overlap: int
    link: str
    why: Why
    next: Step
    with_experts: bool


def list_disputes(project: Project, db: Store) -> list[Dispute]:
    """Every disputed or ambiguous field of every sample that is held back by one."""
    review = review_project(db)
    held = [c for c in stored_consensus(db) if c.state in (State.DISPUTED, State.AMBIGUOUS)]
    if review is None or not held:
        return []
    annotations = read_annotations(project, db, annotated_samples(db))
    rules, links = rules_in_use(project, db), _links(db, review)
    next_steps = steps(project, db, {one.sample_id: one for one in held})
    gold = [field for field in rules.fields if field.name in rules.gold_fields]
    found = []
    for field in rules.fields:
        disputed = [one for one in held if field.name in one.disputed]
        causes = explain(gold, annotations, {one.sample_id: field for one in disputed})
        for one in disputed:
            step, asked = next_steps[one.sample_id]
            link, with_experts = links[one.sample_id]
            found.append(
                Dispute(
                    one.sample_id,
                    one.state.value,
                    field.name,
                    _answers(field, annotations[one.sample_id]),
                    asked.overlap,
                    link,
                    causes[one.sample_id],
                    step,
                    with_experts,
                )
            )
    return sorted(found, key=lambda dispute: dispute.sample_id)


def _links(db: Store, review: ReviewProject) -> dict[str, tuple[str, bool]]:
    """Where to look at each sample, and whether that is the experts' project."""
    found: dict[str, tuple[str, bool]] = {}
    for place in (review, expert_project(db)):
        if place is not None:
            for task_id, sample_id in task_samples(db, place.project_id).items():
                link = f"{place.url}/projects/{place.project_id}/data?task={task_id}"
                found[sample_id] = link, place.role == "expert"
    return found


def _answers(field: Field, annotations: Sequence[Annotation]) -> tuple[Value, ...]:
    return tuple(a.answers[field.name] for a in counted(annotations) if field.name in a.answers)
