"""delivery: planned tasks, posted in parcels that are marked before and recorded after.

What was marked and never recorded is uncertain: Label Studio is asked which of it arrived.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from goldloop.errors import LabelStudioError
from store.database import Store
from store.tasks import mark_delivered, mark_sending
from sync.client import LabelStudioClient
from sync.grace import look_until

# Small enough that Label Studio takes a parcel in a few seconds.
PARCEL_BYTES = 8 * 2**20


def send_tasks(
    db: Store, client: LabelStudioClient, project_id: int, tasks: Sequence[dict[str, Any]]
) -> int:
    """Post planned tasks, each with its `sample_id` in `data`, and record their ids; how many."""
    for parcel in _parcels(tasks):
        sample_ids = [task["data"]["sample_id"] for task in parcel]
        mark_sending(db, project_id, sample_ids)
        ids = client.import_tasks(project_id, parcel)
        if len(ids) != len(parcel):
            raise LabelStudioError(
                f"Label Studio answered with {len(ids)} task ids for {len(parcel)} tasks; "
                "run the same command again: it asks which of them arrived"
            )
        mark_delivered(db, project_id, dict(zip(sample_ids, ids, strict=True)))
    return len(tasks)


def _parcels(tasks: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The tasks in parcels that Label Studio takes in one request, whatever their size."""
    parcel: list[dict[str, Any]] = []
    size = 0
    for task in tasks:
        weight = len(json.dumps(task))
        if parcel and size + weight > PARCEL_BYTES:
            yield parcel
            parcel, size = [], 0
        parcel.append(task)
        size += weight
    if parcel:
        yield parcel


def record_arrived(
    db: Store,
    client: LabelStudioClient,
    project_id: int,
    sample_ids: Sequence[str],
    sent_at: str | None,
) -> tuple[str, ...]:
    """Record what arrived of tasks that were cut off while they were sent; the missing ones."""
    arrived = look_until(
        sent_at,
        lambda: client.find_tasks(project_id, sample_ids),
        lambda found: len(found) == len(sample_ids),
    )
    mark_delivered(db, project_id, {sample: ids[0] for sample, ids in arrived.items()})
    return tuple(sample for sample in sample_ids if sample not in arrived)
