"""route: a disputed task goes to one more annotator at a time, through Label Studio's own queue,
and to an expert when that does not settle it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from goldloop.consensus import State
from goldloop.routing import Step
from store.consensus import StoredConsensus, stored_consensus
from store.database import Store, transaction
from store.further_annotators import (
    Request,
    confirm_request,
    plan_request,
    requested_overlaps,
)
from store.gold_checks import end_checks
from store.tasks import ReviewProject, review_project, task_samples
from sync.checks import mend_checks
from sync.client import LabelStudioClient
from sync.consensus import update_consensus
from sync.experts import return_answers, send_cases, take_back_settled
from sync.forgotten import forgotten
from sync.project import Project
from sync.reconcile import reconcile
from views.routing import steps


@dataclass
class Routed:
    """What was done about the disputed samples, by sample id.

    `asked`: given to one more annotator now. `mended`: Label Studio had lost the request (a changed
    project setting resets it), so it was made again. `nobody_left`: one more should be asked, but
    everybody has answered or skipped. `waiting`: asked before, not answered yet. `to_experts`:
    given to the experts now; `returned`: what experts answered went back to the disputed task.
    `taken_back`: so many cases were settled before an expert began. `checks_mended`: so many gold
    checks had been lost as requests are.
    """

    asked: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    nobody_left: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    to_experts: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    taken_back: int = 0
    checks_mended: int = 0


def route_disputes(
    project: Project, db: Store, client: LabelStudioClient, *, look_again: bool = True
) -> Routed:
    """Bring every disputed task one step further: what experts decided goes back to it; one more
    annotator is asked, or the experts are.

    Safe to repeat at any time: whatever is asked of Label Studio is written down before and
    confirmed after. `look_again` also asks whether Label Studio still knows of earlier requests,
    which takes a call for each.
    """
    routed = Routed()
    review = review_project(db)
    if review is None:
        return routed
    routed.returned = return_answers(project, db, client, review)
    if routed.returned:
        reconcile(project, db, client)
    _end_checks(project, db)
    held = {one.sample_id: one for one in _held(db)}
    to_experts = _ask_others(project, db, client, review, held, routed, look_again)
    cases = {sample_id: held[sample_id].disputed for sample_id in to_experts}
    routed.to_experts = send_cases(project, db, client, cases)
    routed.taken_back = take_back_settled(db, client)
    if look_again:
        routed.checks_mended = mend_checks(db, client, review)
    return routed


def _held(db: Store) -> list[StoredConsensus]:
    return [*stored_consensus(db, State.DISPUTED), *stored_consensus(db, State.AMBIGUOUS)]


def _end_checks(project: Project, db: Store) -> None:
    """A sample that is disputed is no gold check: who was checked on it has voted on it."""
    with transaction(db):
        ended = end_checks(db, [one.sample_id for one in _held(db)])
    update_consensus(project, db, ended)


def _ask_others(
    project: Project,
    db: Store,
    client: LabelStudioClient,
    review: ReviewProject,
    held: Mapping[str, StoredConsensus],
    routed: Routed,
    look_again: bool,
) -> list[str]:
    """Ask one more annotator where that is next; the samples that are for the experts."""
    to_experts: list[str] = []
    if not held:
        return to_experts
    tasks = {sample: task for task, sample in task_samples(db, review.project_id).items()}
    requested = requested_overlaps(db, list(held))
    waiting: list[Request] = []
    for sample_id, (step, asked) in steps(project, db, held).items():
        request = Request(sample_id, tasks[sample_id], asked.overlap)
        if step is Step.NOBODY_LEFT:
            routed.nobody_left.append(sample_id)
        if step in (Step.NOBODY_LEFT, Step.EXPERT):
            to_experts.append(sample_id)
        elif step is Step.ANOTHER:
            further = Request(sample_id, tasks[sample_id], asked.overlap + 1)
            plan_request(db, review.project_id, further)
            if _ask(db, client, further):
                routed.asked.append(sample_id)
        elif step is Step.WAIT and sample_id in requested:
            waiting.append(request)
    if look_again:
        _look_again(db, client, review, waiting, routed)
    return to_experts


def _ask(db: Store, client: LabelStudioClient, request: Request) -> bool:
    """Make a request that was written down; False when somebody deleted the task."""
    there = client.update_task(request.task_id, _overlap(request))
    if there:
        confirm_request(db, request)
    return there


def _look_again(
    db: Store,
    client: LabelStudioClient,
    review: ReviewProject,
    waiting: Sequence[Request],
    routed: Routed,
) -> None:
    """Make the requests again that Label Studio does not know of (any more)."""
    overlaps = {request.task_id: request.overlap for request in waiting}
    lost = forgotten(client, review.project_id, overlaps)
    for request in waiting:
        if lost.get(request.task_id) is False:
            routed.waiting.append(request.sample_id)
        elif lost.get(request.task_id) and _ask(db, client, request):
            routed.mended.append(request.sample_id)


def _overlap(request: Request) -> Mapping[str, object]:
    # Without is_labeled the task would stay complete, and nobody would be served it.
    return {"overlap": request.overlap, "is_labeled": False}
