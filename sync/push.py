"""push: rounds become tasks in Label Studio; no duplicate and no loss, whenever it dies.

Selecting wrote the round. Here every chunk is marked before it is posted and its task ids are
recorded after. What was marked and not recorded when a push starts is uncertain: Label Studio is
asked which of those samples arrived, and after a grace only the missing ones are sent. A request
that comes through later still makes doubles, which `sync.doubles` removes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from goldloop.errors import LabelStudioError, StoreError
from goldloop.samples import Run, Sample
from label_config.agent_prediction import agent_prediction
from label_config.interface import Interface
from label_config.tasks import check_task_data, task_data
from store.database import Store
from store.rounds import Pick, finish_round, round_picks, undelivered_rounds
from store.runs import get_runs
from store.samples import get_samples
from store.tasks import (
    Chunk,
    ReviewProject,
    mark_delivered,
    mark_sending,
    open_chunks,
    plan_tasks,
)
from sync.client import LabelStudioClient
from sync.doubles import deliveries_held, remove_doubles
from sync.grace import look_until
from sync.project import Project
from sync.review_project import ensure_review_project, register_backend

CHUNK = 100
# Small enough that Label Studio takes a parcel in a few seconds.
PARCEL_BYTES = 8 * 2**20


@dataclass
class Delivery:
    """What a push did."""

    project_id: int = 0
    rounds: list[int] = field(default_factory=list)
    sent: int = 0
    found: int = 0
    doubles_removed: int = 0
    backend_registered: bool = False


def push_rounds(
    project: Project, db: Store, on_sent: Callable[[int], None] = lambda _: None
) -> Delivery:
    """Deliver every round that is not delivered yet, oldest first.

    Raises StoreError when another push is at it: both would send what neither has recorded yet.
    """
    with deliveries_held(project) as ours, project.client() as client:
        if not ours:
            raise StoreError(
                "another push, or a pull that mends one, is at work on this store; let it end, "
                "then run the same command"
            )
        review = ensure_review_project(project, db, client)
        delivery = Delivery(review.project_id)
        for round_id, version in undelivered_rounds(db):
            _deliver(project, db, client, review, round_id, version, delivery, on_sent)
            delivery.rounds.append(round_id)
        delivery.backend_registered = register_backend(project, client, review.project_id)
    return delivery


def _deliver(
    project: Project,
    db: Store,
    client: LabelStudioClient,
    review: ReviewProject,
    round_id: int,
    version: str,
    delivery: Delivery,
    on_sent: Callable[[int], None],
) -> None:
    picks = {pick.sample_id: pick for pick in round_picks(db, round_id)}
    plan_tasks(db, review.project_id, round_id, list(picks), CHUNK)
    interface = project.interface()
    doubtful: list[str] = []
    for chunk in open_chunks(db, round_id):
        missing = chunk.sample_ids
        if chunk.sent_at is not None:
            doubtful += chunk.sample_ids
            missing = _recover(db, client, review.project_id, chunk, delivery)
        tasks = _tasks(project, db, interface, version, [picks[s] for s in missing])
        for parcel in _parcels(tasks):
            _send(db, client, review.project_id, parcel)
            delivery.sent += len(parcel)
        on_sent(len(chunk.sample_ids))
    if doubtful:
        delivery.doubles_removed += remove_doubles(db, client, review.project_id, doubtful)
    # Before the round is finished: no later push would come back to it.
    _show_version(client, review.project_id, version)
    finish_round(db, round_id)


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


def _send(
    db: Store, client: LabelStudioClient, project_id: int, parcel: Sequence[dict[str, Any]]
) -> None:
    sample_ids = [task["data"]["sample_id"] for task in parcel]
    mark_sending(db, project_id, sample_ids)
    ids = client.import_tasks(project_id, parcel)
    if len(ids) != len(parcel):
        raise LabelStudioError(
            f"Label Studio answered with {len(ids)} task ids for {len(parcel)} tasks; "
            "run the same command again: it asks which of them arrived"
        )
    mark_delivered(db, project_id, dict(zip(sample_ids, ids, strict=True)))


def _recover(
    db: Store, client: LabelStudioClient, project_id: int, chunk: Chunk, delivery: Delivery
) -> tuple[str, ...]:
    """Take what arrived of a chunk that was cut off into the store; what is missing comes back."""
    arrived = look_until(
        chunk.sent_at,
        lambda: client.find_tasks(project_id, chunk.sample_ids),
        lambda found: len(found) == len(chunk.sample_ids),
    )
    mark_delivered(db, project_id, {sample: ids[0] for sample, ids in arrived.items()})
    delivery.found += len(arrived)
    return tuple(sample for sample in chunk.sample_ids if sample not in arrived)


def _tasks(
    project: Project, db: Store, interface: Interface, version: str, picks: Sequence[Pick]
) -> list[dict[str, Any]]:
    ids = [pick.sample_id for pick in picks]
    samples, runs = get_samples(db, ids), get_runs(db, ids, version)
    names = project.settings.label_studio.prefill
    return [
        _task(interface, names, samples[pick.sample_id], runs[pick.sample_id], pick)
        for pick in picks
    ]


def _task(
    interface: Interface, names: Sequence[str], sample: Sample, run: Run, pick: Pick
) -> dict[str, Any]:
    data = task_data(sample, run)
    check_task_data(interface, data)
    return {
        "data": data,
        "meta": {
            "goldloop": {
                "round": pick.round_id,
                "reason": pick.reason,
                "rank": pick.rank,
                "uncertainty": pick.uncertainty,
                "novel": pick.novel,
                "inclusion_probability": pick.inclusion_probability,
                "confidence": pick.confidence,
                "confidence_method": run.confidence_method,
                "agent_version": run.agent_version,
            }
        },
        "predictions": [agent_prediction(interface, names, sample, run)],
    }


def _show_version(client: LabelStudioClient, project_id: int, version: str) -> None:
    """Label Studio shows, and ranks its queue by, the predictions of one model version."""
    client.update_project(project_id, {"model_version": version})
