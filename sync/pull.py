"""pull: the annotations as they stand in Label Studio, into the store.

An incremental pull asks for the tasks that changed since the last one, by Label Studio's own clock
and with an overlap, and fetches those. A full pull fetches every task, and so also notices tasks
that were deleted. Both are idempotent and may run at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
from store.tasks import (
    ReviewProject,
    mark_tasks_deleted,
    mark_tasks_present,
    review_project,
    task_samples,
)
from sync.client import LabelStudioClient
from sync.project import Project

OVERLAP = timedelta(seconds=30)
BATCH = 500


@dataclass
class Pulled:
    """What a pull found: tasks looked at, samples whose annotations changed, tasks that are gone,
    and tasks of the project that did not come from here.
    """

    tasks: int = 0
    changed: set[str] = field(default_factory=set)
    deleted: int = 0
    foreign: int = 0


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
    client = project.client()
    name = f"pull:{review.project_id}"
    cursor = None if full else get_cursor(db, name)
    # Asked before the tasks are fetched, so that what changes meanwhile is looked at again.
    newest = client.newest_change(review.project_id)
    if cursor is None:
        pulled = _pull_all(db, client, review, on_task)
    else:
        since = (datetime.fromisoformat(cursor) - OVERLAP).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        changed = list(client.tasks_changed_since(review.project_id, since))
        pulled = pull_tasks(db, client, review, changed, on_task)
    with transaction(db):
        save_annotators(db, client.people())
        if newest is not None:
            set_cursor(db, name, newest)
    return pulled


def _pull_all(
    db: Store, client: LabelStudioClient, review: ReviewProject, on_task: Callable[[int], None]
) -> Pulled:
    known = task_samples(db, review.project_id)
    pulled = Pulled()
    seen = _store(db, review, client.export(review.project_id), known, pulled, on_task)
    gone = known.keys() - seen
    with transaction(db):
        pulled.changed |= store_task_annotations(db, {(review.project_id, t): () for t in gone})
        mark_tasks_deleted(db, review.project_id, gone)
        mark_tasks_present(db, review.project_id, seen)
    pulled.deleted = len(gone)
    return pulled


def pull_tasks(
    db: Store,
    client: LabelStudioClient,
    review: ReviewProject,
    task_ids: Sequence[int],
    on_task: Callable[[int], None] = lambda _: None,
) -> Pulled:
    """Fetch just these tasks; those that are not ours are counted and left alone."""
    known = task_samples(db, review.project_id)
    ours = [task_id for task_id in task_ids if task_id in known]
    pulled = Pulled(foreign=len(task_ids) - len(ours))
    tasks = client.export(review.project_id, ours)
    _store(db, review, tasks, known, pulled, on_task)
    return pulled


def _store(
    db: Store,
    review: ReviewProject,
    tasks: Iterable[Mapping[str, Any]],
    known: Mapping[int, str],
    pulled: Pulled,
    on_task: Callable[[int], None],
) -> set[int]:
    """Store the annotations of these tasks, batch by batch; the ids of the tasks that are ours."""
    seen: set[int] = set()
    tasks = iter(tasks)
    while batch := list(islice(tasks, BATCH)):
        ours = {task["id"]: task for task in batch if task["id"] in known}
        present = {
            (review.project_id, task_id): [
                _annotation(raw, review.project_id, task_id, known[task_id])
                for raw in task["annotations"]
            ]
            for task_id, task in ours.items()
        }
        with transaction(db):
            pulled.changed |= store_task_annotations(db, present)
        pulled.tasks += len(ours)
        pulled.foreign += len(batch) - len(ours)
        seen |= ours.keys()
        on_task(len(batch))
    return seen


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
