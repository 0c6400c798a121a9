"""pull: the annotations as they stand in Label Studio, into the store.

An incremental pull asks for the tasks that changed since the last one, by Label Studio's own clock
and with an overlap. A full pull asks for every task, and so also notices tasks that were deleted.
Both read Label Studio's list of tasks with what was answered to each, page by page: that takes it
less time than an export, which has to be told the ids. Tasks that an event named are exported by
their ids. All of it is idempotent and may run at any time, several at once too.

To delete an annotation takes the answer back; to delete a task only takes it off the list, and what
people answered to it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, TypeVar

from goldloop.errors import LabelStudioError
from store.annotations import (
    RawAnnotation,
    get_cursor,
    people,
    save_annotators,
    save_token_user,
    set_cursor,
    store_task_annotations,
)
from store.database import Store, transaction, utc_now
from store.tasks import (
    ReviewProject,
    expert_project,
    mark_tasks_deleted,
    mark_tasks_present,
    review_project,
    task_samples,
    tasks_under_way,
)
from sync.claims import claimed
from sync.client import EXPORT_IDS, SERVER_ERROR, LabelStudioClient, is_ours, refusal
from sync.doubles import remove_doubles
from sync.project import Project

T = TypeVar("T")

OVERLAP = timedelta(seconds=30)


class Broken(Enum):
    """Label Studio failed in answering, as it does for what it cannot put into JSON."""

    BROKEN = auto()


BROKEN = Broken.BROKEN


@dataclass
class Pulled:
    """What a pull found: tasks looked at, samples whose annotations changed, tasks that are gone,
    tasks of the project that did not come from here, tasks that had arrived twice, samples on
    which an expert's answer changed (it counts once `route` has brought it to its task), who
    answered the tasks that were looked at, tasks that Label Studio could not give, and how many
    answers to gate reviews are new, changed or gone.
    """

    tasks: int = 0
    changed: set[str] = field(default_factory=set)
    deleted: int = 0
    foreign: int = 0
    doubles_removed: int = 0
    expert_answers: set[str] = field(default_factory=set)
    annotators: set[int] = field(default_factory=set)
    unreadable: list[int] = field(default_factory=list)
    gate_answers: int = 0

    def add(self, other: Pulled) -> None:
        """Count what another pull found, too."""
        self.tasks += other.tasks
        self.deleted += other.deleted
        self.foreign += other.foreign
        self.doubles_removed += other.doubles_removed
        self.changed |= other.changed
        self.expert_answers |= other.expert_answers
        self.annotators |= other.annotators
        self.unreadable += other.unreadable
        self.gate_answers += other.gate_answers


def pull(
    project: Project,
    db: Store,
    client: LabelStudioClient,
    *,
    full: bool = False,
    on_task: Callable[[int], None] = lambda _: None,
) -> Pulled:
    """Bring the store up to date with Label Studio; the first pull is always full."""
    pulled = Pulled()
    for ours in _projects(db):
        name = f"pull:{ours.project_id}"
        cursor = None if full else get_cursor(db, name)
        known = task_samples(db, ours.project_id)
        # Asked before the tasks are fetched, so that what changes meanwhile is looked at again.
        newest = or_broken(client.newest_change, ours.project_id)
        since = None if cursor is None else some_time_before(cursor)
        pages = readable_pages(client, ours.project_id, since, known.keys(), pulled)
        found = _store_pages(project, db, client, ours, known, pages, pulled, on_task)
        if cursor is None:
            there = found | set(pulled.unreadable)
            pulled.deleted += _mark_deleted(db, ours, known.keys() - there)
            mark_tasks_present(db, ours.project_id, found)
        if isinstance(newest, str):
            set_cursor(db, name, newest)
    _save_people(db, client)
    return pulled


def tasks_to_fetch(db: Store, *, full: bool = False) -> int | None:
    """How many tasks a pull fetches; None where only Label Studio knows what changed, and where
    nothing was pushed to the review project.
    """
    if review_project(db) is None:
        return None
    if not full and any(get_cursor(db, f"pull:{ours.project_id}") for ours in _projects(db)):
        return None
    return sum(len(task_samples(db, ours.project_id)) for ours in _projects(db))


def pull_tasks(
    project: Project, db: Store, client: LabelStudioClient, task_ids: Collection[int]
) -> Pulled:
    """Bring the store up to date with these tasks; those that are not ours are left alone."""
    pulled = Pulled()
    wanted = set(task_ids)
    # The experts' first: what neither map knows may be a task that push has not recorded yet.
    for ours in reversed(_projects(db)):
        known = task_samples(db, ours.project_id)
        here = wanted & known.keys() if ours.role == "expert" else wanted
        ids = sorted(here)
        chunks = (ids[start : start + EXPORT_IDS] for start in range(0, len(ids), EXPORT_IDS))
        pages = (list(client.export(ours.project_id, chunk)) for chunk in chunks)
        found = _store_pages(project, db, client, ours, known, pages, pulled, lambda _: None)
        gone = (here & known.keys()) - found
        mark_tasks_deleted(db, ours.project_id, gone)
        pulled.deleted += len(gone)
        wanted -= here
    if not pulled.annotators <= people(db).keys():
        _save_people(db, client)
    return pulled


def find_deleted(db: Store, client: LabelStudioClient) -> int:
    """Notice the tasks that somebody deleted, which neither an event nor a date may tell; how many
    are gone.
    """
    deleted = 0
    for ours in _projects(db) if review_project(db) else ():
        # Read before the tasks are listed: what a push records meanwhile is not among those.
        known = task_samples(db, ours.project_id).keys()
        there = or_broken(lambda number: set(client.all_tasks(number)), ours.project_id)
        # Where Label Studio cannot list them, a pull asks for each that we know.
        if there is not BROKEN:
            deleted += _mark_deleted(db, ours, known - there)
    return deleted


def _projects(db: Store) -> list[ReviewProject]:
    """The review project and, where there is one, the experts'."""
    review, experts = review_project(db), expert_project(db)
    if review is None:
        raise LabelStudioError("nothing was pushed yet, so there is nothing to pull: goldloop push")
    return [review] if experts is None else [review, experts]


def _mark_deleted(db: Store, ours: ReviewProject, gone: Set[int]) -> int:
    """Record that these tasks of the project are gone; how many of the review project's."""
    mark_tasks_deleted(db, ours.project_id, gone)
    return len(gone) if ours.role == "review" else 0


def _save_people(db: Store, client: LabelStudioClient) -> None:
    found, ourselves = client.people(), client.whoami()
    with transaction(db):
        save_annotators(db, found)
        save_token_user(db, ourselves["id"])


def or_broken(ask: Callable[[int], T], project_id: int) -> T | Broken:
    """What Label Studio says of the project, or `BROKEN` where it fails in saying it."""
    try:
        return ask(project_id)
    except LabelStudioError as error:
        if refusal(error) != SERVER_ERROR:
            raise
        return BROKEN


def readable_pages(
    client: LabelStudioClient,
    project_id: int,
    since: str | None,
    known: Collection[int],
    pulled: Pulled,
) -> Iterator[list[Any]]:
    """The tasks that changed since, or all, page by page. Where Label Studio breaks on one of them,
    all but that one, which is added to `pulled`: one must not keep the others from being pulled.
    Where it cannot even list them (an answer that is nested too deeply does that), those that are
    known.
    """
    try:
        yield from client.annotated_pages(project_id, since)
    except LabelStudioError as error:
        if refusal(error) != SERVER_ERROR:
            raise
        ids = or_broken(lambda number: _listed(client, number, since), project_id)
        listed = sorted(known) if ids is BROKEN else ids
        for start in range(0, len(listed), EXPORT_IDS):
            chunk = listed[start : start + EXPORT_IDS]
            yield from _whatever_can_be_read(client, project_id, chunk, pulled)


def _listed(client: LabelStudioClient, project_id: int, since: str | None) -> list[int]:
    if since is None:
        return list(client.all_tasks(project_id))
    return list(client.tasks_changed_since(project_id, since))


def _whatever_can_be_read(
    client: LabelStudioClient, project_id: int, ids: Sequence[int], pulled: Pulled
) -> Iterator[list[Any]]:
    """The tasks, by halves where Label Studio breaks on them."""
    try:
        yield list(client.export(project_id, ids)) if ids else []
    except LabelStudioError as error:
        if refusal(error) != SERVER_ERROR:
            raise
        if len(ids) == 1:
            pulled.unreadable.append(ids[0])
            return
        middle = len(ids) // 2
        yield from _whatever_can_be_read(client, project_id, ids[:middle], pulled)
        yield from _whatever_can_be_read(client, project_id, ids[middle:], pulled)


def some_time_before(cursor: str) -> str:
    """Where an incremental pull begins: with an overlap, since changes may come in late."""
    return (datetime.fromisoformat(cursor) - OVERLAP).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _store_pages(
    project: Project,
    db: Store,
    client: LabelStudioClient,
    ours: ReviewProject,
    known: Mapping[int, str],
    pages: Iterable[Sequence[Mapping[str, Any]]],
    pulled: Pulled,
    on_task: Callable[[int], None],
) -> set[int]:
    """Store the annotations of these tasks of one project, page by page, add what happened to
    `pulled`, and say which of the tasks there are. `known` are the tasks that push recorded.
    """
    # Push may have died before it recorded a task, and people label on.
    awaited = {*known.values(), *tasks_under_way(db, ours.project_id)}
    found: dict[int, str] = {}
    asked_at = utc_now()
    for page in pages:
        # Not by its id: Label Studio on SQLite gives the id of a deleted task to a new one.
        samples = {
            task["id"]: task["data"]["sample_id"]
            for task in page
            if is_ours(task) and task["data"]["sample_id"] in awaited
        }
        present = _present(ours, page, samples)
        changed = store_task_annotations(db, present, asked_at)
        (pulled.changed if ours.role == "review" else pulled.expert_answers).update(changed)
        pulled.annotators |= {a.annotator_id for given in present.values() for a in given}
        pulled.tasks += len(samples)
        pulled.foreign += len(page) - len(samples)
        found |= samples
        on_task(len(page))
        asked_at = utc_now()
    if not found.keys() <= known.keys():
        pulled.doubles_removed += _mend(project, db, client, ours, found)
    return set(found)


def _present(
    review: ReviewProject, tasks: Iterable[Mapping[str, Any]], samples: Mapping[int, str]
) -> dict[tuple[int, int], list[RawAnnotation]]:
    """The annotations of each of our tasks, as the store takes them."""
    return {
        (review.project_id, task["id"]): [
            _annotation(raw, review.project_id, task["id"], samples[task["id"]])
            for raw in task["annotations"]
        ]
        for task in tasks
        if task["id"] in samples
    }


def _mend(
    project: Project,
    db: Store,
    client: LabelStudioClient,
    review: ReviewProject,
    samples: Mapping[int, str],
) -> int:
    """Remove the tasks that arrived twice; how many. While a push runs, that is left to it."""
    known = task_samples(db, review.project_id)
    delivered = set(known.values())
    others = {sample for task_id, sample in samples.items() if task_id not in known}
    twice = sorted(others & delivered)
    if not twice:
        return 0
    with claimed(project, "push") as held:
        return remove_doubles(db, client, review.project_id, twice) if held else 0


def _annotation(
    raw: Mapping[str, Any], project_id: int, task_id: int, sample_id: str
) -> RawAnnotation:
    completed_by, updated_by = raw.get("completed_by"), raw.get("updated_by")
    return RawAnnotation(
        annotation_id=raw["id"],
        project_id=project_id,
        task_id=task_id,
        sample_id=sample_id,
        # An id in exports and lists, an object in a single task, and nothing once the user was
        # deleted: then nobody can tell who it was, and two such must not pass for one voter.
        annotator_id=_user_id(completed_by) or -raw["id"],
        updated_by=_user_id(updated_by),
        result=raw.get("result") or [],
        was_cancelled=bool(raw.get("was_cancelled")),
        ground_truth=bool(raw.get("ground_truth")),
        lead_time=raw.get("lead_time"),
        created_at=raw["created_at"],
        updated_at=raw["updated_at"],
    )


def _user_id(user: Any) -> int | None:
    found = user["id"] if isinstance(user, Mapping) else user
    return found if isinstance(found, int) else None
