"""reconcile: the store brought level with Label Studio: answers pulled, consensus updated."""

from __future__ import annotations

from collections.abc import Callable, Collection

from store.annotations import stale_samples
from store.database import Store
from sync.client import LabelStudioClient
from sync.consensus import update_consensus
from sync.project import Project
from sync.pull import Pulled, pull, pull_tasks


def reconcile(
    project: Project,
    db: Store,
    client: LabelStudioClient,
    *,
    full: bool = False,
    on_task: Callable[[int], None] = lambda _: None,
) -> Pulled:
    """Pull, and update the consensus of exactly the samples that changed, now or in a turn that was
    cut off before it came so far.
    """
    return _updated(project, db, pull(project, db, client, full=full, on_task=on_task))


def reconcile_tasks(
    project: Project, db: Store, client: LabelStudioClient, task_ids: Collection[int]
) -> Pulled:
    """The same for some tasks of Label Studio."""
    return _updated(project, db, pull_tasks(project, db, client, task_ids))


def _updated(project: Project, db: Store, pulled: Pulled) -> Pulled:
    update_consensus(project, db, stale_samples(db))
    return pulled
