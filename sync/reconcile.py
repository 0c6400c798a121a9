"""reconcile: the store brought level with Label Studio: answers pulled, consensus updated."""

from __future__ import annotations

from collections.abc import Callable, Collection

from store.annotations import stale_samples
from store.database import Store
from store.gate_review import gate_review_project
from store.tasks import review_project
from sync.client import LabelStudioClient
from sync.consensus import update_consensus
from sync.gate_review import pull_gate_review, pull_gate_review_tasks
from sync.project import Project
from sync.pull import Pulled, pull, pull_tasks
from sync.side_tasks import Fetched


def reconcile(
    project: Project,
    db: Store,
    client: LabelStudioClient,
    *,
    full: bool = False,
    on_task: Callable[[int], None] = lambda _: None,
) -> Pulled:
    """Pull, and update the consensus of exactly the samples that changed, now or in a turn that was
    cut off before it came so far. The answers of gate reviews come along.
    """
    # A checkout that only evaluates has pushed cases of a gate and nothing to review.
    nothing = review_project(db) is None and gate_review_project(db) is not None
    pulled = Pulled() if nothing else pull(project, db, client, full=full, on_task=on_task)
    _count(pulled, pull_gate_review(project, db, client, full=full))
    return _updated(project, db, pulled)


def reconcile_tasks(
    project: Project, db: Store, client: LabelStudioClient, task_ids: Collection[int]
) -> Pulled:
    """The same for some tasks of Label Studio."""
    nothing = review_project(db) is None and gate_review_project(db) is not None
    pulled = Pulled() if nothing else pull_tasks(project, db, client, task_ids)
    _count(pulled, pull_gate_review_tasks(project, db, client, task_ids))
    return _updated(project, db, pulled)


def _count(pulled: Pulled, fetched: Fetched) -> None:
    """Count what came of gate reviews, too."""
    pulled.gate_answers += fetched.answers
    pulled.doubles_removed += fetched.doubles
    pulled.unreadable += fetched.unreadable


def _updated(project: Project, db: Store, pulled: Pulled) -> Pulled:
    update_consensus(project, db, stale_samples(db))
    return pulled
