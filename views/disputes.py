"""disputes: what people disagree on, what each answered, and why as far as the answers tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from goldloop.consensus import Annotation, State, counted
from goldloop.disagreement import Cause, Why, explain
from goldloop.fields import Field, Value
from goldloop.routing import Step
from store.annotations import annotated_samples
from store.consensus import StoredConsensus, stored_consensus
from store.database import Store
from store.samples import prn_of_samples
from store.tasks import ReviewProject, expert_project, review_project, task_samples
from views.answers import read_annotations, rules_in_use
from views.project import Project
from views.routing import steps


@dataclass(frozen=True, slots=True)
class Dispute:
    """One field of one sample on which no label stands: what was answered, without names.

    `next` is what routing does about the sample, `overlap` how many people were asked in all.
    `link` is the task in Label Studio: the experts' one when the sample is `with_experts`; None
    when Label Studio has lost it.
    """

    sample_id: str
    state: str
    field: str
    answers: tuple[Value, ...]
    overlap: int
    link: str | None
    why: Why
    next: Step
    with_experts: bool


_HELD = (State.DISPUTED, State.AMBIGUOUS)
_NEXT = {
    Step.NONE: "-",
    Step.WAIT: "one more annotator was asked",
    Step.ANOTHER: "one more annotator: goldloop route",
    Step.NOBODY_LEFT: "nobody is left to ask: invite somebody",
    Step.EXPERT: "an expert",
}
WITH_EXPERTS = "with the experts"


def next_text(dispute: Dispute) -> str:
    """What is next for the sample, in words."""
    return WITH_EXPERTS if dispute.with_experts else _NEXT[dispute.next]


def why_text(why: Why, names: Mapping[int, str]) -> str:
    """Why people disagree, in words; who is not among `names` is named by the id.

    >>> why_text(Why(Cause.GUIDELINE, options=("a", "b"), examples=("s1", "s2")), {})
    'a and b are confused, also in s1, s2'
    """
    if why.cause is Cause.ANNOTATOR:
        far = ", ".join(names.get(person, str(person)) for person in why.annotators)
        return f"far from the others everywhere: {far}"
    if why.cause is Cause.GUIDELINE:
        pair = " and ".join(map(str, why.options))
        also = f", also in {', '.join(why.examples)}" if why.examples else ""
        return f"{pair} are confused{also}"
    return "a hard case: people are unsure or slow" if why.cause is Cause.HARD_CASE else "-"


def held_back(db: Store) -> list[StoredConsensus]:
    """The consensus of every sample that a dispute holds back, by id."""
    found = [one for state in _HELD for one in stored_consensus(db, state)]
    return sorted(found, key=lambda one: one.sample_id)


def list_disputes(project: Project, db: Store, compared: int | None = None) -> list[Dispute]:
    """Every disputed or ambiguous field of every sample that is held back by one.

    What else people answered tells why they differ; with `compared` only so many further samples
    are looked at for it, those with the lowest permanent random numbers.
    """
    review = review_project(db)
    held = held_back(db)
    if review is None or not held:
        return []
    looked_at = _looked_at(db, [one.sample_id for one in held], compared)
    annotations = read_annotations(project, db, looked_at)
    rules, links = rules_in_use(project, db), _links(db, review)
    next_steps = steps(project, db, {one.sample_id: one for one in held})
    gold = [field for field in rules.fields if field.name in rules.gold_fields]
    found = []
    for field in rules.fields:
        disputed = [one for one in held if field.name in one.disputed]
        if not disputed:
            continue
        causes = explain(gold, annotations, {one.sample_id: field for one in disputed})
        for one in disputed:
            step, asked = next_steps[one.sample_id]
            link, with_experts = links.get(one.sample_id, (None, False))
            found.append(
                Dispute(
                    one.sample_id,
                    one.state.value,
                    field.name,
                    _answers(field, annotations[one.sample_id]),
                    asked.overlap,
                    link,
                    _elsewhere(causes[one.sample_id], one.sample_id),
                    step,
                    with_experts,
                )
            )
    return sorted(found, key=lambda dispute: dispute.sample_id)


def _elsewhere(why: Why, sample_id: str) -> Why:
    """The cause with other samples as its examples."""
    return replace(why, examples=tuple(one for one in why.examples if one != sample_id))


def _looked_at(db: Store, held: Sequence[str], compared: int | None) -> list[str]:
    answered = annotated_samples(db)
    if compared is None:
        return answered
    others = sorted(set(answered) - set(held))
    if len(others) > compared:
        order = np.argsort(prn_of_samples(db, others), kind="stable")
        others = [others[place] for place in order[:compared]]
    return sorted({*held, *others})


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
