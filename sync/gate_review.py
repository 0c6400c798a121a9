"""gate review: what people answered to the cases that a gate found flipped, fetched.

Their tasks are none of the review's, and the cases no samples of the pool: neither selection nor
estimates nor consensus change by them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from store.annotations import get_cursor, set_cursor
from store.database import Store
from store.gate_review import GateReviewProject, gate_review_project, gate_review_tasks
from sync.claims import claimed
from sync.client import LabelStudioClient
from sync.gate_review_project import GateReviewLedger
from sync.project import Project
from sync.pull import or_broken, some_time_before
from sync.side_tasks import Fetched, fetch_answers, fetch_answers_to

# Who sends such tasks, or asks for answers to them.
CLAIM = "gate-review"


def pull_gate_review(
    project: Project, db: Store, client: LabelStudioClient, *, full: bool = False
) -> Fetched:
    """Bring the answers of the gate reviews into the store: of the tasks that changed since the
    last time, or of all. Does nothing while another process is at it: the next pull finds them.
    """
    with _our_turn(project, db) as made:
        if made is None:
            return Fetched()
        name = f"pull:{made.project_id}"
        cursor = None if full else get_cursor(db, name)
        # Asked before the tasks are fetched, so that what changes meanwhile is looked at again.
        newest = or_broken(client.newest_change, made.project_id)
        since = None if cursor is None else some_time_before(cursor)
        fetched = fetch_answers(GateReviewLedger(db), client, made.project_id, since)
        if isinstance(newest, str):
            set_cursor(db, name, newest)
    return fetched


def pull_gate_review_tasks(
    project: Project, db: Store, client: LabelStudioClient, task_ids: Collection[int]
) -> Fetched:
    """The same for those of these tasks of Label Studio that are of a gate review."""
    with _our_turn(project, db) as made:
        if made is None:
            return Fetched()
        known = {one.task_id for one in gate_review_tasks(db) if one.project_id == made.project_id}
        ids = sorted(number for number in set(task_ids) if number in known)
        return fetch_answers_to(GateReviewLedger(db), client, made.project_id, ids)


@contextmanager
def _our_turn(project: Project, db: Store) -> Iterator[GateReviewProject | None]:
    """The project of the gate reviews, while nobody else asks for its answers: what was asked
    first and is stored last would undo what is newer. None where there is none, or somebody is.
    """
    made = gate_review_project(db)
    if made is None:
        yield None
        return
    with claimed(project, CLAIM) as ours:
        yield made if ours else None
