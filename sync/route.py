"""route: a disputed task goes to one more annotator at a time, through Label Studio's own queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from goldloop.consensus import State
from goldloop.routing import Asked, Step, next_step
from store.annotations import RawAnnotation, annotations_of, people
from store.consensus import stored_consensus
from store.database import Store
from store.further_annotators import (
    Request,
    confirm_request,
    plan_request,
    requested_overlaps,
)
from store.tasks import ReviewProject, review_project, task_samples
from sync.client import LabelStudioClient
from sync.project import Project


@dataclass
class Routed:
    """What was done about the disputed samples, by sample id.

    `asked`: given to one more annotator now. `mended`: Label Studio had lost the request (a changed
    project setting resets it), so it was made again. `nobody_left`: one more should be asked, but
    everybody has answered or skipped. `waiting`: asked before, not answered yet.
    """

    asked: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    nobody_left: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)


def route_disputes(project: Project, db: Store) -> Routed:
    """Ask one more annotator about every task that is complete and disputed.

    Safe to repeat at any time: a request is written down before it is made and confirmed after.
    """
    routed = Routed()
    review = review_project(db)
    disputed = [one.sample_id for one in stored_consensus(db, State.DISPUTED)]
    if review is None or not disputed:
        return routed
    with project.client() as client:
        ourselves = int(client.whoami()["id"])
        labellers = set(people(db)) - {ourselves} | _labellers(db, disputed)
        _route(project, db, client, review, disputed, labellers, routed)
    return routed


def _labellers(db: Store, sample_ids: Sequence[str]) -> set[int]:
    return {a.annotator_id for found in annotations_of(db, sample_ids).values() for a in found}


def _route(
    project: Project,
    db: Store,
    client: LabelStudioClient,
    review: ReviewProject,
    disputed: Sequence[str],
    labellers: set[int],
    routed: Routed,
) -> None:
    base = project.settings.label_studio.annotators_per_task
    most = project.settings.consensus.max_additional
    tasks = {sample: task for task, sample in task_samples(db, review.project_id).items()}
    overlaps = requested_overlaps(db, disputed)
    raw = annotations_of(db, disputed)
    for sample_id in disputed:
        asked = _asked(raw.get(sample_id, ()), overlaps.get(sample_id, base))
        step = next_step(asked, labellers, base, most)
        if step is Step.NOBODY_LEFT:
            routed.nobody_left.append(sample_id)
        elif step is Step.ANOTHER:
            request = Request(sample_id, tasks[sample_id], asked.overlap + 1)
            plan_request(db, review.project_id, request)
            if _ask(db, client, request):
                routed.asked.append(sample_id)
        elif len(asked.answered) < asked.overlap and sample_id in overlaps:
            request = Request(sample_id, tasks[sample_id], asked.overlap)
            _look_again(db, client, request, routed)


def _asked(annotations: Sequence[RawAnnotation], overlap: int) -> Asked:
    answered = {a.annotator_id for a in annotations if not a.was_cancelled}
    skipped = {a.annotator_id for a in annotations if a.was_cancelled} - answered
    return Asked(State.DISPUTED, answered, skipped, overlap)


def _ask(db: Store, client: LabelStudioClient, request: Request) -> bool:
    """Make a request that was written down; False when somebody deleted the task."""
    there = client.update_task(request.task_id, _overlap(request))
    if there:
        confirm_request(db, request)
    return there


def _look_again(db: Store, client: LabelStudioClient, request: Request, routed: Routed) -> None:
    """Make the request again where Label Studio does not know of it (any more)."""
    task = client.task(request.task_id)
    if task is None:
        return
    if task["overlap"] >= request.overlap and not task["is_labeled"]:
        routed.waiting.append(request.sample_id)
    elif _ask(db, client, request):
        routed.mended.append(request.sample_id)


def _overlap(request: Request) -> Mapping[str, object]:
    # Without is_labeled the task would stay complete, and nobody would be served it.
    return {"overlap": request.overlap, "is_labeled": False}
