"""doubles: tasks that arrived twice, put right.

A push that was killed leaves its last request running inside Label Studio, and nothing can call it
back. When the next push has waited and sent the tasks again, the first ones may still arrive. So
push looks for doubles after it recovered, and every pull looks at the tasks that it does not know.
"""

from __future__ import annotations

from collections.abc import Sequence

from store.database import Store
from store.tasks import mark_delivered, task_samples
from sync.client import LabelStudioClient


def remove_doubles(
    db: Store, client: LabelStudioClient, project_id: int, sample_ids: Sequence[str]
) -> int:
    """Delete all tasks of these samples but one each; how many were deleted.

    The one that stays is the one that the store knows, unless only others are labelled. A task that
    somebody labelled is never deleted: pull counts its answers for the sample. The caller holds
    the claim to push.
    """
    known = {sample_id: task_id for task_id, sample_id in task_samples(db, project_id).items()}
    removed = 0
    for sample_id, ids in client.find_tasks(project_id, sample_ids).items():
        if len(ids) < 2 and known.get(sample_id) in ids:
            continue
        labelled = [task["id"] for task in client.export(project_id, ids) if task["annotations"]]
        kept = _kept(known.get(sample_id), sorted(labelled) or ids)
        mark_delivered(db, project_id, {sample_id: kept})
        for task_id in ids:
            if task_id != kept and task_id not in labelled:
                client.delete_task(task_id)
                removed += 1
    return removed


def _kept(known: int | None, candidates: Sequence[int]) -> int:
    return known if known in candidates and known is not None else candidates[0]
