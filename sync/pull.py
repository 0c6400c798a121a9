"""pull: the annotations as they stand in Label Studio, into the store.

An incremental pull asks for the tasks that changed since the last one, by Label Studio's own clock
and with an overlap, and fetches those. A full pull fetches every task, and so also notices tasks
that were deleted. Both are idempotent and may run at any time.

To delete an annotation takes the answer back; to delete a task only takes it off the list, and what
people answered to it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from goldloop.errors import LabelStudioError
from store.annotations import (
    RawAnnotation,
    get_cursor,
    save_annotators,
    set_cursor,
    store_task_annotations,
)
from store.database import Store, transaction
from store.rounds import undelivered_rounds
from store.tasks import (
    ReviewProject,
    mark_tasks_deleted,
    mark_tasks_present,
    open_chunks,
    review_project,
    task_samples,
)
from sync.client import LabelStudioClient, is_ours
from sync.doubles import deliveries_held, remove_doubles
from sync.project import Project

OVERLAP = timedelta(seconds=30)
BATCH = 500


@dataclass
class Pulled:
    """What a pull found: tasks looked at, samples whose annotations changed, tasks that are gone,
    tasks of the project that did not come from here, and tasks that had arrived twice.
    """

    tasks: int = 0
    changed: set[str] = field(default_factory=set)
    deleted: int = 0
    foreign: int = 0
    doubles_removed: int = 0


def pull(
    project: Project,
    db: Store,
    *,
    full: bool = False,
    on_task: Callable[[int], None] = lambda _: None,
) -> Pulled:
    """Bring the store up to date with Label Studio; the first pull is always full."""
    review = review_project(db)
    if review is None:
        raise LabelStudioError("nothing was pushed yet, so there is nothing to pull: goldloop push")
    name = f"pull:{review.project_id}"
    cursor = None if full else get_cursor(db, name)
    with project.client() as client:
        # Asked before the tasks are fetched, so that what changes meanwhile is looked at again.
        newest = client.newest_change(review.project_id)
        if cursor is None:
            pulled, samples = _pull_all(db, client, review, on_task)
        else:
            since = (datetime.fromisoformat(cursor) - OVERLAP).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            changed = list(client.tasks_changed_since(review.project_id, since))
            pulled, samples = _pull_some(db, client, review, changed, on_task)
        pulled.doubles_removed = _mend(project, db, client, review, samples)
        people = client.people()
    with transaction(db):
        save_annotators(db, people)
        if newest is not None:
            set_cursor(db, name, newest)
    return pulled


def _pull_all(
    db: Store, client: LabelStudioClient, review: ReviewProject, on_task: Callable[[int], None]
) -> tuple[Pulled, Mapping[int, str]]:
    known = task_samples(db, review.project_id)
    there = list(client.all_tasks(review.project_id))
    pulled, samples = _pull_some(db, client, review, there, on_task)
    gone = known.keys() - samples.keys()
    with transaction(db):
        mark_tasks_deleted(db, review.project_id, gone)
        mark_tasks_present(db, review.project_id, samples.keys())
    pulled.deleted = len(gone)
    return pulled, samples


def _pull_some(
    db: Store,
    client: LabelStudioClient,
    review: ReviewProject,
    task_ids: Sequence[int],
    on_task: Callable[[int], None],
) -> tuple[Pulled, Mapping[int, str]]:
    """Store the annotations of these tasks, batch by batch; the sample of each that is ours."""
    known = task_samples(db, review.project_id)
    awaited = {*known.values(), *_under_way(db)}
    samples: dict[int, str] = {}
    pulled = Pulled()
    tasks = client.export(review.project_id, task_ids)
    while batch := list(islice(tasks, BATCH)):
        ours = {
            task["id"]: known.get(task["id"]) or task["data"]["sample_id"]
            for task in batch
            if task["id"] in known or (is_ours(task) and task["data"]["sample_id"] in awaited)
        }
        with transaction(db):
            pulled.changed |= store_task_annotations(db, _present(review, batch, ours))
        pulled.tasks += len(ours)
        pulled.foreign += len(batch) - len(ours)
        samples |= ours
        on_task(len(batch))
    return pulled, samples


def _under_way(db: Store) -> Iterator[str]:
    """The samples whose tasks push has not recorded yet: it may have died, and people label on."""
    for round_id, _ in undelivered_rounds(db):
        for chunk in open_chunks(db, round_id):
            yield from chunk.sample_ids


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
    with deliveries_held(project) as held:
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
        # An id in exports and lists, an object in a single task.
        annotator_id=_user_id(completed_by) or 0,
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
